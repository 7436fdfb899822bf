#include "harness/record/merge.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/parallel_for.h"
#include "harness/core/status.h"
#include "harness/record/manifest_store.h"
#include "harness/record/merged_file.h"
#include "harness/record/record_items.h"
#include "harness/record/sealed_file.h"

namespace sft::record {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadAhead = 64;  // records in memory at a time

// The plans of a file or folder, without those that are in `all`.
void AddOnce(std::vector<PlanText> plans, std::vector<PlanText>& all) {
  for (PlanText& plan : plans) {
    const bool is_new = std::none_of(
        all.begin(), all.end(),
        [&plan](const PlanText& other) { return other.text == plan.text; });
    if (is_new) all.push_back(std::move(plan));
  }
}

std::vector<PlanText> PlansInFile(const std::string& path,
                                  const RecordFile& file) {
  std::vector<PlanText> plans;
  for (const std::string& text : file.plans()) plans.push_back({path, text});
  return plans;
}

absl::StatusOr<NamedRecord> ReadNamed(const RecordFile& file,
                                      const std::string& name) {
  SFT_ASSIGN_OR_RETURN(RunRecord record, file.Read(name));
  return NamedRecord{name, std::move(record)};
}

// Makes n things on threads, a few at a time, and takes each in order on this
// one; ends where one is not taken.
template <class Make, class Take>
void InTurns(size_t n, const Make& make, const Take& take) {
  for (size_t first = 0; first < n; first += kReadAhead) {
    const size_t count = std::min(kReadAhead, n - first);
    std::vector<std::optional<decltype(make(size_t{0}))>> made(count);
    ParallelFor(count, [&](size_t i) { made[i].emplace(make(first + i)); });
    for (size_t i = 0; i < count; ++i) {
      if (!take(first + i, *std::move(made[i]))) return;
    }
  }
}

// One that is merged is kept open, the record of another is read at once.
struct Opened {
  absl::StatusOr<NamedRecord> record;
  std::optional<RecordFile> merged;
};
Opened OpenAndRead(const std::string& path) {
  absl::StatusOr<RecordFile> file = RecordFile::Open(path);
  if (!file.ok()) return {file.status(), std::nullopt};
  if (!file->is_merged()) return {ReadNamed(*file, file->names()[0]), {}};
  return {absl::UnknownError("of many"), *std::move(file)};
}

// Where the records of one name are.
struct RecordPlace {
  std::string path;
  std::shared_ptr<const RecordFile> merged;  // else it is read again

  absl::StatusOr<std::string> Bytes(const std::string& name) const {
    if (merged != nullptr) return merged->Bytes(name);
    return ReadSealed(path);
  }
};
using RecordPlaces =
    std::vector<std::pair<std::string, std::vector<RecordPlace>>>;

absl::StatusOr<std::string> WholeDigestOf(const std::string& where,
                                          const std::string& bytes) {
  SFT_ASSIGN_OR_RETURN(const std::vector<H5Item> items,
                       ItemsOfSealed(where, bytes));
  SFT_RETURN_IF_ERROR(RecordFromItems(where, items).status());
  return WholeDigest(items);
}

// The bytes of the first; the others must hold the same record, though an older
// build may have written it down otherwise.
absl::StatusOr<std::string> BytesOfOne(const std::string& name,
                                       const std::vector<RecordPlace>& places) {
  SFT_ASSIGN_OR_RETURN(std::string bytes, places[0].Bytes(name));
  SFT_ASSIGN_OR_RETURN(const std::string digest,
                       WholeDigestOf(places[0].path, bytes));
  for (size_t i = 1; i < places.size(); ++i) {
    SFT_ASSIGN_OR_RETURN(const std::string other, places[i].Bytes(name));
    if (other == bytes) continue;
    SFT_ASSIGN_OR_RETURN(const std::string others,
                         WholeDigestOf(places[i].path, other));
    if (others != digest) {
      return InputError(places[i].path,
                        absl::StrCat("another record stands under ", name));
    }
  }
  return bytes;
}

}  // namespace

void ForEachRecord(const std::vector<std::string>& files,
                   const TakeRecord& take) {
  InTurns(
      files.size(), [&files](size_t i) { return OpenAndRead(files[i]); },
      [&](size_t i, Opened opened) {
        if (!opened.merged.has_value()) {
          take(files[i], std::move(opened.record));
          return true;
        }
        const RecordFile& merged = *opened.merged;
        InTurns(
            merged.names().size(),
            [&merged](size_t k) {
              return ReadNamed(merged, merged.names()[k]);
            },
            [&](size_t, absl::StatusOr<NamedRecord> record) {
              take(files[i], std::move(record));
              return true;
            });
        return true;
      });
}

absl::StatusOr<std::vector<NamedRecord>> ReadRunRecords(
    const std::string& path) {
  std::vector<NamedRecord> records;
  absl::Status status = absl::OkStatus();
  ForEachRecord({path},
                [&](const std::string&, absl::StatusOr<NamedRecord> record) {
                  if (!record.ok()) {
                    status.Update(record.status());
                  } else {
                    records.push_back(*std::move(record));
                  }
                });
  SFT_RETURN_IF_ERROR(status);
  return records;
}

absl::StatusOr<std::vector<PlanText>> ReadPlanTexts(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(std::vector<PlanText> plans, ReadFolderPlanTexts(path));
  if (!plans.empty()) return plans;
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       ListRecordFiles(path));
  for (const std::string& file : files) {
    if (BeginsPacked(file)) continue;  // one record, without a plan
    const absl::StatusOr<RecordFile> opened = RecordFile::Open(file);
    if (opened.ok()) AddOnce(PlansInFile(file, *opened), plans);
  }
  return plans;
}

absl::StatusOr<std::vector<std::string>> ListRecordFiles(
    const std::string& path) {
  if (!FileExists(path)) {
    return absl::NotFoundError(path + ": no such file or folder");
  }
  if (!IsFolder(path)) return std::vector<std::string>{path};
  const std::string runs = path + "/runs";
  const std::string folder = IsFolder(runs) ? runs : path;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".h5") {
      files.push_back(entry.path().string());
    }
  }
  if (error) return InputError(folder, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<size_t> MergeRecords(const std::vector<std::string>& inputs,
                                    const std::string& output) {
  std::map<std::string, std::vector<RecordPlace>> by_name;
  std::vector<PlanText> plans;
  for (const std::string& input : inputs) {
    SFT_ASSIGN_OR_RETURN(std::vector<PlanText> of_input,
                         ReadFolderPlanTexts(input));
    AddOnce(std::move(of_input), plans);
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                         ListRecordFiles(input));
    for (const std::string& file : files) {
      // One record: it is read when its turn comes, and not before.
      if (BeginsPacked(file)) {
        by_name[fs::path(file).stem().string()].push_back({file, nullptr});
        continue;
      }
      SFT_ASSIGN_OR_RETURN(RecordFile opened, RecordFile::Open(file));
      AddOnce(PlansInFile(file, opened), plans);
      const std::vector<std::string> names = opened.names();
      std::shared_ptr<const RecordFile> merged;
      if (opened.is_merged()) {
        merged = std::make_shared<const RecordFile>(std::move(opened));
      }
      for (const std::string& name : names) {
        by_name[name].push_back({file, merged});
      }
    }
  }
  if (by_name.empty()) return InputError(output, "there is no record to merge");
  std::vector<std::string> texts;
  for (PlanText& plan : plans) texts.push_back(std::move(plan.text));
  const RecordPlaces places(by_name.begin(), by_name.end());
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<MergedWriter> writer,
                       MergedWriter::Create(output, texts));
  absl::Status status = absl::OkStatus();
  InTurns(
      places.size(),
      [&places](size_t i) {
        return BytesOfOne(places[i].first, places[i].second);
      },
      [&](size_t i, const absl::StatusOr<std::string>& bytes) {
        status =
            bytes.ok() ? writer->Add(places[i].first, *bytes) : bytes.status();
        return status.ok();
      });
  SFT_RETURN_IF_ERROR(status);
  SFT_RETURN_IF_ERROR(writer->Finish());
  return places.size();
}

}  // namespace sft::record
