#include "harness/record/merge.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/manifest_store.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"
#include "harness/record/sealed_file.h"

namespace sft::record {
namespace {

namespace fs = std::filesystem;

using Items = std::vector<H5Item>;

constexpr char kMergedPlanPath[] = "/plan";  // texts of manifests
constexpr int64_t kMaxPlanBytes = int64_t{1} << 30;

const std::string* RootText(const Items& items, const std::string& name) {
  for (const H5Item& item : items) {
    if (item.path == "/" && item.attribute == name) {
      return std::get_if<std::string>(&item.value);
    }
  }
  return nullptr;
}

void AddOnce(const std::vector<std::string>& texts,
             std::vector<std::string>& all) {
  for (const std::string& text : texts) {
    if (std::find(all.begin(), all.end(), text) == all.end()) {
      all.push_back(text);
    }
  }
}

std::string StemOf(const std::string& path) {
  return fs::path(path).stem().string();
}

// The items of each record of a file, paths as in a file of its own; the plans
// of a merged one go to `plans`.
absl::StatusOr<std::map<std::string, Items>> SplitFile(
    const std::string& path, std::vector<std::string>& plans) {
  SFT_ASSIGN_OR_RETURN(Items items, ReadSealedItems(path));
  const std::string* kind = RootText(items, "kind");
  std::map<std::string, Items> records;
  if (kind == nullptr || *kind != "merged") {
    records[StemOf(path)] = std::move(items);
    return records;
  }
  const std::string* whole = RootText(items, kRecordSha256);
  if (whole == nullptr || *whole != WholeDigest(items)) {
    return InputError(path, "is damaged: record_sha256 does not match");
  }
  for (const H5Item& item : items) {
    if (item.path != kMergedPlanPath || !item.attribute.empty()) continue;
    if (const auto* texts =
            std::get_if<std::vector<std::string>>(&item.value)) {
      AddOnce(*texts, plans);
    }
  }
  const std::string prefix = std::string(kMergedRunsPath) + "/";
  for (H5Item& item : items) {
    if (item.path.rfind(prefix, 0) != 0) continue;
    const size_t slash = item.path.find('/', prefix.size());
    const std::string name =
        DecodePathName(item.path.substr(prefix.size(), slash - prefix.size()));
    item.path = slash == std::string::npos ? "/" : item.path.substr(slash);
    records[name].push_back(std::move(item));
  }
  for (auto& [name, list] : records) {
    std::sort(list.begin(), list.end(), [](const H5Item& a, const H5Item& b) {
      return a.key() < b.key();
    });
  }
  return records;
}

}  // namespace

absl::StatusOr<std::vector<NamedRecord>> ReadRunRecords(
    const std::string& path) {
  std::vector<std::string> plans;
  SFT_ASSIGN_OR_RETURN(const auto split, SplitFile(path, plans));
  std::vector<NamedRecord> records;
  for (const auto& [name, items] : split) {
    const std::string where = split.size() == 1 ? path : path + ":" + name;
    SFT_ASSIGN_OR_RETURN(RunRecord record, RecordFromItems(where, items));
    records.push_back({name, std::move(record)});
  }
  return records;
}

absl::StatusOr<std::vector<std::string>> ReadPlanTexts(
    const std::string& path) {
  std::vector<std::string> plans;
  for (const std::string& file : ListPlanFiles(path)) {
    SFT_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxPlanBytes));
    plans.push_back(std::move(text));
  }
  if (!plans.empty()) return plans;
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       ListRecordFiles(path));
  for (const std::string& file : files) {
    if (absl::StatusOr<Items> items = ReadSealedItems(file); items.ok()) {
      const std::string* kind = RootText(*items, "kind");
      if (kind == nullptr || *kind != "merged") continue;
      (void)SplitFile(file, plans);
    }
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
  std::map<std::string, Items> merged;
  std::vector<std::string> plans;
  for (const std::string& input : inputs) {
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> of_input,
                         ReadPlanTexts(input));
    AddOnce(of_input, plans);
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                         ListRecordFiles(input));
    for (const std::string& file : files) {
      SFT_ASSIGN_OR_RETURN(auto records, SplitFile(file, plans));
      for (auto& [name, items] : records) {
        SFT_RETURN_IF_ERROR(RecordFromItems(file, items).status());
        const auto [it, is_new] = merged.emplace(name, std::move(items));
        if (!is_new && WholeDigest(it->second) != WholeDigest(items)) {
          return InputError(file, "another record stands under " + name);
        }
      }
    }
  }
  if (merged.empty()) return InputError(output, "there is no record to merge");
  Items all = {{"/", "complete", int64_t{1}},
               {"/", "kind", std::string("merged")},
               {"/", "schema_version", kSchemaVersion}};
  if (!plans.empty()) {
    all.push_back({kMergedPlanPath, "", plans});
    all.push_back({kMergedPlanPath, "unit", std::string("JSON")});
  }
  for (auto& [name, items] : merged) {
    const std::string group =
        absl::StrCat(kMergedRunsPath, "/", EncodePathName(name));
    for (H5Item& item : items) {
      item.path = item.path == "/" ? group : group + item.path;
      all.push_back(std::move(item));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
  const std::string digest = WholeDigest(all);
  all.push_back({"/", kRecordSha256, digest});
  SFT_ASSIGN_OR_RETURN(const std::string bytes, SealItems(std::move(all)));
  SFT_RETURN_IF_ERROR(WriteFileAtomically(output, bytes));
  return merged.size();
}

}  // namespace sft::record
