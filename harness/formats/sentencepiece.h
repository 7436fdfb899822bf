// A SentencePiece model: its pieces and how it normalizes. `tokenizer.model` is
// one as a protobuf (google/sentencepiece, src/sentencepiece_model.proto); GGUF
// and llama2.c hold the same of models that were trained by it.
#ifndef HARNESS_FORMATS_SENTENCEPIECE_H_
#define HARNESS_FORMATS_SENTENCEPIECE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::formats {

// The numbers of the protobuf, and of GGUF's "tokenizer.ggml.token_type".
enum class PieceType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct SentencePiece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

struct SentencePieceModel {
  enum class Kind { kUnigram = 1, kBpe = 2 };

  Kind kind = Kind::kUnigram;
  std::vector<SentencePiece> pieces;  // by id; texts differ, one is unknown
  int32_t unk_id = 0;
  std::optional<int32_t> bos_id, eos_id, pad_id;  // control pieces
  std::string unk_surface = " \u2047 ";           // what an unknown reads as
  bool needs_all_bytes = true;                    // of byte_fallback
  bool byte_fallback = false;         // unknown characters become <0xNN>
  bool whitespace_as_suffix = false;  // "a▁" instead of "▁a"
  std::string charsmap;               // of its normalizer; empty: identity
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;  // ' ' is written U+2581
};

// Of a whole file's bytes; errors name `file`. Word and character models,
// denormalizers and what cannot be a model are refused.
absl::StatusOr<SentencePieceModel> ParseSentencePiece(std::string_view bytes,
                                                      const std::string& file);
absl::StatusOr<SentencePieceModel> ReadSentencePiece(const std::string& path);

// What every model must hold, wherever it came from: distinct texts in UTF-8,
// finite scores, one unknown piece, bytes that are all there if they are used.
absl::Status CheckSentencePiece(const SentencePieceModel& model,
                                const std::string& file);

// "<0x41>" of 0x41.
std::string BytePiece(int byte);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_SENTENCEPIECE_H_
