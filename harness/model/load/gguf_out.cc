#include "harness/model/load/gguf_out.h"

#include <ATen/ATen.h>

#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "harness/core/catch_torch.h"
#include "harness/core/status.h"
#include "harness/model/families/gguf_config.h"
#include "harness/model/families/gguf_places.h"
#include "harness/model/families/rope_gguf.h"
#include "harness/model/forward/decoder.h"

namespace sft::model {
namespace {

using MakeTensor = std::function<at::Tensor()>;

// What gives the dense tensor of a name, [out, in]; made only when called.
std::map<std::string, MakeTensor> DenseTensors(Model& model) {
  std::map<std::string, MakeTensor> out;
  for (const Parameter& p : model.Parameters()) {
    out[p.name] = [tensor = p.tensor] { return tensor; };
  }
  for (LinearSlot& slot : model.linear_slots()) {
    LinearMap* map = slot.map.get();
    out[WeightName(slot.name)] = [map] { return map->DenseWeight(); };
    if (FindTensor(*map, "bias").defined()) {
      out[BiasName(slot.name)] = [map] { return FindTensor(*map, "bias"); };
    }
  }
  return out;
}

// Rows of a tensor in the order and with the shift of its place.
formats::RowReader ReaderOf(const at::Tensor& tensor, const GgufPlace& place) {
  const at::Tensor flat =
      tensor.detach().to(at::kCPU).to(at::kFloat).contiguous();
  // A vector whose elements are permuted is a matrix of one column; such ones
  // are a row of the file all the same.
  const bool by_element =
      flat.dim() == 1 && place.rows.order != GgufRows::Order::kSame;
  const int64_t columns = flat.size(-1);
  return [=, rows = place.rows, shift = place.shift](int64_t row, float* out) {
    const float* values = flat.data_ptr<float>();
    if (by_element) {
      for (int64_t i = 0; i < columns; ++i) out[i] = values[rows.Ours(i)];
      return;
    }
    std::memcpy(out, values + rows.Ours(row) * columns,
                static_cast<size_t>(columns) * sizeof(float));
    for (int64_t i = 0; shift != 0 && i < columns; ++i) out[i] += shift;
  };
}

const formats::StorageType& TypeOf(const formats::StorageType& wanted,
                                   const ParameterShape& row,
                                   const DecoderLayout& layout) {
  const bool is_position =
      !layout.positions.empty() && row.name == WeightName(layout.positions);
  if (row.shape.size() == 1 || is_position) {
    return *formats::FindWritableType("f32");
  }
  if (row.shape.back() % wanted.block_elements == 0) return wanted;
  return *formats::FindWritableType("f16");
}

// general.file_type: what llama.cpp calls the type of most tensors.
int64_t FileTypeOf(const formats::StorageType& type) {
  constexpr std::pair<std::string_view, int64_t> kFileTypes[] = {
      {"f32", 0}, {"f16", 1}, {"q8_0", 7}};
  for (const auto& [name, number] : kFileTypes) {
    if (type.name == name) return number;
  }
  return 1024;  // "guessed"
}

absl::StatusOr<std::vector<std::string>> WriteDecoder(
    Decoder& decoder, const formats::StorageType& matrices,
    const formats::GgufKeys& more, const std::string& path) {
  const DecoderConfig& config = decoder.config();
  SFT_ASSIGN_OR_RETURN(GgufMetadata metadata, GgufMetadataOf(path, config));
  metadata.keys.Whole("general.file_type", FileTypeOf(matrices));
  metadata.keys.Append(more);
  const auto tensors = DenseTensors(decoder);
  const auto places = GgufPlaces(config);
  std::vector<formats::GgufOutTensor> out;
  const std::vector<GgufRopeTensor> rope = GgufRopeTensors(config);
  for (const GgufRopeTensor& tensor : rope) {
    out.push_back({tensor.name,
                   {std::ssize(tensor.values)},
                   formats::FindWritableType("f32"),
                   [values = &tensor.values]() -> formats::RowReader {
                     return [values](int64_t, float* row) {
                       std::copy(values->begin(), values->end(), row);
                     };
                   }});
  }
  for (const ParameterShape& row : DecoderParameters(config)) {
    const auto tensor = tensors.find(row.name);
    const auto place = places.find(row.name);
    TORCH_CHECK(tensor != tensors.end() && place != places.end(),
                "nothing is known of ", row.name);
    out.push_back({place->second.name, row.shape,
                   &TypeOf(matrices, row, *config.layout),
                   [make = &tensor->second, place = &place->second] {
                     return ReaderOf((*make)(), *place);
                   }});
    const bool is_embedding = row.name == WeightName(config.layout->embedding);
    if (is_embedding && metadata.writes_head) {
      formats::GgufOutTensor head = out.back();
      head.name = places.at(WeightName(config.layout->head)).name;
      out.push_back(std::move(head));
    }
  }
  SFT_RETURN_IF_ERROR(formats::WriteGguf(path, metadata.keys, out));
  return std::move(metadata.notes);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> WriteGgufModel(
    Model& model, const formats::StorageType& matrices,
    const formats::GgufKeys& more, const std::string& path) {
  auto* decoder = dynamic_cast<Decoder*>(&model);
  if (decoder == nullptr) {
    return InputError(path,
                      "an encoder is no model for llama.cpp; export it "
                      "as a folder, with --merged");
  }
  std::vector<std::string> notes;
  SFT_RETURN_IF_ERROR(CatchTorch([&]() -> absl::Status {
    SFT_ASSIGN_OR_RETURN(notes, WriteDecoder(*decoder, matrices, more, path));
    return absl::OkStatus();
  }));
  return notes;
}

}  // namespace sft::model
