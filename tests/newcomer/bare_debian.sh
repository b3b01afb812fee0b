#!/usr/bin/env bash
# bare_debian.sh DIRECTORY [--no-viz]: what a newcomer meets. Makes a minimal Debian 12 in DIRECTORY
# (debootstrap, about 200 MB; an existing one is used again), clones this repository's HEAD into it,
# runs the two commands of the README there and prints how long each took, twice.
#
# Needs root and debootstrap. The mirror and the proxy are those of this machine's apt. Nothing
# outside DIRECTORY is changed; /proc is mounted in it while the script runs. Exit: the first failure's.
set -euo pipefail
[ $# -ge 1 ] && [ "$(id -u)" -eq 0 ] || { sed -n '2,8s/^# //p' "$0"; exit 2; }
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
shift
options=("$@")
suite=bookworm

# "http://mirror/debian", from one-line or deb822 sources.
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT) $(CREATED_BY)' 2>/dev/null |
  awk -v suite="$suite" '$2 == suite && $3 == "main" && $4 == "Packages" { print $1; exit }')
[ -n "$mirror" ] || { echo "apt on this machine knows no mirror of $suite" >&2; exit 3; }

if [ ! -e "$target/usr/bin/apt-get" ]; then
  # Proxies that apt is configured with are debootstrap's through the environment.
  proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy)
  env ${proxy:+http_proxy="$proxy"} debootstrap --variant=minbase "$suite" "$target" "$mirror" >"$target.log" 2>&1 ||
    { tail -n 20 "$target.log" >&2; exit 3; }
  rm -f "$target.log"
fi
# How this machine reaches its mirror: apt's options for proxies and certificates, name resolution.
apt-config dump | grep -E '^Acquire::(http|https)::' >"$target/etc/apt/apt.conf.d/90newcomer" || true
cp -L /etc/resolv.conf "$target/etc/resolv.conf" 2>/dev/null || true
cp -L /etc/hosts "$target/etc/hosts" 2>/dev/null || true
for file in $(sed -n 's/^Acquire::https\{0,1\}::.*\(CaInfo\|CAInfo\) "\(.*\)";$/\2/p' "$target/etc/apt/apt.conf.d/90newcomer"); do
  mkdir -p "$target$(dirname "$file")"
  cp -L "$file" "$target$file"
done

rm -rf "$target/freshet"
git -c safe.directory='*' clone --quiet --no-local --depth 1 "file://$source_tree" "$target/freshet"

mountpoint -q "$target/proc" || mount -t proc proc "$target/proc"
trap 'umount "$target/proc"' EXIT

# A terminal-less shell with nothing of this machine's environment but proxies.
inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    chroot "$target" /bin/bash -c "cd /freshet && $1"
}
timed() {
  local started=$SECONDS code=0
  inside "$1" || code=$?
  times+=("$((SECONDS - started)) s, exit code $code: $1")
  # Exit 1 of the first command says that an objective was missed: an answer.
  [ "$code" -eq 0 ] || { [ "$code" -eq 1 ] && [[ $1 == ./quickstart.sh* ]]; } || failed=$code
}

times=()
failed=0
first="./quickstart.sh ${options[*]:-}"
for command in "${first% }" "cmake --workflow --preset test" "${first% }" "cmake --workflow --preset test"; do
  timed "$command"
  [ "$failed" -eq 0 ] || break
done
printf '%s\n' "${times[@]}"
exit "$failed"
