#include "tests/support/tiny_encoder.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/core/rng.h"
#include "harness/formats/safetensors.h"
#include "tests/support/paths.h"

namespace sft::support {

std::string MakeTinyEncoder(const std::string& folder) {
  namespace fs = std::filesystem;
  constexpr int64_t kWords = 300, kWidth = 32;
  const fs::path golden = SourceDir() / "tests/golden/encoders";
  fs::create_directories(folder);
  std::ifstream file(golden / "bert/config.json");
  nlohmann::json config = nlohmann::json::parse(file);
  config["vocab_size"] = kWords;
  std::ofstream(folder + "/config.json") << config.dump();
  fs::copy_file(golden / "wordpiece.json", folder + "/tokenizer.json");
  auto tensors =
      formats::ReadSafetensors((golden / "bert/model.safetensors").string());
  TORCH_CHECK(tensors.ok(), tensors.status().ToString());
  Rng rng(1, Stream::kInit, "words");
  for (NamedTensor& t : *tensors) {
    if (t.name != "embeddings.word_embeddings.weight") continue;
    t.tensor = at::empty({kWords, kWidth}, at::kFloat);
    float* values = t.tensor.data_ptr<float>();
    for (int64_t i = 0; i < t.tensor.numel(); ++i) {
      values[i] = static_cast<float>(0.5 * rng.Normal());
    }
  }
  const absl::Status written =
      formats::WriteSafetensors(folder + "/model.safetensors", *tensors, {});
  TORCH_CHECK(written.ok(), written.ToString());
  return folder;
}

}  // namespace sft::support
