#include "harness/formats/gguf.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/formats/not_the_file.h"

namespace sft::formats {
namespace {

constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxDims = 4;
constexpr uint64_t kMaxNameBytes = 1 << 10;

struct TensorRecord {
  GgufTensor tensor;
  uint64_t offset = 0;  // from the start of the data
  uint64_t bytes = 0;   // 0 if the type is unknown
};

absl::StatusOr<TensorRecord> ReadTensorRecord(GgufCursor& in,
                                              uint64_t alignment) {
  TensorRecord record;
  GgufTensor& tensor = record.tensor;
  SFT_RETURN_IF_ERROR(
      in.ReadText(tensor.name, kMaxNameBytes, "a tensor's name"));
  const std::string what = absl::StrCat("tensor ", tensor.name);
  uint32_t dims = 0;
  SFT_RETURN_IF_ERROR(in.Read(dims, what));
  if (dims == 0 || dims > kMaxDims) {
    return in.Fail(absl::StrCat(what, " has ", dims,
                                " dimensions, wanted 1 to ", kMaxDims));
  }
  int64_t elements = 1;
  for (uint32_t i = 0; i < dims; ++i) {
    uint64_t size = 0;
    SFT_RETURN_IF_ERROR(in.Read(size, what));
    if (size == 0 || size > INT64_MAX ||
        __builtin_mul_overflow(elements, static_cast<int64_t>(size),
                               &elements)) {
      return in.Fail(absl::StrCat(what, " has an impossible dimension ", size));
    }
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  uint32_t id = 0;
  SFT_RETURN_IF_ERROR(in.Read(id, what));
  SFT_RETURN_IF_ERROR(in.Read(record.offset, what));
  tensor.ggml_id = id;
  tensor.type = FindGgmlType(id);
  if (record.offset % alignment != 0) {
    return in.Fail(absl::StrCat(what, " is not aligned"));
  }
  if (tensor.type == nullptr) return record;
  if (tensor.shape.back() % tensor.type->block_elements != 0) {
    return in.Fail(absl::StrCat(what, " has rows of ", tensor.shape.back(),
                                ", no multiple of the block of ",
                                tensor.type->block_elements));
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements / tensor.type->block_elements,
                             tensor.type->block_bytes, &bytes)) {
    return in.Fail(absl::StrCat(what, " has an impossible size"));
  }
  record.bytes = static_cast<uint64_t>(bytes);
  return record;
}

// Every tensor inside the data, none over another.
absl::Status CheckRanges(const std::string& path,
                         const std::vector<TensorRecord>& records,
                         uint64_t data_bytes) {
  std::vector<const TensorRecord*> order;
  std::set<std::string> names;
  for (const TensorRecord& record : records) {
    const std::string& name = record.tensor.name;
    if (!names.insert(name).second) {
      return InputError(path, absl::StrCat("tensor ", name, " given twice"));
    }
    if (record.offset > data_bytes ||
        record.bytes > data_bytes - record.offset) {
      return InputError(
          path, absl::StrCat("tensor ", name, " wants bytes ", record.offset,
                             " to ", record.offset, " + ", record.bytes,
                             " of the ", data_bytes, " bytes of data"));
    }
    order.push_back(&record);
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->offset + order[i - 1]->bytes > order[i]->offset ||
        order[i - 1]->offset == order[i]->offset) {
      return InputError(
          path, absl::StrCat("tensors ", order[i - 1]->tensor.name, " and ",
                             order[i]->tensor.name, " overlap"));
    }
  }
  return absl::OkStatus();
}

// "-00001-of-00003.gguf", of parts.
std::string PartEnding(int64_t part, int64_t count) {
  return absl::StrFormat("-%05d-of-%05d.gguf", part, count);
}

// How many parts the end of a name speaks of, and which it is; 0 if none.
struct PartName {
  int64_t part = 0, count = 0;
};
PartName PartNameOf(const std::string& path) {
  const size_t length = PartEnding(1, 1).size();
  PartName out;
  if (path.size() < length) return out;
  const std::string_view end =
      std::string_view(path).substr(path.size() - length);
  if (!absl::SimpleAtoi(ToAbsl(end.substr(1, 5)), &out.part) ||
      !absl::SimpleAtoi(ToAbsl(end.substr(10, 5)), &out.count) ||
      out.part < 1 || out.part > out.count ||
      end != PartEnding(out.part, out.count)) {
    return {};
  }
  return out;
}

}  // namespace

std::vector<std::string> GgufParts(const std::string& path) {
  const PartName name = PartNameOf(path);
  if (name.count < 2) return {path};
  const std::string stem =
      path.substr(0, path.size() - PartEnding(1, 1).size());
  std::vector<std::string> out;
  for (int64_t part = 1; part <= name.count; ++part) {
    out.push_back(absl::StrCat(stem, PartEnding(part, name.count)));
  }
  return out;
}

absl::Status GgufFile::CheckPart(const std::string& key, int64_t wanted) const {
  SFT_ASSIGN_OR_RETURN(const int64_t value, Get<int64_t>(key));
  if (value == wanted) return absl::OkStatus();
  return InputError(path(), absl::StrCat("key ", key, ": ", value, ", wanted ",
                                         wanted, " by the file's name"));
}

absl::StatusOr<GgufFile> GgufFile::Open(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(GgufFile file, OpenPart(path));
  if (!file.Has("split.count")) return file;
  SFT_ASSIGN_OR_RETURN(const int64_t count, file.Get<int64_t>("split.count"));
  if (count <= 1) return file;
  const std::vector<std::string> parts = GgufParts(path);
  if (static_cast<int64_t>(parts.size()) != count) {
    return InputError(
        path, absl::StrCat("is one of ", count,
                           " parts of a model: its name must end in ",
                           PartEnding(1, count), ", as it was written"));
  }
  if (path != parts[0]) {
    return InputError(path, absl::StrCat("is not the first part of its model; "
                                         "name ",
                                         parts[0]));
  }
  SFT_RETURN_IF_ERROR(file.CheckPart("split.no", 0));
  std::set<std::string> names;
  for (const GgufTensor& tensor : file.tensors_) names.insert(tensor.name);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (!FileExists(parts[i])) {
      return InputError(parts[i],
                        absl::StrCat("part ", i + 1, " of the ", parts.size(),
                                     " of ", path, " is missing"));
    }
    SFT_ASSIGN_OR_RETURN(GgufFile part, OpenPart(parts[i]));
    SFT_RETURN_IF_ERROR(part.CheckPart("split.count", count));
    SFT_RETURN_IF_ERROR(part.CheckPart("split.no", static_cast<int64_t>(i)));
    for (GgufTensor& tensor : part.tensors_) {
      if (!names.insert(tensor.name).second) {
        return InputError(parts[i], absl::StrCat("tensor ", tensor.name,
                                                 " is in an earlier part too"));
      }
      tensor.part = i;
      file.tensors_.push_back(std::move(tensor));
    }
    file.maps_.push_back(std::move(part.maps_[0]));
  }
  if (file.Has("split.tensors.count")) {
    SFT_ASSIGN_OR_RETURN(const int64_t tensors,
                         file.Get<int64_t>("split.tensors.count"));
    if (tensors != static_cast<int64_t>(file.tensors_.size())) {
      return InputError(path, absl::StrCat("its ", parts.size(), " parts have ",
                                           file.tensors_.size(),
                                           " tensors, wanted ", tensors));
    }
  }
  return file;
}

absl::StatusOr<GgufFile> GgufFile::OpenPart(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(MappedFile map, MappedFile::Open(path));
  GgufFile file(std::move(map));
  const MappedFile& bytes = file.maps_[0];
  GgufCursor in(bytes);
  uint32_t magic = 0, version = 0;
  uint64_t tensor_count = 0, key_count = 0;
  SFT_RETURN_IF_ERROR(CheckIsTheFile(
      path,
      {reinterpret_cast<const char*>(bytes.data()),
       static_cast<size_t>(std::min<uint64_t>(in.left(), kToldByBytes))}));
  if (!in.Read(magic, "the magic").ok() || magic != 0x46554747) {
    return InputError(path, "not a GGUF file (no \"GGUF\" at its start)");
  }
  SFT_RETURN_IF_ERROR(in.Read(version, "the header"));
  if (version != 2 && version != 3) {
    return InputError(path, absl::StrCat("GGUF version ", version,
                                         ", wanted 2 or 3, little-endian"));
  }
  SFT_RETURN_IF_ERROR(in.Read(tensor_count, "the header"));
  SFT_RETURN_IF_ERROR(in.Read(key_count, "the header"));
  // A key takes 8 + 4 + 1 bytes at least, a tensor 8 + 4 + 8 + 4 + 8.
  if (key_count > kMaxKeys || key_count > in.left() / 13 ||
      tensor_count > kMaxTensors || tensor_count > in.left() / 32) {
    return InputError(
        path,
        absl::StrCat("header claims ", key_count, " keys and ", tensor_count,
                     " tensors in ", bytes.size_bytes(), " bytes"));
  }
  uint64_t elements = 0;
  for (uint64_t i = 0; i < key_count; ++i) {
    std::string key;
    SFT_RETURN_IF_ERROR(in.ReadText(key, kMaxNameBytes, "a key"));
    const uint64_t begin = in.position();
    SFT_ASSIGN_OR_RETURN(GgufValue value, ReadGgufValue(in, key, elements));
    file.raw_[key] = {reinterpret_cast<const char*>(bytes.data() + begin),
                      in.position() - begin};
    if (!file.metadata_.emplace(key, std::move(value)).second) {
      return InputError(path, absl::StrCat("key ", key, " given twice"));
    }
  }
  uint64_t alignment = 32;
  if (file.Has("general.alignment")) {
    SFT_ASSIGN_OR_RETURN(int64_t wanted,
                         file.Get<int64_t>("general.alignment"));
    if (wanted < 8 || wanted > (1 << 20) || (wanted & (wanted - 1)) != 0) {
      return InputError(path, absl::StrCat("general.alignment ", wanted,
                                           " is no power of two from 8 on"));
    }
    alignment = static_cast<uint64_t>(wanted);
  }
  std::vector<TensorRecord> records;
  for (uint64_t i = 0; i < tensor_count; ++i) {
    SFT_ASSIGN_OR_RETURN(TensorRecord record, ReadTensorRecord(in, alignment));
    records.push_back(std::move(record));
  }
  const uint64_t size = bytes.size_bytes();
  const uint64_t start =
      std::min(size, (in.position() + alignment - 1) / alignment * alignment);
  SFT_RETURN_IF_ERROR(CheckRanges(path, records, size - start));
  for (TensorRecord& record : records) {
    record.tensor.file = path;
    record.tensor.data = bytes.data() + start + record.offset;
    file.tensors_.push_back(std::move(record.tensor));
  }
  return file;
}

template <class T>
absl::StatusOr<T> GgufFile::Get(const std::string& key) const {
  auto it = metadata_.find(key);
  if (it == metadata_.end()) {
    return InputError(path(), absl::StrCat("key ", key, " is missing"));
  }
  const T* value = std::get_if<T>(&it->second);
  if (value == nullptr) {
    return InputError(path(), absl::StrCat("key ", key, " has another type"));
  }
  return *value;
}

template absl::StatusOr<int64_t> GgufFile::Get(const std::string&) const;
template absl::StatusOr<double> GgufFile::Get(const std::string&) const;
template absl::StatusOr<bool> GgufFile::Get(const std::string&) const;
template absl::StatusOr<std::string> GgufFile::Get(const std::string&) const;
template absl::StatusOr<std::vector<int64_t>> GgufFile::Get(
    const std::string&) const;
template absl::StatusOr<std::vector<bool>> GgufFile::Get(
    const std::string&) const;
template absl::StatusOr<std::vector<double>> GgufFile::Get(
    const std::string&) const;
template absl::StatusOr<std::vector<std::string>> GgufFile::Get(
    const std::string&) const;

}  // namespace sft::formats
