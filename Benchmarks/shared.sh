# What compare.sh and queue.sh have in common; sourced, never run. Whoever sources it has set build=yes or no.
#
# Afterwards $bin is the folder of our programs and $work a folder that is gone in the end. Everything that was begun with
# `start` ends with the script, by SIGKILL, its own children too.

cd "$(dirname "$0")" || exit 1
export PATH="$PATH:/usr/sbin:/usr/local/sbin"

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null; }
skip() { say "skipped: $1 ($2)"; }

if [ $build = yes ]; then swift build -c release >&2 || exit 1; fi
bin=$(swift build -c release --show-bin-path) || exit 1

work=$(mktemp -d) || exit 1
declare -A ports
declare -A pids
holders=()

finish() {
  local name holder
  for name in "${!pids[@]}"; do stop "$name"; done
  for holder in "${holders[@]}"; do end_tree "$holder"; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# --- Servers ------------------------------------------------------------------------------------------------------

next_port=$((20000 + RANDOM % 10000))

# new_port: sets $port to one that nobody listens on.
new_port() {
  while port=$((next_port++)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
}

# start NAME COMMAND...: runs it with PORT in its arguments replaced, and waits until the port is open.
start() {
  local name=$1 port
  shift
  new_port
  start_on "$port" "$name" "${@//PORT/$port}"
}

# start_on PORT NAME COMMAND...: the same for a port that the command knows already.
start_on() {
  local port=$1 name=$2 try
  shift 2
  "$@" >"$work/$name.log" 2>&1 &
  ports[$name]=$port pids[$name]=$!
  disown $!
  for try in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.1
  done
  skip "$name" "does not listen: $(head -c 300 "$work/$name.log")"
  stop "$name"
  return 1
}

stop() {
  end_tree "${pids[$1]}"
  unset "ports[$1]" "pids[$1]"
}

# end_tree PID: a process and all that descend from it. What stands still starts no more of them.
end_tree() {
  local child
  kill -STOP "$1" 2>/dev/null || return
  for child in $(pgrep -P "$1"); do end_tree "$child"; done
  kill -KILL "$1" 2>/dev/null
}

# processor_time PID: the milliseconds that a process and its descendants, those that have ended too, have taken so far.
# Nothing where there is no /proc.
processor_time() {
  [ -r "/proc/$1/stat" ] || return
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" -v ticks="$(getconf CLK_TCK)" '
    { pid = $1; sub(/.*\) /, ""); parent[pid] = $2; taken[pid] = $12 + $13 + $14 + $15 }
    END {
      for (pid in taken) {
        for (ancestor = pid; ancestor in parent && ancestor != root;) ancestor = parent[ancestor]
        if (ancestor == root) sum += taken[pid]
      }
      printf "%d\n", sum * 1000 / ticks
    }'
}

# --- Loads --------------------------------------------------------------------------------------------------------

# by_source PORT FLAGS...: $messages messages of 4 KB from 20 clients. Prints messages/s, or nothing where one failed.
by_source() {
  local port=$1 began=$EPOCHREALTIME
  shift
  timeout 120 smtp-source "$@" -s 20 -m "$messages" -l 4096 -f sender@example.com -t recipient@example.org \
    "127.0.0.1:$port" >&2 || return
  rate "$messages" "$began" "$EPOCHREALTIME"
}

rate() { awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%.0f\n", n / (b - a) }'; }

# by_client PORT FLAGS...: what bench-client reports, in $work/client.log; fails where a message failed.
by_client() {
  local port=$1
  shift
  timeout 120 "$bin/bench-client" --port "$port" --connections 20 --size 4096 "$@" >"$work/client.log" 2>&1 && return
  sed 's/^/  /' "$work/client.log" >&2
  return 1
}

# reported NAME: one of the values of that report.
reported() { awk -v name="$1" '$1 == name { print $2 }' "$work/client.log"; }

# For awk programs: the median of list[1...count].
median='
  function median(list, count,   i, j, swap) {
    for (i = 1; i <= count; i++) for (j = i + 1; j <= count; j++)
      if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
  }
'
