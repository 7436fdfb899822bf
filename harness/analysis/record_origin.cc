#include "harness/analysis/record_origin.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sft::analysis {
namespace {

// What both sides must share for their difference to mean anything.
bool IsInputDigest(const std::string& name) {
  return name == "model_sha256" || name == "tokenizer_sha256" ||
         (absl::StartsWith(name, "data.") && absl::EndsWith(name, "_sha256"));
}

}  // namespace

std::string OtherInputs(const RecordPairs& pairs) {
  std::set<std::string> names;
  for (const auto& [theirs, mine] : pairs) {
    for (const auto& [name, digest] : mine->texts) {
      if (!IsInputDigest(name)) continue;
      const auto it = theirs->texts.find(name);
      if (it == theirs->texts.end() || it->second == digest) continue;
      names.insert(name.substr(0, name.rfind('_')));
    }
  }
  return absl::StrJoin(names, ", ");
}

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
