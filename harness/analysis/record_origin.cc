#include "harness/analysis/record_origin.h"

#include "absl/strings/str_cat.h"

namespace sft::analysis {
std::string BuildOf(const record::RunRecord& record) {
  const auto& build = record.provenance_build;
  const auto revision = build.find("revision");
  std::string name =
      revision == build.end() ? "unknown" : revision->second.substr(0, 12);
  if (IsDirtyBuild(record)) name += " with changes that no revision has";
  return name;
}

bool IsDirtyBuild(const record::RunRecord& record) {
  const auto dirty = record.provenance_build.find("dirty");
  return dirty != record.provenance_build.end() && dirty->second == "true";
}

std::string MachineOf(const record::RunRecord& record) {
  const auto cpu = record.provenance_run.find("cpu");
  return absl::StrCat(
      record.config.device, " ",
      cpu == record.provenance_run.end() ? "unknown" : cpu->second);
}

}  // namespace sft::analysis
