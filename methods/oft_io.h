// PEFT's folder of an OFT adapter: adapter_config.json and
// adapter_model.safetensors with base_model.model.<slot>.oft_R.weight
// (peft 0.21.2).
#ifndef METHODS_OFT_IO_H_
#define METHODS_OFT_IO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/model/model.h"

namespace sft::methods {

struct OftFolder {
  std::string base_model;  // for the reader's eye; not checked
  int64_t block_size = 32;
  int64_t neumann_terms = 5;  // 0 = exact
  HeadKind head = HeadKind::kNextToken;
  std::vector<std::string> targets;
  std::vector<NamedTensor> layers;  // a slot's triangles [K, E] each
  std::vector<NamedTensor> saved;   // trained whole: an encoder's head
};

// Writes into `folder`, which is made if need be.
absl::Status WriteOftFolder(const OftFolder& adapter,
                            const std::string& folder);
// Whether a folder's adapter_config.json says that it holds such an adapter.
bool IsOftFolder(const std::string& folder);
// Puts a folder's rotations before the maps, and the head that it holds on an
// encoder, for inference. What would change the numbers and is not supported
// (coft, block_share, biases, other saved modules) is an error, as is what does
// not fit the model.
absl::Status AttachOftFolder(model::Model& model, const std::string& folder);

}  // namespace sft::methods

#endif  // METHODS_OFT_IO_H_
