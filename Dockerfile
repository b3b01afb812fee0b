# docker build -t freshet . && docker run --rm freshet run scenarios/library/headline.textproto
# The packages come from packages.txt, through quickstart.sh: one list for all.
FROM debian:12 AS build
WORKDIR /freshet
COPY . .
# --no-viz: a container has no window. Exit 1 is an answer (an objective was missed).
RUN ./quickstart.sh --no-viz || [ $? -eq 1 ]
RUN cmake --workflow --preset deb

FROM debian:12-slim
WORKDIR /freshet
COPY --from=build /freshet/build/release/package/*.deb /tmp/
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends /tmp/*.deb \
    && rm -rf /tmp/*.deb /var/lib/apt/lists/*
COPY scenarios/library scenarios/library
ENTRYPOINT ["freshet"]
