#!/usr/bin/env bash
# Runs one scenario of the library and compares it with its golden.
# To accept a change: PROGRAM run FILE --update-goldens=results/golden, and say why in CHANGELOG.md.
set -u
cd "$SOURCE" || exit 1
"$PROGRAM" run "scenarios/library/$1" --golden=results/golden > /dev/null
code=$?
# 1 is an answer: an objective that this scenario is there to miss. The golden holds the verdict.
[ "$code" -le 1 ] || { echo "exit code $code"; exit 1; }
