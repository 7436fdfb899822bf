// Catalogues written here, whole and broken.
#include "harness/data/gettext_mo.h"

#include <catch2/catch.hpp>
#include <random>
#include <utility>

#include "harness/core/files.h"
#include "tests/harness/data/mo_bytes.h"
#include "tests/support/paths.h"

namespace sft::data::gettext_mo_test {
namespace {

absl::StatusOr<Catalogue> Read(std::string_view bytes) {
  const support::TempDir folder;
  const std::string path = (folder.path() / "a.mo").string();
  REQUIRE(WriteFileAtomically(path, bytes).ok());
  return ReadMo(path);
}
std::string Error(std::string_view bytes) {
  const std::string message(Read(bytes).status().message());
  const size_t file = message.find("a.mo: ");
  return file == std::string::npos ? message : message.substr(file + 6);
}

const std::string kHeader = "Content-Type: text/plain; charset=UTF-8\n";

TEST_CASE("messages are read in either byte order", "[data][gettext]") {
  for (const bool big_endian : {false, true}) {
    const auto catalogue = Read(MoBytes(
        {{"", kHeader}, {"A dog.", "Ein H\xc3\xbcndchen."}, {"Two", "Zwei"}},
        big_endian));
    REQUIRE(catalogue.ok());
    CHECK(catalogue->refused.empty());
    REQUIRE(catalogue->messages.size() == 2);
    CHECK(catalogue->messages[0].number == 2);
    CHECK(catalogue->messages[0].text == "A dog.");
    CHECK(catalogue->messages[0].translation == "Ein H\xc3\xbcndchen.");
    CHECK(catalogue->messages[1].translation == "Zwei");
  }
}

TEST_CASE("contexts are cut off, of plural forms the first is taken",
          "[data][gettext]") {
  const auto catalogue =
      Read(MoBytes({{"menu\4Open",
                     "\xc3\x96"
                     "ffnen"},
                    {std::string("%d file\0%d files", 16),
                     std::string("%d Datei\0%d Dateien", 19)}}));
  REQUIRE(catalogue.ok());
  REQUIRE(catalogue->messages.size() == 2);
  CHECK(catalogue->messages[0].text == "Open");
  CHECK(catalogue->messages[1].text == "%d file");
  CHECK(catalogue->messages[1].translation == "%d Datei");
}

TEST_CASE("messages that are no UTF-8 or not translated are refused",
          "[data][gettext]") {
  const auto catalogue =
      Read(MoBytes({{"a", "f\xfcr"}, {"b", ""}, {"c", "d"}}));
  REQUIRE(catalogue.ok());
  CHECK(catalogue->messages.size() == 1);
  REQUIRE(catalogue->refused.size() == 2);
  CHECK(catalogue->refused[0].where.find("a.mo: message 1") !=
        std::string::npos);
  CHECK(catalogue->refused[0].reason ==
        "byte 0xfc at column 2 is no UTF-8 text");
  CHECK(catalogue->refused[1].reason == "no translation");
}

TEST_CASE("another charset than UTF-8 is an error", "[data][gettext]") {
  CHECK(Error(MoBytes({{"", "Content-Type: text/plain; charset=ISO-8859-1\n"},
                       {"a", "b"}})) ==
        "charset 'iso-8859-1'; convert the catalogue to UTF-8");
}

TEST_CASE("a broken catalogue is an error with the number that is wrong",
          "[data][gettext]") {
  const std::string good = MoBytes({{"one", "eins"}, {"two", "zwei"}});
  auto with = [&good](size_t at, uint32_t word) {
    std::string bytes = good;
    PutWord(word, false, at, bytes);
    return bytes;
  };
  CHECK(Error("") == "has 0 bytes, no catalogue");
  CHECK(Error(good.substr(0, 27)) == "has 27 bytes, no catalogue");
  CHECK(Error(with(0, 17)) == "does not begin as a catalogue (.mo)");
  CHECK(Error(with(4, 2u << 16)) == "format revision 2, 0 and 1 are read");
  CHECK(Error(with(8, 0)) == "no usable message (0 refused)");
  const std::string size = std::to_string(good.size());
  CHECK(Error(with(8, 0xffffffff)) ==
        "a table of 4294967295 messages at byte 28 does not fit into " + size +
            " bytes");
  CHECK(Error(with(16, 0xfffffff0)) ==
        "a table of 2 messages at byte 4294967280 does not fit into " + size +
            " bytes");
  CHECK(Error(with(28, 0xffffffff)).find("message 1: 4294967295 bytes") == 0);
  CHECK(Error(with(32, 0xffffffff)).find("message 1: 3 bytes at byte 42949") ==
        0);
  CHECK(Error(with(28, 2)).find("end in no NUL") != std::string::npos);
}

TEST_CASE("strings that overlap are refused before they are made",
          "[data][gettext]") {
  // 1000 messages of 100,000 bytes in a file of 116 kB.
  std::string bytes(28 + 16 * 1000 + 100001, 'x');
  bytes.back() = '\0';
  const uint32_t header[] = {0x950412de, 0, 1000, 28, 28 + 8 * 1000, 0, 0};
  for (size_t i = 0; i < 7; ++i) PutWord(header[i], false, 4 * i, bytes);
  for (size_t i = 0; i < 2000; ++i) {
    PutWord(100000, false, 28 + 8 * i, bytes);
    PutWord(28 + 16 * 1000, false, 32 + 8 * i, bytes);
  }
  CHECK(Error(bytes) == "message 1: the strings overlap");
}

TEST_CASE("no byte of a catalogue can be changed to crash the reader",
          "[data][gettext]") {
  const std::string good = MoBytes({{"", kHeader}, {"one", "eins"}});
  std::mt19937 random(1);
  int errors = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int k = 0; k < 4; ++k) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(random());
      errors += !Read(bytes).ok();
    }
    errors += !Read(good.substr(0, at)).ok();
  }
  CHECK(errors > static_cast<int>(good.size()));
}

}  // namespace
}  // namespace sft::data::gettext_mo_test
