// A model by folder, GGUF file or listed name.
#ifndef HARNESS_MODEL_LOAD_LOAD_H_
#define HARNESS_MODEL_LOAD_LOAD_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/formats/gguf_tokenizer.h"
#include "harness/model/load/weights.h"
#include "harness/model/model.h"

namespace sft::model {

// A row of the table of listed models.
struct ModelRow {
  std::string name;
  std::string path;  // below the assets folder
  std::string licence;
  std::string source;  // package and version
  std::string summary;
};
const std::vector<ModelRow>& ListedModels();
bool IsListedModel(const std::string& name);

// Where a name, folder or file leads. `assets` is the assets folder.
struct ModelLocation {
  std::string name;     // as asked for
  std::string folder;   // set for a Hugging Face folder
  std::string gguf;     // set for a GGUF file
  std::string llama2c;  // set for llama2.c's model

  // The file, where it is no folder.
  const std::string& file() const { return gguf.empty() ? llama2c : gguf; }
};
absl::StatusOr<ModelLocation> LocateModel(const std::string& name,
                                          const std::string& assets);
// SHA-256 over the weight and tokenizer files, cheap enough for a plan (cached
// by path, size and modification time within the process).
absl::StatusOr<std::string> ModelFilesDigest(const ModelLocation& where);
// The same by content alone: how a GGUF file is called is no part of it.
absl::StatusOr<std::string> ModelContentDigest(const ModelLocation& where);

struct ModelOptions {
  at::ScalarType compute_dtype = at::kFloat;  // kFloat, kBFloat16, kDouble
  at::Device device = at::kCPU;
};
// The model of `files`, those of `where`, its maps still unread: what is there
// is what no slot holds. Weights are f32 (f64 for kDouble), de-quantized where
// the file holds quantized ones; who reads a non-finite one is refused.
absl::StatusOr<std::unique_ptr<Model>> OpenModel(
    const ModelLocation& where, std::shared_ptr<const WeightFiles> files,
    const ModelOptions& options);
// The same with all of its maps.
absl::StatusOr<std::unique_ptr<Model>> LoadModel(const ModelLocation& where,
                                                 const ModelOptions& options);
// Its weight files, their headers read and no weight.
absl::StatusOr<WeightFiles> OpenWeights(const ModelLocation& where);
// Tokenizer data out of a GGUF file, or of what lies beside llama2.c's model,
// for harness/text.
absl::StatusOr<formats::GgufTokenizerData> ReadGgufTokenizer(
    const std::string& path);
absl::StatusOr<formats::GgufTokenizerData> ReadFileTokenizer(
    const ModelLocation& where);

// config.json, model.safetensors; the tokenizer files are copied or written
// by the caller. Weights in `dtype`, else in what the checkpoint was stored in
// (f64 models: f64); InvalidArgument where one is too large for it.
absl::Status WriteModelFolder(Model& model, const std::string& folder,
                              std::optional<at::ScalarType> dtype = {});

}  // namespace sft::model

#endif  // HARNESS_MODEL_LOAD_LOAD_H_
