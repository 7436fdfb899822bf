#include "harness/formats/llama2c.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_replace.h"
#include "harness/core/status.h"
#include "harness/formats/not_the_file.h"
#include "harness/formats/sentencepiece.h"

namespace sft::formats {
namespace {

constexpr size_t kHeaderBytes = 7 * sizeof(int32_t);
constexpr uint32_t kLaterMagic = 0x616b3432;  // "ak42", before a version
constexpr int64_t kMaxTokenizerBytes = int64_t{64} << 20;
constexpr int32_t kFirstByte = 3, kBos = 1, kEos = 2;

template <class T>
T NumberAt(const void* bytes, size_t at) {
  T value;
  std::memcpy(&value, static_cast<const char*>(bytes) + at, sizeof(T));
  return value;
}

// `message` where the seven numbers are no model's; "" where they are.
std::string HeaderComplaint(const void* bytes, Llama2cHeader& header) {
  if (NumberAt<uint32_t>(bytes, 0) == kLaterMagic) {
    return absl::StrCat("is of version ", NumberAt<int32_t>(bytes, 4),
                        ", and version 0 is read; export.py --version -1 "
                        "writes a Hugging Face folder");
  }
  struct Bound {
    const char* name;
    int64_t* value;
    int64_t max;
  };
  const Bound bounds[] = {{"width", &header.width, 1 << 20},
                          {"ffn width", &header.ffn_width, 1 << 24},
                          {"layers", &header.layers, 4096},
                          {"heads", &header.heads, 1 << 16},
                          {"key and value heads", &header.kv_heads, 1 << 16},
                          {"vocabulary", &header.vocabulary, 1 << 24},
                          {"positions", &header.positions, 1 << 24}};
  for (size_t i = 0; i < std::size(bounds); ++i) {
    int64_t value = NumberAt<int32_t>(bytes, i * sizeof(int32_t));
    if (bounds[i].value == &header.vocabulary) {
      header.tied_head = value > 0;
      value = std::abs(value);
    }
    if (value < 1 || value > bounds[i].max) {
      return absl::StrCat("is no llama2.c model: ", bounds[i].name, " ", value,
                          " is not from 1 to ", bounds[i].max);
    }
    *bounds[i].value = value;
  }
  if (header.width % header.heads != 0 || header.head_width() % 2 != 0 ||
      header.heads % header.kv_heads != 0) {
    return absl::StrCat("is no llama2.c model: width ", header.width, " for ",
                        header.heads, " heads and ", header.kv_heads,
                        " key and value heads");
  }
  return "";
}

}  // namespace

absl::StatusOr<Llama2cFile> Llama2cFile::Open(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(MappedFile map, MappedFile::Open(path));
  Llama2cFile file(std::move(map));
  const size_t size = file.map_.size_bytes();
  const uint8_t* bytes = file.map_.data();
  if (size < kHeaderBytes) {
    return InputError(path, "is no llama2.c model: it ends inside its header");
  }
  SFT_RETURN_IF_ERROR(CheckIsTheFile(
      path, {reinterpret_cast<const char*>(bytes), kHeaderBytes}));
  Llama2cHeader& h = file.header_;
  const std::string complaint = HeaderComplaint(bytes, h);
  if (!complaint.empty()) return InputError(path, complaint);
  const int64_t kv_width = h.head_width() * h.kv_heads;
  struct Kind {
    Llama2cPart part;
    std::vector<int64_t> shape;
    bool in_layers = true;
  };
  const std::vector<int64_t> norm = {h.width};
  std::vector<Kind> kinds = {
      {Llama2cPart::kEmbedding, {h.vocabulary, h.width}, false},
      {Llama2cPart::kAttentionNorm, norm},
      {Llama2cPart::kQuery, {h.width, h.width}},
      {Llama2cPart::kKey, {kv_width, h.width}},
      {Llama2cPart::kValue, {kv_width, h.width}},
      {Llama2cPart::kAttentionOutput, {h.width, h.width}},
      {Llama2cPart::kFfnNorm, norm},
      {Llama2cPart::kGate, {h.ffn_width, h.width}},
      {Llama2cPart::kDown, {h.width, h.ffn_width}},
      {Llama2cPart::kUp, {h.ffn_width, h.width}},
      {Llama2cPart::kFinalNorm, norm, false}};
  // Bounds above keep all of this below 2^63.
  uint64_t floats = 0;
  const auto count = [](const std::vector<int64_t>& shape) {
    uint64_t product = 1;
    for (int64_t n : shape) product *= static_cast<uint64_t>(n);
    return product;
  };
  for (const Kind& kind : kinds) {
    floats += count(kind.shape) *
              static_cast<uint64_t>(kind.in_layers ? h.layers : 1);
  }
  // Tables of angles, which follow from the header.
  const uint64_t angles = static_cast<uint64_t>(h.positions) *
                          static_cast<uint64_t>(h.head_width());
  const uint64_t head = h.tied_head ? 0 : count({h.vocabulary, h.width});
  const uint64_t wanted =
      kHeaderBytes + sizeof(float) * (floats + angles + head);
  if (wanted != size) {
    return InputError(path, absl::StrCat("is no whole llama2.c model: its "
                                         "header asks for ",
                                         wanted, " bytes, it has ", size));
  }
  size_t at = kHeaderBytes;
  const auto take = [&](const Kind& kind, int64_t layer) {
    file.tensors_.push_back({kind.part, layer, kind.shape, bytes + at});
    at += sizeof(float) * count(kind.shape);
  };
  for (const Kind& kind : kinds) {
    if (!kind.in_layers) take(kind, -1);
    for (int64_t l = 0; kind.in_layers && l < h.layers; ++l) take(kind, l);
  }
  at += sizeof(float) * angles;
  if (!h.tied_head) {
    take({Llama2cPart::kHead, {h.vocabulary, h.width}, false}, -1);
  }
  return file;
}

bool BeginsAsLlama2c(const std::string& path) {
  char bytes[kHeaderBytes];
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes, sizeof(bytes))) return false;
  if (!CheckIsTheFile(path, {bytes, sizeof(bytes)}).ok()) return false;
  Llama2cHeader header;
  return NumberAt<uint32_t>(bytes, 0) == kLaterMagic ||
         HeaderComplaint(bytes, header).empty();
}

absl::StatusOr<GgufTokenizerData> ReadLlama2cTokenizer(const std::string& path,
                                                       int64_t vocabulary) {
  SFT_ASSIGN_OR_RETURN(const std::string bytes,
                       ReadFile(path, kMaxTokenizerBytes));
  GgufTokenizerData data;
  data.model = "llama";
  size_t at = sizeof(int32_t);  // behind the longest token's length
  while (at < bytes.size() &&
         static_cast<int64_t>(data.tokens.size()) < vocabulary) {
    const auto bad = [&](const char* what) {
      return InputError(path,
                        absl::StrCat("token ", data.tokens.size(), " ", what));
    };
    constexpr size_t kNumbers = sizeof(float) + sizeof(int32_t);
    if (bytes.size() - at < kNumbers) return bad("is cut off");
    const auto score = NumberAt<float>(bytes.data(), at);
    const auto length = NumberAt<int32_t>(bytes.data(), at + sizeof(float));
    at += kNumbers;
    if (length < 0 || static_cast<size_t>(length) > bytes.size() - at) {
      return bad("is longer than the file");
    }
    const auto id = static_cast<int32_t>(data.tokens.size());
    std::string text = bytes.substr(at, static_cast<size_t>(length));
    at += static_cast<size_t>(length);
    constexpr const char* kSpecial[] = {"<unk>", "<s>", "</s>"};
    int32_t type = static_cast<int32_t>(PieceType::kNormal);
    if (id < kFirstByte) {
      text = kSpecial[id];  // line breaks stand around them there
      type = id == 0 ? kUnknownToken : kControlToken;
    } else if (id < kFirstByte + 256 && text == BytePiece(id - kFirstByte)) {
      type = kByteToken;
    } else {
      text = absl::StrReplaceAll(text, {{" ", "\u2581"}});
    }
    data.tokens.push_back(std::move(text));
    data.token_types.push_back(type);
    data.scores.push_back(score);
  }
  if (static_cast<int64_t>(data.tokens.size()) != vocabulary ||
      at != bytes.size()) {
    return InputError(path,
                      absl::StrCat("has ", at < bytes.size() ? "more" : "fewer",
                                   " tokens than the model's ", vocabulary));
  }
  data.unk = 0;
  data.bos = kBos;
  data.eos = kEos;
  data.eom = kBos;  // a text ends where the next one begins
  return data;
}

absl::StatusOr<std::string> Llama2cTokenizerPath(const std::string& model,
                                                 int64_t vocabulary) {
  const std::filesystem::path folder =
      std::filesystem::path(model).parent_path();
  const std::string names[] = {absl::StrCat("tok", vocabulary, ".bin"),
                               "tokenizer.bin"};
  for (const std::string& name : names) {
    const std::string path = (folder / name).string();
    if (FileExists(path)) return path;
  }
  return absl::NotFoundError(
      absl::StrCat(model, ": its tokenizer is missing: neither ", names[0],
                   " nor ", names[1], " lies beside it"));
}

}  // namespace sft::formats
