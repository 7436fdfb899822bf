// The metrics of text against the libraries that people cite.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harness/core/files.h"
#include "harness/metrics/final_number.h"
#include "harness/metrics/metrics.h"
#include "harness/metrics/porter_stemmer.h"
#include "harness/metrics/text_item_files.h"
#include "tests/harness/metrics/golden_metrics.h"
#include "tests/support/paths.h"

namespace sft::metrics::text_metrics_test {
namespace {
using nlohmann::json;

const json& Golden() { return GoldenMetrics(); }

MetricScore ScoreOf(const std::string& metric,
                    const std::vector<TextItem>& items,
                    const TextMetricOptions& options = {}) {
  const auto found = TextMetricByName(metric);
  REQUIRE(found.ok());
  const auto score = ScoreTexts(*found, items, options);
  REQUIRE(score.ok());
  return *score;
}

void CheckScore(const std::string& metric, const std::vector<TextItem>& items,
                const TextMetricOptions& options, const json& wanted) {
  const MetricScore score = ScoreOf(metric, items, options);
  INFO(metric << " wants " << wanted.dump());
  CHECK(score.value == Approx(wanted[0].get<double>()).margin(1e-6).epsilon(0));
  REQUIRE(score.items.size() == wanted[1].size());
  for (size_t i = 0; i < score.items.size(); ++i) {
    CHECK(score.items[i] ==
          Approx(wanted[1][i].get<double>()).margin(1e-6).epsilon(0));
  }
  if (wanted.size() > 2) CHECK(score.signature == wanted[2]);
}

TEST_CASE("bleu and chrf equal sacreBLEU's, rouge rouge-score's", "[metrics]") {
  REQUIRE(Golden()["text_cases"].size() >= 200);
  for (size_t n = 0; n < Golden()["text_cases"].size(); ++n) {
    const json& c = Golden()["text_cases"][n];
    INFO("text case " << n);
    const std::vector<TextItem> items = TextItemsOf(c);
    TextMetricOptions options;
    options.lowercase = c["lowercase"];
    for (const char* tokenize : {"13a", "intl", "none"}) {
      options.tokenize = tokenize;
      CheckScore("bleu", items, options, c["bleu-" + options.tokenize]);
    }
    CheckScore("chrf", items, options, c["chrf"]);
    for (const std::string name : {"rouge1", "rouge2", "rougeL", "rougeLsum"}) {
      CheckScore(name, items, {}, c[name]);
      TextMetricOptions stemmed;
      stemmed.stemmer = true;
      CheckScore(name, items, stemmed, c[name + "-stemmer"]);
    }
  }
}

TEST_CASE("span F1 equals seqeval's, default and strict", "[metrics]") {
  size_t strict = 0;
  for (const json& c : Golden()["tag_cases"]) {
    const std::vector<TextItem> items = PairItemsOf(c);
    CheckScore("span_f1", items, {}, c["span_f1"]);
    if (c["span_f1_strict"].is_null()) {  // seqeval raises
      CHECK_FALSE(
          TextMetricByName("span_f1_strict")->text.score(items, {}).ok());
    } else {
      CheckScore("span_f1_strict", items, {}, c["span_f1_strict"]);
      ++strict;
    }
  }
  CHECK(strict >= 200);
}

TEST_CASE("answers are scored as SQuAD's script does", "[metrics]") {
  REQUIRE(Golden()["squad_cases"].size() >= 200);
  for (const json& c : Golden()["squad_cases"]) {
    std::vector<TextItem> items;
    for (const json& row : c["items"]) {
      TextItem item{"", row[1].get<std::vector<std::string>>()};
      item.answered = !row[0].is_null();
      if (item.answered) item.hypothesis = row[0];
      items.push_back(item);
    }
    CheckScore("exact_match", items, {}, c["exact_match"]);
    CheckScore("squad_f1", items, {}, c["squad_f1"]);
  }
}

TEST_CASE("questions without an answer are scored as SQuAD 2.0's script does",
          "[metrics]") {
  std::vector<TextItem> items = {{"", {""}},
                                 {"the", {""}},
                                 {"a cat", {""}},
                                 {"", {"a cat"}},
                                 {"cat", {"the", "big cat"}}};
  for (size_t i = 0; i < 3; ++i) items[i].unanswerable = true;
  const auto exact = TextMetricByName("exact_match")->text.score(items, {});
  REQUIRE(exact.ok());
  // "the" normalizes to nothing: no answer, and no reference.
  CHECK(exact->items == std::vector<double>{100, 100, 0, 0, 0});
  CHECK(exact->signature == "exact_match|best-reference|mean:items|squad-v2.0");
  const auto f1 = TextMetricByName("squad_f1")->text.score(items, {});
  REQUIRE(f1.ok());
  CHECK(f1->items[1] == 100);
  CHECK(f1->items[3] == 0);
  CHECK(f1->items[4] == Approx(100 * 2.0 / 3));
  // One without a prediction is no item; the script of v1.1 has it as 0.
  for (const size_t missing : {size_t{2}, size_t{3}})
    items[missing].answered = false;
  CHECK(ScoreOf("exact_match", items).items ==
        std::vector<double>{100, 100, 0});
  CHECK(ScoreOf("exact_match", items).value == Approx(200.0 / 3));
  CHECK(ScoreOf("squad_f1", items).value == Approx(100 * (2 + 2.0 / 3) / 3));
  for (TextItem& item : items) item.answered = false;
  CHECK_FALSE(TextMetricByName("squad_f1")->text.score(items, {}).ok());
  for (TextItem& item : items) item.unanswerable = false;
  CHECK(ScoreOf("squad_f1", items).value == 0);
  CHECK(ScoreOf("squad_f1", items).items.size() == 5);
}

TEST_CASE("files to score may begin with a mark of byte order", "[metrics]") {
  const support::TempDir folder;
  const auto write = [&folder](const std::string& name,
                               const std::string& text) {
    const std::string path = (folder.path() / name).string();
    REQUIRE(WriteFileAtomically(path, text).ok());
    return path;
  };
  const std::string mark = "\xef\xbb\xbf";
  const auto lines = ReadTextItems(*TextMetricByName("accuracy"),
                                   write("h.txt", mark + "a\nb\n"),
                                   {write("r.txt", "a\nb\n")});
  REQUIRE(lines.ok());
  CHECK((*lines)[0].hypothesis == "a");
  const auto answers = ReadTextItems(
      *TextMetricByName("squad_f1"), write("h.json", mark + R"({"1":"x"})"),
      {write("r.json",
             mark + R"({"data":[{"paragraphs":[{"qas":[{"id":"1","answers":)"
                    R"([{"text":"x"}]},{"id":"2","answers":[],)"
                    R"("is_impossible":true}]}]}]})")});
  REQUIRE(answers.ok());
  REQUIRE(answers->size() == 2);
  CHECK((*answers)[0].answered);
  CHECK_FALSE((*answers)[1].answered);
  CHECK((*answers)[1].id == "2");
  CHECK(ScoreOf("squad_f1", *answers).value == 100);
}

TEST_CASE("metrics of labels equal scikit-learn's", "[metrics]") {
  REQUIRE(Golden()["label_cases"].size() >= 200);
  for (const json& c : Golden()["label_cases"]) {
    const std::vector<TextItem> items = PairItemsOf(c);
    for (const char* name : {"accuracy", "f1_macro", "f1_micro", "mcc"}) {
      CheckScore(name, items, {}, c[name]);
    }
  }
}

TEST_CASE("the stemmer equals NLTK's", "[metrics]") {
  REQUIRE(Golden()["stems"].size() >= 200);
  for (const json& pair : Golden()["stems"]) {
    INFO(pair[0].get<std::string>());
    CHECK(PorterStem(pair[0]) == pair[1]);
  }
}

TEST_CASE("the final number is read as GSM8K's answers are written",
          "[metrics]") {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"5 - 3 = 2\n#### 2", "2"},
      {"The answer is $1,234.50.", "1234.5"},
      {"it costs 18 dollars", "18"},
      {"007", "7"},
      {"0.50", "0.5"},
      {".5 of it", "0.5"},
      {"-12", "-12"},
      {"$-3", "-3"},
      {"-$3", "-3"},
      {"(-4)", "-4"},
      {"x = -0.0", "0"},
      {"from 10-15", "15"},
      {"covid-19", "19"},
      {"7.", "7"},
      {"1, 2,", "2"},
      {"2,000,000", "2000000"},
      {"3.14.15", "0.15"},
      {"12345678901234567890.10", "12345678901234567890.1"},
  };
  for (const auto& [text, number] : cases) {
    INFO(text);
    CHECK(FinalNumber(text).value_or("none") == number);
  }
  for (const char* none : {"", "no number", "-", "$.", "."}) {
    CHECK_FALSE(FinalNumber(none).has_value());
  }
}

TEST_CASE("final_number is the share of right last numbers", "[metrics]") {
  std::vector<TextItem> items = {
      {"3 + 4 is 7, so $7.00", {"... #### 7"}},
      {"7 apples, 8 pears", {"7"}},
      {"none", {"none"}},
      {"1,000", {"999", "1000"}},
  };
  items.push_back({"7", {"7"}, /*answered=*/false});
  const MetricScore score = ScoreOf("final_number", items);
  CHECK(score.items == std::vector<double>{1, 0, 0, 1, 0});
  CHECK(score.value == Approx(0.4));
  CHECK(score.signature.find("nrefs:var") != std::string::npos);
}

TEST_CASE("every metric of text is listed, unknown ones are refused",
          "[metrics]") {
  for (const Metric& metric : AllMetrics()) {
    INFO(metric.name);
    CHECK(TextMetricByName(metric.name).ok() == (metric.text.score != nullptr));
  }
  const auto unknown = TextMetricByName("blue");
  REQUIRE_FALSE(unknown.ok());
  CHECK(std::string(unknown.status().message()).find("'bleu'") !=
        std::string::npos);
  TextMetricOptions options;
  options.tokenize = "zh";
  CHECK_FALSE(
      TextMetricByName("bleu")->text.score({{"a", {"a"}}}, options).ok());
}

}  // namespace
}  // namespace sft::metrics::text_metrics_test
