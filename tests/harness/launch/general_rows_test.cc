// Replayed rows and windows of text: how many, which, and whose they are.
#include "harness/launch/general_rows.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness/core/status.h"
#include "tests/harness/data/fake_tokenizer.h"

namespace sft::launch::general_rows_test {
namespace {

// A tokenizer that puts a token before every text.
class Beginning : public data::FakeTokenizer {
 public:
  AddedIds added_ids() const override { return {{kEndOfTurn}, {}}; }
};

Example RowOf(int64_t id, int64_t targets) {
  Example row;
  row.row_id = id;
  row.input_ids.assign(static_cast<size_t>(targets) + 2, 7);
  row.labels.assign(row.input_ids.size(), kNoLoss);
  std::fill(row.labels.begin() + 2, row.labels.end(), 7);
  return row;
}

int64_t TargetsOf(const std::vector<Example>& rows) {
  int64_t targets = 0;
  for (const Example& row : rows) targets += row.target_tokens();
  return targets;
}

TEST_CASE("text is cut into windows of 64 tokens, all of them targets",
          "[launch][replay]") {
  const std::string text(150, 'a');
  const auto windows =
      TextWindows({text, "bc", "d"}, data::FakeTokenizer(), "auto", 512);
  REQUIRE(windows.ok());
  // 64 and 64 of the first, its rest of 22 is left; all of a short one; of one
  // token nothing is predicted.
  REQUIRE(windows->size() == 3);
  CHECK((*windows)[0].input_ids.size() == 64);
  CHECK((*windows)[1].input_ids.size() == 64);
  CHECK((*windows)[2].input_ids.size() == 2);
  CHECK((*windows)[1].row_id == 1);
  CHECK((*windows)[2].row_id == int64_t{1} << 20);
  for (const Example& window : *windows) {
    CHECK(window.labels[0] == kNoLoss);
    CHECK(window.target_tokens() == std::ssize(window.input_ids) - 1);
  }
  const auto begun = TextWindows({text}, Beginning(), "auto", 512);
  REQUIRE(begun.ok());
  REQUIRE(begun->size() == 2);
  for (const Example& window : *begun) {
    CHECK(window.input_ids.size() == 64);
    CHECK(window.input_ids[0] == data::FakeTokenizer::kEndOfTurn);
    CHECK(window.target_tokens() == 63);
  }
  const auto narrow = TextWindows({text}, Beginning(), "auto", 32);
  REQUIRE(narrow.ok());
  CHECK(narrow->size() == 4);
  CHECK((*narrow)[0].input_ids.size() == 32);
}

TEST_CASE("replayed rows bring their share of target tokens",
          "[launch][replay]") {
  CHECK(TargetsOfShare(990, 0.01) == Approx(10));
  CHECK(TargetsOfShare(300, 0.25) == Approx(100));
  const std::vector<Example> rows = {RowOf(0, 4), RowOf(1, 3), RowOf(2, 5)};
  CHECK(UntilTargets(rows, 0).empty());
  CHECK(UntilTargets(rows, 7).size() == 2);
  CHECK(UntilTargets(rows, 7.5).size() == 3);
  // From the front again where they run out.
  const std::vector<Example> again = UntilTargets(rows, 20);
  CHECK(TargetsOf(again) >= 20);
  CHECK(TargetsOf(again) < 20 + 5);
  CHECK(again[3].row_id == 0);
  CHECK(UntilTargets({RowOf(0, 0)}, 3).empty());
  CHECK(UntilTargets({}, 3).empty());
}

TEST_CASE("a row is cut with its labels, a shorter one is as it was",
          "[launch][calibration]") {
  Example row;
  row.input_ids = {5, 6, 7, 8};
  row.labels = {kNoLoss, 6, 7, 8};
  Example cut = row;
  CutTo(3, cut);
  CHECK(cut.input_ids == std::vector<int32_t>{5, 6, 7});
  CHECK(cut.labels == std::vector<int32_t>{kNoLoss, 6, 7});
  CHECK(cut.token_types.empty());
  cut = row;
  CutTo(4, cut);
  CHECK(cut.input_ids == row.input_ids);
  cut.token_types = {0, 0, 1, 1};
  CutTo(2, cut);
  CHECK(cut.token_types == std::vector<int32_t>{0, 0});
}

TEST_CASE("an order follows from rows, use and seed", "[launch][replay]") {
  std::vector<Example> rows;
  for (int64_t i = 0; i < 50; ++i) rows.push_back(RowOf(i, 1 + i % 3));
  const auto ids = [](const std::vector<Example>& shuffled) {
    std::vector<int64_t> out;
    for (const Example& row : shuffled) out.push_back(row.row_id);
    return out;
  };
  const auto one = ids(Shuffled(rows, "replay", 0));
  CHECK(one == ids(Shuffled(rows, "replay", 0)));
  CHECK(one != ids(Shuffled(rows, "replay", 1)));
  CHECK(one != ids(Shuffled(rows, "calibration", 0)));
  CHECK(one != ids(rows));
  auto sorted = one;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == ids(rows));
}

TEST_CASE("rows that a field asks for are no other's", "[launch][replay]") {
  RowRoles roles;
  roles.Add(1, "trained a", "");
  roles.Add(1, "measured b", "");  // a leak, which is counted elsewhere
  roles.Add(2, "replay c", "replay.from");
  roles.Add(2, "replay c", "replay.from");  // of two stages
  CHECK(roles.Check().ok());
  const auto message = [](const RowRoles& of) {
    return ToStd(of.Check().message());
  };
  RowRoles measured = roles;
  measured.Add(2, "measured d", "");
  CHECK(message(measured).find("replay.from: 1 row of replay c is also "
                               "measured d") == 0);
  RowRoles trained = roles;
  trained.Add(1, "calibration e", "some.option");
  CHECK(message(trained).find("some.option: 1 row of calibration e is also "
                              "trained a") == 0);
  RowRoles both = roles;
  both.Add(2, "calibration e", "some.option");
  CHECK(message(both).find("replay c") != std::string::npos);
  CHECK(DocumentKey("a") != DocumentKey("b"));
}

}  // namespace
}  // namespace sft::launch::general_rows_test
