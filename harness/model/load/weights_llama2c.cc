// WeightFiles::OpenLlama2c: see weights.h.
#include <utility>

#include "harness/core/status.h"
#include "harness/model/families/llama2c_config.h"
#include "harness/model/load/weights.h"

namespace sft::model {

absl::StatusOr<WeightFiles> WeightFiles::OpenLlama2c(const std::string& path) {
  WeightFiles out;
  out.where_ = path;
  SFT_ASSIGN_OR_RETURN(formats::Llama2cFile file,
                       formats::Llama2cFile::Open(path));
  out.llama2c_ = std::make_unique<formats::Llama2cFile>(std::move(file));
  SFT_ASSIGN_OR_RETURN(const DecoderConfig config,
                       ConfigFromLlama2c(*out.llama2c_));
  out.config_ = config;
  const formats::StorageType* f32 = formats::FindSafetensorsType("F32");
  for (const formats::Llama2cTensor& tensor : out.llama2c_->tensors()) {
    StoredTensor stored;
    stored.file = path;
    stored.name = Llama2cName(tensor);
    stored.shape = tensor.shape;
    stored.type = f32;
    stored.type_name = std::string(f32->name);
    stored.data = tensor.data;
    if (tensor.part == formats::Llama2cPart::kQuery ||
        tensor.part == formats::Llama2cPart::kKey) {
      stored.rows = {GgufRows::Order::kPairs, config.heads, config.head_width};
    }
    std::string name = stored.name;
    out.stored_.emplace(std::move(name), std::move(stored));
  }
  return out;
}

}  // namespace sft::model
