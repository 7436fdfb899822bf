#include "harness/kernels/product/tile_product.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "harness/kernels/shared/instruction_set.h"
#include "harness/kernels/shared/processor_policy.h"
#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {
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
  // The panel that is read next, or null.
  const float* next = nullptr;
  // Terms that are summed before they join c.
  int64_t run = std::numeric_limits<int32_t>::max();
};

struct Kernel {
  void (*make_panel)(int64_t, int64_t, const TileShape&, const float*,
                     const float*, float*);
  int64_t vectors;
};

#define SFT_KERNELS_OF(set) \
  Kernel { set::AnyPanel, set::kMostVectors }
#define SFT_BODY "harness/kernels/product/tile_product_body.inc"
#include "harness/kernels/shared/for_instruction_sets.inc"

// Four numbers of four columns, `step` apart, to four rows `width` apart.
void TransposeFour(const float* from, int64_t step, float* to, int64_t width) {
  Quad column[4];
  for (int64_t j = 0; j < 4; ++j) {
    std::memcpy(&column[j], from + j * step, sizeof(Quad));
  }
  const auto& [a, b, c, d] = column;
  const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
             cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
             ab_2 = __builtin_shufflevector(a, b, 2, 6, 3, 7),
             cd_2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Quad row[4] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5),
                       __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                       __builtin_shufflevector(ab_2, cd_2, 0, 1, 4, 5),
                       __builtin_shufflevector(ab_2, cd_2, 2, 3, 6, 7)};
  for (int64_t i = 0; i < 4; ++i) {
    std::memcpy(to + i * width, &row[i], sizeof(Quad));
  }
}

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
  // A cache line of each column at a time.
  for (int64_t begin = 0; begin < shape.depth; begin += kTileLanes) {
    const int64_t end = std::min(shape.depth, begin + kTileLanes);
    int64_t j = 0;
    for (; end - begin == kTileLanes && j + 4 <= shape.columns; j += 4) {
      for (int64_t i = begin; i < end; i += 4) {
        TransposeFour(b.data + (first + j) * b.step + i, b.step,
                      to + i * width + j, width);
      }
    }
    for (; j < shape.columns; ++j) {
      const float* from = b.data + (first + j) * b.step;
      for (int64_t i = begin; i < end; ++i) to[i * width + j] = from[i];
    }
  }
}

// Rows of a that, of kPackedDepth columns, stay in a core's cache with a panel
// and their part of c while all panels pass.
constexpr int64_t kPassRows = 12 * kTileRows;
// The rounding of a sum grows with its terms: at most so many are summed by
// themselves where a product has more of them than attention's tiles.
constexpr int64_t kRun = 384;

// Rows and columns [row, column) onwards of what the matrix is read as.
TileMatrix From(const TileMatrix& x, int64_t row, int64_t column) {
  return {
      x.data + (x.transposed ? column * x.step + row : row * x.step + column),
      x.step, x.transposed};
}

// Calls f(first row, rows) for the passes over m rows, on all threads.
template <class F>
void ForPasses(int64_t m, const F& f) {
  at::parallel_for(0, Parts(m, kPassRows), 1, [&](int64_t pass, int64_t end) {
    for (; pass < end; ++pass) {
      const int64_t row = pass * kPassRows;
      f(row, std::min(kPassRows, m - row));
    }
  });
}

// Calls f(begin, depth) for the parts of k.
template <class F>
void ForDepths(int64_t k, const F& f) {
  const int64_t most = EvenPart(k, kPackedDepth);
  for (int64_t begin = 0; begin < k; begin += most) {
    f(begin, std::min(most, k - begin));
  }
}

// Lays out one part of k, in all threads.
void PackDepth(int64_t n, int64_t depth, const TileMatrix& b, float* packed) {
  const int64_t width = Chosen().vectors * kTileLanes;
  at::parallel_for(0, Parts(n, width), 1, [&](int64_t p, int64_t end) {
    for (; p < end; ++p) {
      const int64_t columns = std::min(width, n - p * width);
      PackPanel(b, p * width, width, {.depth = depth, .columns = columns},
                packed + p * width * depth);
    }
  });
}

// c = a b (+= where the shape says so) for rows that stay in the cache and the
// columns of all panels. Stored as columns, a is copied: rows of b's width
// apart share few sets of a cache.
void MultiplyPass(int64_t rows, int64_t n, const TileMatrix& a,
                  const float* packed, TileShape shape, float* c) {
  const Kernel& kernel = Chosen();
  const int64_t width = kernel.vectors * kTileLanes;
  thread_local std::vector<float> columns;
  const float* from = a.data;
  shape.a_row = a.step;
  shape.a_step = 1;
  if (a.transposed) {
    columns.resize(static_cast<size_t>(shape.depth * kPassRows));
    for (int64_t i = 0; i < shape.depth; ++i) {
      std::copy_n(a.data + i * a.step, rows, columns.data() + i * kPassRows);
    }
    from = columns.data();
    shape.a_row = 1;
    shape.a_step = kPassRows;
  }
  shape.b_step = width;
  const int64_t depth = shape.depth;
  const int64_t most = PlanHere().panel_terms;
  const int64_t terms = EvenPart(depth, most > 0 ? most : kPackedDepth);
  const bool add = shape.add;
  const float *b = packed, *end = packed + Parts(n, width) * width * depth;
  for (int64_t first = 0; first < n; first += width) {
    shape.columns = std::min(width, n - first);
    for (int64_t begin = 0; begin < depth; begin += terms) {
      const float* panel = b;
      shape.depth = std::min(terms, depth - begin);
      shape.run = EvenPart(shape.depth, kRun);
      shape.add = add || begin > 0;
      b += shape.depth * width;
      // Whole depths come as a stream that the processor foresees.
      shape.next = terms < depth && b < end ? b : nullptr;
      kernel.make_panel(kernel.vectors, rows, shape,
                        from + begin * shape.a_step, panel, c + first);
    }
  }
}

}  // namespace

void TileProduct(int64_t m, int64_t n, int64_t k, float scale,
                 const TileMatrix& a, const TileMatrix& b, bool add, float* c,
                 int64_t c_step) {
  const Kernel& kernel = Chosen();
  thread_local std::vector<float> panel;
  TileShape shape = {.depth = k,
                     .a_row = a.transposed ? 1 : a.step,
                     .a_step = a.transposed ? a.step : 1,
                     .c_step = c_step,
                     .scale = scale,
                     .add = add};
  for (int64_t first = 0; first < n; first += shape.columns) {
    const int64_t wanted = Parts(n - first, kTileLanes);
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

int64_t PackedSize(int64_t n, int64_t k) {
  const int64_t width = Chosen().vectors * kTileLanes;
  return Parts(n, width) * width * k;
}

void PackTiles(int64_t n, int64_t k, const TileMatrix& b, float* packed) {
  ForDepths(k, [&](int64_t begin, int64_t depth) {
    PackDepth(n, depth, From(b, begin, 0), packed + PackedSize(n, begin));
  });
}

void PackedProduct(int64_t m, int64_t n, int64_t k, const float* a,
                   const float* packed, float* c) {
  if (k == 0) std::fill_n(c, m * n, 0.0f);
  ForPasses(m, [&](int64_t row, int64_t rows) {
    ForDepths(k, [&](int64_t begin, int64_t depth) {
      MultiplyPass(
          rows, n, {a + row * k + begin, k}, packed + PackedSize(n, begin),
          {.depth = depth, .c_step = n, .add = begin > 0}, c + row * n);
    });
  });
}

void MatrixProduct(int64_t m, int64_t n, int64_t k, const TileMatrix& a,
                   const TileMatrix& b, bool add, float* c) {
  if (k == 0 && !add) std::fill_n(c, m * n, 0.0f);
  const std::unique_ptr<float[]> packed(
      new float[static_cast<size_t>(PackedSize(n, std::min(k, kPackedDepth)))]);
  ForDepths(k, [&](int64_t begin, int64_t depth) {
    PackDepth(n, depth, From(b, begin, 0), packed.get());
    ForPasses(m, [&](int64_t row, int64_t rows) {
      MultiplyPass(rows, n, From(a, row, begin), packed.get(),
                   {.depth = depth, .c_step = n, .add = add || begin > 0},
                   c + row * n);
    });
  });
}

}  // namespace sft::kernels
