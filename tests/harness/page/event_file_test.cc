// Event files, byte by byte; TensorBoard's reader: tests/python/events_test.py.
#include "harness/page/event_file.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "harness/core/files.h"
#include "tests/harness/record/sample_record.h"

namespace sft::page::event_file_test {
namespace {

template <class T>
T At(const std::string& bytes, size_t place) {
  T value;
  REQUIRE(place + sizeof(T) <= bytes.size());
  std::memcpy(&value, bytes.data() + place, sizeof(T));
  return value;
}

TEST_CASE("CRC-32C has the check value of its definition", "[page][events]") {
  CHECK(Crc32c("123456789") == 0xe3069283);  // RFC 3720, B.4, and Rocksoft
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(Crc32c("") == 0);
  CHECK(MaskedCrc32c("") == 0xa282ead8);
}

TEST_CASE("an event file is a chain of checked records", "[page][events]") {
  EventFile file(12.5);
  file.AddScalar(13, 300, "train/loss", 0.5);
  const std::string& bytes = file.bytes();
  size_t place = 0, records = 0;
  std::string last;
  while (place < bytes.size()) {
    const auto size = At<uint64_t>(bytes, place);
    CHECK(At<uint32_t>(bytes, place + 8) ==
          MaskedCrc32c(bytes.substr(place, 8)));
    last = bytes.substr(place + 12, size);
    CHECK(At<uint32_t>(bytes, place + 12 + size) == MaskedCrc32c(last));
    place += 16 + size;
    ++records;
  }
  CHECK(records == 2);
  // wall_time, step 300, summary { value { tag simple_value } }
  std::string wanted(
      "\x09\0\0\0\0\0\0\x2a\x40\x10\xac\x02\x2a\x13\x0a\x11"
      "\x0a\x0atrain/loss\x15\0\0\0\x3f",
      16 + 17);
  CHECK(last == wanted);
}

TEST_CASE("each record's events have a folder", "[page][events]") {
  const record::ScratchFolder folder;
  record::RunRecord record = record::SampleRecord();
  REQUIRE(
      record::WriteRunRecord(record, folder / (record.run_id + ".h5")).ok());
  const auto runs = ExportEvents(folder.path(), folder / "events");
  REQUIRE(runs.ok());
  CHECK(*runs == 1);
  const auto written =
      ReadFile(folder / ("events/lora.padded.seed0." + record.run_id +
                         "/events.out.tfevents.0.sftbench"));
  REQUIRE(written.ok());
  CHECK(*written == EventsOfRun(record));
  CHECK(written->find("eval/rotten_tomatoes/test/accuracy") !=
        std::string::npos);
  CHECK_FALSE(ExportEvents(folder / "nowhere", folder / "x").ok());
}

}  // namespace
}  // namespace sft::page::event_file_test
