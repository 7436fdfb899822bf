// The specs of experiments/: each is one that can be run, and is told of.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::specs_test {
namespace {

TEST_CASE("every spec of the folder has no fault, and a row in its README",
          "[experiments][specs]") {
  support::RequireAssets("models");
  const std::filesystem::path folder = support::SourceDir() / "experiments";
  std::ifstream file(folder / "README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  int specs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    if (entry.path().filename() == "claims.yaml") continue;  // of `claims`
    ++specs;
    INFO(entry.path().filename().string());
    const auto checked =
        support::RunProgram({SFTBENCH_BINARY, "check", entry.path().string()});
    CHECK(checked.exit_status == 0);
    INFO(checked.error);
    CHECK(checked.out.find("no error") != std::string::npos);
    CHECK(readme.find("| `" + entry.path().filename().string() + "` |") !=
          std::string::npos);
  }
  CHECK(specs >= 15);
}

}  // namespace
}  // namespace sft::experiments::specs_test
