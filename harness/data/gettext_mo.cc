#include "harness/data/gettext_mo.h"

#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::data {
namespace {

constexpr uint32_t kMagic = 0x950412de;
constexpr int64_t kHeaderBytes = 28;  // seven words
constexpr int64_t kEntryBytes = 8;    // length and offset
constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

class MoFile {
 public:
  MoFile(std::string path, std::string_view bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  absl::Status Open() {
    if (size() < kHeaderBytes) {
      return Error(absl::StrCat("has ", size(), " bytes, no catalogue"));
    }
    big_endian_ = false;
    if (Word(0) != kMagic) big_endian_ = true;
    if (Word(0) != kMagic) return Error("does not begin as a catalogue (.mo)");
    const uint32_t major = static_cast<uint32_t>(Word(4)) >> 16;
    if (major > 1) {
      return Error(absl::StrCat("format revision ", major,
                                ", 0 and 1 are "
                                "read"));
    }
    count_ = Word(8);
    for (const int64_t at : {Word(12), Word(16)}) {
      if (at > size() || count_ > (size() - at) / kEntryBytes) {
        return Error(absl::StrCat("a table of ", count_, " messages at byte ",
                                  at, " does not fit into ", size(), " bytes"));
      }
    }
    return absl::OkStatus();
  }

  int64_t count() const { return count_; }
  // String i < count() of the table whose offset stands at byte `header`.
  absl::StatusOr<std::string_view> String(int64_t header, int64_t i) {
    const int64_t entry = Word(header) + i * kEntryBytes;
    const int64_t length = Word(entry), at = Word(entry + 4);
    // With the NUL behind it.
    if (at > size() || length >= size() - at || bytes_[at + length] != '\0') {
      return Error(absl::StrCat("message ", i + 1, ": ", length,
                                " bytes at byte ", at,
                                " leave the file or end in no NUL"));
    }
    // Or a small file could name its own bytes millions of times.
    used_ += length;
    if (used_ > size()) {
      return Error(absl::StrCat("message ", i + 1, ": the strings overlap"));
    }
    return bytes_.substr(at, length);
  }

  absl::Status Error(const std::string& what) const {
    return InputError(path_, what);
  }

 private:
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  int64_t Word(int64_t at) const {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) {
      const uint32_t byte = static_cast<unsigned char>(bytes_[at + i]);
      word |= byte << (8 * (big_endian_ ? 3 - i : i));
    }
    return word;
  }

  const std::string path_;
  const std::string_view bytes_;
  bool big_endian_ = false;
  int64_t count_ = 0, used_ = 0;
};

// "Content-Type: text/plain; charset=UTF-8\n": "utf-8"; "" if there is none.
std::string Charset(std::string_view header) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(header));
  constexpr std::string_view kKey = "charset=";
  const size_t at = lower.find(kKey);
  if (at == std::string::npos) return "";
  const size_t begin = at + kKey.size();
  return lower.substr(begin, lower.find_first_of(" \t\r\n;", begin) - begin);
}

// Up to the first NUL: the singular of a message with plural forms.
std::string_view FirstForm(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

}  // namespace

absl::StatusOr<Catalogue> ReadMo(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxFileBytes));
  MoFile file(path, bytes);
  SFT_RETURN_IF_ERROR(file.Open());
  Catalogue catalogue;
  for (int64_t i = 0; i < file.count(); ++i) {
    SFT_ASSIGN_OR_RETURN(std::string_view text, file.String(12, i));
    SFT_ASSIGN_OR_RETURN(std::string_view translation, file.String(16, i));
    if (text.empty()) {
      const std::string charset = Charset(translation);
      if (!charset.empty() && charset != "utf-8" && charset != "utf8" &&
          charset != "us-ascii" && charset != "ascii") {
        return file.Error("charset '" + CleanUtf8(charset) +
                          "'; convert the catalogue to UTF-8");
      }
      continue;
    }
    text = FirstForm(text);
    translation = FirstForm(translation);
    // What stands before a \4 is the message's context.
    const size_t context = text.find('\4');
    if (context != std::string_view::npos) text = text.substr(context + 1);
    std::string why = Utf8Complaint(text);
    if (why.empty()) why = Utf8Complaint(translation);
    if (why.empty() && translation.empty()) why = "no translation";
    if (why.empty()) {
      catalogue.messages.push_back(
          {i + 1, std::string(text), std::string(translation)});
    } else {
      catalogue.refused.push_back(
          {absl::StrCat(path, ": message ", i + 1), std::move(why)});
    }
  }
  if (catalogue.messages.empty()) {
    return file.Error(absl::StrCat("no usable message (",
                                   catalogue.refused.size(), " refused)"));
  }
  return catalogue;
}

}  // namespace sft::data
