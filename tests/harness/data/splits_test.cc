// Splits by text.
#include "harness/data/splits.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

namespace sft::data::splits_test {
namespace {

std::vector<KeyedRow> Numbered(int64_t rows, int64_t same_key = 1) {
  std::vector<KeyedRow> out;
  for (int64_t i = 0; i < rows; ++i) {
    KeyedRow row;
    row.row.id = i;
    row.row.turns = {{"user", "q"}, {"assistant", std::to_string(i % 2)}};
    row.key = "text " + std::to_string(i / same_key);
    row.where = "f:" + std::to_string(i);
    out.push_back(row);
  }
  return out;
}
std::vector<int64_t> Ids(const std::vector<Row>& rows) {
  std::vector<int64_t> ids;
  for (const Row& row : rows) ids.push_back(row.id);
  return ids;
}

TEST_CASE("a split does not depend on the order of reading", "[data][splits]") {
  std::vector<KeyedRow> rows = Numbered(100);
  const auto one = SplitByHash(rows, 10, 20, "toy");
  std::reverse(rows.begin(), rows.end());
  const auto two = SplitByHash(rows, 10, 20, "toy");
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(Ids(one->train) == Ids(two->train));
  CHECK(Ids(one->validation) == Ids(two->validation));
  CHECK(Ids(one->test) == Ids(two->test));
  CHECK(one->test.size() == 20);
  CHECK(one->validation.size() == 10);
  CHECK(one->train.size() == 70);
}

TEST_CASE("rows of one text fall on one side", "[data][splits]") {
  const auto splits = SplitByHash(Numbered(90, 3), 9, 30, "toy");
  REQUIRE(splits.ok());
  std::map<int64_t, std::set<std::string>> sides;
  for (int64_t id : Ids(splits->train)) sides[id / 3].insert("train");
  for (int64_t id : Ids(splits->validation)) sides[id / 3].insert("val");
  for (int64_t id : Ids(splits->test)) sides[id / 3].insert("test");
  CHECK(sides.size() == 30);
  for (const auto& [key, where] : sides) CHECK(where.size() == 1);
}

TEST_CASE("a split that cannot be met is an error", "[data][splits]") {
  CHECK_FALSE(SplitByHash(Numbered(10), 5, 5, "toy").ok());
  CHECK_FALSE(SplitByHash({}, 0, 0, "toy").ok());
  CHECK_FALSE(SplitByHash(Numbered(9, 3), 0, 4, "toy").ok());
}

TEST_CASE("large groups stay whole and fill test and validation set at least",
          "[data][splits]") {
  std::vector<KeyedRow> rows = Numbered(100, 7);
  const auto one = SplitGroupsByHash(rows, 10, 20, "toy");
  REQUIRE(one.ok());
  // 14 groups of 7 and one of 2.
  CHECK(one->test.size() >= 20);
  CHECK(one->test.size() < 27);
  CHECK(one->validation.size() >= 10);
  CHECK(one->validation.size() < 17);
  CHECK(one->test.size() + one->validation.size() + one->train.size() == 100);
  std::map<int64_t, std::set<int>> sides;
  const std::vector<Row>* splits[] = {&one->train, &one->validation,
                                      &one->test};
  for (int side = 0; side < 3; ++side) {
    for (int64_t id : Ids(*splits[side])) sides[id / 7].insert(side);
  }
  CHECK(sides.size() == 15);
  for (const auto& [key, where] : sides) CHECK(where.size() == 1);
  // Which group goes where does not depend on the order of reading.
  std::reverse(rows.begin(), rows.end());
  const auto two = SplitGroupsByHash(rows, 10, 20, "toy");
  REQUIRE(two.ok());
  const std::vector<int64_t> a = Ids(one->test), b = Ids(two->test);
  CHECK(std::set<int64_t>(a.begin(), a.end()) ==
        std::set<int64_t>(b.begin(), b.end()));

  CHECK_FALSE(SplitGroupsByHash(Numbered(14, 7), 1, 8, "toy").ok());
  CHECK_FALSE(SplitGroupsByHash({}, 0, 0, "toy").ok());
}

TEST_CASE("the split hash is the first 64 bits of SHA-256", "[data][splits]") {
  // printf 'sftbench split 1\ntext' | sha256sum
  CHECK(SplitHash("text") == 0x7ce4a65dfaf53d66ULL);
}

TEST_CASE("duplicates are refused with both places", "[data][splits]") {
  std::vector<KeyedRow> rows = Numbered(3);
  rows.push_back(rows[1]);
  rows.back().where = "f:9";
  KeyedRow other_answer = rows[1];
  other_answer.row.turns.back().content = "7";
  rows.push_back(other_answer);
  std::vector<RefusedRow> refused;
  CHECK(DropDuplicates(rows, refused).size() == 4);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].where == "f:9");
  CHECK(refused[0].reason == "duplicate of f:1");
}

}  // namespace
}  // namespace sft::data::splits_test
