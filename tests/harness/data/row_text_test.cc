// Joined texts of rows: where answers stand in them, for the chat templates of
// the common families (templates of their structure, written for this test),
// and the ids of prompts and answers in tokenizers of every form.
#include "harness/data/row_text.h"

#include <algorithm>

#include "harness/data/added_ids.h"
#include "harness/data/render/render.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/harness/text/golden.h"

namespace sft::data::row_text_test {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;
using Texts = std::vector<std::string>;

constexpr int32_t kBos = 2, kEos = 3, kEndOfTurn = 4;

// A tokenizer of tests/golden/in_place.json, with a chat template.
// `swallows`: its special tokens take the white space behind them.
text::ComposedTokenizer Make(const std::string& name, const std::string& source,
                             bool swallows = false) {
  const json golden = text::ReadGolden("in_place.json");
  for (const json& variant : golden["variants"]) {
    if (variant["name"] != name) continue;
    json root = golden["bases"][variant["base"].get<std::string>()];
    root.update(variant["change"]);
    for (json& token : root["added_tokens"]) token["rstrip"] = swallows;
    auto parts = text::ParseTokenizerJson(root, "test");
    REQUIRE(parts.ok());
    parts->bos_id = kBos;
    parts->eos_id = parts->end_of_turn_id = kEos;
    if (!source.empty()) {
      auto chat = text::ChatTemplate::Compile(source, "test", "<bos>", "<eos>");
      REQUIRE(chat.ok());
      parts->chat_template = *std::move(chat);
    }
    return text::ComposedTokenizer(*std::move(parts));
  }
  FAIL("no variant " << name);
  return text::ComposedTokenizer({});
}

const std::vector<ChatTurn>& Talk() {
  static const auto& turns =
      *new std::vector<ChatTurn>{{"user", "one"},
                                 {"assistant", "alpha 10"},
                                 {"user", "two"},
                                 {"assistant", "beta"}};
  return turns;
}

Texts AnswersOf(const RowText& row) {
  Texts out;
  for (const auto& [begin, end] : row.answers) {
    out.push_back(row.text.substr(begin, end - begin));
  }
  return out;
}

// The ids that bear loss, as text.
std::string TargetsOf(const Tokenizer& tokenizer, const RowText& row) {
  const Tokens tokens = EncodeRow(tokenizer, row);
  Ids ids;
  for (int64_t t = 0; t < tokens.size(); ++t) {
    if (tokens.target[t]) ids.push_back(tokens.ids[t]);
  }
  return tokenizer.Decode(ids, /*skip_special_tokens=*/false);
}

// The row of turns that come to one.
RowText OneRow(const Tokenizer& tokenizer, const std::vector<ChatTurn>& turns,
               bool all) {
  const auto rows = ChatText(tokenizer).Whole(turns, all);
  if (!rows.ok()) FAIL(rows.status());
  REQUIRE(rows->size() == 1);
  return rows->front();
}

struct Family {
  std::string name, tokenizer;  // of chat_families.json and in_place.json
  std::string before, after;    // what an answer's range holds around it
  std::string rest;             // behind the last end of turn
  int32_t ends = kEos;
  bool trims = false;
  bool in_parts = false;  // earlier answers are written otherwise
};

const std::vector<Family>& Families() {
  static const auto& families = *new std::vector<Family>{
      {"ChatML", "byte_level", "", "<eos>", "\n"},
      {"Llama 2", "llama2", " ", " <eos>", ""},
      {"Llama 3", "byte_level_llama3", "", "<eos>", "", kEos, true},
      {"Gemma", "gemma", "", "<end_of_turn>", "\n", kEndOfTurn, true},
      {"Qwen 3", "byte_level", "", "<eos>", "\n", kEos, false, true},
      {"Phi 3", "byte_level", "", "<end_of_turn>", "\n<eos>", kEndOfTurn},
      {"Colon", "metaspace_first", " ", "<eos>", "\n"},
  };
  return families;
}

std::string SourceOf(const Family& family) {
  return text::ReadGolden(
             "chat_families.json")["families"][family.name]["template"]
      .get<std::string>();
}

std::string Trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(" \n"));
  text.erase(text.find_last_not_of(" \n") + 1);
  return text;
}

TEST_CASE("answers are found where the families' chat templates write them",
          "[data][chat]") {
  const json golden = text::ReadGolden("chat_families.json")["families"];
  for (const Family& family : Families()) {
    const text::ComposedTokenizer tokenizer =
        Make(family.tokenizer, SourceOf(family));
    const ChatText chat(tokenizer);
    CHECK(ChatEndOfTurn(tokenizer) == family.ends);
    for (const json& item : golden[family.name]["cases"]) {
      CAPTURE(family.name, item["text"].dump(-1, ' ', true));
      std::vector<ChatTurn> turns;
      Texts wanted;
      for (const json& turn : item["turns"]) {
        turns.push_back({turn["role"], turn["content"]});
        if (turn["role"] != "assistant") continue;
        const std::string answer = turn["content"];
        // The spaces that a template puts before an answer meet its own.
        wanted.push_back(family.before +
                         (family.trims ? Trimmed(answer) : answer) +
                         family.after);
      }
      for (const bool all : {false, true}) {
        const auto rows = chat.Whole(turns, all);
        REQUIRE(rows.ok());
        const bool in_parts = all && family.in_parts;
        REQUIRE(rows->size() == (in_parts ? wanted.size() : 1));
        // The text is transformers', through the last end of turn.
        CHECK(rows->back().text + family.rest ==
              item["text"].get<std::string>());
        Texts answers;
        for (const RowText& row : *rows) {
          for (std::string& one : AnswersOf(row)) {
            answers.push_back(std::move(one));
          }
          const Tokens tokens = EncodeRow(tokenizer, row);
          CHECK(tokens.ids == tokenizer.Encode(row.text));
          CHECK(tokens.target.back());
          // One run of targets an answer, the last one at the end.
          size_t begins = 0;
          for (int64_t t = 1; t < tokens.size(); ++t) {
            begins += tokens.target[t] && !tokens.target[t - 1];
          }
          CHECK(begins == row.answers.size());
          CHECK_FALSE(tokens.target[tokens.last_answer - 1]);
          CHECK(tokens.target[tokens.last_answer]);
        }
        CHECK(answers == (all ? wanted : Texts{wanted.back()}));
      }
      // What generation goes on from is what training has before the answer:
      // transformers' generation prompt, but for its spaces, or more.
      turns.pop_back();
      const auto frame = chat.Frame(turns);
      REQUIRE(frame.ok());
      const std::string before = frame->before.text + frame->lead;
      CHECK(item["text"].get<std::string>().find(before) == 0);
      CHECK(before.find(item["prompt"].get<std::string>()) == 0);
    }
  }
}

TEST_CASE("an earlier answer ends with the token that ends the last",
          "[data][chat]") {
  // The whole chat ends with one more token, as Phi 3's.
  const std::string turn =
      "{% for m in messages %}{{ '<pad>' + m.role + '\n' + m.content + "
      "'<end_of_turn>' }}";
  for (const bool swallows : {false, true}) {
    CAPTURE(swallows);
    const auto lines = Make(
        "byte_level", turn + "{{ '\n' }}{% endfor %}{{ eos_token }}", swallows);
    CHECK(ChatEndOfTurn(lines) == kEndOfTurn);
    CHECK(TargetsOf(lines, OneRow(lines, Talk(), true)) ==
          "alpha 10<end_of_turn>beta<end_of_turn>");
    const auto joined =
        Make("byte_level", turn + "{% endfor %}{{ eos_token }}", swallows);
    CHECK(TargetsOf(joined, OneRow(joined, Talk(), true)) ==
          "alpha 10<end_of_turn>beta<end_of_turn><eos>");
  }
}

TEST_CASE("a marker that swallows an answer's white space bears no loss",
          "[data][chat]") {
  const auto tokenizer = Make("byte_level",
                              "{% for m in messages %}{{ '<pad>' + m.content + "
                              "'<end_of_turn>' }}{% endfor %}",
                              /*swallows=*/true);
  for (const std::string space : {"", " ", "\n", " \n "}) {
    const RowText row =
        OneRow(tokenizer, {{"user", "one"}, {"assistant", space + "x"}}, false);
    CHECK(TargetsOf(tokenizer, row) == "x<end_of_turn>");
  }
}

TEST_CASE("a row gets BOS once, from its template or its tokenizer",
          "[data][bos]") {
  Task task;
  task.name = "toy";
  Row row;
  row.turns = Talk();
  for (const Family& family : Families()) {
    const std::string source = SourceOf(family);
    const text::ComposedTokenizer tokenizer = Make(family.tokenizer, source);
    const bool prescribed = !tokenizer.added_ids().before.empty();
    for (const std::string form : {"plain", "chat"}) {
      for (const std::string bos : {"auto", "always", "never"}) {
        CAPTURE(family.name, form, bos);
        RenderOptions options;
        options.form = form;
        options.bos = bos;
        const auto rendered = RenderRows({row}, task, tokenizer, options);
        const auto prompt = RenderPrompt(row, task, tokenizer, options);
        REQUIRE(rendered.ok());
        REQUIRE(prompt.ok());
        const Ids& ids = rendered->examples[0].input_ids;
        const bool written =
            form == "chat" && source.find("bos_token") != std::string::npos;
        const bool wanted = written || bos == "always" ||
                            (bos == "auto" && form == "plain" && prescribed);
        CHECK((ids[0] == kBos) == wanted);
        CHECK(ids[1] != kBos);
        CHECK(((*prompt)[0] == kBos) == wanted);
        CHECK(std::equal(prompt->begin(), prompt->end() - 1, ids.begin()));
        const int32_t end = form == "plain" ? kEos : family.ends;
        CHECK(ids.back() == end);
      }
    }
  }
  RenderOptions options;
  options.bos = "always";
  const auto none = RenderRows({row}, task, FakeTokenizer(), options);
  CHECK(std::string(none.status().message()).find("bos: 'always'") == 0);
}

TEST_CASE("a prompt that is cut keeps BOS", "[data][bos]") {
  Task task;
  task.name = "toy";
  task.kind = "classification";
  task.labels = {"bad", "good"};
  task.default_form = "plain";
  Row row;
  row.label = 1;
  row.turns = {{"user", "a long, long review of one thing or another."},
               {"assistant", "good"}};
  const text::ComposedTokenizer tokenizer = Make("byte_level_bos", "");
  RenderOptions options;
  options.max_length = 14;
  const auto rendered = RenderRows({row}, task, tokenizer, options);
  REQUIRE(rendered.ok());
  CHECK(rendered->truncated_rows == 1);
  CHECK(rendered->examples[0].input_ids.size() <= 14);
  CHECK(rendered->examples[0].input_ids[0] == kBos);
  const auto answers =
      RenderAnswers(row, task.labels, task, tokenizer, options);
  REQUIRE(answers.ok());
  for (const Ids& prompt : answers->prompts) CHECK(prompt[0] == kBos);
}

// lm-evaluation-harness, _encode_pair: white space at the context's end moves;
// the continuation is what is left of the whole behind the context's length.
TEST_CASE("answers have the ids that they have behind their prompt",
          "[data][in_place]") {
  Task task;
  task.name = "toy";
  const json golden = text::ReadGolden("in_place.json");
  for (const json& variant : golden["variants"]) {
    const std::string name = variant["name"].get<std::string>();
    const text::ComposedTokenizer tokenizer = Make(name, "");
    const AddedIds added = tokenizer.added_ids();
    CHECK(added ==
          AddedIds{variant["before"].get<Ids>(), variant["after"].get<Ids>()});
    for (const auto& [prompt, context, space] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"Once upon a", "Once upon a", " "},
             {"The answer:  ", "The answer:", " "},
             {"Answer:\n", "Answer:", "\n "},
             {"caf\u00E9 \t\n", "caf\u00E9", " \t\n "},
             {"1 + 1 =", "1 + 1 =", " "},
         }) {
      for (const std::string answer :
           {"time", "10", "1", " two", "\u00E9t\u00E9"}) {
        CAPTURE(name, prompt, answer);
        Row row;
        row.turns = {{"user", prompt}, {"assistant", answer}};
        RenderOptions options;
        const auto rendered =
            RenderAnswers(row, {answer}, task, tokenizer, options);
        REQUIRE(rendered.ok());
        Ids before = added.before, whole = added.before;
        for (int32_t id : tokenizer.Encode(context)) before.push_back(id);
        for (int32_t id : tokenizer.Encode(context + space + answer)) {
          whole.push_back(id);
        }
        CHECK(rendered->prompts[0] == before);
        CHECK(rendered->answers[0] ==
              Ids(whole.begin() + std::ssize(before), whole.end()));
        // As trained: the same ids as the row, split where its loss begins.
        options.score_end_of_turn = true;
        const auto trained =
            RenderAnswers(row, {answer}, task, tokenizer, options);
        const auto rows = RenderRows({row}, task, tokenizer, options);
        REQUIRE(trained.ok());
        REQUIRE(rows.ok());
        Ids joined = trained->prompts[0];
        joined.insert(joined.end(), trained->answers[0].begin(),
                      trained->answers[0].end());
        CHECK(joined == rows->examples[0].input_ids);
        CHECK(rows->examples[0].target_tokens() ==
              std::ssize(trained->answers[0]));
        CHECK(joined.back() == kEos);
      }
    }
  }
}

TEST_CASE("what a chat template does not place is refused with the reason",
          "[data][chat]") {
  const auto why = [](const std::string& source) {
    const text::ComposedTokenizer tokenizer = Make("byte_level", source);
    const auto row = ChatText(tokenizer).Whole(Talk(), true);
    return row.ok() ? "ok" : std::string(row.status().message());
  };
  const std::string loop = "{% for m in messages %}";
  const std::string end = "{% endfor %}";
  CHECK(why(loop + "{{ m['content'] + eos_token }}" + end) == "ok");
  CHECK(why(loop + "{{ m['content'] + '\n' }}" + end)
            .find("no token right behind an answer") != std::string::npos);
  CHECK(why(loop + "{{ m['content'] + '!' + eos_token }}" + end)
            .find("no token right behind an answer") != std::string::npos);
  CHECK(why(loop + "{{ m['content'] + m['content'] + eos_token }}" + end)
            .find("twice") != std::string::npos);
  CHECK(why("{{ messages[0]['content'] + eos_token }}").find("leaves out") !=
        std::string::npos);
  CHECK(why(loop + "{{ m['content'] + eos_token }}" + end +
            "{{ messages[-1]['content'] | length }}")
            .find("something else behind") != std::string::npos);
  CHECK(why("{{ messages[-1]['content'] | length }}" + loop +
            "{{ m['content'] + eos_token }}" + end)
            .find("another prompt") != std::string::npos);
}

TEST_CASE("an end of turn that no text writes is put in by its id",
          "[data][render]") {
  class Wordless : public FakeTokenizer {
   public:
    std::string Decode(const Ids& ids, bool skip) const override {
      return ids == Ids{kEndOfTurn} ? "" : FakeTokenizer::Decode(ids, skip);
    }
  };
  const Wordless tokenizer;
  const RowText row = PlainText(tokenizer).Whole(Talk(), true);
  CHECK(row.text == "one alpha 10\n\ntwo beta");
  const Tokens tokens = EncodeRow(tokenizer, row);
  Ids expected = tokenizer.Encode("one alpha 10");
  expected.push_back(FakeTokenizer::kEndOfTurn);
  for (int32_t id : tokenizer.Encode("\n\ntwo beta")) expected.push_back(id);
  expected.push_back(FakeTokenizer::kEndOfTurn);
  CHECK(tokens.ids == expected);
  CHECK(std::count(tokens.target.begin(), tokens.target.end(), true) ==
        std::ssize(std::string(" alpha 10 beta")) + 2);
  CHECK(TargetsOf(FakeTokenizer(), row).find("alpha") == 1);
}

TEST_CASE("stop texts and the longest answer follow the references",
          "[data][references]") {
  const FakeTokenizer tokenizer;
  Task guessed;
  guessed.kind = "generation";
  guessed.stop_strings = {"\n", "Question:"};
  guessed.guessed_stop_strings = guessed.guessed_max_new_tokens = true;
  Splits splits;
  Row row;
  row.turns = {{"user", "q"}, {"assistant", std::string(100, 'a')}};
  splits.test = {row};
  Task task = guessed;
  FitToReferences(splits, tokenizer, 512, task);
  CHECK(task.stop_strings == guessed.stop_strings);
  CHECK(task.max_new_tokens == 150);
  // A line break in any split's reference; half of max_length at most.
  row.references = {"one", "two\nlines"};
  splits.train = {row};
  task = guessed;
  FitToReferences(splits, tokenizer, 200, task);
  CHECK(task.stop_strings == Texts{"Question:"});
  CHECK(task.max_new_tokens == 100);
  // Short references leave what there is, and so does what was stated.
  splits.test = {row};
  task = guessed;
  task.guessed_stop_strings = false;
  FitToReferences(splits, tokenizer, 512, task);
  CHECK(task.stop_strings == guessed.stop_strings);
  CHECK(task.max_new_tokens == 64);
}

}  // namespace
}  // namespace sft::data::row_text_test
