#!/bin/sh
# Instructions that the protocol machines take, counted by callgrind: unlike time, the same on a busy machine.
# Each workload runs a few rounds and twice as many, and the difference is printed by the unit that it is about.
#
#   Benchmarks/instructions.sh
set -eu
cd "$(dirname "$0")"
command -v valgrind > /dev/null || { echo "valgrind is not here" >&2; exit 1; }
swift build -c release --product bench-protocol > /dev/null
program=$(swift build -c release --show-bin-path)/bench-protocol

# Instructions of so many rounds of a workload.
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
    awk '/Collected/ { print $4; found = 1 } END { exit !found }'
}

# What one round of a workload takes.
round() {
  less=$(count "$1" "$2") && more=$(count "$1" $(($2 * 2))) && echo $(((more - less) / $2))
}

for workload in data/lines-72 data/lines-12 data/lines-998 data/stuffed-72 data/stuffed-4 data/empty-lines \
  bdat/lines-72 stuffing/lines-72 stuffing/stuffed-72; do
  if taken=$(round "$workload" 5); then
    awk -v name="$workload" -v taken="$taken" 'BEGIN { printf "%-24s %9.3f an octet\n", name, taken / 65536 }'
  fi
done
transaction=$(round transaction 200)
recipients=$(round recipients 50)
noops=$(round noops 100)
printf '%-24s %9d\n' 'MAIL, RCPT, DATA, 4 KB' "$transaction"
printf '%-24s %9d\n' 'one RCPT more' $(((recipients - transaction) / 49))
printf '%-24s %9d\n' 'one NOOP more' $(((noops - transaction) / 10))
