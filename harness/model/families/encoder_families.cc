#include "harness/model/families/encoder_families.h"

namespace sft::model {
namespace {

// BERT and RoBERTa have the same backbone under two roots.
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

}  // namespace

const std::vector<EncoderFamily>& EncoderFamilies() {
  static const auto& rows = *new std::vector<EncoderFamily>([] {
    std::vector<EncoderFamily> out = {Bert(), Roberta(), DistilBert()};
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
