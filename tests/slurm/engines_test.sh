#!/usr/bin/env bash
# engines_test.sh SFTBENCH: README.md's blocks for engines that are not here, as
# printed: each is executed for all of its tasks with the number that the
# engine's manual gives them, told to save as the engine tells it, and ends as
# the engine understands it.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/common.sh
source "$here/common.sh"
require_assets engines

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
mkdir "$top/build"
ln -s "$program" "$top/build/sftbench"
cd "$top"
write_small_spec() {
  cat >"$1" <<SPEC
question: does every engine find its runs?
model: glassllm
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes]}
budget: {steps: $2}
set: {batch_size: 2, max_length: 64, test_limit: 4, validation_limit: 4,
      threads: 1}
grid: {method: [full], seed: [0, 1]}
SPEC
}
write_small_spec spec.yaml 2
build/sftbench run spec.yaml --out calm 2>/dev/null
[[ $(find calm/runs -name '*.h5' | wc -l) == 3 ]] || fail "wanted 3 runs"

# The fenced block of README.md that holds a text.
block_with() {
  awk -v text="$1" '
    /^```/ { if (inside && index(block, text)) { printf "%s", block; exit }
             inside = !inside; block = ""; next }
    inside { block = block $0 "\n" }' "$here/../../README.md"
}
# prepare ENGINE TEXT: plans a sweep for it, and writes its block to block.txt.
prepare() {
  out=$top/$1
  build/sftbench plan spec.yaml --out "$out" >/dev/null 2>&1
  manifest=$(find "$out/manifests" -type f)
  block_with "$2" | sed "s|MANIFEST|$manifest|; s|0-24|0-2|" >block.txt
  [[ -s block.txt ]] || fail "README.md has no block for $1"
  grep -F "$manifest" block.txt >/dev/null || fail "$1: names no manifest"
}
# all_tasks ENGINE FIRST VARIABLE: from which number on, and how it is called.
all_tasks() {
  local number
  for number in 0 1 2; do
    env "$3=$(($2 + number))" bash block.txt >said 2>&1 ||
      fail "$1: task $number: $(cat said)"
  done
  same_records "$program" calm "$out"
}

echo "Grid Engine"
prepare sge '#$ -t '
grep -F -- '-t 1-25' block.txt >/dev/null || fail "its tasks count from 1"
all_tasks sge 1 SGE_TASK_ID

echo "PBS, LSF"
prepare pbs '#PBS -J 0-2'
export PBS_O_WORKDIR=$top
(cd / && cp "$top/block.txt" "$top/pbs.sh" && for number in 0 1 2; do
  PBS_ARRAY_INDEX=$number bash "$top/pbs.sh" >"$top/said" 2>&1 ||
    fail "pbs: task $number: $(cat "$top/said")"
done)
same_records "$program" calm "$out"
unset PBS_O_WORKDIR
prepare lsf '#PBS -J 0-2'
all_tasks lsf 1 LSB_JOBINDEX

echo "HyperQueue"
prepare hq 'hq submit'
# As its manual has it: every number of the array, options before the program.
mkdir bin
cat >bin/hq <<'HQ'
#!/usr/bin/env bash
[[ $1 == submit && $2 == --array && $4 == --cpus ]] || exit 9
for ((id = ${3%-*}; id <= ${3#*-}; ++id)); do
  HQ_TASK_ID=$id "${@:6}" || exit
done
HQ
chmod +x bin/hq
PATH=$top/bin:$PATH bash block.txt >said 2>&1 || fail "hq: $(cat said)"
same_records "$program" calm "$out"

echo "Kubernetes"
prepare kubernetes 'kind: Job'
sed -n 's/^ *command: \[\(.*\)\]$/\1/p' block.txt | tr -d , >task.txt
mv task.txt block.txt
all_tasks kubernetes 0 JOB_COMPLETION_INDEX

echo "told to save"
write_small_spec spec.yaml 100000
prepare notified '#$ -t '
# In a process group of its own, all of which Grid Engine tells.
SGE_TASK_ID=2 setsid bash block.txt >said 2>&1 &
group=$!
trains() { grep "train step" said >/dev/null; }
wait_for 120 "training" trains
kill -USR1 -- "-$group"
code=0
wait "$group" || code=$?
[[ $code == 99 ]] || fail "sge: ended with $code instead of 99: $(cat said)"
# What is failed for good is not put back.
sed -i "s|$manifest|$top/none|" block.txt
code=0
SGE_TASK_ID=2 bash block.txt >said 2>&1 || code=$?
[[ $code == 1 ]] || fail "sge: ended with $code instead of 1"
echo "engines_test: good"
