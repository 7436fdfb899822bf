// Where tests find models and data sets.
#ifndef TESTS_SUPPORT_PATHS_H_
#define TESTS_SUPPORT_PATHS_H_

#include <filesystem>
#include <optional>
#include <string_view>

namespace sft::support {

// The repository.
std::filesystem::path SourceDir();

// SFTBENCH_ASSETS, or assets/ of the repository.
std::filesystem::path AssetsDir();

// SFTBENCH_DATA, the extra data sets, if set and present.
std::optional<std::filesystem::path> ExtraDataDir();

// A new empty folder, removed with everything in it at the end of the scope.
class TempDir {
 public:
  explicit TempDir(std::string_view name = "sft");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sft::support

#endif  // TESTS_SUPPORT_PATHS_H_
