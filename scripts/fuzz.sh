#!/usr/bin/env bash
# Fuzzes every reader under address and undefined-behaviour sanitizers, by
# libFuzzer of clang 14 (Debian: clang-14 libclang-rt-14-dev).
#
#   scripts/fuzz.sh SECONDS [NAME...]   all targets, or those named
#
# Prints a line a target: executions and what was found. A finding stays in
# build-fuzz/findings/NAME-*; copy it to tests/fuzz/corpus/NAME with its mend.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds="${1:?usage: scripts/fuzz.sh SECONDS [NAME...]}"
shift
names=("$@")
if ((${#names[@]} == 0)); then
  for folder in tests/fuzz/corpus/*/; do names+=("$(basename "$folder")"); done
fi

cmake --preset fuzz >/dev/null
cmake --build build-fuzz --target "${names[@]/#/fuzz_}"

mkdir -p build-fuzz/findings
failed=0
for name in "${names[@]}"; do
  grown="build-fuzz/corpus/$name"
  mkdir -p "$grown"
  log="build-fuzz/$name.log"
  status=0
  OMP_NUM_THREADS=1 ASAN_OPTIONS=allocator_may_return_null=1 \
    "build-fuzz/tests/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=3000 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/findings/$name-" \
    "$grown" "tests/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
  runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  if ((status == 0)); then
    echo "fuzz: $name: ${runs:-?} executions, nothing found"
  else
    failed=1
    echo "fuzz: $name: FOUND after ${runs:-?} executions, see $log"
    grep -m1 -E '^==.*(ERROR|Timeout)|runtime error|SUMMARY' "$log" || true
  fi
done
exit "$failed"
