#include "harness/train/step_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"

namespace sft::train {
namespace {

constexpr int64_t kMaxTimedPasses = 1000;
constexpr int64_t kMaxTimedRows = 1'000'000;

std::string Salt(std::string_view what, int64_t round, int64_t pass) {
  return absl::StrCat(ToAbsl(what), "/round", round, "/pass", pass);
}

std::vector<int64_t> ShuffledRows(const spec::RunConfig& config, int64_t rows,
                                  int64_t round, int64_t pass) {
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  Rng rng(static_cast<uint64_t>(config.seed), Stream::kDataOrder,
          Salt("rows", round, pass));
  rng.Shuffle(order);
  return order;
}

// What is left of a round's budget while passes are planned.
class Remaining {
 public:
  Remaining(const spec::RunConfig& config, int64_t rows)
      : steps_(config.budget_steps),
        targets_(config.budget_target_tokens),
        timed_(config.budget_wall_seconds > 0) {
    if (config.budget_epochs > 0) {
      // 0.3 of 10 rows is 3 rows although 0.3 * 10 may round above 3.
      rows_ = std::max<int64_t>(
          1, static_cast<int64_t>(std::ceil(
                 config.budget_epochs * static_cast<double>(rows) - 1e-9)));
    }
  }

  bool Done(int64_t steps, int64_t passes, int64_t rows_so_far) const {
    if (steps_ > 0) return steps >= steps_;
    if (timed_) return passes >= kMaxTimedPasses || rows_so_far > kMaxTimedRows;
    return targets_ <= 0 && rows_ <= 0;
  }

  // Cuts `order` to what the budget still allows.
  void Take(const std::vector<Example>& examples, std::vector<int64_t>& order) {
    if (rows_ > 0) {
      order.resize(std::min(order.size(), static_cast<size_t>(rows_)));
      rows_ -= static_cast<int64_t>(order.size());
    } else if (targets_ > 0) {
      size_t taken = 0;
      while (taken < order.size() && targets_ > 0) {
        targets_ -= examples[order[taken++]].target_tokens();
      }
      order.resize(taken);
    }
  }

 private:
  int64_t steps_;
  int64_t targets_;
  int64_t rows_ = 0;
  bool timed_;
};

void AppendSteps(const spec::RunConfig& config,
                 const std::vector<Example>& examples,
                 std::vector<data::MicroBatchPlan> micro_batches, int64_t pass,
                 StepPlan& plan) {
  const auto group = static_cast<size_t>(config.gradient_accumulation_steps);
  const auto most = static_cast<size_t>(config.budget_steps);
  PlannedStep step{.micro_batches = {}, .pass = pass};
  auto close = [&] {
    if (step.micro_batches.empty()) return;
    if (most > 0 && plan.steps.size() >= most) return;
    for (const data::MicroBatchPlan& micro : step.micro_batches) {
      for (const data::Piece& piece : micro.pieces) {
        plan.target_tokens += PieceTargets(examples, piece);
        plan.real_tokens += piece.length;
      }
    }
    plan.steps.push_back(std::move(step));
    step = {.micro_batches = {}, .pass = pass};
  };
  for (data::MicroBatchPlan& micro : micro_batches) {
    const bool has_target =
        std::any_of(micro.pieces.begin(), micro.pieces.end(),
                    [&](const data::Piece& piece) {
                      return PieceTargets(examples, piece) > 0;
                    });
    if (!has_target) {
      ++plan.left_out_micro_batches;
      continue;
    }
    step.micro_batches.push_back(std::move(micro));
    if (step.micro_batches.size() == group) close();
  }
  close();
}

std::string PlanDigest(const StepPlan& plan) {
  Sha256 digest;
  auto number = [&digest](int64_t n) { digest.Update(&n, sizeof(n)); };
  number(static_cast<int64_t>(plan.steps.size()));
  for (const PlannedStep& step : plan.steps) {
    number(static_cast<int64_t>(step.micro_batches.size()));
    for (const data::MicroBatchPlan& micro : step.micro_batches) {
      number(static_cast<int64_t>(micro.pieces.size()));
      for (const data::Piece& piece : micro.pieces) {
        number(piece.index);
        number(piece.begin);
        number(piece.length);
      }
    }
  }
  return digest.Hex();
}

}  // namespace

int64_t PieceTargets(const std::vector<Example>& examples,
                     const data::Piece& piece) {
  const Example& example = examples[static_cast<size_t>(piece.index)];
  const auto first = example.labels.begin() + piece.begin;
  const int64_t skipped = example.head == HeadKind::kNextToken;
  return std::count_if(first + skipped, first + piece.length,
                       [](int32_t label) { return label != kNoLoss; });
}

absl::StatusOr<StepPlan> PlanSteps(const spec::RunConfig& config,
                                   const std::vector<Example>& examples,
                                   const data::Collator& collator,
                                   int64_t round) {
  if (examples.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("round ", round, ": no training rows are left"));
  }
  if (config.budget_steps <= 0 && config.budget_target_tokens <= 0 &&
      config.budget_epochs <= 0 && config.budget_wall_seconds <= 0) {
    return absl::InvalidArgumentError(
        "budget: one of steps, target_tokens, epochs, wall_seconds must be "
        "above 0");
  }
  if (std::none_of(
          examples.begin(), examples.end(),
          [](const Example& example) { return example.target_tokens() > 0; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("round ", round, ": none of the ", examples.size(),
                     " training rows has a token with loss"));
  }
  const auto rows = static_cast<int64_t>(examples.size());
  StepPlan plan;
  plan.wall_seconds = config.budget_wall_seconds;
  Remaining remaining(config, rows);
  Sha256 order_digest;
  for (int64_t pass = 0; !remaining.Done(
           static_cast<int64_t>(plan.steps.size()), pass, plan.rows);
       ++pass) {
    std::vector<int64_t> order = ShuffledRows(config, rows, round, pass);
    remaining.Take(examples, order);
    plan.rows += static_cast<int64_t>(order.size());
    plan.rows_per_pass.push_back(static_cast<int64_t>(order.size()));
    order_digest.Update(&pass, sizeof(pass));
    for (int64_t row : order) {
      const int64_t id = examples[static_cast<size_t>(row)].row_id;
      order_digest.Update(&id, sizeof(id));
    }
    Rng rng(static_cast<uint64_t>(config.seed), Stream::kDataOrder,
            Salt("collator", round, pass));
    const size_t steps_before = plan.steps.size();
    AppendSteps(config, examples, collator.PlanPass(examples, order, rng), pass,
                plan);
    // A whole pass without one target would go on for ever.
    if (plan.steps.size() == steps_before &&
        static_cast<int64_t>(order.size()) == rows) {
      return absl::InvalidArgumentError(
          absl::StrCat("round ", round,
                       ": the batching method leaves no token with loss in a "
                       "pass over ",
                       rows, " rows"));
    }
  }
  if (plan.steps.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "round ", round, ": the budget is too small for one token with loss"));
  }
  plan.data_order_sha256 = order_digest.Hex();
  plan.plan_sha256 = PlanDigest(plan);
  return plan;
}

}  // namespace sft::train
