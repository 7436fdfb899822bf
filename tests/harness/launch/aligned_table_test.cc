#include "harness/launch/aligned_table.h"

#include <catch2/catch.hpp>

namespace sft::launch::aligned_table_test {
namespace {

AlignedTable ThreeColumns() {
  AlignedTable table;
  table.columns = {{.name = "run"},
                   {.name = "what", .may_be_cut = true},
                   {.name = "steps", .to_the_right = true}};
  table.rows = {{"4f", "lora packed seed=0", "7"},
                {"9a31", "full padded", "1200"}};
  return table;
}

TEST_CASE("columns stand under their names", "[launch][table]") {
  CHECK(RenderAligned(ThreeColumns(), 80) ==
        "run   what                steps\n"
        "4f    lora packed seed=0      7\n"
        "9a31  full padded          1200\n");
}

TEST_CASE("the column that may be is cut first, then the line",
          "[launch][table]") {
  CHECK(RenderAligned(ThreeColumns(), 25) ==
        "run   what          steps\n"
        "4f    lora packed       7\n"
        "9a31  full padded    1200\n");
  CHECK(RenderAligned(ThreeColumns(), 16) ==
        "run   what\n"
        "4f    lora pac\n"
        "9a31  full pad\n");
}

TEST_CASE("characters are counted and kept whole", "[launch][table]") {
  AlignedTable table;
  table.columns = {{.name = "was", .may_be_cut = true}, {.name = "n"}};
  table.rows = {{"für große Äpfel", "1"}, {"zwölf", "2"}};
  CHECK(RenderAligned(table, 40) ==
        "was              n\n"
        "für große Äpfel  1\n"
        "zwölf            2\n");
  CHECK(RenderAligned(table, 12) ==
        "was        n\n"
        "für große  1\n"
        "zwölf      2\n");
}

}  // namespace
}  // namespace sft::launch::aligned_table_test
