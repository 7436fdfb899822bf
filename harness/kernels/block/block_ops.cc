#include "harness/kernels/block/block_ops.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "harness/kernels/block/block_logic.h"
#include "harness/kernels/shared/vectorized.h"

namespace sft::kernels {
namespace {

constexpr int64_t kElementPart = 1 << 15;

// Calls f(begin, end) for the parts of [0, n), on all threads.
template <class F>
void ForParts(int64_t n, int64_t part, const F& f) {
  at::parallel_for(0, Parts(n, part), 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      f(p, p * part, std::min(n, (p + 1) * part));
    }
  });
}

template <class T>
SFT_INLINE void NormRow(const float* x, const float* w, int64_t width,
                        float epsilon, T* y, float* rstd) {
  const float square = LaneSum(width, [x](int64_t i) { return x[i] * x[i]; });
  const float r = NormRstd(square, width, epsilon);
  *rstd = r;
  for (int64_t i = 0; i < width; ++i) Store(Normed(x[i], r, w[i]), y + i);
}

template <class T>
SFT_INLINE void NormRowBackward(const T* grad, const float* x, const float* w,
                                float rstd, int64_t width, float* grad_x,
                                float* grad_w) {
  const float dot =
      LaneSum(width,
              [=](int64_t i) {
                return NormDotTerm(ToFloat(grad[i]), x[i], rstd, w[i]);
              }) /
      static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i) {
    grad_x[i] = NormGradX(ToFloat(grad[i]), x[i], rstd, w[i], dot);
  }
  if (grad_w == nullptr) return;
  for (int64_t i = 0; i < width; ++i) {
    grad_w[i] += NormGradW(ToFloat(grad[i]), x[i], rstd);
  }
}

template <class T>
SFT_INLINE void SwiGlu(const T* gate, const T* up, int64_t n, T* y) {
  for (int64_t i = 0; i < n; ++i) {
    Store(SwiGluOf(ToFloat(gate[i]), ToFloat(up[i])), y + i);
  }
}

template <class T>
SFT_INLINE void SwiGluGradients(const T* grad, const T* gate, const T* up,
                                int64_t n, T* grad_gate, T* grad_up) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = ToFloat(gate[i]), d = ToFloat(grad[i]);
    const float s = Sigmoid(g);
    Store(SwiGluGradGate(d, g, ToFloat(up[i]), s), grad_gate + i);
    Store(SwiGluGradUp(d, g, s), grad_up + i);
  }
}

template <class T>
SFT_INLINE void RotateHead(const T* x, const float* cos, const float* sin,
                           float sign, int64_t half, T* y) {
  for (int64_t i = 0; i < half; ++i) {
    const float a = ToFloat(x[i]), b = ToFloat(x[i + half]);
    Store(TurnedFirst(a, b, cos[i], sin[i], sign), y + i);
    Store(TurnedSecond(a, b, cos[i], sin[i], sign), y + i + half);
  }
}

// Two passes read the row, one writes it.
template <class T>
SFT_INLINE double RowLoss(T* logits, int64_t label, int64_t vocabulary,
                          bool gradient) {
  const float most = LaneMax(vocabulary, -INFINITY,
                             [=](int64_t i) { return ToFloat(logits[i]); });
  // In parts: one f32 run over a vocabulary would cost two digits.
  constexpr int64_t kSumPart = 2048;
  double sum = 0;
  for (int64_t begin = 0; begin < vocabulary; begin += kSumPart) {
    const int64_t part = std::min(kSumPart, vocabulary - begin);
    const T* at = logits + begin;
    sum += static_cast<double>(LaneSum(
        part, [=](int64_t i) { return SoftmaxTerm(ToFloat(at[i]), most); }));
  }
  const float hot = ToFloat(logits[label]);
  const double loss = RowLossOf(sum, most, hot);
  if (!gradient) return loss;
  const float inverse = static_cast<float>(1.0 / sum);
  for (int64_t i = 0; i < vocabulary; ++i) {
    Store(SoftmaxTerm(ToFloat(logits[i]), most) * inverse, logits + i);
  }
  Store(SoftmaxTerm(hot, most) * inverse - 1.0f, logits + label);
  return loss;
}

template <class T>
SFT_INLINE void NormRows(const float* x, const float* w, int64_t rows,
                         int64_t width, float epsilon, T* y, float* rstd) {
  for (int64_t m = 0; m < rows; ++m) {
    NormRow(x + m * width, w, width, epsilon, y + m * width, rstd + m);
  }
}
template <class T>
SFT_INLINE void NormRowsBackward(const T* grad, const float* x, const float* w,
                                 const float* rstd, int64_t rows, int64_t width,
                                 float* grad_x, float* grad_w) {
  for (int64_t m = 0; m < rows; ++m) {
    NormRowBackward(grad + m * width, x + m * width, w, rstd[m], width,
                    grad_x + m * width, grad_w);
  }
}
template <class T>
SFT_INLINE void RotateHeads(const T* x, const float* cos, const float* sin,
                            int64_t rows, int64_t heads, int64_t width,
                            float sign, T* y) {
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t at = (m * heads + h) * width;
      RotateHead(x + at, cos + m * width, sin + m * width, sign, width / 2,
                 y + at);
    }
  }
}

}  // namespace

template <class T>
void RmsNormForward(const float* x, const float* w, int64_t rows, int64_t width,
                    float epsilon, T* y, float* rstd) {
  ForParts(rows, kRowPart, [&](int64_t, int64_t begin, int64_t end) {
    Vectorized<&NormRows<T>>(x + begin * width, w, end - begin, width, epsilon,
                             y + begin * width, rstd + begin);
  });
}

template <class T>
void RmsNormBackward(const T* grad, const float* x, const float* w,
                     const float* rstd, int64_t rows, int64_t width,
                     float* grad_x, float* grad_w) {
  std::vector<float> sums;
  if (grad_w != nullptr) {
    sums.assign(static_cast<size_t>(Parts(rows, kRowPart) * width), 0.0f);
  }
  ForParts(rows, kRowPart, [&](int64_t part, int64_t begin, int64_t end) {
    float* sum = sums.empty() ? nullptr : sums.data() + part * width;
    Vectorized<&NormRowsBackward<T>>(grad + begin * width, x + begin * width, w,
                                     rstd + begin, end - begin, width,
                                     grad_x + begin * width, sum);
  });
  if (grad_w == nullptr) return;
  for (int64_t i = 0; i < width; ++i) {
    double sum = 0;
    for (int64_t part = 0; part < Parts(rows, kRowPart); ++part) {
      sum += static_cast<double>(sums[static_cast<size_t>(part * width + i)]);
    }
    grad_w[i] = static_cast<float>(sum);
  }
}

template <class T>
void SwiGluForward(const T* gate, const T* up, int64_t n, T* y) {
  ForParts(n, kElementPart, [&](int64_t, int64_t begin, int64_t end) {
    Vectorized<&SwiGlu<T>>(gate + begin, up + begin, end - begin, y + begin);
  });
}

template <class T>
void SwiGluBackward(const T* grad, const T* gate, const T* up, int64_t n,
                    T* grad_gate, T* grad_up) {
  ForParts(n, kElementPart, [&](int64_t, int64_t begin, int64_t end) {
    Vectorized<&SwiGluGradients<T>>(grad + begin, gate + begin, up + begin,
                                    end - begin, grad_gate + begin,
                                    grad_up + begin);
  });
}

template <class T>
void RotateRows(const T* x, const float* cos, const float* sin, int64_t rows,
                int64_t heads, int64_t width, bool inverse, T* y) {
  ForParts(rows, kRowPart, [&](int64_t, int64_t begin, int64_t end) {
    const int64_t at = begin * heads * width;
    Vectorized<&RotateHeads<T>>(x + at, cos + begin * width,
                                sin + begin * width, end - begin, heads, width,
                                inverse ? -1.0f : 1.0f, y + at);
  });
}

template <class T>
double CrossEntropyRows(T* logits, const int64_t* labels, int64_t rows,
                        int64_t vocabulary, bool gradient) {
  std::vector<double> losses(static_cast<size_t>(rows));
  ForParts(rows, 1, [&](int64_t m, int64_t, int64_t) {
    T* row = logits + m * vocabulary;
    if (labels[m] < 0) {
      if (gradient) std::fill_n(row, vocabulary, T{});
      return;
    }
    losses[static_cast<size_t>(m)] =
        Vectorized<&RowLoss<T>>(row, labels[m], vocabulary, gradient);
  });
  double sum = 0;
  for (double loss : losses) sum += loss;
  return sum;
}

#define SFT_INSTANTIATE(T)                                                     \
  template void RmsNormForward(const float*, const float*, int64_t, int64_t,   \
                               float, T*, float*);                             \
  template void RmsNormBackward(const T*, const float*, const float*,          \
                                const float*, int64_t, int64_t, float*,        \
                                float*);                                       \
  template void SwiGluForward(const T*, const T*, int64_t, T*);                \
  template void SwiGluBackward(const T*, const T*, const T*, int64_t, T*, T*); \
  template void RotateRows(const T*, const float*, const float*, int64_t,      \
                           int64_t, int64_t, bool, T*);                        \
  template double CrossEntropyRows(T*, const int64_t*, int64_t, int64_t, bool);

SFT_INSTANTIATE(float)
SFT_INSTANTIATE(Bf16)
#undef SFT_INSTANTIATE

}  // namespace sft::kernels
