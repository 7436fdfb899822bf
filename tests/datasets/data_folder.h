// A data folder that a test fills with rows in a set's official layout.
#ifndef TESTS_DATASETS_DATA_FOLDER_H_
#define TESTS_DATASETS_DATA_FOLDER_H_

#include <string>
#include <string_view>
#include <utility>

#include "datasets/registry.h"
#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::datasets {

class DataFolder {
 public:
  // Files are written below `below`.
  explicit DataFolder(std::string below = "") : below_(std::move(below)) {}

  // The folder is both assets and data folder.
  void Write(const std::string& name, std::string_view bytes) {
    const std::filesystem::path path = folder_.path() / below_ / name;
    REQUIRE(MakeFolders(path.parent_path().string()).ok());
    REQUIRE(WriteFileAtomically(path.string(), bytes).ok());
  }
  std::string At(const std::string& name, int line) const {
    return (folder_.path() / below_ / name).string() + ":" +
           std::to_string(line);
  }
  absl::StatusOr<data::Splits> TryLoad(std::string_view dataset) const {
    const auto row = DatasetByName(dataset);
    REQUIRE(row.ok());
    const std::string folder = folder_.path().string();
    return row->load({folder, folder});
  }
  data::Splits Load(std::string_view dataset) const {
    auto splits = TryLoad(dataset);
    INFO(splits.status().message());
    REQUIRE(splits.ok());
    return *std::move(splits);
  }

 private:
  support::TempDir folder_;
  std::string below_;
};

// The row of any split that has this turn by "user"; null if none.
inline const data::Row* Find(const data::Splits& splits,
                             const std::string& prompt) {
  for (const auto* rows : {&splits.train, &splits.validation, &splits.test}) {
    for (const data::Row& row : *rows) {
      for (const ChatTurn& turn : row.turns) {
        if (turn.role == "user" && turn.content == prompt) return &row;
      }
    }
  }
  return nullptr;
}

// Why the row whose place ends in `end` was refused; "" if it was not.
inline std::string ReasonAt(const data::Splits& splits,
                            const std::string& end) {
  for (const data::RefusedRow& refused : splits.refused) {
    if (refused.where.size() >= end.size() &&
        refused.where.compare(refused.where.size() - end.size(), end.size(),
                              end) == 0) {
      return refused.reason;
    }
  }
  return "";
}

}  // namespace sft::datasets

#endif  // TESTS_DATASETS_DATA_FOLDER_H_
