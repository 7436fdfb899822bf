// What eval, generate and their like are told of their model.
#ifndef EXPERIMENTS_MODEL_FLAGS_H_
#define EXPERIMENTS_MODEL_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "experiments/command_line.h"
#include "harness/launch/run_assembly.h"
#include "harness/spec/run_config.h"

namespace sft::experiments {

// Which model, and how it is loaded.
struct ModelFlags {
  std::string model;
  std::string adapter;
  std::string dtype = "f32";
  std::string device = "cpu";
  std::string bos = "auto";

  bool operator==(const ModelFlags&) const = default;
};

void DeclareModel(CLI::App& app, ModelFlags& flags);    // MODEL
void DeclareBos(CLI::App& app, ModelFlags& flags);      // --bos
void DeclareLoading(CLI::App& app, ModelFlags& flags);  // the others

spec::RunConfig ConfigOfFlags(const ModelFlags& flags);
// The model with its tokenizer, and the adapter on it.
absl::StatusOr<launch::LoadedModel> LoadFromFlags(const ModelFlags& flags);
// The same without the tokenizer, which the files need not have.
absl::StatusOr<launch::LoadedModel> LoadWithoutTokenizer(
    const ModelFlags& flags);
// Refuses an encoder; `what` is the command or the task.
absl::Status NeedsDecoder(const launch::LoadedModel& loaded,
                          const std::string& what);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_MODEL_FLAGS_H_
