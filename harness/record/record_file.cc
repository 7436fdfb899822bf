#include "harness/record/record_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "harness/core/status.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"
#include "harness/record/sealed_file.h"

namespace sft::record {
namespace {

using Items = std::vector<H5Item>;

const std::string* RootText(const Items& items, const std::string& name) {
  for (const H5Item& item : items) {
    if (item.path == "/" && item.attribute == name) {
      return std::get_if<std::string>(&item.value);
    }
  }
  return nullptr;
}

// Of a file that an older build merged: the items of each record below
// /runs/<name>, with paths as in a file of its own.
std::map<std::string, Items> SplitTree(Items items) {
  std::map<std::string, Items> records;
  const std::string prefix = absl::StrCat(kMergedRunsPath, "/");
  for (H5Item& item : items) {
    if (item.path.rfind(prefix, 0) != 0) continue;
    const size_t slash = item.path.find('/', prefix.size());
    const std::string name =
        DecodePathName(item.path.substr(prefix.size(), slash - prefix.size()));
    item.path = slash == std::string::npos ? "/" : item.path.substr(slash);
    records[name].push_back(std::move(item));
  }
  return records;
}

}  // namespace

absl::StatusOr<RecordFile> RecordFile::Open(const std::string& path) {
  RecordFile file;
  file.path_ = path;
  SFT_ASSIGN_OR_RETURN(file.bytes_, ReadSealed(path));
  std::string kind = "run";
  if (!HasPackedItems(file.bytes_)) {
    SFT_ASSIGN_OR_RETURN(const Items root, DecodeH5Root(path, file.bytes_));
    if (const std::string* said = RootText(root, "kind")) kind = *said;
  }
  if (kind == kMergedFilesKind) {
    SFT_RETURN_IF_ERROR(file.OpenMerged());
  } else if (kind == "merged") {
    SFT_RETURN_IF_ERROR(file.SplitMerged());
  } else {
    file.names_.push_back(std::filesystem::path(path).stem().string());
  }
  return file;
}

absl::Status RecordFile::OpenMerged() {
  is_merged_ = true;
  SFT_ASSIGN_OR_RETURN(merged_, MergedReader::Open(path_, bytes_));
  bytes_ = std::string();
  names_ = merged_->names();
  plans_ = merged_->plans();
  return absl::OkStatus();
}

absl::Status RecordFile::SplitMerged() {
  is_merged_ = true;
  SFT_ASSIGN_OR_RETURN(Items items, DecodeH5(path_, bytes_));
  bytes_ = std::string();
  const std::string* whole = RootText(items, kRecordSha256);
  if (whole == nullptr || *whole != WholeDigest(items)) {
    return InputError(path_, "is damaged: record_sha256 does not match");
  }
  plans_ = PlansIn(items);
  for (auto& [name, own] : SplitTree(std::move(items))) {
    SFT_ASSIGN_OR_RETURN(as_own_[name], SealItems(std::move(own)));
    names_.push_back(name);
  }
  return absl::OkStatus();
}

std::string RecordFile::Where(const std::string& name) const {
  return names_.size() == 1 ? path_ : absl::StrCat(path_, ":", name);
}

absl::StatusOr<std::string> RecordFile::Bytes(const std::string& name) const {
  if (!is_merged_) return bytes_;
  if (merged_ == nullptr) return as_own_.at(name);
  SFT_ASSIGN_OR_RETURN(std::string bytes, merged_->Read(name));
  SFT_RETURN_IF_ERROR(CheckSeal(Where(name), bytes));
  return bytes;
}

absl::StatusOr<RunRecord> RecordFile::Read(const std::string& name) const {
  SFT_ASSIGN_OR_RETURN(const std::string bytes, Bytes(name));
  SFT_ASSIGN_OR_RETURN(const Items items, ItemsOfSealed(Where(name), bytes));
  return RecordFromItems(Where(name), items);
}

absl::Status RecordFile::Verify(const std::string& name) const {
  SFT_ASSIGN_OR_RETURN(const std::string bytes, Bytes(name));
  SFT_ASSIGN_OR_RETURN(const Items items, ItemsOfSealed(Where(name), bytes));
  SFT_ASSIGN_OR_RETURN(const RunRecord record,
                       RecordFromItems(Where(name), items));
  // A file that stands alone may have been given any name; one that is named
  // like a run must be that run.
  const std::string id = name.substr(0, name.find(".attempt"));
  const bool is_run_name =
      id.size() == 16 &&
      id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_run_name && id != record.run_id) {
    return InputError(path_, absl::StrCat("is named ", name, " but holds run ",
                                          record.run_id));
  }
  return CheckPackedItems(Where(name), bytes, items);
}

}  // namespace sft::record
