#include "harness/model/families/encoder_families.h"

namespace sft::model {
namespace {

// BERT's backbone is that of others, under another root.
EncoderLayout BertLayout() {
  EncoderLayout out;
  out.root = "bert.";
  out.architecture = "BertModel";
  out.embedding = "bert.embeddings.word_embeddings";
  out.positions = "bert.embeddings.position_embeddings";
  out.token_types = "bert.embeddings.token_type_embeddings";
  out.embedding_norm = "bert.embeddings.LayerNorm";
  out.layers = "bert.encoder.layer.";
  out.maps = {
      {"attention.self.query", Role::kQuery},
      {"attention.self.key", Role::kKey},
      {"attention.self.value", Role::kValue},
      {"attention.output.dense", Role::kOutput},
      {"intermediate.dense", Role::kUp},
      {"output.dense", Role::kDown},
  };
  out.attention_norm = "attention.output.LayerNorm";
  out.feedforward_norm = "output.LayerNorm";
  out.pooler = "bert.pooler.dense";
  out.heads = {
      {HeadKind::kSequence, "BertForSequenceClassification",
       "bert.pooler.dense", Activation::kTanh, "classifier"},
      {HeadKind::kToken, "BertForTokenClassification", "", Activation::kTanh,
       "classifier"},
      {HeadKind::kSpan, "BertForQuestionAnswering", "", Activation::kTanh,
       "qa_outputs"},
  };
  out.surplus_begins = {"cls.", "classifier.", "qa_outputs."};
  out.surplus_ends = {".position_ids", ".token_type_ids"};
  return out;
}

EncoderLayout RobertaLayout() {
  EncoderLayout out = BertLayout();
  out.root = "roberta.";
  out.architecture = "RobertaModel";
  out.embedding = "roberta.embeddings.word_embeddings";
  out.positions = "roberta.embeddings.position_embeddings";
  out.token_types = "roberta.embeddings.token_type_embeddings";
  out.embedding_norm = "roberta.embeddings.LayerNorm";
  out.layers = "roberta.encoder.layer.";
  out.pooler = "roberta.pooler.dense";
  out.heads = {
      {HeadKind::kSequence, "RobertaForSequenceClassification",
       "classifier.dense", Activation::kTanh, "classifier.out_proj"},
      {HeadKind::kToken, "RobertaForTokenClassification", "", Activation::kTanh,
       "classifier"},
      {HeadKind::kSpan, "RobertaForQuestionAnswering", "", Activation::kTanh,
       "qa_outputs"},
  };
  out.surplus_begins = {"lm_head.", "classifier.", "qa_outputs."};
  return out;
}

EncoderLayout DistilBertLayout() {
  EncoderLayout out;
  out.root = "distilbert.";
  out.architecture = "DistilBertModel";
  out.embedding = "distilbert.embeddings.word_embeddings";
  out.positions = "distilbert.embeddings.position_embeddings";
  out.embedding_norm = "distilbert.embeddings.LayerNorm";
  out.layers = "distilbert.transformer.layer.";
  out.maps = {
      {"attention.q_lin", Role::kQuery}, {"attention.k_lin", Role::kKey},
      {"attention.v_lin", Role::kValue}, {"attention.out_lin", Role::kOutput},
      {"ffn.lin1", Role::kUp},           {"ffn.lin2", Role::kDown},
  };
  out.attention_norm = "sa_layer_norm";
  out.feedforward_norm = "output_layer_norm";
  out.heads = {
      {HeadKind::kSequence, "DistilBertForSequenceClassification",
       "pre_classifier", Activation::kRelu, "classifier"},
      {HeadKind::kToken, "DistilBertForTokenClassification", "",
       Activation::kRelu, "classifier"},
      {HeadKind::kSpan, "DistilBertForQuestionAnswering", "", Activation::kRelu,
       "qa_outputs"},
  };
  out.surplus_begins = {"vocab_", "pre_classifier.", "classifier.",
                        "qa_outputs."};
  out.surplus_ends = {".position_ids"};
  return out;
}

// RoBERTa's, with classes of another name.
EncoderLayout XlmRobertaLayout() {
  EncoderLayout out = RobertaLayout();
  out.architecture = "XLMRobertaModel";
  out.heads[0].architecture = "XLMRobertaForSequenceClassification";
  out.heads[1].architecture = "XLMRobertaForTokenClassification";
  out.heads[2].architecture = "XLMRobertaForQuestionAnswering";
  return out;
}

// BERT's behind narrower tables, and without a pooler.
EncoderLayout ElectraLayout() {
  EncoderLayout out = BertLayout();
  out.root = "electra.";
  out.architecture = "ElectraModel";
  out.embedding = "electra.embeddings.word_embeddings";
  out.positions = "electra.embeddings.position_embeddings";
  out.token_types = "electra.embeddings.token_type_embeddings";
  out.embedding_norm = "electra.embeddings.LayerNorm";
  out.projection = "electra.embeddings_project";
  out.layers = "electra.encoder.layer.";
  out.pooler = "";
  out.heads = {
      {HeadKind::kSequence, "ElectraForSequenceClassification",
       "classifier.dense", Activation::kGelu, "classifier.out_proj"},
      {HeadKind::kToken, "ElectraForTokenClassification", "", Activation::kGelu,
       "classifier"},
      {HeadKind::kSpan, "ElectraForQuestionAnswering", "", Activation::kGelu,
       "qa_outputs"},
  };
  out.surplus_begins = {"discriminator_predictions.", "generator_predictions.",
                        "generator_lm_head.", "classifier.", "qa_outputs."};
  return out;
}

// BERT's with disentangled attention (arXiv 2006.03654, 2111.09543).
EncoderLayout DebertaLayout() {
  EncoderLayout out = BertLayout();
  out.root = "deberta.";
  out.architecture = "DebertaV2Model";
  out.embedding = "deberta.embeddings.word_embeddings";
  out.positions = out.token_types = "";
  out.embedding_norm = "deberta.embeddings.LayerNorm";
  out.distances = "deberta.encoder.rel_embeddings";
  out.distances_norm = "deberta.encoder.LayerNorm";
  out.layers = "deberta.encoder.layer.";
  out.maps[0].name = "attention.self.query_proj";
  out.maps[1].name = "attention.self.key_proj";
  out.maps[2].name = "attention.self.value_proj";
  out.pooler = "";
  out.heads = {
      {HeadKind::kSequence, "DebertaV2ForSequenceClassification",
       "pooler.dense", Activation::kGelu, "classifier"},
      {HeadKind::kToken, "DebertaV2ForTokenClassification", "",
       Activation::kGelu, "classifier"},
      {HeadKind::kSpan, "DebertaV2ForQuestionAnswering", "", Activation::kGelu,
       "qa_outputs"},
  };
  out.surplus_begins = {"cls.",        "lm_predictions.", "mask_predictions.",
                        "classifier.", "qa_outputs.",     "pooler."};
  out.surplus_ends = {".position_ids", ".position_embeddings.weight"};
  return out;
}

// Pre-norm blocks without biases, rotary positions, windows (arXiv 2412.13663).
EncoderLayout ModernBertLayout() {
  EncoderLayout out;
  out.root = "model.";
  out.architecture = "ModernBertModel";
  out.embedding = "model.embeddings.tok_embeddings";
  out.embedding_norm = "model.embeddings.norm";
  out.layers = "model.layers.";
  out.maps = {{"attn.Wqkv", Role::kQkv},
              {"attn.Wo", Role::kOutput},
              {"mlp.Wi", Role::kGateUp},
              {"mlp.Wo", Role::kDown}};
  out.attention_norm = "attn_norm";
  out.feedforward_norm = "mlp_norm";
  out.pre_norm = true;
  out.final_norm = "model.final_norm";
  out.map_biases = out.norm_biases = false;
  out.pooler = "head.dense";  // of the masked-word head, too
  out.pooler_norm = "head.norm";
  out.heads = {
      {HeadKind::kSequence, "ModernBertForSequenceClassification", "head.dense",
       Activation::kGelu, "classifier"},
      {HeadKind::kToken, "ModernBertForTokenClassification", "head.dense",
       Activation::kGelu, "classifier"},
      {HeadKind::kSpan, "ModernBertForQuestionAnswering", "head.dense",
       Activation::kGelu, "classifier"},
  };
  out.surplus_begins = {"head.", "decoder.", "classifier."};
  return out;
}

EncoderFamily Bert() {
  static const auto& layout = *new EncoderLayout(BertLayout());
  EncoderFamily out;
  out.name = "bert";
  out.layout = &layout;
  out.defaults.pad = 0;
  out.only = {{"position_embedding_type", "\"absolute\""},
              {"is_decoder", "false"},
              {"add_cross_attention", "false"}};
  return out;
}

EncoderFamily Roberta() {
  static const auto& layout = *new EncoderLayout(RobertaLayout());
  EncoderFamily out = Bert();
  out.name = "roberta";
  out.layout = &layout;
  out.defaults.pad = 1;
  out.defaults.bos = 0;
  out.defaults.eos = 2;
  out.defaults.positions_skip_pad = true;
  return out;
}

EncoderFamily DistilBert() {
  static const auto& layout = *new EncoderLayout(DistilBertLayout());
  EncoderFamily out;
  out.name = "distilbert";
  out.layout = &layout;
  out.layers = "n_layers";
  out.width = "dim";
  out.ffn_width = "hidden_dim";
  out.heads = "n_heads";
  out.token_types = nullptr;
  out.norm_epsilon = nullptr;
  out.activation = "activation";
  out.defaults.pad = 0;
  out.only = {{"sinusoidal_pos_embds", "false"}};
  return out;
}

EncoderFamily XlmRoberta() {
  static const auto& layout = *new EncoderLayout(XlmRobertaLayout());
  EncoderFamily out = Roberta();
  out.name = "xlm-roberta";
  out.layout = &layout;
  return out;
}

EncoderFamily Electra() {
  static const auto& layout = *new EncoderLayout(ElectraLayout());
  EncoderFamily out = Bert();
  out.name = "electra";
  out.layout = &layout;
  out.embedding_width = "embedding_size";
  out.defaults.embedding_width = 128;
  return out;
}

EncoderFamily Deberta() {
  static const auto& layout = *new EncoderLayout(DebertaLayout());
  EncoderFamily out;
  out.name = "deberta-v2";
  out.layout = &layout;
  out.token_types = nullptr;
  out.head_activation = "pooler_hidden_act";
  out.defaults.pad = 0;
  out.defaults.norm_epsilon = 1e-7;
  out.only = {{"type_vocab_size", "0"}, {"conv_kernel_size", "0"}};
  out.always = {{"relative_attention", "true"},
                {"share_att_key", "true"},
                {"norm_rel_ebd", "\"layer_norm\""},
                {"position_biased_input", "false"}};
  out.same_width = {"embedding_size", "pooler_hidden_size"};
  return out;
}

EncoderFamily ModernBert() {
  static const auto& layout = *new EncoderLayout(ModernBertLayout());
  EncoderFamily out;
  out.name = "modernbert";
  out.layout = &layout;
  out.token_types = nullptr;
  out.norm_epsilon = "norm_eps";
  out.activation = "hidden_activation";
  out.head_activation = "classifier_activation";
  out.pooling = "classifier_pooling";
  out.defaults.norm_epsilon = 1e-5;
  out.defaults.pad = 50283;
  out.defaults.bos = 50281;
  out.defaults.eos = 50282;
  out.defaults.theta = 160000;
  out.defaults.window_theta = 10000;
  out.defaults.window = 64;
  out.only = {{"attention_bias", "false"},
              {"mlp_bias", "false"},
              {"norm_bias", "false"},
              {"classifier_bias", "false"}};
  return out;
}

}  // namespace

const std::vector<EncoderFamily>& EncoderFamilies() {
  static const auto& rows = *new std::vector<EncoderFamily>([] {
    std::vector<EncoderFamily> out = {Bert(),       Roberta(), DistilBert(),
                                      XlmRoberta(), Electra(), Deberta(),
                                      ModernBert()};
    for (EncoderFamily& row : out) {
      row.defaults.family = row.name;
      row.defaults.layout = row.layout;
    }
    return out;
  }());
  return rows;
}

const EncoderFamily* FindEncoderFamily(std::string_view name) {
  for (const EncoderFamily& row : EncoderFamilies()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace sft::model
