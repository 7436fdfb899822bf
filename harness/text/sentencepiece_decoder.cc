#include "harness/text/sentencepiece_decoder.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/utf8.h"
#include "harness/text/subword_model.h"

namespace sft::text {
namespace {

class SentencePieceDecoder : public TokenDecoder {
 public:
  SentencePieceDecoder(const formats::SentencePieceModel& model,
                       bool has_prefix)
      : unk_piece_(model.pieces[static_cast<size_t>(model.unk_id)].text),
        unk_surface_(model.unk_surface),
        byte_fallback_(model.byte_fallback),
        drops_first_space_(has_prefix || model.remove_extra_whitespaces),
        drops_one_alone_(!model.remove_extra_whitespaces) {}

  void Apply(std::vector<std::string>* tokens) const override {
    std::string text, bytes;
    bool first = true, dropped = false;
    for (const std::string& token : *tokens) {
      if (const int byte = ByteOf(token); byte >= 0) {
        bytes.push_back(static_cast<char>(byte));
        continue;
      }
      FlushBytes(bytes, text);
      // Whether a space was dropped, or anything is there.
      if (dropped || !text.empty()) first = false;
      dropped = false;
      if (token == unk_piece_) {
        text += unk_surface_;
        continue;
      }
      std::string_view piece = token;
      if (first && drops_first_space_ && piece.starts_with(kSpaceSymbol)) {
        piece.remove_prefix(kSpaceSymbol.size());
        dropped = drops_one_alone_;
      }
      AddWithSpaces(piece, text);
    }
    FlushBytes(bytes, text);
    *tokens = {std::move(text)};
  }

 private:
  int ByteOf(std::string_view token) const {
    if (!byte_fallback_ || token.size() != 6 || !token.starts_with("<0x") ||
        token[5] != '>') {
      return -1;
    }
    const auto digit = [](char c) {
      return c >= '0' && c <= '9'   ? c - '0'
             : c >= 'A' && c <= 'F' ? c - 55
                                    : -1;
    };
    const int high = digit(token[3]), low = digit(token[4]);
    return high < 0 || low < 0 ? -1 : 16 * high + low;
  }

  static void FlushBytes(std::string& bytes, std::string& text) {
    for (size_t at = 0; at < bytes.size();) {
      const Utf8Char c = DecodeUtf8At(bytes, at);
      const size_t size = c.valid ? c.size_bytes : 1;
      AppendUtf8(c.code_point, &text);
      at += size;
    }
    bytes.clear();
  }

  static void AddWithSpaces(std::string_view piece, std::string& text) {
    for (size_t at = 0; at < piece.size();) {
      if (piece.substr(at).starts_with(kSpaceSymbol)) {
        text += ' ';
        at += kSpaceSymbol.size();
      } else {
        text += piece[at++];
      }
    }
  }

  std::string unk_piece_, unk_surface_;
  bool byte_fallback_;
  bool drops_first_space_;
  bool drops_one_alone_;  // else all spaces that begin the text
};

}  // namespace

std::unique_ptr<TokenDecoder> MakeSentencePieceDecoder(
    const formats::SentencePieceModel& model, bool has_prefix) {
  return std::make_unique<SentencePieceDecoder>(model, has_prefix);
}

}  // namespace sft::text
