#include "harness/launch/cost_rules.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "harness/core/status.h"
#include "harness/spec/mixture.h"
#include "harness/spec/points.h"
#include "harness/train/optimizers/registry.h"

namespace sft::launch {
namespace {

// What formulas of memory may be wrong by.
constexpr double kMemorySlack = 1.1;

bool NamesSet(const std::vector<std::string>& names, const std::string& name) {
  const auto sets = spec::SetsOf(names);
  return sets.ok() &&
         std::find(sets->begin(), sets->end(), name) != sets->end();
}

// Without the process itself and what its optimizer pages out.
int64_t BytesOnCard(const CostFacts& facts) {
  const train::OptimizerRow* row = train::FindOptimizer(facts.config.optimizer);
  int64_t bytes = 0;
  for (const auto& [category, held] : facts.cost.memory) {
    const bool elsewhere =
        category == "process" ||
        (category == "optimizer" && row != nullptr && row->pages_state);
    if (!elsewhere) bytes += held;
  }
  return bytes;
}

}  // namespace

std::optional<spec::Finding> MemoryFits(const CostFacts& facts) {
  const bool on_card = facts.config.device != "cpu";
  const int64_t limit = on_card ? facts.card_bytes : facts.memory_limit_bytes;
  const int64_t needed =
      on_card ? BytesOnCard(facts) : facts.cost.memory_bytes();
  if (limit <= 0 || needed <= limit) return std::nullopt;
  const auto held = facts.cost.memory.find("activations");
  const bool of_batch =
      held != facts.cost.memory.end() && held->second > needed - limit;
  return spec::Finding{
      of_batch ? "batch_size" : "model",
      absl::StrCat("a run needs about ", needed >> 20, " MiB of memory, and ",
                   on_card ? "the smallest card here has "
                           : "this machine (or its control group) has ",
                   limit >> 20, " MiB; ",
                   of_batch ? "smaller batches with more "
                              "gradient_accumulation_steps, a smaller "
                              "max_length or activation_checkpointing: true "
                              "need less"
                            : "a smaller model, a method that trains fewer "
                              "weights or an optimizer of a smaller state "
                              "needs less"),
      // Runs may go where there are other cards.
      /*is_warning=*/on_card || facts.runs_elsewhere ||
          static_cast<double>(needed) <=
              kMemorySlack * static_cast<double>(limit)};
}

std::optional<spec::Finding> CurveFits(const CostFacts& facts) {
  const auto steps = spec::ParseCurve(facts.config.curve);
  if (!steps.ok() || steps->empty() ||
      steps->back() <= facts.cost.longest_round_steps) {
    return std::nullopt;
  }
  return spec::Finding{
      "curve", absl::StrCat("step ", steps->back(),
                            " is never reached: ", "the longest round has ",
                            facts.cost.longest_round_steps, " steps")};
}

std::optional<spec::Finding> CostFinding(const absl::Status& status,
                                         const spec::RunConfig& config) {
  if (status.ok() || absl::IsInternal(status) ||
      absl::IsResourceExhausted(status)) {
    return std::nullopt;
  }
  const std::string text = ToStd(status.message());
  const std::string first = text.substr(0, text.find(": "));
  if (spec::ConfigFields(config).contains(first) || first == "budget") {
    return spec::Finding{first,
                         text.substr(std::min(text.size(), first.size() + 2))};
  }
  if (NamesSet(config.train, first)) return spec::Finding{"train", text};
  if (NamesSet(config.evaluate, first)) return spec::Finding{"evaluate", text};
  if (NamesSet(config.retain, first)) return spec::Finding{"retain", text};
  if (first == config.model) return spec::Finding{"model", text};
  return spec::Finding{"train", text};
}

}  // namespace sft::launch
