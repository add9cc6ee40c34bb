#include "models/language/encoder_parts.hpp"

#include <string>
#include <utility>

#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace encoder_parts {
namespace {

std::int64_t label_count(const Configuration& config, std::int64_t usual) {
  if (const auto count = config.size_if({"num_labels"})) return *count;
  const auto labels = config.part({"id2label"});
  return labels ? static_cast<std::int64_t>(labels->object().members.size()) : usual;
}

}  // namespace
}  // namespace encoder_parts

std::string_view first_class(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  return classes.empty() ? std::string_view() : classes.front();
}

EncoderHead encoder_head(const Configuration& config) {
  const std::string_view name = first_class(config);
  if (name.ends_with("ForMaskedLM") || name.ends_with("LMHeadModel") ||
      name.ends_with("ForCausalLM"))
    return {.masked = true};
  if (name.ends_with("ForPreTraining")) return {.masked = true, .pooled = true, .outputs = 2};
  if (name.ends_with("ForTokenClassification"))
    return {.outputs = encoder_parts::label_count(config, 2), .each_token = true};
  if (name.ends_with("ForQuestionAnswering")) return {.outputs = 2, .each_token = true};
  if (name.ends_with("ForSequenceClassification"))
    return {.pooled = true, .outputs = encoder_parts::label_count(config, 2)};
  if (name.ends_with("ForMultipleChoice")) return {.pooled = true, .outputs = 1};
  if (name.empty() || name.ends_with("Model")) return {.pooled = true};
  throw_unknown_part("the class " + std::string(name));
}

ActivationKind encoder_activation(const Configuration& config) {
  return activation_of(config, {"hidden_act", "activation"}, "gelu");
}

ModelPlan encoder_alone(StackBuilder stack, std::int64_t features, std::string_view output) {
  ModelPlan plan;
  plan.features = features;
  stack.plan.features = features;
  stack.plan.output = output;
  plan.stacks.push_back(std::move(stack.plan));
  return plan;
}

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
                                "output.dense", true, encoder_activation(config)),
          .before_mixer = {},
          .after_mixer = "attention.output.LayerNorm",
          .before_feed_forward = {},
          .after_feed_forward = "output.LayerNorm",
          .is_post_norm = true};
}

void add_masked_head(StackBuilder& stack, std::int64_t features, std::int64_t inner,
                     std::int64_t vocabulary, const MaskedHead& names, bool shares_table,
                     ActivationKind activation) {
  stack.in({});
  stack.step(Step::Kind::last_logits)
      .linear(names.dense, features, inner)
      .activation(activation)
      .norm(names.norm, inner);
  const std::string own_bias = std::string(names.decoder) + ".bias";
  if (shares_table) {
    stack.add(Step::Kind::tied_head, names.bias).out = vocabulary;
    return;
  }
  stack.linear(names.decoder, inner, vocabulary);
  if (own_bias != names.bias && !names.bias.empty()) stack.stored(names.bias, {vocabulary});
}

bool shares_table(const Configuration& config) {
  return config.outer_flag("tie_word_embeddings", true);
}

}  // namespace zoometer
