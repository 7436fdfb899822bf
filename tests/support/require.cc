#include "tests/support/require.h"

#include <ATen/Context.h>

#include <string>

#include "tests/support/paths.h"

namespace sft::support {

namespace fs = std::filesystem;

fs::path RequireAssets(std::string_view path) {
  const fs::path where = AssetsDir() / path;
  if (!fs::exists(where)) {
    Skip(Need::kAssets, where.string() + " is absent; run ./setup.sh");
  }
  return where;
}

fs::path RequireData(std::string_view path) {
  const auto data = ExtraDataDir();
  if (!data) Skip(Need::kData, "SFTBENCH_DATA is not set");
  if (path.empty()) return *data;
  if (!fs::exists(*data / path)) {
    Skip(Need::kData, "SFTBENCH_DATA holds no " + std::string(path));
  }
  return *data / path;
}

void RequireGpu() {
  if (!at::hasCUDA()) {
    Skip(Need::kGpu, "no CUDA device, or a build without CUDA");
  }
}

}  // namespace sft::support
