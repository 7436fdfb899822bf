#include "tests/harness/model/fake_files.h"

namespace sft {
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
  if (auto glass = fake::ListedModel("glassllm")) {
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

TEST_CASE("the default model answers as transformers generates",
          "[model][generate]") {
  auto model = fake::ListedModel("smollm2-135m-instruct");
  if (model == nullptr) return;
  std::vector<Ids> prompts, wanted;
  for (const auto& row : fake::Golden("smollm2_greedy.json")["prompts"]) {
    prompts.push_back(row["ids"].get<Ids>());
    wanted.push_back(row["answer"].get<Ids>());
    // transformers keeps the stop token.
    if (wanted.back().back() == 2) wanted.back().pop_back();
  }
  CHECK(model->GenerateGreedy(prompts, 24, {2}) == wanted);
}

}  // namespace
}  // namespace sft
