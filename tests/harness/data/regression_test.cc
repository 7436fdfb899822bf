// Users' rows of numbers; STS-B's files among them.
#include "tests/harness/data/user_files.h"

namespace sft::data::regression_test {

TEST_CASE("STS-B's rows are read from GLUE's file and from JSON lines",
          "[data][regression]") {
  const UserFiles files;
  // Ten columns, a quote that does not close.
  const std::string glue = files.Write(
      "train.tsv",
      "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\t"
      "sentence2\tscore\n"
      "0\tmain-captions\tMSRvid\t2012test\t1\tnone\tnone\tA plane is taking "
      "off.\tAn air plane is taking off.\t5.000\n"
      "1\tmain-news\tMSRpar\t2012\t2\tnone\tnone\tThe \"last one.\tNothing"
      " alike.\t0.600\n");
  const std::string lines = files.Write(
      "train.jsonl",
      "{\"sentence1\":\"A plane is taking off.\",\"sentence2\":\"An air plane "
      "is taking off.\",\"score\":5.0,\"idx\":0}\n"
      "{\"sentence1\":\"The \\\"last one.\",\"sentence2\":\"Nothing alike.\","
      "\"score\":0.6,\"idx\":1}\n");
  for (const std::string& path : {glue, lines}) {
    INFO(path);
    spec::UserData data = DataOf(path, "regression");
    data.columns = {
        {"text", "sentence1"}, {"text_pair", "sentence2"}, {"value", "score"}};
    const Splits splits = Load(data);
    REQUIRE(splits.train.size() == 2);
    CHECK(splits.refused.empty());
    const Row& far = splits.train[splits.train[0].value < 1 ? 0 : 1];
    CHECK(far.value == 0.6);
    CHECK(far.text == "The \"last one.");
    CHECK(far.text_pair == "Nothing alike.");
    CHECK(far.turns[0].content == "The \"last one.\nNothing alike.\nScore:");
    REQUIRE(far.references.size() == 1);
    CHECK(far.turns[1].content == far.references[0]);
    CHECK(std::stod(far.references[0]) == 0.6);
  }
}

TEST_CASE("what is no number is said by file and line", "[data][regression]") {
  const UserFiles files;
  const auto error = [&files](const std::string& value) {
    return ErrorOf(DataOf(files.Write("a.jsonl",
                                      "{\"text\":\"one\",\"value\":2}\n"
                                      "{\"text\":\"two\",\"value\":" +
                                          value + "}\n"),
                          "regression"));
  };
  CHECK(Has(error("\"high\""), "a.jsonl:2"));
  CHECK(Has(error("\"high\""), "column 'value': 'high' is no number"));
  CHECK(Has(error("\"nan\""), "is no number"));
  CHECK(Has(error("[1]"), "wanted a text"));
  CHECK(Has(error("\"\""), "missing or empty"));
}

}  // namespace sft::data::regression_test
