#include "experiments/describe_dataset.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "datasets/manifest.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"

namespace sft::experiments {
namespace {

// Files that are there and need no word are not listed one by one above this.
constexpr size_t kListedFiles = 20;
constexpr size_t kListedReasons = 20;

// Reasons that name another row are one reason.
std::string ReasonOf(const data::RefusedRow& row) {
  return absl::StartsWith(row.reason, "duplicate of ")
             ? "duplicate of an earlier row"
             : row.reason;
}

// Most frequent first.
std::vector<std::pair<int64_t, std::string>> Reasons(
    const std::vector<data::RefusedRow>& refused) {
  std::map<std::string, int64_t> counts;
  for (const data::RefusedRow& row : refused) ++counts[ReasonOf(row)];
  std::vector<std::pair<int64_t, std::string>> out;
  for (const auto& [reason, count] : counts) out.emplace_back(count, reason);
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.first > b.first;
  });
  return out;
}

void PrintText(const data::DatasetRow& dataset,
               const std::vector<datasets::FileReport>& files,
               const std::optional<data::Splits>& splits) {
  const data::Task& task = dataset.task;
  printf("%s: %s\n", dataset.name.c_str(), dataset.summary.c_str());
  printf("  task      %s, %s form%s%s\n", task.kind.c_str(),
         task.default_form.c_str(), task.labels.empty() ? "" : ": ",
         absl::StrJoin(task.labels, ", ").c_str());
  printf("            %s\n", data::KindRow(task.kind).summary.c_str());
  printf("  metrics   %s\n", absl::StrJoin(task.metrics, ", ").c_str());
  printf("  licence   %s\n", dataset.licence.c_str());
  printf("  source    %s\n", dataset.source.c_str());
  if (splits) {
    if (!splits->documents.empty()) {
      printf("  rows      %zu documents\n", splits->documents.size());
    } else {
      printf("  rows      train %zu, validation %zu, test %zu\n",
             splits->train.size(), splits->validation.size(),
             splits->test.size());
    }
    printf("  refused   %zu\n", splits->refused.size());
    const auto reasons = Reasons(splits->refused);
    for (size_t i = 0; i < std::min(kListedReasons, reasons.size()); ++i) {
      printf("            %lld: %s\n", static_cast<long long>(reasons[i].first),
             reasons[i].second.c_str());
    }
    if (reasons.size() > kListedReasons) {
      printf("            and %zu more reasons\n",
             reasons.size() - kListedReasons);
    }
  }
  size_t there = 0;
  for (const datasets::FileReport& file : files) {
    const bool good = file.state == datasets::FileState::kThere;
    there += good;
    if (good && files.size() > kListedFiles) continue;
    printf("  %-8s  %s\n",
           std::string(datasets::FileStateName(file.state)).c_str(),
           file.path.c_str());
    if (file.state != datasets::FileState::kMissing) {
      printf("            %lld bytes, sha256 %s\n",
             static_cast<long long>(file.size_bytes), file.sha256.c_str());
    }
    if (!good && file.known != nullptr) {
      printf("            wanted: %lld bytes, sha256 %s\n",
             static_cast<long long>(file.known->size_bytes),
             file.known->sha256);
    }
    if (good) continue;
    const bool fetched = absl::StartsWith(file.file, "assets:");
    const std::string origin = datasets::OriginOf(file.file);
    if (fetched) {
      printf("            ./setup.sh fetches it\n");
    } else if (!origin.empty()) {
      printf("            from: %s\n", origin.c_str());
    }
  }
  printf("  files     %zu of %zu as they should be\n", there, files.size());
}

nlohmann::json ToJson(const data::DatasetRow& dataset,
                      const std::vector<datasets::FileReport>& files,
                      const std::optional<data::Splits>& splits) {
  nlohmann::json out = {
      {"name", dataset.name},          {"task", dataset.task.kind},
      {"labels", dataset.task.labels}, {"metrics", dataset.task.metrics},
      {"licence", dataset.licence},    {"source", dataset.source},
      {"summary", dataset.summary},    {"files", nlohmann::json::array()}};
  if (splits) {
    out["rows"] = {{"train", splits->train.size()},
                   {"validation", splits->validation.size()},
                   {"test", splits->test.size()},
                   {"documents", splits->documents.size()}};
    out["refused"] = nlohmann::json::object();
    for (const auto& [count, reason] : Reasons(splits->refused)) {
      out["refused"][reason] = count;
    }
  }
  for (const datasets::FileReport& file : files) {
    nlohmann::json entry = {
        {"file", file.file},
        {"path", file.path},
        {"state", std::string(datasets::FileStateName(file.state))},
        {"origin", datasets::OriginOf(file.file)}};
    if (file.state != datasets::FileState::kMissing) {
      entry["bytes"] = file.size_bytes;
      entry["sha256"] = file.sha256;
    }
    if (file.known != nullptr) {
      entry["wanted_bytes"] = file.known->size_bytes;
      entry["wanted_sha256"] = file.known->sha256;
    }
    out["files"].push_back(std::move(entry));
  }
  return out;
}

}  // namespace

absl::StatusOr<int> DescribeDataset(const data::DatasetRow& dataset,
                                    const data::DataFolders& folders,
                                    bool json) {
  SFT_ASSIGN_OR_RETURN(const std::vector<datasets::FileReport> files,
                       datasets::CheckFiles(dataset, folders));
  const bool missing = std::any_of(
      files.begin(), files.end(), [](const datasets::FileReport& file) {
        return file.state == datasets::FileState::kMissing;
      });
  std::optional<data::Splits> splits;
  absl::Status why = absl::OkStatus();
  if (!missing) {
    absl::StatusOr<data::Splits> loaded = dataset.load(folders);
    if (loaded.ok()) {
      splits = *std::move(loaded);
    } else {
      why = loaded.status();
    }
  }
  if (json) {
    printf("%s\n", ToJson(dataset, files, splits).dump(2).c_str());
  } else {
    PrintText(dataset, files, splits);
  }
  SFT_RETURN_IF_ERROR(why);
  return missing ? kExitBadInput : kExitGood;
}

}  // namespace sft::experiments
