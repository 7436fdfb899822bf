// The dense tensors of a model file or folder, under Hugging Face names in
// rotate-half layout, each read straight into its final storage.
#ifndef HARNESS_MODEL_LOAD_WEIGHTS_H_
#define HARNESS_MODEL_LOAD_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/formats/gguf.h"
#include "harness/formats/llama2c.h"
#include "harness/formats/safetensors.h"
#include "harness/model/families/config.h"
#include "harness/model/families/encoder_config.h"
#include "harness/model/families/gguf_places.h"

namespace sft::model {

inline constexpr int64_t kMaxConfigBytes = 16 << 20;  // of a JSON file

// A tensor as a file holds it; `data` lives as long as the WeightFiles.
struct StoredTensor {
  std::string file;  // for messages
  std::string name;  // in that file
  std::vector<int64_t> shape;
  const formats::StorageType* type = nullptr;  // nullptr: cannot be read
  std::string type_name;
  const uint8_t* data = nullptr;
  const MappedFile* map = nullptr;  // that `data` lies in, if it lies in one
  void Forget(const uint8_t* begin, int64_t size_bytes) const {
    if (map != nullptr) map->Forget(begin, static_cast<size_t>(size_bytes));
  }
  GgufRows rows;    // of GgufPlace
  float shift = 0;  // likewise
};

// `stored` into a new CPU tensor of `dtype` (f32 or f64), its pages forgotten
// as they are read; non-finite values are an error that names the tensor.
absl::StatusOr<at::Tensor> ReadStoredTensor(const StoredTensor& stored,
                                            at::ScalarType dtype);

using ModelConfig = std::variant<DecoderConfig, EncoderConfig>;

class WeightFiles {
 public:
  // With all parts of a split model.
  static absl::StatusOr<WeightFiles> OpenGguf(const std::string& path);
  static absl::StatusOr<WeightFiles> OpenLlama2c(const std::string& path);
  // config.json with model.safetensors or model.safetensors.index.json.
  static absl::StatusOr<WeightFiles> OpenFolder(const std::string& folder);

  const ModelConfig& config() const { return config_; }
  // Of ModelInfo, by what the files hold.
  at::ScalarType stored_dtype() const;
  const std::vector<std::string>& notes() const { return notes_; }
  // That the headers have exactly the tensors that config() asks for, in types
  // that can be read: missing, surplus and mis-shaped ones are errors that name
  // them. Reads no weight.
  absl::Status Check() const;
  // One of these tensors, once Check() is satisfied; `transposed`: as its row
  // of the model's parameters says.
  absl::StatusOr<at::Tensor> Read(const std::string& name, bool transposed,
                                  at::ScalarType dtype) const;
  // The rows of config().
  std::vector<ParameterShape> Parameters() const;

 private:
  WeightFiles() = default;
  // GGUF files hold all matrices as [out, in].
  bool IsTransposed(const ParameterShape& row) const {
    return row.transposed && gguf_ == nullptr;
  }
  absl::Status AddSafetensors(const std::string& path);
  // Folders of a model without its head leave out what every name begins with;
  // old ones call a norm's tensors gamma and beta.
  absl::Status PutNamesRight();
  // A head that differs from the embedding is the model's, whatever
  // "tie_word_embeddings" says: as in transformers.
  absl::Status CheckTie();
  // Of config.json's rates, which are not applied.
  void NoteDropout(const std::string& config_text);
  // Of an encoder's head that is of no use here.
  void NoteHead(const std::string& config_text);
  // Of what generation_config.json asks of greedy answers, but for their ends.
  void NoteGeneration(const std::string& folder);

  std::string where_;
  ModelConfig config_;
  std::unique_ptr<formats::GgufFile> gguf_;
  std::unique_ptr<formats::Llama2cFile> llama2c_;
  std::vector<std::unique_ptr<formats::SafetensorsFile>> shards_;
  std::map<std::string, StoredTensor> stored_;  // by Hugging Face name
  std::vector<std::string> notes_;
};

// The weight files of a folder: model.safetensors, or the index's shards (and
// the index). No name may lead out of the folder.
absl::StatusOr<std::vector<std::string>> WeightFilesOfFolder(
    const std::string& folder);

}  // namespace sft::model

#endif  // HARNESS_MODEL_LOAD_WEIGHTS_H_
