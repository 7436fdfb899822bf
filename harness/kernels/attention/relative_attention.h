// Disentangled attention over a batch (DeBERTa, arXiv 2006.03654), to both
// sides: with d the row of the distance from key j to query i,
//   score_ij = scale (q_i k_j + q_i r_d + k_j s_d)
// where r and s are keys and queries of the table of distances.
// B sequences, T tokens, N heads, H head width, S rows of the table.
#ifndef HARNESS_KERNELS_ATTENTION_RELATIVE_ATTENTION_H_
#define HARNESS_KERNELS_ATTENTION_RELATIVE_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "harness/core/batch.h"

namespace sft::kernels {

// Rows of the table [T, T], int64, for queries and keys 0 .. T-1 of a sequence:
// distance i - j, kept below half of `buckets` and else
//   sign * (m + ceil(ln(|i - j| / m) / ln((max_distance - 1) / m) (m - 1)))
// with m = buckets / 2, all in f32, as transformers 5.24 computes it; plus
// `buckets`, within the 2 * buckets rows.
at::Tensor DistanceRows(int64_t tokens, int64_t buckets, int64_t max_distance,
                        at::Device device);

// q, k, v [B, N, T, H] -> [B, N, T, H] in their dtype; scores in f32 (f64).
// keys_NSH and queries_NSH are the table's; rows_TT of DistanceRows, for the
// longest sequence or more. Pads are masked, segments apart.
at::Tensor RelativeAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BNTH,
                             const at::Tensor& v_BNTH,
                             const at::Tensor& keys_NSH,
                             const at::Tensor& queries_NSH,
                             const at::Tensor& rows_TT, const Batch& batch,
                             double scale);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_RELATIVE_ATTENTION_H_
