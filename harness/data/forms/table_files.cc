#include "harness/data/forms/table_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/packed_file.h"
#include "harness/core/status.h"
#include "harness/data/forms/split_names.h"
#include "harness/data/forms/table_form.h"

namespace sft::data {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 2;
constexpr size_t kMaxFiles = 100000;

// What lies beside rows and describes them.
bool IsAbout(const std::string& name) {
  static const auto& names = *new std::set<std::string>{
      "dataset_info.json", "dataset_infos.json", "dataset_dict.json",
      "state.json", "metadata.json"};
  return name[0] == '.' || name[0] == '_' || names.contains(name);
}

bool HasForm(const std::string& path, const std::string& format) {
  return format == "auto" ? FormOfFile(path, format).ok() : true;
}

// Paths below `folder`, from it on, of files that may be rows.
absl::StatusOr<std::vector<std::string>> Listed(const std::string& folder,
                                                const std::string& format) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return InputError(folder, "cannot be listed: " + error.message());
  std::vector<std::string> found;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code none;
    if (at->is_directory(none)) {
      if (name[0] == '.' || at.depth() >= kMaxDepth) {
        at.disable_recursion_pending();
      }
      continue;
    }
    if (!at->is_regular_file(none) || IsAbout(name) || !HasForm(name, format)) {
      continue;
    }
    const fs::path real = fs::canonical(at->path(), none);
    const auto ends =
        std::mismatch(root.begin(), root.end(), real.begin(), real.end());
    if (none || ends.first != root.end()) {
      return InputError(at->path().string(),
                        "is a link that leads out of the folder: name the "
                        "file itself, or copy the folder with cp -rL");
    }
    if (found.size() == kMaxFiles) {
      return InputError(folder,
                        absl::StrCat("holds more than ", kMaxFiles, " files"));
    }
    found.push_back(at->path().lexically_relative(folder).string());
  }
  if (error) return InputError(folder, "cannot be listed: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

// The numbers of "train-00001-of-00002": what stands before, which, of how
// many; of 0 if it has none.
struct Shard {
  std::string stem;
  int64_t number = 0, of = 0;
};
Shard ShardOf(const std::string& path) {
  Shard shard;
  const size_t of = path.rfind("-of-");
  if (of == std::string::npos) return shard;
  const size_t dash = path.rfind('-', of - 1);
  if (dash == std::string::npos) return shard;
  const std::string number = path.substr(dash + 1, of - dash - 1);
  const std::string rest = path.substr(of + 4);
  const std::string total =
      rest.substr(0, rest.find_first_not_of("0123456789"));
  if (absl::SimpleAtoi(number, &shard.number) &&
      absl::SimpleAtoi(total, &shard.of)) {
    shard.stem = path.substr(0, dash);
  } else {
    shard.of = 0;
  }
  return shard;
}

absl::Status CheckShards(const std::string& folder,
                         const std::vector<std::string>& files) {
  std::map<std::string, std::pair<int64_t, std::set<int64_t>>> sets;
  for (const std::string& file : files) {
    const Shard shard = ShardOf(file);
    if (shard.of <= 0) continue;
    sets[shard.stem].first = shard.of;
    sets[shard.stem].second.insert(shard.number);
  }
  for (const auto& [stem, set] : sets) {
    const auto& [of, numbers] = set;
    if (static_cast<int64_t>(numbers.size()) >= of) continue;
    int64_t missing = 0;
    while (numbers.contains(missing)) ++missing;
    return InputError(
        absl::StrCat(folder, "/", stem),
        absl::StrCat("has ", numbers.size(), " of ", of,
                     " shards; the first that is missing is number ", missing));
  }
  return absl::OkStatus();
}

absl::Status CheckOneForm(const std::string& folder,
                          const std::vector<std::string>& files,
                          const std::string& format) {
  const TableForm* first = nullptr;
  for (const std::string& file : files) {
    SFT_ASSIGN_OR_RETURN(const TableForm* form, FormOfFile(file, format));
    if (first == nullptr) first = form;
    if (form == first) continue;
    return InputError(folder, absl::StrCat("holds files of several forms, ",
                                           files[0], " and ", file,
                                           ": format: says which are meant, "
                                           "or name the file"));
  }
  return absl::OkStatus();
}

std::string PartOfFile(const std::string& file) {
  const std::string name = file.substr(file.rfind('/') + 1);
  const std::string part = SplitOfName(name.substr(0, name.find('.')));
  if (!part.empty()) return part;
  return SplitOfName(file.substr(0, file.size() - name.size()));
}

absl::StatusOr<TableFiles> FilesOfFolder(const std::string& path,
                                         const std::string& part,
                                         const FormOptions& options) {
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> all,
                       Listed(path, options.format));
  if (options.format != "auto") {
    // Those whose names say it, where some do.
    std::vector<std::string> named;
    for (const std::string& file : all) {
      const auto form = FormOfFile(file, "auto");
      if (form.ok() && (*form)->name == options.format) named.push_back(file);
    }
    if (!named.empty()) all = named;
  }
  if (all.empty()) {
    return InputError(path,
                      "holds no file of rows (.parquet, .jsonl, .json, "
                      ".csv, .tsv, .conll)");
  }
  std::map<std::string, std::vector<std::string>> by_part;
  for (const std::string& file : all) by_part[PartOfFile(file)].push_back(file);
  TableFiles out;
  out.path = path;
  for (const auto& [name, files] : by_part) {
    if (!name.empty()) out.parts.push_back(name);
  }
  // Names tell no splits, or some files have none: rows to train on.
  if (out.parts.empty()) {
    out.files = all;
  } else {
    if (by_part.contains("") && !by_part.contains("train")) {
      out.parts.insert(out.parts.begin(), "train");
      by_part["train"] = by_part[""];
    }
    const std::string wanted =
        part.empty() && out.parts.size() == 1 ? out.parts[0] : part;
    if (!by_part.contains(wanted) || wanted.empty()) {
      return InputError(
          path,
          absl::StrCat("holds ", absl::StrJoin(out.parts, ", "),
                       wanted.empty() ? ": name the files of one of them"
                                      : absl::StrCat(", and no ", wanted)));
    }
    out.files = by_part[wanted];
  }
  SFT_RETURN_IF_ERROR(CheckOneForm(path, out.files, options.format));
  SFT_RETURN_IF_ERROR(CheckShards(path, out.files));
  for (std::string& file : out.files) file = path + "/" + file;
  return out;
}

}  // namespace

absl::StatusOr<TableFiles> FindTableFiles(const std::string& path,
                                          const std::string& part,
                                          const FormOptions& options) {
  if (IsFolder(path)) return FilesOfFolder(path, part, options);
  if (!FileExists(path)) return absl::NotFoundError(path + ": no such file");
  TableFiles out;
  out.path = path;
  out.files = {path};
  SFT_ASSIGN_OR_RETURN(const TableForm* form, FormOfFile(path, options.format));
  if (form->parts == nullptr) return out;
  SFT_ASSIGN_OR_RETURN(out.parts, form->parts(path, options));
  if (!out.parts.empty()) out.part = part;
  return out;
}

}  // namespace sft::data
