#include "harness/data/splits.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "harness/core/digest.h"
#include "harness/core/status.h"

namespace sft::data {
namespace {

// The indices of rows, groups of one key together, groups in the order of
// their hash.
std::vector<std::pair<uint64_t, size_t>> OrderOfGroups(
    const std::vector<KeyedRow>& rows) {
  std::vector<std::pair<uint64_t, size_t>> order;  // (hash, index)
  order.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    order.emplace_back(SplitHash(rows[i].key), i);
  }
  // By key after the hash, so that two keys of one hash stay two groups.
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int c = rows[a.second].key.compare(rows[b.second].key);
    return c != 0 ? c < 0 : a.second < b.second;
  });
  return order;
}

// Calls `place` with [begin, end) of `order` for each group.
template <class Place>
void ForEachGroup(const std::vector<KeyedRow>& rows,
                  const std::vector<std::pair<uint64_t, size_t>>& order,
                  Place place) {
  for (size_t begin = 0; begin < order.size();) {
    const std::string& key = rows[order[begin].second].key;
    size_t end = begin;
    while (end < order.size() && rows[order[end].second].key == key) ++end;
    place(begin, end);
    begin = end;
  }
}

}  // namespace

uint64_t SplitHash(std::string_view key) {
  Sha256 sha;
  sha.Update("sftbench split 1\n");
  sha.Update(key);
  return std::stoull(sha.Hex().substr(0, 16), nullptr, 16);
}

std::vector<KeyedRow> DropDuplicates(std::vector<KeyedRow> rows,
                                     std::vector<RefusedRow>& refused) {
  absl::flat_hash_map<std::string, std::string> first;  // content -> where
  std::vector<KeyedRow> kept;
  kept.reserve(rows.size());
  for (KeyedRow& row : rows) {
    std::string content = row.key;
    if (!row.row.turns.empty()) {
      content += '\0';
      content += row.row.turns.back().content;
    }
    const auto [it, fresh] = first.emplace(std::move(content), row.where);
    if (fresh) {
      kept.push_back(std::move(row));
    } else {
      refused.push_back({row.where, absl::StrCat("duplicate of ", it->second)});
    }
  }
  return kept;
}

absl::StatusOr<Splits> SplitByHash(std::vector<KeyedRow> rows,
                                   int64_t validation_rows, int64_t test_rows,
                                   std::string_view name) {
  const auto order = OrderOfGroups(rows);
  Splits splits;
  ForEachGroup(rows, order, [&](size_t begin, size_t end) {
    const int64_t group = static_cast<int64_t>(end - begin);
    std::vector<Row>* side = &splits.train;
    if (static_cast<int64_t>(splits.test.size()) + group <= test_rows) {
      side = &splits.test;
    } else if (static_cast<int64_t>(splits.validation.size()) + group <=
               validation_rows) {
      side = &splits.validation;
    }
    for (size_t i = begin; i < end; ++i) {
      side->push_back(std::move(rows[order[i].second].row));
    }
  });
  if (static_cast<int64_t>(splits.test.size()) != test_rows ||
      static_cast<int64_t>(splits.validation.size()) != validation_rows ||
      splits.train.empty()) {
    return InputError(name,
                      absl::StrCat(rows.size(), " rows do not give ", test_rows,
                                   " for the test, ", validation_rows,
                                   " for the validation and some for "
                                   "the training"));
  }
  return splits;
}

absl::StatusOr<Splits> SplitGroupsByHash(std::vector<KeyedRow> rows,
                                         int64_t validation_rows,
                                         int64_t test_rows,
                                         std::string_view name) {
  const auto order = OrderOfGroups(rows);
  Splits splits;
  ForEachGroup(rows, order, [&](size_t begin, size_t end) {
    std::vector<Row>* side = &splits.train;
    if (static_cast<int64_t>(splits.test.size()) < test_rows) {
      side = &splits.test;
    } else if (static_cast<int64_t>(splits.validation.size()) <
               validation_rows) {
      side = &splits.validation;
    }
    for (size_t i = begin; i < end; ++i) {
      side->push_back(std::move(rows[order[i].second].row));
    }
  });
  if (splits.train.empty()) {
    return InputError(
        name, absl::StrCat(rows.size(),
                           " rows in whole groups leave none to "
                           "train on, with ",
                           test_rows, " for the test and ", validation_rows,
                           " for the validation"));
  }
  return splits;
}

}  // namespace sft::data
