#include "harness/launch/run_checkpoint.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "harness/core/files.h"
#include "harness/core/process_place.h"
#include "harness/core/status.h"
#include "harness/formats/safetensors.h"

namespace sft::launch {
namespace {

namespace fs = std::filesystem;

constexpr char kPartialRecord[] = "/record.h5";
constexpr char kPieces[] = "/pieces.safetensors";
constexpr char kWork[] = "of";  // in its header

// What a checkpoint rests on must be what was read now.
absl::Status CheckSameInputs(const record::RunRecord& saved,
                             const record::RunRecord& now,
                             const std::string& folder) {
  for (const auto& [name, digest] : saved.texts) {
    const auto found = now.texts.find(name);
    if (found == now.texts.end() || found->second == digest ||
        !absl::EndsWith(name, "_sha256")) {
      continue;
    }
    return InputError(folder,
                      absl::StrCat("was saved with another ", name, " (",
                                   digest.substr(0, 12), "..., now ",
                                   found->second.substr(0, 12),
                                   "...): a file changed since; put it back, "
                                   "or remove this folder to begin anew"));
  }
  return absl::OkStatus();
}

// All numbers end to end, and how many are each piece's.
absl::Status WritePieces(const Pieces& pieces, const std::string& path) {
  std::vector<double> numbers;
  std::vector<int64_t> counts;
  for (const std::vector<double>& piece : pieces.done) {
    numbers.insert(numbers.end(), piece.begin(), piece.end());
    counts.push_back(std::ssize(piece));
  }
  return formats::WriteSafetensors(
      path,
      {{"counts", at::tensor(counts, at::kLong)},
       {"numbers", at::tensor(numbers, at::kDouble)}},
      {{kWork, pieces.of}});
}

// None where there is no such file, or one that holds something else.
Pieces ReadPieces(const std::string& folder) {
  const std::string path = folder + kPieces;
  if (!FileExists(path)) return {};
  const auto file = formats::SafetensorsFile::Open(path);
  const auto tensors = formats::ReadSafetensors(path);
  if (!file.ok() || !tensors.ok() || tensors->size() != 2) return {};
  const auto of = file->meta().find(kWork);
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& named : *tensors) by_name[named.name] = named.tensor;
  const at::Tensor counts = by_name["counts"], numbers = by_name["numbers"];
  if (of == file->meta().end() || !counts.defined() || !numbers.defined() ||
      counts.scalar_type() != at::kLong ||
      numbers.scalar_type() != at::kDouble) {
    return {};
  }
  Pieces pieces;
  pieces.of = of->second;
  const double* at = numbers.const_data_ptr<double>();
  int64_t left = numbers.numel();
  for (int64_t i = 0; i < counts.numel(); ++i) {
    const int64_t count = counts.const_data_ptr<int64_t>()[i];
    if (count < 0 || count > left) return {};
    pieces.done.emplace_back(at, at + count);
    at += count;
    left -= count;
  }
  return pieces;
}

absl::Status WriteParts(const record::RunRecord& record, const Pieces& pieces,
                        const std::string& folder) {
  SFT_RETURN_IF_ERROR(record::WriteRunRecord(record, folder + kPartialRecord));
  if (pieces.done.empty()) return absl::OkStatus();
  return WritePieces(pieces, folder + kPieces);
}

// Whether the process of an execution is of this place and gone; else its
// checkpoint is read where it is.
bool IsDead(const std::string& execution) {
  const std::string prefix = absl::StrCat(ProcessPlace(), "-");
  int64_t pid = 0;
  if (!absl::StartsWith(execution, prefix)) return false;
  const std::string rest = execution.substr(prefix.size());
  return absl::SimpleAtoi(rest.substr(0, rest.find('-')), &pid) &&
         pid != getpid() && HasEnded(pid);
}

struct FoundCheckpoint {
  fs::file_time_type time;
  std::string folder;
  std::string execution;  // "" of older versions: one for all
};

std::vector<FoundCheckpoint> FindCheckpoints(const record::RunPaths& paths,
                                             const std::string& run_id) {
  std::vector<FoundCheckpoint> found;
  std::error_code error;
  const auto add = [&found](const fs::path& folder,
                            const std::string& execution) {
    const std::string name = folder.string();
    // One that may live ends by itself what it publishes: what it has aside is
    // read where it is.
    if (execution.empty() || IsDead(execution)) FinishPublish(name);
    for (const std::string& place : {name, AsideOf(name)}) {
      std::error_code none;
      const fs::file_time_type time =
          fs::last_write_time(place + "/state.json", none);
      if (!none) found.push_back({time, place, execution});
    }
  };
  add(fs::path(paths.Work(run_id)) / "checkpoint", "");
  for (const auto& entry : fs::directory_iterator(paths.Work(run_id), error)) {
    add(entry.path() / "checkpoint", entry.path().filename().string());
  }
  std::sort(found.begin(), found.end(),
            [](const FoundCheckpoint& a, const FoundCheckpoint& b) {
              return std::tie(a.time, a.folder) > std::tie(b.time, b.folder);
            });
  return found;
}

// A whole one, or nullopt.
absl::StatusOr<std::optional<SavedRun>> ReadSavedRun(
    const std::string& folder, const std::string& run_id,
    const record::RunRecord& now, const LogLine& log) {
  absl::StatusOr<train::Checkpoint> checkpoint =
      train::ReadCheckpoint(folder, run_id);
  if (!checkpoint.ok()) {
    if (absl::IsDataLoss(checkpoint.status()) && log) {
      log(absl::StrCat("not continuing from it: ",
                       checkpoint.status().message()));
    }
    return std::optional<SavedRun>();
  }
  SFT_ASSIGN_OR_RETURN(record::RunRecord record,
                       record::ReadRunRecord(folder + kPartialRecord));
  SFT_RETURN_IF_ERROR(CheckSameInputs(record, now, folder));
  return std::optional(
      SavedRun{*std::move(checkpoint), std::move(record), ReadPieces(folder)});
}

// Removes folders of executions that are over, but for what is in use.
void RemoveDeadExecutions(const record::RunPaths& paths,
                          const std::string& run_id) {
  std::error_code error;
  std::vector<fs::path> dead;
  for (const auto& entry : fs::directory_iterator(paths.Work(run_id), error)) {
    if (entry.is_directory() && IsDead(entry.path().filename().string())) {
      dead.push_back(entry.path());
    }
  }
  for (const fs::path& path : dead) fs::remove_all(path, error);
}

}  // namespace

std::string OwnExecution() {
  static const std::string& name = *new std::string(absl::StrCat(
      ProcessPlace(), "-", getpid(), "-", absl::ToUnixSeconds(absl::Now())));
  return name;
}

absl::StatusOr<std::optional<SavedRun>> TakeUpSavedRun(
    const record::RunPaths& paths, const std::string& run_id,
    const record::RunRecord& now, const LogLine& log) {
  std::optional<SavedRun> saved;
  for (const FoundCheckpoint& found : FindCheckpoints(paths, run_id)) {
    SFT_ASSIGN_OR_RETURN(saved, ReadSavedRun(found.folder, run_id, now, log));
    if (!saved) continue;
    const std::string own = paths.Checkpoint(run_id, OwnExecution());
    if ((found.execution.empty() || IsDead(found.execution)) &&
        found.folder != own) {
      // Moved, not copied, before its old folder goes with the other dead ones.
      SFT_RETURN_IF_ERROR(MakeFolders(fs::path(own).parent_path().string()));
      std::error_code error;
      fs::rename(found.folder, own, error);
    }
    break;
  }
  RemoveDeadExecutions(paths, run_id);
  return saved;
}

void RemoveCheckpoints(const record::RunPaths& paths,
                       const std::string& run_id) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(paths.Work(run_id), error)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  for (const fs::path& folder : folders) fs::remove_all(folder, error);
}

train::AddFiles AddRecord(const record::RunRecord& record,
                          const Pieces& pieces) {
  return [&record, &pieces](const std::string& folder) {
    return WriteParts(record, pieces, folder);
  };
}

absl::Status KeepMeasured(const record::RunRecord& record, const Pieces& pieces,
                          const record::RunPaths& paths) {
  // Below what is this execution's, with which it goes if this is killed.
  const std::string temporary =
      absl::StrCat(paths.Work(record.run_id), "/", OwnExecution(), "/measured");
  SFT_RETURN_IF_ERROR(MakeFolders(temporary));
  absl::Status status = WriteParts(record, pieces, temporary);
  if (status.ok()) {
    status = PublishFolder(temporary, paths.Measured(record.run_id));
  }
  if (!status.ok()) RemoveAll(temporary).IgnoreError();
  return status;
}

absl::StatusOr<MeasuredSoFar> ReadMeasured(const record::RunPaths& paths,
                                           const record::RunRecord& now) {
  const std::string folder = paths.Measured(now.run_id);
  FinishPublish(folder);
  absl::StatusOr<record::RunRecord> kept =
      record::ReadRunRecord(folder + kPartialRecord);
  if (!kept.ok()) return MeasuredSoFar();
  SFT_RETURN_IF_ERROR(CheckSameInputs(*kept, now, folder));
  return MeasuredSoFar{std::move(kept->evals), ReadPieces(folder)};
}

}  // namespace sft::launch
