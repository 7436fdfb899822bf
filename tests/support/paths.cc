#include "tests/support/paths.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace sft::support {

namespace fs = std::filesystem;

fs::path SourceDir() { return SFT_SOURCE_DIR; }

fs::path AssetsDir() {
  const char* set = std::getenv("SFTBENCH_ASSETS");
  return set != nullptr && *set != '\0' ? fs::path(set)
                                        : SourceDir() / "assets";
}

std::optional<fs::path> ExtraDataDir() {
  const char* set = std::getenv("SFTBENCH_DATA");
  if (set == nullptr || !fs::is_directory(set)) return std::nullopt;
  return fs::path(set);
}

TempDir::TempDir(std::string_view name) {
  std::string form =
      (fs::temp_directory_path() / (std::string(name) + ".XXXXXX")).string();
  if (mkdtemp(form.data()) == nullptr) {
    throw std::runtime_error("cannot make a folder like " + form);
  }
  path_ = form;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace sft::support
