// PEFT's adapter folder: adapter_config.json and adapter_model.safetensors
// with names like base_model.model.<slot>.lora_A.weight (peft 0.21). Never a
// pickle.
#ifndef METHODS_ADAPTER_IO_H_
#define METHODS_ADAPTER_IO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/model/model.h"
#include "methods/lora_linear.h"

namespace sft {

struct AdapterLayer {
  std::string slot;  // "model.layers.0.self_attn.q_proj"
  LoraFactors factors;
};
struct Adapter {
  std::string base_model;  // for the reader's eye; not checked
  int64_t rank = 0;
  double alpha = 0;
  double dropout = 0;
  bool rslora = false;
  bool dora = false;
  std::vector<std::string> targets;
  std::vector<AdapterLayer> layers;
  // An encoder's head, trained whole: PEFT's modules_to_save.
  HeadKind head = HeadKind::kNextToken;
  std::vector<NamedTensor> saved;  // "classifier.weight"
};

// Writes into `folder`, which is made if need be.
absl::Status WriteAdapterFolder(const Adapter& adapter,
                                const std::string& folder);
// Each layer's scale comes from the file's alpha, rank, their patterns and
// use_rslora. What would change the numbers and is not understood (a trained
// bias, another adapter type) is an error.
absl::StatusOr<Adapter> ReadAdapterFolder(const std::string& folder);

// Puts a folder's adapter beside the dense maps of a model, for inference, and
// sets an encoder's head to the one that it holds. An adapter that does not fit
// (slot, shape) is an error and adapts nothing.
absl::Status AttachAdapter(Model& model, const std::string& folder);

}  // namespace sft

#endif  // METHODS_ADAPTER_IO_H_
