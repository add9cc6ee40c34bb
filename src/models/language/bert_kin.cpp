// Encoders after BERT: ALBERT, ELECTRA, MPNet, DeBERTa, ModernBERT and others, with layers and
// heads of their own names.
#include <algorithm>
#include <string>

#include "models/language/encoder_parts.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace bert_kin_models {
namespace {

constexpr StackPlan::Use alone = StackPlan::Use::alone;

/// The path of a model's tensors: files of a bare model have no root.
std::string root_of(const Configuration& config, std::string_view root) {
  return first_class(config).ends_with("Model") ? std::string() : std::string(root);
}

std::int64_t positions_of(const Configuration& config, std::int64_t usual) {
  return config.size({"max_position_embeddings", "n_positions"}, usual);
}

void add_types(StackBuilder& stack, const Configuration& config, std::string_view name,
               std::int64_t usual, std::int64_t features) {
  const std::int64_t rows = config.size({"type_vocab_size"}, usual);
  if (rows == 0) return;
  Step& types = stack.add(Step::Kind::types, name);
  types.rows = rows;
  types.out = features;
}

/// Words, positions and types of BERT, with that width.
void add_embeddings(StackBuilder& stack, const Configuration& config, std::int64_t features,
                    bool has_norm = true, std::int64_t first = 0) {
  stack.tokens("embeddings.word_embeddings", config.size({"vocab_size"}), features)
      .positions("embeddings.position_embeddings", positions_of(config, 512), features, first);
  add_types(stack, config, "embeddings.token_type_embeddings", 2, features);
  if (has_norm) stack.norm("embeddings.LayerNorm", features);
}

/// The first token, which BERT's classes pass through a layer.
void add_pooler(StackBuilder& stack, const std::string& root, std::int64_t features) {
  StackBuilder pooler(alone, {}, root);
  pooler.step(Step::Kind::first_token)
      .linear("pooler.dense", features, features)
      .activation(ActivationKind::tanh);
  stack.nested(Step::Kind::branch, std::move(pooler));
}

constexpr MaskedHead roberta_head = {"lm_head.dense", "lm_head.layer_norm", "lm_head.bias",
                                     "lm_head.decoder"};
constexpr MaskedHead bert_head = {"cls.predictions.transform.dense",
                                  "cls.predictions.transform.LayerNorm", "cls.predictions.bias",
                                  "cls.predictions.decoder"};

/// A classifier of all tokens, or of the first one: a layer and its activation before it.
void add_classifier(StackBuilder& stack, const Configuration& config, std::int64_t features,
                    const EncoderHead& head, ActivationKind activation) {
  stack.in({});
  if (head.each_token) {
    stack.linear(first_class(config).ends_with("Answering") ? "qa_outputs" : "classifier", features,
                 head.outputs);
    return;
  }
  stack.step(Step::Kind::first_token)
      .linear("classifier.dense", features, features)
      .activation(activation)
      .linear("classifier.out_proj", features, head.outputs);
}

/// The rest of an encoder with a head like RoBERTa's.
ModelPlan with_head(StackBuilder stack, const Configuration& config, const std::string& root,
                    std::int64_t features, const MaskedHead& names, bool has_pooler = true) {
  const EncoderHead head = encoder_head(config);
  if (head.masked && head.outputs == 0) {
    add_masked_head(stack, features, features, config.size({"vocab_size"}), names,
                    shares_table(config), ActivationKind::gelu);
  } else if (head.outputs > 0 && !head.masked) {
    add_classifier(stack, config, features, head, ActivationKind::tanh);
  } else if (head.outputs == 0) {
    if (has_pooler) add_pooler(stack, root, features);
  } else {
    throw_unknown_part("the class " + std::string(first_class(config)));
  }
  return encoder_alone(std::move(stack), features,
                       head.masked || head.outputs > 0 ? "logits" : "last_hidden_state");
}

/// BERT's layers with the norms before instead of after.
LayerPlan pre_normed(const Configuration& config, std::int64_t features, std::string_view first,
                     std::string_view second) {
  LayerPlan layer = bert_layer(config, features);
  layer.is_post_norm = false;
  layer.after_mixer = layer.after_feed_forward = {};
  layer.before_mixer = first;
  layer.before_feed_forward = second;
  return layer;
}

/// Lan and others, 2019: one layer, or a few, that run again and again.
ModelPlan albert(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  const std::int64_t inner = config.size({"embedding_size"}, 128);
  const std::int64_t count = layer_count(config);
  const std::int64_t groups = config.size({"num_hidden_groups"}, 1);
  const std::int64_t of_group = bounded_layers(config, {"inner_group_num"}, 1);
  if (groups < 1 || groups > count) {
    throw Error(ErrorCode::malformed, "the key num_hidden_groups",
                {"1 to " + std::to_string(count), std::to_string(groups)});
  }
  if (checked_mul(count, of_group) > 1024) throw_unknown_part("more than 1024 runs of layers");
  LayerPlan layer = bert_layer(config, features);
  auto& attention = std::get<AttentionPlan>(layer.mixer);
  attention.query = "query";
  attention.key = "key";
  attention.value = "value";
  attention.output = "dense";
  layer.after_mixer = "attention.LayerNorm";
  layer.after_feed_forward = "full_layer_layer_norm";
  layer.feed_forward = plain(config.size({"intermediate_size"}, 16384), "ffn", "ffn_output", true,
                             encoder_activation(config));
  const std::string root = root_of(config, "albert");
  StackBuilder stack(alone, "input_ids", root);
  add_embeddings(stack, config, inner);
  stack.linear("encoder.embedding_hidden_mapping_in", inner, features);
  for (std::int64_t i = 0; i < groups; ++i) {
    stack.layers("encoder.albert_layer_groups." + std::to_string(i) + ".albert_layers", of_group,
                 layer);
    // Layer n runs group floor(n * groups / count).
    const std::int64_t first = (i * count + groups - 1) / groups;
    stack.plan.steps.back().repeats = ((i + 1) * count + groups - 1) / groups - first;
  }
  const EncoderHead head = encoder_head(config);
  if (head.masked) {
    if (head.outputs > 0) throw_unknown_part("the class " + std::string(first_class(config)));
    add_masked_head(
        stack, features, inner, config.size({"vocab_size"}),
        {"predictions.dense", "predictions.LayerNorm", "predictions.bias", "predictions.decoder"},
        shares_table(config), ActivationKind::gelu);
  } else if (head.each_token) {
    add_classifier(stack, config, features, head, ActivationKind::tanh);
  } else if (head.outputs > 0) {
    stack.step(Step::Kind::first_token)
        .linear("pooler", features, features)
        .activation(ActivationKind::tanh)
        .in({})
        .linear("classifier", features, head.outputs);
  } else {
    StackBuilder pooler(alone, {}, root);
    pooler.step(Step::Kind::first_token)
        .linear("pooler", features, features)
        .activation(ActivationKind::tanh);
    stack.nested(Step::Kind::branch, std::move(pooler));
  }
  return encoder_alone(std::move(stack), features,
                       head.masked || head.outputs > 0 ? "logits" : "last_hidden_state");
}

/// Clark and others, 2020: embeddings of their own width; pre-trained to find replaced tokens.
ModelPlan electra(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  const std::int64_t inner = config.size({"embedding_size"}, 128);
  const std::string root = root_of(config, "electra");
  StackBuilder stack(alone, "input_ids", root);
  add_embeddings(stack, config, inner);
  if (inner != features) stack.linear("embeddings_project", inner, features);
  stack.layers("encoder.layer", layer_count(config), bert_layer(config, features));
  const std::string_view name = first_class(config);
  if (name.ends_with("ForPreTraining")) {
    stack.in("discriminator_predictions")
        .linear("dense", features, features)
        .activation()
        .linear("dense_prediction", features, 1);
    return encoder_alone(std::move(stack), features, "logits");
  }
  const EncoderHead head = encoder_head(config);
  if (head.masked) {
    const bool shares = shares_table(config);
    stack.in({}).step(Step::Kind::last_logits);
    stack.linear("generator_predictions.dense", features, inner)
        .activation()
        .norm("generator_predictions.LayerNorm", inner);
    const std::int64_t words = config.size({"vocab_size"});
    if (shares)
      stack.add(Step::Kind::tied_head, "generator_lm_head.bias").out = words;
    else
      stack.linear("generator_lm_head", inner, words);
  } else if (head.outputs > 0) {
    add_classifier(stack, config, features, head, ActivationKind::gelu);
  }
  return encoder_alone(std::move(stack), features,
                       head.masked || head.outputs > 0 ? "logits" : "last_hidden_state");
}

/// Song and others, 2020: a table of biases by distance.
ModelPlan mpnet(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  LayerPlan layer = bert_layer(config, features);
  auto& attention = std::get<AttentionPlan>(layer.mixer);
  attention.query = "attn.q";
  attention.key = "attn.k";
  attention.value = "attn.v";
  attention.output = "attn.o";
  layer.after_mixer = "attention.LayerNorm";
  const std::string root = root_of(config, "mpnet");
  StackBuilder stack(alone, "input_ids", root);
  stack.tokens("embeddings.word_embeddings", config.size({"vocab_size"}), features)
      .positions("embeddings.position_embeddings", positions_of(config, 512), features,
                 config.size({"pad_token_id"}, 1) + 1)
      .norm("embeddings.LayerNorm", features)
      .layers("encoder.layer", layer_count(config), layer)
      .stored("encoder.relative_attention_bias.weight",
              {config.size({"relative_attention_num_buckets"}, 32), attention.heads});
  return with_head(std::move(stack), config, root, features, roberta_head);
}

/// Narrow: positions before the layers are those of the configuration with that name.
constexpr std::string_view relative_products =
    "products of attention by distance (DeBERTa) are not counted";

/// The tables and layers for attention by distance that files of DeBERTa store.
void add_distances(StackBuilder& stack, const Configuration& config, std::int64_t features) {
  std::int64_t span = config.size_if({"position_buckets"}).value_or(0);
  const Setting* most = config.find({"max_relative_positions"});
  if (span == 0 && most != nullptr && most->real > 0) span = most->integer;
  if (span == 0) span = positions_of(config, 512);
  stack.stored("encoder.rel_embeddings.weight", {checked_mul(2, span), features});
  if (config.text({"norm_rel_ebd"}, "none").find("layer_norm") != std::string_view::npos)
    stack.stored("encoder.LayerNorm.weight", {features})
        .stored("encoder.LayerNorm.bias", {features});
}

/// He and others, 2020; the second version (2021) has layers of query, key and value of their own.
ModelPlan deberta_like(const Configuration& config, bool is_second) {
  const std::int64_t features = hidden_size(config);
  const bool has_distances = config.flag({"relative_attention"}, false);
  const std::int64_t inner = config.size({"embedding_size"}, features);
  LayerPlan layer = bert_layer(config, features);
  auto& attention = std::get<AttentionPlan>(layer.mixer);
  if (is_second) {
    attention.query = "self.query_proj";
    attention.key = "self.key_proj";
    attention.value = "self.value_proj";
  } else {
    attention.fused = "self.in_proj";
    set_biases(attention, false, true);
  }
  const std::string root = root_of(config, "deberta");
  StackBuilder stack(alone, "input_ids", root);
  stack.tokens("embeddings.word_embeddings", config.size({"vocab_size"}), inner);
  if (config.flag({"position_biased_input"}, true))
    stack.positions("embeddings.position_embeddings", positions_of(config, 512), inner);
  add_types(stack, config, "embeddings.token_type_embeddings", 0, inner);
  if (inner != features) stack.linear("embeddings.embed_proj", inner, features, false);
  stack.norm("embeddings.LayerNorm", features).layers("encoder.layer", layer_count(config), layer);
  const std::string_view kinds = [&]() -> std::string_view {
    const Setting* setting = config.find({"pos_att_type"});
    if (setting == nullptr) return {};
    if (setting->kind == Setting::Kind::text) return setting->text;
    return setting->items.empty() ? "" : "c2p|p2c";
  }();
  const auto has_kind = [&](std::string_view kind) {
    const Setting* setting = config.find({"pos_att_type"});
    if (setting == nullptr || setting->kind != Setting::Kind::list)
      return kinds.find(kind) != std::string_view::npos;
    return std::ranges::any_of(setting->items,
                               [&](const Setting& item) { return item.text == kind; });
  };
  const bool has_own = !is_second || !config.flag({"share_att_key"}, false);
  const std::vector<std::int64_t> square{features, features};
  for (std::int64_t i = 0; i < layer_count(config); ++i) {
    const std::string path = "encoder.layer." + std::to_string(i) + ".attention.self.";
    if (!is_second) stack.stored(path + "q_bias", {features}).stored(path + "v_bias", {features});
    if (!has_distances || !has_own) continue;
    if (has_kind("c2p")) {
      stack.stored(path + (is_second ? "pos_key_proj.weight" : "pos_proj.weight"), square);
      if (is_second) stack.stored(path + "pos_key_proj.bias", {features});
    }
    if (has_kind("p2c")) {
      stack.stored(path + (is_second ? "pos_query_proj.weight" : "pos_q_proj.weight"), square);
      stack.stored(path + (is_second ? "pos_query_proj.bias" : "pos_q_proj.bias"), {features});
    }
  }
  if (has_distances) add_distances(stack, config, features);
  const std::int64_t kernel = is_second ? config.size({"conv_kernel_size"}, 0) : 0;
  if (kernel > 0) {
    stack.stored("encoder.conv.conv.weight", {features, features, kernel})
        .stored("encoder.conv.conv.bias", {features})
        .stored("encoder.conv.LayerNorm.weight", {features})
        .stored("encoder.conv.LayerNorm.bias", {features});
  }
  const EncoderHead head = encoder_head(config);
  if (head.outputs > 0 && !head.masked && !head.each_token) {
    stack.in({})
        .step(Step::Kind::first_token)
        .linear("pooler.dense", features, features)
        .activation()
        .linear("classifier", features, head.outputs);
    ModelPlan plan = encoder_alone(std::move(stack), features, "logits");
    if (has_distances) plan.left_out.emplace_back(relative_products);
    return plan;
  }
  ModelPlan plan = with_head(std::move(stack), config, root, features, bert_head, false);
  if (has_distances) plan.left_out.emplace_back(relative_products);
  if (kernel > 0)
    plan.left_out.emplace_back("the convolution beside the first layer is not counted");
  return plan;
}
ModelPlan deberta(const Configuration& config) { return deberta_like(config, false); }
ModelPlan deberta2(const Configuration& config) { return deberta_like(config, true); }

/// Warner and others, 2024: rotary positions, gates, and attention to near tokens in most layers.
ModelPlan modernbert(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  const NormKind norm =
      config.flag({"norm_bias"}, false) ? NormKind::layer : NormKind::layer_weight;
  AttentionPlan attention = full_attention(config.size({"num_attention_heads"}, 12), features,
                                           config.flag({"attention_bias"}, false));
  attention.fused = "Wqkv";
  attention.output = "Wo";
  attention.rotary = attention.head / 2 * 2;
  FeedForwardPlan feed_forward =
      gated(config.size({"intermediate_size"}, 1152), config.flag({"mlp_bias"}, false));
  feed_forward.fused = "Wi";
  feed_forward.down = "Wo";
  feed_forward.activation = ActivationKind::gelu;
  std::vector<LayerPlan> layers;
  for (std::int64_t i = 0; i < layer_count(config); ++i) {
    layers.push_back({.mixer_name = "attn",
                      .mixer = attention,
                      .feed_forward = feed_forward,
                      .before_mixer = i == 0 ? "" : "attn_norm",
                      .before_feed_forward = "mlp_norm"});
  }
  const bool is_bare = first_class(config).ends_with("Model");
  StackBuilder stack(alone, "input_ids", is_bare ? "" : "model");
  stack.plan.norm_kind = norm;
  stack.tokens("embeddings.tok_embeddings", config.size({"vocab_size"}), features)
      .norm("embeddings.norm", features, norm)
      .layers("layers", std::move(layers))
      .norm("final_norm", features, norm);
  const EncoderHead head = encoder_head(config);
  if (is_bare) return encoder_alone(std::move(stack), features, "last_hidden_state");
  stack.in({});
  if (head.masked) stack.step(Step::Kind::last_logits);
  if (head.pooled) stack.step(Step::Kind::first_token);
  stack.linear("head.dense", features, features, config.flag({"classifier_bias"}, false))
      .activation()
      .norm("head.norm", features, norm);
  const std::int64_t words = config.size({"vocab_size"});
  const bool has_bias = config.flag({"decoder_bias"}, true);
  if (head.outputs > 0) {
    stack.linear("classifier", features, head.outputs);
  } else if (!shares_table(config)) {
    stack.linear("decoder", features, words, has_bias);
  } else {
    if (!has_bias) throw_unknown_part("words of the embedding's table without a bias");
    stack.add(Step::Kind::tied_head, "decoder.bias").out = words;
  }
  return encoder_alone(std::move(stack), features, "logits");
}

/// Nussbaum and others, 2024: rotary positions and gates.
ModelPlan nomic_bert(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  AttentionPlan attention =
      full_attention(head_count(config), features, config.flag({"qkv_proj_bias"}, false));
  attention.head = config.size({"head_dim"}, attention.head);
  attention.fused = "Wqkv";
  attention.output = "out_proj";
  attention.rotary = attention.head / 2 * 2;
  FeedForwardPlan feed_forward = gated(feed_forward_size(config));
  feed_forward.bias = config.flag({"mlp_fc1_bias"}, false);
  feed_forward.down_bias = config.flag({"mlp_fc2_bias"}, false);
  feed_forward.gate = "fc12";
  feed_forward.up = "fc11";
  feed_forward.down = "fc2";
  const std::string root = root_of(config, "bert");
  StackBuilder stack(alone, "input_ids", root);
  stack.tokens("embeddings.word_embeddings", config.size({"vocab_size"}), features);
  add_types(stack, config, "embeddings.token_type_embeddings", 2, features);
  stack.norm("emb_ln", features)
      .layers("encoder.layers", layer_count(config),
              {.mixer_name = "attn",
               .mixer = attention,
               .feed_forward = feed_forward,
               .before_mixer = {},
               .after_mixer = "norm1",
               .before_feed_forward = {},
               .after_feed_forward = "norm2",
               .is_post_norm = true});
  return with_head(std::move(stack), config, root, features,
                   {"cls.predictions.transform.dense", "cls.predictions.transform.layer_norm",
                    "cls.predictions.decoder.bias", "cls.predictions.decoder"},
                   false);
}

/// Alibaba's GTE: the same with biases, under the names of its files.
ModelPlan gte(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  AttentionPlan attention = full_attention(head_count(config), features);
  attention.fused = "qkv_proj";
  attention.output = "o_proj";
  attention.rotary = attention.head / 2 * 2;
  FeedForwardPlan feed_forward = gated(feed_forward_size(config));
  feed_forward.fused = "up_gate_proj";
  feed_forward.down_bias = true;
  feed_forward.activation = ActivationKind::gelu;
  const std::string root = root_of(config, "new");
  StackBuilder stack(alone, "input_ids", root);
  stack.tokens("embeddings.word_embeddings", config.size({"vocab_size"}), features);
  add_types(stack, config, "embeddings.token_type_embeddings", 2, features);
  stack.norm("embeddings.LayerNorm", features)
      .layers("encoder.layer", layer_count(config),
              {.mixer_name = "attention",
               .mixer = attention,
               .feed_forward = feed_forward,
               .before_mixer = {},
               .after_mixer = "attn_ln",
               .before_feed_forward = {},
               .after_feed_forward = "mlp_ln",
               .is_post_norm = true});
  return with_head(std::move(stack), config, root, features,
                   {"lm_head.dense", "lm_head.norm", "lm_head.decoder.bias", "lm_head.decoder"});
}

/// Boizard and others, 2025: Llama's layers, which see in both directions.
ModelPlan eurobert(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.is_causal = false;
  const bool is_bare = first_class(config).ends_with("Model");
  StackBuilder stack(alone, "input_ids", is_bare ? "" : "model");
  stack.plan.norm_kind = NormKind::rms;
  stack.tokens("embed_tokens", config.size({"vocab_size"}), features)
      .layers("layers", layer_count(config),
              {.mixer = attention,
               .feed_forward = gated(feed_forward_size(config), config.flag({"mlp_bias"}, false))})
      .norm("norm", features, NormKind::rms);
  if (is_bare) return encoder_alone(std::move(stack), features, "last_hidden_state");
  const EncoderHead head = encoder_head(config);
  if (!head.masked) throw_unknown_part("the class " + std::string(first_class(config)));
  stack.in({})
      .step(Step::Kind::last_logits)
      .linear("lm_head", features, config.size({"vocab_size"}), config.flag({"mlp_bias"}, false));
  return encoder_alone(std::move(stack), features, "logits");
}

/// Lin and others, 2022: proteins.
ModelPlan esm(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  const std::int64_t count = layer_count(config);
  LayerPlan layer = pre_normed(config, features, "attention.LayerNorm", "LayerNorm");
  auto& attention = std::get<AttentionPlan>(layer.mixer);
  const bool is_rotary = config.text({"position_embedding_type"}, "absolute") == "rotary";
  if (is_rotary) attention.rotary = attention.head / 2 * 2;
  const std::string root = root_of(config, "esm");
  StackBuilder stack(alone, "input_ids", root);
  stack.tokens("embeddings.word_embeddings", config.size({"vocab_size"}), features);
  if (!is_rotary)
    stack.positions("embeddings.position_embeddings", positions_of(config, 1026), features,
                    config.size({"pad_token_id"}, 1) + 1);
  if (config.flag({"emb_layer_norm_before"}, false)) stack.norm("embeddings.layer_norm", features);
  stack.layers("encoder.layer", count, layer)
      .norm("encoder.emb_layer_norm_after", features)
      .stored("contact_head.regression.weight", {1, checked_mul(count, attention.heads)})
      .stored("contact_head.regression.bias", {1});
  return with_head(std::move(stack), config, root, features, roberta_head);
}

/// Norms before the layers instead of after, one more after all, and RoBERTa's head or BERT's.
ModelPlan pre_normed_encoder(const Configuration& config, std::string_view prefix,
                             std::string_view first, std::string_view second, std::string_view last,
                             bool has_embedding_norm, const MaskedHead& head) {
  const std::int64_t features = hidden_size(config);
  const std::string root = root_of(config, prefix);
  StackBuilder stack(alone, "input_ids", root);
  const bool is_bert = head.dense == bert_head.dense;
  add_embeddings(stack, config, features, has_embedding_norm,
                 is_bert ? 0 : config.size({"pad_token_id"}, 1) + 1);
  stack.layers("encoder.layer", layer_count(config), pre_normed(config, features, first, second))
      .norm(last, features);
  return with_head(std::move(stack), config, root, features, head);
}
ModelPlan megatron_bert(const Configuration& config) {
  return pre_normed_encoder(config, "bert", "attention.ln", "ln", "encoder.ln", false, bert_head);
}
ModelPlan roberta_xl(const Configuration& config) {
  return pre_normed_encoder(config, "roberta", "attention.self_attn_layer_norm", "LayerNorm",
                            "encoder.LayerNorm", false, roberta_head);
}
ModelPlan roberta_prelayernorm(const Configuration& config) {
  return pre_normed_encoder(config, "roberta_prelayernorm", "attention.LayerNorm",
                            "intermediate.LayerNorm", "LayerNorm", true, roberta_head);
}

/// Chung and others, 2020: tables in and out of their own widths, never shared.
ModelPlan rembert(const Configuration& config) {
  const std::int64_t features = hidden_size(config);
  const std::int64_t inner = config.size({"input_embedding_size"}, 256);
  const std::int64_t outer = config.size({"output_embedding_size"}, 1664);
  const std::string root = root_of(config, "rembert");
  StackBuilder stack(alone, "input_ids", root);
  add_embeddings(stack, config, inner);
  stack.linear("encoder.embedding_hidden_mapping_in", inner, features)
      .layers("encoder.layer", layer_count(config), bert_layer(config, features));
  const EncoderHead head = encoder_head(config);
  if (!head.masked) {
    if (head.outputs > 0) throw_unknown_part("the class " + std::string(first_class(config)));
    add_pooler(stack, root, features);
    return encoder_alone(std::move(stack), features, "last_hidden_state");
  }
  add_masked_head(stack, features, outer, config.size({"vocab_size"}),
                  {"cls.predictions.dense", "cls.predictions.LayerNorm",
                   "cls.predictions.decoder.bias", "cls.predictions.decoder"},
                  false, ActivationKind::gelu);
  return encoder_alone(std::move(stack), features, "logits");
}

constexpr ModelType types[] = {
    {"albert", albert},
    {"electra", electra},
    {"mpnet", mpnet},
    {"deberta", deberta},
    {"deberta-v2", deberta2},
    {"modernbert", modernbert},
    {"nomic_bert", nomic_bert},
    {"gte", gte},
    {"new", gte},
    {"eurobert", eurobert},
    {"esm", esm},
    {"megatron-bert", megatron_bert},
    {"xlm-roberta-xl", roberta_xl},
    {"roberta-prelayernorm", roberta_prelayernorm},
    {"rembert", rembert},
};

}  // namespace
}  // namespace bert_kin_models

extern constinit const Architecture bert_kin_architecture = {
    "Encoders after BERT",
    "ALBERT, 2019; ELECTRA and DeBERTa, 2020; ESM-2, 2022; ModernBERT, 2024.",
    bert_kin_models::types};

}  // namespace zoometer
