#!/usr/bin/env bash
# Exit codes and messages of the program, as a shell in CI sees them.
set -u
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
failures=0

# expect CODE PATTERN COMMAND...: runs it, checks the exit code and that the output has the pattern.
expect() {
  local code=$1 pattern=$2
  shift 2
  local output got
  output=$("$@" 2>&1)
  got=$?
  if [ "$got" -ne "$code" ] || ! grep -q -- "$pattern" <<< "$output"; then
    printf 'FAILED: %s\n  wanted exit %s and "%s", got exit %s and:\n%s\n' "$*" "$code" "$pattern" "$got" \
      "$(head -n 12 <<< "$output")"
    failures=$((failures + 1))
  fi
}

headline=$SOURCE/scenarios/library/published/c1_confluent_2020.textproto
designs=$SOURCE/scenarios/library/four_designs.textproto
short=(--set run_for=2s --set warm_up=1s --variant=no_fsync)

expect 0 '^digest order=[0-9a-f]\{16\} full=[0-9a-f]\{16\} result=[0-9a-f]\{16\}$' \
  "$PROGRAM" run "$headline" "${short[@]}"
expect 0 '"digest"' "$PROGRAM" run "$headline" "${short[@]}" --json
expect 0 'exit codes' "$PROGRAM" help
expect 2 'did you mean "run"' "$PROGRAM" rum "$headline"
expect 2 'did you mean "--variant"' "$PROGRAM" run "$headline" --varient=no_fsync
expect 2 'cannot be read' "$PROGRAM" run "$headline" --until-event=many
expect 2 'no variant is called "nofsync"' "$PROGRAM" run "$headline" --variant=nofsync
expect 2 'takes one scenario file' "$PROGRAM" run
expect 3 'No such file' "$PROGRAM" run "$directory/absent.textproto"
expect 0 'linger.ms' "$PROGRAM" explain linger
expect 2 'did you mean' "$PROGRAM" explain lingre
expect 0 'producer.latency' "$PROGRAM" list metrics
expect 0 'published table' "$PROGRAM" help report

# Ten planted mistakes: ten findings with places, and nothing is run.
cat > "$directory/ten.textproto" <<'TEXT'
name: "Ten"
run_for: "10"
zoness: "a"
topic { name: "orders" partitions: 0 replication_factor: 2 }
component { name: "audit" consumers { reads: "orders" members: 1 } }
component { name: "shop" producers { clients: 2 topic: "orders" lingre: "5ms" rate: "5k" event_size: "1KiB" } }
component { name: "log" kafka { brokers: 2 vcpus: 4 memory: "16GiB" network_bandwidth: "250Mib/s"
  volume { kind: NVMEE bandwidth: "327MB/s"
    write_latency { constant: "1ms" } read_latency { constant: "1ms" } } } }
fault { at: "1min" down { target: "lag/broker-1" } }
objective { metric: "producer.latency" of: "shopp" percentile: "99" at_most: "10ms" }
TEXT
expect 2 '^10 problems, nothing was run$' "$PROGRAM" validate "$directory/ten.textproto"
expect 2 'ten.textproto:7:[0-9]*: .*did you mean "250MiB/s"' "$PROGRAM" validate "$directory/ten.textproto"

# Somebody's own scenario names machines of the library's catalogue.
cat > "$directory/own.textproto" <<'TEXT'
name: "own"
run_for: "10s"
include: "library:catalogue/aws.textproto"
topic { name: "orders" partitions: 3 replication_factor: 3 }
component { name: "shop" producers { clients: 1 topic: "orders" rate: "1k/s" event_size: "1KiB" } }
component { name: "audit" consumers { reads: "orders" members: 1 } }
component { name: "log" kafka { brokers: 3 instance: "r6i.large" volume { type: "gp3" } } }
TEXT
expect 0 '^own [0-9a-f]\{32\}$' env -C "$SOURCE" "$PROGRAM" validate "$directory/own.textproto"
expect 2 'instance "r6i.larg" is no instance_type of the catalogue; closest: "r6i.large"' \
  env -C "$SOURCE" "$PROGRAM" validate "$directory/own.textproto" --set 'component[log].kafka.instance=r6i.larg'
expect 2 'in the library that comes with the program, and none was found' \
  env -C "$directory" "$PROGRAM" validate "$directory/own.textproto"

# A record, and what is made of it.
expect 0 'digest' "$PROGRAM" run "$headline" "${short[@]}" --record="$directory/a.frun"
expect 3 'exists' "$PROGRAM" run "$headline" "${short[@]}" --record="$directory/a.frun"
expect 0 'digest' "$PROGRAM" run "$headline" "${short[@]}" --record="$directory/b.frun" --recording=spans
expect 0 'producer.latency' "$PROGRAM" report "$directory/a.frun"
expect 0 'producer.latency' "$PROGRAM" report "$directory/a.frun" --format=csv
expect 2 'not a report format' "$PROGRAM" report "$directory/a.frun" --format=xml
expect 3 'not a run record' "$PROGRAM" report "$headline"

# Side by side: records, or the variants of a scenario; the same table for any number of jobs.
expect 0 'producer.latency p99' "$PROGRAM" compare "$directory/a.frun" "$directory/b.frun"
expect 2 'choose one of text, md, csv, json' "$PROGRAM" compare "$directory/a.frun" --format=xml
echo "no record" > "$directory/none.frun"
expect 3 "not a run record" "$PROGRAM" compare "$directory/a.frun" "$directory/none.frun"
expect 2 'no variant is called "tired"' "$PROGRAM" compare "$designs" --variant=tired
brief=(--set run_for=65s --set 'component[lakehouse].consumers.start_at=50s')
"$PROGRAM" compare "$designs" "${brief[@]}" --jobs=1 --format=csv > "$directory/one.csv"
"$PROGRAM" compare "$designs" "${brief[@]}" --jobs=4 --format=csv > "$directory/four.csv"
if ! diff "$directory/one.csv" "$directory/four.csv" ||
  ! grep -q '^section,of,figure,kafka,tiered,s3stream,leaderless' "$directory/one.csv"; then
  echo "FAILED: the comparison of four designs"
  failures=$((failures + 1))
fi

# A record is priced with any book; a book's mistakes are the author's, a missing one the world's.
book=$SOURCE/scenarios/library/prices/aws_us_east_1.textproto
expect 0 '^Bill, after warm up' "$PROGRAM" report "$directory/a.frun" --price-book="$book"
expect 0 'i3en.2xlarge,[0-9.]*,2190,h,0.904' "$PROGRAM" report "$directory/a.frun" --price-book="$book" --format=csv
expect 0 '"not_priced"' "$PROGRAM" report "$directory/a.frun" --price-book="$book" --json
expect 2 'not a format of a bill' "$PROGRAM" report "$directory/a.frun" --price-book="$book" --format=xml
expect 3 'No such file' "$PROGRAM" report "$directory/a.frun" --price-book="$directory/none.textproto"
sed 's/"0.904 USD"/"-0.904 USD"/' "$book" > "$directory/negative.textproto"
expect 2 'negative.textproto:[0-9]*:[0-9]*: .*is negative' \
  "$PROGRAM" report "$directory/a.frun" --price-book="$directory/negative.textproto"
expect 2 'ask for one of them' "$PROGRAM" report "$directory/a.frun" --price-book="$book" --against="$book"

# The waterfall: every column sums, and a record that somebody has changed cannot be read at all.
expect 0 'check: sums to the nanosecond: mean [0-9]* = [0-9]* ns x records; p50 [0-9]* = [0-9]* ns' \
  "$PROGRAM" report --waterfall "$directory/a.frun"
expect 2 'is a report of its own' "$PROGRAM" report --waterfall "$directory/a.frun" --price-book="$book"
expect 2 'is a report of its own' "$PROGRAM" report --waterfall "$directory/a.frun" --json
mkdir "$directory/prices"
cp "$directory/negative.textproto" "$directory/prices/aws_us_east_1.textproto"
cp "$SOURCE/scenarios/library/cross_zone_bill.textproto" "$directory"
expect 2 '^1 problem, nothing was run$' "$PROGRAM" run "$directory/cross_zone_bill.textproto"
if "$PROGRAM" list scenarios 2>/dev/null | grep -q '/prices/'; then
  echo "FAILED: a price book is listed as a scenario"
  failures=$((failures + 1))
fi

digest() { "$PROGRAM" report "$1" | grep '^digest'; }
if [ "$(digest "$directory/a.frun")" != "$(digest "$directory/b.frun")" ]; then
  echo "FAILED: the digest depends on the recording level"
  failures=$((failures + 1))
fi
head -c 3000 "$directory/a.frun" > "$directory/cut.frun"
expect 3 '' "$PROGRAM" report "$directory/cut.frun"

# The outside world: a full disk, a closed pipe, an interrupt.
if [ -e /dev/full ]; then
  expect 3 'No space left' bash -c '"$1" list metrics > /dev/full' _ "$PROGRAM"
fi
"$PROGRAM" run "$headline" --set run_for=1h --record="$directory/long.frun" --variant=no_fsync > /dev/null 2>&1 &
pid=$!
sleep 2
kill -INT "$pid"
wait "$pid"
code=$?
if [ "$code" -ne 130 ] || [ ! -e "$directory/long.frun.partial" ] || [ -e "$directory/long.frun" ]; then
  echo "FAILED: an interrupt ended with exit code $code"
  failures=$((failures + 1))
fi
expect 3 'not complete\|incomplete\|ends' "$PROGRAM" report "$directory/long.frun.partial"

# The return to a moment: the last events before it.
expect 0 'cause' "$PROGRAM" run "$headline" "${short[@]}" --until-event=5000 --trace

# A fault that touches nothing is vacuous: no page is written back within three seconds.
cat > "$directory/vacuous.textproto" <<'TEXT'
name: "vacuous"
run_for: "3s"
topic { name: "orders" partitions: 3 replication_factor: 1 }
component { name: "shop" producers { clients: 1 topic: "orders" rate: "100/s" event_size: "1KiB" } }
component { name: "audit" consumers { reads: "orders" members: 1 } }
component { name: "log" kafka { brokers: 1 vcpus: 2 memory: "16GiB" network_bandwidth: "1Gbit/s"
  volume { kind: NVME bandwidth: "327MB/s"
    write_latency { constant: "100us" } read_latency { constant: "100us" } } } }
fault { name: "grey" at: "1s" lasts: "1s" slow { target: "log/broker-1/disk" factor: "9" } }
TEXT
expect 1 'vacuous' "$PROGRAM" run "$directory/vacuous.textproto"
sed 's#broker-1/disk#broker-7/disk#' "$directory/vacuous.textproto" > "$directory/absent.textproto"
expect 2 'broker-7' "$PROGRAM" validate "$directory/absent.textproto"

[ "$failures" -eq 0 ] && echo "all as expected"
exit $((failures > 0))
