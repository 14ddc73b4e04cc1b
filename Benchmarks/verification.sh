#!/bin/bash
# Measures signing and verifying beside `openssl speed`, in turn within each round, and prints the medians of the rounds' ratios.
#
#   ./verification.sh [--rounds 3] [--seconds 2] [--no-build]
set -u

rounds=3 seconds=2 build=yes
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --no-build) build=no; shift ;;
    *) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

. "$(dirname "$0")/shared.sh"

# speed ALGORITHM: how many signatures openssl makes in a second, with one process.
speed() {
  openssl speed -seconds "${seconds%.*}" -mr "$1" 2>/dev/null |
    awk -F: '$1 == "+F2" { print $4 } $1 == "+F6" { print $5 }'
}

results="$work/results"
: >"$results"
for round in $(seq "$rounds"); do
  say "round $round of $rounds"
  echo "openssl-rsa $(speed rsa2048)" >>"$results"
  "$bin/bench-verification" --seconds "$seconds" >"$work/ours" || exit 1
  echo "openssl-ed25519 $(speed ed25519)" >>"$results"
  # | case | µs each | a second | MB/s |
  awk -F' *[|] *' 'NR > 2 { gsub(" ", "_", $2); print $2, $4, $3, ($5 == "" ? "-" : $5) }' "$work/ours" >>"$results"
  echo end >>"$results"
done

awk "$median"'
  function push(name, value) { count[name]++; values[name, count[name]] = value }
  function middle(name,   list, i) {
    for (i = 1; i <= count[name]; i++) list[i] = values[name, i]
    return count[name] ? median(list, count[name]) : 0
  }
  $1 == "end" {
    push("rsa-2048 signatures a second / openssl speed", rate["rsa-2048,_bare"] / rate["openssl-rsa"])
    push("ed25519 signatures a second / openssl speed", rate["ed25519,_bare"] / rate["openssl-ed25519"])
    push("a message signed with both / the two bare signatures", time["sign_a_message_with_both"] / time["both,_bare"])
    next
  }
  {
    rate[$1] = $2; time[$1] = $3
    if ($1 in seen == 0) { seen[$1] = 1; names[++n] = $1 }
    push($1 " a second", $2); push($1 " us", $3); push($1 " MB/s", $4)
  }
  END {
    print "| ratio, median of the rounds | |"; print "|---|---|"
    split("rsa-2048 signatures a second / openssl speed;ed25519 signatures a second / openssl speed;" \
      "a message signed with both / the two bare signatures", ratios, ";")
    for (i = 1; i <= 3; i++) printf "| %s | %.2f |\n", ratios[i], middle(ratios[i])
    print ""; print "| case | us each | a second | MB/s |"; print "|---|---|---|---|"
    for (i = 1; i <= n; i++) if (names[i] !~ /^openssl/) {
      name = names[i]; gsub("_", " ", name)
      speed = values[names[i] " MB/s", 1] == "-" ? "" : sprintf("%d", middle(names[i] " MB/s"))
      printf "| %s | %.1f | %d | %s |\n", name, middle(names[i] " us"), middle(names[i] " a second"), speed
    }
  }' "$results"
