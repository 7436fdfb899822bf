// Products of the small matrices of attention's tiles, on the CPU, by one
// thread: BLAS spends as long on dispatch as on a tile of a short sequence,
// and chooses narrow vectors on some makers' processors.
#ifndef METHODS_KERNELS_TILE_PRODUCT_H_
#define METHODS_KERNELS_TILE_PRODUCT_H_

#include <cstdint>

namespace sft {

// A matrix in rows that lie `step` floats apart; `transposed` where it is
// stored as columns.
struct TileMatrix {
  const float* data = nullptr;
  int64_t step = 0;
  bool transposed = false;
};

// c [m, n] = scale a b, or c += scale a b where `add`, with a [m, k] and b [k,
// n] as read after transposing; rows of c lie `c_step` apart. Sums run over k
// in order, so an element depends on its own row and column alone.
void TileProduct(int64_t m, int64_t n, int64_t k, float scale,
                 const TileMatrix& a, const TileMatrix& b, bool add, float* c,
                 int64_t c_step);

}  // namespace sft

#endif  // METHODS_KERNELS_TILE_PRODUCT_H_
