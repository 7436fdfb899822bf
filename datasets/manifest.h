// Which file of a data set goes where, and whether it is the one that the
// counts in README.md were made with: name, size, digest, where to get it.
#ifndef DATASETS_MANIFEST_H_
#define DATASETS_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::datasets {

struct DataFile {
  const char* file;  // "data:cola/dev.tsv"
  int64_t size_bytes;
  const char* sha256;
};
// Every "data:" file whose digest is known, by name.
const std::vector<DataFile>& KnownDataFiles();
// Null if it is not known: an official file that was never read here.
const DataFile* FindDataFile(std::string_view file);

// Who publishes a "data:" file and under which name, and what was done to it;
// "" if the table does not say.
std::string OriginOf(std::string_view file);

enum class FileState {
  kThere,    // with the known digest, or with none to compare
  kDiffers,  // there, but with another digest
  kMissing
};
std::string_view FileStateName(FileState state);

struct FileReport {
  std::string file;
  std::string path;                 // where it is, or is to be put
  const DataFile* known = nullptr;  // of the table
  FileState state = FileState::kMissing;
  int64_t size_bytes = 0;  // of what is there
  std::string sha256;
};
// A report a file of the data set, in their order. Files are read whole.
absl::StatusOr<std::vector<FileReport>> CheckFiles(
    const data::DatasetRow& dataset, const data::DataFolders& folders);

}  // namespace sft::datasets

#endif  // DATASETS_MANIFEST_H_
