#!/usr/bin/env bash
# slurm_search_test.sh SFTBENCH: successive halving under a real Slurm of five
# nodes, with nobody to watch it; and again with deciding jobs cancelled (one
# that waits, one that has sent a rung and not said so), a task cancelled in
# mid-rung, a rung sent twice, and a node lost. Submitted again, both decide as
# `run` does on one machine, and hold its records, each once.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/common.sh
source "$here/common.sh"
# shellcheck source=tests/slurm/held_tasks.sh
source "$here/held_tasks.sh"
require_slurm slurm_search
require_assets slurm_search

start_slurm 17200

# Of 16 runs 8 go on to half of their budget, and 4 to its end.
spec=$top/spec.yaml
cat >"$spec" <<SPEC
question: is a disturbed search the same search?
model: glassllm
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes]}
budget: {steps: ${STEPS:-120}}
set: {batch_size: 4, max_length: 96, test_limit: 12, validation_limit: 12,
      threads: 1}
grid:
  method: [full, lora]
  learning_rate: [1.0e-4, 5.0e-4, 1.0e-3, 2.0e-3]
  seed: [0, 1]
baseline: {method: full}
select: {by: validation_loss, per: [method]}
search: {kind: halving, rungs: 3, reduction: 2}
SPEC

# What is to be the same everywhere: of each run, whether it is done or at which
# rung it was stopped, and by which score.
decisions() {
  "$program" status "$1" 2>/dev/null | cut -f1,2,7,8 | sort
}
# Submissions of $out, oldest first: how many tasks each; a job that decides
# counts as `decides`.
sent() {
  local note
  for note in "$out"/slurm/*.json; do
    if grep -q '"tasks": ""' "$note"; then
      echo -n "decides "
    else
      sed -n 's/.*"count": \([0-9]*\).*/\1/p' "$note" | tr '\n' ' '
    fi
  done
}
queue_empty() { [[ -z $(squeue -h -r) ]]; }
settled() {
  grep -q "$1" <<<"$("$program" status "$out" 2>&1 >/dev/null)" ||
    fail "status says: $("$program" status "$out" 2>&1 | tail -n 3)"
}
# Processes that know of $out are those of Slurm's jobs.
nobody_watches() {
  local process
  for process in /proc/[0-9]*; do
    grep -qzF "$out" "$process/cmdline" 2>/dev/null || continue
    grep -qz '^SLURM_JOB_ID=' "$process/environ" 2>/dev/null ||
      [[ ! -e $process ]] || fail "$(tr '\0' ' ' <"$process/cmdline") stays"
  done
}
same_search() {
  same_records "$program" "$top/local" "$out"
  diff <(decisions "$top/local") <(decisions "$out") ||
    fail "$out has decided otherwise"
}

say "on one machine"
"$program" run "$spec" --out "$top/local" --jobs 2 2>/dev/null
[[ $(find "$top/local/runs" -name '*.rung1.h5' -printf x) == xxxxxxxxxxxxxxxx &&
  $(find "$top/local/runs" -name '*.rung2.h5' -printf x) == xxxxxxxx ]] ||
  fail "wanted 16 runs at the first rung and 8 at the second"

say "under Slurm"
out=$top/calm
"$program" submit "$spec" --out "$out" 2>"$top/said" >/dev/null ||
  fail "submit: $(cat "$top/said")"
grep -q "sends the next rung once these have ended" "$top/said" ||
  fail "submit says: $(cat "$top/said")"
nobody_watches
wait_for 600 "the queue to be empty" queue_empty
[[ $(sent) == "1 16 decides 8 decides 4 " ]] || fail "was sent: $(sent)"
settled "^5 done, 12 stopped by the search, 0 failed, .* 0 waiting"
same_search
"$program" submit "$spec" --out "$out" 2>&1 | grep -q "^0 runs sent, 5 done" ||
  fail "what is done was sent again"

# Of jobs that decide, the first that sends an array stands still behind that,
# which is held and never noted in the folder, until it is cancelled.
mkdir "$top/bin"
cat >"$top/bin/sbatch" <<SBATCH
#!/usr/bin/env bash
[[ -n \${SLURM_ARRAY_JOB_ID:-} ]] && mkdir "$top/sent" 2>/dev/null ||
  exec $(command -v sbatch) "\$@"
$(command -v sbatch) --hold "\$@" >"$top/sent/job"
touch "$top/sent/whole"
exec sleep 600
SBATCH
chmod +x "$top/bin/sbatch"
submit() {
  "$program" submit "$spec" --out "$out" --checkpoint-every 100ms \
    --setup "export PATH='$top/bin':\$PATH" "$@" 2>"$top/said" ||
    fail "submit: $(cat "$top/said")"
}
decides() {
  sed -n 's/^job \([0-9]*\) sends the next rung.*/\1/p' "$top/said"
}

say "disturbed: the first rung"
out=$top/out
submit --sbatch=--hold >"$top/first.txt"
untuned=$(job_in 1 "$top/first.txt")
first=$(job_in 2 "$top/first.txt")
first_decides=$(decides)
[[ -n $first && -n $first_decides ]] || fail "submit says: $(cat "$top/said")"
know_tasks "$first" 1 3
scontrol release "$untuned"
hold "$first"
cancelled=$held
say "cancelled in mid-rung: $cancelled on $held_node"
scancel "$cancelled"
hold "$first"
lost=$held lost_node=$held_node
say "node lost: $lost_node with $lost"
lose_node "$lost_node" "$lost"
say "cancelled, and waits: $first_decides, which decides"
scancel "$first_decides"
let_all_go "$first"
is_back() { restarted "$lost"; }
wait_for 120 "$lost to be put back" is_back
"$here/slurm_up.sh" "$slurm" 5 "$port"
wait_for 600 "the queue to be empty" queue_empty
recorded "$cancelled" && fail "$cancelled has a record"
recorded "$lost" || fail "$lost has no record"
[[ -z $(find "$out/runs" -name '*.rung2.h5') ]] ||
  fail "a rung was sent that nobody decided on"

# One was cancelled, and four were not sent on; what waits at its rung is
# missing nothing.
[[ $("$program" status "$out" 2>&1 | grep -c "^slurm: ") == 5 ]] ||
  fail "status says: $("$program" status "$out" 2>&1)"

# A method competes with itself: lora's second rung is decided already.
say "submit again: what is missing, and four runs of the second rung"
submit >"$top/again.txt"
grep -q "^5 runs sent" "$top/said" || fail "submit says: $(cat "$top/said")"
again_decides=$(decides)
has_sent() { [[ -e $top/sent/whole ]]; }
wait_for 120 "$again_decides to send a rung" has_sent
say "cancelled when it had sent the rung, and not said so: $again_decides"
scancel "$again_decides"
unknown=$(cat "$top/sent/job")
gone() { [[ -z $(squeue -h -j "$again_decides" 2>/dev/null) ]]; }
wait_for 60 "$again_decides to be gone" gone

submit --sbatch=--hold >"$top/second.txt"
second=$(job_in 1 "$top/second.txt")
lora_ends=$(job_in 2 "$top/second.txt")
second_decides=$(decides)
grep -q "^6 runs sent" "$top/said" || fail "submit says: $(cat "$top/said")"
know_tasks "$second" 2 3
hold "$second"
lost=$held lost_node=$held_node
say "node lost in the second rung: $lost_node with $lost"
lose_node "$lost_node" "$lost"
say "and the rung is done twice, by $unknown and $second"
let_all_go "$unknown" "$second" "$lora_ends" "$second_decides"
wait_for 120 "$lost to be put back" is_back
"$here/slurm_up.sh" "$slurm" 5 "$port"

# What the deciding job sent is held, as the words of its own submit say.
third_is_sent() {
  third=$(grep -l '"tasks": "' "$out"/slurm/*.json | tail -n 1 |
    sed 's/.*-\([0-9]*\)\.json/\1/')
  ((third > second_decides))
}
wait_for 300 "the last rung" third_is_sent
know_tasks "$third" 3 3
hold "$third"
say "cancelled in the last rung: $held on $held_node"
scancel "$held"
let_all_go "$third"
wait_for 600 "the queue to be empty" queue_empty
recorded "$held" && fail "$held has a record"

say "submit again: the end"
submit --wait >/dev/null
grep -q "^1 runs sent, 4 done" "$top/said" ||
  fail "submit says: $(cat "$top/said")"
settled "^5 done, 12 stopped by the search, 0 failed, .* 0 waiting"
same_search
submit >/dev/null
grep -q "^0 runs sent, 5 done" "$top/said" ||
  fail "what is done was sent again"
say "slurm_search_test: good"
