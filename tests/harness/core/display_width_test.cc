#include "harness/core/display_width.h"

#include <catch2/catch.hpp>

namespace sft::display_width_test {
namespace {

TEST_CASE("columns are counted by code point, wide ones twice",
          "[core][display]") {
  CHECK(DisplayColumns("") == 0);
  CHECK(DisplayColumns("step 3") == 6);
  CHECK(DisplayColumns("\xc3\xa4") == 1);      // a with diaeresis
  CHECK(DisplayColumns("\xe6\xbc\xa2") == 2);  // a Chinese character
  CHECK(DisplayColumns("\xff") == 2);          // shown as U+FFFD
}

TEST_CASE("a text is cut to its columns, and says so", "[core][display]") {
  CHECK(FitColumns("abcdef", 6) == "abcdef");
  CHECK(FitColumns("abcdef", 5) == "abc..");
  CHECK(FitColumns("abcdef", 2) == "..");
  CHECK(FitColumns("abcdef", 1) == ".");
  CHECK(FitColumns("abcdef", 0).empty());
  // A wide character is never halved.
  CHECK(FitColumns("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 5) ==
        "\xe6\xbc\xa2..");
  // Nothing reaches the terminal that moves its cursor.
  CHECK(FitColumns("a\nb\033[2Jc\t", 20) == "a b [2Jc ");
  CHECK(FitColumns("\xc2\x9b", 20) == " ");
}

}  // namespace
}  // namespace sft::display_width_test
