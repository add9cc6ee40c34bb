// Encoders with a decoder that reads their result: T5, BART, Whisper.
#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace seq2seq_models {
namespace {

constexpr StackPlan::Use encoder = StackPlan::Use::encoder;

std::int64_t layers_of(const Configuration& config, Keys keys, std::int64_t usual) {
  const std::int64_t count = bounded_layers(config, keys, usual);
  if (count >= 1) return count;
  throw Error(ErrorCode::malformed, "the key " + std::string(*keys.begin()),
              {"at least 1 layer", "0"});
}

/// A decoder's attention over the encoder's result.
AttentionPlan cross_of(AttentionPlan attention) {
  attention.is_causal = false;
  attention.is_cross = true;
  attention.adds_distances = false;
  attention.distance_rows = 0;
  return attention;
}

bool is_only_encoder(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  return !classes.empty() && classes.front().ends_with("EncoderModel");
}

// -- T5 -----------------------------------------------------------------------------------------

AttentionPlan t5_attention(const Configuration& config) {
  AttentionPlan attention;
  attention.heads = attention.key_value_heads = head_count(config);
  attention.head = config.size({"d_kv"}, 64);
  attention.query = "q";
  attention.key = "k";
  attention.value = "v";
  attention.output = "o";
  attention.rotary = 0;
  attention.adds_distances = true;
  return attention;
}

/// Only T5 itself has a network without a gate where the file does not say.
FeedForwardPlan t5_feed_forward(const Configuration& config) {
  const bool is_t5 = config.text({"model_type"}) == "t5";
  const std::string_view kind = config.text({"feed_forward_proj"}, is_t5 ? "relu" : "gated-gelu");
  const std::int64_t width = config.size({"d_ff"}, 2048);
  const bool is_gelu = kind.find("gelu") != std::string_view::npos;
  const ActivationKind activation = is_gelu ? ActivationKind::gelu : ActivationKind::relu;
  FeedForwardPlan plan = plain(width, "wi", "wo", false, activation);
  if (!config.flag({"is_gated_act"}, kind.starts_with("gated-"))) return plan;
  plan.gate = "wi_0";
  plan.up = "wi_1";
  return plan;
}

/// `has_own_distances`: each layer has a table of distances (UMT5), and not only the first.
ModelPlan t5_like(const Configuration& config, bool has_own_distances) {
  const std::int64_t rows = config.size({"relative_attention_num_buckets"}, 32);
  const auto attention_of = [&](std::int64_t layer) {
    AttentionPlan attention = t5_attention(config);
    if (layer == 0 || has_own_distances) attention.distance_rows = rows;
    return attention;
  };
  const std::int64_t count = layers_of(config, {"num_layers"}, 6);
  const FeedForwardPlan feed_forward = t5_feed_forward(config);
  std::vector<LayerPlan> layers;
  for (std::int64_t i = 0; i < count; ++i) {
    LayerPlan layer{.mixer_name = "layer.0.SelfAttention",
                    .mixer = attention_of(i),
                    .feed_forward_name = "layer.1.DenseReluDense",
                    .feed_forward = feed_forward,
                    .before_mixer = "layer.0.layer_norm",
                    .before_feed_forward = "layer.1.layer_norm"};
    std::get<AttentionPlan>(layer.mixer).is_causal = false;
    layers.push_back(layer);
  }
  ModelPlan plan = frame(config, Ties::yes);
  const bool is_encoder = is_only_encoder(config);
  StackBuilder stack(is_encoder ? StackPlan::Use::alone : encoder, "input_ids", {});
  if (is_encoder)
    stack.tokens("shared", plan.vocabulary, plan.features);
  else
    stack.step(Step::Kind::shared_tokens);
  stack.in("encoder")
      .layers("block", std::move(layers))
      .norm("final_layer_norm", plan.features, NormKind::rms);
  stack.plan.norm_kind = NormKind::rms;
  stack.plan.features = plan.features;
  plan.stacks.push_back(std::move(stack.plan));
  if (is_encoder) return plan;
  plan.root = {};
  plan.input = "decoder_input_ids";
  plan.embedding = "shared";
  plan.layers = "decoder.block";
  plan.norm = "decoder.final_layer_norm";
  const std::int64_t decoders = layers_of(config, {"num_decoder_layers"}, count);
  for (std::int64_t i = 0; i < decoders; ++i) {
    plan.plans.push_back({.mixer_name = "layer.0.SelfAttention",
                          .mixer = attention_of(i),
                          .feed_forward_name = "layer.2.DenseReluDense",
                          .feed_forward = feed_forward,
                          .before_mixer = "layer.0.layer_norm",
                          .before_feed_forward = "layer.2.layer_norm",
                          .cross_name = "layer.1.EncDecAttention",
                          .cross = cross_of(t5_attention(config)),
                          .before_cross = "layer.1.layer_norm"});
  }
  return plan;
}
ModelPlan t5(const Configuration& config) { return t5_like(config, false); }
ModelPlan umt5(const Configuration& config) { return t5_like(config, true); }

// -- BART and Whisper -----------------------------------------------------------------------------

/// The sizes of one side.
struct Side {
  std::int64_t layers = 1;
  std::int64_t heads = 1;
  std::int64_t width = 1;
};

Side side_of(const Configuration& config, bool is_encoder, const Side& usual) {
  if (is_encoder) {
    return {layers_of(config, {"encoder_layers"}, usual.layers),
            config.size({"encoder_attention_heads"}, usual.heads),
            config.size({"encoder_ffn_dim"}, usual.width)};
  }
  return {layers_of(config, {"decoder_layers"}, usual.layers),
          config.size({"decoder_attention_heads"}, usual.heads),
          config.size({"decoder_ffn_dim"}, usual.width)};
}

LayerPlan bart_layer(const Configuration& config, const Side& side, std::int64_t features,
                     bool has_key_bias) {
  AttentionPlan attention = full_attention(side.heads, features);
  attention.key_bias = has_key_bias;
  attention.output = "out_proj";
  const ActivationKind activation = activation_of(config, {"activation_function"}, "gelu");
  return {.mixer = attention,
          .feed_forward_name = {},
          .feed_forward = plain(side.width, "fc1", "fc2", true, activation),
          .before_mixer = "self_attn_layer_norm",
          .before_feed_forward = "final_layer_norm"};
}

LayerPlan with_cross(LayerPlan layer) {
  auto& attention = std::get<AttentionPlan>(layer.mixer);
  layer.cross_name = "encoder_attn";
  layer.cross = cross_of(attention);
  layer.before_cross = "encoder_attn_layer_norm";
  attention.is_causal = true;
  return layer;
}

/// The norms are of the sums.
LayerPlan post_normed(LayerPlan layer) {
  std::swap(layer.before_mixer, layer.after_mixer);
  std::swap(layer.before_cross, layer.after_cross);
  std::swap(layer.before_feed_forward, layer.after_feed_forward);
  layer.is_post_norm = true;
  return layer;
}

/// A decoder without its encoder is another model.
void refuse_decoder_alone(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  if (!classes.empty() && classes.front().ends_with("ForCausalLM"))
    throw_unknown_part("the class " + std::string(classes.front()) + ", a decoder alone");
}

bool is_bare_class(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  return !classes.empty() && classes.front().ends_with("Model");
}

/// What models of BART's form differ in.
struct BartKin {
  bool norm_is_before = false;  ///< norms before the layers, and one after all of them
  bool has_embedding_norm = true;
  bool has_positions = true;      ///< a stored table: learnt, or sines
  std::int64_t unused_rows = 0;   ///< of that table, before the first position
  bool has_logits_buffer = true;  ///< final_logits_bias
};

ModelPlan bart_like(const Configuration& config, const BartKin& kin) {
  refuse_decoder_alone(config);
  const Side usual{12, 16, 4096};
  ModelPlan plan = frame(config, Ties::yes);
  plan.features = config.size({"d_model"}, 1024);
  const bool is_bare = is_bare_class(config);
  plan.root = is_bare ? std::string_view() : "model";
  plan.input = "decoder_input_ids";
  plan.embedding = "shared";
  plan.layers = "decoder.layers";
  plan.norm = kin.norm_is_before ? "decoder.layer_norm" : "";
  plan.norm_kind = NormKind::layer;
  plan.position_rows = config.size({"max_position_embeddings"}, 1024) + kin.unused_rows;
  if (kin.has_positions) {
    plan.positions = "decoder.embed_positions";
    plan.first_position = kin.unused_rows;
  }
  if (kin.has_embedding_norm) plan.embedding_norm = "decoder.layernorm_embedding";
  if (!is_bare && kin.has_logits_buffer) plan.head_buffer = "final_logits_bias";
  const auto normed = [&](const LayerPlan& layer) {
    return kin.norm_is_before ? layer : post_normed(layer);
  };
  const Side decoder = side_of(config, false, usual);
  plan.plans.assign(static_cast<std::size_t>(decoder.layers),
                    normed(with_cross(bart_layer(config, decoder, plan.features, true))));
  const Side side = side_of(config, true, usual);
  StackBuilder stack(encoder, "input_ids", is_bare ? "encoder" : "model.encoder");
  if (!plan.is_tied) {  // then neither side shares the table of the other
    stack.stored("embed_tokens.weight", {plan.vocabulary, plan.features})
        .in(is_bare ? "decoder" : "model.decoder")
        .stored("embed_tokens.weight", {plan.vocabulary, plan.features})
        .in(is_bare ? "encoder" : "model.encoder");
  }
  stack.step(Step::Kind::shared_tokens);
  if (kin.has_positions)
    stack.positions("embed_positions", plan.position_rows, plan.features, kin.unused_rows);
  if (kin.has_embedding_norm) stack.norm("layernorm_embedding", plan.features);
  stack.layers("layers", side.layers, normed(bart_layer(config, side, plan.features, true)));
  if (kin.norm_is_before) stack.norm("layer_norm", plan.features);
  stack.plan.features = plan.features;
  plan.stacks.push_back(std::move(stack.plan));
  return plan;
}
ModelPlan bart(const Configuration& config) { return bart_like(config, {.unused_rows = 2}); }
ModelPlan mbart(const Configuration& config) {
  return bart_like(config, {.norm_is_before = true, .unused_rows = 2});
}
ModelPlan pegasus(const Configuration& config) {
  return bart_like(config, {.norm_is_before = true, .has_embedding_norm = false});
}
ModelPlan marian(const Configuration& config) {
  return bart_like(config, {.has_embedding_norm = false});
}
/// Its sines are computed, not stored.
ModelPlan m2m_100(const Configuration& config) {
  return bart_like(config, {.norm_is_before = true,
                            .has_embedding_norm = false,
                            .has_positions = false,
                            .has_logits_buffer = false});
}
ModelPlan blenderbot_small(const Configuration& config) { return bart_like(config, {}); }

ModelPlan whisper(const Configuration& config) {
  refuse_decoder_alone(config);
  const Side usual{4, 6, 1536};
  ModelPlan plan = frame(config, Ties::yes);
  plan.features = config.size({"d_model"}, 384);
  plan.root = is_bare_class(config) ? "decoder" : "model.decoder";
  plan.input = "decoder_input_ids";
  plan.norm = "layer_norm";
  plan.norm_kind = NormKind::layer;
  plan.positions = "embed_positions";
  plan.position_rows = config.size({"max_target_positions"}, 448);
  if (!plan.head.empty()) plan.head = "proj_out";
  const Side decoder = side_of(config, false, usual);
  plan.plans.assign(static_cast<std::size_t>(decoder.layers),
                    with_cross(bart_layer(config, decoder, plan.features, false)));
  const Side side = side_of(config, true, usual);
  const std::int64_t rows = config.size({"max_source_positions"}, 1500);
  const std::int64_t bins = config.size({"num_mel_bins"}, 80);
  StackBuilder stack(encoder, "input_features",
                     is_bare_class(config) ? "encoder" : "model.encoder");
  stack.convolution_over_time("conv1", bins, plan.features, 3, 1, 1)
      .activation()
      .convolution_over_time("conv2", plan.features, plan.features, 3, 2, 1)
      .activation()
      .step(Step::Kind::over_time)
      .positions("embed_positions", rows, plan.features)
      .layers("layers", side.layers, bart_layer(config, side, plan.features, false))
      .norm("layer_norm", plan.features);
  stack.plan.features = plan.features;
  stack.plan.sample = {bins, checked_mul(2, rows)};
  stack.plan.frames_per_token = 2;
  plan.stacks.push_back(std::move(stack.plan));
  return plan;
}

constexpr ModelType types[] = {
    {"t5", t5},           {"mt5", t5},          {"umt5", umt5},
    {"bart", bart},       {"plbart", bart},     {"mvp", bart},
    {"mbart", mbart},     {"pegasus", pegasus}, {"blenderbot", pegasus},
    {"marian", marian},   {"m2m_100", m2m_100}, {"blenderbot-small", blenderbot_small},
    {"whisper", whisper},
};

}  // namespace
}  // namespace seq2seq_models

extern constinit const Architecture seq2seq_architecture = {
    "Encoder and decoder", "Raffel and others, T5, 2019; Lewis and others, BART, 2019; Whisper.",
    seq2seq_models::types};

}  // namespace zoometer
