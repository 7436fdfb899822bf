# What the tests of this folder share; read by them.
# shellcheck shell=bash

# A 24-cell sweep of the tiny model; a run takes some seconds, so that there is
# something to disturb. STEPS makes it longer on a fast machine.
write_spec() {
  cat >"$1" <<SPEC
question: is a disturbed sweep the same sweep?
model: glassllm
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes]}
budget: {steps: ${STEPS:-250}}
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
skip() {
  local line="skipped: $1: $3"
  echo "$line"
  [[ -z ${SFT_SKIPS_FILE:-} ]] || echo "$line" >"$SFT_SKIPS_FILE"
  [[ ",${SFT_TESTS_REQUIRE:-}," == *,$2,* ]] && exit 1
  exit 77
}
require_assets() {
  local assets
  assets=${SFTBENCH_ASSETS:-$(dirname "${BASH_SOURCE[0]}")/../../assets}
  [[ -f $assets/models/glassllm/config.json ]] ||
    skip "$1" assets "no assets (./setup.sh fetches them)"
}

# wait_for SECONDS WHAT COMMAND...: until it succeeds.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < end)) || fail "waited too long for: $what"
    sleep 0.2
  done
}

# same_records SFTBENCH CALM OTHER: every cell done once, as in the calm sweep.
same_records() {
  local program=$1 calm=$2 other=$3 record name
  for record in "$calm"/runs/*.h5; do
    name=$(basename "$record")
    [[ -f $other/runs/$name ]] || fail "$name is not in $other"
    "$program" verify --same "$record" "$other/runs/$name" ||
      fail "$name is another record in $other"
  done
  [[ $(find "$other/runs" -type f | wc -l) == $(find "$calm/runs" -type f |
    wc -l) ]] || fail "$other/runs holds other files than the calm sweep's"
  [[ -z $(find "$other/work" -name checkpoint) ]] ||
    fail "checkpoints are left in $other/work"
}
