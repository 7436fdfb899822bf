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

absl::StatusOr<CollectedRecords> CollectRecords(
    const std::string& dir,
    const std::function<bool(const std::string& run_id)>& wanted) {
  CollectedRecords collected;
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> files,
                       record::ListRecordFiles(dir));
  if (wanted) {
    std::erase_if(files, [&wanted](const std::string& file) {
      const std::string stem = std::filesystem::path(file).stem().string();
      const record::RecordName name = record::ParseRecordName(stem);
      return name.rung == 0 && !wanted(name.run_id);
    });
  }
  record::ForEachRecord(files, [&](const std::string& file,
                                   absl::StatusOr<record::NamedRecord> read) {
    if (!read.ok()) {
      const std::string name = std::filesystem::path(file).filename().string();
      const std::string stem = std::filesystem::path(file).stem().string();
      FoundRecord damaged;
      damaged.state = "damaged";
      const record::RecordName of = record::ParseRecordName(stem);
      damaged.attempt = of.attempt;
      if (of.rung == 0) Keep(of.run_id, std::move(damaged), collected);
      // Messages begin with the path, which depends on how DIR was written.
      std::string what(read.status().message());
      if (what.rfind(file, 0) == 0) what = name + what.substr(file.size());
      collected.notes.push_back("Damaged record " + what);
      return;
    }
    record::RunRecord& record = read->record;
    FoundRecord found;
    found.state = std::string(record::RunStatusName(record.status));
    const record::RecordName name = record::ParseRecordName(read->name);
    found.attempt = name.attempt;
    // What no table needs, of thousands of records.
    record.steps = {};
    record.requested_spec = std::string();
    record.prompts = {};
    record.generations = {};
    const std::string run_id = record.run_id;
    if (name.rung > 0) {
      collected.rungs[run_id].emplace(name.rung, std::move(record));
      return;
    }
    found.record = std::move(record);
    Keep(run_id, std::move(found), collected);
  });
  return collected;
}

}  // namespace sft::analysis
