// Tables as the composition root would give them, for tests of the spec.
#ifndef TESTS_HARNESS_SPEC_SPEC_TABLES_H_
#define TESTS_HARNESS_SPEC_SPEC_TABLES_H_

#include <string>
#include <vector>

#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

inline SpecTables TestTables() {
  const FieldSpec rank{"lora.rank", FieldType::kInt, "16",
                       Limits{.min = 1, .max = 4096}, "rank"};
  const FieldSpec init{"lora.init", FieldType::kString, "kaiming",
                       Limits{.choices = {"kaiming", "pissa"}}, "init"};
  const FieldSpec ratio{"hft.trainable_ratio", FieldType::kDouble, "0.5",
                        Limits{0, 1, {}}, "share"};
  const FieldSpec strategy{"pack.strategy", FieldType::kString, "bfd",
                           Limits{.choices = {"bfd", "ffd"}}, "packing"};
  SpecTables tables;
  tables.update_methods = {{"full", "", {}},
                           {"lora", "", {rank, init}},
                           {"qlora", "", {rank, init}},
                           {"hft", "", {ratio}}};
  tables.batching_methods = {
      {"padded", "", {}}, {"padding_free", "", {}}, {"packed", "", {strategy}}};
  const auto fits = [](const RunConfig&) { return std::string(); };
  const auto no_f64 = [](const RunConfig& config) {
    return std::string(config.dtype == "f64" ? "wanted dtype f32 or bf16" : "");
  };
  tables.optimizers = {
      {"adamw", fits}, {"adamw_8bit", no_f64}, {"adamw_paged", fits}};
  tables.models = {"smollm2-135m-instruct", "glassllm"};
  tables.datasets = {"rotten_tomatoes", "bbcnews"};
  tables.tasks = {"rotten_tomatoes", "bbcnews", "multi30k", "chat"};
  tables.retained = {"wiki_demo"};
  return tables;
}

// The same some time later: lora has an option that it had not before.
inline SpecTables LaterTables() {
  SpecTables tables = TestTables();
  tables.update_methods[1].options.push_back(
      {"lora.between_rounds", FieldType::kString, "go_on",
       Limits{.choices = {"go_on", "stack"}}, "rounds", /*is_later=*/true});
  return tables;
}

inline absl::StatusOr<RunPlan> PlanOf(const std::string& text,
                                      const SpecTables& tables = TestTables()) {
  absl::StatusOr<ExperimentSpec> spec =
      ParseSpecText("spec.yaml", text, tables);
  if (!spec.ok()) return spec.status();
  return ExpandPlan(*spec, tables, [](const RunConfig& config) {
    return absl::StatusOr<std::vector<std::string>>({config.model});
  });
}

// The specification of the design, complete.
inline constexpr char kDesignSpec[] = R"(
question: does HFT forget less than full fine-tuning at equal task score?
model: smollm2-135m-instruct
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}
budget: {target_tokens: 1000}
set: {max_length: 256}
grid: {method: [full, lora, qlora, hft], batching: [padded, packed], seed: [0, 1, 2]}
cases:
  - when: {method: [full, hft]}
    grid: {learning_rate: [1.0e-5, 3.0e-5]}
  - when: {method: [lora, qlora]}
    grid: {learning_rate: [1.0e-4, 3.0e-4], lora.rank: [8, 64]}
zip: []
baseline: {method: full}
select: {by: validation_loss, per: [method, batching]}
)";

}  // namespace sft::spec

#endif  // TESTS_HARNESS_SPEC_SPEC_TABLES_H_
