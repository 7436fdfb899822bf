#include "harness/model/families/config.h"

#include "tests/harness/model/fake_files.h"

namespace sft::model::config_test {
namespace {

using fake::RequireOneLine;

nlohmann::json Whole() {
  return nlohmann::json::parse(ConfigToJson(fake::TinyConfig(), "float32"));
}

TEST_CASE("a configuration survives config.json", "[model][config]") {
  DecoderConfig config = fake::TinyConfig();
  config.rope_theta = 100000;
  config.attention_bias = true;
  config.eos = {2, 5};
  const std::string text = ConfigToJson(config, "float32");
  auto read = ConfigFromJson("config.json", text);
  REQUIRE(read.ok());
  CHECK(ConfigToJson(*read, "float32") == text);
}

TEST_CASE("rope theta is found where either transformers version writes it",
          "[model][config]") {
  nlohmann::json old = Whole();
  old.erase("rope_parameters");
  old["rope_scaling"] = nullptr;
  old["rope_theta"] = 5000;
  CHECK(ConfigFromJson("c", old.dump())->rope_theta == 5000);
  nlohmann::json now = Whole();
  now.erase("rope_theta");
  now["rope_parameters"]["rope_theta"] = 7000.0;
  CHECK(ConfigFromJson("c", now.dump())->rope_theta == 7000);
}

TEST_CASE("head width and key heads have defaults", "[model][config]") {
  nlohmann::json json = Whole();
  json.erase("head_dim");
  json.erase("num_key_value_heads");
  auto read = ConfigFromJson("c", json.dump());
  REQUIRE(read.ok());
  CHECK(read->head_width == 4);
  CHECK(read->kv_heads == 4);
}

TEST_CASE("what the family lacks is refused by name", "[model][config]") {
  struct Case {
    const char* key;
    nlohmann::json value;
    const char* part;
  };
  for (const Case& c : std::vector<Case>{
           {"architectures", {"BloomForCausalLM"}, "BloomForCausalLM"},
           {"hidden_act", "gelu", "hidden_act"},
           {"rope_scaling", {{"rope_type", "llama3"}}, "\"factor\" is missing"},
           {"rope_scaling", {{"type", "su"}, {"factor", 2}}, "short_factor"},
           {"rope_scaling", {{"rope_type", "longrope"}}, "short_factor"},
           {"rope_scaling", {{"type", "mrope"}}, "mrope"},
           {"rope_scaling", {{"type", "linear"}, {"factor", "2"}}, "factor"},
           {"rope_scaling", {{"type", "linear"}, {"factor", 0.5}}, "1 or more"},
           {"rope_scaling", {{"type", "linear"}, {"factor", -1}}, "above 0"},
           {"rope_scaling", {{"type", "yarn"}, {"factor", 1e300}}, "beyond"},
           {"rope_scaling", "yarn", "an object"},
           {"rope_scaling",
            {{"type", "yarn"}, {"factor", 2}, {"partial_rotary_factor", 0.5}},
            "partial_rotary_factor"},
           {"rope_scaling",
            {{"type", "llama3"},
             {"factor", 8},
             {"low_freq_factor", 4},
             {"high_freq_factor", 4}},
            "above low_freq_factor"},
           {"quantization_config", {{"bits", 4}}, "quantization_config"},
           {"hidden_size", "big", "hidden_size"},
           {"hidden_size", nullptr, "hidden_size"},
           {"hidden_size", 1.5, "hidden_size"},
           {"num_hidden_layers", 0, "number of layers 0"},
           {"num_hidden_layers", int64_t{1} << 60, "number of layers"},
           {"vocab_size", -5, "vocabulary -5"},
           {"num_key_value_heads", 3, "no multiple"},
           {"head_dim", 5, "odd"},
           {"rms_norm_eps", 0, "epsilon"},
           {"tie_word_embeddings", "yes", "tie_word_embeddings"},
       }) {
    nlohmann::json json = Whole();
    json.erase("rope_parameters");  // or the two would have to agree
    json[c.key] = c.value;
    RequireOneLine(ConfigFromJson("config.json", json.dump()).status(), c.part);
  }
  RequireOneLine(ConfigFromJson("c", "{}").status(), "architectures");
  RequireOneLine(ConfigFromJson("c", "").status(), "not valid JSON");
}

}  // namespace
}  // namespace sft::model::config_test
