#include "harness/core/file_digest.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "harness/core/digest.h"
#include "tests/support/paths.h"

namespace sft::file_digest_test {
namespace {

TEST_CASE("a file's digest is kept until the file changes", "[core][digest]") {
  const support::TempDir folder;
  const std::string path = (folder.path() / "rows.csv").string();
  std::ofstream(path) << "a,b\n";
  const auto first = DigestOfFile(path);
  REQUIRE(first.ok());
  CHECK(*first == Sha256Hex("a,b\n"));
  CHECK(*DigestOfFile(path) == *first);
  std::ofstream(path) << "a,b\n1,2\n";
  CHECK(*DigestOfFile(path) == Sha256Hex("a,b\n1,2\n"));
  CHECK(DigestOfFile(path + ".gz").status().code() ==
        absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sft::file_digest_test
