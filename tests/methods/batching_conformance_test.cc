// What every batching method of the registry has to keep, whatever its choices.
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/methods/variants.h"

namespace sft::methods::batching_conformance_test {

TEST_CASE("Every batching method lays out every token once, and trains",
          "[methods][conformance][batching]") {
  const std::vector<Example> rows =
      RandomExamples({21, 9, 34, 14, 27, 6, 40, 18});
  size_t tokens = 0;
  std::vector<int64_t> order;
  for (const Example& row : rows) {
    order.push_back(row.row_id);
    tokens += row.input_ids.size();
  }
  const auto model = LoadTestModel();
  for (const train::BatchingMethodRow& row : AllMethods().batching) {
    std::vector<std::map<std::string, std::string>> variants = {{}};
    for (const FieldSpec& option : row.options) {
      for (const std::string& choice : option.limits.choices) {
        variants.push_back({{option.name, choice}});
      }
    }
    for (const auto& options : variants) {
      INFO(NameOf({row.name, options}));
      spec::RunConfig config;
      config.batch_size = 2;
      config.max_length = 48;
      config.method_options = options;
      auto method = row.make(config);
      REQUIRE(method.ok());
      REQUIRE((*method)->Attach(*model).ok());
      const auto collator = (*method)->MakeCollator();
      Rng rng(3, Stream::kDataOrder, "pass");
      std::set<std::pair<int64_t, int64_t>> laid_out;  // row, token
      size_t pieces_tokens = 0;
      int64_t real_tokens = 0;
      for (const data::MicroBatchPlan& plan :
           collator->PlanPass(rows, order, rng)) {
        for (const data::Piece& piece : plan.pieces) {
          for (int64_t t = 0; t < piece.length; ++t) {
            laid_out.insert({piece.index, piece.begin + t});
          }
          pieces_tokens += static_cast<size_t>(piece.length);
        }
        const Batch batch = collator->Collate(rows, plan);
        real_tokens += batch.real_tokens;
        CHECK(std::isfinite(LossOf(*model, batch)));
      }
      CHECK(laid_out.size() == tokens);
      CHECK(pieces_tokens == tokens);
      CHECK(real_tokens == static_cast<int64_t>(tokens));
    }
  }
}

}  // namespace sft::methods::batching_conformance_test
