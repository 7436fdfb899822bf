// Heads of encoders, kept and drawn, and what is refused.
#include <cmath>
#include <map>

#include "tests/harness/model/encoder_golden.h"

namespace sft::model::encoder_golden::encoder_head_test {

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
        } else if (ours[i].role == Role::kNorm) {
          CHECK(ours[i].tensor.eq(1).all().item<bool>());
        } else {
          CHECK_FALSE(at::equal(ours[i].tensor, differs[i].tensor));
          const double rms =
              ours[i].tensor.square().mean().sqrt().item<double>();
          // 64 values or more: within four deviations of their own spread.
          CHECK(rms == Approx(0.02).epsilon(4 / std::sqrt(2.0 * 64)));
        }
      }
      // Loads again with what was drawn.
      const support::TempDir dir("encoders");
      REQUIRE(WriteModelFolder(*first, dir.path().string(), at::kFloat).ok());
      auto again = Load(dir.path().string());
      REQUIRE(again->SetHead(head.kind, head.classes, 9).ok());
      const json golden = ReadJson(FolderOf(family) + "/golden.json");
      const Batch batch = BatchOf(Examples(golden, head.kind), true);
      CHECK(at::equal(Scores(*again, batch), Scores(*first, batch)));
    }
  }
}

TEST_CASE("a checkpoint's head that is not used is said",
          "[model][encoders][head]") {
  const support::TempDir dir("encoders");
  const std::string path = dir.path().string();
  WriteFolderWithHead(path, "bert", Heads()[0]);
  const size_t before = Load(path)->info().notes.size();

  auto kept = Load(path);
  REQUIRE(kept->SetHead(HeadKind::kSequence, 3, 1).ok());
  CHECK(kept->info().notes.size() == before);
  CHECK_FALSE(kept->info().head_drawn);
  for (const auto& [kind, classes, part] :
       {std::tuple(HeadKind::kSequence, 4, "is of 3 classes, the task's of 4"),
        std::tuple(HeadKind::kToken, 3, "is of another kind")}) {
    auto model = Load(path);
    REQUIRE(model->SetHead(kind, classes, 1).ok());
    CHECK(model->info().notes.size() == before + 1);
    CHECK(model->info().notes.back().find(part) != std::string::npos);
    CHECK(model->info().head_drawn);
    // What an adapter brings takes its place, and is not drawn.
    model->KeepHead();
    CHECK(model->info().notes.size() == before);
    CHECK_FALSE(model->info().head_drawn);
  }

  json config = ReadJson(path + "/config.json");
  config["problem_type"] = "ordinal_regression";
  fake::WriteBytes(path + "/config.json", config.dump());
  auto labels = Load(path);
  CHECK(labels->head() == HeadKind::kNextToken);
  REQUIRE(labels->info().notes.size() == before + 1);
  CHECK(labels->info().notes.back().find(
            "problem_type is ordinal_regression") != std::string::npos);
}

TEST_CASE("a head is kept where kind and size fit, and drawn anew where not",
          "[model][encoders][head]") {
  for (const std::string& family : Families()) {
    INFO(family);
    const support::TempDir dir("encoders");
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
    // Another kind: nothing of the old head is left, but what it shares.
    auto other = Load(dir.path().string());
    REQUIRE(other->SetHead(HeadKind::kSpan, 2, 1).ok());
    CHECK(other->HeadParameters().size() == 2);
    const EncoderLayout& layout = *FindEncoderFamily(family)->layout;
    const EncoderHead &was = *layout.FindHead(HeadKind::kSequence),
                      &is = *layout.FindHead(HeadKind::kSpan);
    const auto now = tensors(*other);
    if (was.dense != is.dense) CHECK(!now.contains(WeightName(was.dense)));
    if (was.out != is.out) CHECK(!now.contains(WeightName(was.out)));
    CHECK(now.at(WeightName(is.out)).size(0) == 2);
    if (!is.dense.empty()) {
      const std::string dense = WeightName(is.dense);
      CHECK(at::equal(now.at(dense), before.at(dense)));
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
  const support::TempDir dir("encoders");
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
           {"bert", "hidden_act", "mish", "hidden_act"},
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
           {"electra", "embedding_size", 0, "width of the embedding"},
           {"deberta-v2", "share_att_key", nullptr, "share_att_key"},
           {"deberta-v2", "share_att_key", false, "share_att_key"},
           {"deberta-v2", "position_biased_input", nullptr, "is missing"},
           {"deberta-v2", "norm_rel_ebd", "none", "norm_rel_ebd"},
           {"deberta-v2", "conv_kernel_size", 3, "conv_kernel_size"},
           {"deberta-v2", "type_vocab_size", 2, "type_vocab_size"},
           {"deberta-v2", "pos_att_type", "c2p", "pos_att_type"},
           {"deberta-v2", "position_buckets", 2, "position_buckets"},
           {"deberta-v2", "position_buckets", 80, "position_buckets"},
           {"deberta-v2", "embedding_size", 16, "only the width 32"},
           {"deberta-v2", "pooler_hidden_act", "mish", "pooler_hidden_act"},
           {"modernbert", "attention_bias", true, "attention_bias"},
           {"modernbert", "norm_bias", true, "norm_bias"},
           {"modernbert", "classifier_pooling", "max", "classifier_pooling"},
           {"modernbert", "local_attention", 1, "local_attention"},
           {"modernbert", "layer_types", {"full_attention"}, "layer_types"},
           {"modernbert", "rope_scaling", {{"factor", 2}}, "rope_scaling"},
           {"modernbert",
            "rope_parameters",
            {{"full_attention", {{"rope_type", "yarn"}}}},
            "rope_parameters"},
           {"modernbert", "num_attention_heads", 32, "cannot be rotated"},
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

TEST_CASE("an encoder's windows are read in both forms of config.json",
          "[model][encoders]") {
  json config = ReadJson(FolderOf("modernbert") + "/config.json");
  const auto read = [&config] {
    auto out = EncoderConfigFromJson("here", config.dump());
    INFO(out.status().ToString());
    REQUIRE(out.ok());
    return *out;
  };
  const EncoderConfig now = read();
  CHECK(now.windowed == std::vector<bool>{false, true});
  CHECK(now.window == 3);
  CHECK(now.theta == 160000);
  CHECK(now.window_theta == 10000);
  // transformers 4.
  config.erase("layer_types");
  config.erase("rope_parameters");
  config["num_hidden_layers"] = 5;
  config["global_attn_every_n_layers"] = 3;
  config["global_rope_theta"] = 80000.0;
  config["local_rope_theta"] = 500.0;
  const EncoderConfig old = read();
  CHECK(old.windowed == std::vector<bool>{false, true, true, false, true});
  CHECK(old.theta == 80000);
  CHECK(old.window_theta == 500);
  // What is written says it in both.
  const json written = json::parse(EncoderConfigToJson(old, "float32"));
  CHECK(written["global_attn_every_n_layers"] == 3);
  CHECK(written["layer_types"][1] == "sliding_attention");
  CHECK(written["rope_parameters"]["sliding_attention"]["rope_theta"] == 500);
  config["layer_types"] = {"sliding_attention", "full_attention",
                           "full_attention", "sliding_attention",
                           "full_attention"};
  const EncoderConfig listed = read();
  CHECK(listed.windowed[0]);
  CHECK_FALSE(json::parse(EncoderConfigToJson(listed, "float32"))
                  .contains("global_attn_every_n_layers"));
}

TEST_CASE("a head's tensors of another size are refused", "[model][encoders]") {
  const support::TempDir dir("encoders");
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

}  // namespace sft::model::encoder_golden::encoder_head_test
