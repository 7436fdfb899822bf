// Users' rows of several labels.
#include "harness/data/tasks/head_window.h"
#include "tests/harness/data/user_files.h"

namespace sft::data::multi_label_test {

TEST_CASE("labels come as lists, as JSON in a table, or between commas",
          "[data][multi_label]") {
  const UserFiles files;
  const std::string lists =
      files.Write("a.jsonl",
                  "{\"text\":\"one\",\"labels\":[\"joy\",\"fear\"]}\n"
                  "{\"text\":\"two\",\"labels\":[]}\n"
                  "{\"text\":\"three\",\"labels\":[\"joy\",\"joy\"]}\n"
                  "{\"text\":\"four\",\"labels\":\"anger, fear\"}\n");
  const std::string table = files.Write("a.csv",
                                        "text,labels\n"
                                        "one,\"[\"\"joy\"\", \"\"fear\"\"]\"\n"
                                        "two,\n"
                                        "three,joy\n"
                                        "four,\"anger, fear\"\n");
  for (const std::string& path : {lists, table}) {
    INFO(path);
    const spec::UserData data = DataOf(path, "multi_label");
    const auto row = MakeUserDataset(data);
    INFO(row.status().ToString());
    REQUIRE(row.ok());
    CHECK(row->task.labels == std::vector<std::string>{"anger", "fear", "joy"});
    CHECK(row->task.metrics == std::vector<std::string>{"labels_f1_micro",
                                                        "labels_f1_macro",
                                                        "subset_accuracy"});
    const Splits splits = Load(data);
    REQUIRE(splits.train.size() == 4);
    std::map<std::string, const Row*> rows;
    for (const Row& one : splits.train) rows[one.text] = &one;
    CHECK(rows["one"]->label_set == std::vector<int64_t>{1, 2});
    CHECK(rows["one"]->turns[1].content == "fear, joy");
    CHECK(rows["one"]->turns[0].content == "one\nLabels:");
    CHECK(rows["two"]->label_set.empty());
    CHECK(rows["two"]->references.empty());
    CHECK(rows["two"]->turns[1].content == "none");
    CHECK(rows["three"]->label_set == std::vector<int64_t>{2});
    CHECK(rows["four"]->label_set == std::vector<int64_t>{0, 1});
  }
}

TEST_CASE("labels that cannot be used are said", "[data][multi_label]") {
  const UserFiles files;
  const auto error = [&files](const std::string& labels) {
    return ErrorOf(
        DataOf(files.Write("a.jsonl",
                           "{\"text\":\"one\",\"labels\":[\"joy\"]}\n"
                           "{\"text\":\"two\",\"labels\":" +
                               labels + "}\n"),
               "multi_label"));
  };
  CHECK(Has(error("[\"None\"]"), "stands for no label at all"));
  CHECK(Has(error("[\"a, b\"]"), "holds a comma"));
  CHECK(Has(error("[[\"a\"]]"), "a.jsonl:2"));
  CHECK(Has(error("[[\"a\"]]"), "found a array"));
  CHECK(Has(error("null"), "is missing"));
  CHECK(Has(error("3"), "wanted a text"));
  spec::UserData data = DataOf(
      files.Write("b.jsonl", "{\"text\":\"one\",\"labels\":[\"joy\"]}\n"),
      "multi_label");
  data.labels = {"fear", "anger"};
  CHECK(Has(ErrorOf(data), "label 'joy' is none of"));
  data.labels.clear();
  data.metrics = {"accuracy"};
  CHECK(Has(ErrorOf(data), "metrics: 'accuracy' is none of multi_label"));
}

}  // namespace sft::data::multi_label_test
