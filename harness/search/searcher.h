// A searcher says where in their budget the cells of a bracket are compared,
// and which go on from there. It knows scores and their order, and nothing of
// runs, methods or files: the same scores are the same decision wherever it is
// made. Each is one unit and one row of AllSearchers().
#ifndef HARNESS_SEARCH_SEARCHER_H_
#define HARNESS_SEARCH_SEARCHER_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/fields.h"

namespace sft::search {

// Of a bracket's cells, in canonical order: the lower, the better; nullopt of
// one that has no score, as it diverged or failed.
using CellScores = std::vector<std::optional<double>>;

class Searcher {
 public:
  virtual ~Searcher() = default;
  // The shares of a run's budget at which its rungs end, rising; the last is 1.
  virtual std::vector<double> Shares() const = 0;
  // Of the cells that came to the end of the rung (from 0, never the last), the
  // places of those that go on, rising.
  virtual std::vector<size_t> GoOn(size_t rung,
                                   const CellScores& scores) const = 0;
};

// The places of the `n` best, rising, or of fewer where fewer have a score. Of
// equal ones those go on that stand first.
std::vector<size_t> BestOf(const CellScores& scores, size_t n);

using SearchOptions = std::map<std::string, std::string>;  // canonical

struct SearcherRow {
  std::string name;
  std::string summary;
  std::vector<FieldSpec> options;
  absl::StatusOr<std::unique_ptr<Searcher>> (*make)(const SearchOptions&);
};
const std::vector<SearcherRow>& AllSearchers();
// InvalidArgument, with the names there are, where none is called so.
absl::StatusOr<std::unique_ptr<Searcher>> MakeSearcher(
    const std::string& kind, const SearchOptions& options);

// The rows, each in a file of its own.
SearcherRow RandomRow();
SearcherRow HalvingRow();

}  // namespace sft::search

#endif  // HARNESS_SEARCH_SEARCHER_H_
