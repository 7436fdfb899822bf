// Successive halving (arXiv 1502.07943): n cells to a share of their budget,
// the best n / reduction on to `reduction` times as much, and so on. With R
// rungs and the reduction r rung k = 1..R ends at the share r^(k-R), so that
// every rung costs about as much as any other.
#include <algorithm>
#include <cmath>

#include "harness/core/status.h"
#include "harness/search/searcher.h"

namespace sft::search {
namespace {

struct HalvingOptions {
  int64_t rungs = 3;
  int64_t reduction = 3;
  template <class V>
  void VisitFields(V& v) {
    v("rungs", rungs, Limits{2, 10, {}},
      "how often cells are compared or end; the last is a run's own end");
    v("reduction", reduction, Limits{2, 64, {}},
      "of so many cells one goes on, to so many times its budget");
  }
};

class HalvingSearcher final : public Searcher {
 public:
  explicit HalvingSearcher(const HalvingOptions& options) : options_(options) {}

  std::vector<double> Shares() const override {
    std::vector<double> shares;
    for (int64_t k = 1; k <= options_.rungs; ++k) {
      shares.push_back(std::pow(static_cast<double>(options_.reduction),
                                static_cast<double>(k - options_.rungs)));
    }
    return shares;
  }
  std::vector<size_t> GoOn(size_t, const CellScores& scores) const override {
    const size_t n = scores.size() / static_cast<size_t>(options_.reduction);
    return BestOf(scores, std::max<size_t>(n, 1));
  }

 private:
  const HalvingOptions options_;
};

}  // namespace

SearcherRow HalvingRow() {
  return {"halving",
          "all cells to a part of their budget, the best of a method further",
          DescribeFields<HalvingOptions>(),
          [](const SearchOptions& values)
              -> absl::StatusOr<std::unique_ptr<Searcher>> {
            HalvingOptions options;
            SFT_RETURN_IF_ERROR(ReadFields(values, options));
            return std::make_unique<HalvingSearcher>(options);
          }};
}

}  // namespace sft::search
