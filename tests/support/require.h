// What a case needs of this machine: each of these leaves the case as skipped
// where it is not here (skips.h).
#ifndef TESTS_SUPPORT_REQUIRE_H_
#define TESTS_SUPPORT_REQUIRE_H_

#include <filesystem>
#include <string_view>

#include "tests/support/skips.h"

namespace sft::support {

// AssetsDir() / path, a file or a folder.
std::filesystem::path RequireAssets(std::string_view path);
// A file or a folder of SFTBENCH_DATA, or with "" that folder itself.
std::filesystem::path RequireData(std::string_view path = "");
// A CUDA device in a build that knows of it.
void RequireGpu();

}  // namespace sft::support

#endif  // TESTS_SUPPORT_REQUIRE_H_
