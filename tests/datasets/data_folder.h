// A data folder that a test fills with rows in a set's official layout.
#ifndef TESTS_DATASETS_DATA_FOLDER_H_
#define TESTS_DATASETS_DATA_FOLDER_H_

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "datasets/registry.h"
#include "harness/core/files.h"
#include "tests/support/paths.h"

namespace sft {

class DataFolder {
 public:
  // `name`: a path below the folder, which is both assets and data folder.
  void Write(const std::string& name, std::string_view bytes) {
    const std::filesystem::path path = folder_.path() / name;
    REQUIRE(MakeFolders(path.parent_path().string()).ok());
    REQUIRE(WriteFileAtomically(path.string(), bytes).ok());
  }
  std::string At(const std::string& name, int line) const {
    return (folder_.path() / name).string() + ":" + std::to_string(line);
  }
  absl::StatusOr<Splits> TryLoad(std::string_view dataset) const {
    const std::string folder = folder_.path().string();
    return DatasetByName(dataset)->load({folder, folder});
  }
  Splits Load(std::string_view dataset) const {
    auto splits = TryLoad(dataset);
    INFO(splits.status().message());
    REQUIRE(splits.ok());
    return *std::move(splits);
  }

 private:
  TempDir folder_;
};

// The reason why the row at `where` was refused; "" if it was not.
inline std::string ReasonAt(const Splits& splits, const std::string& where) {
  for (const RefusedRow& refused : splits.refused) {
    if (refused.where == where) return refused.reason;
  }
  return "";
}

}  // namespace sft

#endif  // TESTS_DATASETS_DATA_FOLDER_H_
