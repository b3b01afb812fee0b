#!/usr/bin/env bash
# clang_tidy.sh BUILD_DIR sample|full: runs clang-tidy with .clang-tidy over the sources that
# BUILD_DIR/compile_commands.json knows. The sample is every 12th of sim and models; full is all.
# Exit: 0 all well, 1 not, 77 skipped for want of clang-tidy.
set -euo pipefail
build=$1
extent=$2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v clang-tidy >/dev/null; then
  echo "SKIPPED: clang-tidy is not installed (apt-get install clang-tidy)"
  [ -n "${FRESHET_REQUIRE_ALL_LEGS:-}" ] && exit 1
  exit 77
fi

# Sources only: generated code is not ours to tidy.
mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" |
  grep -F "$PWD/" | grep -vF "$(cd "$build" && pwd)/" | sort -u)
if [ "$extent" = sample ]; then
  mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -E '/(sim|models)/' |
    grep -v '/tests/' | awk 'NR % 12 == 1')
fi
if [ "${#files[@]}" -eq 0 ]; then
  echo "no sources in $build/compile_commands.json" >&2
  exit 1
fi
# The flags are the compiler's own: with g++ and warnings as errors clang meets options it does not know.
printf '%s\n' "${files[@]}" |
  xargs -P 2 -n 4 clang-tidy --quiet --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' -p "$build" 2> >(grep -v 'warnings generated' >&2 || true)
echo "${#files[@]} files"
