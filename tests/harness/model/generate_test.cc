#include <map>
#include <set>

#include "harness/model/families/families.h"
#include "harness/model/forward/decoder.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::generate_test {
namespace {

using Ids = std::vector<int32_t>;

// The plain way: the whole text through the model for every token.
Ids Uncached(Model& model, Ids text, int64_t max_new_tokens, const Ids& stop) {
  c10::NoGradGuard off;
  Ids answer;
  while (static_cast<int64_t>(answer.size()) < max_new_tokens &&
         static_cast<int64_t>(text.size()) < model.info().max_positions) {
    const std::vector<int64_t> ids(text.begin(), text.end());
    const at::Tensor h_TD =
        model.HiddenStates(fake::PaddedBatch({{ids, ids}}))[0];
    const auto token =
        static_cast<int32_t>(model.Logits(h_TD.narrow(0, h_TD.size(0) - 1, 1))
                                 .argmax()
                                 .item<int64_t>());
    if (std::find(stop.begin(), stop.end(), token) != stop.end()) break;
    answer.push_back(token);
    text.push_back(token);
  }
  return answer;
}

TEST_CASE("generation with a cache equals generation without",
          "[model][generate]") {
  std::vector<std::unique_ptr<Model>> models;
  models.push_back(fake::TinyModel(at::kFloat));
  models.push_back(fake::TinyModel(at::kDouble));
  models.push_back(fake::TinyModel(at::kBFloat16));
  if (auto glass = fake::ListedModelIfHere("glassllm")) {
    models.push_back(std::move(glass));
  }
  const std::vector<Ids> prompts = {{4, 9, 3}, {7}, {1, 2, 3, 4, 5, 6, 7, 8}};
  for (auto& model : models) {
    // The last runs into the model's number of positions.
    const bool small = model->info().max_positions < 100;
    for (int64_t count : {0, 1, small ? 200 : 30}) {
      const auto answers = model->GenerateGreedy(prompts, count, {});
      REQUIRE(answers.size() == prompts.size());
      for (size_t i = 0; i < prompts.size(); ++i) {
        CHECK(answers[i] == Uncached(*model, prompts[i], count, {}));
      }
    }
    // Stop at what the first answer holds in its middle.
    const Ids free = Uncached(*model, prompts[0], 30, {});
    const Ids stop = {free[free.size() / 2]};
    const auto stopped = model->GenerateGreedy(prompts, 30, stop);
    for (size_t i = 0; i < prompts.size(); ++i) {
      CHECK(stopped[i] == Uncached(*model, prompts[i], 30, stop));
    }
  }
}

// A decoder of this family's parts, small and random.
Decoder RandomOfFamily(const DecoderFamily& family) {
  at::manual_seed(3);
  DecoderConfig config = family.defaults;
  config.family = std::string(family.name);
  config.layers = 2;
  config.width = 16;
  config.heads = 4;
  config.kv_heads = config.layout->MapIndex(Role::kQkv) < 0 ? 2 : 4;
  config.head_width = 8;
  config.ffn_width = 24;
  config.vocabulary = 50;
  config.max_positions = 64;
  config.embedding_scale = family.scales_embedding ? 4 : 1;
  if (family.windows != WindowRule::kNone) {
    config.window = 3;
    config.windowed = {true, false};
  }
  if (family.unrotated_interval > 0) config.unrotated = {false, true};
  for (const NumberKey& number : family.numbers) config.*number.field = 0.6;
  if (family.has_query_scalar) {
    config.query_scalar = 6;
    config.attention_softcap = 20;
    config.final_softcap = 15;
  }
  std::map<std::string, at::Tensor> weights;
  for (const ParameterShape& row : DecoderParameters(config)) {
    weights[row.name] = at::randn(row.shape) * 0.4;
  }
  return Decoder(config, {}, at::kFloat, std::move(weights));
}

TEST_CASE("a step's rows go through every family's block as tensors do",
          "[model][generate]") {
  const std::vector<Ids> prompts = {{4, 9, 3}, {7}, {1, 2, 3, 4, 5, 6, 7, 8}};
  std::set<const DecoderLayout*> layouts;
  for (const DecoderFamily& family : DecoderFamilies()) {
    CAPTURE(family.name);
    Decoder model = RandomOfFamily(family);
    layouts.insert(model.config().layout);
    const auto answers = model.GenerateGreedy(prompts, 40, {});
    for (size_t i = 0; i < prompts.size(); ++i) {
      CHECK(answers[i] == Uncached(model, prompts[i], 40, {}));
    }
  }
  CHECK(layouts == std::set<const DecoderLayout*>{
                       &LlamaLayout(), &HeadNormLayout(), &SandwichLayout(),
                       &SandwichHeadNormLayout(), &AfterNormLayout(),
                       &FusedPairsLayout(), &FusedLayout(), &FusedHeadsLayout(),
                       &LearnedLayout()});
}

TEST_CASE("the default model answers as transformers generates",
          "[model][generate]") {
  auto model = fake::ListedModel("smollm2-135m-instruct");
  std::vector<Ids> prompts, wanted;
  for (const auto& row : fake::Golden("smollm2_greedy.json")["prompts"]) {
    prompts.push_back(row["ids"].get<Ids>());
    wanted.push_back(row["answer"].get<Ids>());
    // transformers keeps the stop token.
    if (wanted.back().back() == 2) wanted.back().pop_back();
  }
  CHECK(model->GenerateGreedy(prompts, 24, {2}) == wanted);
}

std::unique_ptr<Model> Family(const std::string& name,
                              at::ScalarType dtype = at::kFloat) {
  ModelLocation where;
  where.name = where.folder =
      (support::SourceDir() / "tests/golden/decoders" / name).string();
  auto model = LoadModel(where, {.compute_dtype = dtype});
  REQUIRE(model.ok());
  return std::move(*model);
}

TEST_CASE(
    "every family answers 10 or 20 prompts as transformers does, token for "
    "token",
    "[model][generate]") {
  const nlohmann::json golden = fake::Golden("generate.json");
  for (const auto& [name, family] : golden["families"].items()) {
    INFO(name);
    auto model = Family(name);
    const auto prompts = family["prompts"].get<std::vector<Ids>>();
    const auto answers = family["answers"].get<std::vector<Ids>>();
    REQUIRE(prompts.size() == 20);
    CHECK(model->GenerateGreedy(prompts, 20, {}) == answers);
    for (size_t i = 0; i < prompts.size(); i += 7) {
      CHECK(model->GenerateGreedy({prompts[i]}, 20, {})[0] == answers[i]);
    }
  }
  for (const auto& [name, family] : golden["greedy"].items()) {
    INFO(name);
    const auto prompts = family["prompts"].get<std::vector<Ids>>();
    REQUIRE(prompts.size() == 10);
    CHECK(Family(name)->GenerateGreedy(prompts, 20, {}) ==
          family["answers"].get<std::vector<Ids>>());
  }
}

GenerationOptions BeamOptions(const nlohmann::json& search) {
  GenerationOptions options;
  options.max_new_tokens = 20;
  options.beams = search["num_beams"];
  options.length_penalty = search["length_penalty"];
  options.stop_ids = search["stops"].get<Ids>();
  return options;
}

TEST_CASE("every family searches by beams as transformers does",
          "[model][generate][beams]") {
  const nlohmann::json golden = fake::Golden("generate.json");
  for (const auto& [name, family] : golden["families"].items()) {
    auto model = Family(name);
    const auto prompts = family["prompts"].get<std::vector<Ids>>();
    // Searches of like options go through the model together.
    std::map<std::string, std::vector<const nlohmann::json*>> groups;
    for (const nlohmann::json& search : family["beams"]) {
      nlohmann::json key = search;
      key.erase("prompt");
      key.erase("answer");
      groups[key.dump()].push_back(&search);
    }
    int64_t stopped = 0;
    for (const auto& [key, group] : groups) {
      INFO(name << " " << key);
      const GenerationOptions options = BeamOptions(*group[0]);
      std::vector<Ids> batch, wanted;
      for (const nlohmann::json* search : group) {
        batch.push_back(prompts[(*search)["prompt"].get<size_t>()]);
        Ids answer = (*search)["answer"].get<Ids>();
        // transformers keeps the stop token.
        if (std::count(options.stop_ids.begin(), options.stop_ids.end(),
                       answer.back()) > 0) {
          answer.pop_back();
          ++stopped;
        }
        wanted.push_back(std::move(answer));
      }
      CHECK(model->Generate(batch, options) == wanted);
    }
    CHECK(stopped > 10);
  }
}

TEST_CASE("sampling from the likeliest token alone is greedy",
          "[model][generate][sampling]") {
  for (const char* name : {"qwen2", "gemma2", "gpt2"}) {
    auto model = Family(name);
    const std::vector<Ids> prompts = {{4, 9, 3}, {7}, {11, 12, 13, 14}};
    GenerationOptions options;
    options.max_new_tokens = 25;
    const auto greedy = model->Generate(prompts, options);
    options.temperature = 1.3;
    options.top_k = 1;
    CHECK(model->Generate(prompts, options) == greedy);
    options.top_k = 0;
    options.top_p = 1e-9;
    CHECK(model->Generate(prompts, options) == greedy);
  }
}

TEST_CASE("a seed gives the same samples, whatever shares their batch",
          "[model][generate][sampling]") {
  // f64, for batches round differently.
  auto model = Family("qwen3", at::kDouble);
  std::vector<Ids> prompts;
  for (int32_t i = 0; i < 9; ++i) {
    prompts.push_back(Ids(1 + 3 * i % 5, 5 + i));
  }
  GenerationOptions options;
  options.max_new_tokens = 12;
  options.temperature = 1.2;
  options.top_k = 20;
  options.seed = 3;
  options.stop_ids = {50, 60};
  const auto answers = model->Generate(prompts, options);
  CHECK(model->Generate(prompts, options) == answers);
  for (size_t i = 0; i < prompts.size(); ++i) {
    GenerationOptions alone = options;
    alone.streams = {static_cast<int64_t>(i)};
    CHECK(model->Generate({prompts[i]}, alone)[0] == answers[i]);
  }
  // The same prompt under streams of its own says another thing.
  const auto same = model->Generate({prompts[4], prompts[4]}, options);
  CHECK(same[0] != same[1]);
  options.seed = 4;
  CHECK(model->Generate(prompts, options) != answers);
}

TEST_CASE("guesses change no answer, greedy or sampled, ended or not",
          "[model][generate]") {
  // A text that repeats itself, one that does not, and one token.
  const std::vector<Ids> prompts = {
      {4, 9, 3, 5, 4, 9, 3, 5, 4, 9}, {7, 8, 11, 2}, {6}};
  for (const auto& [name, dtype] : {std::pair{"qwen3", at::kFloat},
                                    {"gpt2", at::kFloat},
                                    {"gemma2", at::kBFloat16},
                                    {"mistral", at::kBFloat16}}) {
    auto model = Family(name, dtype);
    for (const double temperature : {0.0, 0.7}) {
      INFO(name << " at temperature " << temperature);
      GenerationOptions options;
      options.max_new_tokens = 40;
      options.temperature = temperature;
      options.top_k = 3;
      options.guess = false;
      const auto free = model->Generate(prompts, options);
      options.guess = true;
      CHECK(model->Generate(prompts, options) == free);
      for (size_t i = 0; i < prompts.size(); ++i) {
        options.streams = {static_cast<int64_t>(i)};
        CHECK(model->Generate({prompts[i]}, options)[0] == free[i]);
      }
      // What ends an answer may lie among guesses.
      for (size_t at : {3, 11, 20}) {
        options.streams = {0};
        options.stop_ids = {free[0][at]};
        const Ids stopped = model->Generate({prompts[0]}, options)[0];
        const auto end = std::find(free[0].begin(), free[0].end(), free[0][at]);
        CHECK(stopped == Ids(free[0].begin(), end));
        options.stop_ids.clear();
        options.max_new_tokens = static_cast<int64_t>(at);
        CHECK(model->Generate({prompts[0]}, options)[0] ==
              Ids(free[0].begin(), free[0].begin() + at));
        options.max_new_tokens = 40;
      }
    }
  }
}

TEST_CASE("a stop function ends an answer, its last token included",
          "[model][generate]") {
  auto model = Family("mistral");
  const std::vector<Ids> prompts = {{4, 9, 3}, {7}, {11, 12}, {40}, {41, 3}};
  const auto free = model->GenerateGreedy(prompts, 20, {});
  GenerationOptions options;
  options.max_new_tokens = 20;
  options.stop = [&](const Ids& ids) {
    return ids.back() == free[0][4] || ids.size() == 9;
  };
  const auto stopped = model->Generate(prompts, options);
  for (size_t i = 0; i < prompts.size(); ++i) {
    Ids wanted;
    do {
      wanted.push_back(free[i][wanted.size()]);
    } while (!options.stop(wanted));
    CHECK(stopped[i] == wanted);
  }
}

TEST_CASE("a model of NaN generates without end but ends",
          "[model][generate]") {
  auto model = fake::TinyModel(at::kFloat);
  {
    c10::NoGradGuard off;
    for (Parameter& p : model->Parameters()) p.tensor.fill_(NAN);
  }
  GenerationOptions options;
  options.max_new_tokens = 5;
  CHECK(model->Generate({{1, 2}}, options)[0].size() == 5);
  options.temperature = 1;
  options.top_k = 3;
  options.top_p = 0.5;
  CHECK(model->Generate({{1, 2}}, options)[0].size() == 5);
  options.temperature = 0;
  options.beams = 3;
  CHECK(model->Generate({{1, 2}, {3}}, options).size() == 2);
}

TEST_CASE("options that make no sense are refused", "[model][generate]") {
  auto model = fake::TinyModel(at::kFloat);
  for (auto broken : std::vector<std::function<void(GenerationOptions&)>>{
           [](auto& o) { o.temperature = -1; }, [](auto& o) { o.top_k = -1; },
           [](auto& o) { o.top_p = 0; }, [](auto& o) { o.top_p = 1.5; },
           [](auto& o) { o.beams = 0; },
           [](auto& o) { o.beams = 2, o.temperature = 1; },
           [](auto& o) {
             o.streams = {1, 2};
           }}) {
    GenerationOptions options;
    broken(options);
    CHECK_THROWS_AS(model->Generate({{1}}, options), c10::Error);
  }
  CHECK_THROWS_AS(model->Generate({{1}, {}}, {}), c10::Error);
}

TEST_CASE("the default model answers 20 prompts as transformers does",
          "[model][generate][slow]") {
  auto model = fake::ListedModel("smollm2-135m-instruct");
  const nlohmann::json golden = fake::Golden("smollm2_generate.json");
  const auto stop = golden["stop"].get<int32_t>();
  std::vector<Ids> prompts, wanted;
  for (const nlohmann::json& row : golden["prompts"]) {
    prompts.push_back(row["ids"].get<Ids>());
    wanted.push_back(row["answer"].get<Ids>());
    // transformers keeps the stop token.
    if (wanted.back().back() == stop) wanted.back().pop_back();
  }
  REQUIRE(prompts.size() == 20);
  const auto answers = model->GenerateGreedy(prompts, 32, {stop});
  GenerationOptions options;
  options.max_new_tokens = 20;
  options.beams = 4;
  options.stop_ids = {stop};
  for (size_t i = 0; i < prompts.size(); ++i) {
    INFO(golden["prompts"][i]["text"].get<std::string>());
    CHECK(answers[i] == wanted[i]);
    if (!golden["prompts"][i].contains("beams")) continue;
    Ids beams = golden["prompts"][i]["beams"].get<Ids>();
    if (beams.back() == stop) beams.pop_back();
    CHECK(model->Generate({prompts[i]}, options)[0] == beams);
  }
}

}  // namespace
}  // namespace sft::model::generate_test
