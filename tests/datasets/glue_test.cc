// Classification sets in their makers' layouts, broken rows among them.
#include "tests/datasets/data_folder.h"

namespace sft::datasets::glue_test {
namespace {

// 240 rows of four tab-separated fields, the label in the last.
std::string ManyRteRows() {
  std::string rows = "index\tsentence1\tsentence2\tlabel\n";
  for (int i = 0; i < 240; ++i) {
    const std::string n = std::to_string(i);
    rows += n + "\tpremise " + n + "\thypothesis " + n +
            (i % 2 == 0 ? "\tentailment\n" : "\tnot_entailment\n");
  }
  return rows;
}

TEST_CASE("a row of GLUE becomes a prompt, and a pair for encoders",
          "[datasets][glue]") {
  DataFolder folder("glue/RTE");
  folder.Write("train.tsv", ManyRteRows() +
                                "240\ta\tb\tmaybe\n"
                                "241\tonly three\tfields\n"
                                "242\t \tb\tentailment\n"
                                "243\tP\tH\tentailment\n"
                                "244\tpremise 7\thypothesis 7\t"
                                "not_entailment\n");
  folder.Write("dev.tsv",
               "index\tsentence1\tsentence2\tlabel\n"
               "0\tP\tH\tnot_entailment\n1\tP \"2\t  H  2\tentailment\n");
  const data::Splits splits = folder.Load("glue_rte");
  CHECK(splits.train.size() == 40);
  CHECK(splits.validation.size() == 200);
  REQUIRE(splits.test.size() == 2);
  const data::Row* row =
      Find(splits, "Premise: P \"2\nHypothesis: H 2\nEntailment:");
  REQUIRE(row != nullptr);
  CHECK(row->text == "P \"2");
  CHECK(row->text_pair == "H 2");
  CHECK(row->label == 0);
  CHECK(row->turns[1].content == "yes");
  CHECK(row->id == 3);
  CHECK(splits.refused.size() == 5);
  CHECK(ReasonAt(splits, "train.tsv:242") ==
        "label 'maybe' is none of the task's 2");
  CHECK(ReasonAt(splits, ":243") == "3 fields, wanted 4");
  CHECK(ReasonAt(splits, ":244") == "empty text");
  CHECK(ReasonAt(splits, ":245") == "its text is in the test set");
  CHECK(ReasonAt(splits, ":246").find("duplicate of") == 0);
}

TEST_CASE("MNLI's and QQP's columns are found", "[datasets][glue]") {
  DataFolder mnli("glue/MNLI");
  std::string train = "header\n", dev = "header\n";
  const std::string before = "0\t0\t0n\tfiction\tb\tb\tp\tp\t";
  for (int i = 0; i < 2001; ++i) {
    train += before + "P" + std::to_string(i) + "\tH\tneutral\tneutral\n";
  }
  dev += before +
         "P\tH\tneutral\tneutral\tneutral\tneutral\tneutral\t"
         "contradiction\n" +
         before + "P\tH\ta\ta\ta\ta\ta\t-\n";
  mnli.Write("train.tsv", train);
  mnli.Write("dev_matched.tsv", dev);
  const data::Splits splits = mnli.Load("glue_mnli");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[1].content == "no");
  CHECK(splits.train.size() == 1);
  CHECK(splits.train[0].turns[1].content == "maybe");
  CHECK(ReasonAt(splits, ":3") == "label '-' is none of the task's 3");

  DataFolder qqp("glue/QQP");
  train = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n";
  for (int i = 0; i < 2001; ++i) {
    train += "1\t2\t3\tA" + std::to_string(i) + "\tB\t0\n";
  }
  qqp.Write("train.tsv", train);
  qqp.Write("dev.tsv", "header\n1\t2\t3\tA?\tB?\t1\n");
  const data::Splits questions = qqp.Load("glue_qqp");
  const data::Row* row =
      Find(questions, "Question 1: A?\nQuestion 2: B?\nSame meaning:");
  REQUIRE(row != nullptr);
  CHECK(row->turns[1].content == "yes");
}

TEST_CASE("CoLA has no header, and a mark before the sentence",
          "[datasets][glue]") {
  DataFolder folder("cola");
  std::string train;
  for (int i = 0; i < 502; ++i) {
    train += "x\t" + std::to_string(i % 2) + "\t*\tSentence " +
             std::to_string(i) + ".\n";
  }
  folder.Write("train.tsv", train);
  folder.Write("dev.tsv", "x\t0\t*\tBad this.\nx\t2\t\tOdd.\n");
  const data::Splits splits = folder.Load("cola");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content == "Sentence: Bad this.\nAcceptable:");
  CHECK(splits.test[0].turns[1].content == "no");
  CHECK(splits.test[0].text == "Bad this.");
  CHECK(splits.test[0].text_pair.empty());
  CHECK(splits.train.size() == 2);
}

TEST_CASE("TREC's class stands before the question", "[datasets][glue]") {
  DataFolder folder("trec");
  std::string train;
  for (int i = 0; i < 501; ++i) {
    train += "NUM:count How many " + std::to_string(i) + " ?\n";
  }
  folder.Write("train.txt", train);
  folder.Write("test.txt",
               "HUM:ind Who was Galileo ?\nWHAT:x y ?\nno class\nLOC:city \n"
               "LOC:city \xff\n");
  const data::Splits splits = folder.Load("trec");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].text == "Who was Galileo ?");
  CHECK(splits.test[0].turns[1].content == "human");
  CHECK(ReasonAt(splits, ":2") ==
        "class 'WHAT', wanted ABBR, DESC, ENTY, HUM, LOC or NUM");
  CHECK(ReasonAt(splits, ":3") == "no 'COARSE:fine question'");
  CHECK(ReasonAt(splits, ":4") == "empty question");
  CHECK(ReasonAt(splits, ":5") == "byte 0xff at column 10 is no UTF-8 text");
}

TEST_CASE("SuperGLUE's objects become pairs", "[datasets][glue]") {
  DataFolder wic("superglue/WiC");
  std::string train;
  for (int i = 0; i < 501; ++i) {
    train += R"({"word": "bed", "sentence1": "A )" + std::to_string(i) +
             R"(.", "sentence2": "B.", "label": false})"
             "\n";
  }
  wic.Write("train.jsonl", train);
  wic.Write("val.jsonl",
            R"({"word": "bed", "sentence1": "A.", "sentence2": "B.",)"
            R"( "label": true, "start1": 0})"
            "\n"
            R"({"word": "bed", "sentence1": "A.", "sentence2": "B."})"
            "\n"
            R"({"word": "bed", "sentence1": "A.", "label": true})"
            "\n"
            R"({"word": "x", "sentence1": "A.", "sentence2": "B.",)"
            R"( "label": "true"})");
  const data::Splits splits = wic.Load("superglue_wic");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content ==
        "Word: bed\nSentence 1: A.\nSentence 2: B.\nSame sense:");
  CHECK(splits.test[0].turns[1].content == "yes");
  CHECK(splits.test[0].text == "bed: A.");
  CHECK(ReasonAt(splits, ":2") == "no 'label'");
  CHECK(ReasonAt(splits, ":3") == "no 'sentence2'");
  CHECK(ReasonAt(splits, ":4") == "label \"true\" is none of the task's 2");

  DataFolder copa("superglue/COPA");
  train.clear();
  for (int i = 0; i < 51; ++i) {
    train += R"({"premise": "P )" + std::to_string(i) +
             R"(.", "choice1": "x", "choice2": "y", "question": "effect",)"
             R"( "label": 1})"
             "\n";
  }
  copa.Write("train.jsonl", train);
  copa.Write("val.jsonl",
             R"({"premise": "It rained.", "choice1": "Wet.", "choice2":)"
             R"( "Dry.", "question": "effect", "label": 0})"
             "\n"
             R"({"premise": "It.", "choice1": "Wet.", "choice2": "Dry.",)"
             R"( "question": "reason", "label": 0})");
  const data::Splits causes = copa.Load("superglue_copa");
  REQUIRE(causes.test.size() == 1);
  CHECK(causes.test[0].turns[0].content ==
        "What is the effect of: It rained.\nA: Wet.\nB: Dry.\nAnswer:");
  CHECK(causes.test[0].turns[1].content == "A");
  CHECK(causes.test[0].text_pair == "A: Wet.\nB: Dry.");
  CHECK(ReasonAt(causes, ":2") == "question 'reason', wanted cause or effect");
}

TEST_CASE("O-LoRA's small prompts are taken apart", "[datasets][olora]") {
  DataFolder folder("olora_cl");
  std::string train;
  for (int i = 0; i < 51; ++i) {
    train +=
        R"({"label": "B", "sentence": "Which sentence is the cause of \"P)" +
        std::to_string(i) +
        R"(.\"? Choose one between A and B.\nA: x.\nB: y."})"
        "\n";
  }
  folder.Write("copa_train.jsonl", train);
  folder.Write("copa_test.jsonl",
               R"({"label": "A", "sentence": "Which sentence is the effect of)"
               R"( \"It rained.\"? Choose one between A and B.\nA: Wet.)"
               R"(\nB: Dry."})"
               "\n"
               R"({"label": "C", "sentence": "x"})"
               "\n"
               R"({"label": "A", "sentence": "Which sentence is the effect of)"
               R"( \"It rained.\"?"})");
  folder.Write("copa_labels.json", R"(["A", "B"])");
  const data::Splits splits = folder.Load("copa");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content ==
        "What is the effect of: It rained.\nA: Wet.\nB: Dry.\nAnswer:");
  CHECK(splits.test[0].turns[1].content == "A");
  CHECK(ReasonAt(splits, ":2") == "label 'C' is none of the task's 2");
  CHECK(ReasonAt(splits, ":3") ==
        "no '\"? Choose one between A and B.\\nA: ' where it is wanted");

  folder.Write("copa_labels.json", R"(["A", "C"])");
  const auto refused = folder.TryLoad("copa");
  REQUIRE_FALSE(refused.ok());
  CHECK(std::string(refused.status().message())
            .find("copa_labels.json: the labels are 'A', 'C', wanted 'A', "
                  "'B'") != std::string::npos);
}

}  // namespace
}  // namespace sft::datasets::glue_test
