// What is kept of a run that was stopped before it had a checkpoint.
#include "harness/launch/run_checkpoint.h"

#include <cmath>

#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch {
namespace {

record::RunRecord HalfMeasured() {
  record::RunRecord record;
  record.run_id = "0af";
  record.texts["model_sha256"] = "aa11";
  EvalRecord eval;
  eval.task = "birds";
  eval.split = "test";
  MetricRecord metric;
  metric.name = "accuracy";
  metric.value = 0.25;
  metric.unit = "fraction";
  eval.metrics = {metric};
  record.evals = {eval};
  return record;
}

TEST_CASE("evaluations and pieces come back bit for bit",
          "[launch][checkpoint]") {
  const support::TempDir dir;
  const std::string folder = (dir.path() / "measured").string();
  const record::RunRecord record = HalfMeasured();
  const auto none = ReadMeasured(folder, record);
  REQUIRE(none.ok());
  CHECK(none->evals.empty());
  CHECK(none->pieces.done.empty());

  Pieces pieces;
  pieces.of = "birds/validation/0";
  pieces.done = {{1.0 / 3, -INFINITY}, {}, {5e-324, NAN, 7}};
  REQUIRE(KeepMeasured(record, pieces, folder).ok());
  auto kept = ReadMeasured(folder, record);
  REQUIRE(kept.ok());
  REQUIRE(kept->evals.size() == 1);
  CHECK(kept->evals[0].task == "birds");
  CHECK(kept->evals[0].metrics[0].value == 0.25);
  CHECK(kept->pieces.of == pieces.of);
  REQUIRE(kept->pieces.done.size() == 3);
  CHECK(kept->pieces.done[0] == pieces.done[0]);
  CHECK(kept->pieces.done[1].empty());
  CHECK(kept->pieces.done[2][0] == 5e-324);
  CHECK(std::isnan(kept->pieces.done[2][1]));

  // A later stop replaces them, also with none.
  REQUIRE(KeepMeasured(record, Pieces(), folder).ok());
  kept = ReadMeasured(folder, record);
  REQUIRE(kept.ok());
  CHECK(kept->evals.size() == 1);
  CHECK(kept->pieces.done.empty());
}

TEST_CASE("what is damaged counts for nothing, what is another's is an error",
          "[launch][checkpoint]") {
  const support::TempDir dir;
  const std::string folder = (dir.path() / "measured").string();
  record::RunRecord record = HalfMeasured();
  Pieces pieces;
  pieces.of = "birds/validation/0";
  pieces.done = {{1, 2}, {3}};
  REQUIRE(KeepMeasured(record, pieces, folder).ok());
  REQUIRE(WriteFileAtomically(folder + "/pieces.safetensors", "not this").ok());
  auto kept = ReadMeasured(folder, record);
  REQUIRE(kept.ok());
  CHECK(kept->evals.size() == 1);
  CHECK(kept->pieces.done.empty());
  record.texts["model_sha256"] = "bb22";
  CHECK(ReadMeasured(folder, record).status().code() ==
        absl::StatusCode::kInvalidArgument);
  REQUIRE(WriteFileAtomically(folder + "/record.h5", "nor this").ok());
  kept = ReadMeasured(folder, record);
  REQUIRE(kept.ok());
  CHECK(kept->evals.empty());
}

}  // namespace
}  // namespace sft::launch
