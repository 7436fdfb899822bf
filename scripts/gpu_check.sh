#!/usr/bin/env bash
# On a machine with a GPU: builds with CUDA, runs the tests tagged [gpu] and the
# benchmarks.
#
#   scripts/gpu_check.sh [--benchmark_filter=REGEX ...]
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
if [[ -x build-cuda/sftbench_bench ]]; then build-cuda/sftbench_bench "$@"; fi
