#include "harness/eval/divergence.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "harness/data/collator.h"
#include "harness/model/load/load.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::eval::divergence_test {
namespace {

std::unique_ptr<model::Model> TinyMistral() {
  model::ModelLocation where;
  where.name = where.folder =
      (support::SourceDir() / "tests/golden/decoders/mistral").string();
  auto model = model::LoadModel(where, model::ModelOptions());
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return *std::move(model);
}

std::vector<Example> Rows() {
  std::vector<Example> rows;
  for (int32_t length : {7, 40, 3, 12}) {
    Example row;
    row.row_id = 10 + length;
    for (int32_t t = 0; t < length; ++t) {
      row.input_ids.push_back((5 * t + length) % 90 + 3);
      row.labels.push_back(t < length / 2 ? kNoLoss : row.input_ids.back());
    }
    rows.push_back(row);
  }
  return rows;
}

TEST_CASE("a model does not diverge from itself, and from another as defined",
          "[eval][distance]") {
  const auto base = TinyMistral(), tuned = TinyMistral();
  const std::vector<Example> rows = Rows();
  const std::vector<Wanted> wanted = TargetsOf(rows);
  const auto same =
      EvaluateDivergence(*base, *tuned, rows, wanted, "t", "", {});
  REQUIRE(same.ok());
  CHECK(same->metrics[0].value == 0);
  const c10::AutoGradMode no_grad(false);
  for (model::Parameter& p : tuned->Parameters()) {
    if (p.role == model::Role::kDown) p.tensor.detach().mul_(1.5);
  }
  const auto found =
      EvaluateDivergence(*base, *tuned, rows, wanted, "t", "over:x", {});
  REQUIRE(found.ok());
  const MetricRecord& kl = found->metrics[0];
  CHECK(kl.name == "kl_from_base");
  CHECK(kl.value > 1e-5);
  CHECK(found->row_ids == std::vector<int64_t>{17, 50, 13, 22});
  // Row by row, over the whole vocabulary.
  double sum = 0, count = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    const Batch batch = data::FlatBatch(
        rows, {{static_cast<int64_t>(r), 0, std::ssize(rows[r].input_ids)}});
    const auto log_p = [&](model::Model& model) {
      return at::log_softmax(
          model.Logits(model.HiddenStates(batch).squeeze(0)).to(at::kDouble),
          1);
    };
    const at::Tensor p = log_p(*base), q = log_p(*tuned);
    const at::Tensor kl_T = (p.exp() * (p - q)).sum(1);
    double own = 0, targets = 0;
    for (const Wanted& w : wanted) {
      if (w.sequence != static_cast<int64_t>(r)) continue;
      own += kl_T[w.position].item<double>();
      ++targets;
    }
    CHECK(kl.items[r] == Approx(own / targets).epsilon(1e-4));
    CHECK(found->metrics[1].items[r] == targets);
    sum += own;
    count += targets;
  }
  CHECK(kl.value == Approx(sum / count).epsilon(1e-4));
  // Batches change nothing but rounding.
  EvalOptions one;
  one.max_tokens_a_batch = 1;
  const auto alone =
      EvaluateDivergence(*base, *tuned, rows, wanted, "t", "over:x", one);
  REQUIRE(alone.ok());
  CHECK(alone->metrics[0].value == Approx(kl.value).epsilon(1e-4));
}

}  // namespace
}  // namespace sft::eval::divergence_test
