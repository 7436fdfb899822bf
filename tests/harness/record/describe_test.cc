// What a record says of itself, and that none of it is a value.
#include "harness/record/describe.h"

#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/core/files.h"
#include "harness/record/merge.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"
#include "harness/record/sealed_file.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::describe_test {
namespace {

std::map<std::pair<std::string, std::string>, std::string> NotesOfSample() {
  std::map<std::pair<std::string, std::string>, std::string> notes;
  for (const H5Note& note : NotesOn(SealedItemsOfRecord(SampleRecord()))) {
    CHECK(
        notes.emplace(std::pair{note.path, note.attribute}, note.text).second);
  }
  return notes;
}

TEST_CASE("every data set of a record says what it means",
          "[record][describe]") {
  const auto notes = NotesOfSample();
  for (const H5Item& item : SealedItemsOfRecord(SampleRecord())) {
    if (!item.attribute.empty()) continue;
    CAPTURE(item.path);
    const auto note = notes.find({item.path, kMeaningNote});
    REQUIRE(note != notes.end());
    CHECK_FALSE(note->second.empty());
  }
  CHECK(MeaningOf("/train/loss") == "mean over the step's target tokens");
  CHECK(MeaningOf("/facts/round0.rows") ==
        "rows of the split, or of the round");
  CHECK(MeaningOf("/facts/of a kind unknown") == "counts and shares");
  CHECK(MeaningOf("/eval/a/test/1/metrics/f1/items") == "score of each item");
  CHECK(MeaningOf("/nowhere/at/all").empty());
  CHECK(MeaningOf("/").empty());
  // No row stands behind one that takes its names.
  for (const MeaningRow& row : MeaningsByEnding()) {
    CHECK(MeaningOf(absl::StrCat("/facts/x", row.ending)) == row.meaning);
  }
}

TEST_CASE("config and axes stand there as typed JSON", "[record][describe]") {
  const auto notes = NotesOfSample();
  const auto config = nlohmann::json::parse(notes.at({"/", kConfigNote}));
  CHECK(config.at("method") == "lora");
  CHECK(config.at("lora.rank") == 8);
  CHECK(config.at("train") == std::vector<std::string>{"rotten_tomatoes"});
  CHECK(config.at("learning_rate").is_number_float());
  CHECK(config.at("activation_checkpointing") == false);
  const auto axes = nlohmann::json::parse(notes.at({"/", kAxesNote}));
  CHECK(axes == nlohmann::json({{"method", "lora"}, {"seed", 0}}));
}

TEST_CASE("no digest covers what a record says of itself",
          "[record][describe]") {
  const std::vector<H5Item> items = SealedItemsOfRecord(SampleRecord());
  const auto bytes = SealItems(items);
  REQUIRE(bytes.ok());
  // What HDF5 readers find are the values, and nothing of the notes.
  const auto seen = DecodeH5("a", *bytes);
  REQUIRE(seen.ok());
  CHECK(ContentDigest(*seen) == ContentDigest(items));
  CHECK(WholeDigest(*seen) == WholeDigest(items));
  CHECK(CheckPackedItems("a", *bytes, items).ok());
  CHECK(bytes->find("mean over the step's target tokens") != std::string::npos);
  CHECK(bytes->find("\"lora.rank\":8") != std::string::npos);
}

TEST_CASE("records that stand keep their content digest",
          "[record][describe]") {
  const std::string path =
      std::string(SFT_SOURCE_DIR) + "/results/reference/sst2.h5";
  const auto records = ReadRunRecords(path);  // checks each against its own
  REQUIRE(records.ok());
  REQUIRE(records->size() > 4);
  for (const NamedRecord& one : *records) {
    const auto bytes = SealItems(SealedItemsOfRecord(one.record));
    REQUIRE(bytes.ok());
    const auto again = DecodeH5(one.name, *bytes);
    REQUIRE(again.ok());
    CHECK(ContentDigest(*again) == ContentSha256(one.record));
    // A few KiB a record, and less once deflated.
    std::vector<H5Item> bare = SealedItemsOfRecord(one.record);
    SortItems(bare);
    const auto image = EncodeSortedH5(bare);
    const auto described = EncodeSortedH5(bare, NotesOn(bare));
    REQUIRE((image.ok() && described.ok()));
    CHECK(described->size() - image->size() < 16 * 1024);
  }
}

}  // namespace
}  // namespace sft::record::describe_test
