#include "harness/model/load/weights.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/formats/json.h"
#include "harness/model/families/gguf_config.h"
#include "harness/model/families/rope_gguf.h"
#include "harness/model/forward/decoder.h"

namespace sft::model {
namespace {

constexpr int64_t kMaxIndexBytes = 100 << 20;

std::string ShapeText(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// By the bits, so that the loop is vectorized: all ones in the exponent.
bool AllFinite(const float* values, int64_t count) {
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof(bits));
    bad |= static_cast<uint32_t>((bits & 0x7f800000u) == 0x7f800000u);
  }
  return bad == 0;
}
bool AllFinite(const double* values, int64_t count) {
  return std::all_of(values, values + count,
                     [](double v) { return v - v == 0; });
}

// One row of `count` elements, widened where `out` is f64.
void ReadRow(const formats::StorageType& type, const uint8_t* source,
             int64_t count, std::vector<float>&, float* out) {
  type.to_float(source, count / type.block_elements, out);
}
void ReadRow(const formats::StorageType& type, const uint8_t* source,
             int64_t count, std::vector<float>& scratch, double* out) {
  if (type.to_double != nullptr) {
    type.to_double(source, count / type.block_elements, out);
    return;
  }
  scratch.resize(static_cast<size_t>(count));
  type.to_float(source, count / type.block_elements, scratch.data());
  std::copy(scratch.begin(), scratch.end(), out);
}

// Of a file's map, so much is in memory at a time.
constexpr int64_t kReadBytes = 4 << 20;

// False at the first row with a non-finite value.
template <class T>
bool ReadRows(const StoredTensor& stored, int64_t rows, int64_t columns,
              T* out) {
  const formats::StorageType& type = *stored.type;
  const int64_t row_bytes = columns / type.block_elements * type.block_bytes;
  std::vector<float> scratch;
  int64_t forgotten = 0;
  for (int64_t r = 0; r < rows; ++r) {
    T* row = out + stored.rows.Ours(r) * columns;
    ReadRow(type, stored.data + r * row_bytes, columns, scratch, row);
    if (stored.shift != 0) {
      for (int64_t i = 0; i < columns; ++i) row[i] -= stored.shift;
    }
    if (!AllFinite(row, columns)) return false;
    const int64_t read = (r + 1) * row_bytes - forgotten;
    if (read < kReadBytes && r + 1 < rows) continue;
    stored.Forget(stored.data + forgotten, read);
    forgotten += read;
  }
  return true;
}

// How the names of a model's tensors look in files.
struct FileNames {
  std::string root;
  // Beginnings of names outside of the root.
  std::vector<std::string> outside;
  // What the tensor `head` may be called, too; "" if nothing else.
  std::string head, head_alias;
  // Tensors that folders carry and nobody needs.
  std::vector<std::string> surplus_begins, surplus_ends;
  bool old_norms = false;  // may be called gamma and beta

  bool IsSurplus(const std::string& name) const {
    for (const std::string& begin : surplus_begins) {
      if (name.starts_with(begin)) return true;
    }
    for (const std::string& end : surplus_ends) {
      if (name.ends_with(end)) return true;
    }
    return false;
  }
};

FileNames NamesOf(const DecoderConfig& config) {
  FileNames out;
  const DecoderLayout& layout = *config.layout;
  out.root = layout.root;
  out.head = WeightName(layout.head);
  out.outside = {out.head};
  if (!layout.head_alias.empty()) {
    out.head_alias = WeightName(layout.head_alias);
    out.outside.push_back(out.head_alias);
  }
  if (config.tied_head) out.surplus_begins = {out.head};
  for (std::string_view end : layout.surplus) {
    out.surplus_ends.emplace_back(end);
  }
  return out;
}

FileNames NamesOf(const EncoderConfig& config) {
  const EncoderLayout& layout = *config.layout;
  FileNames out;
  out.root = layout.root;
  out.old_norms = true;
  for (std::string_view begin : layout.surplus_begins) {
    out.outside.emplace_back(begin);
    out.surplus_begins.emplace_back(begin);
  }
  if (!layout.pooler.empty()) {
    out.surplus_begins.push_back(absl::StrCat(ToAbsl(layout.pooler), "."));
  }
  for (std::string_view end : layout.surplus_ends) {
    out.surplus_ends.emplace_back(end);
  }
  return out;
}

FileNames NamesOf(const ModelConfig& config) {
  return std::visit([](const auto& c) { return NamesOf(c); }, config);
}

std::vector<ParameterShape> ParametersOf(const ModelConfig& config) {
  if (const auto* encoder = std::get_if<EncoderConfig>(&config)) {
    return EncoderParameters(*encoder);
  }
  return DecoderParameters(std::get<DecoderConfig>(config));
}

absl::Status CheckReadable(const StoredTensor& stored) {
  if (stored.type != nullptr) return absl::OkStatus();
  return InputError(
      stored.file,
      absl::StrCat("tensor ", stored.name, " is stored as ", stored.type_name,
                   ", readable are ", formats::ReadableTypes()));
}

}  // namespace

absl::StatusOr<at::Tensor> ReadStoredTensor(const StoredTensor& stored,
                                            at::ScalarType dtype) {
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kDouble);
  SFT_RETURN_IF_ERROR(CheckReadable(stored));
  at::Tensor tensor = at::empty(stored.shape, at::TensorOptions().dtype(dtype));
  // A vector whose elements are permuted is a matrix of one column.
  const bool flat =
      stored.shape.empty() ||
      (stored.shape.size() == 1 && stored.rows.order == GgufRows::Order::kSame);
  const int64_t rows = flat ? 1 : stored.shape[0];
  const int64_t columns = rows == 0 ? 0 : tensor.numel() / rows;
  if (columns % stored.type->block_elements != 0) {
    return InputError(stored.file, absl::StrCat("tensor ", stored.name,
                                                ": rows break its blocks"));
  }
  const bool finite =
      dtype == at::kFloat
          ? ReadRows(stored, rows, columns, tensor.data_ptr<float>())
          : ReadRows(stored, rows, columns, tensor.data_ptr<double>());
  if (!finite) {
    return InputError(
        stored.file,
        absl::StrCat("tensor ", stored.name, " holds NaN or infinite weights"));
  }
  return tensor;
}

absl::StatusOr<WeightFiles> WeightFiles::OpenGguf(const std::string& path) {
  WeightFiles out;
  out.where_ = path;
  SFT_ASSIGN_OR_RETURN(formats::GgufFile file, formats::GgufFile::Open(path));
  out.gguf_ = std::make_unique<formats::GgufFile>(std::move(file));
  SFT_ASSIGN_OR_RETURN(const DecoderConfig config, ConfigFromGguf(*out.gguf_));
  out.config_ = config;
  std::map<std::string, std::pair<std::string, GgufPlace>> places;
  for (auto& [name, place] : GgufPlaces(config)) {
    places.emplace(place.name, std::pair(name, place));
  }
  for (const formats::GgufTensor& tensor : out.gguf_->tensors()) {
    if (IsGgufRope(tensor.name)) continue;  // is in the config
    StoredTensor stored;
    stored.file = tensor.file;
    stored.name = tensor.name;
    stored.shape = tensor.shape;
    stored.type = tensor.type;
    stored.type_name = formats::GgmlTypeName(tensor.ggml_id);
    stored.data = tensor.data;
    stored.map = &out.gguf_->MapOf(tensor);
    std::string name = tensor.name;
    if (const auto it = places.find(tensor.name); it != places.end()) {
      name = it->second.first;
      stored.rows = it->second.second.rows;
      stored.shift = it->second.second.shift;
    }
    if (!out.stored_.emplace(name, std::move(stored)).second) {
      return InputError(tensor.file,
                        absl::StrCat("tensor ", name, " given twice"));
    }
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> WeightFilesOfFolder(
    const std::string& folder) {
  const std::string whole = absl::StrCat(folder, "/model.safetensors");
  if (FileExists(whole)) return std::vector<std::string>{whole};
  const std::string index = absl::StrCat(whole, ".index.json");
  if (!FileExists(index)) {
    return InputError(folder,
                      "has neither model.safetensors nor "
                      "model.safetensors.index.json");
  }
  SFT_ASSIGN_OR_RETURN(std::string text, ReadFile(index, kMaxIndexBytes));
  SFT_ASSIGN_OR_RETURN(nlohmann::json object,
                       formats::ParseJsonObject(index, text, 8));
  auto map = object.find("weight_map");
  if (map == object.end() || !map->is_object() || map->empty()) {
    return InputError(index, "key \"weight_map\" is missing or no object");
  }
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    if (!name.ends_with(".safetensors") ||
        name.find_first_of(std::string("/\\\0", 3)) != std::string::npos) {
      return InputError(index, absl::StrCat("weight_map: tensor ", tensor,
                                            " is not in a .safetensors file "
                                            "of this folder: ",
                                            shard.dump().substr(0, 80)));
    }
    shards.insert(name);
  }
  std::vector<std::string> out = {index};
  for (const std::string& shard : shards) {
    out.push_back(absl::StrCat(folder, "/", shard));
  }
  return out;
}

absl::Status WeightFiles::AddSafetensors(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(formats::SafetensorsFile opened,
                       formats::SafetensorsFile::Open(path));
  shards_.push_back(
      std::make_unique<formats::SafetensorsFile>(std::move(opened)));
  const formats::SafetensorsFile& file = *shards_.back();
  for (const formats::SafetensorsEntry& entry : file.entries()) {
    StoredTensor stored;
    stored.file = path;
    stored.name = entry.name;
    stored.shape = entry.shape;
    stored.type = formats::FindSafetensorsType(entry.dtype_name);
    stored.type_name = entry.dtype_name;
    stored.data = file.data(entry);
    stored.map = &file.map();
    if (!stored_.emplace(entry.name, std::move(stored)).second) {
      return InputError(
          path, absl::StrCat("tensor ", entry.name, " is in two shards"));
    }
  }
  return absl::OkStatus();
}

absl::Status WeightFiles::PutNamesRight() {
  const FileNames names = NamesOf(config_);
  bool rooted = false;
  for (const auto& [name, stored] : stored_) {
    rooted = rooted || name.starts_with(names.root);
  }
  std::map<std::string, StoredTensor> out;
  for (auto& [name, stored] : stored_) {
    bool outside = rooted;
    for (const std::string& begin : names.outside) {
      outside = outside || name.starts_with(begin);
    }
    std::string right = outside ? name : names.root + name;
    if (name == names.head_alias) right = names.head;
    for (const auto& [old, now] :
         {std::pair(".gamma", ".weight"), std::pair(".beta", ".bias")}) {
      if (names.old_norms && right.ends_with(old)) {
        right.replace(right.size() - std::strlen(old), std::string::npos, now);
      }
    }
    const std::string file = stored.file;
    if (!out.emplace(right, std::move(stored)).second) {
      return InputError(file, absl::StrCat("tensor ", right, " given twice"));
    }
  }
  stored_ = std::move(out);
  return absl::OkStatus();
}

at::ScalarType WeightFiles::stored_dtype() const {
  std::set<std::string> types;
  for (const ParameterShape& row : ParametersOf(config_)) {
    const auto it = stored_.find(row.name);
    if (it != stored_.end()) types.insert(it->second.type_name);
  }
  if (gguf_ == nullptr && types == std::set<std::string>{"BF16"}) {
    return at::kBFloat16;
  }
  if (gguf_ == nullptr && types == std::set<std::string>{"F16"}) {
    return at::kHalf;
  }
  return at::kFloat;
}

absl::StatusOr<WeightFiles> WeightFiles::OpenFolder(const std::string& folder) {
  WeightFiles out;
  out.where_ = folder;
  const std::string config_path = absl::StrCat(folder, "/config.json");
  SFT_ASSIGN_OR_RETURN(std::string text,
                       ReadFile(config_path, kMaxConfigBytes));
  if (IsEncoderConfig(text)) {
    SFT_ASSIGN_OR_RETURN(out.config_, EncoderConfigFromJson(config_path, text));
  } else {
    SFT_ASSIGN_OR_RETURN(out.config_, ConfigFromJson(config_path, text));
  }
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> files,
                       WeightFilesOfFolder(folder));
  for (const std::string& file : files) {
    if (!file.ends_with(".safetensors")) continue;  // the index
    if (!FileExists(file)) return InputError(file, "shard is missing");
    SFT_RETURN_IF_ERROR(out.AddSafetensors(file));
  }
  SFT_RETURN_IF_ERROR(out.PutNamesRight());
  SFT_RETURN_IF_ERROR(out.CheckTie());
  out.NoteDropout(text);
  if (auto* encoder = std::get_if<EncoderConfig>(&out.config_)) {
    const EncoderHead* head = encoder->layout->FindHead(encoder->head);
    const std::string_view pooler = encoder->layout->pooler;
    const bool uses =
        !pooler.empty() && head != nullptr && head->dense == pooler;
    encoder->pooler = !pooler.empty() && (uses || head == nullptr) &&
                      out.stored_.contains(WeightName(pooler));
    if (uses && !encoder->pooler) {  // half a head is none
      encoder->head = HeadKind::kNextToken;
      encoder->labels.clear();
    }
    out.NoteHead(text);
  } else {
    out.NoteGeneration(folder);
  }
  return out;
}

absl::Status WeightFiles::Check() const {
  // Everything is compared before anything is read, and without a list of
  // what a broken config.json asks for: it may ask for a thousand layers.
  const std::vector<ParameterShape> wanted = ParametersOf(config_);
  const FileNames file_names = NamesOf(config_);
  std::set<std::string> names;
  for (const ParameterShape& row : wanted) {
    names.insert(row.name);
    auto it = stored_.find(row.name);
    if (it == stored_.end()) {
      return InputError(where_,
                        absl::StrCat("tensor ", row.name, " is missing"));
    }
    std::vector<int64_t> shape = row.shape;
    if (IsTransposed(row)) std::swap(shape[0], shape[1]);
    if (it->second.shape != shape) {
      return InputError(it->second.file,
                        absl::StrCat("tensor ", it->second.name, " has shape ",
                                     ShapeText(it->second.shape), ", wanted ",
                                     ShapeText(shape)));
    }
  }
  for (const auto& [name, stored] : stored_) {
    // Buffers of integers and booleans are no weights.
    const bool is_buffer = gguf_ == nullptr && !stored.type_name.empty() &&
                           std::string_view("IUB").find(stored.type_name[0]) !=
                               std::string_view::npos &&
                           stored.type_name != "BF16";
    if (names.count(name) == 0 && !is_buffer && !file_names.IsSurplus(name)) {
      return InputError(stored.file, absl::StrCat("tensor ", stored.name,
                                                  " is no part of this model"));
    }
  }
  for (const ParameterShape& row : wanted) {
    SFT_RETURN_IF_ERROR(CheckReadable(stored_.at(row.name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> WeightFiles::Read(const std::string& name,
                                             bool transposed,
                                             at::ScalarType dtype) const {
  StopPoint();
  SFT_ASSIGN_OR_RETURN(at::Tensor tensor,
                       ReadStoredTensor(stored_.at(name), dtype));
  return transposed && gguf_ == nullptr ? tensor.t().contiguous() : tensor;
}

std::vector<ParameterShape> WeightFiles::Parameters() const {
  return ParametersOf(config_);
}

}  // namespace sft::model
