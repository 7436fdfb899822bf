#include "harness/launch/plan_rows.h"

#include <catch2/catch.hpp>

namespace sft::launch::plan_rows_test {
namespace {

TEST_CASE("rows are kept as lengths and targets", "[launch][plan]") {
  std::vector<Example> rows(4);
  rows[0].row_id = 7;
  rows[0].input_ids = {5, 6, 7, 8, 9};
  rows[0].labels = {kNoLoss, 6, kNoLoss, 8, 9};  // a conversation's
  rows[1].row_id = 2;
  rows[1].input_ids = {5, 6};
  rows[1].labels = {kNoLoss, kNoLoss};
  rows[2].row_id = 9;  // empty
  rows[3].row_id = 4;
  rows[3].input_ids = {1, 2, 3};
  rows[3].labels = {kNoLoss, 2, 3};
  const std::vector<Example> back = RowShapes(rows).Examples();
  REQUIRE(back.size() == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    INFO(i);
    CHECK(back[i].row_id == rows[i].row_id);
    CHECK(back[i].head == rows[i].head);
    CHECK(back[i].input_ids.size() == rows[i].input_ids.size());
    REQUIRE(back[i].labels.size() == rows[i].labels.size());
    for (size_t t = 0; t < rows[i].labels.size(); ++t) {
      CHECK((back[i].labels[t] == kNoLoss) == (rows[i].labels[t] == kNoLoss));
    }
  }
  CHECK(RowShapes({}).Examples().empty());
}

}  // namespace
}  // namespace sft::launch::plan_rows_test
