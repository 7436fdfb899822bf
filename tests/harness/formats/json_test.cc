// JSON that nobody vouches for: what is no text is said, whatever else is
// wrong.
#include "harness/formats/json.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "harness/core/utf8.h"
#include "tests/support/catch_torch.h"

namespace sft::formats {
namespace {

// The fault's words, "" where there is none.
std::string FaultOf(const std::string& text) {
  nlohmann::json value;
  const auto fault = ReadJsonInto(text, kMaxJsonDepth, value);
  return fault ? fault->what : "";
}

TEST_CASE("a byte that is no UTF-8 is named with its column", "[formats]") {
  CHECK(Utf8Complaint("caf\xc3\xa9").empty());
  CHECK(Utf8Complaint("caf\xe9") == "byte 0xe9 at column 4 is no UTF-8 text");
  CHECK(Utf8Complaint(std::string("a\0b", 3)) ==
        "byte 0x00 at column 2 is no UTF-8 text");
}

TEST_CASE("JSON that is no UTF-8 is refused", "[formats][json]") {
  CHECK(FaultOf("{\"a\": \"\xc3\xa9\"}").empty());
  CHECK(FaultOf("\xef\xbb\xbf{\"a\": 1}").empty());
  const std::string bytes[] = {
      "\xff",              // no lead
      "\xc3",              // cut off
      "\xc0\x80",          // too long for what it says
      "\xed\xa0\x80",      // a surrogate
      "\xf4\x90\x80\x80",  // above the last code point
  };
  for (const std::string& bad : bytes) {
    // In a value, in a key, and outside of both.
    for (const std::string& text :
         {absl::StrCat("{\"a\": \"", bad, "\"}"),
          absl::StrCat("{\"", bad, "\": 1}"), absl::StrCat("[1]", bad)}) {
      CAPTURE(text);
      CHECK(FaultOf(text) == Utf8Complaint(text));
      CHECK_FALSE(FaultOf(text).empty());
    }
  }
  // Before an earlier fault of another sort.
  CHECK(FaultOf("[1,, \"\xff\"]") == "byte 0xff at column 7 is no UTF-8 text");
  CHECK(FaultOf("[1,, 2]").find("no JSON") == 0);
}

TEST_CASE("a NUL ends no JSON", "[formats][json]") {
  for (const std::string& text :
       {std::string("[1]\0", 4), std::string("[1]\0[2]", 7),
        std::string("[\"a\0\"]", 6), std::string("\0", 1)}) {
    CHECK(FaultOf(text).find("byte 0x00 at column") == 0);
  }
  CHECK(FaultOf("[\"a\\u0000\"]").empty());
}

}  // namespace
}  // namespace sft::formats
