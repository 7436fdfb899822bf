// A text that grows by turns, answered with what was read of it kept, against
// each prompt read anew.
#include "harness/model/generate/kept_reader.h"

#include "harness/model/generate/generate.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::kept_reader_test {
namespace {

using Ids = std::vector<int32_t>;

GenerationOptions Greedy(int64_t tokens) {
  GenerationOptions options;
  options.max_new_tokens = tokens;
  return options;
}

Ids Join(Ids a, const Ids& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("an answer is the same whether its prompt was read before or not",
          "[model][generate]") {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    CAPTURE(dtype);
    const auto model = fake::TinyModel(dtype);
    KeptReader reader(model->MakeReader(), 30);
    const auto ask = [&](const Ids& prompt, int64_t tokens) {
      const Ids answer = GenerateBy(reader, {prompt}, Greedy(tokens))[0];
      CHECK(answer == model->Generate({prompt}, Greedy(tokens))[0]);
      return answer;
    };
    Ids text;
    for (int i = 0; i < 24; ++i) text.push_back(1 + i % 7);
    text = Join(text, ask(text, 5));
    CHECK(reader.reused() == 0);
    // Steps of f64 read one token each: to read all anew may cost less.
    const bool by_steps = dtype == at::kFloat;
    // What follows: all was read but the last step of the answer.
    text.push_back(3);
    ask(text, 4);
    CHECK((reader.reused() >= 24 || !by_steps));
    // Another end; the same prompt again; one that is cut.
    Ids other = text;
    other[other.size() - 2] = 9;
    ask(other, 4);
    CHECK((reader.reused() == std::ssize(text) - 2 || !by_steps));
    ask(other, 4);
    CHECK(reader.reused() == std::ssize(other) - 1);
    other.pop_back();
    ask(other, 6);
    CHECK(reader.reused() == std::ssize(other) - 1);
    // From the start on something else, or much that is new: read anew.
    Ids anew = other;
    anew[0] = 8;
    ask(anew, 3);
    CHECK(reader.reused() == 0);
    ask(anew, 3);
    CHECK(reader.reused() > 0);
    reader.Forget();
    ask(anew, 3);
    CHECK(reader.reused() == 0);
  }
}

TEST_CASE("a conversation that outgrows its cache is read into a larger one",
          "[model][generate]") {
  const auto model = fake::TinyModel(at::kFloat);
  KeptReader reader(model->MakeReader(), 4);
  Ids text(20, 2);
  for (int turn = 0; turn < 5; ++turn) {
    const Ids answer = GenerateBy(reader, {text}, Greedy(3))[0];
    CHECK(answer == model->Generate({text}, Greedy(3))[0]);
    text = Join(Join(text, answer), {4});
  }
}

}  // namespace
}  // namespace sft::model::kept_reader_test
