// A record with something in every part, for tests.
#ifndef TESTS_HARNESS_RECORD_SAMPLE_RECORD_H_
#define TESTS_HARNESS_RECORD_SAMPLE_RECORD_H_

#include <stdlib.h>

#include <filesystem>
#include <limits>
#include <string>

#include "harness/record/run_record.h"

namespace sft::record {

// A new empty folder, removed at the end of the scope.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "sft_XXXXXX").string();
    path_ = mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline RunRecord SampleRecord() {
  RunRecord record;
  record.run_id = "0123456789abcdef";
  record.status = RunStatus::kDiverged;
  record.status_message = "loss is nan at step 3";
  record.config.train = {"rotten_tomatoes"};
  record.config.method = "lora";
  record.config.method_options = {{"lora.rank", "8"}};
  record.requested_spec = "question: \xc3\xa4?\n" + std::string(200000, '#');
  record.axes = {{"method", "lora"}, {"seed", "0"}};
  for (int i = 1; i <= 3; ++i) {
    StepRecord step;
    step.step = i;
    step.loss = i == 3 ? std::numeric_limits<double>::quiet_NaN() : 1.0 / i;
    step.learning_rate = 1e-4 * i;
    step.grad_norm = i == 2 ? std::numeric_limits<double>::infinity() : -0.0;
    step.real_tokens = 100 * i;
    step.target_tokens = 2 * i;
    step.padded_tokens = 7;
    step.sequences = 8;
    step.wall_seconds = 0.5;
    record.steps.push_back(step);
  }
  EvalRecord eval;
  eval.task = "rotten_tomatoes";
  eval.split = "test";
  eval.round = 1;
  eval.metrics = {{"accuracy", 0.75, "fraction", "acc|v1", true, {1, 0, 1, 1}},
                  {"f1_macro", 0.7, "fraction", "f1|v1", true, {}},
                  {"span_f1", 0.5, "fraction", "span|v1", true, {1, 0, 0, 1}}};
  eval.metrics[2].sums = {2, 2, 2, 0, 1, 0, 0, 0, 3, 1, 1, 3};
  eval.metrics[2].sum_columns = 3;
  eval.row_ids = {4, 7, 9, 11};
  eval.predictions = {0, 1, 1, 0};
  eval.references = {0, 0, 1, 0};
  eval.wall_seconds = 1.5;
  eval.tokens = 321;
  record.evals.push_back(eval);
  eval.metrics = {{"validation_loss", 0.5, "nats/token", "", false, {}}};
  eval.row_ids = eval.predictions = eval.references = {};
  eval.split = "validation";
  record.evals.push_back(eval);
  eval.tokens = 322;  // the same measure once more
  record.evals.push_back(eval);
  eval.task = "odd/task %.";
  eval.round = 0;
  record.evals.push_back(eval);
  record.facts = {{"trainable_parameters", 4884480},
                  {"hft.realised_share", 0.5},
                  {"a/b", 1}};
  record.texts = {{"weights_sha256", "00ff"}, {"data/order", ""}};
  record.forgetting = {
      {"wiki_demo/cross_entropy_change", 0.01}, {"a", 1}, {"a/b", 2}, {"", 3}};
  record.memory.predicted_bytes = {{"weights", 1 << 20}};
  record.memory.measured_bytes = {{"weights", (int64_t{1} << 40) + 1}};
  record.measured = {{"train_wall_seconds", 1.5},
                     {"real_tokens_per_second", 400},
                     {"peak_rss_bytes", 5e9}};
  record.provenance_build = {{"revision", "abc"}};
  record.provenance_run = {{"host", "h"}, {"attempt", "1"}};
  record.prompts = {"a prompt", ""};
  record.generations = {"\xe2\x82\xac", "b"};
  return record;
}

}  // namespace sft::record

#endif  // TESTS_HARNESS_RECORD_SAMPLE_RECORD_H_
