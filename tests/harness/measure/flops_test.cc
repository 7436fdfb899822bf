// Products of a step, counted by hand.
#include "harness/measure/flops.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/measure/memory.h"
#include "tests/harness/measure/tiny_golden.h"
#include "tests/methods/methods_support.h"
#include "tests/support/tiny_model.h"

namespace sft::measure::flops_test {
namespace {

TEST_CASE("FLOPs follow the formula", "[measure][flops]") {
  support::TinyModel model(0);  // one map of 12 x 12, no attention, untied head
  const int64_t map = 2 * 12 * 12, head = 2 * 12 * 23;
  const StepWork work{.computed_tokens = 50, .target_tokens = 9};
  const auto train = [&model](bool trains) {
    for (const model::Parameter& p : model.Parameters()) {
      p.tensor.set_requires_grad(trains);
    }
  };
  train(false);
  const FlopModel frozen = MakeFlopModel(model, false);
  const Flops none = StepFlops(frozen, work);
  CHECK(none.forward == 50 * map + 9 * head);
  CHECK(none.backward_inputs == none.forward);
  CHECK(none.backward_weights == 0);
  train(true);
  const FlopModel full = MakeFlopModel(model, true);
  const Flops all = StepFlops(full, work);
  CHECK(all.backward_weights == 50 * map + 9 * head);
  CHECK(all.recomputed == 50 * map);
  CHECK(all.total() == 3 * none.forward + 50 * map);
}

TEST_CASE("attention counts pairs by layout", "[measure][flops]") {
  const std::vector<Example> rows = support::TinyExamples(3);
  int64_t longest = 0, pairs = 0;
  std::vector<data::Piece> pieces;
  for (int64_t i = 0; i < 3; ++i) {
    const auto length = static_cast<int64_t>(rows[i].input_ids.size());
    pieces.push_back({i, 0, length});
    longest = std::max(longest, length);
    pairs += length * (length + 1) / 2;
  }
  CHECK(WorkOf(data::FlatBatch(rows, pieces)).attention_pairs == pairs);
  const StepWork padded = WorkOf(data::PaddedBatch(rows, pieces, 0, 0));
  CHECK(padded.attention_pairs == 3 * longest * (longest + 1) / 2);
  CHECK(padded.computed_tokens == 3 * longest);
  FlopModel model;
  model.heads = 2;
  model.head_width = 8;
  model.layers = 5;
  CHECK(StepFlops(model, {.attention_pairs = 10}).forward ==
        4.0 * 5 * 2 * 8 * 10);
}

TEST_CASE("a tied head's gradient costs a product, whatever its name",
          "[measure][flops]") {
  const StepWork work{.computed_tokens = 50, .target_tokens = 9};
  const int64_t D = 32, F = 40, V = 97;
  const int64_t blocks = 2 * 50 * 2 * (4 * D * D + 2 * D * F);  // two layers
  const int64_t head = 9 * 2 * D * V;
  auto model = TinyGolden("decoders/gpt2");
  auto full = methods::MakeMethod("full");
  REQUIRE(full->Attach(*model).ok());
  const Flops all = StepFlops(MakeFlopModel(*model, false), work);
  CHECK(all.forward == blocks + head);
  CHECK(all.backward_weights == blocks + head);
  model = TinyGolden("decoders/gpt2");
  auto lora = methods::MakeMethod("lora", {{"lora.rank", "4"}});
  REQUIRE(lora->Attach(*model).ok());
  // Of each map [O, I], 4 (O + I): qkv, output, up, down.
  const int64_t factors =
      2 * 50 * 2 * 4 * ((3 * D + D) + 2 * D + (D + F) + (F + D));
  const Flops low = StepFlops(MakeFlopModel(*model, false), work);
  CHECK(low.forward == blocks + factors + head);
  CHECK(low.backward_weights == factors);
}

TEST_CASE("fused maps cost what their parts would", "[measure][flops]") {
  const int64_t D = 32, K = 16, F = 40, V = 97;  // K: of keys, and of values
  const int64_t block = D * (D + 2 * K) + D * D + 3 * D * F;
  auto model = TinyGolden("decoders/phi3");
  const Flops flops = StepFlops(MakeFlopModel(*model, false),
                                {.computed_tokens = 50, .target_tokens = 9});
  CHECK(flops.forward == 2 * 50 * 2 * block + 9 * 2 * D * V);  // two layers
}

TEST_CASE("an encoder's head costs what it reads, its attention all pairs",
          "[measure][flops][encoders]") {
  const int64_t D = 32, F = 40;
  const int64_t block = 2 * (4 * D * D + 2 * D * F);
  const StepWork work{
      .computed_tokens = 50, .target_tokens = 6, .attention_pairs = 70};
  const int64_t blocks = 2 * 50 * block + 4 * 2 * D * 70;  // two layers
  struct Case {
    HeadKind head;
    int64_t classes;
    int64_t flops;
    int64_t logits;
    int64_t head_kept;  // inputs of its maps and activation
  };
  for (const Case& c :
       {Case{HeadKind::kSequence, 3, 6 * 2 * (D * D + 3 * D), 6 * 3,
             6 * 3 * D},  // pooler and classifier, of 6 rows
        Case{HeadKind::kToken, 5, 6 * 2 * 5 * D, 6 * 5, 6 * D},
        Case{HeadKind::kSpan, 2, 50 * 2 * 2 * D, 50 * 2, 50 * D}}) {
    auto model = TinyGolden("encoders/bert");
    REQUIRE(model->SetHead(c.head, c.classes, 0).ok());
    for (const model::Parameter& p : model->HeadParameters()) {
      p.tensor.set_requires_grad(true);
    }
    const Flops flops = StepFlops(MakeFlopModel(*model, true), work);
    CHECK(flops.forward == blocks + c.flops);
    CHECK(flops.recomputed == blocks);
    // Only the head's own map trains.
    const int64_t pooler = c.head == HeadKind::kSequence ? 6 * 2 * D * D : 0;
    CHECK(flops.backward_weights == c.flops - pooler);
    const auto bytes =
        PredictTrainingBytes(*model, {}, {.tokens = 50, .targets = 6});
    // Two blocks, the embedding's norm.
    const int64_t kept = 2 * 50 * (8 * D + 2 * F) + 50 * D + c.head_kept;
    CHECK(bytes.at("activations") == 4 * (kept + 2 * c.logits));
    CHECK(bytes.at("weights") == model->info().parameters * 4);
  }
  Example row;
  row.head = HeadKind::kToken;
  row.input_ids.assign(7, 5);
  row.labels.assign(7, 1);
  CHECK(WorkOf(data::FlatBatch({row, row}, {{0, 0, 7}, {1, 0, 7}}))
            .attention_pairs == 2 * 49);
  CHECK(WorkOf(data::PaddedBatch({row}, {{0, 0, 7}}, 9, 0)).attention_pairs ==
        81);
}

TEST_CASE("what an encoder has beside its blocks' maps is counted",
          "[measure][flops][encoders]") {
  const int64_t D = 32, F = 40, E = 24, S = 16, T = 50, M = 6;
  const StepWork work{.computed_tokens = T,
                      .target_tokens = M,
                      .attention_pairs = 70,
                      .micro_batches = 3};
  const int64_t attention = 4 * 2 * D * 70;  // two layers
  const auto forward = [&](const std::string& family) {
    auto model = TinyGolden(absl::StrCat("encoders/", family));
    REQUIRE(model->SetHead(HeadKind::kToken, 5, 0).ok());
    return StepFlops(MakeFlopModel(*model, false), work).forward;
  };
  const int64_t head = 2 * M * 5 * D;
  // The map from the embedding's width.
  CHECK(forward("electra") ==
        2 * T * (E * D + 2 * (4 * D * D + 2 * D * F)) + attention + head);
  // Queries and keys by the table's, and these of its rows a micro-batch.
  CHECK(forward("deberta-v2") ==
        2 * T * 2 * (4 * D * D + 2 * D * F + 2 * D * S) +
            3 * 2 * S * 2 * 2 * D * D + attention + head);
  // One map of q, k and v, one of gate and up; a map before the head's.
  CHECK(forward("modernbert") ==
        2 * T * 2 * (4 * D * D + 3 * D * F) + attention + head + 2 * M * D * D);
}

}  // namespace
}  // namespace sft::measure::flops_test
