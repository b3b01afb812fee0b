#!/usr/bin/env bash
# Tries processes.sh and matrix.sh on programs that keep the same-bytes promise or break it in one
# known way: a script that cannot fail proves nothing. Exit: 77 when there is no second compiler.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

export GERMAN_LOCPATH=$scratch
localedef -i de_DE -f UTF-8 "$scratch/de_DE.UTF-8" >/dev/null 2>&1 || true

# expect 0|1 NAME BODY: runs processes.sh on a program whose body is BODY.
expect() {
  local wanted=$1 name=$2 code=0
  printf '#!/usr/bin/env bash\n%s\n' "$3" >"$scratch/program"
  chmod 755 "$scratch/program"
  "$here/processes.sh" "$scratch/program" sample >"$scratch/output" 2>&1 || code=$?
  if [ "$code" -ne "$wanted" ]; then
    cat "$scratch/output"
    echo "FAILED: a program that $name: exit code $code, not $wanted"
    exit 1
  fi
  echo "ok: a program that $name"
}

expect 0 "keeps its promise" 'echo "digest order=1 full=2 result=3"'
expect 0 "misses an objective" 'echo "digest order=1"; exit 1'
expect 1 "breaks an invariant" 'echo "digest order=1"; exit 4'
expect 1 "prints no digest" 'echo "all is well"'
expect 1 "draws from the machine" 'echo "digest order=$RANDOM$RANDOM$RANDOM"'
expect 1 "reads the directory" 'echo "digest order=$PWD"'
expect 1 "reads the time zone" 'echo "digest order=$(date +%Z)"'
expect 1 "reads the environment" 'echo "digest order=$MALLOC_PERTURB_"'
expect 1 "reads the user's home" 'echo "digest order=$HOME"'
if [ -d "$scratch/de_DE.UTF-8" ]; then
  expect 1 "obeys the locale" 'echo "digest order=$(printf %.1f 1e0 2>/dev/null)"'
fi

# expect_matrix 0|1 NAME EXPRESSION: runs matrix.sh on a program that prints EXPRESSION.
mkdir -p "$scratch/tree/tests/determinism"
cp "$here"/{matrix.sh,lib.sh,scenarios.txt} "$scratch/tree/tests/determinism/"
cat >"$scratch/tree/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES CXX)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
add_executable(freshet main.cc)
TEXT
expect_matrix() {
  local wanted=$1 name=$2 code=0
  cat >"$scratch/tree/main.cc" <<TEXT
#include <cstdio>
int main(int argc, char**) {
  int draws = argc;
  const auto draw = [&] { return ++draws; };
  const auto difference = [](int a, int b) { return a - b; };
  int unset[8];
  volatile int* slot = unset;
  (void)draw, (void)difference, (void)slot;
  std::printf("digest order=%d\\n", int($3));
}
TEXT
  # The sample's first program is the one of the build directory.
  mkdir -p "$scratch/tree/build/bin"
  c++ -O2 -o "$scratch/tree/build/bin/freshet" "$scratch/tree/main.cc"
  "$scratch/tree/tests/determinism/matrix.sh" "$scratch/tree/build" sample >"$scratch/output" 2>&1 || code=$?
  if [ "$code" -ne "$wanted" ]; then
    cat "$scratch/output"
    echo "FAILED: a program that $name: exit code $code, not $wanted"
    exit 1
  fi
  echo "ok: a program that $name"
}

if ! command -v clang++ >/dev/null; then
  echo "SKIPPED: the matrix has one compiler here (apt-get install clang)"
  [ -n "${FRESHET_REQUIRE_ALL_LEGS:-}" ] && exit 1
  exit 77
fi
expect_matrix 0 "is the same in every build" "draws"
expect_matrix 1 "draws twice in one expression" "difference(draw(), draw())"
expect_matrix 1 "reads what nobody wrote" "slot[3] == 0x01010101 ? 1 : slot[3] + (slot[3] == 0)"
