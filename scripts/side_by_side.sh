#!/usr/bin/env bash
# Our training beside TRL's SFTTrainer with PEFT and beside a plain PyTorch loop:
# the same weights, rows, batches and dtype, whole processes, interleaved.
#
#   scripts/side_by_side.sh --out FILE.h5 [--rounds N] [--cells "lora/packed/bf16"]
#
# Installs the peers into .peers (2 GB) the first time; needs a built sftbench.
# Other flags: scripts/side_by_side.py --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ! -x .peers/bin/python ]]; then
  python3 -m venv .peers
  .peers/bin/pip install --quiet -r scripts/peer_requirements.txt
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# The same weights as transformers reads them: an untuned record, exported.
cat >"$work/untuned.yaml" <<'EOF'
question: the weights themselves
model: smollm2-135m-instruct
train: [alpaca_en]
evaluate: {tasks: []}
budget: {steps: 1}
set: {train_limit: 4, test_limit: 1, validation_limit: 1, batch_size: 4}
grid: {method: [full], batching: [padded]}
baseline: {method: full}
EOF
build/sftbench run "$work/untuned.yaml" --out "$work/untuned"
untuned="$(build/sftbench query "$work/untuned" --where method=untuned \
  --columns run_id | tail -n 1)"
record="$work/untuned/runs/$untuned.h5"
build/sftbench export "$record" --merged --out "$work/model"
.peers/bin/python scripts/side_by_side.py --sftbench build/sftbench \
  --model-dir "$work/model" --work "$work/runs" "$@"
