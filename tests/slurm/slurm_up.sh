#!/usr/bin/env bash
# A Slurm of one's own on this machine, for tests: several slurmd on loopback,
# each one node. Nothing outside DIR is read or changed; several may run beside
# each other in folders and ports of their own. Root, Debian's slurm-wlm, munge.
#
#   slurm_up.sh DIR [NODES=5] [PORT=17000]     ports PORT to PORT+NODES
#   export SLURM_CONF=DIR/slurm.conf           then sbatch, squeue, ...
#
# Called again it starts the nodes that are not there. Its times are short, so
# that a node is taken for lost after half a minute (Slurm's defaults: minutes).
# PriorityTier and REQUEUE: a job in partition `high` puts one of `low` back.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
dir=$(realpath -m "$1")
nodes=${2:-5}
port=${3:-17000}
export SLURM_CONF=$dir/slurm.conf

# Whether the daemon of a pid file lives: a number alone may be another's.
lives() {
  local pid
  pid=$(cat "$dir/$1.pid" 2>/dev/null) &&
    grep -qaF "$dir/" "/proc/$pid/cmdline" 2>/dev/null
}

mkdir -p "$dir"/state "$dir"/log
if ! lives slurmctld; then
  rm -rf "$dir"/state/* "$dir"/spool.*
  {
    cat <<CONF
ClusterName=sftbench
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PriorityType=priority/basic
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobcomp.txt
JobRequeue=1
MaxArraySize=101
MaxJobCount=1000
KillWait=5
SlurmdTimeout=10
ReturnToService=1
MinJobAge=86400
CONF
    # Daemons listen on the address of the host's own name; without this they
    # would on all.
    if [[ $(getent ahostsv4 "$(hostname)" || true) == 127.* ]]; then
      echo "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny"
    fi
    for ((i = 1; i <= nodes; ++i)); do
      echo "NodeName=node$i NodeHostname=localhost NodeAddr=127.0.0.1" \
        "Port=$((port + i)) CPUs=1 RealMemory=2000"
    done
    echo "PartitionName=low Nodes=ALL Default=YES PriorityTier=1" \
      "PreemptMode=REQUEUE MaxTime=INFINITE State=UP"
    echo "PartitionName=high Nodes=ALL PriorityTier=9 PreemptMode=OFF" \
      "MaxTime=INFINITE State=UP"
  } >"$SLURM_CONF"
  [[ -s $dir/munge.key ]] ||
    (umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")
  munged --socket="$dir/munge.socket" --key-file="$dir/munge.key" \
    --pid-file="$dir/munged.pid" --log-file="$dir/log/munged.log" \
    --seed-file="$dir/munged.seed"
  slurmctld -f "$SLURM_CONF"
fi
for ((i = 1; i <= nodes; ++i)); do
  lives "slurmd.node$i" || slurmd -f "$SLURM_CONF" -N "node$i"
done

for ((i = 0; i < 300; ++i)); do
  up=$(sinfo -h -N -p low -t idle,mix,alloc -o %N 2>/dev/null | wc -l)
  ((up == nodes)) && exit 0
  sleep 0.1
done
sinfo -N -l >&2 || true
tail -n 5 "$dir"/log/*.log >&2
exit 1
