#include "harness/search/searcher.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sft::search {

std::vector<size_t> BestOf(const CellScores& scores, size_t n) {
  std::vector<size_t> places;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i].has_value()) places.push_back(i);
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](size_t a, size_t b) { return *scores[a] < *scores[b]; });
  if (places.size() > n) places.resize(n);
  std::sort(places.begin(), places.end());
  return places;
}

const std::vector<SearcherRow>& AllSearchers() {
  static const auto& rows =
      *new std::vector<SearcherRow>{RandomRow(), HalvingRow()};
  return rows;
}

absl::StatusOr<std::unique_ptr<Searcher>> MakeSearcher(
    const std::string& kind, const SearchOptions& options) {
  std::vector<std::string> names;
  for (const SearcherRow& row : AllSearchers()) {
    if (row.name == kind) return row.make(options);
    names.push_back(row.name);
  }
  return absl::InvalidArgumentError(absl::StrCat("no search is called '", kind,
                                                 "': wanted one of ",
                                                 absl::StrJoin(names, ", ")));
}

}  // namespace sft::search
