// Where the files of a data set are.
#include <algorithm>

#include "absl/strings/match.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/dataset.h"

namespace sft::data {

absl::StatusOr<std::string> ResolveDataFile(const std::string& file,
                                            const DataFolders& folders) {
  constexpr char kAssets[] = "assets:", kData[] = "data:", kPath[] = "path:";
  std::string folder, path, advice;
  if (absl::StartsWith(file, kPath)) {
    path = file.substr(sizeof(kPath) - 1);
    if (FileExists(path)) return path;
    return absl::NotFoundError(
        absl::StrCat(path,
                     ": not there; a path in data: is taken from the working "
                     "directory"));
  }
  if (absl::StartsWith(file, kAssets)) {
    folder = folders.assets;
    path = file.substr(sizeof(kAssets) - 1);
    advice = "not there; ./setup.sh fetches it";
  } else if (absl::StartsWith(file, kData)) {
    folder = folders.data;
    path = file.substr(sizeof(kData) - 1);
    if (folder.empty()) {
      return absl::NotFoundError(absl::StrCat(
          path,
          ": wanted by the data set, but SFTBENCH_DATA is not set; set "
          "it to the folder that holds this file"));
    }
    advice = "not there; SFTBENCH_DATA must name the folder that holds it";
  } else {
    return absl::InternalError(absl::StrCat(
        file, ": begins with none of 'assets:', 'data:' and 'path:'"));
  }
  const std::string full = absl::StrCat(folder, "/", path);
  if (!FileExists(full)) {
    return absl::NotFoundError(absl::StrCat(full, ": ", advice));
  }
  return full;
}

bool IsHere(const DatasetRow& row, const DataFolders& folders) {
  return std::all_of(row.files.begin(), row.files.end(),
                     [&folders](const std::string& file) {
                       return ResolveDataFile(file, folders).ok();
                     });
}

}  // namespace sft::data
