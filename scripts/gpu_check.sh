#!/usr/bin/env bash
# On a machine with a GPU: builds with CUDA, runs the tests tagged [gpu] and the
# benchmarks, and keeps their figures with the card's name.
#
#   scripts/gpu_check.sh [OUT.h5 [REGEX of benchmarks]]
#
# SFT_CUDA_ARCH=90 compiles for one kind of GPU only, which is quicker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ -x /usr/local/cuda/bin/nvcc ]] && PATH="$PATH:/usr/local/cuda/bin"
arch=()
if [[ -n "${SFT_CUDA_ARCH:-}" ]]; then
  arch=("-DCMAKE_CUDA_ARCHITECTURES=$SFT_CUDA_ARCH")
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
./setup.sh --cuda --no-build
cmake --preset cuda "${arch[@]}"
cmake --build build-cuda
(cd build-cuda && ctest --output-on-failure --no-tests=error -L gpu)
.venv/bin/python scripts/bench_table.py --bench build-cuda/sftbench_bench \
  --filter "${2:-.}" --hdf5 "${1:-build-cuda/gpu_check.h5}"
