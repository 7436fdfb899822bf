// Random search: cells at drawn values of the axes, the same number for every
// method, each to its end (Bergstra and Bengio, JMLR 13, 2012). The draws are
// the spec's (harness/spec/axis_values.h); nothing is stopped.
#include "harness/search/searcher.h"

namespace sft::search {
namespace {

class RandomSearcher final : public Searcher {
 public:
  std::vector<double> Shares() const override { return {1.0}; }
  std::vector<size_t> GoOn(size_t, const CellScores& scores) const override {
    return BestOf(scores, scores.size());
  }
};

}  // namespace

SearcherRow RandomRow() {
  return {
      "random",
      "drawn values, every cell to its end",
      {},
      [](const SearchOptions&) -> absl::StatusOr<std::unique_ptr<Searcher>> {
        return std::make_unique<RandomSearcher>();
      }};
}

}  // namespace sft::search
