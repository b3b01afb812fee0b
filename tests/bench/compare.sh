#!/usr/bin/env bash
# compare.sh BUILD_DIR [ROUNDS]: races our engine against those that are built beside it, in turn,
# ROUNDS times (5), and prints medians and ratios as Markdown, the worst first
# (docs/performance.md). Processor time; a neighbour that fills the caches still shows: quote ratios.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: compare.sh BUILD_DIR [ROUNDS]" >&2; exit 2; }
bin=$1/bin
rounds=${2:-5}
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Name and program. The queue of ns-3 is in its name.
engines=("Freshet|own" "std::function in a binary heap|heap" "ns-3 PriorityQueue|ns3"
         "ns-3 Map|ns3" "ns-3 Heap|ns3" "SimGrid timers|simgrid")

race() {  # name, program, work, size, steps
  local name=$1 program=$bin/freshet_bench_$2 queue=PriorityQueue
  [ -x "$program" ] || return 0
  case $name in ns-3*) queue=${name#ns-3 } ;; esac
  echo "$3 $4|$name|$(FRESHET_NS3_QUEUE=$queue "$program" "$3" "$4" "$5")" >>"$results"
}

for ((round = 0; round < rounds; ++round)); do
  for work in "phold 1000 2000000" "phold 10000 2000000" "phold 100000 2000000" \
              "phold 1000000 2000000" "tandem 0 200000" "tandem 1 200000"; do
    for engine in "${engines[@]}"; do
      # shellcheck disable=SC2086  # Three words.
      race "${engine%|*}" "${engine#*|}" $work
    done
  done
done
for engine in ns3 simgrid; do
  [ -x "$bin/freshet_bench_$engine" ] || echo "SKIPPED: freshet_bench_$engine is not built" >&2
done

awk -F'|' '
  { values[$1 "|" $2] = values[$1 "|" $2] " " $3 }
  function median(list,   v, n, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; --j) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
  }
  function target(work, engine) {
    if (engine ~ /^ns-3/) return work ~ /tandem/ ? 1.8 : 2.5
    if (engine ~ /^SimGrid/) return work ~ /tandem/ ? 0 : 6
    if (work == "phold 1000") return 2.5
    if (work == "phold 10000") return 2.8
    if (work == "phold 100000") return 5
    if (work == "phold 1000000") return 5.5
    return 0
  }
  END {
    for (key in values) m[key] = median(values[key])
    for (key in m) {
      split(key, k, "|")
      if (k[2] == "Freshet") continue
      own = m[k[1] "|Freshet"]
      goal = target(k[1], k[2])
      printf "%.4f| %s | %s | %.1f | %.1f | %.2f | %s |\n", m[key] / own, k[1], k[2], own,
             m[key], m[key] / own, goal ? ">= " goal : "-"
    }
  }' "$results" | sort -t'|' -k1,1n | cut -d'|' -f2- | sed 's/^/|/; s/tandem 0/tandem, bare stations/; s/tandem 1/tandem, with metrics/; s/phold/PHOLD/' |
  { echo "| work, pending | peer | Freshet, ns | peer, ns | ratio | target |"
    echo "|---|---|---|---|---|---|"
    cat; }
