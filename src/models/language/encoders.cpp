// BERT and encoders of its form, whose tokens see each other in both directions.
#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace encoder_models {
namespace {

/// What follows the layers, by the first of `architectures`.
struct Head {
  bool masked = false;       ///< words for masked ones
  bool pooled = false;       ///< a layer of the first token
  std::int64_t outputs = 0;  ///< of a classifier; 0: none
  bool each_token = false;   ///< it runs for all tokens
};

std::int64_t label_count(const Configuration& config, std::int64_t usual) {
  if (const auto count = config.size_if({"num_labels"})) return *count;
  const auto labels = config.part({"id2label"});
  return labels ? static_cast<std::int64_t>(labels->object().members.size()) : usual;
}

std::string_view class_of(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  return classes.empty() ? std::string_view() : classes.front();
}

Head head_of(const Configuration& config) {
  const std::string_view name = class_of(config);
  if (name.ends_with("ForMaskedLM") || name.ends_with("LMHeadModel") ||
      name.ends_with("ForCausalLM"))
    return {.masked = true};
  if (name.ends_with("ForPreTraining")) return {.masked = true, .pooled = true, .outputs = 2};
  if (name.ends_with("ForTokenClassification"))
    return {.outputs = label_count(config, 2), .each_token = true};
  if (name.ends_with("ForQuestionAnswering")) return {.outputs = 2, .each_token = true};
  if (name.ends_with("ForSequenceClassification"))
    return {.pooled = true, .outputs = label_count(config, 2)};
  if (name.ends_with("ForMultipleChoice")) return {.pooled = true, .outputs = 1};
  if (name.empty() || name.ends_with("Model")) return {.pooled = true};
  throw_unknown_part("the class " + std::string(name));
}

ActivationKind gelu_of(const Configuration& config) {
  return activation_of(config, {"hidden_act", "activation"}, "gelu");
}

/// An encoder without a decoder.
ModelPlan alone(StackBuilder stack, std::int64_t features, std::string_view output) {
  ModelPlan plan;
  plan.features = features;
  stack.plan.features = features;
  stack.plan.output = output;
  plan.stacks.push_back(std::move(stack.plan));
  return plan;
}

/// The layers of BERT: norms of the sums.
LayerPlan bert_layer(const Configuration& config, std::int64_t features) {
  AttentionPlan attention = full_attention(config.size({"num_attention_heads"}, 12), features);
  attention.query = "self.query";
  attention.key = "self.key";
  attention.value = "self.value";
  attention.output = "output.dense";
  return {.mixer_name = "attention",
          .mixer = attention,
          .feed_forward_name = {},
          .feed_forward = plain(config.size({"intermediate_size"}, 3072), "intermediate.dense",
                                "output.dense", true, gelu_of(config)),
          .before_mixer = {},
          .after_mixer = "attention.output.LayerNorm",
          .before_feed_forward = {},
          .after_feed_forward = "output.LayerNorm",
          .is_post_norm = true};
}

/// Names of the layers before the words of masked tokens.
struct MaskedHead {
  std::string_view dense;
  std::string_view norm;
  std::string_view bias;
  std::string_view decoder;  ///< where the head does not share the embedding's table
};

/// A layer, its activation and norm, and words by the table of the embedding or one of their own.
void add_masked_head(StackBuilder& stack, std::int64_t features, std::int64_t vocabulary,
                     const MaskedHead& names, bool shares_table, ActivationKind activation) {
  stack.in({});
  stack.step(Step::Kind::last_logits)
      .linear(names.dense, features, features)
      .activation(activation)
      .norm(names.norm, features);
  const std::string own_bias = std::string(names.decoder) + ".bias";
  if (shares_table) {
    stack.add(Step::Kind::tied_head, names.bias).out = vocabulary;
    return;
  }
  stack.linear(names.decoder, features, vocabulary);
  if (own_bias != names.bias) stack.stored(names.bias, {vocabulary});
}

bool is_tied(const Configuration& config) { return config.outer_flag("tie_word_embeddings", true); }

ModelPlan bert_like(const Configuration& config, bool is_roberta) {
  const std::int64_t features = config.size({"hidden_size"}, 768);
  const std::int64_t vocabulary = config.size({"vocab_size"}, is_roberta ? 50265 : 30522);
  const std::string root = is_roberta ? "roberta" : "bert";
  const bool is_bare = class_of(config).ends_with("Model");
  const Head head = head_of(config);
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
    const bool is_question = class_of(config).ends_with("Answering");
    stack.in({}).linear(is_question ? "qa_outputs" : "classifier", features, head.outputs);
  }
  if (head.masked && is_roberta) {
    add_masked_head(stack, features, vocabulary,
                    {"lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "lm_head.decoder"},
                    is_tied(config), ActivationKind::gelu);
  } else if (head.masked) {
    add_masked_head(stack, features, vocabulary,
                    {"cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                     "cls.predictions.bias", "cls.predictions.decoder"},
                    is_tied(config), gelu_of(config));
  }
  const bool has_logits = head.masked || head.outputs > 0;
  return alone(std::move(stack), features, has_logits ? "logits" : "last_hidden_state");
}
ModelPlan bert(const Configuration& config) { return bert_like(config, false); }
ModelPlan roberta(const Configuration& config) { return bert_like(config, true); }

ModelPlan distilbert(const Configuration& config) {
  const std::int64_t features = config.size({"dim", "hidden_size"}, 768);
  const std::int64_t vocabulary = config.size({"vocab_size"}, 30522);
  const std::string_view name = class_of(config);
  const Head head = head_of(config);
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
                                              "lin1", "lin2", true, gelu_of(config)),
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
        stack, features, vocabulary,
        {"vocab_transform", "vocab_layer_norm", "vocab_projector.bias", "vocab_projector"},
        is_tied(config), gelu_of(config));
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
  return alone(std::move(stack), features,
               head.masked || head.outputs > 0 ? "logits" : "last_hidden_state");
}

constexpr ModelType types[] = {
    {"bert", bert}, {"roberta", roberta}, {"xlm-roberta", roberta}, {"distilbert", distilbert}};

}  // namespace
}  // namespace encoder_models

extern constinit const Architecture encoder_architecture = {
    "BERT", "Devlin and others, BERT, 2018, and encoders of its form.", encoder_models::types};

}  // namespace zoometer
