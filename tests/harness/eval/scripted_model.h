// A model that answers prompts by a function over text, token by token, as
// generation is bound to: what it is stopped by, it obeys.
#ifndef TESTS_HARNESS_EVAL_SCRIPTED_MODEL_H_
#define TESTS_HARNESS_EVAL_SCRIPTED_MODEL_H_

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/harness/data/fake_tokenizer.h"
#include "tests/harness/eval/fake_model.h"

namespace sft::eval {

class ScriptedModel : public FakeModel {
 public:
  using Reply = std::function<std::string(const std::string& prompt)>;
  explicit ScriptedModel(Reply reply)
      : FakeModel(1), reply_(std::move(reply)) {}

  std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const model::GenerationOptions& options) override {
    batches.emplace_back();
    std::vector<std::vector<int32_t>> answers;
    for (const auto& prompt : prompts) {
      batches.back().push_back(static_cast<int64_t>(prompt.size()));
      const auto stop = [&](int32_t id) {
        return std::find(options.stop_ids.begin(), options.stop_ids.end(),
                         id) != options.stop_ids.end();
      };
      std::vector<int32_t> answer;
      for (int32_t id :
           tokenizer_.Encode(reply_(tokenizer_.Decode(prompt, false)))) {
        if (stop(id)) break;
        answer.push_back(id);
        if (std::ssize(answer) >= options.max_new_tokens) break;
        if (options.stop && options.stop(answer)) break;
      }
      written += std::ssize(answer);
      answers.push_back(std::move(answer));
    }
    return answers;
  }

  std::vector<std::vector<int64_t>> batches;  // lengths of their prompts
  int64_t written = 0;                        // tokens

 private:
  Reply reply_;
  data::FakeTokenizer tokenizer_;
};

}  // namespace sft::eval

#endif  // TESTS_HARNESS_EVAL_SCRIPTED_MODEL_H_
