// The operations of block_ops.h on CUDA. Oracle: its CPU functions; elementwise
// results are the same bits (compiled without contraction, as the host is), and
// so is the gradient of w for the same rstd. Norms and losses: one thread block
// a row, sums by reduce.cuh.
#include <cuda_runtime.h>

#include "harness/kernels/block/block_logic.h"
#include "harness/kernels/block/block_ops_cuda.h"
#include "harness/kernels/device/reduce.cuh"

namespace sft::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kLossThreads = 512;  // a row is a vocabulary

template <class T>
__global__ void NormKernel(const float* __restrict__ x,
                           const float* __restrict__ w, int64_t width,
                           float epsilon, T* __restrict__ y,
                           float* __restrict__ rstd) {
  const float* row = x + blockIdx.x * width;
  float square = 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    square += row[i] * row[i];
  }
  square = BlockReduce<Sum, kThreads>(square);
  const float r = NormRstd(square, width, epsilon);
  if (threadIdx.x == 0) rstd[blockIdx.x] = r;
  T* to = y + blockIdx.x * width;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    Store(Normed(row[i], r, w[i]), to + i);
  }
}

template <class T>
__global__ void NormGradXKernel(const T* __restrict__ grad,
                                const float* __restrict__ x,
                                const float* __restrict__ w,
                                const float* __restrict__ rstd, int64_t width,
                                float* __restrict__ grad_x) {
  const int64_t begin = blockIdx.x * width;
  const float r = rstd[blockIdx.x];
  float dot = 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    dot += NormDotTerm(ToFloat(grad[begin + i]), x[begin + i], r, w[i]);
  }
  dot = BlockReduce<Sum, kThreads>(dot) / static_cast<float>(width);
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    grad_x[begin + i] =
        NormGradX(ToFloat(grad[begin + i]), x[begin + i], r, w[i], dot);
  }
}

// sums [parts, D]: the rows of part blockIdx.y, one thread a column.
template <class T>
__global__ void NormGradWPartKernel(const T* __restrict__ grad,
                                    const float* __restrict__ x,
                                    const float* __restrict__ rstd,
                                    int64_t rows, int64_t width,
                                    float* __restrict__ sums) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= width) return;
  const int64_t begin = blockIdx.y * kRowPart;
  const int64_t end = begin + kRowPart < rows ? begin + kRowPart : rows;
  float sum = 0;
  for (int64_t m = begin; m < end; ++m) {
    sum += NormGradW(ToFloat(grad[m * width + i]), x[m * width + i], rstd[m]);
  }
  sums[blockIdx.y * width + i] = sum;
}
__global__ void NormGradWKernel(const float* __restrict__ sums, int64_t parts,
                                int64_t width, float* __restrict__ grad_w) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= width) return;
  double sum = 0;
  for (int64_t p = 0; p < parts; ++p) {
    sum += static_cast<double>(sums[p * width + i]);
  }
  grad_w[i] = static_cast<float>(sum);
}

template <class T>
__global__ void SwiGluKernel(const T* __restrict__ gate,
                             const T* __restrict__ up, int64_t n,
                             T* __restrict__ y) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) Store(SwiGluOf(ToFloat(gate[i]), ToFloat(up[i])), y + i);
}

template <class T>
__global__ void SwiGluBackwardKernel(const T* __restrict__ grad,
                                     const T* __restrict__ gate,
                                     const T* __restrict__ up, int64_t n,
                                     T* __restrict__ grad_gate,
                                     T* __restrict__ grad_up) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const float g = ToFloat(gate[i]), d = ToFloat(grad[i]);
  const float s = Sigmoid(g);
  Store(SwiGluGradGate(d, g, ToFloat(up[i]), s), grad_gate + i);
  Store(SwiGluGradUp(d, g, s), grad_up + i);
}

template <class T>
__global__ void RotateKernel(const T* __restrict__ x,
                             const float* __restrict__ cos,
                             const float* __restrict__ sin, int pairs,
                             int width, float sign, T* __restrict__ y) {
  const int half = width / 2;
  const int64_t row = blockIdx.x;
  const float* c = cos + row * width;
  const float* s = sin + row * width;
  for (int j = threadIdx.x; j < pairs; j += kThreads) {
    const int i = j % half;
    const int64_t at = row * 2 * pairs + (j / half) * width + i;
    const float a = ToFloat(x[at]), b = ToFloat(x[at + half]);
    Store(TurnedFirst(a, b, c[i], s[i], sign), y + at);
    Store(TurnedSecond(a, b, c[i], s[i], sign), y + at + half);
  }
}

// Each thread rewrites the logits it alone reads; the label's, which all may
// read, is read before the sum's barrier.
template <class T>
__global__ void LossKernel(T* __restrict__ logits,
                           const int64_t* __restrict__ labels,
                           int64_t vocabulary, bool gradient,
                           double* __restrict__ losses) {
  T* row = logits + blockIdx.x * vocabulary;
  const int64_t label = labels[blockIdx.x];
  if (label < 0) {
    if (threadIdx.x == 0) losses[blockIdx.x] = 0;
    if (!gradient) return;
    for (int64_t i = threadIdx.x; i < vocabulary; i += kLossThreads) {
      Store(0.0f, row + i);
    }
    return;
  }
  const float hot = ToFloat(row[label]);
  float most = -INFINITY;
  for (int64_t i = threadIdx.x; i < vocabulary; i += kLossThreads) {
    most = fmaxf(most, ToFloat(row[i]));
  }
  most = BlockReduce<Max, kLossThreads>(most);
  double sum = 0;
  for (int64_t i = threadIdx.x; i < vocabulary; i += kLossThreads) {
    sum += static_cast<double>(SoftmaxTerm(ToFloat(row[i]), most));
  }
  sum = BlockReduce<Sum, kLossThreads>(sum);
  if (threadIdx.x == 0) losses[blockIdx.x] = RowLossOf(sum, most, hot);
  if (!gradient) return;
  const float inverse = static_cast<float>(1.0 / sum);
  for (int64_t i = threadIdx.x; i < vocabulary; i += kLossThreads) {
    const float p = SoftmaxTerm(ToFloat(row[i]), most) * inverse;
    Store(i == label ? p - 1.0f : p, row + i);
  }
}

unsigned Grid(int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

}  // namespace

template <class T>
const char* LaunchRmsNormForward(const float* x, const float* w, int64_t rows,
                                 int64_t width, float epsilon, T* y,
                                 float* rstd, cudaStream_t stream) {
  if (rows == 0) return "";
  NormKernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(
      x, w, width, epsilon, y, rstd);
  return LastError();
}

template <class T>
const char* LaunchRmsNormBackward(const T* grad, const float* x, const float* w,
                                  const float* rstd, int64_t rows,
                                  int64_t width, float* grad_x, float* grad_w,
                                  float* sums, cudaStream_t stream) {
  if (rows > 0) {
    NormGradXKernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(
        grad, x, w, rstd, width, grad_x);
  }
  if (grad_w != nullptr) {
    const int64_t parts = (rows + kRowPart - 1) / kRowPart;
    if (parts > 0) {
      const dim3 grid(Grid(width), static_cast<unsigned>(parts));
      NormGradWPartKernel<<<grid, kThreads, 0, stream>>>(grad, x, rstd, rows,
                                                         width, sums);
    }
    NormGradWKernel<<<Grid(width), kThreads, 0, stream>>>(sums, parts, width,
                                                          grad_w);
  }
  return LastError();
}

template <class T>
const char* LaunchSwiGluForward(const T* gate, const T* up, int64_t n, T* y,
                                cudaStream_t stream) {
  if (n == 0) return "";
  SwiGluKernel<<<Grid(n), kThreads, 0, stream>>>(gate, up, n, y);
  return LastError();
}

template <class T>
const char* LaunchSwiGluBackward(const T* grad, const T* gate, const T* up,
                                 int64_t n, T* grad_gate, T* grad_up,
                                 cudaStream_t stream) {
  if (n == 0) return "";
  SwiGluBackwardKernel<<<Grid(n), kThreads, 0, stream>>>(grad, gate, up, n,
                                                         grad_gate, grad_up);
  return LastError();
}

template <class T>
const char* LaunchRotateRows(const T* x, const float* cos, const float* sin,
                             int64_t rows, int64_t heads, int64_t width,
                             bool inverse, T* y, cudaStream_t stream) {
  if (rows == 0) return "";
  RotateKernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(
      x, cos, sin, static_cast<int>(heads * (width / 2)),
      static_cast<int>(width), inverse ? -1.0f : 1.0f, y);
  return LastError();
}

template <class T>
const char* LaunchCrossEntropyRows(T* logits, const int64_t* labels,
                                   int64_t rows, int64_t vocabulary,
                                   bool gradient, double* losses,
                                   cudaStream_t stream) {
  if (rows == 0) return "";
  LossKernel<<<static_cast<unsigned>(rows), kLossThreads, 0, stream>>>(
      logits, labels, vocabulary, gradient, losses);
  return LastError();
}

#define SFT_INSTANTIATE(T)                                                    \
  template const char* LaunchRmsNormForward(const float*, const float*,       \
                                            int64_t, int64_t, float, T*,      \
                                            float*, cudaStream_t);            \
  template const char* LaunchRmsNormBackward(                                 \
      const T*, const float*, const float*, const float*, int64_t, int64_t,   \
      float*, float*, float*, cudaStream_t);                                  \
  template const char* LaunchSwiGluForward(const T*, const T*, int64_t, T*,   \
                                           cudaStream_t);                     \
  template const char* LaunchSwiGluBackward(const T*, const T*, const T*,     \
                                            int64_t, T*, T*, cudaStream_t);   \
  template const char* LaunchRotateRows(const T*, const float*, const float*, \
                                        int64_t, int64_t, int64_t, bool, T*,  \
                                        cudaStream_t);                        \
  template const char* LaunchCrossEntropyRows(                                \
      T*, const int64_t*, int64_t, int64_t, bool, double*, cudaStream_t);

SFT_INSTANTIATE(float)
SFT_INSTANTIATE(Bf16)
#undef SFT_INSTANTIATE

}  // namespace sft::kernels
