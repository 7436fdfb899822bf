#include "harness/launch/general_rows.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "harness/core/digest.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/added_ids.h"
#include "harness/data/sample.h"

namespace sft::launch {

std::string DigestOfExamples(const std::vector<Example>& examples) {
  Sha256 digest;
  for (const Example& example : examples) {
    digest.Update(&example.row_id, sizeof(example.row_id));
    digest.Update(example.input_ids.data(),
                  example.input_ids.size() * sizeof(int32_t));
    digest.Update(example.labels.data(),
                  example.labels.size() * sizeof(int32_t));
  }
  return digest.Hex();
}

absl::StatusOr<std::vector<Example>> TextWindows(
    const std::vector<std::string>& documents, const Tokenizer& tokenizer,
    const std::string& bos, int64_t max_length) {
  SFT_ASSIGN_OR_RETURN(const AddedIds added, data::AddedIdsOf(tokenizer, bos));
  const int64_t before = std::ssize(added.before);
  const int64_t room =
      std::max<int64_t>(2, std::min(kTextWindow, max_length) - before);
  std::vector<Example> windows;
  for (size_t d = 0; d < documents.size(); ++d) {
    StopPoint();
    const std::vector<int32_t> ids =
        data::EncodeWhole(tokenizer, documents[d], added);
    const int64_t length = std::ssize(ids);
    for (int64_t begin = before, w = 0; begin < length; begin += room, ++w) {
      const int64_t end = std::min(length, begin + room);
      if (end - begin < (w == 0 ? 2 : room)) break;
      Example window;
      window.row_id = (static_cast<int64_t>(d) << 20) + w;
      window.input_ids = added.before;
      window.input_ids.insert(window.input_ids.end(), ids.begin() + begin,
                              ids.begin() + end);
      window.labels = window.input_ids;
      // What stands first has nothing before it, and BOS is nothing to learn.
      std::fill_n(window.labels.begin(), std::max<int64_t>(1, before), kNoLoss);
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

std::vector<Example> Shuffled(const std::vector<Example>& rows,
                              std::string_view use, int64_t sample_seed) {
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(data::SampleKey(DigestOfExamples(rows), use, sample_seed),
          Stream::kDataOrder, use);
  rng.Shuffle(order);
  std::vector<Example> out;
  for (const size_t i : order) out.push_back(rows[i]);
  return out;
}

double TargetsOfShare(double own, double share) {
  return own * share / (1 - share);
}

std::vector<Example> UntilTargets(const std::vector<Example>& rows,
                                  double target_tokens) {
  std::vector<Example> out;
  const bool any =
      std::any_of(rows.begin(), rows.end(),
                  [](const Example& row) { return row.target_tokens() > 0; });
  double targets = 0;
  for (size_t i = 0; any && targets < target_tokens; ++i) {
    out.push_back(rows[i % rows.size()]);
    targets += static_cast<double>(out.back().target_tokens());
  }
  return out;
}

uint64_t DocumentKey(std::string_view document) {
  Sha256 digest;
  digest.UpdateField(document);
  return std::strtoull(digest.Hex().substr(0, 16).c_str(), nullptr, 16);
}

void CutTo(int64_t tokens, Example& row) {
  const auto most = static_cast<size_t>(tokens);
  for (std::vector<int32_t>* one :
       {&row.input_ids, &row.labels, &row.token_types}) {
    if (one->size() > most) one->resize(most);
  }
}

void RowRoles::Add(uint64_t row, const std::string& role,
                   const std::string& field) {
  const auto note = [&](const Role& other) {
    if (other.name == role) return;
    // By the one that a field asks for.
    const bool mine = !field.empty();
    const auto pair =
        mine ? std::pair(role, other.name) : std::pair(other.name, role);
    ++shared_[pair];
    fields_[pair] = mine ? field : other.field;
  };
  const auto asked = asked_.find(row);
  if (asked != asked_.end()) note(asked->second);
  if (field.empty()) {
    others_.emplace(row, Role{role, field});
    return;
  }
  const auto other = others_.find(row);
  if (other != others_.end()) note(other->second);
  asked_.emplace(row, Role{role, field});
}

absl::Status RowRoles::Check() const {
  for (const auto& [roles, rows] : shared_) {
    const auto& [asked, other] = roles;
    return InputError(
        fields_.at(roles),
        absl::StrCat(rows, rows == 1 ? " row" : " rows", " of ", asked, " ",
                     rows == 1 ? "is" : "are", " also ", other,
                     "; what is replayed, calibrated on, trained on and "
                     "measured must be disjoint: name another set"));
  }
  return absl::OkStatus();
}

}  // namespace sft::launch
