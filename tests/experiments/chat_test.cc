// `sftbench chat` as a user runs it, its turns through a pipe, and text whose
// characters come token by token.
#include <filesystem>
#include <fstream>

#include "experiments/chat_session.h"
#include "harness/core/utf8.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::chat_test {
namespace {

namespace fs = std::filesystem;

// glassllm with a chat template of its own.
class ChatModel {
 public:
  explicit ChatModel(const std::string& source) {
    const fs::path from = support::RequireAssets("models/glassllm");
    for (const auto& file : fs::directory_iterator(from)) {
      fs::copy(file.path(), folder_.path() / file.path().filename());
    }
    std::ofstream(folder_.path() / "chat_template.jinja") << source;
  }
  std::string path() const { return folder_.path().string(); }

 private:
  support::TempDir folder_;
};

constexpr char kTemplate[] =
    "{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";

support::Finished Chat(const std::string& model, const std::string& input,
                       std::vector<std::string> more = {}) {
  std::vector<std::string> words = {SFTBENCH_BINARY, "chat", model,
                                    "--max-new-tokens", "8"};
  words.insert(words.end(), more.begin(), more.end());
  return support::RunProgram(words, input);
}

// Answers without the lines that say where they were cut.
std::string Out(const std::string& model, const std::string& input,
                const std::vector<std::string>& more = {}) {
  const support::Finished run = Chat(model, input, more);
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  return run.out;
}

TEST_CASE("a line is a turn, and what follows depends on what was said",
          "[experiments][chat]") {
  const ChatModel model(kTemplate);
  const std::string one = Out(model.path(), "Alice was\n");
  CHECK_FALSE(one.empty());
  CHECK(one.back() == '\n');
  CHECK(Out(model.path(), "Alice was\n/quit\nmore\n") == one);
  const std::string two = Out(model.path(), "Alice was\nAnd then\n");
  CHECK(two.rfind(one, 0) == 0);
  CHECK(two.size() > one.size());
  // Begun anew, a turn is answered as the first was.
  CHECK(Out(model.path(), "Alice was\n/reset\nAlice was\n") == one + one);
  const std::string second = two.substr(one.size());
  CHECK(Out(model.path(), "Alice was\n/reset\nAnd then\n") != one + second);
}

TEST_CASE("a conversation's answers are those of its whole prompt",
          "[experiments][chat]") {
  const ChatModel model(kTemplate);
  const std::string one = Out(model.path(), "Alice was\n");
  const std::string two = Out(model.path(), "Alice was\nAnd then\n");
  const std::string prompt =
      "user: Alice was<eos>assistant: " + one.substr(0, one.size() - 1) +
      "<eos>user: And then<eos>assistant: ";
  const support::Finished whole = support::RunProgram(
      {SFTBENCH_BINARY, "generate", model.path(), "--raw", "--max-new-tokens",
       "8", "--bos", "never", "--prompt", prompt});
  INFO(whole.error);
  CHECK(one + whole.out == two);
}

TEST_CASE("the system turn comes by a command or a flag",
          "[experiments][chat]") {
  const ChatModel model(kTemplate);
  const std::string plain = Out(model.path(), "Alice was\n");
  const std::string said = Out(model.path(), "/system Speak low.\nAlice was\n");
  CHECK(Out(model.path(), "Alice was\n", {"--system", "Speak low."}) == said);
  CHECK(Out(model.path(),
            "/system x\n/reset\n/system Speak low.\nAlice was\n") == said);
  CHECK(Out(model.path(), "/system x\n/system\nAlice was\n") == plain);
  // A template that has no use for one says so.
  const ChatModel strict(std::string("{% if messages[0].role == 'system' %}"
                                     "{{ raise_exception('no system') }}"
                                     "{% endif %}") +
                         kTemplate);
  const support::Finished run = Chat(strict.path(), "/system x\nAlice was\n");
  CHECK(run.exit_status == 2);
  CHECK(run.error.find("no system") != std::string::npos);
  CHECK(run.out.empty());
}

TEST_CASE("drawn answers repeat with their seed, and differ by turn",
          "[experiments][chat]") {
  const ChatModel model(kTemplate);
  const std::vector<std::string> hot = {"--temperature", "3", "--seed", "4"};
  const std::string input = "Alice was\n/reset\nAlice was\n";
  const std::string drawn = Out(model.path(), input, hot);
  CHECK(Out(model.path(), input, hot) == drawn);
  const std::string first = Out(model.path(), "Alice was\n", hot);
  CHECK(drawn.rfind(first, 0) == 0);
  CHECK(drawn != first + first);
  CHECK(
      Out(model.path(), input, {"--temperature", "3", "--top-p", "0.000001"}) ==
      Out(model.path(), input));
}

TEST_CASE("what is no command, or has no room, is said in a line",
          "[experiments][chat]") {
  const ChatModel model(kTemplate);
  const auto error = [&](const std::string& input,
                         const std::vector<std::string>& more = {}) {
    const support::Finished run = Chat(model.path(), input, more);
    CHECK(run.exit_status == 2);
    return run.error;
  };
  CHECK(error("/sytem x\n").find("is no command: /help") != std::string::npos);
  CHECK(error("/reset now\n").find("is no command") != std::string::npos);
  CHECK(error(std::string(2000, 'a') + "\n").find("/reset begins anew") !=
        std::string::npos);
  CHECK(error("", {"--top-p", "0.5"}).find("--temperature above 0") !=
        std::string::npos);
  CHECK(Out(model.path(), "/help\n").find("/system TEXT") == 0);
  // A line that begins with a slash, and an answer that is cut.
  const support::Finished run = Chat(model.path(), "//help\n");
  CHECK(run.exit_status == 0);
  CHECK(run.out.find("/system") == std::string::npos);
  CHECK(run.error == "(the answer ends here: --max-new-tokens 8)\n");
  CHECK(Chat("minilm-l6", "a\n").error.find("is an encoder") !=
        std::string::npos);
}

TEST_CASE("a model without a chat template gets turns as plain rows have them",
          "[experiments][chat]") {
  support::RequireAssets("models/glassllm");
  const std::string one = Out("glassllm", "Alice was\n");
  const support::Finished raw =
      support::RunProgram({SFTBENCH_BINARY, "generate", "glassllm", "--raw",
                           "--max-new-tokens", "8", "--prompt", "Alice was"});
  CHECK(one == raw.out);
}

// Tokens are bytes.
class Bytes : public data::FakeTokenizer {
 public:
  std::string Decode(const std::vector<int32_t>& ids,
                     bool skip) const override {
    return SanitizeUtf8(data::FakeTokenizer::Decode(ids, skip));
  }
};

TEST_CASE("no character is shown before it is whole", "[experiments][chat]") {
  const Bytes tokenizer;
  const std::string text = "a\u00E9\u6771\U0001F600\xFF!";
  TokenStream stream(tokenizer);
  std::vector<int32_t> ids;
  std::string shown;
  for (const char c : text) {
    ids.push_back(static_cast<unsigned char>(c));
    const std::string piece = stream.Next(ids, false);
    CHECK(IsValidUtf8(piece));
    shown += piece;
    CHECK(shown == stream.shown());
  }
  // A byte that belongs to none is shown once what follows tells.
  CHECK(shown == SanitizeUtf8(text));
  ids.push_back(0xE6);
  CHECK(stream.Next(ids, false).empty());
  CHECK(stream.Next(ids, true) == "\uFFFD");
}

}  // namespace
}  // namespace sft::experiments::chat_test
