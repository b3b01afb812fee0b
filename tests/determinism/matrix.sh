#!/usr/bin/env bash
# matrix.sh BUILD_DIR sample|full: builds the program by several compilers and optimisation levels
# and runs the same scenarios with each: the digests must be equal (docs/determinism.md).
#
# The sample compares the program of BUILD_DIR itself with one other build: by the other compiler,
# at another level, with sanitizers, so that one build answers two questions. BUILD_DIR/determinism/
# holds one build tree a configuration; a second run reuses them.
# Exit: 0 equal, 1 not, 77 too few configurations to compare.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
mkdir -p "$1/determinism"
trees=$(cd "$1/determinism" && pwd)
extent=$2

# Name, compiler, flags. Automatic variables start as a pattern in one build and as zeros in another,
# so that an uninitialised read shows as a difference (rule D14).
sanitizers="-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -gline-tables-only"
case "$extent" in
  sample) configurations="
clang-O0-sanitizers clang++ -O0 -ftrivial-auto-var-init=pattern $sanitizers" ;;
  full) configurations="
gcc-O0          g++      -O0 -ftrivial-auto-var-init=pattern
gcc-O3          g++      -O3 -ftrivial-auto-var-init=zero
gcc-O3-native   g++      -O3 -march=native
clang-O0        clang++  -O0
clang-O2        clang++  -O2
clang-O3-native clang++  -O3 -march=native" ;;
  *) fail "usage: matrix.sh BUILD_DIR sample|full" ;;
esac
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1

built=()
declare -A program
if [ "$extent" = sample ]; then
  [ -x "$1/bin/freshet" ] || fail "$1/bin/freshet is not built"
  built=("$1")
  program[$1]=$(cd "$1" && pwd)/bin/freshet
fi
while read -r name compiler flags; do
  [ -n "$name" ] || continue
  if ! command -v "$compiler" >/dev/null; then
    skip "$name: no $compiler here (apt-get install clang)"
    continue
  fi
  echo "building $name: $compiler $flags"
  cmake -S "$root" -B "$trees/$name" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="$flags" -DFRESHET_BUILD_TESTS=OFF \
    -DFRESHET_BUILD_BENCH=OFF -DFRESHET_BUILD_VIZ=OFF -DFRESHET_PRECOMPILE=ON >"$trees/$name.log" 2>&1 ||
    { tail -n 40 "$trees/$name.log" >&2; fail "configuring $name"; }
  cmake --build "$trees/$name" --target freshet >>"$trees/$name.log" 2>&1 ||
    { tail -n 40 "$trees/$name.log" >&2; fail "building $name"; }
  built+=("$name")
  program[$name]=$trees/$name/bin/freshet
done <<<"$configurations"

if [ "${#built[@]}" -lt 2 ]; then
  echo "SKIPPED: one configuration alone has nothing to differ from"
  exit 77
fi

cd "$root"
differing=0
while read -r scenario arguments; do
  expected=
  for name in "${built[@]}"; do
    # shellcheck disable=SC2086  # The arguments are words.
    digest=$(digest_of "${program[$name]}" run "$scenario" $arguments)
    if [ -z "$expected" ]; then
      expected=$digest
      echo "$scenario $arguments"
      sed 's/^/  /' <<<"$digest"
    elif [ "$digest" != "$expected" ]; then
      echo "$scenario $arguments: $name differs from ${built[0]}:" >&2
      diff <(echo "$expected") <(echo "$digest") >&2 || true
      differing=$((differing + 1))
    fi
  done
done < <(scenario_lines "$extent")

[ "$differing" -eq 0 ] || fail "$differing digests differ"
echo "the same digests from ${#built[@]} builds: ${built[*]}"
