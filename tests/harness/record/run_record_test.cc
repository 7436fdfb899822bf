#include "harness/record/run_record.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "harness/core/files.h"
#include "harness/record/record_items.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::run_record_test {
namespace {

bool SameItems(const RunRecord& a, const RunRecord& b) {
  return WholeDigest(ItemsOfRecord(a)) == WholeDigest(ItemsOfRecord(b));
}

TEST_CASE("a record reads back bit for bit, NaN and infinity too",
          "[record][round_trip]") {
  const ScratchFolder folder;
  const RunRecord record = SampleRecord();
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  REQUIRE(back.ok());
  CHECK(SameItems(record, *back));
  CHECK(back->status == RunStatus::kDiverged);
  CHECK(back->config.CanonicalConfigText() ==
        record.config.CanonicalConfigText());
  CHECK(back->requested_spec == record.requested_spec);
  CHECK(back->axes == record.axes);
  REQUIRE(back->steps.size() == 3);
  CHECK(std::isnan(back->steps[2].loss));
  CHECK(std::isinf(back->steps[1].grad_norm));
  CHECK(std::signbit(back->steps[0].grad_norm));
  CHECK(back->steps[1].wall_seconds == 0.5);
  REQUIRE(back->evals.size() == 4);
  CHECK(back->evals[0].metrics[0].name == "accuracy");
  CHECK(back->evals[0].metrics[0].items == std::vector<double>{1, 0, 1, 1});
  CHECK(back->evals[0].metrics[1].name == "f1_macro");
  CHECK(back->evals[0].metrics[1].sums.empty());
  CHECK(back->evals[0].metrics[2].sums == record.evals[0].metrics[2].sums);
  CHECK(back->evals[0].metrics[2].sum_columns == 3);
  CHECK(back->evals[0].row_ids == record.evals[0].row_ids);
  CHECK_FALSE(back->evals[1].metrics[0].higher_is_better);
  CHECK(back->evals[2].tokens == 322);
  CHECK(back->evals[2].round == 1);
  CHECK(back->evals[3].task == "odd/task %.");
  CHECK(back->facts == record.facts);
  CHECK(back->texts == record.texts);
  CHECK(back->forgetting == record.forgetting);
  CHECK(back->memory.measured_bytes == record.memory.measured_bytes);
  CHECK(back->memory.predicted_bytes == record.memory.predicted_bytes);
  CHECK(back->measured == record.measured);
  CHECK(back->provenance_build == record.provenance_build);
  CHECK(back->provenance_run == record.provenance_run);
  CHECK(back->prompts == record.prompts);
  CHECK(back->generations == record.generations);
}

TEST_CASE("an empty record can be written and read", "[record][round_trip]") {
  const ScratchFolder folder;
  const RunRecord record;
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  REQUIRE(back.ok());
  CHECK(SameItems(record, *back));
}

TEST_CASE("many steps, items and names fit", "[record][round_trip]") {
  const ScratchFolder folder;
  RunRecord record = SampleRecord();
  record.steps.resize(20000);
  record.evals[0].metrics[0].items.assign(50000, 0.25);
  for (int i = 0; i < 500; ++i) {
    record.texts["name" + std::to_string(i)] = std::string(i, 'x');
    record.facts["fact" + std::to_string(i)] = i;
  }
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  REQUIRE(back.ok());
  CHECK(SameItems(record, *back));
}

TEST_CASE("text that is no UTF-8 is mended, not refused",
          "[record][round_trip]") {
  const ScratchFolder folder;
  RunRecord record;
  record.status_message = std::string("bad \xff and \0 byte", 16);
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  REQUIRE(back.ok());
  CHECK(back->status_message == "bad \xef\xbf\xbd and \xef\xbf\xbd byte");
  CHECK(ContentSha256(record) == ContentSha256(*back));
}

TEST_CASE("the content digest covers all but /measured and /provenance",
          "[record][digest]") {
  const std::string digest = ContentSha256(SampleRecord());
  const auto changed = [&](auto change) {
    RunRecord record = SampleRecord();
    change(record);
    return ContentSha256(record) != digest;
  };
  CHECK(
      changed([](RunRecord& r) { r.steps[0].loss = std::nextafter(1., 2.); }));
  CHECK(changed([](RunRecord& r) { r.steps[0].grad_norm = 0.0; }));
  CHECK(changed([](RunRecord& r) { r.evals[0].metrics[0].items[1] = 1; }));
  CHECK(changed([](RunRecord& r) { r.evals[0].metrics[2].sums[1] = 1; }));
  CHECK(changed([](RunRecord& r) { r.evals[0].metrics[2].sum_columns = 2; }));
  CHECK(changed([](RunRecord& r) { r.evals[0].predictions[1] = 0; }));
  CHECK(changed([](RunRecord& r) { r.facts["x"] = 1; }));
  CHECK(changed([](RunRecord& r) { r.texts["x"] = ""; }));
  CHECK(changed([](RunRecord& r) { r.config.seed = 1; }));
  CHECK(changed([](RunRecord& r) { r.status_message = ""; }));
  CHECK(changed([](RunRecord& r) { r.memory.predicted_bytes["x"] = 1; }));
  CHECK_FALSE(changed([](RunRecord& r) { r.steps[0].wall_seconds = 9; }));
  CHECK_FALSE(changed([](RunRecord& r) { r.evals[0].wall_seconds = 9; }));
  CHECK_FALSE(changed([](RunRecord& r) { r.memory.measured_bytes["x"] = 1; }));
  CHECK_FALSE(changed([](RunRecord& r) { r.measured["x"] = 1; }));
  CHECK_FALSE(changed([](RunRecord& r) { r.provenance_build["x"] = ""; }));
  CHECK_FALSE(changed([](RunRecord& r) { r.provenance_run["x"] = ""; }));
}

TEST_CASE("the same record gives the same bytes", "[record][digest]") {
  const ScratchFolder folder;
  REQUIRE(WriteRunRecord(SampleRecord(), folder / "a.h5").ok());
  REQUIRE(WriteRunRecord(SampleRecord(), folder / "b.h5").ok());
  CHECK(*ReadFile(folder / "a.h5") == *ReadFile(folder / "b.h5"));
}

TEST_CASE("the first to publish wins, and nothing else is left",
          "[record][publish]") {
  const ScratchFolder folder;
  RunRecord record = SampleRecord();
  const auto first = PublishRunRecord(record, folder / "a.h5");
  REQUIRE(first.ok());
  CHECK(*first);
  record.status_message = "the second";
  const auto second = PublishRunRecord(record, folder / "a.h5");
  REQUIRE(second.ok());
  CHECK_FALSE(*second);
  CHECK(ReadRunRecord(folder / "a.h5")->status_message ==
        SampleRecord().status_message);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    (void)entry;
    ++files;
  }
  CHECK(files == 1);
  CHECK_FALSE(PublishRunRecord(record, folder / "none/a.h5").ok());
}

}  // namespace
}  // namespace sft::record::run_record_test
