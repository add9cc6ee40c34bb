// BERT and encoders of its form, whose tokens see each other in both directions.
#include "models/language/encoder_parts.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace encoder_models {
namespace {

/// `prefix`: where files have the tensors; empty: those of BERT or RoBERTa.
ModelPlan bert_like(const Configuration& config, bool is_roberta, std::string_view prefix = {}) {
  const std::int64_t features = config.size({"hidden_size"}, 768);
  const std::int64_t vocabulary = config.size({"vocab_size"}, is_roberta ? 50265 : 30522);
  const std::string root(!prefix.empty() ? prefix : is_roberta ? "roberta" : "bert");
  const bool is_bare = first_class(config).ends_with("Model");
  const EncoderHead head = encoder_head(config);
  const std::int64_t first = is_roberta ? config.size({"pad_token_id"}, 1) + 1 : 0;
  StackBuilder stack(StackPlan::Use::alone, "input_ids", is_bare ? "" : root);
  stack.tokens("embeddings.word_embeddings", vocabulary, features)
      .positions("embeddings.position_embeddings",
                 config.size({"max_position_embeddings"}, is_roberta ? 514 : 512), features, first);
  Step& types = stack.add(Step::Kind::types, "embeddings.token_type_embeddings");
  types.rows = config.size({"type_vocab_size"}, 2);
  types.out = features;
  stack.norm("embeddings.LayerNorm", features)
      .layers("encoder.layer", layer_count(config), bert_layer(config, features));
  if (head.pooled && !(is_roberta && head.outputs > 0)) {
    StackBuilder pooler(StackPlan::Use::alone, {}, is_bare ? "" : root);
    pooler.step(Step::Kind::first_token)
        .linear("pooler.dense", features, features)
        .activation(ActivationKind::tanh);
    if (head.masked) pooler.in({}).linear("cls.seq_relationship", features, head.outputs);
    if (head.masked || head.outputs == 0) {
      stack.nested(Step::Kind::branch, std::move(pooler));
    } else {
      for (Step& step : pooler.plan.steps) stack.plan.steps.push_back(std::move(step));
      stack.in({}).linear("classifier", features, head.outputs);
    }
  } else if (head.outputs > 0 && is_roberta && !head.each_token) {
    stack.in({})
        .step(Step::Kind::first_token)
        .linear("classifier.dense", features, features)
        .activation(ActivationKind::tanh)
        .linear("classifier.out_proj", features, head.outputs);
  } else if (head.each_token) {
    const bool is_question = first_class(config).ends_with("Answering");
    stack.in({}).linear(is_question ? "qa_outputs" : "classifier", features, head.outputs);
  }
  if (head.masked && is_roberta) {
    add_masked_head(stack, features, features, vocabulary,
                    {"lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "lm_head.decoder"},
                    shares_table(config), ActivationKind::gelu);
  } else if (head.masked) {
    add_masked_head(stack, features, features, vocabulary,
                    {"cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                     "cls.predictions.bias", "cls.predictions.decoder"},
                    shares_table(config), encoder_activation(config));
  }
  const bool has_logits = head.masked || head.outputs > 0;
  return encoder_alone(std::move(stack), features, has_logits ? "logits" : "last_hidden_state");
}
ModelPlan bert(const Configuration& config) { return bert_like(config, false); }
ModelPlan roberta(const Configuration& config) { return bert_like(config, true); }
ModelPlan data2vec(const Configuration& config) { return bert_like(config, true, "data2vec_text"); }
ModelPlan ernie_encoder(const Configuration& config) { return bert_like(config, false, "ernie"); }

ModelPlan distilbert(const Configuration& config) {
  const std::int64_t features = config.size({"dim", "hidden_size"}, 768);
  const std::int64_t vocabulary = config.size({"vocab_size"}, 30522);
  const std::string_view name = first_class(config);
  const EncoderHead head = encoder_head(config);
  AttentionPlan attention =
      full_attention(config.size({"n_heads", "num_attention_heads"}, 12), features);
  attention.query = "q_lin";
  attention.key = "k_lin";
  attention.value = "v_lin";
  attention.output = "out_lin";
  const LayerPlan layer{.mixer_name = "attention",
                        .mixer = attention,
                        .feed_forward_name = "ffn",
                        .feed_forward = plain(config.size({"hidden_dim"}, checked_mul(4, features)),
                                              "lin1", "lin2", true, encoder_activation(config)),
                        .before_mixer = {},
                        .after_mixer = "sa_layer_norm",
                        .before_feed_forward = {},
                        .after_feed_forward = "output_layer_norm",
                        .is_post_norm = true};
  StackBuilder stack(StackPlan::Use::alone, "input_ids",
                     name.ends_with("Model") ? "" : "distilbert");
  stack.tokens("embeddings.word_embeddings", vocabulary, features)
      .positions("embeddings.position_embeddings", config.size({"max_position_embeddings"}, 512),
                 features)
      .norm("embeddings.LayerNorm", features)
      .layers("transformer.layer", layer_count(config), layer);
  if (head.masked) {
    add_masked_head(
        stack, features, features, vocabulary,
        {"vocab_transform", "vocab_layer_norm", "vocab_projector.bias", "vocab_projector"},
        shares_table(config), encoder_activation(config));
  } else if (head.each_token) {
    stack.in({}).linear(name.ends_with("Answering") ? "qa_outputs" : "classifier", features,
                        head.outputs);
  } else if (head.outputs > 0) {
    stack.in({})
        .step(Step::Kind::first_token)
        .linear("pre_classifier", features, features)
        .activation(ActivationKind::relu)
        .linear("classifier", features, head.outputs);
  }
  return encoder_alone(std::move(stack), features,
                       head.masked || head.outputs > 0 ? "logits" : "last_hidden_state");
}

constexpr ModelType types[] = {
    {"bert", bert},
    {"roberta", roberta},
    {"xlm-roberta", roberta},
    {"camembert", roberta},
    {"data2vec-text", data2vec},
    {"ernie", ernie_encoder},
    {"distilbert", distilbert},
};

}  // namespace
}  // namespace encoder_models

extern constinit const Architecture encoder_architecture = {
    "BERT", "Devlin and others, BERT, 2018, and encoders of its form.", encoder_models::types};

}  // namespace zoometer
