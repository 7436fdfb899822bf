// The evaluator on a real, tiny model.
#include <c10/core/GradMode.h>

#include "harness/core/status.h"
#include "harness/data/collator.h"
#include "harness/eval/evaluator.h"
#include "harness/model/load/load.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"

namespace sft::eval::real_model_test {
namespace {

TEST_CASE("on a real model results do not depend on the batches",
          "[eval][model]") {
  const auto where =
      model::LocateModel("glassllm", support::AssetsDir().string());
  if (!where.ok()) {
    support::Skip(support::Need::kAssets, ToStd(where.status().message()));
  }
  const auto tokenizer = text::LoadTokenizerFromFolder(where->folder);
  REQUIRE(tokenizer.ok());
  const auto model = model::LoadModel(*where, {});
  REQUIRE(model.ok());

  data::Task task;
  task.name = "toy";
  task.kind = "classification";
  task.labels = {"rabbit", "queen", "rabbits"};
  task.default_form = "plain";
  std::vector<data::Row> rows;
  for (int64_t i = 0; i < 12; ++i) {
    data::Row row;
    row.id = i;
    row.label = i % 3;
    std::string text = "Alice looked at the ";
    for (int64_t k = 0; k < i; ++k) text += "very ";
    row.turns = {{"user", text + "white"}, {"assistant", task.labels[i % 3]}};
    rows.push_back(row);
  }
  data::RenderOptions render;
  render.max_length = 100;
  const auto one =
      LabelLogProbabilities(**model, **tokenizer, task, rows, render,
                            {.max_tokens_a_batch = 1}, nullptr);
  const auto all =
      LabelLogProbabilities(**model, **tokenizer, task, rows, render,
                            {.max_tokens_a_batch = 10000}, nullptr);
  REQUIRE(one.ok());
  REQUIRE(all.ok());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t k = 0; k < 3; ++k) {
      CHECK((*one)[r][k] == Approx((*all)[r][k]).margin(1e-4));
    }
  }

  const auto rendered = data::RenderRows(rows, task, **tokenizer, render);
  REQUIRE(rendered.ok());
  const auto loss = EvaluateLoss(**model, rendered->examples, "toy");
  REQUIRE(loss.ok());
  double sum = 0;
  int64_t targets = 0;
  {
    const c10::AutoGradMode no_grad(false);
    std::vector<data::Piece> pieces;
    for (size_t i = 0; i < rendered->examples.size(); ++i) {
      pieces.push_back(
          {static_cast<int64_t>(i), 0,
           static_cast<int64_t>(rendered->examples[i].input_ids.size())});
    }
    const model::LossOutput out =
        (*model)->SumLoss(data::PaddedBatch(rendered->examples, pieces, 0, 0));
    sum = out.loss_sum.item<double>();
    targets = out.target_tokens;
  }
  CHECK(loss->metrics[0].value ==
        Approx(sum / static_cast<double>(targets)).epsilon(1e-5));
  CHECK(loss->metrics[1].value == static_cast<double>(targets));

  const auto heldout = EvaluateHeldout(
      **model, **tokenizer,
      {"Alice was beginning to get very tired of sitting by her sister on the "
       "bank, and of having nothing to do."},
      32, 0, "alice");
  REQUIRE(heldout.ok());
  // Far below log(1024), a model that knows nothing.
  CHECK(heldout->metrics[0].value < 5.0);
}

}  // namespace
}  // namespace sft::eval::real_model_test
