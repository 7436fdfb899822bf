#!/usr/bin/env bash
# slurm_sweep_test.sh SFTBENCH: a 24-cell sweep as arrays of a real Slurm of
# five nodes, with all that happens to jobs on a cluster; submitted again, every
# cell is done once and its record is that of an undisturbed local sweep.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/common.sh
source "$here/common.sh"
# shellcheck source=tests/slurm/held_tasks.sh
source "$here/held_tasks.sh"
require_slurm slurm_sweep
require_assets slurm_sweep

start_slurm 17000

spec=$top/spec.yaml
out=$top/out
write_spec "$spec"
say "the undisturbed sweep"
"$program" run "$spec" --out "$top/calm" --jobs 2 2>/dev/null

submit() {
  "$program" submit "$spec" --out "$out" --partition low \
    --checkpoint-every 500ms "$@"
}
say "submit"
submit --dry-run >"$top/job.sh" 2>/dev/null
[[ ! -e $out ]] || fail "a dry run writes"
# One seed under a time limit that ends its tasks for good; the others are
# warned long before theirs, and put back.
submit --filter seed=5 --time 1 --signal-delay 10 --max-requeues 0 \
  --sbatch=--hold >"$top/limited.txt"
submit --time 2 --signal-delay 60 --sbatch=--hold >"$top/others.txt"
cat "$top/limited.txt" "$top/others.txt"
[[ $(wc -l <"$top/limited.txt") == 2 ]] || fail "wanted two arrays"
[[ $(wc -l <"$top/others.txt") == 1 ]] ||
  fail "wanted one array: the untuned run is in the queue"
untuned=$(job_in 1 "$top/limited.txt")
limited=$(job_in 2 "$top/limited.txt")
tuned=$(job_in 1 "$top/others.txt")
submit 2>&1 | grep "^0 runs sent" >/dev/null ||
  fail "what is queued was sent again"
scontrol release "$untuned"

know_tasks "$limited"
know_tasks "$tuned"
((${#work[@]} == 24)) || fail "wanted 24 tasks"
# As Slurm does before a limit (scancel --batch asks again for a minute, as if it
# had not reached an array's task).
warn() { kill -USR1 "$(processes_of "$1" "$2" task)"; }

hold "$limited"
ended=$held
say "held until its time limit ends it: $ended on $held_node"

hold "$tuned"
warned=$held warned_worker=$held_worker
say "held until it is warned of its time limit: $warned on $held_node"

hold "$tuned"
cancelled=$held
waits=$(squeue -h -r -j "$tuned" -t PENDING -o '%F_%K' | tail -n 1)
[[ -n $waits ]] || fail "no task waits"
say "cancelled: $cancelled, which runs on $held_node, and $waits, which waits"
# As if it had been warned of its limit just before: it must not come back.
warn "$cancelled" "$held_node"
sleep 1
scancel "$cancelled" "$waits"

hold "$tuned"
requeued=$held
say "requeued: $requeued on $held_node"
scontrol requeue "$requeued"

hold "$tuned"
preempted=$held
say "preempted: $preempted on $held_node"
sbatch --parsable --partition=high --nodelist="$held_node" \
  --output=/dev/null --wrap='sleep 2' >/dev/null

hold "$tuned"
lost=$held lost_node=$held_node
say "node lost: $lost_node with $lost"
lose_node "$lost_node" "$lost"

hold "$tuned"
twice=$held first_node=$held_node first_worker=$held_worker
say "executed twice: $twice on $first_node, whose daemon is gone"
kill -KILL "$(cat "$slurm/slurmd.$first_node.pid")"

let_all_go "$limited" "$tuned"
warned_now() { says "$warned" "^interrupted: saving"; }
wait_for 100 "Slurm's warning of $warned" warned_now
kill -CONT "$warned_worker"
asked_back() { says "$warned" "put back into Slurm's queue"; }
wait_for 30 "$warned to put itself back" asked_back
say "warned, and put itself back: $warned"

take_second() {
  local node worker
  node=$(squeue -h -r -j "$tuned" -t RUNNING -o '%F_%K %N' |
    sed -n "s/^$twice //p")
  [[ -n $node && $node != "$first_node" ]] || return 1
  worker=$(processes_of "$twice" "$node" worker)
  stopped "$worker" || return 1
  second_node=$node second_worker=$worker
}
pause=0.05 wait_for 150 "the second execution of $twice" take_second
recorded "$twice" && fail "the second execution ended before the first went on"
say "again at work, on $second_node: $twice"
kill -CONT "$first_worker" "$second_worker"
wait_for 120 "the first execution of $twice to end" \
  none_of "$twice" "$first_node"
recorded "$twice" || fail "an execution ended and left no record"
wait_for 120 "the second execution of $twice to end" \
  none_of "$twice" "$second_node"
say "both ended: $twice"

wait_for 150 "$ended to be ended by its limit" state_is "$ended" TIMEOUT
say "ended by its time limit: $ended"
"$here/slurm_up.sh" "$slurm" 5 "$port"
say "the nodes are back"
for task in "$warned" "$requeued" "$preempted" "$lost" "$twice"; do
  wait_for 120 "$task to be put back" restarted "$task"
done
queue_empty() {
  [[ -z $(squeue -h -r -j "$untuned,$limited,$tuned" 2>/dev/null) ]]
}
wait_for 600 "the queue to be empty" queue_empty
"$program" status "$out" 2>&1 | tail -n 4 || true
for task in "$cancelled" "$waits" "$ended"; do
  recorded "$task" && fail "$task has a record"
done
# On a slow machine the limit ends others of its array too.
for task in "${!work[@]}"; do
  [[ " $cancelled $waits " == *" $task "* || $task == "${limited}_"* ]] ||
    recorded "$task" || fail "$task has no record"
done

say "submit again"
submit --sbatch=--hold >"$top/again.txt"
again=$(job_in 1 "$top/again.txt")
know_tasks "$again"
# The last task's own number is that of the whole array.
last=${again}_$(($(sed -n 's/.*\t\(.*\) tasks/\1/p' "$top/again.txt") - 1))
hold "$last"
say "told of its time limit, and is the last of its array: $last"
warn "$last" "$held_node"
kill -CONT "$held_worker"
let_all_go "$again"
wait_for 60 "$last to put itself back" restarted "$last"
for task in "${!work[@]}"; do
  [[ $task != "${again}_"* || $task == "$last" ]] ||
    ! restarted "$task" || fail "$last has put back $task, too"
done
submit --wait || fail "submit --wait: a run is missing"
submit 2>&1 | grep "^0 runs sent, $runs done before" >/dev/null ||
  fail "what is done was sent again"
"$program" status "$out" 2>&1 | grep "^$runs done, 0 failed" >/dev/null ||
  fail "status does not say that all is done"
same_records "$program" "$top/calm" "$out"

say "the recipe of README.md, as printed"
mkdir -p "$top/recipe/build"
ln -s "$program" "$top/recipe/build/sftbench"
ln -s "$here/../../experiments" "$top/recipe/experiments"
sed -n '/^<!-- cluster-recipe -->$/,/^<!-- \/cluster-recipe -->$/p' \
  "$here/../../README.md" | grep -v '^<!--\|^```' >"$top/recipe/recipe.sh"
[[ -s $top/recipe/recipe.sh ]] || fail "README.md has no recipe"
(cd "$top/recipe" && bash -eu recipe.sh) >"$top/recipe/said" 2>"$top/recipe/log" ||
  { tail "$top/recipe/log" >&2; fail "the recipe ends with an error"; }
grep "untuned" "$top/recipe/said" >/dev/null || fail "the recipe has no table"
say "slurm_sweep_test: good"
