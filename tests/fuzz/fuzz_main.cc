// libFuzzer's entry, or a main function that reads every file of the folders
// and files it is given.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/fuzz/fuzz_target.h"

#ifdef SFT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sft::fuzz::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
#else
namespace {

int ReadAll(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  int files = 0;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::directory_iterator(path)) {
      files += ReadAll(entry.path());
    }
    return files;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  sft::fuzz::Fuzz(bytes);
  // Every beginning of it too: what a full disk leaves.
  for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 64) {
    sft::fuzz::Fuzz(std::string_view(bytes).substr(0, size));
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) files += ReadAll(argv[i]);
  std::cout << files << " files read\n";
  return files > 0 ? 0 : 1;
}
#endif
