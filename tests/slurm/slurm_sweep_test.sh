#!/usr/bin/env bash
# slurm_sweep_test.sh SFTBENCH: a 24-cell sweep as arrays of a real Slurm, with
# all that happens to jobs on a cluster; submitted again, every cell is done
# once and its record is that of an undisturbed local sweep.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/common.sh
source "$here/common.sh"
for tool in slurmctld slurmd munged sbatch squeue scancel scontrol; do
  command -v "$tool" >/dev/null || skip slurm_sweep tools "no $tool"
done
((EUID == 0)) || skip slurm_sweep machine "a Slurm of one's own wants root"
require_assets slurm_sweep

top=$(mktemp -d)
chmod 755 "$top"   # munged wants its socket's folder open to look through
slurm=$top/slurm
export SLURM_CONF=$slurm/slurm.conf
port=${SLURM_TEST_PORT:-17000}
trap '"$here/slurm_down.sh" "$slurm"; [[ -n ${KEEP:-} ]] || rm -rf "$top"' EXIT
"$here/slurm_up.sh" "$slurm" 5 "$port"

spec=$top/spec.yaml
out=$top/out
write_spec "$spec"
echo "the undisturbed sweep"
"$program" run "$spec" --out "$top/calm" --jobs 2 2>/dev/null

echo "submit"
submit() {
  "$program" submit "$spec" --out "$out" --partition low \
    --checkpoint-every 500ms "$@"
}
submit --dry-run >"$top/job.sh" 2>/dev/null
if command -v shellcheck >/dev/null; then
  shellcheck "$top/job.sh" || fail "the script does not pass shellcheck"
fi
submit >"$top/submitted"
cat "$top/submitted"
[[ $(wc -l <"$top/submitted") == 2 ]] || fail "wanted two arrays"
untuned=$(sed -n '1s/\t.*//p' "$top/submitted")
tuned=$(sed -n '2s/\t.*//p' "$top/submitted")
submit 2>&1 | grep "^0 runs sent" >/dev/null ||
  fail "what is queued was sent again"

# Tasks of the tuned array that run and have saved, but for those that something
# was done to.
done_to=" "
work_of() {   # the folder of a task's run
  local line index id
  line=$(sed -n "$(($1 + 1))p" "$tasks")
  index=${line%% *}
  id=$(sed -n "$((index + 2))p" "$manifest" |
    sed 's/.*"run_id":"\([0-9a-f]*\)".*/\1/')
  echo "$out/work/$id"
}
manifest=$(find "$out/manifests" -type f)
tasks=$(sed -n 's/.*"tasks": "\(.*\)".*/\1/p' "$out"/slurm/*-"$tuned".json)
tasks=$out/$tasks
victim=""
find_victim() {
  local task node
  while read -r task node; do
    [[ $done_to == *" $task "* ]] && continue
    # One that has only just begun: there is time enough to disturb it.
    [[ -n $(find "$(work_of "$task")" -name state.json 2>/dev/null) ]] ||
      continue
    victim=$task
    victim_node=$node
    done_to+="$task "
    return 0
  done < <(squeue -h -r -j "$tuned" -t RUNNING -o '%K %N')
  return 1
}
next_victim() { wait_for 240 "a task that runs and has saved" find_victim; }
job_of() { scontrol -o show job "${tuned}_$1" 2>/dev/null; }
restarted() {
  [[ $(job_of "$1") =~ Restarts=([0-9]+) ]] && ((BASH_REMATCH[1] > 0))
}
recorded() { [[ -f $out/runs/$(basename "$(work_of "$1")").h5 ]]; }
# The processes of a task on a node, the eldest first: the task, its worker.
processes_of() {
  local environ
  for environ in /proc/[0-9]*/environ; do
    grep -qzxF "SLURM_CONF=$SLURM_CONF" "$environ" 2>/dev/null &&
      grep -qzxF "SLURM_ARRAY_TASK_ID=$1" "$environ" 2>/dev/null &&
      grep -qzxF "SLURMD_NODENAME=$2" "$environ" 2>/dev/null &&
      basename "$(dirname "$environ")"
  done | sort -n
}
parent_of() { awk '{ print $4 }' "/proc/$1/stat"; }
slurmd_of() { cat "$slurm/slurmd.$1.pid"; }

next_victim
echo "cancelled: $victim, which runs, and 23, which waits"
cancelled=$victim
scancel "${tuned}_$victim" "${tuned}_23"

next_victim
echo "requeued: $victim"
requeued=$victim
scontrol requeue "${tuned}_$victim"

next_victim
echo "told of its time limit: $victim"
timed=$victim
scancel --batch --signal=USR1 "${tuned}_$victim"

next_victim
echo "preempted: $victim on $victim_node"
preempted=$victim
sbatch --parsable --partition=high --nodelist="$victim_node" \
  --output=/dev/null --wrap='sleep 2' >/dev/null

next_victim
echo "node lost: $victim_node with $victim"
lost=$victim
lost_node=$victim_node
mapfile -t ours < <(processes_of "$victim" "$victim_node")
((${#ours[@]} > 0)) || fail "the task has no process"
# Daemon, the job's step manager, and the job: the machine is off.
kill -KILL "$(slurmd_of "$victim_node")" "$(parent_of "${ours[0]}")" \
  "${ours[@]}" || true

next_victim
echo "executed twice: $victim on $victim_node, whose daemon is gone"
twice=$victim
mapfile -t ours < <(processes_of "$victim" "$victim_node")
((${#ours[@]} > 0)) || fail "the task has no process"
# Held up until Slurm has given it up and begun it elsewhere.
kill -STOP "${ours[@]}"
kill -KILL "$(slurmd_of "$victim_node")"
wait_for 120 "the second execution" restarted "$twice"
runs_again() {
  squeue -h -r -j "$tuned" -t RUNNING -o %K | grep -x "$twice" >/dev/null
}
wait_for 120 "the second execution to run" runs_again
kill -CONT "${ours[@]}"
# The daemon would end the first one when it comes back.
wait_for 240 "either execution's record" recorded "$twice"

echo "the nodes come back"
"$here/slurm_up.sh" "$slurm" 5 "$port"
for task in "$requeued" "$timed" "$preempted" "$lost" "$twice"; do
  wait_for 120 "task $task to be put back" restarted "$task"
done
grep -q "put back into Slurm's queue" "$out/slurm/logs/${tuned}_$timed.log" ||
  fail "the task that was told of its limit did not put itself back"

queue_empty() { [[ -z $(squeue -h -r -j "$untuned,$tuned" 2>/dev/null) ]]; }
wait_for 600 "the queue to be empty" queue_empty
"$program" status "$out" 2>&1 | tail -n 4 || true
for task in "$cancelled" 23; do
  recorded "$task" && fail "the cancelled task $task has a record"
done
for task in "$requeued" "$timed" "$preempted" "$lost" "$twice"; do
  recorded "$task" || fail "task $task has no record"
done
[[ $(find "$out/runs" -name '*.h5' | wc -l) == $((runs - 2)) ]] ||
  fail "more is missing than what was cancelled"

echo "submit again, under a time limit of a minute"
submit --time 1 --signal-delay 45 --wait ||
  fail "submit --wait: a run is missing"
submit 2>&1 | grep "^0 runs sent, $runs done before" >/dev/null ||
  fail "what is done was sent again"
"$program" status "$out" 2>&1 | grep "^$runs done, 0 failed" >/dev/null ||
  fail "status does not say that all is done"
same_records "$program" "$top/calm" "$out"

echo "the recipe of README.md, as printed"
mkdir -p "$top/recipe/build"
ln -s "$program" "$top/recipe/build/sftbench"
ln -s "$here/../../experiments" "$top/recipe/experiments"
sed -n '/^<!-- cluster-recipe -->$/,/^<!-- \/cluster-recipe -->$/p' \
  "$here/../../README.md" | grep -v '^<!--\|^```' >"$top/recipe/recipe.sh"
[[ -s $top/recipe/recipe.sh ]] || fail "README.md has no recipe"
(cd "$top/recipe" && bash -eu recipe.sh) >"$top/recipe/said" ||
  fail "the recipe ends with an error"
grep "untuned" "$top/recipe/said" >/dev/null || fail "the recipe has no table"

echo "lost node: $lost_node; slurm_sweep_test: good"
