#include "harness/data/tasks/head_window.h"

#include <algorithm>

namespace sft::data {

TextSide SideOf(const Tokenizer& tokenizer, const std::string& text) {
  Encoding encoding = tokenizer.EncodeWithOffsets(text);
  TextSide side{std::move(encoding.ids), {}, std::move(encoding.offsets)};
  side.labels.assign(side.ids.size(), kNoLoss);
  return side;
}

void AddIds(const std::vector<int32_t>& ids, int32_t type, HeadWindow& window) {
  Example& e = window.example;
  e.input_ids.insert(e.input_ids.end(), ids.begin(), ids.end());
  e.labels.insert(e.labels.end(), ids.size(), kNoLoss);
  e.token_types.insert(e.token_types.end(), ids.size(), type);
  window.context_bytes.insert(window.context_bytes.end(), ids.size(), {-1, -1});
}

void AddSide(const TextSide& side, int64_t begin, int64_t end, int32_t type,
             HeadWindow& window) {
  AddIds({side.ids.begin() + begin, side.ids.begin() + end}, type, window);
  std::copy(side.labels.begin() + begin, side.labels.begin() + end,
            window.example.labels.end() - (end - begin));
}

int64_t AddedTokens(const InputLayout& layout, bool pair) {
  return static_cast<int64_t>(layout.before.size() + layout.after.size() +
                              (pair ? layout.between.size() : 0));
}

HeadWindow WholeWindow(const InputLayout& layout, const TextSide& a,
                       const std::optional<TextSide>& b, int64_t max_length) {
  const int64_t room = max_length - AddedTokens(layout, b.has_value());
  int64_t left_a = a.size(), left_b = b ? b->size() : 0;
  const int64_t cut = std::max<int64_t>(0, left_a + left_b - room);
  for (int64_t i = 0; i < cut; ++i) --(left_a >= left_b ? left_a : left_b);
  HeadWindow window;
  window.cut_tokens = cut;
  AddIds(layout.before, 0, window);
  AddSide(a, 0, left_a, 0, window);
  const int32_t second = b && layout.second_type ? 1 : 0;
  if (b) {
    AddIds(layout.between, 0, window);
    AddSide(*b, 0, left_b, second, window);
  }
  AddIds(layout.after, second, window);
  return window;
}

absl::StatusOr<std::vector<HeadWindow>> RowWindows(const HeadInput& in) {
  if (in.row.text.empty()) {
    return absl::InvalidArgumentError("the row has no text for an encoder");
  }
  std::optional<TextSide> pair;
  if (!in.row.text_pair.empty()) pair = SideOf(in.tokenizer, in.row.text_pair);
  return std::vector<HeadWindow>{WholeWindow(
      in.layout, SideOf(in.tokenizer, in.row.text), pair, in.max_length)};
}

std::vector<std::string> TagClasses(const Task& task) {
  std::vector<std::string> classes = {"O"};
  for (const std::string& type : task.labels) {
    classes.push_back("B-" + type);
    classes.push_back("I-" + type);
  }
  return classes;
}

}  // namespace sft::data
