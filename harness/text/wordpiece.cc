// See wordpiece.h.
#include "harness/text/wordpiece.h"

#include <algorithm>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"

namespace sft::text {
namespace {
// The search is quadratic in the word: longer words than this are no words.
constexpr int64_t kMaxCharsPerWord = 10'000;
}  // namespace

absl::StatusOr<std::unique_ptr<WordPieceModel>> WordPieceModel::Parse(
    const nlohmann::json& config, const std::string& file) {
  const nlohmann::json* vocab = formats::FindField(config, "vocab");
  SFT_ASSIGN_OR_RETURN(
      Vocabulary vocabulary,
      Vocabulary::FromJson(vocab ? *vocab : nlohmann::json(), file));
  SFT_ASSIGN_OR_RETURN(
      const std::string unk,
      formats::StringField(config, "unk_token", "[UNK]", file));
  const std::optional<int32_t> unk_id = vocabulary.Id(unk);
  if (!unk_id.has_value()) {
    return InputError(
        file, absl::StrCat("unk_token \"", unk, "\" is not in the vocabulary"));
  }
  std::unique_ptr<WordPieceModel> model(
      new WordPieceModel(std::move(vocabulary)));
  model->unk_id_ = *unk_id;
  SFT_ASSIGN_OR_RETURN(
      model->prefix_,
      formats::StringField(config, "continuing_subword_prefix", "##", file));
  SFT_ASSIGN_OR_RETURN(
      model->max_chars_per_word_,
      formats::IntField(config, "max_input_chars_per_word", 100, file));
  if (model->max_chars_per_word_ < 0 ||
      model->max_chars_per_word_ > kMaxCharsPerWord) {
    return InputError(file, "max_input_chars_per_word is not in [0, 10000]");
  }
  for (int32_t id = 0; id < model->vocabulary_.size(); ++id) {
    const std::string* token = model->vocabulary_.Token(id);
    if (token == nullptr) continue;
    model->max_token_bytes_ = std::max(model->max_token_bytes_, token->size());
  }
  return model;
}

void WordPieceModel::AddToDigest(Sha256* digest) const {
  digest->UpdateField("WordPiece");
  digest->UpdateField(prefix_);
  digest->UpdateField(absl::StrCat(unk_id_, " ", max_chars_per_word_));
}

void WordPieceModel::Encode(std::string_view word,
                            std::vector<Subword>* out) const {
  const auto is_continuation = [](char c) { return (c & 0xC0) == 0x80; };
  const size_t first = out->size();
  const auto size = static_cast<uint32_t>(word.size());
  const auto char_count = std::count_if(
      word.begin(), word.end(), [&](char c) { return !is_continuation(c); });
  bool known = char_count <= max_chars_per_word_;
  std::string candidate;
  for (size_t begin = 0; known && begin < word.size();) {
    const std::string_view prefix = begin > 0 ? std::string_view(prefix_) : "";
    size_t end = std::min(word.size(), begin + max_token_bytes_);
    known = false;
    for (; end > begin; --end) {
      if (end < word.size() && is_continuation(word[end])) continue;
      candidate = prefix;
      candidate += word.substr(begin, end - begin);
      if (const std::optional<int32_t> id = vocabulary_.Id(candidate)) {
        out->push_back(
            {*id, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
        known = true;
        begin = end;
        break;
      }
    }
  }
  if (!known) {
    out->resize(first);
    out->push_back({unk_id_, 0, size});
  }
}

}  // namespace sft::text
