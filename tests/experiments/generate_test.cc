// `sftbench generate` as a user runs it.
#include <algorithm>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::generate_test {
namespace {

support::Finished Generate(const std::vector<std::string>& more) {
  std::vector<std::string> words = {
      SFTBENCH_BINARY, "generate",         "glassllm", "--prompt",
      "Alice was",     "--max_new_tokens", "12"};
  words.insert(words.end(), more.begin(), more.end());
  return support::RunProgram(words);
}

std::string Answer(const std::vector<std::string>& more) {
  const support::Finished run = Generate(more);
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  REQUIRE(!run.out.empty());
  return run.out.substr(0, run.out.size() - 1);  // its newline
}

TEST_CASE("generate is greedy, sampled with a seed, or searches by beams",
          "[experiments][generate]") {
  support::RequireAssets("models/glassllm");
  const std::string greedy = Answer({});
  CHECK(Answer({}) == greedy);
  CHECK(Answer({"--temperature", "1", "--top_k", "1"}) == greedy);
  CHECK(Answer({"--temperature", "2", "--top_p", "0.000001"}) == greedy);
  const std::string drawn = Answer({"--temperature", "2", "--seed", "1"});
  CHECK(drawn != greedy);
  CHECK(Answer({"--temperature", "2", "--seed", "1"}) == drawn);
  CHECK(Answer({"--temperature", "2", "--seed", "2"}) != drawn);
  CHECK(!Answer({"--beams", "4", "--length_penalty", "0.5"}).empty());

  // A stop text is no part of the answer.
  const size_t middle = greedy.size() / 2;
  const std::string stop = greedy.substr(middle, 2);
  REQUIRE(stop.find(',') == std::string::npos);
  CHECK(Answer({"--stop", "@@@," + stop}) ==
        greedy.substr(0, greedy.find(stop)));
  CHECK(Answer({"--stop", "\\x" + std::string("20")}) ==
        greedy.substr(0, greedy.find(' ')));
}

TEST_CASE("generate says in a line which options make no sense",
          "[experiments][generate]") {
  support::RequireAssets("models/glassllm");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--temperature", "-1"}, "--temperature wants 0 or more"},
      {{"--temperature", "nan"}, "--temperature wants 0 or more"},
      {{"--top_k", "3"}, "want a --temperature above 0"},
      {{"--temperature", "1", "--top_k", "-3"}, "--top-k wants"},
      {{"--temperature", "1", "--top_p", "0"}, "--top-p wants"},
      {{"--temperature", "1", "--top_p", "1.5"}, "--top-p wants"},
      {{"--beams", "0"}, "--beams wants"},
      {{"--beams", "1000000"}, "--beams wants"},
      {{"--beams", "2", "--temperature", "1"}, "exclude each other"},
      {{"--length_penalty", "2"}, "--length-penalty wants --beams"},
      {{"--stop", "\\q"}, "--stop = '\\q'"},
      {{"--max_new_tokens", "0"}, "--max-new-tokens wants"},
  };
  for (const auto& [flags, part] : cases) {
    const support::Finished run = Generate(flags);
    INFO(run.error << run.out);
    CHECK(run.exit_status == 2);
    CHECK(run.error.rfind("error: ", 0) == 0);
    CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
    CHECK(run.error.find(part) != std::string::npos);
  }
}

TEST_CASE("generate says where the model's positions end an answer",
          "[experiments][generate]") {
  support::RequireAssets("models/glassllm");
  CHECK(Generate({}).error.empty());
  const support::Finished run = Generate({"--max_new_tokens", "500"});
  INFO(run.error);
  CHECK(run.exit_status == 0);
  CHECK(run.error == "the answer ends at glassllm's last position, 128\n");
}

TEST_CASE("the help of generate names every option",
          "[experiments][generate]") {
  const support::Finished run =
      support::RunProgram({SFTBENCH_BINARY, "generate", "--help"});
  CHECK(run.exit_status == 0);
  for (const char* flag :
       {"--temperature", "--top-k", "--top-p", "--seed", "--beams",
        "--length-penalty", "--stop", "--max-new-tokens"}) {
    CHECK(run.out.find(flag) != std::string::npos);
  }
}

}  // namespace
}  // namespace sft::experiments::generate_test
