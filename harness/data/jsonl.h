// JSON lines, and JSON files that are one array of objects. Depth and size
// are checked before anything is built.
#ifndef HARNESS_DATA_JSONL_H_
#define HARNESS_DATA_JSONL_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::data {

struct JsonRecord {
  int64_t number = 0;  // line, or place in the array, from 1
  std::string where;   // file:line, or "file: record N"
  nlohmann::json value;
};
struct JsonTable {
  std::vector<JsonRecord> records;
  std::vector<RefusedRow> refused;
};

inline constexpr int64_t kMaxJsonLineBytes = int64_t{16} << 20;
inline constexpr int64_t kMaxJsonFileBytes = int64_t{1} << 30;

// One object a line (unpacked if it is gzip or zstd); lines that are no
// UTF-8, no JSON or no object are refused with file:line, empty ones skipped.
// A file without a good record is an error.
absl::StatusOr<JsonTable> ReadJsonl(const std::string& path);

// A file that is one array of objects; its broken syntax is an error.
absl::StatusOr<JsonTable> ReadJsonArray(const std::string& path);

// The string at `key`; "" with `optional` where there is none.
absl::StatusOr<std::string> JsonText(const nlohmann::json& object,
                                     const std::string& key,
                                     bool optional = false);

}  // namespace sft::data

#endif  // HARNESS_DATA_JSONL_H_
