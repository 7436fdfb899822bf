#include "harness/analysis/record_query.h"

#include <algorithm>

#include "harness/record/merge.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::record_query_test {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("a record has all its numbers and texts by name",
          "[analysis][query]") {
  const QueryRow row =
      RowOfRecord({"0123456789abcdef.attempt2", record::SampleRecord()});
  CHECK(row.at("run_id").text == "0123456789abcdef");
  CHECK_FALSE(row.at("run_id").is_number);  // though some ids look like one
  CHECK(row.at("attempt").text == "2");
  CHECK(row.at("rung").text == "0");
  const QueryRow of_rung =
      RowOfRecord({"0123456789abcdef.rung3", record::SampleRecord()});
  CHECK(of_rung.at("attempt").text == "0");
  CHECK(of_rung.at("rung").text == "3");
  CHECK(row.at("status").text == "diverged");
  CHECK(row.at("method").text == "lora");
  CHECK(row.at("seed").is_number);
  CHECK(row.at("lora.rank").text == "8");
  CHECK(row.at("rotten_tomatoes/test/accuracy").text == "0.75");
  CHECK(row.at("rotten_tomatoes/test/accuracy@1").text == "0.75");
  CHECK(row.at("fact.trainable_parameters").text == "4884480");
  CHECK(row.at("measured.peak_rss_bytes").is_number);
  CHECK(row.at("text.weights_sha256").text == "00ff");
  CHECK(row.at("forgetting.wiki_demo/cross_entropy_change").text == "0.01");
}

TEST_CASE("the last round's score stands under the plain name",
          "[analysis][query]") {
  record::RunRecord record;
  EvalRecord eval;
  eval.task = "sst2";
  eval.split = "test";
  eval.metrics = {{"accuracy", 0.25, "fraction", "", true, {}}};
  record.evals = {eval};
  eval.round = 1;
  eval.metrics[0].value = 0.5;
  record.evals.push_back(eval);
  const QueryRow row = RowOfRecord({"a", record});
  CHECK(row.at("sst2/test/accuracy").text == "0.5");
  CHECK(row.at("sst2/test/accuracy@0").text == "0.25");
  CHECK(UsualColumns({"a", record}) ==
        Names{"run_id", "status", "sst2/test/accuracy"});
}

TEST_CASE("conditions compare numbers as numbers and texts as texts",
          "[analysis][query]") {
  const QueryRow row = {{"method", {"lora", false}},
                        {"seed", {"2", true}},
                        {"learning_rate", {"0.001", true}}};
  const auto holds = [&row](const std::string& text) {
    const auto all = ParseConditions(text);
    REQUIRE(all.ok());
    return Fulfils(row, *all);
  };
  CHECK(holds(""));
  CHECK(holds("method=lora"));
  CHECK(holds("method==lora,seed<3"));
  CHECK_FALSE(holds("method=lora,seed<2"));
  CHECK(holds("seed<=2,seed>=2,seed!=3,seed>1"));
  CHECK(holds("learning_rate=1e-3"));
  CHECK(holds("seed<10"));  // as texts, "2" would not be
  CHECK(holds("method!=full"));
  CHECK_FALSE(holds("method!=lora"));
  CHECK_FALSE(holds("method<zzz"));
  // Of what a row does not have nothing is known.
  CHECK_FALSE(holds("rank=8"));
  CHECK_FALSE(holds("rank<8"));
  CHECK(holds("rank!=8"));
  for (const char* text : {"method", "=lora", "method=lora,", "a=<b", "a!b"}) {
    INFO(text);
    const auto all = ParseConditions(text);
    REQUIRE_FALSE(all.ok());
    CHECK(Has(std::string(all.status().message()), "wants conditions"));
  }
}

TEST_CASE("a query filters a folder's records, and a merged file's alike",
          "[analysis][query]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord&) { return true; });
  const std::string dir = sweep.folder.path();
  const std::string file = dir + "/all.h5";
  REQUIRE(record::MergeRecords({dir}, file).ok());
  for (const std::string& path : {dir, file}) {
    const auto all = QueryRecords(path, {}, {});
    REQUIRE(all.ok());
    CHECK(all->rows.size() == sweep.plan.runs.size());
    CHECK(all->columns[0] == "run_id");
    CHECK(std::count(all->columns.begin(), all->columns.end(),
                     "rotten_tomatoes/test/accuracy") == 1);
    const auto some =
        QueryRecords(path, *ParseConditions("method=lora,lora.rank=64,seed=1"),
                     {"batching", "fact.optimizer_steps"});
    REQUIRE(some.ok());
    CHECK(some->columns == Names{"batching", "fact.optimizer_steps"});
    REQUIRE(some->rows.size() == 2);
    for (const QueryRow& row : some->rows) {
      CHECK(row.size() == 2);
      CHECK(row.at("fact.optimizer_steps").text == "20");
    }
    CHECK(QueryRecords(path, *ParseConditions("method=hft"), {})->rows.empty());
    const auto unknown = QueryRecords(path, {}, {"fact.optimizer_step"});
    REQUIRE_FALSE(unknown.ok());
    CHECK(Has(std::string(unknown.status().message()),
              "did you mean 'fact.optimizer_steps'?"));
    CHECK_FALSE(QueryRecords(path, *ParseConditions("metod=lora"), {}).ok());
  }
}

TEST_CASE("a damaged record is named, and the others are rows",
          "[analysis][query]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord&) { return true; });
  const std::string& id = sweep.plan.runs[3].run_id;
  REQUIRE(WriteFileAtomically(sweep.paths.Record(id), "broken").ok());
  const auto result = QueryRecords(sweep.folder.path(), {}, {"run_id"});
  REQUIRE(result.ok());
  CHECK(result->rows.size() == sweep.plan.runs.size() - 1);
  REQUIRE(result->damaged.size() == 1);
  CHECK(Has(result->damaged[0], id));
}

}  // namespace
}  // namespace sft::analysis::record_query_test
