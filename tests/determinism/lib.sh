#!/usr/bin/env bash
# For the scripts of this folder: the scenarios, and the digests of a run.

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# skip REASON: a leg that cannot run here; under FRESHET_REQUIRE_ALL_LEGS it must.
skip() {
  if [ -n "${FRESHET_REQUIRE_ALL_LEGS:-}" ]; then
    fail "$1, and FRESHET_REQUIRE_ALL_LEGS is set"
  fi
  echo "SKIPPED: $1"
}

# scenario_lines sample|full: lines of scenarios.txt.
scenario_lines() {
  grep -v '^ *\(#\|$\)' "$here/scenarios.txt" | if [ "$1" = sample ]; then head -n 5; else cat; fi
}

# digest_of COMMAND...: the digest lines that a run prints. A missed objective (exit 1) is an answer.
digest_of() {
  local output code=0
  output=$("$@" 2>&1) || code=$?
  if [ "$code" -gt 1 ]; then
    echo "$output" >&2
    fail "exit code $code from: $*"
  fi
  grep -i 'digest' <<<"$output" || {
    echo "$output" >&2
    fail "no digest printed by: $*"
  }
}
