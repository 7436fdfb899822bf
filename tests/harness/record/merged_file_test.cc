// Files of many records: what is written comes back byte for byte, also out of
// those of older builds.
#include "harness/record/merged_file.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/packed_items.h"
#include "harness/record/record_file.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"
#include "harness/record/sealed_file.h"
#include "harness/record/verify.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::merged_file_test {
namespace {

RunRecord RecordOf(const std::string& run_id) {
  RunRecord record = SampleRecord();
  record.run_id = run_id;
  record.requested_spec = "question: small\n";
  return record;
}

// As builds before packed records wrote it: HDF5 alone behind the seal.
std::string PlainFile(std::vector<H5Item> items) {
  const auto image = EncodeH5(std::move(items));
  REQUIRE(image.ok());
  return SealOf(image->size(), Sha256Hex(*image)) + *image;
}

// As they merged: every record's objects below /runs/<name>.
std::string OldMergedFile(const std::vector<RunRecord>& records,
                          const std::vector<std::string>& plans) {
  std::vector<H5Item> items = {{"/", "complete", int64_t{1}},
                               {"/", "kind", std::string("merged")},
                               {"/", "schema_version", kSchemaVersion},
                               {kMergedPlanPath, "", plans},
                               {kMergedPlanPath, "unit", std::string("JSON")}};
  for (const RunRecord& record : records) {
    const std::string group = absl::StrCat(kMergedRunsPath, "/", record.run_id);
    for (H5Item& item : SealedItemsOfRecord(record)) {
      item.path = item.path == "/" ? group : absl::StrCat(group, item.path);
      items.push_back(std::move(item));
    }
  }
  std::sort(items.begin(), items.end(),
            [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
  items.push_back({"/", kRecordSha256, WholeDigest(items)});
  return PlainFile(std::move(items));
}

TEST_CASE("a merged file gives back each record's bytes and the plans",
          "[record][merge]") {
  const ScratchFolder folder;
  const std::string path = folder / "all.h5";
  const std::vector<std::string> plans = {"{\"a\": 1}",
                                          std::string(100000, 'p')};
  const std::string odd = "a/b%..attempt1";
  const std::string large(3 << 20, 'x');
  {
    auto writer = MergedWriter::Create(path, plans);
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Add("0123", "some bytes").ok());
    REQUIRE((*writer)->Add(odd, large).ok());
    REQUIRE((*writer)->Add("e", "x").ok());
    CHECK_FALSE(FileExists(path));  // before it is finished
    CHECK_FALSE((*writer)->Add("e", "twice").ok());
    REQUIRE((*writer)->Finish().ok());
  }
  const auto bytes = ReadSealed(path);
  REQUIRE(bytes.ok());
  CHECK(bytes->size() < large.size() / 4);  // it is deflated
  const auto reader = MergedReader::Open(path, *bytes);
  REQUIRE(reader.ok());
  CHECK((*reader)->names() == std::vector<std::string>{"0123", odd, "e"});
  CHECK((*reader)->plans() == plans);
  CHECK(*(*reader)->Read("0123") == "some bytes");
  CHECK(*(*reader)->Read(odd) == large);
  CHECK(*(*reader)->Read("e") == "x");
  CHECK_FALSE((*reader)->Read("none").ok());
}

TEST_CASE("a merged file that is not finished leaves nothing",
          "[record][merge]") {
  const ScratchFolder folder;
  {
    auto writer = MergedWriter::Create(folder / "all.h5", {});
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Add("a", "bytes").ok());
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_FALSE(MergedWriter::Create(folder / "no/such/all.h5", {}).ok());
}

TEST_CASE("a merged file that nobody could read is not made",
          "[record][merge]") {
  const ScratchFolder folder;
  const auto finish = [&folder](int64_t max_bytes) {
    auto writer = MergedWriter::Create(folder / "all.h5", {}, max_bytes);
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Add("a", "bytes").ok());
    return (*writer)->Finish();
  };
  const absl::Status status = finish(kSealBytes);
  CHECK(status.message().find("merge in parts") != absl::string_view::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(finish(kMaxRecordBytes).ok());
}

TEST_CASE("every flipped byte of a merged file is found", "[record][merge]") {
  const ScratchFolder folder;
  REQUIRE(MakeFolders(folder / "runs").ok());
  for (const char* id : {"0123456789abcdef", "fedcba9876543210"}) {
    REQUIRE(
        WriteRunRecord(RecordOf(id), absl::StrCat(folder / "runs/", id, ".h5"))
            .ok());
  }
  const std::string path = folder / "all.h5";
  REQUIRE(MergeRecords({folder.path()}, path).ok());
  CHECK(VerifyRecord(path).ok());
  const std::string bytes = *ReadFile(path);
  for (size_t at = 0; at < bytes.size(); at += at < 600 ? 7 : 997) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    REQUIRE(WriteFileAtomically(path, damaged).ok());
    CAPTURE(at);
    CHECK_FALSE(VerifyRecord(path).ok());
  }
}

TEST_CASE("files of older builds read, and merge with those of this one",
          "[record][merge]") {
  const ScratchFolder folder;
  const RunRecord first = RecordOf("0123456789abcdef");
  const RunRecord second = RecordOf("fedcba9876543210");
  const std::string old = folder / "old.h5";
  REQUIRE(
      WriteFileAtomically(old, OldMergedFile({first, second}, {"{}"})).ok());
  CHECK(VerifyRecord(old).ok());
  const auto records = ReadRunRecords(old);
  REQUIRE(records.ok());
  REQUIRE(records->size() == 2);
  CHECK((*records)[0].name == first.run_id);
  CHECK(ContentSha256((*records)[1].record) == ContentSha256(second));
  const auto plans = ReadPlanTexts(old);
  REQUIRE(plans.ok());
  REQUIRE(plans->size() == 1);
  CHECK(plans->front().file == old);
  CHECK(plans->front().text == "{}");

  // A single one, and the same record as this build writes it: it is one.
  const std::string plain = folder / "0123456789abcdef.h5";
  REQUIRE(
      WriteFileAtomically(plain, PlainFile(SealedItemsOfRecord(first))).ok());
  CHECK(ContentSha256(*ReadRunRecord(plain)) == ContentSha256(first));
  REQUIRE(MakeFolders(folder / "new").ok());
  REQUIRE(WriteRunRecord(first, folder / "new/0123456789abcdef.h5").ok());
  const auto merged =
      MergeRecords({old, plain, folder / "new"}, folder / "all.h5");
  INFO(merged.status().ToString());
  REQUIRE(merged.ok());
  CHECK(*merged == 2);
  RunRecord other = first;
  other.measured["load_wall_seconds"] = 7;
  REQUIRE(WriteRunRecord(other, folder / "new/0123456789abcdef.h5").ok());
  const auto clash = MergeRecords({old, folder / "new"}, folder / "b.h5");
  REQUIRE_FALSE(clash.ok());
  CHECK(std::string(clash.status().message()).find("another record stands") !=
        std::string::npos);
  // A digest of an old merged file that does not hold.
  std::vector<H5Item> forged = {{"/", "kind", std::string("merged")},
                                {"/", kRecordSha256, std::string("00")}};
  REQUIRE(WriteFileAtomically(old, PlainFile(forged)).ok());
  CHECK_FALSE(VerifyRecord(old).ok());
}

TEST_CASE(
    "every record is taken once and in order, damaged ones by their error",
    "[record][merge]") {
  const ScratchFolder folder;
  std::vector<std::string> ids;
  for (int i = 0; i < 150; ++i) {  // more than are read at a time
    ids.push_back(absl::StrFormat("%016x", 1000 + i));
    const std::string path = folder / (ids.back() + ".h5");
    REQUIRE((i == 70 ? WriteFileAtomically(path, "broken")
                     : WriteRunRecord(RecordOf(ids.back()), path))
                .ok());
  }
  std::vector<std::string> taken;
  ForEachRecord(*ListRecordFiles(folder.path()),
                [&](const std::string& file, absl::StatusOr<NamedRecord> one) {
                  const std::string stem =
                      std::filesystem::path(file).stem().string();
                  CHECK(one.ok() == (stem != ids[70]));
                  if (one.ok()) CHECK(one->record.run_id == stem);
                  taken.push_back(stem);
                });
  CHECK(taken == ids);
  CHECK_FALSE(MergeRecords({folder.path()}, folder / "all.h5").ok());
  REQUIRE(RemoveAll(folder / (ids[70] + ".h5")).ok());
  CHECK(*MergeRecords({folder.path()}, folder / "all.h5") == 149);
  ids.erase(ids.begin() + 70);
  taken.clear();
  ForEachRecord({folder / "all.h5"},
                [&](const std::string&, absl::StatusOr<NamedRecord> one) {
                  REQUIRE(one.ok());
                  taken.push_back(one->name);
                });
  CHECK(taken == ids);
}

}  // namespace
}  // namespace sft::record::merged_file_test
