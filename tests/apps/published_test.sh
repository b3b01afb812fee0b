#!/usr/bin/env bash
# Runs a published scenario, holds it against its table, and compares the error table with the one that
# is committed. --update writes it.
#   published_test.sh SCENARIO DIRECTORY [--update]
set -u
cd "$SOURCE" || exit 1
records=$(mktemp -d)
trap 'rm -rf "$records"' EXIT
"$PROGRAM" run "scenarios/library/published/$1.textproto" --record="$records" > /dev/null
[ $? -le 1 ] || exit 1
table=results/published/$2/error_table.md
"$PROGRAM" report "$records"/*.frun --against="results/published/$2/published.csv" --format=md > "$records/table.md"
[ $? -le 1 ] || exit 1
if [ "${3:-}" = --update ]; then cp "$records/table.md" "$table"; fi
diff "$table" "$records/table.md"
