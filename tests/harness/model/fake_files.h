// Small models and files, whole and broken, for the tests of harness/model.
#ifndef TESTS_HARNESS_MODEL_FAKE_FILES_H_
#define TESTS_HARNESS_MODEL_FAKE_FILES_H_

#include <c10/core/GradMode.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch_torch.h"
// After Catch2.
#include "harness/core/status.h"
#include "harness/model/forward/decoder.h"
#include "harness/model/load/load.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::model::fake {

inline void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Kept, so that a loop may run over a part of it.
inline const nlohmann::json& Golden(const std::string& name) {
  static auto* read = new std::map<std::string, nlohmann::json>();
  nlohmann::json& golden = (*read)[name];
  if (golden.is_null()) {
    golden = nlohmann::json::parse(
        ReadBytes((support::SourceDir() / "tests/golden" / name).string()));
  }
  return golden;
}

// InvalidArgument, one line, and `part` in it.
inline void RequireOneLine(const absl::Status& status,
                           const std::string& part = "") {
  const std::string message(status.message());
  INFO(status.ToString());
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(message.find('\n') == std::string::npos);
  REQUIRE(!message.empty());
  REQUIRE(message.find(part) != std::string::npos);
}

template <class T>
std::string Raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// Writes GGUF version 3; counts and sizes can be falsified by the test.
class GgufWriter {
 public:
  static std::string Text(const std::string& text) {
    return Raw<uint64_t>(text.size()) + text;
  }
  void Key(const std::string& name, uint32_t type, const std::string& value) {
    keys_ += Text(name) + Raw(type) + value;
    ++key_count_;
  }
  void Int(const std::string& name, uint32_t value) {
    Key(name, 4, Raw(value));
  }
  void Real(const std::string& name, float value) { Key(name, 6, Raw(value)); }
  void String(const std::string& name, const std::string& value) {
    Key(name, 8, Text(value));
  }
  // `dims` in the file's order: the fastest first.
  void Tensor(const std::string& name, const std::vector<uint64_t>& dims,
              uint32_t type, const std::string& bytes) {
    data_.resize((data_.size() + 31) / 32 * 32);
    Record(name, dims, type, data_.size());
    data_ += bytes;
  }
  void Record(const std::string& name, const std::vector<uint64_t>& dims,
              uint32_t type, uint64_t offset) {
    records_ += Text(name) + Raw<uint32_t>(dims.size());
    for (uint64_t dim : dims) records_ += Raw(dim);
    records_ += Raw(type) + Raw(offset);
    ++tensor_count_;
  }
  std::string Bytes() const {
    std::string out = "GGUF" + Raw<uint32_t>(3) + Raw(tensor_count_) +
                      Raw(key_count_) + keys_ + records_;
    out.resize((out.size() + 31) / 32 * 32);
    return out + data_;
  }

 private:
  uint64_t key_count_ = 0, tensor_count_ = 0;
  std::string keys_, records_, data_;
};

inline DecoderConfig TinyConfig() {
  DecoderConfig c;
  c.layers = 2;
  c.width = 16;
  c.heads = 4;
  c.kv_heads = 2;
  c.head_width = 4;
  c.ffn_width = 24;
  c.vocabulary = 32;
  c.max_positions = 64;
  c.norm_epsilon = 1e-5;
  return c;
}

// Random weights, norms near one.
inline std::map<std::string, at::Tensor> RandomWeights(
    const DecoderConfig& config, at::ScalarType dtype, int64_t seed) {
  at::manual_seed(seed);
  std::map<std::string, at::Tensor> out;
  for (const ParameterShape& row : DecoderParameters(config)) {
    at::Tensor w = at::randn(row.shape, at::TensorOptions().dtype(dtype));
    out[row.name] = row.shape.size() == 1 ? w.mul_(0.1).add_(1.0) : w.mul_(0.3);
  }
  return out;
}

inline std::unique_ptr<Decoder> TinyModel(at::ScalarType compute,
                                          DecoderConfig config = TinyConfig()) {
  return std::make_unique<Decoder>(
      config, ModelInfo(), compute,
      RandomWeights(config, compute == at::kDouble ? at::kDouble : at::kFloat,
                    7));
}

// Rows of tokens and labels as a right-padded batch, or end to end.
struct Row {
  std::vector<int64_t> ids;
  std::vector<int64_t> labels;
};
inline Batch PaddedBatch(const std::vector<Row>& rows) {
  size_t longest = 0;
  for (const Row& row : rows) longest = std::max(longest, row.ids.size());
  const auto B = static_cast<int64_t>(rows.size());
  const auto T = static_cast<int64_t>(longest);
  Batch batch;
  batch.input_ids_BT = at::zeros({B, T}, at::kLong);
  batch.labels_BT = at::full({B, T}, kNoLoss, at::kLong);
  batch.position_ids_BT = at::arange(T, at::kLong).repeat({B, 1});
  for (int64_t b = 0; b < B; ++b) {
    const auto length = static_cast<int64_t>(rows[b].ids.size());
    batch.input_ids_BT[b].narrow(0, 0, length).copy_(at::tensor(rows[b].ids));
    batch.labels_BT[b].narrow(0, 0, length).copy_(at::tensor(rows[b].labels));
    batch.lengths.push_back(length);
  }
  return batch;
}
inline Batch PackedBatch(const std::vector<Row>& rows) {
  std::vector<at::Tensor> ids, labels, positions;
  std::vector<int32_t> bounds = {0};
  Batch batch;
  for (const Row& row : rows) {
    const auto length = static_cast<int64_t>(row.ids.size());
    ids.push_back(at::tensor(row.ids));
    labels.push_back(at::tensor(row.labels));
    positions.push_back(at::arange(length, at::kLong));
    bounds.push_back(bounds.back() + static_cast<int32_t>(length));
    batch.lengths.push_back(length);
  }
  batch.input_ids_BT = at::cat(ids).unsqueeze(0);
  batch.labels_BT = at::cat(labels).unsqueeze(0);
  batch.position_ids_BT = at::cat(positions).unsqueeze(0);
  batch.cu_seqlens = at::tensor(bounds, at::kInt);
  return batch;
}
inline std::vector<Row> RandomRows(int64_t vocabulary,
                                   const std::vector<int64_t>& lengths) {
  std::vector<Row> rows;
  uint64_t state = 12345;
  for (int64_t length : lengths) {
    Row row;
    for (int64_t t = 0; t < length; ++t) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      row.ids.push_back(static_cast<int64_t>(
          (state >> 33) % static_cast<uint64_t>(vocabulary)));
      row.labels.push_back(t > length / 3 ? row.ids.back() : kNoLoss);
    }
    rows.push_back(row);
  }
  return rows;
}

inline double RelativeError(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  const double norm = wide.norm().item<double>();
  return a.to(at::kDouble).sub(wide).norm().item<double>() /
         (norm > 0 ? norm : 1.0);
}

// A listed model; leaves the case as skipped where the assets are absent.
inline std::unique_ptr<Model> ListedModel(const std::string& name,
                                          at::ScalarType compute = at::kFloat) {
  auto where = LocateModel(name, support::AssetsDir().string());
  if (!where.ok()) {
    support::Skip(support::Need::kAssets, ToStd(where.status().message()));
  }
  ModelOptions options;
  options.compute_dtype = compute;
  auto model = LoadModel(*where, options);
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return *std::move(model);
}

// nullptr where the assets are absent, and the case does without.
inline std::unique_ptr<Model> ListedModelIfHere(
    const std::string& name, at::ScalarType compute = at::kFloat) {
  const auto where = LocateModel(name, support::AssetsDir().string());
  if (where.ok()) return ListedModel(name, compute);
  support::SkipPart(support::Need::kAssets, ToStd(where.status().message()));
  return nullptr;
}

}  // namespace sft::model::fake

#endif  // TESTS_HARNESS_MODEL_FAKE_FILES_H_
