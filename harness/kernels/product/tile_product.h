// Products of f32 matrices on the CPU. Those of attention's tiles, by one
// thread: BLAS spends as long on dispatch as on a tile of a short sequence,
// and chooses narrow vectors on some makers' processors. And those with a
// matrix that many products share.
#ifndef HARNESS_KERNELS_PRODUCT_TILE_PRODUCT_H_
#define HARNESS_KERNELS_PRODUCT_TILE_PRODUCT_H_

#include <cstdint>

namespace sft::kernels {

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

// A matrix b [k, n] laid out once for many products, as tiles read it, takes so
// many floats. Its columns from a multiple of kPackedColumns on lie by
// themselves behind PackedSize(that column, k) floats, where k is at most
// kPackedDepth.
int64_t PackedSize(int64_t n, int64_t k);
inline constexpr int64_t kPackedColumns = 64;
inline constexpr int64_t kPackedDepth = 768;
// Lays b out into `packed`, in all threads.
void PackTiles(int64_t n, int64_t k, const TileMatrix& b, float* packed);
// c [m, n] = a b, a [m, k] and c in rows without gaps, in all threads; each
// element is MatrixProduct()'s, bit for bit.
void PackedProduct(int64_t m, int64_t n, int64_t k, const float* a,
                   const float* packed, float* c);

// c [m, n] = a b, or c += a b where `add`, c in rows without gaps; in all
// threads, in an order that does not depend on their number. Of any size: lays
// out b, and a where it is stored as columns, in parts of k.
void MatrixProduct(int64_t m, int64_t n, int64_t k, const TileMatrix& a,
                   const TileMatrix& b, bool add, float* c);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_PRODUCT_TILE_PRODUCT_H_
