#!/usr/bin/env bash
# slurm_down.sh DIR: cancels the jobs of slurm_up.sh's Slurm in DIR and ends its
# daemons, only those that DIR's own files name.
set -u
PATH=$PATH:/usr/sbin:/sbin
dir=$(realpath -m "$1")
export SLURM_CONF=$dir/slurm.conf

pid_of() {
  local pid
  pid=$(cat "$dir/$1.pid" 2>/dev/null) &&
    grep -qaF "$dir/" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

if pid_of munged >/dev/null && pid_of slurmctld >/dev/null; then
  mapfile -t jobs < <(timeout 10 squeue -h -o %A | sort -u)
  ((${#jobs[@]} == 0)) || timeout 10 scancel "${jobs[@]}"
  for ((i = 0; i < 100; ++i)); do
    [[ -z $(timeout 10 squeue -h) ]] && break
    sleep 0.1
  done
fi
for file in "$dir"/slurmd.*.pid "$dir"/slurmctld.pid "$dir"/munged.pid; do
  name=$(basename "$file" .pid)
  pid=$(pid_of "$name") || continue
  kill "$pid"
  for ((i = 0; i < 50; ++i)); do
    pid_of "$name" >/dev/null || continue 2
    sleep 0.1
  done
  kill -KILL "$pid"
done
# A slurmd that was killed leaves its step manager, and the job with it.
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  [[ $pid == "$$" ]] && continue
  if [[ $(readlink "$process/exe" 2>/dev/null) == *slurmstepd* &&
    $(readlink "$process/cwd" 2>/dev/null) == "$dir/log" ]] ||
    { grep -qzxF "SLURM_CONF=$SLURM_CONF" "$process/environ" 2>/dev/null &&
      grep -qz '^SLURM_JOB_ID=' "$process/environ" 2>/dev/null; }; then
    kill -KILL "$pid" 2>/dev/null
  fi
done
rm -f "$dir"/*.pid "$dir/munge.socket"
exit 0
