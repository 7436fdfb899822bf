// `sftbench score` as a user runs it.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::score_test {
namespace {
using nlohmann::json;

class Files {
 public:
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

 private:
  support::TempDir folder_;
};

support::Finished Score(const std::string& metric,
                        const std::string& hypotheses,
                        const std::string& references,
                        const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {SFTBENCH_BINARY, "score",        "--metric",
                                    metric,          "--hypotheses", hypotheses,
                                    "--references",  references};
  words.insert(words.end(), more.begin(), more.end());
  return support::RunProgram(words);
}

json ScoreJson(const std::string& metric, const std::string& hypotheses,
               const std::string& references,
               std::vector<std::string> more = {}) {
  more.push_back("--json");
  const support::Finished run = Score(metric, hypotheses, references, more);
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  return json::parse(run.out);
}

void CheckRefused(const support::Finished& run, const std::string& part) {
  INFO(run.error << run.out);
  CHECK(run.exit_status == 2);
  CHECK(run.error.rfind("error: ", 0) == 0);
  CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
  CHECK(run.error.find(part) != std::string::npos);
}

TEST_CASE("score reads each kind of file", "[experiments][score]") {
  Files files;
  const auto hyp = files.Write("hyp", "the cat sat on the mat\n\n");
  const auto ref = files.Write("ref", "the cat sat on the mat\nx\n");
  const auto other = files.Write("other", "dogs\n\n");
  const json bleu = ScoreJson("bleu", hyp, ref + "," + other);
  CHECK(bleu["signature"] ==
        "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0");
  CHECK(bleu["value"].get<double>() == Approx(100));
  CHECK(bleu["items"].size() == 2);
  CHECK(ScoreJson("bleu", hyp, ref,
                  {"--tokenize", "intl", "--lowercase"})["signature"] ==
        "nrefs:1|case:lc|eff:no|tok:intl|smooth:exp|version:2.6.0");
  CHECK(ScoreJson("accuracy", hyp, ref)["value"] == 0.5);

  const auto cats = files.Write("cats", "cats ran\\nrunning\n");
  const auto cat = files.Write("cat", "cat ran\\nrun\n");
  CHECK(ScoreJson("rougeLsum", cats, cat, {"--stemmer"})["value"] == 1.0);

  const auto tags = files.Write("tags", "a B-X\nb I-X\n\n\nc O\n");
  const auto right = files.Write("right", "a N B-X\nb N I-X\n\nc N B-Y\n");
  CHECK(ScoreJson("span_f1", tags, right)["value"].get<double>() ==
        Approx(2.0 / 3));

  const auto answers = files.Write("a.json", R"({"1": "The Cat!"})");
  const auto dataset = files.Write(
      "d.json", R"({"data": [{"paragraphs": [{"qas": [)"
                R"({"id": "1", "answers": [{"text": "cat"}]},)"
                R"({"id": "2", "answers": [{"text": "dog"}]}]}]}]})");
  const json exact = ScoreJson("exact_match", answers, dataset);
  CHECK(exact["value"] == 50.0);
  CHECK(exact["items"] == json({100.0, 0.0}));
}

TEST_CASE("score refuses broken input in one line", "[experiments][score]") {
  Files files;
  const auto two = files.Write("two", "a\nb\n");
  const auto three = files.Write("three", "a\nb\nc\n");
  const auto bad = files.Write("bad", "a\n\xff\n");
  const auto empty = files.Write("empty", "");
  CheckRefused(Score("blue", two, two), "did you mean 'bleu'");
  CheckRefused(Score("bleu", two, three), three + ": has 3 lines");
  CheckRefused(Score("bleu", bad, two), bad + ":2");
  CheckRefused(Score("squad_f1", bad, two), bad + ":2");
  CheckRefused(Score("bleu", two, two + "x"), two + "x");
  CheckRefused(Score("bleu", empty, empty), "no item");
  CheckRefused(Score("accuracy", two, two + "," + two), "wants one");
  CheckRefused(Score("bleu", two, two, {"--tokenize", "zh"}), "13a");
  CheckRefused(Score("rouge1", two, two, {"--tokenize", "13a"}), "--tokenize");
  CheckRefused(Score("span_f1_strict", files.Write("s", "a S-X\n"), two),
               "sentence");
  CheckRefused(Score("span_f1", two, files.Write("t", "a\n\nb\n")), two + ":1");
  const auto list = files.Write("list.json", "{\n\"data\": [1]}");
  CheckRefused(Score("exact_match", list, list), "paragraphs");
  CheckRefused(Score("exact_match", files.Write("x.json", "{\n]"), list),
               "x.json:2");
  CheckRefused(support::RunProgram({SFTBENCH_BINARY, "score"}), "--metric");
}

}  // namespace
}  // namespace sft::experiments::score_test
