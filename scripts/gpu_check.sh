#!/usr/bin/env bash
# On a machine with a GPU: builds with CUDA, runs the tests tagged [gpu] and the
# benchmarks of the card, and keeps their figures with the card's name.
#
#   scripts/gpu_check.sh [--built] [OUT.h5 [REGEX of benchmarks]]
#
# --built: compiles and installs nothing, for build-cuda was built on another
# machine (one without network, say); LD_LIBRARY_PATH names its libraries where
# they lie elsewhere, PYTHON an interpreter that has h5py.
# SFT_CUDA_ARCH=90 compiles for one kind of GPU only, which is quicker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=0
if [[ "${1:-}" == --built ]]; then
  built=1
  shift
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
if ((!built)); then
  [[ -x /usr/local/cuda/bin/nvcc ]] && PATH="$PATH:/usr/local/cuda/bin"
  arch=()
  if [[ -n "${SFT_CUDA_ARCH:-}" ]]; then
    arch=("-DCMAKE_CUDA_ARCHITECTURES=$SFT_CUDA_ARCH")
  fi
  ./setup.sh --cuda --no-build
  cmake --preset cuda "${arch[@]}"
  cmake --build build-cuda
fi
for test in build-cuda/tests/test_*; do
  "$test" "[gpu]"
done
"${PYTHON:-.venv/bin/python}" scripts/bench_table.py \
  --bench build-cuda/sftbench_bench --filter "${2:-BM_Device}" \
  --hdf5 "${1:-build-cuda/gpu_check.h5}"
