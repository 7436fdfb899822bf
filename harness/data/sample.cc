#include "harness/data/sample.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/data/shingles.h"

namespace sft::data {
namespace {

// Parts with their sizes, so that none runs into the next.
void Add(std::string& out, std::string_view part) {
  absl::StrAppend(&out, part.size(), ":", ToAbsl(part));
}

}  // namespace

std::string DigestOfRows(const std::vector<Row>& rows) {
  Sha256 digest;
  for (const Row& row : rows) {
    std::string text;
    for (const ChatTurn& turn : row.turns) {
      Add(text, turn.role);
      Add(text, turn.content);
      if (!turn.message.empty()) Add(text, turn.message);
    }
    if (!row.chat_variables.empty()) Add(text, row.chat_variables);
    for (const auto* list :
         {&row.words, &row.tags, &row.references, &row.choices}) {
      for (const std::string& part : *list) Add(text, part);
    }
    digest.UpdateField(text);
  }
  return digest.Hex();
}

uint64_t SampleKey(std::string_view rows_digest, std::string_view use,
                   int64_t seed) {
  Sha256 digest;
  digest.UpdateField("sftbench sample 1");
  digest.UpdateField(rows_digest);
  digest.UpdateField(use);
  digest.Update(&seed, sizeof(seed));
  return std::stoull(digest.Hex().substr(0, 16), nullptr, 16);
}

std::vector<size_t> SampleIndices(const std::vector<int64_t>& strata,
                                  size_t count, uint64_t key) {
  const size_t n = strata.size();
  std::vector<size_t> kept;
  if (count >= n) {
    for (size_t i = 0; i < n; ++i) kept.push_back(i);
    return kept;
  }
  // Stratum -> its rows in the shuffle's order.
  std::map<int64_t, std::vector<std::pair<uint64_t, size_t>>> members;
  for (size_t i = 0; i < n; ++i) {
    members[strata[i]].emplace_back(SplitMix64(key ^ SplitMix64(i)), i);
  }
  std::vector<std::tuple<size_t, uint64_t, int64_t>> remainders;
  std::map<int64_t, size_t> quota;
  size_t given = 0;
  for (auto& [stratum, rows] : members) {
    std::sort(rows.begin(), rows.end());
    quota[stratum] = rows.size() * count / n;
    given += quota[stratum];
    remainders.emplace_back(
        n - rows.size() * count % n,
        SplitMix64(key + SplitMix64(static_cast<uint64_t>(stratum))), stratum);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < count; ++i, ++given) {
    ++quota[std::get<2>(remainders[i])];
  }
  for (const auto& [stratum, rows] : members) {
    for (size_t i = 0; i < quota[stratum]; ++i) kept.push_back(rows[i].second);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

RowIdentity IdentityOf(const Row& row) {
  std::string prompt, answer;
  const bool answered =
      !row.turns.empty() && row.turns.back().role == "assistant";
  for (size_t i = 0; i < row.turns.size(); ++i) {
    std::string& side = answered && i + 1 == row.turns.size() ? answer : prompt;
    Add(side, row.turns[i].role);
    Add(side, row.turns[i].content);
    if (!row.turns[i].message.empty()) Add(side, row.turns[i].message);
  }
  if (!row.chat_variables.empty()) Add(prompt, row.chat_variables);
  for (const std::string& choice : row.choices) Add(prompt, choice);
  if (row.turns.empty()) {  // for encoders alone
    Add(prompt, row.text);
    Add(prompt, row.text_pair);
    for (const std::string& word : row.words) Add(prompt, word);
    for (const auto* list : {&row.tags, &row.references}) {
      for (const std::string& part : *list) Add(answer, part);
    }
    if (row.label >= 0) Add(answer, std::to_string(row.label));
  }
  return {TextHash(prompt), TextHash(answer)};
}

}  // namespace sft::data
