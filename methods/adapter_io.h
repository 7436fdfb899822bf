// PEFT's adapter folder: adapter_config.json and adapter_model.safetensors
// with names like base_model.model.<slot>.lora_A.weight (peft 0.21). Never a
// pickle.
#ifndef METHODS_ADAPTER_IO_H_
#define METHODS_ADAPTER_IO_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/model/model.h"
#include "methods/adapter_config.h"
#include "methods/lora_linear.h"

namespace sft::methods {

struct AdapterLayer {
  std::string slot;  // "model.layers.0.self_attn.q_proj"
  LoraFactors factors;
  // PEFT's lora_embedding_A [R, V] and B [D, R]: the rows of a table.
  bool of_embedding = false;
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
  // How the base is changed before the adapter is put on.
  AdapterInit init = AdapterInit::kPlain;
  HeadKind head = HeadKind::kNextToken;
  // Tensors trained whole: an encoder's head, other modules_to_save, biases,
  // tables that PEFT saves besides.
  std::vector<NamedTensor> saved;  // "classifier.weight"
  // Of these the modules_to_save: PEFT gives them a copy of their own where
  // the model shares a weight, unless ensure_weight_tying.
  std::set<std::string> own_copies;
  bool ties_weights = false;
};

// Why a folder cannot say what was trained, if so.
absl::Status CanWriteAdapter(const model::Model& model, bool is_merged);

// Writes into `folder`, which is made if need be.
absl::Status WriteAdapterFolder(const Adapter& adapter,
                                const std::string& folder);
// Each layer's scale comes from the file's alpha, rank, their patterns and
// use_rslora. What would change the numbers and is not understood (a trained
// bias, another adapter type) is an error.
absl::StatusOr<Adapter> ReadAdapterFolder(const std::string& folder);

// Gives an encoder the head that a folder's saved tensors are all of, by name
// and shape; false where it can have none such.
absl::StatusOr<bool> SetSavedHead(model::Model& model, HeadKind head,
                                  const std::vector<NamedTensor>& tensors);

// Puts a folder's adapter on a model as PEFT loads it, for inference: beside
// the dense maps, into tables and the head; a base under PiSSA or OLoRA becomes
// what is left of it; an encoder's head the one that the folder holds. An
// adapter that does not fit (slot, shape) is an error.
absl::Status AttachAdapter(model::Model& model, const std::string& folder);

}  // namespace sft::methods

#endif  // METHODS_ADAPTER_IO_H_
