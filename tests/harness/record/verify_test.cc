#include "harness/record/verify.h"

#include <hdf5.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/record/merge.h"
#include "harness/record/record_items.h"
#include "harness/record/sealed_file.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::verify_test {
namespace {

std::string MessageOf(const absl::Status& status) {
  const std::string message(status.message());
  CHECK(message.find('\n') == std::string::npos);
  return status.ok() ? "" : message;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

RunRecord SmallRecord() {
  RunRecord record = SampleRecord();
  record.requested_spec = "question: small\n";
  return record;
}

TEST_CASE("a whole record verifies", "[record][verify]") {
  const ScratchFolder folder;
  REQUIRE(MakeFolders(folder / "runs").ok());
  REQUIRE(
      WriteRunRecord(SmallRecord(), folder / "runs/0123456789abcdef.h5").ok());
  REQUIRE(WriteRunRecord(SmallRecord(),
                         folder / "runs/0123456789abcdef.attempt1.h5")
              .ok());
  const auto verified = VerifyPath(folder.path());
  REQUIRE(verified.ok());
  CHECK(verified->size() == 2);
  for (const VerifiedFile& file : *verified) CHECK(file.status.ok());
  CHECK_FALSE(VerifyPath(folder / "none").ok());
  REQUIRE(MakeFolders(folder / "empty").ok());
  CHECK_FALSE(VerifyPath(folder / "empty").ok());
}

TEST_CASE("a record under another run's name is named", "[record][verify]") {
  const ScratchFolder folder;
  REQUIRE(WriteRunRecord(SmallRecord(), folder / "fedcba9876543210.h5").ok());
  CHECK(Has(MessageOf(VerifyRecord(folder / "fedcba9876543210.h5")),
            "holds run 0123456789abcdef"));
}

TEST_CASE("every flipped byte is found", "[record][verify]") {
  const ScratchFolder folder;
  const std::string path = folder / "a.h5";
  REQUIRE(WriteRunRecord(SmallRecord(), path).ok());
  const std::string bytes = *ReadFile(path);
  for (size_t at = 0; at < bytes.size(); at += at < 600 ? 1 : 211) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    REQUIRE(WriteFileAtomically(path, damaged).ok());
    CAPTURE(at);
    CHECK_FALSE(VerifyRecord(path).ok());
  }
}

TEST_CASE("truncated, random, foreign and missing files give one clear line",
          "[record][verify]") {
  const ScratchFolder folder;
  const std::string path = folder / "a.h5";
  REQUIRE(WriteRunRecord(SmallRecord(), path).ok());
  const std::string bytes = *ReadFile(path);
  const auto message = [&](const std::string& content) {
    REQUIRE(WriteFileAtomically(path, content).ok());
    return MessageOf(VerifyRecord(path));
  };
  CHECK(Has(message(bytes.substr(0, bytes.size() / 2)), "truncated"));
  CHECK(Has(message(bytes.substr(0, 300)), "truncated"));
  CHECK(Has(message(bytes + "x"), "damaged"));
  CHECK(Has(message(bytes.substr(512)), "no record"));
  CHECK(Has(message(""), "no record"));
  std::mt19937 random(1);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  CHECK(Has(message(noise), "no record"));
  CHECK_FALSE(VerifyRecord(folder / "none.h5").ok());
  CHECK_FALSE(VerifyRecord(folder.path()).ok());
}

// As from someone who also mends the checksum of the bytes.
std::string Reseal(const std::string& image) {
  std::string block = "sftbench record\nbytes " + std::to_string(image.size()) +
                      "\nsha256 " + Sha256Hex(image) + "\n";
  block.resize(512, '\0');
  return block + image;
}

TEST_CASE("a forged file is refused by its digests, types and sizes",
          "[record][verify]") {
  const ScratchFolder folder;
  const std::string path = folder / "a.h5";
  const auto message = [&](std::vector<H5Item> items) {
    const auto bytes = SealItems(std::move(items));
    REQUIRE(bytes.ok());
    REQUIRE(WriteFileAtomically(path, *bytes).ok());
    return MessageOf(VerifyRecord(path));
  };
  const auto without = [](const std::string& name) {
    std::vector<H5Item> items = SealedItemsOfRecord(SmallRecord());
    std::erase_if(items, [&](const H5Item& item) {
      return item.path == name || item.attribute == name;
    });
    return items;
  };
  CHECK(message(SealedItemsOfRecord(SmallRecord())) == "");
  CHECK(Has(message(without("/train/loss")), "content_sha256"));
  CHECK(Has(message(without("/measured/train/wall_seconds")), "record_sha256"));
  CHECK(Has(message(without("complete")), "complete: is missing"));
  CHECK(Has(message({}), "schema_version: is missing"));
  CHECK(Has(message({{"/", "schema_version", int64_t{99}}}), "99"));
  CHECK(Has(message({{"/", "schema_version", std::string("1")}}),
            "another type"));
  // Right digests over wrong content.
  const auto resigned = [&](auto change) {
    std::vector<H5Item> items = ItemsOfRecord(SmallRecord());
    change(items);
    items.push_back({"/", kContentSha256, ContentDigest(items)});
    std::sort(items.begin(), items.end(),
              [](const auto& a, const auto& b) { return a.key() < b.key(); });
    items.push_back({"/", kRecordSha256, WholeDigest(items)});
    return message(items);
  };
  CHECK(Has(resigned([](auto& items) {
              for (H5Item& item : items) {
                if (item.path == "/train/loss" && item.attribute.empty()) {
                  item.value = std::vector<double>{1};
                }
              }
            }),
            "/train/loss: has 1 values: wanted 3"));
  CHECK(Has(resigned([](auto& items) {
              for (H5Item& item : items) {
                if (auto* sums = std::get_if<H5Matrix>(&item.value)) {
                  sums->columns = 6;
                }
              }
            }),
            "/metrics/span_f1/sums: has 2 rows: wanted 4"));
  CHECK(Has(resigned([](auto& items) {
              for (H5Item& item : items) {
                if (item.attribute == "config") item.value = std::string("x");
              }
            }),
            "config:1"));
}

TEST_CASE("records of the first schema, without sums, still read",
          "[record][verify]") {
  RunRecord record = SmallRecord();
  for (EvalRecord& eval : record.evals) {
    for (MetricRecord& metric : eval.metrics) metric.sums.clear();
  }
  std::vector<H5Item> items = ItemsOfRecord(record);
  for (H5Item& item : items) {
    if (item.attribute == "schema_version") item.value = int64_t{1};
  }
  items.push_back({"/", kContentSha256, ContentDigest(items)});
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return a.key() < b.key(); });
  items.push_back({"/", kRecordSha256, WholeDigest(items)});
  const ScratchFolder folder;
  REQUIRE(WriteFileAtomically(folder / "a.h5", *SealItems(items)).ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  REQUIRE(back.ok());
  CHECK(back->evals[0].metrics[2].items.size() == 4);
  CHECK(back->evals[0].metrics[2].sums.empty());
}

std::string ImageOf(void (*fill)(hid_t file)) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 1 << 16, false);
  const hid_t file = H5Fcreate("forged", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  fill(file);
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  std::string image(static_cast<size_t>(H5Fget_file_image(file, nullptr, 0)),
                    '\0');
  H5Fget_file_image(file, image.data(), image.size());
  H5Fclose(file);
  H5Pclose(access);
  return image;
}

void AddHugeDataSet(hid_t file) {
  const hsize_t claimed = hsize_t{1} << 60;
  const hid_t space = H5Screate_simple(1, &claimed, nullptr);
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk = 1024;
  H5Pset_chunk(list, 1, &chunk);
  H5Dclose(H5Dcreate2(file, "huge", H5T_IEEE_F64LE, space, H5P_DEFAULT, list,
                      H5P_DEFAULT));
  H5Pclose(list);
  H5Sclose(space);
}
void AddExternalLink(hid_t file) {
  H5Lcreate_external("/etc/passwd", "/", file, "out", H5P_DEFAULT, H5P_DEFAULT);
}
void AddLoop(hid_t file) {
  for (int i = 0; i < 50; ++i) {
    const std::string name = "again" + std::to_string(i);
    H5Lcreate_hard(file, "/", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  }
}
void AddArray(hid_t file, const std::vector<hsize_t>& dims, hid_t type) {
  const hid_t space =
      H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
  H5Dclose(H5Dcreate2(file, "array", type, space, H5P_DEFAULT, H5P_DEFAULT,
                      H5P_DEFAULT));
  H5Sclose(space);
}
void AddCube(hid_t file) { AddArray(file, {2, 2, 2}, H5T_IEEE_F64LE); }
void AddIntTable(hid_t file) { AddArray(file, {2, 2}, H5T_STD_I64LE); }
void AddNoColumns(hid_t file) { AddArray(file, {2, 0}, H5T_IEEE_F64LE); }
void AddWideTable(hid_t file) {
  AddArray(file, {0, hsize_t{1} << 60}, H5T_IEEE_F64LE);
}

TEST_CASE(
    "huge sizes, links to elsewhere, loops and strange shapes are refused",
    "[record][verify]") {
  struct Forged {
    void (*fill)(hid_t);
    const char* what;
  };
  const auto forged =
      GENERATE(values<Forged>({{AddHugeDataSet, "more than the file can hold"},
                               {AddExternalLink, "link to elsewhere"},
                               {AddLoop, "/again0"},
                               {AddCube, "shape that no record has"},
                               {AddIntTable, "shape that no record has"},
                               {AddNoColumns, "shape that no record has"},
                               {AddWideTable, "shape that no record has"}}));
  const ScratchFolder folder;
  const std::string path = folder / "a.h5";
  REQUIRE(WriteFileAtomically(path, Reseal(ImageOf(forged.fill))).ok());
  CHECK(Has(MessageOf(VerifyRecord(path)), forged.what));
  REQUIRE(WriteFileAtomically(path, Reseal("no HDF5 at all")).ok());
  CHECK(Has(MessageOf(VerifyRecord(path)), "is no HDF5 file"));
}

TEST_CASE("comparing names the first difference, times aside",
          "[record][verify]") {
  const ScratchFolder folder;
  RunRecord record = SmallRecord();
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto compare = [&]() {
    REQUIRE(WriteRunRecord(record, folder / "b.h5").ok());
    const auto found = CompareRecords(folder / "a.h5", folder / "b.h5");
    REQUIRE(found.ok());
    return *found;
  };
  record.steps[0].wall_seconds = 99;
  record.provenance_run["host"] = "other";
  CHECK(compare() == "");
  record.steps[1].loss = 0.25;
  CHECK(compare() == "/train/loss[1]: 0.5 and 0.25");
  record = SmallRecord();
  record.facts.erase("a/b");
  CHECK(Has(compare(), "/facts/a%2Fb: only in"));
  record = SmallRecord();
  record.config.seed = 3;
  CHECK(compare() == "/ @config: 'seed = 0' and 'seed = 3'");
  record = SmallRecord();
  record.evals[0].metrics[2].sums[4] = 7;
  CHECK(Has(compare(), "/metrics/span_f1/sums[4]: 1 and 7"));
  record = SmallRecord();
  record.steps.pop_back();
  CHECK(Has(compare(), "3 and 2 values"));
}

TEST_CASE("merged records read as they were", "[record][merge]") {
  const ScratchFolder folder;
  REQUIRE(MakeFolders(folder / "runs").ok());
  RunRecord record = SmallRecord();
  REQUIRE(WriteRunRecord(record, folder / "runs/0123456789abcdef.h5").ok());
  record.run_id = "fedcba9876543210";
  record.status = RunStatus::kOk;
  REQUIRE(WriteRunRecord(record, folder / "runs/fedcba9876543210.h5").ok());
  REQUIRE(WriteRunRecord(record, folder / "runs/fedcba9876543210.attempt1.h5")
              .ok());
  const auto n = MergeRecords({folder.path()}, folder / "all.h5");
  REQUIRE(n.ok());
  CHECK(*n == 3);
  const auto records = ReadRunRecords(folder / "all.h5");
  REQUIRE(records.ok());
  REQUIRE(records->size() == 3);
  CHECK((*records)[0].name == "0123456789abcdef");
  CHECK((*records)[1].name == "fedcba9876543210");
  CHECK((*records)[2].name == "fedcba9876543210.attempt1");
  CHECK(ContentSha256((*records)[1].record) == ContentSha256(record));
  CHECK(VerifyRecord(folder / "all.h5").ok());
  CHECK_FALSE(ReadRunRecord(folder / "all.h5").ok());

  // Merging again changes nothing; a clash is an error.
  REQUIRE(
      MergeRecords({folder / "all.h5", folder.path()}, folder / "b.h5").ok());
  CHECK(*ReadFile(folder / "all.h5") == *ReadFile(folder / "b.h5"));
  record.status_message = "other";
  REQUIRE(WriteRunRecord(record, folder / "fedcba9876543210.h5").ok());
  CHECK_FALSE(MergeRecords({folder / "all.h5", folder / "fedcba9876543210.h5"},
                           folder / "c.h5")
                  .ok());
  CHECK_FALSE(FileExists(folder / "c.h5"));
}

}  // namespace
}  // namespace sft::record::verify_test
