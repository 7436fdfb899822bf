#include "harness/kernels/product/gemv.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "harness/kernels/nf4/nf4.h"
#include "harness/kernels/shared/processor_policy.h"
#include "harness/kernels/shared/vectorized.h"

namespace sft::kernels {
namespace {

template <class W>
using DenseRange = void (*)(const W*, const float*, int64_t, int64_t, int64_t,
                            int64_t, int64_t, int64_t, const RowResult&,
                            float*);
using Nf4Range = void (*)(const Nf4Rows&, const float*, int64_t, int64_t,
                          int64_t, int64_t, int64_t, const RowResult&, float*);
using Splitter = void (*)(const float*, int64_t, float*);

struct GemvKernels {
  DenseRange<float> of_float;
  DenseRange<Bf16> of_bf16;
  Nf4Range of_nf4;
  Splitter split;
};
#define SFT_KERNELS_OF(set)                              \
  GemvKernels {                                          \
    set::MultiplyRange<float>, set::MultiplyRange<Bf16>, \
        set::MultiplyRangeNf4, set::SplitPairs           \
  }

// Rows of w read side by side.
constexpr int64_t kStreams = 4;
bool FollowsStreams() { return PlanHere().follows_streams; }

#define SFT_BODY "harness/kernels/product/gemv_body.inc"
#include "harness/kernels/shared/for_instruction_sets.inc"

DenseRange<float> KernelOf(const float*) { return Chosen().of_float; }
DenseRange<Bf16> KernelOf(const Bf16*) { return Chosen().of_bf16; }

// Rows of w that are a task of a parallel loop: a multiple of the tile.
constexpr int64_t kTask = 64;

template <class F>
void ForTasks(int64_t out, const F& f) {
  at::parallel_for(0, Parts(out, kTask), 1, [&](int64_t first, int64_t last) {
    f(first * kTask, std::min(out, last * kTask));
  });
}

// Room for rows of x that begin where a vector should, kept by the thread.
float* AlignedRoom(int64_t floats) {
  thread_local std::vector<float> room;
  if (std::ssize(room) < floats + kLanes) room.resize(floats + kLanes);
  void* at = room.data();
  size_t space = room.size() * sizeof(float);
  return static_cast<float*>(
      std::align(sizeof(float) * kLanes, floats * sizeof(float), at, space));
}

SFT_INLINE void RoundEach(float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    Bf16 bits;
    Store(x[i], &bits);
    x[i] = ToFloat(bits);
  }
}

}  // namespace

void RoundToBf16(float* x, int64_t n) { Vectorized<&RoundEach>(x, n); }

template <class W>
void MultiplyRows(const W* w_OI, const float* x_MI, int64_t rows,
                  int64_t in_features, int64_t out_features,
                  const RowResult& result, float* y_MO) {
  const auto kernel = KernelOf(w_OI);
  const int64_t step = (in_features + kLanes - 1) / kLanes * kLanes;
  float* x = AlignedRoom(rows * step);
  for (int64_t m = 0; m < rows; ++m) {
    float* behind =
        std::copy_n(x_MI + m * in_features, in_features, x + m * step);
    std::fill(behind, x + (m + 1) * step, 0.0f);
  }
  ForTasks(out_features, [&](int64_t begin, int64_t end) {
    kernel(w_OI, x, rows, in_features, step, begin, end, out_features, result,
           y_MO);
  });
}
template void MultiplyRows(const float*, const float*, int64_t, int64_t,
                           int64_t, const RowResult&, float*);
template void MultiplyRows(const Bf16*, const float*, int64_t, int64_t, int64_t,
                           const RowResult&, float*);

void MultiplyRowsNf4(const Nf4Rows& w, const float* x_MI, int64_t rows,
                     int64_t in_features, int64_t out_features,
                     const RowResult& result, float* y_MO) {
  TORCH_CHECK(in_features % kNf4BlockSize == 0, "rows of ", in_features,
              " weights are no whole NF4 blocks");
  float* x = AlignedRoom(rows * in_features);
  Chosen().split(x_MI, rows * in_features, x);
  ForTasks(out_features, [&](int64_t begin, int64_t end) {
    Chosen().of_nf4(w, x, rows, in_features, begin, end, out_features, result,
                    y_MO);
  });
}

}  // namespace sft::kernels
