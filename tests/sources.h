// The repository's sources as text, for the tests that hold them to the rules
// of harness/DESIGN.md. No LibTorch.
#ifndef TESTS_SOURCES_H_
#define TESTS_SOURCES_H_

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace sft::guards {

namespace fs = std::filesystem;
using Sources = std::map<std::string, std::string>;  // path -> text

inline bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

inline std::string ReadText(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Every file of C++ or CUDA below these folders of the repository.
inline Sources ReadSources(const std::vector<std::string>& folders) {
  Sources sources;
  const fs::path root = SFT_SOURCE_DIR;
  for (const std::string& top : folders) {
    if (!fs::is_directory(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cc" && extension != ".cu" &&
          extension != ".cuh" && extension != ".inc") {
        continue;
      }
      sources[entry.path().lexically_relative(root).generic_string()] =
          ReadText(entry.path());
    }
  }
  return sources;
}

// The code: without what stands behind // at the beginning of a line or behind
// a space. Lines stay lines.
inline std::string WithoutComments(const std::string& text) {
  std::string code;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    size_t at = StartsWith(line, "//") ? 0 : line.find(" //");
    code += line.substr(0, at) + "\n";
  }
  return code;
}

}  // namespace sft::guards

#endif  // TESTS_SOURCES_H_
