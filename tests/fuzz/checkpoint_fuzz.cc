// Checkpoints: the bytes are state.json, beside empty files of tensors.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/core/digest.h"
#include "harness/train/checkpoint.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {
namespace {

// A folder of its own for the process.
const std::string& Folder() {
  static const std::string& folder = *new std::string([] {
    std::string name =
        (std::filesystem::temp_directory_path() / "sft_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove_all(Folder(), ignored);
    });
    if (!train::WriteCheckpoint({}, name + "/good").ok()) std::abort();
    return name + "/good";
  }());
  return folder;
}

void Write(std::string_view text) {
  std::ofstream file(Folder() + "/state.json", std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace

void Fuzz(std::string_view bytes) {
  Write(bytes);
  (void)train::ReadCheckpoint(Folder(), "");
  // The same as the state behind a good digest.
  const auto state = nlohmann::json::parse(bytes, nullptr, false);
  if (state.is_discarded()) return;
  std::string text;
  try {
    text = state.dump();
  } catch (const nlohmann::json::exception&) {
    return;
  }
  Write("{\"state\": " + text + ", \"sha256\": \"" + Sha256Hex(text) + "\"}");
  (void)train::ReadCheckpoint(Folder(), "");
}

}  // namespace sft::fuzz
