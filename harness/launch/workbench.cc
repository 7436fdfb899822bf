#include "harness/launch/workbench.h"

#include <ATen/Context.h>

#include <algorithm>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/data/user_dataset.h"
#include "harness/spec/mixture.h"
#include "harness/text/tokenizer_factory.h"

namespace sft {
namespace {

template <class Row>
const Row* FindByName(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

template <class Row>
std::vector<MethodSpecRow> SpecRows(const std::vector<Row>& rows) {
  std::vector<MethodSpecRow> out;
  for (const Row& row : rows) {
    out.push_back({row.name, row.summary, row.options});
  }
  return out;
}

}  // namespace

const DatasetRow* Workbench::FindDataset(const std::string& name) const {
  return FindByName(datasets, name);
}
absl::StatusOr<const DatasetRow*> Workbench::DatasetOf(
    const RunConfig& config, const std::string& name) const {
  if (const DatasetRow* row = FindDataset(name)) return row;
  const auto own = config.user_data.find(name);
  if (own == config.user_data.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no data set is called '", name, "'"));
  }
  std::unique_ptr<DatasetRow>& row =
      user_datasets_[absl::StrCat(name, "\n", own->second)];
  if (row == nullptr) {
    SFT_ASSIGN_OR_RETURN(const UserData data,
                         UserDataFromJson(name, own->second));
    SFT_ASSIGN_OR_RETURN(DatasetRow made, MakeUserDataset(data));
    row = std::make_unique<DatasetRow>(std::move(made));
  }
  return row.get();
}
const UpdateMethodRow* Workbench::FindUpdateMethod(
    const std::string& name) const {
  return FindByName(methods.update, name);
}
const BatchingMethodRow* Workbench::FindBatchingMethod(
    const std::string& name) const {
  return FindByName(methods.batching, name);
}

SpecTables Workbench::Tables() const {
  SpecTables tables;
  tables.update_methods = SpecRows(methods.update);
  tables.batching_methods = SpecRows(methods.batching);
  for (const ModelRow& row : ListedModels()) tables.models.push_back(row.name);
  for (const DatasetRow& row : datasets) {
    // Held-out text is measured, not trained on; everything can be retained.
    if (row.task.kind != TaskKind::kLanguageModeling) {
      tables.datasets.push_back(row.name);
      tables.tasks.push_back(row.name);
    }
    tables.retained.push_back(row.name);
  }
  return tables;
}

absl::StatusOr<std::vector<std::string>> Workbench::InputDigestsOf(
    const RunConfig& config) const {
  std::vector<std::string> digests;
  SFT_ASSIGN_OR_RETURN(const ModelLocation where,
                       LocateModel(config.model, folders.assets));
  SFT_ASSIGN_OR_RETURN(std::string digest, ModelFilesDigest(where));
  digests.push_back(std::move(digest));
  for (const auto* names : {&config.train, &config.evaluate, &config.retain}) {
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, SetsOf(*names));
    for (const std::string& name : sets) {
      SFT_ASSIGN_OR_RETURN(const DatasetRow* row, DatasetOf(config, name));
      for (const std::string& file : row->files) {
        SFT_ASSIGN_OR_RETURN(const std::string path,
                             ResolveDataFile(file, folders));
        std::string& hex = file_digests_[path];
        if (hex.empty()) {
          SFT_ASSIGN_OR_RETURN(hex, Sha256OfFile(path));
        }
        digests.push_back(hex);
      }
    }
  }
  return digests;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizerOf(
    const ModelLocation& where) {
  if (where.gguf.empty()) return LoadTokenizerFromFolder(where.folder);
  SFT_ASSIGN_OR_RETURN(GgufTokenizerData data, ReadGgufTokenizer(where.gguf));
  return MakeTokenizerFromGguf(std::move(data));
}

absl::StatusOr<LoadedModel> LoadModelAndTokenizer(const std::string& name,
                                                  const std::string& assets,
                                                  const ModelOptions& options) {
  const MemoryScope memory(MemoryUse::kWeights);
  LoadedModel loaded;
  SFT_ASSIGN_OR_RETURN(loaded.where, LocateModel(name, assets));
  SFT_ASSIGN_OR_RETURN(loaded.tokenizer, LoadTokenizerOf(loaded.where));
  SFT_ASSIGN_OR_RETURN(loaded.model, LoadModel(loaded.where, options));
  const int64_t rows = loaded.model->info().vocabulary;
  if (loaded.tokenizer->vocab_size() > rows) {
    return InputError(
        name, absl::StrCat("the tokenizer has ", loaded.tokenizer->vocab_size(),
                           " ids, the embedding only ", rows, " rows"));
  }
  return loaded;
}

absl::StatusOr<ModelOptions> ModelOptionsOf(const RunConfig& config) {
  ModelOptions options;
  if (config.dtype == "bf16") options.compute_dtype = at::kBFloat16;
  if (config.dtype == "f64") options.compute_dtype = at::kDouble;
  if (config.device == "cuda") {
    if (!at::hasCUDA()) {
      return absl::InvalidArgumentError(
          "device = 'cuda': this program sees no CUDA device; use "
          "device: cpu, or a build of the cuda preset on a machine with one");
    }
    options.device = at::kCUDA;
  }
  return options;
}

}  // namespace sft
