#!/usr/bin/env bash
# parallel_test.sh SFTBENCH: a sweep as GNU parallel's jobs, killed in the midst
# and resumed, and the same sweep as three shards: the records are those of an
# undisturbed one.
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/slurm/common.sh
source "$(dirname "$0")/common.sh"
command -v parallel >/dev/null || skip parallel_sweep tools "no parallel"
parallel --version 2>/dev/null | grep -q "GNU parallel" ||
  skip parallel_sweep tools "parallel is not GNU's"
require_assets parallel_sweep

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
spec=$top/spec.yaml
STEPS=${STEPS:-60}
write_spec "$spec"
"$program" run "$spec" --out "$top/calm" --jobs 2 2>/dev/null

echo "GNU parallel, killed twice"
out=$top/lines
"$program" plan "$spec" --out "$out" --checkpoint-every 0s >"$top/lines.txt"
[[ $(wc -l <"$top/lines.txt") == "$runs" ]] || fail "not a line a run"
export HOME=$top PARALLEL_HOME=$top/parallel
mkdir -p "$PARALLEL_HOME"
: >"$PARALLEL_HOME/will-cite"

has_records() { [[ $(find "$out/runs" -name '*.h5' 2>/dev/null | wc -l) -ge $1 ]]; }
# Processes of this program that name this sweep's plan; those of one command.
processes_now() {
  local words
  for words in /proc/[0-9]*/cmdline; do
    grep -qzF "$out/manifests/" "$words" 2>/dev/null &&
      grep -qzxF "$1" "$words" 2>/dev/null && basename "$(dirname "$words")"
  done
  return 0
}
some_now() { [[ -n $(processes_now task) ]]; }
none_now() { [[ -z $(processes_now task)$(processes_now worker) ]]; }
# In a process group of its own, so that all of it can be killed at once.
for least in 3 9; do
  setsid parallel --jobs 2 --joblog "$top/joblog" --resume-failed \
    <"$top/lines.txt" >"$top/said.txt" 2>&1 &
  group=$!
  wait_for 300 "$least records" has_records "$least"
  # The engine, and the tasks, which it puts into groups of their own; workers
  # end with their tasks.
  wait_for 60 "a task that runs" some_now
  mapfile -t tasks < <(processes_now task)
  kill -KILL -- "-$group" "${tasks[@]}" || true
  wait "$group" 2>/dev/null || true
  wait_for 30 "the killed tasks to be gone" none_now
done
# A task that was killed is in no joblog, so it is started again.
parallel --jobs 2 --joblog "$top/joblog" --resume-failed <"$top/lines.txt"
same_records "$program" "$top/calm" "$out"
# All of it is done: nothing is started.
before=$(wc -l <"$top/joblog")
parallel --jobs 2 --joblog "$top/joblog" --resume-failed <"$top/lines.txt"
[[ $(wc -l <"$top/joblog") == "$before" ]] || fail "done jobs were started again"

echo "three shards"
out=$top/shards
for shard in 3/3 1/3 2/3; do
  "$program" run "$spec" --out "$out" --shard "$shard" 2>/dev/null
done
same_records "$program" "$top/calm" "$out"
[[ $(find "$out/manifests" -type f | wc -l) == 1 ]] ||
  fail "shards have more than one manifest"
"$program" report "$out" >"$top/report.txt" || fail "no report of the shards"
echo "parallel_test: good"
