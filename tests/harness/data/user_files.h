// Files of a user, made data sets.
#ifndef TESTS_HARNESS_DATA_USER_FILES_H_
#define TESTS_HARNESS_DATA_USER_FILES_H_

#include <fstream>
#include <string>
#include <utility>

#include "harness/data/user/user_dataset.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::data {

// Files of a folder that goes with it.
class UserFiles {
 public:
  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = folder_.path().string() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

 private:
  support::TempDir folder_;
};

inline spec::UserData DataOf(const std::string& path, const std::string& task) {
  spec::UserData data;
  data.name = "mine";
  data.path = path;
  data.task = task;
  data.prepare["split"] = "1,0,0";
  return data;
}

inline Splits Load(const spec::UserData& data) {
  absl::StatusOr<DatasetRow> row = MakeUserDataset(data);
  INFO(row.status().ToString());
  REQUIRE(row.ok());
  absl::StatusOr<Splits> splits = row->load({});
  INFO(splits.status().ToString());
  REQUIRE(splits.ok());
  return *std::move(splits);
}

// The message of making or loading it.
inline std::string ErrorOf(const spec::UserData& data) {
  absl::StatusOr<DatasetRow> row = MakeUserDataset(data);
  if (!row.ok()) return row.status().ToString();
  return row->load({}).status().ToString();
}

inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace sft::data

#endif  // TESTS_HARNESS_DATA_USER_FILES_H_
