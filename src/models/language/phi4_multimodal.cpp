// Phi-4-multimodal: Phi-3's decoder with a tower of pictures, and a Conformer of sound that nothing
// passes here.
#include <algorithm>
#include <string>

#include "models/language/defaults.hpp"
#include "models/language/tower_parts.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace phi4_multimodal_models {
namespace {

constexpr std::string_view outer = "model.embed_tokens_extend.";

Configuration part_of(const Configuration& config, std::string_view key) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({key}).value_or(Configuration(none));
}

void add_layer(StackBuilder& stack, const std::string& name, std::vector<std::int64_t> shape) {
  const std::int64_t out = shape.front();
  stack.stored(name + ".weight", std::move(shape)).stored(name + ".bias", {out});
}

void add_norm(StackBuilder& stack, const std::string& name, std::int64_t features) {
  stack.stored(name + ".weight", {features}).stored(name + ".bias", {features});
}

/// SigLIP, learnt separators, and two layers.
StackPlan picture_tower(const Configuration& config, std::int64_t text) {
  const Configuration vision = part_of(config, "vision_config")
                                   .with_defaults("hidden_size=1152 intermediate_size=4304 "
                                                  "num_hidden_layers=27 num_attention_heads=16 "
                                                  "image_size=448 patch_size=14");
  const std::string embed = std::string(outer) + "image_embed";
  StackBuilder tower(StackPlan::Use::picture, "pixel_values", embed + ".img_processor");
  tower.plan = clip_pictures(vision, embed + ".img_processor", false);
  const std::int64_t features = tower.plan.features;
  // The layer before the last one gives the features.
  const std::int64_t count = blocks(vision, 27);
  Step& last = tower.plan.steps.back();
  const LayerPlan layer = last.plans.front();
  last.plans.resize(static_cast<std::size_t>(std::max<std::int64_t>(1, count - 1)));
  tower.step(Step::Kind::keep);
  if (count > 1) tower.layers("encoder.layers", 1, layer, count - 1);
  tower.norm("post_layernorm", features);
  add_unused_head(tower, vision);
  tower.step(Step::Kind::join)
      .pool(2)
      .in(embed)
      .stored("global_img_feature_extensor", {1, 1, features})
      .stored("sub_img_feature_extensor", {1, 1, 1, features})
      .linear("img_projection_up", features, text)
      .activation()
      .linear("img_projection_down", text, text);
  return tower.plan;
}

/// A block of the Conformer: two half networks, attention, and convolutions between gates.
void add_block(StackBuilder& stack, const Configuration& audio, std::int64_t d) {
  const std::int64_t width = audio.size({"intermediate_size"}, 1536);
  const std::int64_t gate = audio.size({"ext_pw_out_channel"}, 1024);
  const std::int64_t inner = checked_mul(d, audio.size({"depthwise_multiplier"}, 1));
  for (const std::string network : {"feed_forward_in", "feed_forward_out"}) {
    add_norm(stack, network + ".layer_norm", d);
    add_layer(stack, network + ".gate_up_proj", {checked_mul(2, width), d});
    add_layer(stack, network + ".down_proj", {d, width});
  }
  for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
    add_layer(stack, std::string("self_attn.") + name, {d, d});
  add_norm(stack, "conv.layer_norm", d);
  stack.stored("conv.glu.b1", {1, gate, 1}).stored("conv.glu.b2", {1, gate, 1});
  add_layer(stack, "conv.glu.ext_pw_conv_1d", {checked_mul(2, gate), d, 1});
  add_layer(stack, "conv.dw_sep_conv_1d.dw_conv", {inner, 1, audio.size({"kernel_size"}, 3)});
  add_layer(stack, "conv.dw_sep_conv_1d.pw_conv",
            {audio.size({"depthwise_separable_out_channel"}, 1024), inner, 1});
  add_layer(stack, "conv.ext_pw_conv_1d", {gate, d, 1});
  add_norm(stack, "layer_norm_att", d);
  add_norm(stack, "layer_norm", d);
}

StackPlan sound_tower(const Configuration& config, std::int64_t text) {
  const Configuration audio = part_of(config, "audio_config");
  const std::int64_t d = audio.size({"hidden_size"}, 1024);
  const std::int64_t channels = audio.size({"nemo_conv_channels"}, 1024);
  const std::int64_t reduction = positive_size(audio, {"time_reduction"}, 8);
  const std::int64_t bins = audio.size({"input_size"}, 80);
  const std::string embed = std::string(outer) + "audio_embed";
  StackBuilder stack(StackPlan::Use::sound, "audio_input_features", embed + ".encoder");
  stack.plan.is_idle = true;
  stack.stored("encoder_embedding.global_mean", {bins}, true)
      .stored("encoder_embedding.global_invstd", {bins}, true);
  add_layer(stack, "embed.conv.0", {channels, 1, 3, 3});
  int number = 2;  // activations have numbers, too
  for (std::int64_t i = 2; i < reduction; i *= 2, number += 3) {
    add_layer(stack, "embed.conv." + std::to_string(number), {channels, 1, 3, 3});
    add_layer(stack, "embed.conv." + std::to_string(number + 1), {channels, channels, 1, 1});
  }
  const std::int64_t rows = (bins + reduction - 1) / reduction;
  add_layer(stack, "embed.out", {d, checked_mul(channels, rows)});
  const std::int64_t distances = audio.size({"bias_max_distance"}, 1000);
  stack.stored("relative_attention_bias_layer.bias_values.weight",
               {audio.flag({"bias_symmetric"}, false) ? distances : checked_mul(2, distances),
                audio.size({"num_attention_heads"}, 16)});
  for (std::int64_t i = 0; i < bounded_layers(audio, {"num_blocks"}, 24); ++i) {
    stack.in(embed + ".encoder.encoders." + std::to_string(i));
    add_block(stack, audio, d);
  }
  stack.in(embed);
  const std::int64_t in = checked_mul(d, positive_size(audio, {"downsample_rate"}, 1));
  for (const std::string use : {"speech", "vision_speech"}) {
    add_layer(stack, "up_proj_for_" + use, {text, in});
    add_layer(stack, "down_proj_for_" + use, {text, text});
  }
  return stack.plan;
}

ModelPlan phi4_multimodal(const Configuration& config) {
  ModelPlan plan =
      find_model_type("phi3")->plan(config.with_defaults(class_defaults("phi4_multimodal")));
  plan.stacks.push_back(picture_tower(config, plan.features));
  plan.stacks.push_back(sound_tower(config, plan.features));
  plan.left_out.emplace_back("the tower of sound has parameters; what passes it is not counted");
  return plan;
}

constexpr ModelType types[] = {{"phi4_multimodal", phi4_multimodal, true}};

}  // namespace
}  // namespace phi4_multimodal_models

extern constinit const Architecture phi4_multimodal_architecture = {
    "Phi-4-multimodal", "Abouelenin and others, Phi-4-Mini Technical Report, 2025.",
    phi4_multimodal_models::types};

}  // namespace zoometer
