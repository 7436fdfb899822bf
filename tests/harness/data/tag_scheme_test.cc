// Tags of every scheme, numbers, and spans of characters become BIO2.
#include "harness/data/tag_scheme.h"

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/data/entity_spans.h"
#include "tests/harness/data/user_files.h"

namespace sft::data::tag_scheme_test {
namespace {

Tags Split(const std::string& tags) {
  return absl::StrSplit(tags, ' ', absl::SkipEmpty());
}
std::string Converted(const std::string& scheme, const std::string& tags) {
  Tags out = Split(tags);
  const absl::Status status = (*TagSchemeByName(scheme))->to_iob2(out);
  return status.ok() ? absl::StrJoin(out, " ") : std::string(status.message());
}
std::string SchemeOf(const std::vector<std::string>& sentences) {
  TagSchemeSurvey survey;
  for (const std::string& tags : sentences) survey.Add(Split(tags));
  return survey.Scheme();
}

TEST_CASE("tags of each scheme are written as BIO2", "[data][tags]") {
  CHECK(Converted("iob1", "I-a I-a B-a O I-b I-a") == "B-a I-a B-a O B-b B-a");
  CHECK(Converted("io", "I-a I-a O I-b I-a") == "B-a I-a O B-b B-a");
  CHECK(Converted("io", "a a O b a") == "B-a I-a O B-b B-a");
  CHECK(Converted("bioes", "B-a I-a E-a S-a O S-b") == "B-a I-a I-a B-a O B-b");
  CHECK(Converted("bioes", "B-a L-a U-b") == "B-a I-a B-b");
  CHECK(Converted("iob2", "B-a I-a") == "B-a I-a");
  CHECK(Has(Converted("bioes", "O I-a"),
            "word 2: tag 'I-a' follows O, wanted "
            "B-a before it"));
  CHECK(Has(Converted("bioes", "B-a O"), "wanted E-a before it"));
  CHECK(Has(Converted("bioes", "B-a I-b"), "wanted E-a before it"));
  CHECK(Has(Converted("bioes", "B-a"), "within an entity, wanted E-a"));
  CHECK(Has(Converted("io", "B-a"), "is none of scheme io"));
  CHECK_FALSE(TagSchemeByName("bilou2").ok());
}

TEST_CASE("the scheme is the one that all sentences keep", "[data][tags]") {
  CHECK(SchemeOf({"B-a I-a O", "O"}) == "iob2");
  CHECK(SchemeOf({"O O"}) == "iob2");
  CHECK(SchemeOf({"I-a B-a O", "I-b I-b"}) == "iob1");
  CHECK(SchemeOf({"I-a I-a O", "I-b"}) == "io");
  CHECK(SchemeOf({"a a O", "b"}) == "io");
  CHECK(SchemeOf({"B-a I-a", "B-a E-a"}) == "bioes");
  CHECK(SchemeOf({"U-a", "B-a L-a"}) == "bioes");
  // A begin behind O and an inside behind nothing: BIO2 with a fault.
  CHECK(SchemeOf({"B-a I-a O", "I-b"}) == "iob2");
}

TEST_CASE("a file's scheme is found, said, and may be stated",
          "[data][user][tags]") {
  const UserFiles files;
  spec::UserData data =
      DataOf(files.Write("n.conll",
                         "-DOCSTART- -X- O\n\n# id = 1\nAda NNP I-PER\nran VBD "
                         "O\n\n# id = 2\nRome NNP I-LOC\nParis NNP B-LOC\n"),
             "token_labels");
  Splits splits = Load(data);
  REQUIRE(splits.train.size() == 2);
  CHECK(Has(splits.notices.at(0), "scheme iob1, read as BIO2"));
  for (const Row& row : splits.train) {
    if (row.words[0] != "Rome") continue;
    CHECK(row.tags == Tags{"B-LOC", "B-LOC"});
  }
  data.scheme = "io";
  CHECK(Has(ErrorOf(data), "tag 'B-LOC' is none of scheme io"));
  data.scheme = "bio3";
  CHECK(Has(ErrorOf(data), "'bio3' is unknown"));
  data.scheme.clear();
  // Columns by their numbers: the parts of speech as tags.
  data.columns = {{"tags", "2"}};
  splits = Load(data);
  CHECK(splits.train[0].tags[0].substr(0, 2) == "B-");
  data.columns = {{"tags", "7"}};
  CHECK(Has(ErrorOf(data), "columns: wants the 7th"));
  data.columns.clear();
  data.task = "classification";
  data.format = "jsonl";
  data.scheme = "io";
  data.path = files.Write("c.jsonl", "{\"text\":\"a\",\"label\":\"b\"}\n");
  CHECK(Has(ErrorOf(data), "scheme: a task of classification has none"));
}

TEST_CASE("numbers are tags where their names are stated", "[data][user]") {
  const UserFiles files;
  spec::UserData data = DataOf(
      files.Write("n.jsonl", R"({"tokens":["Ada","ran"],"ner_tags":[1,0]})"
                             "\n"),
      "token_labels");
  CHECK(Has(ErrorOf(data), "columns: {words: tokens, tags: ner_tags}"));
  data.columns = {{"words", "tokens"}, {"tags", "ner_tags"}};
  CHECK(Has(ErrorOf(data), "n.jsonl:1: tag 1: wanted names"));
  data.tag_names = {"O", "B-PER", "I-PER"};
  CHECK(Load(data).train[0].tags == Tags{"B-PER", "O"});
  CHECK(MakeUserDataset(data)->task.labels == std::vector<std::string>{"PER"});
  data.tag_names = {"O"};
  CHECK(Has(ErrorOf(data), "n.jsonl:1: tag 1: tag_names: has 1 names"));
}

TEST_CASE("words are those of the text, whatever is tagged", "[data][spans]") {
  const std::string text =
      "Don't go, U.S. (York-based) 1,000.5%. \xe4\xbd\xa0\xe5\xa5\xbd \xc3\xa9"
      "a_b";
  std::vector<std::string> words;
  for (const auto& [begin, end] : WordsIn(text)) {
    words.push_back(text.substr(begin, end - begin));
  }
  CHECK(words == std::vector<std::string>{
                     "Don't", "go", ",", "U.S", ".", "(", "York", "-", "based",
                     ")", "1,000.5", "%", ".", "\xe4\xbd\xa0", "\xe5\xa5\xbd",
                     "\xc3\xa9"
                     "a_b"});
  CHECK(WordsIn("").empty());
  CHECK(WordsIn(" \n").empty());
}

std::string Tagged(const std::string& text, std::vector<EntitySpan> spans,
                   CutSpans cut = CutSpans::kFail) {
  const auto made = TagWords(text, std::move(spans), cut);
  if (!made.ok()) return std::string(made.status().message());
  std::string out = absl::StrJoin(made->tags, " ");
  if (made->cut > 0) out += " cut " + std::to_string(made->cut);
  return out;
}

TEST_CASE("spans are tags of whole words, or an error that names them",
          "[data][spans]") {
  // Characters, not bytes.
  CHECK(Tagged("\xc3\x89 Ada of New York.", {{2, 5, "PER"}, {9, 17, "LOC"}}) ==
        "O B-PER O B-LOC I-LOC O");
  CHECK(Tagged("Ada ran", {{0, 4, "PER"}}) == "B-PER O");  // with the space
  CHECK(Tagged("Ada Bo", {{4, 6, "P"}, {0, 3, "P"}}) == "B-P B-P");
  CHECK(Has(Tagged("Adas dog", {{0, 3, "PER"}}),
            "entity 'Ada' (characters 0 to 3) cuts the word 'Adas'"));
  CHECK(Tagged("Adas dog", {{0, 3, "PER"}}, CutSpans::kWiden) ==
        "B-PER O cut 1");
  CHECK(Tagged("Adas dog", {{0, 3, "PER"}}, CutSpans::kDrop) == "O O cut 1");
  CHECK(Has(Tagged("New York", {{0, 8, "LOC"}, {4, 8, "LOC"}}),
            "'York' (characters 4 to 8) overlaps entity 'New York'"));
  CHECK(Has(Tagged("Ada", {{0, 4, "P"}}), "characters 0 to 4 of a text of 3"));
  CHECK(Has(Tagged("Ada", {{2, 2, "P"}}), "characters 2 to 2"));
  CHECK(Has(Tagged("a  b", {{1, 3, "P"}}), "holds no word"));
}

TEST_CASE("spans are read as spaCy, prodigy and doccano write them",
          "[data][user][spans]") {
  const UserFiles files;
  for (const std::string spans :
       {R"("spans":[{"start":0,"end":3,"label":"PER"}])",
        R"("spans":[{"start_offset":0,"end_offset":3,"label":"PER","id":7}])",
        R"("spans":[[0,3,"PER"]])", R"("spans":{"entities":[[0,3,"PER"]]})",
        R"("spans":[{"start":0,"end":3,"labels":["PER"]}])"}) {
    INFO(spans);
    spec::UserData data =
        DataOf(files.Write("s.jsonl", "{\"text\":\"Ada ran.\"," + spans +
                                          "}\n{\"text\":\"No one.\"}\n"),
               "token_labels");
    CHECK(Has(ErrorOf(data), "columns: {text: text, entities: spans} reads"));
    data.columns = {{"entities", "spans"}};
    const Splits splits = Load(data);
    REQUIRE(splits.train.size() == 2);
    for (const Row& row : splits.train) {
      if (row.words[0] != "Ada") continue;
      CHECK(row.tags == Tags{"B-PER", "O", "O"});
      CHECK(row.turns[0].content == "Text: Ada ran .\nEntities:");
    }
  }
  spec::UserData cut = DataOf(
      files.Write("c.jsonl", R"({"text":"Adas dog","entities":[[0,3,"PER"]]})"
                             "\n"
                             R"({"text":"Bo ran","entities":[[0,2,"PER"]]})"
                             "\n"),
      "token_labels");
  cut.columns = {{"entities", "entities"}};
  CHECK(Has(ErrorOf(cut), "c.jsonl:1: entity 'Ada'"));
  cut.cut_spans = "drop";
  const Splits dropped = Load(cut);
  CHECK(dropped.train.size() == 2);
  CHECK(Has(dropped.notices.at(0),
            "1 entities begin or end within a word and "
            "are left out"));
  cut.cut_spans = "bend";
  CHECK(Has(ErrorOf(cut), "cut_spans: 'bend': wanted one of"));
}

}  // namespace
}  // namespace sft::data::tag_scheme_test
