#!/usr/bin/env bash
# format.sh [--fix] [ROOM ...]: judges the format of every C++ file of the tree (or of the
# rooms named) by .clang-format; --fix repairs it.
# Exit: 0 all well, 1 not, 77 skipped for want of clang-format.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v clang-format >/dev/null; then
  echo "SKIPPED: clang-format is not installed (apt-get install clang-format)"
  [ -n "${FRESHET_REQUIRE_ALL_LEGS:-}" ] && exit 1
  exit 77
fi

mode=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then
  mode=(-i)
  shift
fi
rooms=("$@")
[ "${#rooms[@]}" -gt 0 ] || rooms=(apps models results scenarios sim tests viz)
list_files() {
  find "${rooms[@]}" \( -name '*.cc' -o -name '*.h' \) -print0
}
count=$(list_files | tr -dc '\0' | wc -c)
if ! list_files | xargs -0 -r -P 2 -n 20 clang-format "${mode[@]}"; then
  echo "tests/tidy/format.sh --fix repairs the files above" >&2
  exit 1
fi
echo "$count files"
