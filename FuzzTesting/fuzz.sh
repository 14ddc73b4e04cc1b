#!/usr/bin/env bash
# Fuzzes one target, or all in turn, with libFuzzer and AddressSanitizer, and says how many inputs were run.
#
#   FuzzTesting/fuzz.sh TARGET|all [--runs N | --seconds N]    60 seconds each by default
#   FuzzTesting/fuzz.sh TARGET|all --merge                     adds to Corpus what reaches code that nothing there does
#
# New inputs gather in .build/corpus, inputs that fail in .build/failures.
set -euo pipefail
cd "$(dirname "$0")"

usage() { sed -n '4,5s/^# *//p' "$0" >&2; exit 64; }
target=${1-} && [ -n "$target" ] || usage
limit=-max_total_time=60
merge=
case ${2-} in
  --runs) limit=-runs=${3:?} ;;
  --seconds) limit=-max_total_time=${3:?} ;;
  --merge) merge=1 ;;
  "") ;;
  *) usage ;;
esac

# Optimised, and assertions fire nevertheless: one that octets from outside can reach is a finding. lld, since gold does not
# get on with the sanitizers' sections.
swift build -c release --scratch-path .build/fuzzer --product fuzz -Xswiftc -sanitize=fuzzer,address \
  -Xswiftc -use-ld=lld -Xswiftc -assert-config -Xswiftc Debug -Xswiftc -enforce-exclusivity=checked -Xswiftc -DFUZZER
fuzz=.build/fuzzer/release/fuzz
# Two programs that explain a crash get in each other's way; libFuzzer's stays.
export SWIFT_BACKTRACE=enable=no
# Most of what a small input costs is AddressSanitizer's memory of what was freed.
export ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=8

targets=$(cd Corpus && ls -d -- *)
[ "$target" = all ] || targets=$target
result=0
for name in $targets; do
  [ -d "Corpus/$name" ] || { echo "no target $name; there are: $(cd Corpus && echo *)" >&2; exit 64; }
  found=.build/corpus/$name failures=.build/failures/$name log=.build/$name.log
  mkdir -p "$found" "$failures"
  if [ -n "$merge" ]; then
    "$fuzz" "--target=$name" -merge=1 -use_counters=0 -use_cmp=0 "Corpus/$name" "$found" > "$log" 2>&1
    printf '%-22s %5d inputs, %s\n' "$name" "$(ls "Corpus/$name" | wc -l)" "$(du -sh --apparent-size "Corpus/$name" | cut -f1)"
    continue
  fi
  case $name in
    spf | dkim-* | dmarc | authentication-results | dns-answer) words=dns.dict ;;
    *) words=smtp.dict ;;
  esac
  status=0
  "$fuzz" "--target=$name" "$limit" -timeout=10 -rss_limit_mb=1024 "-dict=$words" -use_value_profile=1 \
    -print_final_stats=1 "-artifact_prefix=$failures/" "$found" "Corpus/$name" < /dev/null > "$log" 2>&1 || status=$?
  case $status in
    0) verdict=fine ;;
    72 | 130) verdict=interrupted ;;  # 72 is libFuzzer's own for SIGINT and SIGTERM
    *) verdict="FAILED, see $failures and $log" result=1 ;;
  esac
  statistic() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
  coverage=$(grep -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -1 || true)
  printf '%-22s %11s runs  %7s/s  %s  %s\n' "$name" "$(statistic number_of_executed_units)" \
    "$(statistic average_exec_per_sec)" "$coverage" "$verdict"
  [ "$verdict" != interrupted ] || exit 130
done
exit $result
