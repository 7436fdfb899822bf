#include "harness/search/searcher.h"

#include <catch2/catch.hpp>
#include <set>

namespace sft::search::searcher_test {
namespace {

using Places = std::vector<size_t>;

TEST_CASE("the best go on in canonical order, and so do ties",
          "[search][searcher]") {
  CHECK(BestOf({3.0, 1.0, 2.0}, 2) == Places{1, 2});
  CHECK(BestOf({1.0, 1.0, 1.0}, 2) == Places{0, 1});
  CHECK(BestOf({2.0, 1.0, 2.0, 2.0}, 2) == Places{0, 1});
  // Without a score nothing goes on, though fewer do then.
  CHECK(BestOf({std::nullopt, 5.0, std::nullopt}, 2) == Places{1});
  CHECK(BestOf({std::nullopt}, 1).empty());
  CHECK(BestOf({1.0}, 0).empty());
}

TEST_CASE(
    "every searcher's shares rise to the whole, and what goes on is some "
    "of what came",
    "[search][searcher]") {
  std::set<std::string> names;
  for (const SearcherRow& row : AllSearchers()) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    CHECK_FALSE(row.summary.empty());
    SearchOptions options;
    for (const FieldSpec& field : row.options) {
      options[field.name] = field.default_text;
      CHECK_FALSE(field.help.empty());
    }
    const auto searcher = row.make(options);
    REQUIRE(searcher.ok());
    const std::vector<double> shares = (*searcher)->Shares();
    REQUIRE_FALSE(shares.empty());
    CHECK(shares.back() == 1);
    for (size_t k = 0; k + 1 < shares.size(); ++k) {
      CHECK(shares[k] > 0);
      CHECK(shares[k] < shares[k + 1]);
      for (size_t n = 1; n < 30; ++n) {
        const Places places = (*searcher)->GoOn(k, CellScores(n, 1.0));
        CHECK_FALSE(places.empty());
        CHECK(places.size() <= n);
        CHECK(places.back() < n);
        CHECK((*searcher)->GoOn(k, CellScores(n)).empty());
      }
    }
  }
}

TEST_CASE("halving takes one of so many on to so many times the budget",
          "[search][searcher]") {
  const auto searcher =
      MakeSearcher("halving", {{"rungs", "3"}, {"reduction", "4"}});
  REQUIRE(searcher.ok());
  CHECK((*searcher)->Shares() == std::vector<double>{1.0 / 16, 1.0 / 4, 1});
  CHECK((*searcher)->GoOn(0, CellScores(16, 1.0)).size() == 4);
  CHECK((*searcher)->GoOn(0, CellScores(9, 1.0)).size() == 2);
  CHECK((*searcher)->GoOn(1, CellScores(3, 1.0)).size() == 1);
}

TEST_CASE("random search ends no run early", "[search][searcher]") {
  const auto searcher = MakeSearcher("random", {});
  REQUIRE(searcher.ok());
  CHECK((*searcher)->Shares() == std::vector<double>{1});
}

TEST_CASE("a search that there is not names those that there are",
          "[search][searcher]") {
  CHECK(MakeSearcher("halfing", {}).status().message() ==
        "no search is called 'halfing': wanted one of random, halving");
  CHECK_FALSE(MakeSearcher("halving", {{"rungs", "1"}}).ok());
}

}  // namespace
}  // namespace sft::search::searcher_test
