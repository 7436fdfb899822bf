// Every encoder family and head against transformers: scores, losses and
// gradients of tiny random checkpoints (tests/golden/make_golden_encoders.py).
#include <ATen/ATen.h>

#include <cmath>

#include "harness/data/collator.h"
#include "harness/model/encoder.h"
#include "harness/model/encoder_families.h"
#include "harness/model/safetensors.h"
#include "tests/harness/model/fake_files.h"

namespace sft {
namespace {

using fake::RelativeError;
using fake::RequireOneLine;
using nlohmann::json;

const std::vector<std::string>& Families() {
  static const auto& names =
      *new std::vector<std::string>{"bert", "roberta", "distilbert"};
  return names;
}

struct HeadCase {
  std::string name;
  HeadKind kind;
  int64_t classes;
};
const std::vector<HeadCase>& Heads() {
  static const auto& heads =
      *new std::vector<HeadCase>{{"sequence", HeadKind::kSequence, 3},
                                 {"token", HeadKind::kToken, 5},
                                 {"span", HeadKind::kSpan, 2}};
  return heads;
}

std::string FolderOf(const std::string& family) {
  return (SourceDir() / "tests/golden/encoders" / family).string();
}
json ReadJson(const std::string& path) {
  return json::parse(fake::ReadBytes(path));
}
std::vector<NamedTensor> ReadTensors(const std::string& path) {
  auto tensors = ReadSafetensors(path);
  REQUIRE(tensors.ok());
  return *std::move(tensors);
}

absl::StatusOr<std::unique_ptr<Model>> TryLoad(
    const std::string& folder, at::ScalarType compute = at::kFloat) {
  ModelLocation where;
  where.name = where.folder = folder;
  return LoadModel(where, {.compute_dtype = compute});
}
std::unique_ptr<Model> Load(const std::string& folder,
                            at::ScalarType compute = at::kFloat) {
  auto model = TryLoad(folder, compute);
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return std::move(*model);
}

// The tensors of a folder as transformers' class with this head saves them.
std::vector<NamedTensor> TensorsWithHead(const std::string& family,
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
void WriteFolder(const std::string& folder, const json& config,
                 const std::vector<NamedTensor>& tensors) {
  fake::WriteBytes(folder + "/config.json", config.dump());
  REQUIRE(WriteSafetensors(folder + "/model.safetensors", tensors, {}).ok());
}
void WriteFolderWithHead(const std::string& folder, const std::string& family,
                         const HeadCase& head) {
  WriteFolder(folder, ReadJson(FolderOf(family) + "/heads.json")[head.name],
              TensorsWithHead(family, head));
}

std::vector<Example> Examples(const json& golden, HeadKind kind) {
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
Batch BatchOf(const std::vector<Example>& examples, bool flat,
              int32_t pad = 0) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < examples.size(); ++i) {
    pieces.push_back({static_cast<int64_t>(i), 0,
                      static_cast<int64_t>(examples[i].input_ids.size())});
  }
  return flat ? FlatBatch(examples, pieces)
              : PaddedBatch(examples, pieces, 0, pad);
}
int32_t PadOf(Model& model) {
  return static_cast<int32_t>(*dynamic_cast<Encoder&>(model).config().pad);
}

// [rows of scores, C], pads left out.
at::Tensor Scores(Model& model, const Batch& batch) {
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
at::Tensor ExpectedScores(const json& head, HeadKind kind) {
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

}  // namespace

TEST_CASE("scores of every encoder and head equal transformers'",
          "[model][encoders]") {
  for (const std::string& family : Families()) {
    const json golden = ReadJson(FolderOf(family) + "/golden.json");
    for (const HeadCase& head : Heads()) {
      const TempDir dir("encoders");
      WriteFolderWithHead(dir.path().string(), family, head);
      const std::vector<Example> examples = Examples(golden, head.kind);
      const at::Tensor expected =
          ExpectedScores(golden["heads"][head.name], head.kind);
      for (const auto& [dtype, margin] :
           {std::pair(at::kFloat, 1e-5), std::pair(at::kDouble, 1e-9),
            std::pair(at::kBFloat16, 0.05)}) {
        auto model = Load(dir.path().string(), dtype);
        CHECK(model->is_encoder());
        CHECK(model->head() == head.kind);
        for (bool flat : {false, true}) {
          INFO(family << " " << head.name << " " << dtype
                      << (flat ? " flat" : " padded"));
          const at::Tensor scores =
              Scores(*model, BatchOf(examples, flat, PadOf(*model)));
          CHECK(scores.scalar_type() ==
                (dtype == at::kDouble ? at::kDouble : at::kFloat));
          CHECK(RelativeError(scores, expected) < margin);
        }
      }
    }
  }
}

TEST_CASE("losses and gradients of every encoder and head equal transformers'",
          "[model][encoders]") {
  for (const std::string& family : Families()) {
    const json golden = ReadJson(FolderOf(family) + "/golden.json");
    for (const HeadCase& head : Heads()) {
      const TempDir dir("encoders");
      WriteFolderWithHead(dir.path().string(), family, head);
      const json& expected = golden["heads"][head.name];
      const std::vector<Example> examples = Examples(golden, head.kind);
      int64_t targets = 0;
      for (const Example& e : examples) targets += e.target_tokens();
      for (const auto& [dtype, margin] :
           {std::pair(at::kFloat, 1e-4), std::pair(at::kDouble, 1e-8)}) {
        for (int way = 0; way < 4; ++way) {
          const bool flat = way % 2 == 1, recompute = way / 2 == 1;
          INFO(family << " " << head.name << " " << dtype
                      << (flat ? " flat" : "")
                      << (recompute ? " recomputed" : ""));
          auto model = Load(dir.path().string(), dtype);
          model->SetActivationCheckpointing(recompute);
          std::vector<Parameter> parameters = model->Parameters();
          for (Parameter& p : parameters) p.tensor.requires_grad_(true);
          const LossOutput loss =
              model->SumLoss(BatchOf(examples, flat, PadOf(*model)));
          CHECK(loss.target_tokens == targets);
          const at::Tensor mean =
              loss.loss_sum.div(static_cast<double>(targets));
          CHECK(mean.item<double>() ==
                Approx(expected["loss"].get<double>()).epsilon(margin));
          mean.backward();
          CHECK(parameters.size() == expected["gradients"].size());
          for (const Parameter& p : parameters) {
            INFO(p.name);
            REQUIRE(expected["gradients"].contains(p.name));
            const at::Tensor grad =
                p.tensor.grad().to(at::kDouble).reshape({-1});
            const at::Tensor wave =
                at::arange(grad.numel(), grad.options()).mul(0.37).cos();
            const double norm = expected["gradients"][p.name][0];
            const double sum = expected["gradients"][p.name][1];
            // A gradient that is zero by the algebra (of the key's bias) is
            // what rounding leaves.
            const double room = margin * std::max(norm, 1e-2);
            CHECK(std::abs(grad.norm().item<double>() - norm) < room);
            CHECK(std::abs(grad.dot(wave).item<double>() - sum) < 4 * room);
          }
        }
      }
    }
  }
}

TEST_CASE("an exported encoder loads with the same scores and config",
          "[model][encoders]") {
  for (const std::string& family : Families()) {
    const json golden = ReadJson(FolderOf(family) + "/golden.json");
    for (const HeadCase& head : Heads()) {
      INFO(family << " " << head.name);
      const TempDir dir("encoders");
      const std::string from = (dir.path() / "from").string();
      const std::string to = (dir.path() / "to").string();
      std::filesystem::create_directories(from);
      WriteFolderWithHead(from, family, head);
      auto model = Load(from);
      REQUIRE(WriteModelFolder(*model, to).ok());
      auto again = Load(to);
      CHECK(again->ConfigJson() == model->ConfigJson());
      CHECK(again->info().parameters == model->info().parameters);
      const Batch batch = BatchOf(Examples(golden, head.kind), false);
      CHECK(at::equal(Scores(*again, batch), Scores(*model, batch)));
      const json config = ReadJson(to + "/config.json");
      const json source = ReadJson(from + "/config.json");
      CHECK(config["architectures"] == source["architectures"]);
      CHECK(config["id2label"] == source["id2label"]);
      // Exactly the tensors of the source, by name.
      std::set<std::string> names, wanted;
      for (const NamedTensor& t : ReadTensors(to + "/model.safetensors")) {
        names.insert(t.name);
      }
      for (const NamedTensor& t : ReadTensors(from + "/model.safetensors")) {
        wanted.insert(t.name);
      }
      CHECK(names == wanted);
    }
  }
}

TEST_CASE("a headless encoder takes a head drawn from the seed",
          "[model][encoders][head]") {
  for (const std::string& family : Families()) {
    for (const HeadCase& head : Heads()) {
      INFO(family << " " << head.name);
      auto first = Load(FolderOf(family)), second = Load(FolderOf(family));
      auto other = Load(FolderOf(family));
      CHECK(first->head() == HeadKind::kNextToken);
      CHECK(first->HeadParameters().empty());
      REQUIRE(first->SetHead(head.kind, head.classes, 5).ok());
      REQUIRE(second->SetHead(head.kind, head.classes, 5).ok());
      REQUIRE(other->SetHead(head.kind, head.classes, 6).ok());
      CHECK(first->head() == head.kind);
      int64_t parameters = 0;
      for (const Parameter& p : first->Parameters()) {
        parameters += p.tensor.numel();
      }
      CHECK(first->info().parameters == parameters);
      const auto ours = first->HeadParameters();
      const auto same = second->HeadParameters();
      const auto differs = other->HeadParameters();
      REQUIRE(!ours.empty());
      REQUIRE(ours.size() == same.size());
      for (size_t i = 0; i < ours.size(); ++i) {
        INFO(ours[i].name);
        CHECK(at::equal(ours[i].tensor, same[i].tensor));
        if (ours[i].role == Role::kBias) {
          CHECK(ours[i].tensor.eq(0).all().item<bool>());
        } else {
          CHECK_FALSE(at::equal(ours[i].tensor, differs[i].tensor));
          const double rms =
              ours[i].tensor.square().mean().sqrt().item<double>();
          // 64 values or more: within four deviations of their own spread.
          CHECK(rms == Approx(0.02).epsilon(4 / std::sqrt(2.0 * 64)));
        }
      }
      // Loads again with what was drawn.
      const TempDir dir("encoders");
      REQUIRE(WriteModelFolder(*first, dir.path().string()).ok());
      auto again = Load(dir.path().string());
      REQUIRE(again->SetHead(head.kind, head.classes, 9).ok());
      const json golden = ReadJson(FolderOf(family) + "/golden.json");
      const Batch batch = BatchOf(Examples(golden, head.kind), true);
      CHECK(at::equal(Scores(*again, batch), Scores(*first, batch)));
    }
  }
}

TEST_CASE("a head is kept where kind and size fit, and drawn anew where not",
          "[model][encoders][head]") {
  for (const std::string& family : Families()) {
    INFO(family);
    const TempDir dir("encoders");
    WriteFolderWithHead(dir.path().string(), family, Heads()[0]);
    auto tensors = [](Model& model) {
      std::map<std::string, at::Tensor> out;
      for (const Parameter& p : model.Parameters()) out[p.name] = p.tensor;
      return out;
    };
    auto fresh = Load(dir.path().string());
    const auto before = tensors(*fresh);
    auto kept = Load(dir.path().string());
    REQUIRE(kept->SetHead(HeadKind::kSequence, 3, 1).ok());
    for (const auto& [name, tensor] : tensors(*kept)) {
      CHECK(at::equal(tensor, before.at(name)));
    }
    // Another number of classes: the last map alone.
    auto resized = Load(dir.path().string());
    REQUIRE(resized->SetHead(HeadKind::kSequence, 4, 1).ok());
    int64_t changed = 0;
    for (const auto& [name, tensor] : tensors(*resized)) {
      changed += !at::equal(tensor, before.at(name));
    }
    CHECK(changed == 2);
    CHECK(json::parse(resized->ConfigJson())["id2label"].size() == 4);
    // Another kind: nothing of the old head is left.
    auto other = Load(dir.path().string());
    REQUIRE(other->SetHead(HeadKind::kSpan, 2, 1).ok());
    CHECK(other->HeadParameters().size() == 2);
    for (const auto& [name, tensor] : tensors(*other)) {
      CHECK(name.find("pooler") == std::string::npos);
      CHECK(name.find("classifier") == std::string::npos);
    }
    CHECK(other->SetHead(HeadKind::kSpan, 3, 1).code() ==
          absl::StatusCode::kInvalidArgument);
    CHECK(other->SetHead(HeadKind::kToken, 0, 1).code() ==
          absl::StatusCode::kInvalidArgument);
    CHECK(other->SetHead(HeadKind::kNextToken, 2, 1).code() ==
          absl::StatusCode::kUnimplemented);
  }
}

TEST_CASE("a pooler that a checkpoint lacks is drawn and belongs to the head",
          "[model][encoders][head]") {
  const TempDir dir("encoders");
  std::vector<NamedTensor> tensors;
  for (NamedTensor& t : ReadTensors(FolderOf("bert") + "/model.safetensors")) {
    if (t.name.compare(0, 6, "pooler") != 0) tensors.push_back(t);
  }
  WriteFolder(dir.path().string(), ReadJson(FolderOf("bert") + "/config.json"),
              tensors);
  auto model = Load(dir.path().string());
  const size_t slots = model->linear_slots().size();
  REQUIRE(model->SetHead(HeadKind::kSequence, 2, 3).ok());
  CHECK(model->linear_slots().size() == slots);
  std::vector<std::string> names;
  for (const Parameter& p : model->HeadParameters()) names.push_back(p.name);
  CHECK(names == std::vector<std::string>{
                     "bert.pooler.dense.weight", "bert.pooler.dense.bias",
                     "classifier.weight", "classifier.bias"});
  // Where it is there, it is a map like others.
  auto whole = Load(FolderOf("bert"));
  REQUIRE(whole->SetHead(HeadKind::kSequence, 2, 3).ok());
  CHECK(whole->linear_slots().size() == slots + 1);
  CHECK(whole->linear_slots().back().role == Role::kPooler);
  CHECK(whole->linear_slots().back().layer == -1);
  CHECK(whole->HeadParameters().size() == 2);
}

TEST_CASE("an encoder's weights are read from files of other heads and ages",
          "[model][encoders]") {
  const json golden = ReadJson(FolderOf("bert") + "/golden.json");
  const HeadCase& head = Heads()[0];
  const TempDir dir("encoders");
  WriteFolderWithHead(dir.path().string(), "bert", head);
  const Batch batch = BatchOf(Examples(golden, head.kind), false);
  const at::Tensor expected = Scores(*Load(dir.path().string()), batch);
  std::vector<NamedTensor> tensors = TensorsWithHead("bert", head);
  for (NamedTensor& t : tensors) {
    const size_t at = t.name.find("LayerNorm.");
    if (at == std::string::npos) continue;
    t.name = t.name.substr(0, at + 10) +
             (t.name.substr(at + 10) == "weight" ? "gamma" : "beta");
  }
  tensors.push_back({"bert.embeddings.position_ids", at::zeros({1, 40})});
  tensors.push_back({"cls.predictions.bias", at::zeros({96})});
  const std::string folder = dir.path().string();
  json config = ReadJson(folder + "/config.json");
  WriteFolder(folder, config, tensors);
  CHECK(at::equal(Scores(*Load(folder), batch), expected));
  // A class that is not known here has a backbone all the same.
  config["architectures"] = {"BertForMultipleChoice"};
  WriteFolder(folder, config, tensors);
  CHECK(Load(folder)->head() == HeadKind::kNextToken);
  config["architectures"] = {"BertForSequenceClassification"};
  config["problem_type"] = "multi_label_classification";
  WriteFolder(folder, config, tensors);
  CHECK(Load(folder)->head() == HeadKind::kNextToken);
  tensors.push_back({"bert.encoder.extra", at::zeros({2})});
  WriteFolder(folder, config, tensors);
  RequireOneLine(TryLoad(folder).status(), "bert.encoder.extra");
}

TEST_CASE("an encoder's config.json is refused by file and value",
          "[model][encoders]") {
  struct Case {
    const char* family;
    const char* key;
    json value;
    const char* part;
  };
  for (const Case& c : std::vector<Case>{
           {"bert", "position_embedding_type", "relative_key", "relative_key"},
           {"bert", "is_decoder", true, "is_decoder"},
           {"bert", "add_cross_attention", true, "add_cross_attention"},
           {"bert", "hidden_act", "silu", "hidden_act"},
           {"bert", "hidden_size", 33, "33"},
           {"bert", "hidden_size", 1 << 30, "width"},
           {"bert", "vocab_size", -1, "vocabulary"},
           {"bert", "num_hidden_layers", 1 << 20, "number of layers"},
           {"bert", "max_position_embeddings", 0, "number of positions"},
           {"bert", "type_vocab_size", 0, "token types"},
           {"bert", "layer_norm_eps", 0.0, "norm epsilon"},
           {"bert", "pad_token_id", 96, "pad_token_id"},
           {"bert", "intermediate_size", nullptr, "intermediate_size"},
           {"bert", "quantization_config", {{"bits", 4}}, "quantized"},
           {"roberta", "pad_token_id", nullptr, "pad_token_id"},
           {"roberta", "max_position_embeddings", 2, "positions"},
           {"distilbert", "sinusoidal_pos_embds", true, "sinusoidal"},
           {"distilbert", "dim", "x", "dim"},
           {"distilbert", "activation", "swish", "activation"},
       }) {
    INFO(c.family << " " << c.key);
    json config = ReadJson(FolderOf(c.family) + "/config.json");
    config[c.key] = c.value;
    REQUIRE(IsEncoderConfig(config.dump()));
    const auto read = EncoderConfigFromJson("here/config.json", config.dump());
    RequireOneLine(read.status(), c.part);
    RequireOneLine(read.status(), "here/config.json");
  }
  json config = ReadJson(FolderOf("bert") + "/heads.json")["token"];
  for (const json& labels :
       {json::object(), json({{"1", "a"}}), json({{"0", 3}}), json(7)}) {
    config["id2label"] = labels;
    RequireOneLine(EncoderConfigFromJson("x", config.dump()).status(),
                   "id2label");
  }
  RequireOneLine(EncoderConfigFromJson("x", "{}").status(), "model_type");
  CHECK_FALSE(IsEncoderConfig("{"));
  CHECK_FALSE(IsEncoderConfig("{\"model_type\":\"llama\"}"));
}

TEST_CASE("a head's tensors of another size are refused", "[model][encoders]") {
  const TempDir dir("encoders");
  const std::string folder = dir.path().string();
  json config = ReadJson(FolderOf("bert") + "/heads.json")["token"];
  config["id2label"] = {{"0", "a"}, {"1", "b"}};
  WriteFolder(folder, config, TensorsWithHead("bert", Heads()[1]));
  RequireOneLine(TryLoad(folder).status(), "classifier.weight has shape");
}

TEST_CASE("what an encoder cannot do is said in one line",
          "[model][encoders]") {
  auto model = Load(FolderOf("roberta"));
  const json golden = ReadJson(FolderOf("roberta") + "/golden.json");
  std::vector<Example> examples = Examples(golden, HeadKind::kToken);
  CHECK_THROWS_WITH(model->SumLoss(BatchOf(examples, true)),
                    Catch::Contains("SetHead"));
  REQUIRE(model->SetHead(HeadKind::kToken, 5, 0).ok());
  CHECK_THROWS_WITH(model->GenerateGreedy({{3, 4}}, 4, {}),
                    Catch::Contains("is an encoder"));
  CHECK_THROWS_WITH(model->Logits(at::zeros({1, 32})),
                    Catch::Contains("is an encoder"));
  CHECK_THROWS_WITH(
      model->SumLoss(BatchOf(Examples(golden, HeadKind::kSpan), true)),
      Catch::Contains("another head"));
  // 42 rows of positions, two of them not for tokens.
  CHECK(model->info().max_positions == 40);
  Example& row = examples[0];
  row.input_ids.assign(40, 5);
  row.labels.assign(40, 1);
  row.token_types.clear();
  CHECK(std::isfinite(
      model->SumLoss(BatchOf({row}, false)).loss_sum.item<double>()));
  row.input_ids.push_back(5);
  row.labels.push_back(1);
  CHECK_THROWS_WITH(model->SumLoss(BatchOf({row}, false)),
                    Catch::Contains("40 positions"));
  examples[1].token_types.assign(examples[1].input_ids.size(), 1);
  CHECK_THROWS_WITH(model->SumLoss(BatchOf({examples[1]}, false)),
                    Catch::Contains("type"));
}

TEST_CASE("a batch without a target has a loss of nought with a gradient",
          "[model][encoders]") {
  for (const HeadCase& head : Heads()) {
    auto model = Load(FolderOf("bert"));
    REQUIRE(model->SetHead(head.kind, head.classes, 0).ok());
    for (Parameter& p : model->Parameters()) p.tensor.requires_grad_(true);
    std::vector<Example> examples =
        Examples(ReadJson(FolderOf("bert") + "/golden.json"), head.kind);
    for (Example& e : examples) e.labels.assign(e.labels.size(), kNoLoss);
    const LossOutput loss = model->SumLoss(BatchOf(examples, false));
    CHECK(loss.target_tokens == 0);
    CHECK(loss.loss_sum.item<double>() == 0);
    loss.loss_sum.backward();
  }
}

TEST_CASE("MiniLM's hidden states equal transformers'",
          "[model][encoders][minilm]") {
  auto model = fake::ListedModel("minilm-l6");
  if (model == nullptr) return;
  CHECK(model->info().parameters == 22'713'216);
  const c10::NoGradGuard off;
  for (const json& c : fake::Golden("encoders/minilm.json")["cases"]) {
    Example e;
    e.head = HeadKind::kToken;
    e.input_ids = c["ids"].get<std::vector<int32_t>>();
    e.token_types = c["types"].get<std::vector<int32_t>>();
    e.labels.assign(e.input_ids.size(), kNoLoss);
    const at::Tensor x_TD = model->HiddenStates(BatchOf({e}, false))[0];
    for (const auto& [key, t] : {std::pair("first_token", int64_t{0}),
                                 std::pair("last_token", int64_t{-1})}) {
      const at::Tensor wanted =
          at::tensor(c[key].get<std::vector<double>>(), at::kDouble);
      CHECK(RelativeError(x_TD.select(0, t), wanted) < 1e-5);
    }
  }
}

}  // namespace sft
