#include "harness/analysis/collected_records.h"

#include <filesystem>
#include <utility>

#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/run_store.h"

namespace sft::analysis {
namespace {

// The finished record, else the last attempt that can be read.
void Keep(const std::string& run_id, FoundRecord found,
          CollectedRecords& records) {
  const auto it = records.by_run.find(run_id);
  if (it == records.by_run.end()) {
    records.by_run.emplace(run_id, std::move(found));
    return;
  }
  const auto rank = [](const FoundRecord& one) {
    return one.attempt == 0 ? int64_t{1} << 40 : int64_t{one.attempt};
  };
  if (rank(found) > rank(it->second)) it->second = std::move(found);
}

}  // namespace

absl::StatusOr<CollectedRecords> CollectRecords(const std::string& dir) {
  CollectedRecords collected;
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       record::ListRecordFiles(dir));
  for (const std::string& file : files) {
    absl::StatusOr<std::vector<record::NamedRecord>> records =
        record::ReadRunRecords(file);
    if (!records.ok()) {
      const std::string name = std::filesystem::path(file).filename().string();
      const std::string stem = std::filesystem::path(file).stem().string();
      FoundRecord damaged;
      damaged.state = "damaged";
      const record::RecordName of = record::ParseRecordName(stem);
      damaged.attempt = of.attempt;
      Keep(of.run_id, std::move(damaged), collected);
      // Messages begin with the path, which depends on how DIR was written.
      std::string what(records.status().message());
      if (what.rfind(file, 0) == 0) what = name + what.substr(file.size());
      collected.notes.push_back("Damaged record " + what);
      continue;
    }
    for (auto& [name, record] : *records) {
      FoundRecord found;
      found.state = std::string(record::RunStatusName(record.status));
      found.attempt = record::ParseRecordName(name).attempt;
      record.steps.clear();
      record.steps.shrink_to_fit();
      record.requested_spec.clear();
      const std::string run_id = record.run_id;
      found.record = std::move(record);
      Keep(run_id, std::move(found), collected);
    }
  }
  return collected;
}

}  // namespace sft::analysis
