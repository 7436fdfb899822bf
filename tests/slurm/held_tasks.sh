# Tasks of a Slurm of one's own that stand still in their midst, for the tests
# that do something to them; read by them, behind common.sh. $out: the sweep's
# folder, with one manifest.
#
# Nothing here hopes to be quick enough: tasks are let go one at a time, and a
# run that something is to happen to is stopped (SIGSTOP) once it has saved, and
# goes on when that has happened.
# shellcheck shell=bash disable=SC2154,SC2034

# --- What is known of a task, JOB_NUMBER ---------------------------------------
declare -A work=()    # the folder of its run
declare -A record=()  # what it is to write
declare -A before=()  # the rung's record that it goes on from; "" = none
# know_tasks JOB [RUNG [RUNGS]]: that of a search, behind whose end none goes;
# the last of RUNGS is the run's own end.
know_tasks() {
  local tasks number=0 place id rung=${2:-0} rungs=${3:-0}
  tasks=$out/$(sed -n 's/.*"tasks": "\(.*\)".*/\1/p' "$out"/slurm/*-"$1".json)
  while read -r place; do
    id=$(sed -n "$((place + 2))p" "$out"/manifests/*.jsonl |
      sed 's/.*"run_id":"\([0-9a-f]*\)".*/\1/')
    work[$1_$number]=$out/work/$id
    record[$1_$number]=$out/runs/$id.h5
    before[$1_$number]=""
    ((rung == rungs)) || record[$1_$number]=$out/runs/$id.rung$rung.h5
    ((rung <= 1)) || before[$1_$number]=$out/runs/$id.rung$((rung - 1)).h5
    number=$((number + 1))
  done <"$tasks"
}
recorded() { [[ -f ${record[$1]} ]]; }
# Since the rung that it goes on from.
has_saved() {
  local state
  recorded "$1" && return 1
  for state in "${work[$1]}"/*/checkpoint/state.json; do
    [[ ! -f $state ]] || [[ -n ${before[$1]} && ! $state -nt ${before[$1]} ]] ||
      return 0
  done
  return 1
}
restarted() {
  [[ $(scontrol -o show job "$1" 2>/dev/null) =~ \ Restarts=([0-9]+) ]] &&
    ((BASH_REMATCH[1] > 0))
}
state_is() {
  [[ $(scontrol -o show job "$1" 2>/dev/null) =~ JobState=$2\  ]]
}
says() { grep -q "$2" "$out/slurm/logs/$1.log"; }
# processes_of TASK NODE [COMMAND]: `task`, `worker`, or both. No other program
# is asked: that takes too long.
processes_of() {
  local process line text IFS=$'\n'
  local -a words
  for process in /proc/[0-9]*; do
    { mapfile -d '' -t words <"$process/environ"; } 2>/dev/null || continue
    text=$'\n'"${words[*]}"$'\n'
    for line in "SLURM_CONF=$SLURM_CONF" "SLURM_ARRAY_JOB_ID=${1%_*}" \
      "SLURM_ARRAY_TASK_ID=${1#*_}" "SLURMD_NODENAME=$2"; do
      [[ $text == *$'\n'"$line"$'\n'* ]] || continue 2
    done
    { mapfile -d '' -t words <"$process/cmdline"; } 2>/dev/null || continue
    [[ -n ${3:-} && ${words[1]:-} != "$3" ]] || echo "${process#/proc/}"
  done
  return 0
}
none_of() { [[ -z $(processes_of "$@") ]]; }

# --- Runs that stand still in their midst --------------------------------------
taken=" "
held=""        # the task
held_node=""
held_worker="" # its process
stopped() { [[ $1 =~ ^[0-9]+$ ]] && kill -STOP "$1" 2>/dev/null; }
# Lets the next task of a job go, unless one that nothing was done to is on its
# way.
let_go() {
  local task reason next=""
  while read -r task reason; do
    [[ $taken == *" $task "* ]] && continue
    [[ $reason == JobHeldUser ]] || return 0
    [[ -n $next ]] || next=$task
  done < <(squeue -h -r -j "$1" -t PENDING,RUNNING -o '%F_%K %r')
  [[ -z $next ]] || scontrol release "$next"
}
# Slurm says which of a job's tasks need no release any more.
let_all_go() { scontrol release "$@" 2>/dev/null || true; }
# Takes a running task of a job, or that task, that has saved and that nothing
# was done to.
take() {
  local task node worker
  let_go "$1"
  while read -r task node; do
    [[ $taken == *" $task "* ]] && continue
    has_saved "$task" || continue
    worker=$(processes_of "$task" "$node" worker)
    stopped "$worker" || continue
    taken+="$task "
    # It may have ended meanwhile.
    if [[ -n $(processes_of "$task" "$node" worker) ]] && has_saved "$task"
    then
      held=$task held_node=$node held_worker=$worker
      return 0
    fi
    kill -CONT "$worker" 2>/dev/null || true
  done < <(squeue -h -r -j "$1" -t RUNNING -o '%F_%K %N')
  return 1
}
hold() {
  pause=0.05 wait_for 120 "a task of $1 that runs and has saved" take "$1"
}
# lose_node NODE TASK, which runs on it: the daemon, the job's step manager and
# the job are gone, as if the machine were off.
lose_node() {
  local task
  local -a ours
  mapfile -t ours < <(processes_of "$2" "$1")
  task=$(processes_of "$2" "$1" task)
  kill -KILL "$(cat "$slurm/slurmd.$1.pid")" \
    "$(awk '{ print $4 }' "/proc/$task/stat")" "${ours[@]}"
}

# job_in LINE FILE: the number of a job, in what submit said.
job_in() { sed -n "$1s/\t.*//p" "$2"; }
