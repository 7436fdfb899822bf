#include "harness/data/parquet/leaf_json.h"

#include <cmath>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/core/utf8.h"

namespace sft::data::parquet {
namespace {

using Json = nlohmann::json;

constexpr int64_t kSecondsADay = 86400;

// Rounded down.
int64_t DividedBy(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Days since 1970 as a date of the Gregorian calendar: eras of 400 years that
// begin in March.
std::string DateText(int64_t days) {
  if (days > 3'000'000 || days < -1'000'000) {
    return absl::StrFormat("%d days", days);
  }
  const int64_t day = days + 719468;
  const int64_t era = DividedBy(day, 146097);
  const int64_t of_era = day - era * 146097;
  const int64_t year =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * of_year + 2) / 153;
  const int64_t date = of_year - (153 * month + 2) / 5 + 1;
  const int64_t shown = month < 10 ? month + 3 : month - 9;
  return absl::StrFormat("%04d-%02d-%02d",
                         year + era * 400 + (shown <= 2 ? 1 : 0), shown, date);
}

std::string TimeText(int64_t of_day, int64_t per_second) {
  const int64_t seconds = of_day / per_second;
  std::string out = absl::StrFormat("%02d:%02d:%02d", seconds / 3600,
                                    seconds / 60 % 60, seconds % 60);
  const int64_t parts = of_day % per_second;
  if (parts == 0) return out;
  if (per_second > 1000000) {
    return absl::StrFormat("%s.%09d", out, parts * (1000000000 / per_second));
  }
  return absl::StrFormat("%s.%06d", out, parts * (1000000 / per_second));
}

std::string TimestampText(int64_t number, const Node& leaf) {
  const int64_t a_day = kSecondsADay * leaf.per_second;
  const int64_t days = DividedBy(number, a_day);
  return absl::StrFormat("%s %s%s", DateText(days),
                         TimeText(number - days * a_day, leaf.per_second),
                         leaf.utc ? "+00:00" : "");
}

// A number of so many places behind the point.
std::string DecimalText(int64_t number, int64_t scale) {
  // Of the least number, too.
  const uint64_t size = number < 0 ? ~static_cast<uint64_t>(number) + 1
                                   : static_cast<uint64_t>(number);
  const std::string digits = absl::StrFormat("%d", size);
  const char* sign = number < 0 ? "-" : "";
  if (scale <= 0 || scale >= 40) return absl::StrCat(sign, digits);
  const auto behind = static_cast<size_t>(scale);
  const std::string padded = absl::StrCat(
      std::string(digits.size() > behind ? 0 : behind + 1 - digits.size(), '0'),
      digits);
  const size_t whole = padded.size() - behind;
  return absl::StrCat(sign, padded.substr(0, whole), ".", padded.substr(whole));
}

// The highest byte first; false if it has more than 64 bits.
bool BigEndian(std::string_view bytes, int64_t& number) {
  if (bytes.empty()) return false;
  const bool negative = (bytes[0] & 0x80) != 0;
  while (bytes.size() > 8) {
    if (static_cast<uint8_t>(bytes[0]) != (negative ? 0xff : 0)) return false;
    bytes.remove_prefix(1);
    if (((bytes[0] & 0x80) != 0) != negative) return false;
  }
  uint64_t value = negative ? ~uint64_t{0} : 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  number = static_cast<int64_t>(value);
  return true;
}

Json WholeJson(int64_t number, const Node& leaf) {
  switch (leaf.meaning) {
    case Meaning::kDate:
      return DateText(number);
    case Meaning::kTime:
      return TimeText(number, leaf.per_second);
    case Meaning::kTimestamp:
      return TimestampText(number, leaf);
    case Meaning::kDecimal:
      return DecimalText(number, leaf.scale);
    case Meaning::kUnsigned:
      return leaf.physical == Physical::kInt32
                 ? static_cast<uint64_t>(static_cast<uint32_t>(number))
                 : static_cast<uint64_t>(number);
    default:
      return number;
  }
}

Json BytesJson(std::string_view bytes, const Node& leaf, bool& no_text) {
  int64_t number = 0;
  if (leaf.meaning == Meaning::kDecimal && BigEndian(bytes, number)) {
    return DecimalText(number, leaf.scale);
  }
  const bool text =
      leaf.physical == Physical::kBytes && leaf.meaning != Meaning::kDecimal;
  if (text && (leaf.meaning == Meaning::kText || IsValidUtf8(bytes))) {
    return std::string(bytes);
  }
  no_text = true;
  return nullptr;
}

}  // namespace

Json LeafJson(const Cell& cell, const Node& leaf, bool& no_text) {
  switch (leaf.physical) {
    case Physical::kBoolean:
      return cell.number != 0;
    case Physical::kInt32:
    case Physical::kInt64:
      return WholeJson(cell.number, leaf);
    case Physical::kFloat:
    case Physical::kDouble: {
      double number = 0;
      memcpy(&number, &cell.number, sizeof(number));
      return std::isfinite(number) ? Json(number) : Json(nullptr);
    }
    case Physical::kInt96: {
      // Nanoseconds of a day, and its Julian number.
      int64_t nanoseconds = 0;
      int32_t day = 0;
      memcpy(&nanoseconds, cell.bytes.data(), sizeof(nanoseconds));
      memcpy(&day, cell.bytes.data() + sizeof(nanoseconds), sizeof(day));
      constexpr int64_t kJulianOf1970 = 2440588;
      if (nanoseconds < 0 || nanoseconds >= kSecondsADay * 1000000000) {
        return nullptr;
      }
      return absl::StrCat(DateText(day - kJulianOf1970), " ",
                          TimeText(nanoseconds, 1000000000));
    }
    default:
      return BytesJson(cell.bytes, leaf, no_text);
  }
}

}  // namespace sft::data::parquet
