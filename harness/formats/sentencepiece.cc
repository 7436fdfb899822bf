#include "harness/formats/sentencepiece.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/not_the_file.h"
#include "harness/formats/wire.h"

namespace sft::formats {
namespace {

constexpr int64_t kMaxModelBytes = int64_t{64} << 20;
constexpr size_t kMaxPieces = size_t{1} << 24;
constexpr size_t kMaxPieceBytes = 512;  // a run of 31 spaces has 93
constexpr int kWordModel = 3, kCharModel = 4;

// A reader of one message: what to do with a field, by its number. Fields that
// are not listed decide nothing about ids, and are passed over.
struct FieldRow {
  uint32_t number;
  WireType type;
  std::function<absl::Status(const WireField&)> take;
};

absl::Status ReadMessage(std::string_view bytes, const std::string& what,
                         const std::vector<FieldRow>& rows) {
  WireReader reader(bytes);
  const auto named = [&what](const absl::Status& status) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " ", std::string(status.message())));
  };
  while (!reader.done()) {
    WireField field;
    absl::Status status = reader.Next(field);
    if (!status.ok()) return named(status);
    for (const FieldRow& row : rows) {
      if (row.number != field.number) continue;
      if (row.type != field.type) {
        return named(absl::InvalidArgumentError(
            absl::StrCat("has field ", field.number, " of wire type ",
                         static_cast<int>(field.type))));
      }
      SFT_RETURN_IF_ERROR(row.take(field));
    }
  }
  return absl::OkStatus();
}

FieldRow Bool(uint32_t number, bool& out) {
  return {number, WireType::kVarint, [&out](const WireField& field) {
            out = field.value != 0;
            return absl::OkStatus();
          }};
}

FieldRow Int(uint32_t number, int64_t& out) {
  return {number, WireType::kVarint, [&out](const WireField& field) {
            out = static_cast<int64_t>(field.value);
            return absl::OkStatus();
          }};
}

FieldRow Text(uint32_t number, std::string& out) {
  return {number, WireType::kBytes, [&out](const WireField& field) {
            out.assign(field.bytes);
            return absl::OkStatus();
          }};
}

absl::Status ReadPiece(std::string_view bytes, SentencePieceModel& model) {
  if (model.pieces.size() >= kMaxPieces) {
    return absl::InvalidArgumentError("has more than 2^24 pieces");
  }
  SentencePiece piece;
  int64_t type = static_cast<int64_t>(piece.type);
  const std::string what = absl::StrCat("piece ", model.pieces.size());
  SFT_RETURN_IF_ERROR(ReadMessage(bytes, what,
                                  {Text(1, piece.text),
                                   {2, WireType::kFixed32,
                                    [&piece](const WireField& field) {
                                      piece.score = std::bit_cast<float>(
                                          static_cast<uint32_t>(field.value));
                                      return absl::OkStatus();
                                    }},
                                   Int(3, type)}));
  if (type < static_cast<int64_t>(PieceType::kNormal) ||
      type > static_cast<int64_t>(PieceType::kByte)) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " is of unknown type ", type));
  }
  piece.type = static_cast<PieceType>(type);
  model.pieces.push_back(std::move(piece));
  return absl::OkStatus();
}

// Of the trainer's options those that an encoder reads.
struct Trainer {
  int64_t kind = 1;
  std::string bos = "<s>", eos = "</s>", pad = "<pad>";
};

absl::Status ReadTrainer(std::string_view bytes, SentencePieceModel& model,
                         Trainer& trainer) {
  return ReadMessage(
      bytes, "trainer_spec",
      {Int(3, trainer.kind), Bool(24, model.whitespace_as_suffix),
       Bool(35, model.byte_fallback), Text(44, model.unk_surface),
       Text(46, trainer.bos), Text(47, trainer.eos), Text(48, trainer.pad)});
}

absl::Status ReadNormalizer(std::string_view bytes, SentencePieceModel& model) {
  return ReadMessage(bytes, "normalizer_spec",
                     {Text(2, model.charsmap), Bool(3, model.add_dummy_prefix),
                      Bool(4, model.remove_extra_whitespaces),
                      Bool(5, model.escape_whitespaces)});
}

absl::Status ReadDenormalizer(std::string_view bytes) {
  std::string charsmap;
  SFT_RETURN_IF_ERROR(
      ReadMessage(bytes, "denormalizer_spec", {Text(2, charsmap)}));
  if (charsmap.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "has a denormalizer, which is not supported");
}

absl::Status ReadModel(std::string_view bytes, SentencePieceModel& model,
                       Trainer& trainer) {
  const auto message = [](uint32_t number, auto read) {
    return FieldRow{number, WireType::kBytes,
                    [read](const WireField& field) -> absl::Status {
                      return read(field.bytes);
                    }};
  };
  return ReadMessage(
      bytes, "the model",
      {message(1, [&](std::string_view b) { return ReadPiece(b, model); }),
       message(
           2,
           [&](std::string_view b) { return ReadTrainer(b, model, trainer); }),
       message(3, [&](std::string_view b) { return ReadNormalizer(b, model); }),
       message(5, ReadDenormalizer)});
}

std::optional<int32_t> ControlNamed(const SentencePieceModel& model,
                                    const std::string& text) {
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const SentencePiece& piece = model.pieces[i];
    if (piece.type == PieceType::kControl && piece.text == text) {
      return static_cast<int32_t>(i);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string BytePiece(int byte) { return absl::StrFormat("<0x%02X>", byte); }

absl::Status CheckSentencePiece(const SentencePieceModel& model,
                                const std::string& file) {
  absl::flat_hash_set<std::string> texts;
  texts.reserve(model.pieces.size());
  int bytes = 0, unknowns = 0;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const SentencePiece& piece = model.pieces[i];
    const auto bad = [&](std::string_view what) {
      return InputError(file, absl::StrCat("piece ", i, " (\"",
                                           CleanUtf8(piece.text.substr(0, 64)),
                                           "\") ", ToAbsl(what)));
    };
    if (piece.text.empty()) return bad("is empty");
    if (piece.text.size() > kMaxPieceBytes) {
      return bad(absl::StrCat("has more than ", kMaxPieceBytes, " bytes"));
    }
    if (!IsValidUtf8(piece.text)) return bad("is no UTF-8 text");
    if (!std::isfinite(piece.score)) return bad("has no finite score");
    if (!texts.insert(piece.text).second) return bad("is there twice");
    unknowns += piece.type == PieceType::kUnknown;
    bytes += piece.type == PieceType::kByte;
  }
  if (unknowns != 1) {
    return InputError(file, absl::StrCat("has ", unknowns,
                                         " pieces of type UNKNOWN, wanted 1"));
  }
  // All of them, for the library; GGUF may hold some.
  if (model.byte_fallback && bytes < 256 && model.needs_all_bytes) {
    return InputError(file, absl::StrCat("has byte_fallback, and ", bytes,
                                         " of 256 pieces of type BYTE"));
  }
  if (!model.byte_fallback && bytes > 0) {
    return InputError(file, "has pieces of type BYTE without byte_fallback");
  }
  return absl::OkStatus();
}

absl::StatusOr<SentencePieceModel> ParseSentencePiece(std::string_view bytes,
                                                      const std::string& file) {
  SFT_RETURN_IF_ERROR(CheckIsTheFile(file, bytes));
  SentencePieceModel model;
  Trainer trainer;
  const absl::Status read = ReadModel(bytes, model, trainer);
  if (!read.ok()) {
    return InputError(
        file, absl::StrCat("is no SentencePiece model that can be read: ",
                           std::string(read.message())));
  }
  if (model.pieces.empty()) {
    return InputError(file, "is no SentencePiece model: it has no pieces");
  }
  if (trainer.kind == kWordModel || trainer.kind == kCharModel) {
    return InputError(
        file, absl::StrCat("is a SentencePiece model of ",
                           trainer.kind == kWordModel ? "words" : "characters",
                           ", which is not supported (unigram and bpe are)"));
  }
  if (trainer.kind != 1 && trainer.kind != 2) {
    return InputError(file, absl::StrCat("is a SentencePiece model of unknown "
                                         "type ",
                                         trainer.kind));
  }
  model.kind = static_cast<SentencePieceModel::Kind>(trainer.kind);
  SFT_RETURN_IF_ERROR(CheckSentencePiece(model, file));
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    // The library cuts them anew, by the merge that made them last.
    if (model.kind != SentencePieceModel::Kind::kBpe ||
        model.pieces[i].type != PieceType::kUnused) {
      continue;
    }
    return InputError(
        file, absl::StrCat("piece ", i, " (\"", model.pieces[i].text,
                           "\") is of type UNUSED, which is not supported in "
                           "bpe models; give tokenizer.json beside it"));
  }
  const auto unknown = std::find_if(model.pieces.begin(), model.pieces.end(),
                                    [](const SentencePiece& piece) {
                                      return piece.type == PieceType::kUnknown;
                                    });
  model.unk_id =
      static_cast<int32_t>(std::distance(model.pieces.begin(), unknown));
  model.bos_id = ControlNamed(model, trainer.bos);
  model.eos_id = ControlNamed(model, trainer.eos);
  model.pad_id = ControlNamed(model, trainer.pad);
  return model;
}

absl::StatusOr<SentencePieceModel> ReadSentencePiece(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxModelBytes));
  return ParseSentencePiece(bytes, path);
}

}  // namespace sft::formats
