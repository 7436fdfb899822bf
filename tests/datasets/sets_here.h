// The data sets whose files are on this machine.
#ifndef TESTS_DATASETS_SETS_HERE_H_
#define TESTS_DATASETS_SETS_HERE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "datasets/manifest.h"
#include "datasets/registry.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"

namespace sft::datasets {

inline data::DataFolders FoldersHere() {
  const auto data = support::ExtraDataDir();
  return {support::AssetsDir().string(), data ? data->string() : ""};
}

// Those of `sets` whose files are all here; the others are noted as skipped.
inline std::vector<data::DatasetRow> SetsHere(
    const std::vector<data::DatasetRow>& sets) {
  const data::DataFolders folders = FoldersHere();
  std::vector<data::DatasetRow> here;
  std::map<support::Need, std::string> absent;
  for (const data::DatasetRow& set : sets) {
    bool whole = true;
    support::Need need = support::Need::kMoreData;
    for (const std::string& file : set.files) {
      if (data::ResolveDataFile(file, folders).ok()) continue;
      whole = false;
      if (absl::StartsWith(file, "assets:")) need = support::Need::kAssets;
      if (FindDataFile(file) != nullptr) need = support::Need::kData;
    }
    if (whole) {
      here.push_back(set);
    } else {
      absent[need] += (absent[need].empty() ? "" : ", ") + set.name;
    }
  }
  for (const auto& [need, names] : absent) {
    support::SkipPart(need, "files of " + names);
  }
  return here;
}

}  // namespace sft::datasets

#endif  // TESTS_DATASETS_SETS_HERE_H_
