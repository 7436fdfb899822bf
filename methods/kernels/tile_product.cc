#include "methods/kernels/tile_product.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "methods/kernels/vector_math.h"

namespace sft {
namespace {

constexpr int64_t kTileLanes = 16;
constexpr int64_t kTileRows = 6;

// A panel: `columns` of c, its rows of depth `depth`. Element (m, i) of a lies
// at m a_row + i a_step.
struct TileShape {
  int64_t depth = 0, columns = 0;
  int64_t a_row = 0, a_step = 0, b_step = 0, c_step = 0;
  float scale = 1;
  bool add = false;
};

struct Kernel {
  void (*make_panel)(int64_t, int64_t, const TileShape&, const float*,
                     const float*, float*);
  int64_t vectors;
};

namespace plain {
#define SFT_TILE_VECTORS 1
#include "methods/kernels/tile_product_body.inc"
}  // namespace plain
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace v3 {
#include "methods/kernels/tile_product_body.inc"
}  // namespace v3
#pragma GCC pop_options
#undef SFT_TILE_VECTORS
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
namespace v4 {
#define SFT_TILE_VECTORS 4
#include "methods/kernels/tile_product_body.inc"
}  // namespace v4
#pragma GCC pop_options
Kernel Choose() {
  if (__builtin_cpu_supports("x86-64-v4")) {
    return {v4::AnyPanel, v4::kMostVectors};
  }
  if (__builtin_cpu_supports("x86-64-v3")) {
    return {v3::AnyPanel, v3::kMostVectors};
  }
  return {plain::AnyPanel, plain::kMostVectors};
}
#else
Kernel Choose() { return {plain::AnyPanel, plain::kMostVectors}; }
#endif

// Columns [first, first + shape.columns) of b as rows of `width`, zeros behind
// what b has.
void PackPanel(const TileMatrix& b, int64_t first, int64_t width,
               const TileShape& shape, float* to) {
  if (shape.columns < width) std::fill_n(to, shape.depth * width, 0.0f);
  if (!b.transposed) {
    for (int64_t i = 0; i < shape.depth; ++i) {
      std::copy_n(b.data + i * b.step + first, shape.columns, to + i * width);
    }
    return;
  }
  for (int64_t j = 0; j < shape.columns; ++j) {
    const float* from = b.data + (first + j) * b.step;
    for (int64_t i = 0; i < shape.depth; ++i) to[i * width + j] = from[i];
  }
}

const Kernel& TheKernel() {
  static const Kernel kernel = Choose();
  return kernel;
}

// Rows of a that stay in a core's cache while all panels pass.
constexpr int64_t kPassRows = 20 * kTileRows;

}  // namespace

void TileProduct(int64_t m, int64_t n, int64_t k, float scale,
                 const TileMatrix& a, const TileMatrix& b, bool add, float* c,
                 int64_t c_step) {
  const Kernel& kernel = TheKernel();
  thread_local std::vector<float> panel;
  TileShape shape = {.depth = k,
                     .a_row = a.transposed ? 1 : a.step,
                     .a_step = a.transposed ? a.step : 1,
                     .c_step = c_step,
                     .scale = scale,
                     .add = add};
  for (int64_t first = 0; first < n; first += shape.columns) {
    const int64_t wanted = (n - first + kTileLanes - 1) / kTileLanes;
    const int64_t vectors = std::min(kernel.vectors, wanted);
    const int64_t width = vectors * kTileLanes;
    shape.columns = std::min(width, n - first);
    shape.b_step = b.step;
    const float* from = b.data + first;
    if (b.transposed || shape.columns < width) {
      if (std::ssize(panel) < k * width) panel.resize(k * width);
      PackPanel(b, first, width, shape, panel.data());
      from = panel.data();
      shape.b_step = width;
    }
    kernel.make_panel(vectors, m, shape, a.data, from, c + first);
  }
}

bool HasWideTiles() { return TheKernel().vectors >= 4; }

int64_t PackedSize(int64_t n, int64_t k) {
  const int64_t width = TheKernel().vectors * kTileLanes;
  return (n + width - 1) / width * width * k;
}

void PackTiles(int64_t n, int64_t k, const TileMatrix& b, float* packed) {
  const int64_t width = TheKernel().vectors * kTileLanes;
  at::parallel_for(0, (n + width - 1) / width, 1, [&](int64_t p, int64_t end) {
    for (; p < end; ++p) {
      const int64_t columns = std::min(width, n - p * width);
      PackPanel(b, p * width, width, {.depth = k, .columns = columns},
                packed + p * width * k);
    }
  });
}

void PackedProduct(int64_t m, int64_t n, int64_t k, const float* a,
                   const float* packed, float* c) {
  const Kernel& kernel = TheKernel();
  const int64_t width = kernel.vectors * kTileLanes;
  at::parallel_for(
      0, (m + kPassRows - 1) / kPassRows, 1, [&](int64_t pass, int64_t end) {
        const int64_t begin = pass * kPassRows;
        const int64_t behind = std::min(m, end * kPassRows);
        TileShape shape = {
            .depth = k, .a_row = k, .a_step = 1, .b_step = width, .c_step = n};
        for (int64_t row = begin; row < behind; row += kPassRows) {
          const int64_t rows = std::min(kPassRows, behind - row);
          for (int64_t first = 0; first < n; first += width) {
            shape.columns = std::min(width, n - first);
            kernel.make_panel(kernel.vectors, rows, shape, a + row * k,
                              packed + first * k, c + row * n + first);
          }
        }
      });
}

}  // namespace sft
