#!/usr/bin/env bash
# Tries quickstart.sh with a dpkg, an apt-get and a cmake that only write down how they were called:
# what it installs, when it leaves the network alone, what it exits with.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/tools" "$scratch/tree/build/release/bin"
cp "$root/quickstart.sh" "$root/packages.txt" "$scratch/tree/"

# tool NAME BODY: a stand-in in front of the real one.
tool() {
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$scratch/tools/$1"
  chmod +x "$scratch/tools/$1"
}
calls=$scratch/calls
tool dpkg-query 'for word in $MISSING; do [ "$word" = "${!#}" ] && exit 1; done; echo -n installed'
tool apt-get "echo \"apt-get \$*\" >>$calls; exit \${APT_CODE:-0}"
tool cmake "echo \"cmake \$*\" >>$calls; exit \${CMAKE_CODE:-0}"
tool sudo 'exec "$@"'
tool id 'echo ${USER_ID:-0}'
printf '#!/usr/bin/env bash\necho "freshet $*" >>%s\nexit ${RUN_CODE:-0}\n' "$calls" >"$scratch/tree/build/release/bin/freshet"
chmod +x "$scratch/tree/build/release/bin/freshet"

failures=0
# expect CODE CALLS NAME [VARIABLE=value ...] -- ARGUMENTS: the exit code, and the calls made, one a line.
expect() {
  local wanted=$1 wanted_calls=$2 name=$3 code=0 variables=()
  shift 3
  while [ "$1" != -- ]; do variables+=("$1"); shift; done
  shift
  : >"$calls"
  (cd / && env PATH="$scratch/tools:$PATH" MISSING= "${variables[@]}" "$scratch/tree/quickstart.sh" "$@") \
    >"$scratch/output" 2>&1 || code=$?
  if [ "$code" -ne "$wanted" ] || [ "$(cat "$calls")" != "$wanted_calls" ]; then
    echo "FAILED: $name: exit code $code (wanted $wanted), called:"
    sed 's/^/  /' "$calls"
    echo "printed:"
    sed 's/^/  /' "$scratch/output"
    failures=$((failures + 1))
  else
    echo "ok: $name"
  fi
}

build='cmake --workflow --preset demo'
run='freshet compare scenarios/library/headline.textproto'
update='apt-get update -qq'
install='apt-get install -qq -y --no-install-recommends'

expect 0 "$build
$run" "nothing missing: no network" --
expect 0 "$update
$install cmake clang libimgui-dev
$build
$run" "installs what is missing, and only that" MISSING="cmake clang libimgui-dev" --
expect 0 "$update
$install cmake clang
$build
$run" "--no-viz leaves out the window" MISSING="cmake clang libimgui-dev" -- --no-viz
expect 0 "$build
$run" "--no-viz with only the window missing" MISSING="libimgui-dev" -- --no-viz
expect 0 "" "--dry-run runs nothing" MISSING="cmake" -- --dry-run
grep -q "+ .*$install cmake" "$scratch/output" || { echo "FAILED: --dry-run prints no command"; failures=$((failures + 1)); }
expect 0 "$update
$install cmake
$build
$run" "not root: through sudo" MISSING=cmake USER_ID=1000 --
expect 0 "" "--help" -- --help
expect 2 "" "an unknown option" -- --bogus
expect 1 "$build
$run" "a missed objective is the exit code" RUN_CODE=1 --
expect 4 "$build
$run" "so is a broken invariant" RUN_CODE=4 --
expect 4 "$build" "a build that fails stops it" CMAKE_CODE=1 --
expect 3 "$update" "an apt that fails stops it" MISSING=cmake APT_CODE=100 --

# Without sudo: a path that holds the stand-ins and the few real tools that are needed, no more.
rm "$scratch/tools/sudo"
for name in bash env awk dirname cat; do ln -s "$(command -v "$name")" "$scratch/tools/$name"; done
expect 3 "" "neither root nor sudo" PATH="$scratch/tools" MISSING="cmake clang" USER_ID=1000 --
grep -q "$install cmake clang\|install -y --no-install-recommends cmake clang" "$scratch/output" ||
  { echo "FAILED: the apt line is not printed"; failures=$((failures + 1)); }
expect 0 "" "neither root nor sudo, --dry-run" PATH="$scratch/tools" MISSING=cmake USER_ID=1000 -- --dry-run

exit "$((failures > 0))"
