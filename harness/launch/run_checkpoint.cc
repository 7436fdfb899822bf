#include "harness/launch/run_checkpoint.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/safetensors.h"

namespace sft::launch {
namespace {

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

}  // namespace

absl::StatusOr<std::optional<SavedRun>> ReadSavedRun(
    const std::string& folder, const std::string& run_id,
    const record::RunRecord& now) {
  train::RemoveStaleCheckpoints(folder);
  absl::StatusOr<train::Checkpoint> checkpoint =
      train::ReadCheckpoint(folder, run_id);
  if (!checkpoint.ok()) {
    if (absl::IsDataLoss(checkpoint.status())) {
      fprintf(stderr, "starting again: %s\n",
              ToStd(checkpoint.status().message()).c_str());
    }
    return std::optional<SavedRun>();
  }
  SFT_ASSIGN_OR_RETURN(record::RunRecord record,
                       record::ReadRunRecord(folder + kPartialRecord));
  SFT_RETURN_IF_ERROR(CheckSameInputs(record, now, folder));
  return std::optional(
      SavedRun{*std::move(checkpoint), std::move(record), ReadPieces(folder)});
}

train::AddFiles AddRecord(const record::RunRecord& record,
                          const Pieces& pieces) {
  return [&record, &pieces](const std::string& folder) {
    return WriteParts(record, pieces, folder);
  };
}

absl::Status KeepMeasured(const record::RunRecord& record, const Pieces& pieces,
                          const std::string& folder) {
  const std::string temporary =
      absl::StrCat(folder, ".tmp.", HostName(), ".", getpid());
  SFT_RETURN_IF_ERROR(MakeFolders(temporary));
  absl::Status status = WriteParts(record, pieces, temporary);
  if (status.ok()) status = PublishFolder(temporary, folder);
  if (!status.ok()) RemoveAll(temporary).IgnoreError();
  return status;
}

absl::StatusOr<MeasuredSoFar> ReadMeasured(const std::string& folder,
                                           const record::RunRecord& now) {
  train::RemoveStaleCheckpoints(folder);
  absl::StatusOr<record::RunRecord> kept =
      record::ReadRunRecord(folder + kPartialRecord);
  if (!kept.ok()) return MeasuredSoFar();
  SFT_RETURN_IF_ERROR(CheckSameInputs(*kept, now, folder));
  return MeasuredSoFar{std::move(kept->evals), ReadPieces(folder)};
}

}  // namespace sft::launch
