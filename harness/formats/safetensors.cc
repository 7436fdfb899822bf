#include "harness/formats/safetensors.h"

#include <ATen/ops/empty.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/not_the_file.h"

namespace sft::formats {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100 << 20;
constexpr size_t kMaxRank = 8;

struct DtypeName {
  std::string_view name;
  at::ScalarType dtype;  // Undefined: not read
  int64_t bytes;
};
constexpr at::ScalarType kNotRead = at::ScalarType::Undefined;
constexpr DtypeName kDtypes[] = {
    {"F64", at::kDouble, 8},  {"F32", at::kFloat, 4},
    {"F16", at::kHalf, 2},    {"BF16", at::kBFloat16, 2},
    {"I64", at::kLong, 8},    {"I32", at::kInt, 4},
    {"U8", at::kByte, 1},     {"BOOL", kNotRead, 1},
    {"I8", kNotRead, 1},      {"I16", kNotRead, 2},
    {"U16", kNotRead, 2},     {"U32", kNotRead, 4},
    {"U64", kNotRead, 8},     {"F8_E4M3", kNotRead, 1},
    {"F8_E5M2", kNotRead, 1}, {"F8_E8M0", kNotRead, 1},
    {"C64", kNotRead, 8},
};

bool IsCount(const nlohmann::json& value) {
  return value.is_number_unsigned() &&
         value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
}

// One row of the header; offsets are checked against `data_bytes`.
absl::StatusOr<SafetensorsEntry> ReadEntry(const std::string& path,
                                           const std::string& name,
                                           const nlohmann::json& row,
                                           uint64_t data_bytes) {
  auto fail = [&](const std::string& what) {
    return InputError(path, absl::StrCat("tensor ", name, ": ", what));
  };
  if (!row.is_object() || !row.contains("dtype") || !row.contains("shape") ||
      !row.contains("data_offsets")) {
    return fail("wanted dtype, shape and data_offsets");
  }
  SafetensorsEntry entry;
  entry.name = name;
  const nlohmann::json& dtype = row["dtype"];
  if (!dtype.is_string()) return fail("dtype is no string");
  entry.dtype_name = dtype.get<std::string>();
  const auto* known = std::find_if(
      std::begin(kDtypes), std::end(kDtypes),
      [&](const DtypeName& d) { return d.name == entry.dtype_name; });
  if (known == std::end(kDtypes)) {
    return fail(absl::StrCat("dtype ", entry.dtype_name, " is not supported"));
  }
  entry.dtype = known->dtype;

  const nlohmann::json& shape = row["shape"];
  if (!shape.is_array() || shape.size() > kMaxRank) {
    return fail(absl::StrCat("shape is no list of at most ", kMaxRank));
  }
  int64_t bytes = known->bytes;
  for (const nlohmann::json& size : shape) {
    if (!IsCount(size)) return fail("shape holds what is no size");
    entry.shape.push_back(size.get<int64_t>());
    if (__builtin_mul_overflow(bytes, entry.shape.back(), &bytes)) {
      return fail("shape is impossibly large");
    }
  }
  const nlohmann::json& offsets = row["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !IsCount(offsets[0]) ||
      !IsCount(offsets[1])) {
    return fail("data_offsets is no pair of offsets");
  }
  const uint64_t begin = offsets[0].get<uint64_t>();
  const uint64_t end = offsets[1].get<uint64_t>();
  if (begin > end || end > data_bytes) {
    return fail(absl::StrCat("data_offsets ", begin, " to ", end, " of the ",
                             data_bytes, " bytes of data"));
  }
  if (end - begin != static_cast<uint64_t>(bytes)) {
    return fail(absl::StrCat("dtype and shape want ", bytes,
                             " bytes, data_offsets hold ", end - begin));
  }
  entry.begin_bytes = begin;
  entry.size_bytes = end - begin;
  return entry;
}

// The format allows neither overlaps nor holes.
absl::Status CheckNoOverlap(const std::string& path,
                            std::vector<SafetensorsEntry>& entries,
                            uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::make_pair(a.begin_bytes, a.size_bytes) <
           std::make_pair(b.begin_bytes, b.size_bytes);
  });
  uint64_t end = 0;
  const std::string* before = nullptr;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin_bytes < end) {
      return InputError(path, absl::StrCat("tensors ", *before, " and ",
                                           entry.name, " overlap"));
    }
    if (entry.begin_bytes > end) {
      return InputError(path,
                        absl::StrCat("hole of ", entry.begin_bytes - end,
                                     " bytes before tensor ", entry.name));
    }
    end += entry.size_bytes;
    before = &entry.name;
  }
  if (end != data_bytes) {
    return InputError(
        path, absl::StrCat("header tells of ", end,
                           " bytes of data, the file has ", data_bytes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(MappedFile map, MappedFile::Open(path));
  SafetensorsFile file(std::move(map));
  const uint64_t size = file.map_.size_bytes();
  uint64_t header_bytes = 0;
  if (size < sizeof(header_bytes)) {
    return InputError(path, "not a safetensors file (shorter than its header)");
  }
  std::memcpy(&header_bytes, file.map_.data(), sizeof(header_bytes));
  SFT_RETURN_IF_ERROR(CheckIsTheFile(
      path, {reinterpret_cast<const char*>(file.map_.data()),
             static_cast<size_t>(std::min<uint64_t>(size, kToldByBytes))}));
  if (header_bytes > kMaxHeaderBytes ||
      header_bytes > size - sizeof(header_bytes)) {
    return InputError(
        path,
        absl::StrCat("header claims ", header_bytes, " bytes of the ", size,
                     " of the file (at most ", kMaxHeaderBytes, ")"));
  }
  const std::string_view text(
      reinterpret_cast<const char*>(file.map_.data()) + sizeof(header_bytes),
      header_bytes);
  SFT_ASSIGN_OR_RETURN(nlohmann::json header, ParseJsonObject(path, text, 4));
  const uint64_t start = sizeof(header_bytes) + header_bytes;
  for (const auto& [name, row] : header.items()) {
    if (name == "__metadata__") {
      if (!row.is_object()) return InputError(path, "__metadata__: no object");
      for (const auto& [key, value] : row.items()) {
        if (!value.is_string()) {
          return InputError(
              path, absl::StrCat("__metadata__: ", key, " is no string"));
        }
        file.meta_[key] = value.get<std::string>();
      }
      continue;
    }
    SFT_ASSIGN_OR_RETURN(SafetensorsEntry entry,
                         ReadEntry(path, name, row, size - start));
    file.entries_.push_back(std::move(entry));
  }
  SFT_RETURN_IF_ERROR(CheckNoOverlap(path, file.entries_, size - start));
  for (SafetensorsEntry& entry : file.entries_) entry.begin_bytes += start;
  return file;
}

absl::StatusOr<std::vector<NamedTensor>> ReadSafetensors(
    const std::string& path) {
  SFT_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(path));
  std::vector<NamedTensor> out;
  for (const SafetensorsEntry& entry : file.entries()) {
    if (entry.dtype == kNotRead) {
      return InputError(path,
                        absl::StrCat("tensor ", entry.name, ": dtype ",
                                     entry.dtype_name, " is not supported"));
    }
    at::Tensor tensor =
        at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype));
    if (entry.size_bytes > 0) {
      if (entry.size_bytes > 0) {
        std::memcpy(tensor.data_ptr(), file.data(entry), entry.size_bytes);
      }
    }
    out.push_back({entry.name, std::move(tensor)});
  }
  return out;
}

absl::Status WriteSafetensors(const std::string& path,
                              const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& meta) {
  std::vector<const NamedTensor*> order;
  std::set<std::string> names;
  for (const NamedTensor& named : tensors) {
    TORCH_CHECK(names.insert(named.name).second, "tensor ", named.name,
                " to be written twice");
    order.push_back(&named);
  }
  // Wide elements first, so that every tensor is aligned to its element.
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::make_pair(-static_cast<int64_t>(a->tensor.element_size()),
                          std::string_view(a->name)) <
           std::make_pair(-static_cast<int64_t>(b->tensor.element_size()),
                          std::string_view(b->name));
  });
  nlohmann::json header = nlohmann::json::object();
  if (!meta.empty()) header["__metadata__"] = meta;
  uint64_t offset = 0;
  for (const NamedTensor* named : order) {
    const auto* known = std::find_if(
        std::begin(kDtypes), std::end(kDtypes), [&](const DtypeName& d) {
          return d.dtype == named->tensor.scalar_type();
        });
    TORCH_CHECK(known != std::end(kDtypes), "tensor ", named->name,
                " has a dtype that safetensors lacks");
    const uint64_t bytes = named->tensor.nbytes();
    header[named->name] = {{"dtype", std::string(known->name)},
                           {"shape", named->tensor.sizes().vec()},
                           {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');

  const std::string temporary = TemporaryBeside(path);
  std::FILE* out = std::fopen(temporary.c_str(), "wb");
  const uint64_t header_bytes = text.size();
  const auto size =
      static_cast<int64_t>(sizeof(header_bytes) + text.size() + offset);
  if (out == nullptr) return WriteError(path, errno, size);
  bool good = std::fwrite(&header_bytes, sizeof(header_bytes), 1, out) == 1 &&
              std::fwrite(text.data(), 1, text.size(), out) == text.size();
  for (const NamedTensor* named : order) {
    if (!good) break;
    const at::Tensor tensor = named->tensor.detach().cpu().contiguous();
    if (tensor.nbytes() == 0) continue;  // it has no memory to write
    good = std::fwrite(tensor.data_ptr(), 1, tensor.nbytes(), out) ==
           tensor.nbytes();
  }
  // Of the first call that fails.
  int error =
      good && std::fflush(out) == 0 && fsync(fileno(out)) == 0 ? 0 : errno;
  if (std::fclose(out) != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error == 0) return absl::OkStatus();
  std::remove(temporary.c_str());
  return WriteError(path, error, size);
}

}  // namespace sft::formats
