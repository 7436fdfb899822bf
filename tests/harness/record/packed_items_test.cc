#include "harness/record/packed_items.h"

#include <hdf5.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/record_items.h"
#include "harness/record/sealed_file.h"
#include "harness/record/verify.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::packed_items_test {
namespace {

TEST_CASE("packed items come back bit for bit", "[record][packed]") {
  std::vector<H5Item> items = SealedItemsOfRecord(SampleRecord());
  items.push_back({"/x", "", std::vector<double>{std::nan("1"), -0.0}});
  items.push_back({"/y", "", std::vector<std::string>{"", "b"}});
  items.push_back({"/z", "", H5Matrix{{}, 3}});
  const auto packed = PackItems(items);
  REQUIRE(packed.ok());
  const auto back = UnpackItems("a", *packed);
  REQUIRE(back.ok());
  REQUIRE(back->size() == items.size());
  CHECK(FlatBytes(*back) == FlatBytes(items));
  CHECK(WholeDigest(*back) == WholeDigest(items));
  CHECK(UnpackItems("a", *PackItems({}))->empty());
}

TEST_CASE("packed bytes that claim more than they hold are refused",
          "[record][packed]") {
  const std::string packed = *PackItems(SealedItemsOfRecord(SampleRecord()));
  for (size_t size = 0; size < packed.size();
       size += size < 32 ? 1 : packed.size() / 50) {
    CAPTURE(size);
    CHECK_FALSE(UnpackItems("a", packed.substr(0, size)).ok());
  }
  std::string huge = packed;
  const uint64_t claimed = uint64_t{1} << 60;
  std::memcpy(huge.data(), &claimed, sizeof(claimed));
  CHECK_FALSE(UnpackItems("a", huge).ok());
  for (size_t at = 0; at < packed.size(); at += 1 + packed.size() / 200) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x21);
    const auto read = UnpackItems("a", damaged);
    CAPTURE(at);
    CHECK_FALSE(read.ok());  // zlib has a sum of its own
  }
}

TEST_CASE("flat bytes that are damaged are read within their bounds",
          "[record][packed]") {
  RunRecord record = SampleRecord();
  record.requested_spec.clear();
  const std::string flat = FlatBytes(SealedItemsOfRecord(record));
  for (size_t at = 0; at < flat.size(); at += at < 2000 ? 1 : 13) {
    std::string damaged = flat;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    const auto read = ItemsOfFlatBytes("a", damaged);
    // Where nothing is found to be wrong, as much was read as there is.
    if (read.ok()) CHECK(FlatBytes(*read).size() == flat.size());
  }
  CHECK_FALSE(ItemsOfFlatBytes("a", flat.substr(0, flat.size() - 1)).ok());
}

TEST_CASE("a record's file keeps its items packed and as HDF5 objects",
          "[record][packed]") {
  const auto bytes = SealItems(SealedItemsOfRecord(SampleRecord()));
  REQUIRE(bytes.ok());
  CHECK(CheckSeal("a", *bytes).ok());
  CHECK(HasPackedItems(*bytes));
  const auto packed = ItemsOfSealed("a", *bytes);
  const auto seen = DecodeH5("a", *bytes);
  REQUIRE((packed.ok() && seen.ok()));
  CHECK(FlatBytes(*packed) == FlatBytes(*seen));
  CHECK(CheckPackedItems("a", *bytes, *ItemsOfSealed("a", *bytes)).ok());
}

TEST_CASE("verify finds packed items that are not what HDF5 readers see",
          "[record][packed][verify]") {
  const std::vector<H5Item> items = SealedItemsOfRecord(SampleRecord());
  RunRecord other = SampleRecord();
  other.status_message = "loss is inf at step 3";  // as long as the sample's
  const std::vector<H5Item> others = SealedItemsOfRecord(other);
  // The packed items of the one before the HDF5 image of the other.
  const std::string bytes = *SealItems(items);
  const std::string of_others = *SealItems(others);
  const size_t image_at = bytes.find("\x89HDF\r\n");
  REQUIRE(image_at != std::string::npos);
  REQUIRE(of_others.find("\x89HDF\r\n") == image_at);
  const std::string body = bytes.substr(kSealBytes, image_at - kSealBytes) +
                           of_others.substr(image_at);
  std::string seal = absl::StrCat("sftbench packed record\nbytes ", body.size(),
                                  "\nsha256 ", Sha256Hex(body), "\n");
  seal.resize(kSealBytes, '\0');
  const ScratchFolder folder;
  const std::string path = folder / "a.h5";
  REQUIRE(WriteFileAtomically(path, seal + body).ok());
  CHECK(ReadRunRecord(path)->status_message == SampleRecord().status_message);
  const absl::Status status = VerifyRecord(path);
  CHECK(std::string(status.message()).find("HDF5 readers find") !=
        std::string::npos);
}

TEST_CASE("long series are deflated, short ones lie in their headers",
          "[record][packed]") {
  RunRecord record = SampleRecord();
  const StepRecord step = record.steps[0];
  record.steps.assign(20000, step);
  for (size_t i = 0; i < record.steps.size(); ++i) {
    record.steps[i].step = static_cast<int64_t>(i + 1);
    record.steps[i].loss = 1.0 / static_cast<double>(i + 1);
  }
  record.evals[0].metrics[2].sum_columns = 2;
  record.evals[0].metrics[2].items.assign(5000, 1);
  record.evals[0].metrics[2].sums.assign(10000, 0.5);
  const ScratchFolder folder;
  const std::string path = folder / "a.h5";
  REQUIRE(WriteRunRecord(record, path).ok());
  // Eleven series of 20,000 numbers are 1.8 MB.
  CHECK(std::filesystem::file_size(path) < 900000);
  CHECK(VerifyRecord(path).ok());
  const auto back = ReadRunRecord(path);
  REQUIRE(back.ok());
  CHECK(ContentSha256(*back) == ContentSha256(record));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  REQUIRE(file >= 0);
  const auto layout_of = [file](const char* name) {
    const hid_t data = H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t list = H5Dget_create_plist(data);
    const H5D_layout_t layout = H5Pget_layout(list);
    H5Pclose(list);
    H5Dclose(data);
    return layout;
  };
  CHECK(layout_of("/train/loss") == H5D_CHUNKED);
  CHECK(layout_of("/facts/trainable_parameters") == H5D_COMPACT);
  H5Fclose(file);
}

TEST_CASE("a series of one value over and over reads back",
          "[record][packed]") {
  // It is deflated to a thousandth, and is no claim without ground.
  RunRecord record = SampleRecord();
  record.steps.assign(400000, record.steps[0]);
  const auto bytes = SealItems(SealedItemsOfRecord(record));
  REQUIRE(bytes.ok());
  CHECK(CheckPackedItems("a", *bytes, *ItemsOfSealed("a", *bytes)).ok());
}

}  // namespace
}  // namespace sft::record::packed_items_test
