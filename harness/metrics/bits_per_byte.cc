#include "harness/metrics/bits_per_byte.h"

#include <numbers>

#include "harness/metrics/sums.h"

namespace sft::metrics {

double BitsPerByteOfSums(const std::vector<double>& sums) {
  return sums[1] > 0 ? sums[0] / std::numbers::ln2 / sums[1] : 0.0;
}

MetricScore BitsPerByte(const std::vector<double>& nats,
                        const std::vector<int64_t>& bytes) {
  MetricScore score;
  for (size_t i = 0; i < nats.size(); ++i) {
    const std::vector<double> sums = {nats[i], static_cast<double>(bytes[i])};
    score.items.push_back(BitsPerByteOfSums(sums));
    score.sums.insert(score.sums.end(), sums.begin(), sums.end());
  }
  score.value = BitsPerByteOfSums(TotalSums(score.sums, kByteColumns));
  return score;
}

}  // namespace sft::metrics
