#!/bin/bash
# Measures bench-server beside Postfix's smtp-sink and go-smtp, on loopback, and prints medians and ratios.
#
#   ./compare.sh [--rounds 5] [--messages 20000] [--idle 10000] [--only PATTERN] [--no-build]
#
# What is missing is skipped by name: smtp-sink and smtp-source (Debian: postfix), go, openssl. The sources of go-smtp
# and go-sasl come from the Go module proxy, or from $GO_SMTP_SOURCE, a folder that holds work trees of both.
set -u

rounds=5 messages=20000 idle=10000 only=. build=yes
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --messages) messages=$2; shift 2 ;;
    --idle) idle=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    --no-build) build=no; shift ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

. "$(dirname "$0")/shared.sh"

# 10,000 connections need as many files, on both sides.
ulimit -n "$(ulimit -Hn)" 2>/dev/null

# --- What there is to measure -------------------------------------------------------------------------------------

certificate=()
if has openssl && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null; then
  certificate=("$work/certificate.pem" "$work/key.pem")
else
  skip "STARTTLS" "no openssl"
fi

build_go() {
  has go || { skip "go-smtp" "no go"; return 1; }
  cp go-smtp-server/* "$work/"
  (
    cd "$work" || exit 1
    if [ -n "${GO_SMTP_SOURCE:-}" ]; then
      for module in go-smtp go-sasl; do
        go mod edit -replace "github.com/emersion/$module=$(realpath "$GO_SMTP_SOURCE")/$module" || exit 1
      done
    fi
    GOFLAGS=-mod=mod timeout 120 go build -o go-smtp-server . >go.log 2>&1
  ) || { skip "go-smtp" "does not build: $(head -c 300 "$work/go.log")"; return 1; }
}

start ours "$bin/bench-server" --port PORT
start memory "$bin/bench-server" --mode memory --port PORT
start sqlite "$bin/bench-server" --mode sqlite --data "$work/queue" --port PORT
if [ ${#certificate[@]} -gt 0 ]; then start ours-tls "$bin/bench-server" --port PORT --tls "${certificate[@]}"; fi
if has smtp-sink; then
  as=()
  if [ "$(id -u)" = 0 ]; then as=(-u nobody); fi
  start smtp-sink smtp-sink "${as[@]}" 127.0.0.1:PORT 1000
else
  skip "smtp-sink" "no postfix"
fi
if build_go; then
  start go-smtp "$work/go-smtp-server" -port PORT
  if [ ${#certificate[@]} -gt 0 ]; then
    start go-smtp-tls "$work/go-smtp-server" -port PORT -certificate "${certificate[0]}" -key "${certificate[1]}"
  fi
fi

# --- Speed: messages a second -------------------------------------------------------------------------------------

# Handshakes are slow, and so is a case of many.
messages_of() {
  case $1 in
    tls-1) echo $((messages / 10)) ;;
    tls-10) echo $((messages / 2)) ;;
    *) echo "$messages" ;;
  esac
}

client_rate() {
  local case=$1 port=$2
  shift 2
  by_client "$port" --messages "$(messages_of $case)" "$@" && reported messages/s | cut -d. -f1
}

tls=(--starttls --auth user:password)
# measure CASE PORT: prints messages/s, or nothing where a message failed.
measure() {
  case $1 in
    session) by_source "$2" -d ;;
    connection) by_source "$2" ;;
    pipelined) client_rate $1 "$2" --pipelining ;;
    tls-*) client_rate $1 "$2" "${tls[@]}" --messages-per-session "${1#tls-}" ;;
    queue) client_rate $1 "$2" ;;
  esac
}

servers_of() {
  case $1 in
    session | connection | pipelined) echo ours smtp-sink go-smtp ;;
    tls-*) echo ours-tls go-smtp-tls ;;
    queue) echo memory sqlite ;;
  esac
}

cases=()
for case in session connection pipelined tls-1 tls-10 tls-100 queue; do
  [[ $case =~ $only ]] || continue
  case $case in session | connection) has smtp-source || { skip "$case" "no smtp-source"; continue; } ;; esac
  cases+=($case)
done

results="$work/results"
: >"$results"
for round in $(seq "$rounds"); do
  say "round $round of $rounds"
  for case in "${cases[@]}"; do
    for server in $(servers_of $case); do
      [ -n "${ports[$server]:-}" ] || continue
      before=$(processor_time "${pids[$server]}")
      rate=$(measure $case "${ports[$server]}")
      after=$(processor_time "${pids[$server]}")
      # In microseconds a message.
      processor=$(((${after:-0} - ${before:-0}) * 1000 / $(messages_of $case)))
      if [ -n "$rate" ]; then
        echo "$case $server $round $rate $processor" >>"$results"
      else
        say "failed: $case, $server"
      fi
    done
  done
done

# The ratio is the median of the rounds' ratios, so that a machine that changes its pace does no harm.
[ ${#cases[@]} -gt 0 ] && awk "$median"'
  { rate[$1, $2, $3] = $4; processor[$1, $2, $3] = $5; if ($3 > rounds) rounds = $3
    if (!(($1, $2) in seen)) { seen[$1, $2] = 1; order[++rows] = $1 " " $2 }
    if (!($1 in first)) first[$1] = $2 }
  END {
    print "| case | server | messages/s, median | ours / it | its processor time a message, µs |"
    print "|---|---|---|---|---|"
    for (row = 1; row <= rows; row++) {
      split(order[row], name, " "); ours = first[name[1]]; n = m = 0
      for (round = 1; round <= rounds; round++) if ((name[1], name[2], round) in rate) {
        rates[++n] = rate[name[1], name[2], round]
        times[n] = processor[name[1], name[2], round]
        if ((name[1], ours, round) in rate) ratios[++m] = rate[name[1], ours, round] / rates[n]
      }
      ratio = name[2] == ours || name[1] == "queue" || !m ? "" : sprintf("%.2f", median(ratios, m))
      printf "| %s | %s | %d | %s | %d |\n", name[1], name[2], median(rates, n), ratio, median(times, n)
    }
  }' "$results"

# --- Memory: octets of resident memory for an idle connection ------------------------------------------------------

resident() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$1/status"; }

# idle NAME CLIENT-FLAGS...: on a server that has done nothing yet.
measure_idle() {
  local name=$1 try before holder
  shift
  [ -n "${ports[$name]:-}" ] || return
  # What one connection brings for good, such as code, is no matter of the ten thousand.
  timeout 60 "$bin/bench-client" --port "${ports[$name]}" --messages 100 "$@" >"$work/idle.log" 2>&1
  before=$(resident "${pids[$name]}")
  "$bin/bench-client" --port "${ports[$name]}" --idle "$idle" "$@" >"$work/idle.log" 2>&1 &
  holder=$!
  holders+=($holder)
  disown $holder
  for try in $(seq 600); do
    grep -q Holding "$work/idle.log" && break
    kill -0 $holder 2>/dev/null || break
    sleep 0.1
  done
  if grep -q Holding "$work/idle.log"; then
    echo "| $name | $((($(resident "${pids[$name]}") - before) / idle)) |"
  else
    say "failed: idle, $name: $(head -c 300 "$work/idle.log")"
  fi
  kill -KILL $holder 2>/dev/null
}

if [[ idle =~ $only ]]; then
  if [ ! -r /proc/self/status ]; then
    skip "idle" "no /proc"
  elif [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt $((idle + 200)) ]; then
    skip "idle" "only $(ulimit -n) files may be open"
  else
    for name in "${!ports[@]}"; do stop "$name"; done
    say "$idle idle connections"
    printf '\n| server, %s idle connections | octets each |\n|---|---|\n' "$idle"
    start in-clear "$bin/bench-server" --port PORT && measure_idle in-clear
    if [ ${#certificate[@]} -gt 0 ]; then
      start TLS "$bin/bench-server" --port PORT --tls "${certificate[@]}" && measure_idle TLS "${tls[@]}"
    fi
    if [ -x "$work/go-smtp-server" ]; then
      start go-smtp-in-clear "$work/go-smtp-server" -port PORT && measure_idle go-smtp-in-clear
      [ ${#certificate[@]} -gt 0 ] &&
        start go-smtp-TLS "$work/go-smtp-server" -port PORT -certificate "${certificate[0]}" -key "${certificate[1]}" &&
        measure_idle go-smtp-TLS "${tls[@]}"
    fi
  fi
fi
exit 0
