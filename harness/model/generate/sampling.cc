#include "harness/model/generate/sampling.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace sft::model {

std::vector<double> TokenProbabilities(const std::vector<double>& logits_V,
                                       const GenerationOptions& options) {
  std::vector<double> p(logits_V.size(), 0.0);
  std::vector<int64_t> kept;
  for (size_t i = 0; i < p.size(); ++i) {
    if (std::isfinite(logits_V[i])) kept.push_back(static_cast<int64_t>(i));
  }
  if (kept.empty()) {
    if (!p.empty()) p[0] = 1;
    return p;
  }
  // Logits equal to the k-th are kept all, as transformers does.
  if (options.top_k > 0 && options.top_k < std::ssize(kept)) {
    std::vector<double> sorted;
    for (int64_t i : kept) sorted.push_back(logits_V[i]);
    const auto kth = sorted.begin() + options.top_k - 1;
    std::nth_element(sorted.begin(), kth, sorted.end(), std::greater<>());
    std::erase_if(kept, [&](int64_t i) { return logits_V[i] < *kth; });
  }
  double largest = logits_V[kept[0]], sum = 0;
  for (int64_t i : kept) largest = std::max(largest, logits_V[i]);
  for (int64_t i : kept) {
    p[i] = std::exp((logits_V[i] - largest) / options.temperature);
    sum += p[i];
  }
  if (options.top_p < 1) {
    std::stable_sort(kept.begin(), kept.end(), [&](int64_t a, int64_t b) {
      return logits_V[a] > logits_V[b];
    });
    double before = 0;
    size_t count = 0;
    while (count < kept.size() &&
           (count == 0 || before < options.top_p * sum)) {
      before += p[kept[count++]];
    }
    for (size_t i = count; i < kept.size(); ++i) p[kept[i]] = 0;
    sum = before;
  }
  for (double& value : p) value /= sum;
  return p;
}

int32_t DrawToken(const std::vector<double>& probabilities_V, double uniform) {
  double sum = 0;
  int32_t last = 0;
  for (size_t i = 0; i < probabilities_V.size(); ++i) {
    if (probabilities_V[i] <= 0) continue;
    last = static_cast<int32_t>(i);
    sum += probabilities_V[i];
    if (uniform < sum) break;
  }
  return last;  // also where rounding left the sum below 1
}

}  // namespace sft::model
