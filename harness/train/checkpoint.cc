#include "harness/train/checkpoint.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/safetensors.h"

namespace sft::train {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr char kTrainable[] = "trainable.safetensors";
constexpr char kOptimizer[] = "optimizer.safetensors";
constexpr char kMethod[] = "method.safetensors";
constexpr char kState[] = "state.json";
constexpr int kFormat = 1;
constexpr int64_t kMaxStateBytes = int64_t{1} << 30;

Json StepToJson(const StepRecord& s) {
  return Json::array({s.step, s.round, s.loss, s.learning_rate, s.grad_norm,
                      s.real_tokens, s.target_tokens, s.padded_tokens,
                      s.sequences, s.wall_seconds, s.cpu_seconds});
}

// Throws nlohmann's exceptions, as every reader below does.
StepRecord StepFromJson(const Json& j) {
  StepRecord s;
  s.step = j.at(0).get<int64_t>();
  s.round = j.at(1).get<int64_t>();
  s.loss = j.at(2).get<double>();
  s.learning_rate = j.at(3).get<double>();
  s.grad_norm = j.at(4).get<double>();
  s.real_tokens = j.at(5).get<int64_t>();
  s.target_tokens = j.at(6).get<int64_t>();
  s.padded_tokens = j.at(7).get<int64_t>();
  s.sequences = j.at(8).get<int64_t>();
  s.wall_seconds = j.at(9).get<double>();
  s.cpu_seconds = j.at(10).get<double>();
  return s;
}

absl::Status Damaged(const std::string& path, std::string_view what) {
  return absl::DataLossError(absl::StrCat(path, ": ", ToAbsl(what)));
}

absl::StatusOr<Json> DigestsOfFiles(const std::string& folder) {
  Json digests = Json::object();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_regular_file()) continue;
    SFT_ASSIGN_OR_RETURN(std::string digest,
                         Sha256OfFile(entry.path().string()));
    digests[entry.path().filename().string()] = std::move(digest);
  }
  if (error) return InputError(folder, error.message());
  return digests;
}

absl::Status WriteInto(const Checkpoint& checkpoint, const std::string& folder,
                       const AddFiles& add_files) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  SFT_RETURN_IF_ERROR(formats::WriteSafetensors(folder + "/" + kTrainable,
                                                checkpoint.trained, {}));
  SFT_RETURN_IF_ERROR(formats::WriteSafetensors(folder + "/" + kOptimizer,
                                                checkpoint.optimizer, {}));
  SFT_RETURN_IF_ERROR(
      formats::WriteSafetensors(folder + "/" + kMethod, checkpoint.method, {}));
  if (add_files) SFT_RETURN_IF_ERROR(add_files(folder));
  SFT_ASSIGN_OR_RETURN(Json files, DigestsOfFiles(folder));
  Json steps = Json::array();
  for (const StepRecord& step : checkpoint.steps) {
    steps.push_back(StepToJson(step));
  }
  const Json state = {{"format", kFormat},
                      {"run_id", checkpoint.run_id},
                      {"round", checkpoint.round},
                      {"steps_in_round", checkpoint.steps_in_round},
                      {"plan_sha256", checkpoint.plan_sha256},
                      {"files", std::move(files)},
                      {"steps", std::move(steps)}};
  const Json sealed = {{"state", state}, {"sha256", Sha256Hex(state.dump())}};
  return WriteFileAtomically(folder + "/" + kState, sealed.dump());
}

absl::Status VerifyFiles(const std::string& folder, const Json& files) {
  for (const char* name : {kTrainable, kOptimizer, kMethod}) {
    if (!files.contains(name)) {
      return Damaged(folder, absl::StrCat("state.json does not list ", name));
    }
  }
  for (const auto& [name, digest] : files.items()) {
    const std::string path = folder + "/" + name;
    const absl::StatusOr<std::string> found = Sha256OfFile(path);
    if (!found.ok()) return Damaged(path, "is missing or cannot be read");
    if (*found != digest.get<std::string>()) {
      return Damaged(path, "is damaged: its SHA-256 is not the recorded one");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NamedTensor>> ReadTensors(const std::string& path) {
  absl::StatusOr<std::vector<NamedTensor>> tensors =
      formats::ReadSafetensors(path);
  if (!tensors.ok()) return Damaged(path, ToStd(tensors.status().message()));
  return tensors;
}

}  // namespace

absl::Status WriteCheckpoint(const Checkpoint& checkpoint,
                             const std::string& folder,
                             const AddFiles& add_files) {
  const std::string temporary = TemporaryBeside(folder);
  SFT_RETURN_IF_ERROR(RemoveAll(temporary));
  absl::Status status = WriteInto(checkpoint, temporary, add_files);
  if (status.ok()) status = PublishFolder(temporary, folder);
  // A full disk must not stay full of half a checkpoint.
  if (!status.ok()) RemoveAll(temporary).IgnoreError();
  return status;
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& folder,
                                          const std::string& run_id) {
  if (!IsFolder(folder)) {
    return absl::NotFoundError(folder + ": no checkpoint");
  }
  const std::string state_path = folder + "/" + kState;
  const absl::StatusOr<std::string> text = ReadFile(state_path, kMaxStateBytes);
  if (!text.ok()) return Damaged(state_path, ToStd(text.status().message()));
  Checkpoint checkpoint;
  const absl::StatusOr<Json> sealed_state = formats::ParseJson(*text);
  if (!sealed_state.ok()) {
    return Damaged(state_path, ToStd(sealed_state.status().message()));
  }
  try {
    const Json& sealed = *sealed_state;
    const Json& state = sealed.at("state");
    if (Sha256Hex(state.dump()) != sealed.at("sha256").get<std::string>()) {
      return Damaged(state_path, "is damaged: its own SHA-256 does not fit");
    }
    if (state.at("format").get<int>() != kFormat) {
      return Damaged(state_path, "is of another format version");
    }
    checkpoint.run_id = state.at("run_id").get<std::string>();
    if (checkpoint.run_id != run_id) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder, ": is a checkpoint of run ", checkpoint.run_id,
                       ", not of ", run_id));
    }
    checkpoint.round = state.at("round").get<int64_t>();
    checkpoint.steps_in_round = state.at("steps_in_round").get<int64_t>();
    checkpoint.plan_sha256 = state.at("plan_sha256").get<std::string>();
    for (const Json& step : state.at("steps")) {
      checkpoint.steps.push_back(StepFromJson(step));
    }
    SFT_RETURN_IF_ERROR(VerifyFiles(folder, state.at("files")));
  } catch (const Json::exception& e) {
    return Damaged(state_path, e.what());
  }
  SFT_ASSIGN_OR_RETURN(checkpoint.trained,
                       ReadTensors(folder + "/" + kTrainable));
  SFT_ASSIGN_OR_RETURN(checkpoint.optimizer,
                       ReadTensors(folder + "/" + kOptimizer));
  SFT_ASSIGN_OR_RETURN(checkpoint.method, ReadTensors(folder + "/" + kMethod));
  return checkpoint;
}

}  // namespace sft::train
