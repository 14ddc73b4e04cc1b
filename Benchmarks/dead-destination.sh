#!/bin/bash
# Measures how long the mail of one tenant takes to arrive, while nothing else is in the queue, and while another tenant has very
# many messages in it to a destination that is dead. Prints medians, and how much slower it is; fails where a case did.
#
#   ./dead-destination.sh [--rounds 5] [--backlog 100000] [--messages 5000] [--rate 200] [--seconds 10] [--rest 15]
#     [--folder DIR] [--only PATTERN] [--server FLAG]... [--no-build]
#
# --messages are sent as a burst, and --rate a second for --seconds, --rest seconds after the backlog has come, when the disk has
# written what it still held back. --only chooses among the kinds of dead destinations: refusing, silent. --folder says where the
# queue is, in a folder of its own that is gone afterwards; default: $TMPDIR or /tmp.
# --server gives bench-server a flag more, such as --workers=50.
set -u

rounds=5 backlog=100000 burst=5000 rate=200 seconds=10 rest=15 only=. build=yes flags=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --backlog) backlog=$2; shift 2 ;;
    --messages) burst=$2; shift 2 ;;
    --rate) rate=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --rest) rest=$2; shift 2 ;;
    --folder) export TMPDIR=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    --server) flags+=("$2"); shift 2 ;;
    --no-build) build=no; shift ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

. "$(dirname "$0")/shared.sh"

case $(stat -f -c %T "$work" 2>/dev/null) in
  tmpfs | ramfs) say "warning: $work is in memory, where a sync costs nothing: use --folder" ;;
esac

# --- The servers --------------------------------------------------------------------------------------------------

# Nobody listens there, so connections are refused at once.
new_port && refusing=$port
# Connections are taken, and nothing is ever said: an attempt takes the whole of its timeout, five minutes.
start silent "$bin/bench-server" --mode silent --port PORT || exit 1
silent=${ports[silent]}
# Where the living destination's mail arrives: bench-client itself.
new_port && arrivals=$port

# start_server DEAD-PORT: one with an empty queue.
start_server() {
  local folder
  folder=$(mktemp -d "$work/queue.XXXXXX") || return
  start server "$bin/bench-server" --mode sqlite --data "$folder" --port PORT --tenants 2 \
    --route "dead.example=127.0.0.1:$1" --route "live.example=127.0.0.1:$arrivals" "${flags[@]}"
}

stop_server() {
  stop server
  rm -rf "$work"/queue.*
}

# --- The cases ----------------------------------------------------------------------------------------------------

results="$work/results"
: >"$results"

# by_tenant TENANT DOMAIN FLAGS...: what bench-client reports, in $work/client.log.
by_tenant() {
  local tenant=$1 domain=$2
  shift 2
  timeout 600 "$bin/bench-client" --port "${ports[server]}" --connections 20 --source "$tenant" --to "$domain" "$@" \
    >"$work/client.log" 2>&1 && return
  sed 's/^/  /' "$work/client.log" >&2
  return 1
}

# live KIND ROUND NAME FLAGS...: the second tenant's messages, and how long they took.
live() {
  local kind=$1 round=$2 name=$3 value
  shift 3
  by_tenant 2 live.example --arrivals "$arrivals" --patience 120 --size 4096 "$@" || return
  [ "$name" = warm-up ] && return
  for value in arrival-p50-ms arrival-p99-ms arrivals/s; do
    # What is sent at a pace arrives at that pace.
    [ "$name-$value" = steady-arrivals/s ] ||
      echo "$kind $round $name-$value $(reported "$value")" >>"$results"
  done
}

# measure KIND ROUND DEAD-PORT BACKLOG
measure() {
  local kind=$1 round=$2 outcome
  start_server "$3" || return
  live "$kind" "$round" warm-up --messages 500 &&
    { [ "$4" = 0 ] || by_tenant 1 dead.example --size 1024 --messages "$4"; } &&
    sleep "$rest" &&
    live "$kind" "$round" steady --rate "$rate" --messages $((rate * seconds)) &&
    live "$kind" "$round" burst --messages "$burst"
  outcome=$?
  stop_server
  return $outcome
}

status=0
# failed WHAT: it is told, and the script fails in the end.
failed() {
  say "failed: $1"
  status=1
}

for round in $(seq "$rounds"); do
  say "round $round of $rounds"
  measure none "$round" "$refusing" 0 || failed "nothing else in the queue"
  for kind in refusing silent; do
    [[ $kind =~ $only ]] || continue
    measure "$kind" "$round" "${!kind}" "$backlog" || failed "$kind"
  done
done

# --- The figures --------------------------------------------------------------------------------------------------

# How much slower is the median of the rounds' ratios, so that a machine that changes its pace does no harm.
awk -v backlog="$backlog" "$median"'
  function of(kind, name,   round, list, n) {
    for (round = 1; round <= rounds; round++) if ((kind, name, round) in value) list[++n] = value[kind, name, round]
    return n ? sprintf("%.2f", median(list, n)) : "-"
  }
  function slower(kind, name,   round, list, n, ratio) {
    for (round = 1; round <= rounds; round++)
      if (value["none", name, round] > 0 && value[kind, name, round] > 0) {
        ratio = value[kind, name, round] / value["none", name, round]
        list[++n] = name ~ /\/s$/ ? 1 / ratio : ratio
      }
    return n ? sprintf("%.2f", median(list, n)) : "-"
  }
  { value[$1, $3, $2] = $4; if ($2 > rounds) rounds = $2
    if (!($1 in seenkind)) { seenkind[$1] = 1; if ($1 != "none") kinds[++nkinds] = $1 }
    if (!($3 in seenname)) { seenname[$3] = 1; names[++nnames] = $3 } }
  END {
    line = "| median of the rounds | nothing else in the queue |"; rule = "|---|---|"
    for (k = 1; k <= nkinds; k++) {
      line = line " " backlog " to a host that is " kinds[k] " | slower by |"; rule = rule "---|---|" }
    print line; print rule
    for (i = 1; i <= nnames; i++) {
      line = "| " names[i] " | " of("none", names[i]) " |"
      for (k = 1; k <= nkinds; k++) line = line " " of(kinds[k], names[i]) " | " slower(kinds[k], names[i]) " |"
      print line
    }
  }' "$results" || status=1
exit $status
