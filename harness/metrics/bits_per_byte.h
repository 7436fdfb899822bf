// Bits that a model spends on a byte of text, which compares models of unlike
// tokenizers: nats of the predicted tokens over ln 2 and over the bytes that
// they stand for, summed over all, as lm-evaluation-harness's bits_per_byte.
#ifndef HARNESS_METRICS_BITS_PER_BYTE_H_
#define HARNESS_METRICS_BITS_PER_BYTE_H_

#include <cstdint>
#include <vector>

#include "harness/metrics/text_item.h"

namespace sft::metrics {

// The sums of an item: nats and bytes; and the value of their totals.
inline constexpr int64_t kByteColumns = 2;
double BitsPerByteOfSums(const std::vector<double>& sums);

// Of each text, or window of one.
MetricScore BitsPerByte(const std::vector<double>& nats,
                        const std::vector<int64_t>& bytes);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_BITS_PER_BYTE_H_
