// Words that a shell must hand on as they are; a shell is asked.
#include "harness/launch/shell_words.h"

#include "tests/support/catch_torch.h"
#include "tests/support/subprocess.h"

namespace sft::launch::shell_words_test {
namespace {

TEST_CASE("a shell reads a quoted word as itself, and runs nothing",
          "[launch][shell]") {
  const std::vector<std::string> words = {"plain",
                                          "",
                                          "two words",
                                          "it's",
                                          "$(touch /x)",
                                          "`touch /x`",
                                          "a;b",
                                          "../up",
                                          "a\nb",
                                          "a\tb'c\\d",
                                          "~",
                                          "=x",
                                          "*",
                                          "\"double\"",
                                          "a\\nb",
                                          "\x01 \x7f",
                                          "-n",
                                          "#no",
                                          "a&b|c>d<e",
                                          "\xc3\xa4",
                                          "it's\n; touch /x"};
  for (const std::string& word : words) {
    CAPTURE(word);
    const std::string quoted = ShellQuoted(word);
    CHECK(quoted.find('\n') == std::string::npos);
    const support::Finished said =
        support::RunProgram({"/bin/bash", "-c", "printf %s " + quoted});
    CHECK(said.exit_status == 0);
    CHECK(said.out == word);
  }
  const support::Finished counted = support::RunProgram(
      {"/bin/bash", "-c", "set -- " + ShellLine(words) + "; printf %s $#"});
  CHECK(counted.out == std::to_string(words.size()));
  // A shell without $'...' must not find an end of the word in it.
  for (const std::string& word : words) {
    CAPTURE(word);
    const support::Finished said = support::RunProgram(
        {"/bin/sh", "-c", "set -- " + ShellQuoted(word) + "; printf %s $#"});
    CHECK(said.out == "1");
    CHECK(said.error.empty());
  }
}

TEST_CASE("words that need no quotes have none", "[launch][shell]") {
  CHECK(ShellLine({"sftbench", "task", "a/b.jsonl", "--index=3"}) ==
        "sftbench task a/b.jsonl --index=3");
}

}  // namespace
}  // namespace sft::launch::shell_words_test
