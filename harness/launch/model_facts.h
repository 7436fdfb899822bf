// A model without its weights: config.json or a GGUF header, and the tokenizer.
#ifndef HARNESS_LAUNCH_MODEL_FACTS_H_
#define HARNESS_LAUNCH_MODEL_FACTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/launch/workbench.h"
#include "harness/model/load/load.h"
#include "harness/model/load/weights.h"
#include "harness/model/slot_shape.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

struct ModelFacts {
  model::ModelLocation where;
  std::optional<model::WeightFiles> files;  // open, for who loads it then
  model::ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;
  // Whether the files' headers have the tensors that the config asks for.
  absl::Status tensors;

  const model::EncoderConfig* encoder() const {
    return std::get_if<model::EncoderConfig>(&config);
  }
  const model::DecoderConfig* decoder() const {
    return std::get_if<model::DecoderConfig>(&config);
  }
  int64_t vocabulary() const;  // rows of the embedding
  // Of all layers, with an encoder's projection and pooler, without heads.
  std::vector<model::SlotShape> maps() const;
  int64_t max_positions() const;
  // Rows of a table: there is nothing beyond them. Rotary ones go on.
  bool learned_positions() const;
};
absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& name,
                                          const std::string& assets);

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizerOf(
    const model::ModelLocation& where);

// What the id of a cell is made of beside its config:
// Workbench::InputDigestsOf, and a mark where joined texts have other ids than
// parts that are encoded one by one, as records had them once.
absl::StatusOr<std::vector<std::string>> DigestsOfCell(
    const Workbench& bench, const ModelFacts& model,
    const spec::RunConfig& config);
// A run's id is of the files that are read now, not of what its plan met. An id
// that is no hash was named by hand.
absl::Status CheckRunId(const Workbench& bench, const ModelFacts& model,
                        const std::string& run_id,
                        const spec::RunConfig& config);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_MODEL_FACTS_H_
