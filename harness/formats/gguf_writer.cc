#include "harness/formats/gguf_writer.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <memory>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/formats/gguf_value.h"

namespace sft::formats {
namespace {

constexpr int64_t kAlignment = 32;  // the format's, where no key says another
constexpr int64_t kPartElements = 1 << 16;  // of a tensor, at a time

template <class T>
void Put(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
void PutText(std::string_view text, std::string& out) {
  Put<uint64_t>(text.size(), out);
  out.append(text);
}

// Type and value of an array; `append` adds one element.
template <class Values, class AppendElement>
std::string ArrayBytes(GgufType type, const Values& values,
                       AppendElement append) {
  std::string out;
  Put<uint32_t>(kGgufArray, out);
  Put<uint32_t>(type, out);
  Put<uint64_t>(values.size(), out);
  for (const auto& value : values) append(value, out);
  return out;
}

template <class T>
std::string ValueBytes(GgufType type, T value) {
  std::string out;
  Put<uint32_t>(type, out);
  Put(value, out);
  return out;
}

int64_t RowsOf(const GgufOutTensor& tensor) {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < tensor.shape.size(); ++i) rows *= tensor.shape[i];
  return rows;
}
int64_t RowBytes(const GgufOutTensor& tensor) {
  return tensor.shape.back() / tensor.type->block_elements *
         tensor.type->block_bytes;
}
int64_t Aligned(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::string HeaderBytes(const GgufKeys& keys,
                        const std::vector<GgufOutTensor>& tensors) {
  std::string out = "GGUF";
  Put<uint32_t>(3, out);
  Put<uint64_t>(tensors.size(), out);
  Put<uint64_t>(keys.rows().size(), out);
  for (const auto& [key, bytes] : keys.rows()) {
    PutText(key, out);
    out.append(bytes);
  }
  int64_t offset = 0;
  for (const GgufOutTensor& tensor : tensors) {
    PutText(tensor.name, out);
    Put<uint32_t>(static_cast<uint32_t>(tensor.shape.size()), out);
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend();
         ++size) {
      Put<uint64_t>(static_cast<uint64_t>(*size), out);
    }
    Put<uint32_t>(static_cast<uint32_t>(tensor.type->ggml_id), out);
    Put<uint64_t>(static_cast<uint64_t>(offset), out);
    offset += Aligned(RowsOf(tensor) * RowBytes(tensor));
  }
  out.resize(static_cast<size_t>(Aligned(static_cast<int64_t>(out.size()))));
  return out;
}

// A file under way: of the first call that fails the error stands.
class Output {
 public:
  explicit Output(const std::string& path)
      : path_(path), file_(std::fopen(path.c_str(), "wb")) {
    if (file_ == nullptr) error_ = errno;
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::remove(path_.c_str());
  }
  bool Write(const void* bytes, size_t count) {
    if (error_ == 0 && count > 0 &&
        std::fwrite(bytes, 1, count, file_) != count) {
      error_ = errno;
    }
    return error_ == 0;
  }
  // Synced and under `path`; else it is removed.
  int Publish(const std::string& path) {
    if (error_ == 0 && (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0 ||
                        std::rename(path_.c_str(), path.c_str()) != 0)) {
      error_ = errno;
    }
    if (error_ == 0) {
      std::fclose(file_);
      file_ = nullptr;
    }
    return error_;
  }

 private:
  std::string path_;
  std::FILE* file_;
  int error_ = 0;
};

// False where a number does not fit its type.
bool WriteTensor(const GgufOutTensor& tensor, Output& out) {
  const StorageType& type = *tensor.type;
  const int64_t columns = tensor.shape.back(), rows = RowsOf(tensor);
  TORCH_CHECK(type.from_float != nullptr && columns % type.block_elements == 0,
              tensor.name, " cannot be written as ", type.name);
  const int64_t at_once = std::max<int64_t>(1, kPartElements / columns);
  const auto size = static_cast<size_t>(std::min(at_once, rows) * columns);
  std::vector<float> values(size), back(size);
  std::vector<uint8_t> bytes(
      static_cast<size_t>(std::min(at_once, rows) * RowBytes(tensor)));
  const RowReader read = tensor.open();
  for (int64_t row = 0; row < rows; row += at_once) {
    StopPoint();
    const int64_t count = std::min(at_once, rows - row);
    for (int64_t i = 0; i < count; ++i) {
      read(row + i, values.data() + i * columns);
    }
    const int64_t blocks = count * columns / type.block_elements;
    type.from_float(values.data(), blocks, bytes.data());
    type.to_float(bytes.data(), blocks, back.data());
    if (!std::all_of(back.begin(), back.begin() + count * columns,
                     [](float v) { return std::isfinite(v); })) {
      return false;
    }
    out.Write(bytes.data(), static_cast<size_t>(count * RowBytes(tensor)));
  }
  const char zeros[kAlignment] = {};
  const int64_t whole = rows * RowBytes(tensor);
  out.Write(zeros, static_cast<size_t>(Aligned(whole) - whole));
  return true;
}

}  // namespace

void GgufKeys::Whole(const std::string& key, int64_t value) {
  TORCH_CHECK(value >= 0 && value <= UINT32_MAX, key, " ", value);
  Raw(key, ValueBytes(kGgufU32, static_cast<uint32_t>(value)));
}
void GgufKeys::Real(const std::string& key, double value) {
  Raw(key, ValueBytes(kGgufF32, static_cast<float>(value)));
}
void GgufKeys::Flag(const std::string& key, bool value) {
  Raw(key, ValueBytes(kGgufBool, static_cast<uint8_t>(value)));
}
void GgufKeys::Text(const std::string& key, std::string_view value) {
  std::string bytes;
  Put<uint32_t>(kGgufString, bytes);
  PutText(value, bytes);
  Raw(key, bytes);
}
void GgufKeys::Wholes(const std::string& key,
                      const std::vector<int32_t>& values) {
  Raw(key, ArrayBytes(kGgufI32, values, [](int32_t value, std::string& out) {
        Put(value, out);
      }));
}
void GgufKeys::Reals(const std::string& key, const std::vector<float>& values) {
  Raw(key, ArrayBytes(kGgufF32, values,
                      [](float value, std::string& out) { Put(value, out); }));
}
void GgufKeys::Flags(const std::string& key, const std::vector<bool>& values) {
  Raw(key, ArrayBytes(kGgufBool, values, [](bool value, std::string& out) {
        Put(static_cast<uint8_t>(value), out);
      }));
}
void GgufKeys::Texts(const std::string& key,
                     const std::vector<std::string>& values) {
  Raw(key, ArrayBytes(kGgufString, values,
                      [](const std::string& value, std::string& out) {
                        PutText(value, out);
                      }));
}
void GgufKeys::Bytes(const std::string& key, std::string_view values) {
  Raw(key, ArrayBytes(kGgufU8, values,
                      [](char value, std::string& out) { out += value; }));
}
void GgufKeys::Raw(const std::string& key, std::string_view bytes) {
  rows_.emplace_back(key, bytes);
}
void GgufKeys::Append(const GgufKeys& more) {
  rows_.insert(rows_.end(), more.rows_.begin(), more.rows_.end());
}

GgufKeys TokenizerKeys(const GgufTokenizerData& data) {
  const std::string ggml = "tokenizer.ggml.";
  GgufKeys out;
  out.Text(ggml + "model", data.model);
  if (!data.pre.empty()) out.Text(ggml + "pre", data.pre);
  out.Texts(ggml + "tokens", data.tokens);
  if (!data.scores.empty()) out.Reals(ggml + "scores", data.scores);
  if (!data.token_types.empty()) {
    out.Wholes(ggml + "token_type", data.token_types);
  }
  if (!data.merges.empty()) out.Texts(ggml + "merges", data.merges);
  const std::pair<const char*, std::optional<int32_t>> ids[] = {
      {"bos", data.bos},      {"eos", data.eos},     {"eot", data.eot},
      {"eom", data.eom},      {"unknown", data.unk}, {"padding", data.pad},
      {"seperator", data.sep}};  // as the format spells it
  for (const auto& [name, id] : ids) {
    if (id.has_value()) out.Whole(ggml + name + "_token_id", *id);
  }
  const std::pair<const char*, std::optional<bool>> flags[] = {
      {"add_bos_token", data.add_bos},
      {"add_eos_token", data.add_eos},
      {"add_space_prefix", data.add_space_prefix},
      {"remove_extra_whitespaces", data.remove_extra_whitespaces}};
  for (const auto& [name, flag] : flags) {
    if (flag.has_value()) out.Flag(ggml + name, *flag);
  }
  if (!data.charsmap.empty()) {
    out.Bytes(ggml + "precompiled_charsmap", data.charsmap);
  }
  if (data.chat_template.has_value()) {
    out.Text("tokenizer.chat_template", *data.chat_template);
  }
  return out;
}

absl::Status WriteGguf(const std::string& path, const GgufKeys& keys,
                       const std::vector<GgufOutTensor>& tensors) {
  const std::string header = HeaderBytes(keys, tensors);
  auto size = static_cast<int64_t>(header.size());
  for (const GgufOutTensor& tensor : tensors) {
    size += Aligned(RowsOf(tensor) * RowBytes(tensor));
  }
  Output out(TemporaryBeside(path));
  out.Write(header.data(), header.size());
  for (const GgufOutTensor& tensor : tensors) {
    if (!WriteTensor(tensor, out)) {
      return InputError(
          path,
          absl::StrCat("tensor ", tensor.name, " holds weights too large for ",
                       ToAbsl(tensor.type->name), "; use f32"));
    }
  }
  const int error = out.Publish(path);
  return error == 0 ? absl::OkStatus() : WriteError(path, error, size);
}

}  // namespace sft::formats
