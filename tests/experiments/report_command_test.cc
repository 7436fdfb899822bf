// The report as a command: its flags, on the committed records.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/paths.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::report_command_test {
namespace {
using Catch::Contains;

std::string Reference(const std::string& name) {
  return (support::SourceDir() / "results/reference" / (name + ".h5")).string();
}

support::Finished Sftbench(const std::vector<std::string>& words) {
  std::vector<std::string> all = {SFTBENCH_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  return support::RunProgram(all);
}

std::string OutOf(const std::vector<std::string>& words) {
  const support::Finished done = Sftbench(words);
  INFO(done.error);
  CHECK(done.exit_status == 0);
  return done.out;
}

TEST_CASE("report makes the tables that its flags ask for",
          "[experiments][report]") {
  const std::string alpaca = Reference("alpaca"), sst2 = Reference("sst2");
  // In a pipe Markdown without colours.
  const std::string whole = OutOf({"report", sst2});
  CHECK_THAT(whole, Contains("| method  | learning_rate |"));
  CHECK_THAT(whole, Contains("Paired comparisons"));
  CHECK_THAT(whole, !Contains("\x1b"));
  CHECK_THAT(OutOf({"report", sst2, "--format", "text", "--width", "60"}),
             Contains("Left out: ") && !Contains("\x1b"));
  CHECK_THAT(OutOf({"report", alpaca, "--rows", "method", "--cols", "task",
                    "--cell", "score", "--format", "csv"}),
             Catch::StartsWith("method,alpaca_en,ifeval_stated\nuntuned,1.65"));
  CHECK_THAT(OutOf({"report", sst2, "--rows", "method,seed", "--cell",
                    "accuracy", "--where", "method=full", "--format", "tsv"}),
             Catch::StartsWith("method\tseed\taccuracy\nfull\t0\t0.8"));
  CHECK_THAT(OutOf({"report", sst2, "--show", "f1_macro", "--format", "csv"}),
             Catch::StartsWith(
                 "method,learning_rate,sst2_f1_macro,sst2_f1_macro_sd\n"));
  CHECK_THAT(
      OutOf({"report", sst2, "--table", "comparisons", "--format", "csv"}),
      Catch::StartsWith("row,against,task,metric,items,seeds,claim,gain,"
                        "gain_low,gain_high,unit,"));
  CHECK_THAT(OutOf({"report", sst2, "--format", "latex", "--label", "x",
                    "--caption", "y"}),
             Contains("\\label{tab:x}") && Contains("\\caption{y}") &&
                 Contains("\\label{tab:x-comparisons}"));
  CHECK_THAT(OutOf({"report", sst2, "--macros", "demo"}),
             Contains("\\newcommand{\\demoUntunedSstTwoAccuracy}{0.477}\n"));
  CHECK_THAT(OutOf({"compare", sst2, sst2}), Contains("the same"));
}

TEST_CASE("what report cannot do it says in a line", "[experiments][report]") {
  const std::string sst2 = Reference("sst2");
  const auto refused = [&](const std::vector<std::string>& flags,
                           const std::string& why) {
    std::vector<std::string> words = {"report", sst2};
    words.insert(words.end(), flags.begin(), flags.end());
    const support::Finished done = Sftbench(words);
    CHECK(done.exit_status == 2);
    CHECK(done.out.empty());
    CHECK_THAT(done.error, Contains(why));
  };
  refused({"--table", "man"}, "--table man: wanted one of main, comparisons");
  refused({"--show", "speed"}, "--show speed: the table main has no such");
  refused({"--rows", "nothing"}, "--rows nothing: no axis of these runs");
  refused({"--cell", "nothing"}, "--cell nothing: no number of these runs");
  refused({"--cell", "score", "--table", "main"}, "leave --table out");
  refused({"--where", "seed=0"}, "--where goes with --rows");
  refused({"--macros", "x1"}, "letters alone");
  refused({"--width", "wide"}, "--width wants");
}

}  // namespace
}  // namespace sft::experiments::report_command_test
