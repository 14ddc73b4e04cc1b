#!/bin/bash
# Measures bench-server's queue on disk beside Postfix's, on the same disk and in turn, and prints medians and ratios.
#
#   ./queue.sh [--rounds 5] [--messages 5000] [--folder DIR] [--only PATTERN] [--no-log] [--postfix NAME=VALUE]...
#     [--no-build]
#
# --folder says where the queues are, in a folder of their own that is gone afterwards; default: $TMPDIR or /tmp.
# --no-log: neither logs its messages. --postfix adds a setting to main.cf. Needs root, since Postfix does; this machine's own
# Postfix is not touched.
# What is missing is skipped by name: postfix, smtp-source and smtp-sink (Debian: postfix).
set -u

rounds=5 messages=5000 warm_up_messages=500 only=. build=yes log=--log-messages postfix_settings=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --messages) messages=$2; shift 2 ;;
    --folder) export TMPDIR=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    --postfix) postfix_settings+=("$2"); shift 2 ;;
    --no-log) log= postfix_settings+=("maillog_file = /dev/null" "maillog_file_prefixes = /dev"); shift ;;
    --no-build) build=no; shift ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

. "$(dirname "$0")/shared.sh"

case $(stat -f -c %T "$work" 2>/dev/null) in
  tmpfs | ramfs) say "warning: $work is in memory, where a sync costs nothing: use --folder" ;;
esac
# Postfix's processes are no root's.
chmod 711 "$work"

# --- The servers --------------------------------------------------------------------------------------------------

postfix_is_there() {
  has postfix && has postconf || { skip "postfix" "not installed"; return 1; }
  [ "$(id -u)" = 0 ] || { skip "postfix" "needs root"; return 1; }
  master_cf=$(postconf -h meta_directory)/master.cf.proto
  [ -r "$master_cf" ] || { skip "postfix" "no $master_cf"; return 1; }
}

# start_postfix NAME SETTING...: an instance of its own, with Postfix's defaults but for what is said here.
start_postfix() {
  local name=$1 folder port
  folder=$(mktemp -d "$work/postfix.XXXXXX") || return
  shift
  new_port
  mkdir "$folder/etc" "$folder/queue" "$folder/data"
  chmod 755 "$folder" && chown postfix "$folder/data"
  printf '%s\n' \
    "compatibility_level = 3.6" \
    "# Where it is, so that it touches no other." \
    "queue_directory = $folder/queue" "data_directory = $folder/data" \
    "# Its own log, since a machine may have no syslog. It is not synced." \
    "maillog_file = $folder/mail.log" "maillog_file_prefixes = $folder" \
    "# Who it is, and that it stays on this machine." \
    "myhostname = bench.example.com" "inet_interfaces = 127.0.0.1" "inet_protocols = ipv4" \
    "mynetworks = 127.0.0.0/8" \
    "# Nothing is delivered here, so there is nobody to look up." \
    "mydestination =" "alias_maps =" "alias_database =" "local_recipient_maps =" \
    "$@" "${postfix_settings[@]}" >"$folder/etc/main.cf"
  # A port instead of the service smtp; no chroot, since that wants copies of files of the machine's in the queue's folder.
  awk -v endpoint="127.0.0.1:$port" '
    /^[a-z]/ && NF >= 8 { if ($1 == "smtp" && $2 == "inet") $1 = endpoint; $5 = "n" }
    { print }' "$master_cf" >"$folder/etc/master.cf"
  start_on "$port" "$name" postfix -c "$folder/etc" start-fg
}

# start_ours NAME FLAGS...: on a data folder of its own. It logs as much as a service would, as Postfix does.
start_ours() {
  local name=$1 folder
  folder=$(mktemp -d "$work/ours.XXXXXX") || return
  shift
  start "$name" "$bin/bench-server" --mode sqlite --data "$folder" --port PORT $log "$@"
}

# quiet NAME: waits until a server takes no more processor time: its queue is empty.
quiet() {
  local before=none now try
  for try in $(seq 200); do
    now=$(processor_time "${pids[$1]}")
    [ "$now" = "$before" ] && return
    before=$now
    sleep 0.3
  done
}

# --- The cases ----------------------------------------------------------------------------------------------------

results="$work/results"
: >"$results"

# note CASE SERVER ROUND NAME VALUE
note() { echo "$*" >>"$results"; }

# note_processor CASE SERVER ROUND INSTANCE BEFORE: microseconds a message, for the whole life of the messages.
note_processor() {
  quiet "$4"
  note "$1" "$2" "$3" processor-us $((($(processor_time "${pids[$4]}") - $5) * 1000 / messages))
}

# Each takes a server and the round, and notes what it finds; fails where a message failed.
measure_accept() {
  local before rate
  before=$(processor_time "${pids[$1]}")
  rate=$(by_source "${ports[$1]}" -d)
  [ -n "$rate" ] || return
  note accept "$1" "$2" messages/s "$rate"
  note_processor accept "$1" "$2" "$1" "$before"
}

measure_latency() {
  local name
  by_client "${ports[$1]}" --messages "$messages" || return
  for name in messages/s {reply,transaction}-{p50,p99,p99.9}-ms; do
    note latency "$1" "$2" "$name" "$(reported "$name")"
  done
  quiet "$1"
}

# warm_up SERVER: what a first load alone costs is no matter here: processes that are forked, files that are made.
warm_up() {
  by_client "${ports[$1]}" --messages "$warm_up_messages"
  quiet "$1"
}

# From the first connection until the sink, which ends with the last message, has all of them. It ends before it answers that
# one, so the server is a new one each time.
measure_deliver() {
  local server=$1-deliver sink port as=() failed
  new_port
  as=(-u nobody)
  [ "$(id -u)" = 0 ] || as=()
  timeout 120 smtp-sink "${as[@]}" -M $((messages + warm_up_messages)) "127.0.0.1:$port" 1000 &
  sink=$!
  holders+=($sink)
  case $1 in
    ours) start_ours "$server" --deliver "127.0.0.1:$port" ;;
    postfix) start_postfix "$server" "relayhost = [127.0.0.1]:$port" ;;
  esac && warm_up "$server" && measure_relaying "$1" "$2"
  failed=$?
  end_tree "$sink"
  [ -z "${pids[$server]:-}" ] || stop "$server"
  return $failed
}

# Of a server that is warm and to whose messages the $sink listens.
measure_relaying() {
  local server=$1-deliver began ended before
  before=$(processor_time "${pids[$server]}")
  began=$EPOCHREALTIME
  by_source "${ports[$server]}" -d >/dev/null
  wait "$sink" || return
  ended=$EPOCHREALTIME
  note deliver "$1" "$2" messages/s "$(rate "$messages" "$began" "$ended")"
  note_processor deliver "$1" "$2" "$server" "$before"
}

# --- The rounds ---------------------------------------------------------------------------------------------------

servers=(ours)
start_ours ours
if postfix_is_there && start_postfix postfix "default_transport = discard:"; then servers+=(postfix); fi

cases=()
for case in accept latency deliver; do
  [[ $case =~ $only ]] || continue
  case $case in accept | deliver) has smtp-source || { skip $case "no smtp-source"; continue; } ;; esac
  case $case in deliver) has smtp-sink || { skip $case "no smtp-sink"; continue; } ;; esac
  cases+=($case)
done

for server in "${servers[@]}"; do warm_up "$server"; done

for round in $(seq "$rounds"); do
  say "round $round of $rounds"
  for case in "${cases[@]}"; do
    for server in "${servers[@]}"; do
      measure_$case "$server" "$round" || say "failed: $case, $server"
    done
  done
done

# The ratio is the median of the rounds' ratios, so that a machine that changes its pace does no harm.
awk "$median"'
  function of(server, kind, name,   round, list, n) {
    for (round = 1; round <= rounds; round++)
      if ((server, kind, name, round) in value) list[++n] = value[server, kind, name, round]
    return n ? median(list, n) : "-"
  }
  function ratio(kind, our_name, its_name,   round, list, n) {
    for (round = 1; round <= rounds; round++)
      if (value["postfix", kind, its_name, round] > 0 && ("ours", kind, our_name, round) in value)
        list[++n] = value["ours", kind, our_name, round] / value["postfix", kind, its_name, round]
    return n ? sprintf("%.2f", median(list, n)) : "-"
  }
  function row(kind, label, our_name, its_name) {
    printf "| %s | %s | %s | %s | %s |\n", kind, label, of("ours", kind, our_name), of("postfix", kind, its_name),
      ratio(kind, our_name, its_name)
  }
  { value[$2, $1, $4, $3] = $5; if ($3 > rounds) rounds = $3
    if (!(($1, $4) in seen)) { seen[$1, $4] = 1; kinds[++rows] = $1; names[rows] = $4 } }
  END {
    print "| case | median of the rounds | ours | Postfix | ours / Postfix |"
    print "|---|---|---|---|---|"
    for (i = 1; i <= rows; i++) row(kinds[i], names[i], names[i], names[i])
    if (("latency", "reply-p99-ms") in seen) {
      row("latency", "reply: our p99, its p50", "reply-p99-ms", "reply-p50-ms")
      row("latency", "transaction: our p99, its p50", "transaction-p99-ms", "transaction-p50-ms")
    }
  }' "$results"
exit 0
