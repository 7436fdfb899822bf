// The table of files: every file a set reads is in it or has an origin, and
// the digests are those of the data folder.
#include "datasets/manifest.h"

#include <set>

#include "tests/datasets/data_folder.h"
#include "tests/support/require.h"

namespace sft::datasets::manifest_test {
namespace {

TEST_CASE("every file of the data folder has an origin, and names are unique",
          "[datasets][manifest]") {
  for (const data::DatasetRow& row : AllDatasets()) {
    for (const std::string& file : row.files) {
      INFO(row.name << " " << file);
      if (file.rfind("data:", 0) == 0) CHECK_FALSE(OriginOf(file).empty());
    }
  }
  std::set<std::string> names;
  for (const DataFile& file : KnownDataFiles()) {
    INFO(file.file);
    CHECK(names.insert(file.file).second);
    CHECK(file.size_bytes > 0);
    CHECK(std::string(file.sha256).size() == 64);
  }
}

TEST_CASE("the longest matching name gives a file's origin",
          "[datasets][manifest]") {
  CHECK(OriginOf("data:instruct/ifeval_input_data.jsonl")
            .find("google-research") != std::string::npos);
  CHECK(OriginOf("data:cola/dev.tsv").find("CoLA") != std::string::npos);
  CHECK(OriginOf("data:nowhere/x").empty());
}

TEST_CASE("the files of the data folder are those of the table, if it has them",
          "[datasets][manifest]") {
  const auto data = support::RequireData();
  const data::DataFolders folders = {support::AssetsDir().string(),
                                     data.string()};
  size_t compared = 0;
  for (const data::DatasetRow& row : AllDatasets()) {
    const auto reports = CheckFiles(row, folders);
    REQUIRE(reports.ok());
    for (const FileReport& report : *reports) {
      if (report.file.rfind("data:", 0) != 0) continue;
      if (report.state == FileState::kMissing) continue;
      // One that the table does not know has no digest to compare.
      if (report.known == nullptr) continue;
      INFO(report.file);
      CHECK(report.state == FileState::kThere);
      CHECK(report.size_bytes == report.known->size_bytes);
      ++compared;
    }
  }
  CHECK(compared > 50);
}

}  // namespace
}  // namespace sft::datasets::manifest_test
