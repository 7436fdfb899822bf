// Multiple choice taken out of the prompts that hold it.
#include "tests/datasets/data_folder.h"
#include "tests/support/require.h"

namespace sft::datasets::choice_test {
namespace {

std::string Line(const std::string& instruction, const std::string& answer) {
  return R"({"instruction": ")" + instruction + R"(", "output": "x", )" +
         R"("answer": ")" + answer + "\"}\n";
}

const std::string kAsk = "Please choose the correct answer to the question: ";

TEST_CASE("the choices of a question become continuations of it",
          "[datasets][choice]") {
  DataFolder folder("commonsense");
  folder.Write(
      "siqa_test.jsonl",
      Line(kAsk + R"(Who? What: now?\n\nAnswer1: the cat. Answer2: a dog )"
                  R"(Answer3:  it\n\nAnswer format: answer1/answer2/answer3)",
           "answer3") +
          Line(kAsk + R"(Two?\n\nAnswer1: a Answer2: b\n\n)"
                      R"(Answer format: answer1/answer2)",
               "answer3") +
          Line(kAsk + R"(Two?\n\nAnswer1: a\n\nAnswer format: )"
                      R"(answer1/answer2)",
               "answer1") +
          Line(kAsk + R"(Two?\n\nAnswer1: Answer2: b\n\n)"
                      R"(Answer format: answer1/answer2)",
               "answer1") +
          Line("Choose.", "answer1"));
  const data::Splits splits = folder.Load("siqa");
  REQUIRE(splits.test.size() == 1);
  const data::Row& row = splits.test[0];
  CHECK(row.turns[0].content == "Question: Who? What: now?\nAnswer:");
  CHECK(row.choices == std::vector<std::string>{"the cat.", "a dog", " it"});
  CHECK(row.label == 2);
  CHECK(row.turns[1].content == " it");
  REQUIRE(splits.refused.size() == 4);
  CHECK(ReasonAt(splits, ":2") == "the answer 'answer3' is none of 2 choices");
  CHECK(ReasonAt(splits, ":3") == "no 'Answer2:' among 2 choices");
  CHECK(ReasonAt(splits, ":4") == "choice 1 is empty");
  CHECK(ReasonAt(splits, ":5").find("no instruction of the form") == 0);
}

TEST_CASE("PIQA's solutions stand between blank lines and keep their spaces",
          "[datasets][choice]") {
  DataFolder folder("commonsense");
  folder.Write("piqa_test.jsonl",
               Line("Please choose the correct solution to the question: "
                    R"(dresser\n\nSolution1: replace it \n\nSolution2: )"
                    R"(finish, with  pin\n\nAnswer format: )"
                    "solution1/solution2",
                    "solution2"));
  const data::Splits splits = folder.Load("piqa");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content == "Question: dresser\nAnswer:");
  CHECK(splits.test[0].choices ==
        std::vector<std::string>{"replace it ", "finish, with  pin"});
  CHECK(splits.test[0].label == 1);
}

TEST_CASE("a blank is filled by each option, and the sentence goes on",
          "[datasets][choice]") {
  const std::string ask =
      "Please choose the correct answer to fill in the blank to complete the "
      "given sentence: ";
  const std::string options =
      R"(\n\nOption1: Sarah Option2: Maria Answer format: option1/option2)";
  DataFolder folder("commonsense");
  folder.Write("winogrande_test.jsonl",
               Line(ask + "Sarah met Maria so _ left." + options, "option1") +
                   Line(ask + "Sarah left." + options, "option1"));
  const data::Splits splits = folder.Load("winogrande");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content == "Sarah met Maria so");
  CHECK(splits.test[0].choices ==
        std::vector<std::string>{"Sarah left.", "Maria left."});
  CHECK(splits.test[0].turns[1].content == "Sarah left.");
  CHECK(ReasonAt(splits, ":2") == "a sentence without a blank '_'");
}

TEST_CASE(
    "true and false become yes and no; a train question of the test set "
    "is refused",
    "[datasets][choice]") {
  const std::string ask =
      "Please answer the following question with true or false, question: ";
  const std::string format = R"(\n\nAnswer format: true/false)";
  std::string train;
  for (int i = 0; i < 501; ++i) {
    train += Line(ask + "is it " + std::to_string(i) + "?" + format, "true");
  }
  train += Line(ask + "is water wet?" + format, "false");
  DataFolder folder("commonsense");
  folder.Write("boolq_train.jsonl.gz", train);
  folder.Write("boolq_test.jsonl",
               Line(ask + "is water wet?" + format, "false") +
                   Line(ask + "is water wet?" + format, "perhaps"));
  const data::Splits splits = folder.Load("boolq_closed");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].choices == std::vector<std::string>{"yes", "no"});
  CHECK(splits.test[0].turns[1].content == "no");
  CHECK(splits.train.size() == 1);
  CHECK(ReasonAt(splits, ".gz:502") == "its text is in the test set");
  CHECK(ReasonAt(splits, "test.jsonl:2") ==
        "the answer 'perhaps', wanted true or false");
}

TEST_CASE("HellaSwag's tasks are six lines each", "[datasets][choice]") {
  DataFolder folder("hellaswag");
  const std::string good = "Rowing: A man sits. he\n3\na.\nb.\nc.\nrows.\n";
  folder.Write("val.txt.gz", good + "Ctx\n4\na\nb\nc\nd\n" +
                                 "Ctx\n0\na\n\nc\nd\n" + "Ctx\n0\na\n");
  const data::Splits splits = folder.Load("hellaswag");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content == "Rowing: A man sits. he");
  CHECK(splits.test[0].turns[1].content == "rows.");
  CHECK(splits.test[0].choices.size() == 4);
  CHECK(ReasonAt(splits, ":7") == "the right ending is '4', wanted 0 to 3");
  CHECK(ReasonAt(splits, ":13") == "choice 2 is empty");
  CHECK(ReasonAt(splits, ":19") == "3 lines, wanted 6");
}

// `count` lines of make(i).
template <class F>
std::string Lines(int count, F make) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += std::string(make(std::to_string(i))) + "\n";
  }
  return out;
}

TEST_CASE("ARC's lettered choices are read from the official files",
          "[datasets][choice]") {
  const auto line = [](const std::string& stem, const std::string& key) {
    return R"({"id": "x", "question": {"stem": ")" + stem +
           R"(", "choices": [{"text": "ice", "label": "A"}, {"text": )"
           R"("steam", "label": "B"}]}, "answerKey": ")" +
           key + R"("})";
  };
  DataFolder folder("arc");
  folder.Write("ARC-Challenge-Train.jsonl",
               Lines(101, [&](const std::string& n) {
                 return line("Q" + n, "A");
               }) + line("Boiled?", "A"));
  folder.Write("ARC-Challenge-Test.jsonl",
               line("Boiled?", "B") + "\n" + line("Frozen?", "C"));
  const data::Splits splits = folder.Load("arc_challenge_official");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content == "Question: Boiled?\nAnswer:");
  CHECK(splits.test[0].turns[1].content == "steam");
  CHECK(splits.train.size() == 1);
  CHECK(ReasonAt(splits, "Test.jsonl:2") ==
        "the right choice is none of 2 choices");
  CHECK(ReasonAt(splits, "Train.jsonl:102") == "its text is in the test set");
}

TEST_CASE("WinoGrande's, HellaSwag's and PIQA's official files are read",
          "[datasets][choice]") {
  DataFolder winogrande("winogrande");
  const auto blank = [](const std::string& n) {
    return R"({"qID": "x", "sentence": "Ann met Bea )" + n +
           R"( as _ left.", "option1": "Ann", "option2": "Bea", )"
           R"("answer": "2"})";
  };
  winogrande.Write("train_xl.jsonl", Lines(1001, blank));
  winogrande.Write("dev.jsonl", blank("now"));
  const data::Splits blanks = winogrande.Load("winogrande_xl");
  REQUIRE(blanks.test.size() == 1);
  CHECK(blanks.test[0].turns[0].content == "Ann met Bea now as");
  CHECK(blanks.test[0].turns[1].content == "Bea left.");

  DataFolder hellaswag("hellaswag");
  const auto ending = [](const std::string& n) {
    return R"({"activity_label": "Tea", "ctx": "x", "ctx_a": "How )" + n +
           R"( [title] Boil water. [step] Take a pot.", "ctx_b": "the Lady", )"
           R"("endings": ["a", "[substeps] b  c", "d", "e"], "label": 1, )"
           R"("ind": 3})";
  };
  hellaswag.Write("hellaswag_train.jsonl", Lines(1001, ending));
  hellaswag.Write("hellaswag_val.jsonl", ending("to"));
  const data::Splits endings = hellaswag.Load("hellaswag_official");
  REQUIRE(endings.test.size() == 1);
  CHECK(endings.test[0].turns[0].content ==
        "Tea: How to. Boil water. Take a pot. The lady");
  CHECK(endings.test[0].turns[1].content == " b c");

  DataFolder piqa("piqa");
  const auto goal = [](const std::string& n) {
    return R"({"goal": "open )" + n + R"(", "sol1": "pull", "sol2": "push"})";
  };
  piqa.Write("train.jsonl", Lines(1002, goal));
  piqa.Write("train-labels.lst",
             Lines(1001, [](const std::string&) { return "0"; }));
  piqa.Write("valid.jsonl", goal("it"));
  piqa.Write("valid-labels.lst", "1\n");
  const data::Splits goals = piqa.Load("piqa_official");
  REQUIRE(goals.test.size() == 1);
  CHECK(goals.test[0].turns[0].content == "Question: open it\nAnswer:");
  CHECK(goals.test[0].turns[1].content == "push");
  CHECK(goals.train.size() == 1);
  CHECK(ReasonAt(goals, "train.jsonl:1002") ==
        "its label is '', wanted 0 or 1");
}

TEST_CASE("every multiple-choice row answers with one of its choices",
          "[datasets][choice]") {
  const auto data = support::RequireData();
  for (const data::DatasetRow& dataset : AllDatasets()) {
    if (dataset.task.kind != "multiple_choice") continue;
    const auto splits = dataset.load({"", data.string()});
    if (absl::IsNotFound(splits.status())) continue;
    INFO(dataset.name);
    REQUIRE(splits.ok());
    size_t wrong = 0;
    for (const auto* rows :
         {&splits->train, &splits->validation, &splits->test}) {
      for (const data::Row& row : *rows) {
        wrong += row.choices.size() < 2 || row.label < 0 ||
                 row.label >= static_cast<int64_t>(row.choices.size()) ||
                 row.choices[row.label] != row.turns[1].content;
      }
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace sft::datasets::choice_test
