#include "harness/model/generate/guess.h"

#include "tests/support/catch_torch.h"

namespace sft::model::guess_test {
namespace {

using Ids = std::vector<int32_t>;

TEST_CASE("a text's end is continued as it was where it last stood",
          "[model][generate]") {
  // The nearest place, of three tokens before two.
  CHECK(GuessNext({1, 2, 3, 4, 1, 2, 3, 5, 6, 1, 2, 3}, 2) == Ids{5, 6});
  CHECK(GuessNext({1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3}, 1) == Ids{4});
  CHECK(GuessNext({7, 2, 3, 4, 5, 1, 2, 3}, 3) == Ids{4, 5, 1});
  // A place at the end goes on with what was guessed.
  CHECK(GuessNext({8, 8, 8}, 4) == Ids{8, 8, 8, 8});
  CHECK(GuessNext({1, 2, 1, 2}, 5) == Ids{1, 2, 1, 2, 1});
  // Nothing stood before.
  for (const Ids& text :
       {Ids{}, Ids{1}, Ids{1, 1}, Ids{1, 2, 3}, Ids{2, 1, 3, 1}}) {
    CHECK(GuessNext(text, 3).empty());
  }
  CHECK(GuessNext({8, 8, 8}, 0).empty());
  CHECK(GuessNext({8, 8, 8}, -1).empty());
}

}  // namespace
}  // namespace sft::model::guess_test
