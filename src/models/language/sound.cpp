// Towers of sound beside a language model, and the projectors to its features.
#include <algorithm>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "models/language/vision.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace sound_towers {
namespace {

constexpr StackPlan::Use sound = StackPlan::Use::sound;

Configuration audio_part(const Configuration& config) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({"audio_config"}).value_or(Configuration(none));
}

/// Features by which others are divided: at least 1.
std::int64_t width_of(const Configuration& audio, Keys keys, std::int64_t usual) {
  return std::max<std::int64_t>(1, audio.size(keys, usual));
}

/// A linear layer of Gemma 4's towers, whose inputs and outputs have stored bounds.
void clipped(StackBuilder& tower, std::string_view name, std::int64_t in, std::int64_t out) {
  tower.linear(std::string(name) + ".linear", in, out, false);
}

void add_bounds(StackBuilder& tower, std::initializer_list<std::string_view> layers) {
  for (const std::string_view layer : layers) {
    for (const std::string_view bound : {"input_min", "input_max", "output_min", "output_max"})
      tower.stored(std::string(layer).append(".").append(bound), {}, true);
  }
}

/// The half step of a Conformer's feed-forward network.
StackBuilder conformer_network(const std::string& root, std::int64_t width) {
  StackBuilder network(sound, {}, root);
  network.norm("pre_layer_norm", width, NormKind::rms);
  clipped(network, "ffw_layer_1", width, checked_mul(4, width));
  network.activation(ActivationKind::silu);
  clipped(network, "ffw_layer_2", checked_mul(4, width), width);
  network.norm("post_layer_norm", width, NormKind::rms);
  return network;
}

/// A gate, a convolution of each channel over time and a layer.
StackBuilder conformer_convolution(const std::string& root, std::int64_t width,
                                   std::int64_t kernel) {
  StackBuilder part(sound, {}, root);
  part.norm("pre_layer_norm", width, NormKind::rms);
  clipped(part, "linear_start", width, checked_mul(2, width));
  part.step(Step::Kind::half_gate).step(Step::Kind::over_time);
  part.convolution_over_time("depthwise_conv1d", width, width, kernel, 1, (kernel - 1) / 2);
  part.plan.steps.back().bias = false;
  part.plan.steps.back().groups = width;
  part.step(Step::Kind::over_time).norm("conv_norm", width, NormKind::rms);
  part.activation(ActivationKind::silu);
  clipped(part, "linear_end", width, width);
  return part;
}

/// Attention within pieces of time, and to the piece before. The keys of distances are stored.
LayerPlan conformer_attention(const Configuration& audio, std::int64_t width) {
  AttentionPlan attention = full_attention(audio.size({"num_attention_heads"}, 8), width, false);
  attention.query = "q_proj.linear";
  attention.key = "k_proj.linear";
  attention.value = "v_proj.linear";
  attention.output = "post.linear";
  attention.chunk = audio.size({"attention_chunk_size"}, 12);
  attention.sees_last_chunk = audio.size({"attention_context_left"}, 13) > 1;
  return {.mixer = attention,
          .before_mixer = "norm_pre_attn",
          .after_mixer = "norm_post_attn",
          .before_feed_forward = {}};
}

}  // namespace
}  // namespace sound_towers

/// A Conformer (Gulati and others, 2020) over frames that two convolutions made a quarter.
void add_gemma4_sound(const Configuration& config, ModelPlan& plan) {
  const Configuration audio = sound_towers::audio_part(config);
  const std::int64_t width = sound_towers::width_of(audio, {"hidden_size"}, 1024);
  std::vector<std::int64_t> channels = audio.sizes({"subsampling_conv_channels"});
  if (channels.size() != 2) channels = {128, 32};
  const std::int64_t kernel = std::max<std::int64_t>(1, audio.size({"conv_kernel_size"}, 5));
  const std::int64_t layers = bounded_layers(audio, {"num_hidden_layers"}, 12);
  const std::int64_t outputs = audio.size({"output_proj_dims"}, 1536);
  const bool has_bounds = audio.flag({"use_clipped_linears"}, true);
  const LayerPlan attention = sound_towers::conformer_attention(audio, width);
  const std::int64_t head = std::get<AttentionPlan>(attention.mixer).head;
  const std::string root = "model.audio_tower";
  StackBuilder tower(StackPlan::Use::sound, "input_features", root + ".subsample_conv_projection");
  tower.step(Step::Kind::spectrum);
  std::int64_t in = 1;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string layer = "layer" + std::to_string(i);
    tower.convolution(layer + ".conv", in, channels[i], 3, 2, 1);
    tower.plan.steps.back().bias = false;
    tower.norm(layer + ".norm", channels[i], NormKind::layer_weight);
    tower.activation(ActivationKind::relu);
    in = channels[i];
  }
  tower.step(Step::Kind::frames)
      .linear("input_proj_linear", checked_mul(channels[0] / 4, channels[1]), width, false);
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string layer = root + ".layers." + std::to_string(i);
    tower.nested(Step::Kind::residual,
                 sound_towers::conformer_network(layer + ".feed_forward1", width));
    tower.in(root).layers("layers", 1, attention, i);
    tower.in(layer)
        .stored("self_attn.relative_k_proj.weight", {width, width})
        .stored("self_attn.per_dim_scale", {head});
    tower.nested(Step::Kind::residual,
                 sound_towers::conformer_convolution(layer + ".lconv1d", width, kernel));
    tower.nested(Step::Kind::residual,
                 sound_towers::conformer_network(layer + ".feed_forward2", width));
    tower.norm("norm_out", width, NormKind::rms);
    if (!has_bounds) continue;
    sound_towers::add_bounds(tower, {"feed_forward1.ffw_layer_1", "feed_forward1.ffw_layer_2",
                                     "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                     "self_attn.post", "lconv1d.linear_start", "lconv1d.linear_end",
                                     "feed_forward2.ffw_layer_1", "feed_forward2.ffw_layer_2"});
  }
  tower.in(root).linear("output_proj", width, outputs);
  tower.in("model.embed_audio").linear("embedding_projection", outputs, plan.features, false);
  tower.plan.norm_kind = NormKind::rms;
  tower.plan.features = width;
  tower.plan.sample = {3000, 128};
  plan.stacks.push_back(std::move(tower.plan));
}

namespace sound_towers {
namespace {

/// Whisper's encoder, up to its layers. `has_table`: its positions are stored.
StackBuilder whisper_tower(const Configuration& audio, bool has_table = true) {
  const std::int64_t width = width_of(audio, {"d_model", "hidden_size"}, 1280);
  const std::int64_t bins = audio.size({"num_mel_bins"}, 128);
  const std::int64_t rows = audio.size({"max_source_positions"}, 1500);
  AttentionPlan attention =
      full_attention(audio.size({"encoder_attention_heads", "num_attention_heads"}, 20), width);
  attention.key_bias = false;
  attention.output = "out_proj";
  const LayerPlan layer{.mixer = attention,
                        .feed_forward_name = {},
                        .feed_forward =
                            plain(audio.size({"encoder_ffn_dim", "intermediate_size"}, 5120), "fc1",
                                  "fc2", true, ActivationKind::gelu),
                        .before_mixer = "self_attn_layer_norm",
                        .before_feed_forward = "final_layer_norm"};
  StackBuilder tower(sound, "input_features", "audio_tower");
  tower.convolution_over_time("conv1", bins, width, 3, 1, 1)
      .activation()
      .convolution_over_time("conv2", width, width, 3, 2, 1)
      .activation()
      .step(Step::Kind::over_time);
  if (has_table) tower.positions("embed_positions", rows, width);
  tower.layers("layers", bounded_layers(audio, {"encoder_layers", "num_hidden_layers"}, 32), layer);
  tower.plan.features = width;
  tower.plan.sample = {bins, checked_mul(2, rows)};
  return tower;
}

}  // namespace
}  // namespace sound_towers

/// Whisper's encoder, whose tokens are averaged in pairs.
void add_qwen2_sound(const Configuration& config, ModelPlan& plan) {
  StackBuilder tower = sound_towers::whisper_tower(sound_towers::audio_part(config));
  const std::int64_t width = tower.plan.features;
  tower.pool(2).norm("layer_norm", width);
  tower.in("multi_modal_projector").linear("linear", width, plan.features);
  plan.stacks.push_back(std::move(tower.plan));
}

/// Audio Flamingo 3 and Music Flamingo: the same, and two layers.
void add_flamingo_sound(const Configuration& config, ModelPlan& plan) {
  StackBuilder tower = sound_towers::whisper_tower(sound_towers::audio_part(config));
  const std::int64_t width = tower.plan.features;
  const bool bias = config.flag({"projector_bias"}, true);
  tower.pool(2).norm("layer_norm", width);
  tower.in("multi_modal_projector")
      .linear("linear_1", width, plan.features, bias)
      .activation()
      .linear("linear_2", plan.features, plan.features, bias);
  plan.stacks.push_back(std::move(tower.plan));
}

/// Qwen2.5-Omni's: the same with computed positions.
void add_qwen2_5_omni_sound(const Configuration& config, ModelPlan& plan) {
  const Configuration audio = sound_towers::audio_part(config);
  StackBuilder tower = sound_towers::whisper_tower(audio, false);
  const std::int64_t width = tower.plan.features;
  const std::int64_t outputs = audio.size({"output_dim"}, 3584);
  tower.pool(2).norm("ln_post", width).linear("proj", width, outputs);
  tower.stored("audio_bos_eos_token.weight", {2, outputs});
  plan.stacks.push_back(std::move(tower.plan));
}

/// Qwen3-Omni's: three convolutions over time and bins, and attention.
void add_qwen3_omni_sound(const Configuration& config, ModelPlan& plan) {
  const Configuration audio = sound_towers::audio_part(config);
  const std::int64_t width = sound_towers::width_of(audio, {"d_model", "hidden_size"}, 1280);
  const std::int64_t channels = audio.size({"downsample_hidden_size"}, 480);
  const std::int64_t bins = audio.size({"num_mel_bins"}, 128);
  AttentionPlan attention =
      full_attention(audio.size({"encoder_attention_heads", "num_attention_heads"}, 20), width);
  attention.output = "out_proj";
  const FeedForwardPlan feed_forward =
      plain(audio.size({"encoder_ffn_dim", "intermediate_size"}, 5120), "fc1", "fc2", true,
            ActivationKind::gelu);
  StackBuilder tower(StackPlan::Use::sound, "input_features", "audio_tower");
  tower.step(Step::Kind::spectrum);
  std::int64_t in = 1;
  std::int64_t rows = bins;
  for (const std::string_view name : {"conv2d1", "conv2d2", "conv2d3"}) {
    tower.convolution(name, in, channels, 3, 2, 1).activation();
    in = channels;
    rows = (rows + 1) / 2;
  }
  const std::int64_t outputs = audio.size({"output_dim"}, 3584);
  tower.step(Step::Kind::frames)
      .linear("conv_out", checked_mul(channels, rows), width, false)
      .layers("layers", bounded_layers(audio, {"encoder_layers", "num_hidden_layers"}, 32),
              {.mixer = attention,
               .feed_forward_name = {},
               .feed_forward = feed_forward,
               .before_mixer = "self_attn_layer_norm",
               .before_feed_forward = "final_layer_norm"})
      .norm("ln_post", width)
      .linear("proj1", width, width)
      .activation()
      .linear("proj2", width, outputs);
  tower.plan.features = width;
  tower.plan.sample = {3000, bins};
  plan.stacks.push_back(std::move(tower.plan));
}

/// Whisper's encoder, of which several tokens become one.
void add_voxtral_sound(const Configuration& config, ModelPlan& plan) {
  const Configuration audio = sound_towers::audio_part(config);
  StackBuilder tower = sound_towers::whisper_tower(audio);
  const std::int64_t width = tower.plan.features;
  const std::int64_t wide = audio.size({"intermediate_size"}, 5120);
  tower.norm("layer_norm", width).merge(std::max<std::int64_t>(1, wide / width));
  tower.in("multi_modal_projector")
      .linear("linear_1", wide, plan.features, false)
      .activation()
      .linear("linear_2", plan.features, plan.features, false);
  plan.stacks.push_back(std::move(tower.plan));
}

}  // namespace zoometer
