// A data folder with files of a test's own.
#ifndef TESTS_DATASETS_DATA_FOLDER_H_
#define TESTS_DATASETS_DATA_FOLDER_H_

#include <string>
#include <utility>

#include "datasets/registry.h"
#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft {

class DataFolder {
 public:
  // Files are written below `below`.
  explicit DataFolder(const std::string& below) : below_(below) {
    REQUIRE(MakeFolders((folder_.path() / below).string()).ok());
  }
  void Write(const std::string& name, const std::string& bytes) {
    const std::string path = (folder_.path() / below_ / name).string();
    REQUIRE(WriteFileAtomically(path, bytes).ok());
  }
  absl::StatusOr<Splits> TryLoad(const std::string& dataset) {
    const auto row = DatasetByName(dataset);
    REQUIRE(row.ok());
    return row->load({"", folder_.path().string()});
  }
  Splits Load(const std::string& dataset) {
    auto splits = TryLoad(dataset);
    INFO(splits.status().message());
    REQUIRE(splits.ok());
    return *std::move(splits);
  }

 private:
  TempDir folder_;
  std::string below_;
};

// The row of any split that has this turn by "user"; null if none.
inline const Row* Find(const Splits& splits, const std::string& prompt) {
  for (const auto* rows : {&splits.train, &splits.validation, &splits.test}) {
    for (const Row& row : *rows) {
      for (const ChatTurn& turn : row.turns) {
        if (turn.role == "user" && turn.content == prompt) return &row;
      }
    }
  }
  return nullptr;
}

// Why the row whose place ends in `end` was refused; "" if it was not.
inline std::string ReasonAt(const Splits& splits, const std::string& end) {
  for (const RefusedRow& refused : splits.refused) {
    if (refused.where.size() >= end.size() &&
        refused.where.compare(refused.where.size() - end.size(), end.size(),
                              end) == 0) {
      return refused.reason;
    }
  }
  return "";
}

}  // namespace sft

#endif  // TESTS_DATASETS_DATA_FOLDER_H_
