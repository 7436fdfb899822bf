// Plans in a sweep's folder: none overwrites another's.
#include "harness/record/manifest_store.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/harness/record/sample_record.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::record::manifest_store_test {
namespace {

namespace fs = std::filesystem;

spec::RunPlan PlanOfMethod(const std::string& method) {
  const auto plan = spec::PlanOf(
      "train: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {steps: 5}\n"
      "grid: {method: [" +
      method + "], seed: [0]}\n");
  REQUIRE(plan.ok());
  return *plan;
}

size_t FilesIn(const std::string& folder) {
  size_t n = 0;
  for (const auto& entry : fs::directory_iterator(folder)) n += entry.exists();
  return n;
}

TEST_CASE("two plans stand beside each other, one plan stands once",
          "[record][manifest]") {
  const ScratchFolder folder;
  const RunPaths paths{folder.path()};
  CHECK(absl::IsNotFound(ReadFolderPlan(folder.path(), {}).status()));
  const auto full = WriteManifest(paths, PlanOfMethod("full"));
  const auto lora = WriteManifest(paths, PlanOfMethod("lora"));
  REQUIRE(full.ok());
  REQUIRE(lora.ok());
  CHECK(*full != *lora);
  CHECK(*WriteManifest(paths, PlanOfMethod("full")) == *full);
  CHECK(FilesIn(paths.Manifests()) == 2);  // and nothing half-written
  const auto united = ReadFolderPlan(folder.path(), {});
  REQUIRE(united.ok());
  REQUIRE(united->runs.size() == 3);               // the untuned run is both's
  CHECK(united->runs[1].config.method == "full");  // launched last
  CHECK(united->runs[2].config.method == "lora");
}

TEST_CASE("one run of a manifest is read from its file", "[record][manifest]") {
  const ScratchFolder folder;
  const spec::RunPlan plan = PlanOfMethod("lora");
  const auto path = WriteManifest(RunPaths{folder.path()}, plan);
  REQUIRE(path.ok());
  auto file = ManifestFile::Open(*path, {});
  REQUIRE(file.ok());
  const ManifestFile moved = *std::move(file);
  REQUIRE(moved->Run(1).ok());
  CHECK(moved->Run(1)->run_id == plan.runs[1].run_id);
  CHECK(fs::path(*path).filename().string() ==
        moved->digest().substr(0, 12) + ".jsonl");
  CHECK_FALSE(ManifestFile::Open(folder / "none.jsonl", {}).ok());
}

TEST_CASE("a damaged manifest is an error with its name",
          "[record][manifest]") {
  const ScratchFolder folder;
  const auto path =
      WriteManifest(RunPaths{folder.path()}, PlanOfMethod("lora"));
  REQUIRE(path.ok());
  std::ofstream(*path, std::ios::app) << "x";
  const auto plan = ReadFolderPlan(folder.path(), {});
  REQUIRE_FALSE(plan.ok());
  CHECK(std::string(plan.status().message()).find(*path) == 0);
}

}  // namespace
}  // namespace sft::record::manifest_store_test
