# What the tests of this folder share; read by them.
# shellcheck shell=bash

# A 24-cell sweep of the tiny model; a run takes some seconds, so that there is
# something to disturb. STEPS=200 makes it longer where cores are fast.
write_spec() {
  cat >"$1" <<SPEC
question: is a disturbed sweep the same sweep?
model: glassllm
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes]}
budget: {steps: ${STEPS:-80}}
set: {batch_size: 4, max_length: 96, test_limit: 12, validation_limit: 6,
      learning_rate: 1.0e-3, threads: 1}
grid:
  method: [full, lora]
  batching: [padded, packed]
  seed: [0, 1, 2, 3, 4, 5]
baseline: {method: full}
SPEC
}

# The number of records that write_spec's sweep has: its cells and the untuned
# run.
# shellcheck disable=SC2034
runs=25

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# skip NAME NEED WHY: CTest shows it as skipped, and test.sh lists it. Where the
# need (tools, machine, assets) is in SFT_TESTS_REQUIRE it is a failure.
# skip_rest: what came before was tested.
skip() {
  leave "skipped: $1: $3" "$2" 77
}
skip_rest() {
  leave "skipped in part: $1: $3" "$2" 0
}
leave() {
  echo "$1"
  [[ -z ${SFT_SKIPS_FILE:-} ]] || echo "$1" >"$SFT_SKIPS_FILE"
  [[ ",${SFT_TESTS_REQUIRE:-}," == *,$2,* ]] && exit 1
  exit "$3"
}
require_assets() {
  local assets
  assets=${SFTBENCH_ASSETS:-$(dirname "${BASH_SOURCE[0]}")/../../assets}
  [[ -f $assets/models/glassllm/config.json ]] ||
    skip "$1" assets "no assets (./setup.sh fetches them)"
}
# require_slurm NAME [skip_rest]: what a Slurm of one's own wants.
require_slurm() {
  local tool skip=${2:-skip}
  for tool in slurmctld slurmd munged sbatch squeue scancel scontrol; do
    command -v "$tool" >/dev/null ||
      "$skip" "$1" tools "no $tool (./setup.sh --cluster)"
  done
  ((EUID == 0)) || "$skip" "$1" machine "a Slurm of one's own wants root"
}

# start_slurm PORT: a Slurm of one's own, of five nodes, in a folder that goes
# with the script; sets $top, the folder, $slurm, the Slurm's part of it, and
# $port, for the calls of slurm_up.sh that bring nodes back.
start_slurm() {
  tests_slurm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  top=$(mktemp -d)
  chmod 755 "$top"   # munged wants its socket's folder open to look through
  slurm=$top/slurm
  export SLURM_CONF=$slurm/slurm.conf
  port=${SLURM_TEST_PORT:-$1}
  trap '"$tests_slurm/slurm_down.sh" "$slurm"
    [[ -n ${KEEP:-} ]] || rm -rf "$top"' EXIT
  "$tests_slurm/slurm_up.sh" "$slurm" 5 "$port"
}
say() { printf '%4d s: %s\n' "$SECONDS" "$*"; }

# wait_for SECONDS WHAT COMMAND...: until it succeeds. Between looks, for $pause
# seconds, the machine is left to the runs.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < end)) || fail "waited too long for: $what"
    sleep "${pause:-0.3}"
  done
}

# same_records SFTBENCH CALM OTHER: every cell done once, as in the calm sweep.
same_records() {
  local program=$1 calm=$2 other=$3 record name
  for record in "$calm"/runs/*.h5; do
    name=$(basename "$record")
    [[ -f $other/runs/$name ]] || fail "$name is not in $other"
    "$program" verify --same "$record" "$other/runs/$name" >/dev/null ||
      fail "$name is another record in $other"
  done
  [[ $(find "$other/runs" -type f -printf x) == "$(find "$calm/runs" -type f \
    -printf x)" ]] || fail "$other/runs holds other files than the calm sweep's"
  [[ -z $(find "$other/work" -name checkpoint) ]] ||
    fail "checkpoints are left in $other/work"
  echo "$(find "$other/runs" -type f -printf 'x\n' | wc -l) records as in the" \
    "calm sweep"
}
