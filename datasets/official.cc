#include "datasets/official.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "harness/core/status.h"

namespace sft::datasets {

void RefuseSeen(const std::vector<data::KeyedRow>& held_out,
                std::string_view set, std::vector<data::KeyedRow>& rows,
                std::vector<data::RefusedRow>& refused) {
  absl::flat_hash_set<std::string> keys;
  for (const data::KeyedRow& row : held_out) keys.insert(row.key);
  std::vector<data::KeyedRow> kept;
  kept.reserve(rows.size());
  for (data::KeyedRow& row : rows) {
    if (keys.contains(row.key)) {
      refused.push_back({row.where, absl::StrCat("its text is in the ",
                                                 ToAbsl(set), " set")});
    } else {
      kept.push_back(std::move(row));
    }
  }
  rows = std::move(kept);
}

std::vector<data::Row> InOrderOfHash(std::vector<data::KeyedRow> rows) {
  std::vector<std::pair<uint64_t, size_t>> order;
  order.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    order.emplace_back(data::SplitHash(rows[i].key), i);
  }
  std::sort(order.begin(), order.end());
  std::vector<data::Row> out;
  out.reserve(rows.size());
  for (const auto& [hash, i] : order) out.push_back(std::move(rows[i].row));
  return out;
}

data::Splits KeptApart(OfficialRows rows) {
  data::Splits splits;
  splits.refused = std::move(rows.refused);
  RefuseSeen(rows.test, "test", rows.validation, splits.refused);
  RefuseSeen(rows.test, "test", rows.train, splits.refused);
  RefuseSeen(rows.validation, "validation", rows.train, splits.refused);
  splits.train = InOrderOfHash(
      data::DropDuplicates(std::move(rows.train), splits.refused));
  splits.validation = InOrderOfHash(
      data::DropDuplicates(std::move(rows.validation), splits.refused));
  splits.test = InOrderOfHash(std::move(rows.test));
  return splits;
}

}  // namespace sft::datasets
