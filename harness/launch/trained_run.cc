#include "harness/launch/trained_run.h"

#include <c10/core/GradMode.h>

#include <filesystem>
#include <map>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/tensor_digest.h"
#include "harness/formats/safetensors.h"
#include "harness/record/run_store.h"
#include "harness/text/hf_export.h"

namespace sft::launch {
namespace {

constexpr char kWeightsFile[] = "/trainable.safetensors";

// Copies the stored values into the live tensors; each must be there with its
// shape and dtype.
absl::Status CopyWeights(const std::vector<NamedTensor>& stored,
                         const std::map<std::string, at::Tensor>& live,
                         const std::string& where) {
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& named : stored) by_name[named.name] = named.tensor;
  for (const auto& [name, tensor] : live) {
    auto found = by_name.find(name);
    if (found == by_name.end()) {
      return InputError(where, "has no tensor '" + name + "'");
    }
    if (found->second.sizes() != tensor.sizes() ||
        found->second.scalar_type() != tensor.scalar_type()) {
      return InputError(where, "'" + name + "' has another shape or type");
    }
  }
  c10::AutoGradMode no_grad(false);
  for (const auto& [name, tensor] : live) {
    at::Tensor target = tensor.detach();
    target.copy_(by_name[name]);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainedRun> OpenTrainedRun(const Workbench& bench,
                                          const std::string& record_path) {
  TrainedRun run;
  SFT_ASSIGN_OR_RETURN(run.record, record::ReadRunRecord(record_path));
  SFT_ASSIGN_OR_RETURN(const record::RunStore store,
                       record::RunStore::OfRecord(record_path));
  const spec::RunConfig& config = run.record.config;
  if (run.record.status != RunStatus::kOk) {
    return InputError(record_path,
                      "the run did not end well; there is nothing to export");
  }
  SFT_ASSIGN_OR_RETURN(run.loaded, OpenModelOf(bench, config));
  SFT_RETURN_IF_ERROR(
      CheckSameModel(run.record, *run.loaded.model, record_path));
  SFT_RETURN_IF_ERROR(SetHeadForTasks(bench, config, *run.loaded.model));
  SFT_ASSIGN_OR_RETURN(run.method,
                       AttachUpdateMethod(bench, config, *run.loaded.model));
  // A later round may train other tensors than an earlier one.
  std::map<std::string, at::Tensor> live;
  for (size_t round = 0; round < config.train.size(); ++round) {
    SFT_RETURN_IF_ERROR(run.method->BeginRound(static_cast<int64_t>(round)));
    for (const train::TrainableParameter& p : run.method->MovableParameters()) {
      live[p.name] = p.tensor;
    }
  }
  if (live.empty()) return run;
  const std::string file =
      store.paths().Weights(run.record.run_id) + kWeightsFile;
  if (!FileExists(file)) {
    return absl::NotFoundError(absl::StrCat(
        file,
        ": not there, the run kept no weights; 'sftbench run' of the same "
        "spec with --keep-weights ",
        run.method->TrainsAdapter() ? "adapters" : "all",
        " and another --out makes it again with them"));
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> stored,
                       formats::ReadSafetensors(file));
  if (TensorDigest(stored) != run.record.texts["weights_sha256"]) {
    return InputError(file, "is damaged: its digest is not the record's");
  }
  SFT_RETURN_IF_ERROR(CopyWeights(stored, live, file));
  SFT_RETURN_IF_ERROR(run.method->TakeUp());
  return run;
}

absl::Status CheckSameModel(const record::RunRecord& record,
                            const model::Model& model,
                            const std::string& where) {
  const auto known = record.texts.find("model_sha256");
  if (known == record.texts.end() ||
      known->second == model.info().source_digest) {
    return absl::OkStatus();
  }
  return InputError(
      where, absl::StrCat("the run began from other files than those of model ",
                          record.config.model, " now (SHA-256 ",
                          known->second.substr(0, 12), "..., now ",
                          model.info().source_digest.substr(0, 12),
                          "...); put back the files that it was made of"));
}

absl::Status SaveTrainedWeights(const record::RunPaths& paths,
                                const std::string& run_id,
                                const std::vector<NamedTensor>& trained,
                                const std::string& weights_sha256) {
  const std::string folder = paths.Weights(run_id);
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  RemoveStaleTemporaries(folder);
  return formats::WriteSafetensors(
      folder + kWeightsFile, trained,
      {{"run_id", run_id}, {"weights_sha256", weights_sha256}});
}

absl::Status WriteTokenizerFiles(const LoadedModel& loaded,
                                 const std::string& folder) {
  namespace fs = std::filesystem;
  if (!loaded.where.file().empty()) {
    SFT_ASSIGN_OR_RETURN(const formats::GgufTokenizerData data,
                         model::ReadFileTokenizer(loaded.where));
    SFT_ASSIGN_OR_RETURN(const auto files,
                         text::HfTokenizerFiles(data, loaded.where.file()));
    for (const auto& [name, bytes] : files) {
      SFT_RETURN_IF_ERROR(WriteFileAtomically(folder + "/" + name, bytes));
    }
    return absl::OkStatus();
  }
  for (const char* name :
       {"tokenizer.json", "tokenizer.model", "spiece.model",
        "sentencepiece.bpe.model", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
        "generation_config.json", "vocab.txt", "vocab.json", "merges.txt"}) {
    const std::string from = loaded.where.folder + "/" + name;
    if (!FileExists(from)) continue;
    SFT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(from));
    SFT_RETURN_IF_ERROR(WriteFileAtomically(folder + "/" + name, bytes));
  }
  return absl::OkStatus();
}

}  // namespace sft::launch
