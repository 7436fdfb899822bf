// Reading tests/golden/encoders, and batches of its rows.
#ifndef TESTS_HARNESS_MODEL_ENCODER_GOLDEN_H_
#define TESTS_HARNESS_MODEL_ENCODER_GOLDEN_H_

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/harness/model/fake_files.h"
// After Catch2.
#include "harness/data/collator.h"
#include "harness/formats/safetensors.h"
#include "harness/model/families/encoder_families.h"
#include "harness/model/forward/encoder.h"

namespace sft::model::encoder_golden {

using fake::RelativeError;
using fake::RequireOneLine;
using nlohmann::json;

inline const std::vector<std::string>& Families() {
  static const auto& names = *new std::vector<std::string>{
      "bert",    "roberta",    "distilbert", "xlm-roberta",
      "electra", "deberta-v2", "modernbert"};
  return names;
}

struct HeadCase {
  std::string name;
  HeadKind kind;
  int64_t classes;
};
inline const std::vector<HeadCase>& Heads() {
  static const auto& heads =
      *new std::vector<HeadCase>{{"sequence", HeadKind::kSequence, 3},
                                 {"token", HeadKind::kToken, 5},
                                 {"span", HeadKind::kSpan, 2}};
  return heads;
}

inline std::string FolderOf(const std::string& family) {
  return (support::SourceDir() / "tests/golden/encoders" / family).string();
}
inline json ReadJson(const std::string& path) {
  return json::parse(fake::ReadBytes(path));
}
inline std::vector<NamedTensor> ReadTensors(const std::string& path) {
  auto tensors = formats::ReadSafetensors(path);
  REQUIRE(tensors.ok());
  return *std::move(tensors);
}

inline absl::StatusOr<std::unique_ptr<Model>> TryLoad(
    const std::string& folder, at::ScalarType compute = at::kFloat) {
  ModelLocation where;
  where.name = where.folder = folder;
  return LoadModel(where, {.compute_dtype = compute});
}
inline std::unique_ptr<Model> Load(const std::string& folder,
                                   at::ScalarType compute = at::kFloat) {
  auto model = TryLoad(folder, compute);
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return std::move(*model);
}

// The tensors of a folder as transformers' class with this head saves them.
inline std::vector<NamedTensor> TensorsWithHead(const std::string& family,
                                                const HeadCase& head) {
  const std::string folder = FolderOf(family);
  const EncoderLayout& layout = *FindEncoderFamily(family)->layout;
  const bool pools = layout.FindHead(head.kind)->dense == layout.pooler;
  std::vector<NamedTensor> out;
  for (NamedTensor& t : ReadTensors(folder + "/model.safetensors")) {
    if (t.name.compare(0, 6, "pooler") == 0 && !pools) continue;
    out.push_back({std::string(layout.root) + t.name, t.tensor});
  }
  const std::string prefix = head.name + ".";
  for (NamedTensor& t : ReadTensors(folder + "/heads.safetensors")) {
    if (t.name.compare(0, prefix.size(), prefix) != 0) continue;
    out.push_back({t.name.substr(prefix.size()), t.tensor});
  }
  return out;
}
inline void WriteFolder(const std::string& folder, const json& config,
                        const std::vector<NamedTensor>& tensors) {
  fake::WriteBytes(folder + "/config.json", config.dump());
  REQUIRE(formats::WriteSafetensors(folder + "/model.safetensors", tensors, {})
              .ok());
}
inline void WriteFolderWithHead(const std::string& folder,
                                const std::string& family,
                                const HeadCase& head) {
  WriteFolder(folder, ReadJson(FolderOf(family) + "/heads.json")[head.name],
              TensorsWithHead(family, head));
}

inline std::vector<Example> Examples(const json& golden, HeadKind kind) {
  std::vector<Example> out;
  for (const json& row : golden["rows"]) {
    Example e;
    e.head = kind;
    e.input_ids = row["ids"].get<std::vector<int32_t>>();
    e.token_types = row["types"].get<std::vector<int32_t>>();
    e.labels.assign(e.input_ids.size(), kNoLoss);
    if (kind == HeadKind::kSequence) e.labels[0] = row["class"];
    if (kind == HeadKind::kToken) {
      e.labels = row["tags"].get<std::vector<int32_t>>();
    }
    if (kind == HeadKind::kSpan) {
      e.labels[0] = row["span"][0];
      e.labels[1] = row["span"][1];
    }
    out.push_back(std::move(e));
  }
  return out;
}
inline Batch BatchOf(const std::vector<Example>& examples, bool flat,
                     int32_t pad = 0) {
  std::vector<data::Piece> pieces;
  for (size_t i = 0; i < examples.size(); ++i) {
    pieces.push_back({static_cast<int64_t>(i), 0,
                      static_cast<int64_t>(examples[i].input_ids.size())});
  }
  return flat ? data::FlatBatch(examples, pieces)
              : PaddedBatch(examples, pieces, 0, pad);
}
inline int32_t PadOf(Model& model) {
  return static_cast<int32_t>(*dynamic_cast<Encoder&>(model).config().pad);
}

// [rows of scores, C], pads left out.
inline at::Tensor Scores(Model& model, const Batch& batch) {
  const c10::NoGradGuard off;
  const at::Tensor scores = model.HeadLogits(batch);
  if (scores.dim() == 2) return scores;
  if (batch.cu_seqlens.defined()) return scores[0];
  std::vector<at::Tensor> parts;
  for (size_t b = 0; b < batch.lengths.size(); ++b) {
    parts.push_back(scores[b].narrow(0, 0, batch.lengths[b]));
  }
  return at::cat(parts);
}
inline at::Tensor ExpectedScores(const json& head, HeadKind kind) {
  std::vector<double> values;
  int64_t rows = 0;
  auto add = [&](const json& row) {
    for (double v : row.get<std::vector<double>>()) values.push_back(v);
    ++rows;
  };
  for (const json& row : head["logits"]) {
    if (kind == HeadKind::kSequence) {
      add(row);
    } else {
      for (const json& token : row) add(token);
    }
  }
  return at::tensor(values, at::kDouble).view({rows, -1});
}

}  // namespace sft::model::encoder_golden

#endif  // TESTS_HARNESS_MODEL_ENCODER_GOLDEN_H_
