#include "models/language/tower_parts.hpp"

#include <algorithm>

#include "zoometer/util/checked.hpp"

namespace zoometer {

Configuration vision_part(const Configuration& config) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({"vision_config"}).value_or(Configuration(none));
}

LayerPlan numbered_layer(const AttentionPlan& attention, const FeedForwardPlan& feed_forward) {
  return {.mixer_name = "attn",
          .mixer = attention,
          .feed_forward = feed_forward,
          .before_mixer = "norm1",
          .before_feed_forward = "norm2"};
}

AttentionPlan fused_qkv(std::int64_t heads, std::int64_t features, bool bias) {
  AttentionPlan attention = full_attention(heads, features, bias);
  attention.fused = "qkv";
  attention.output = "proj";
  attention.rotary = attention.head / 2 * 2;
  return attention;
}

std::int64_t blocks(const Configuration& vision, std::int64_t usual) {
  return bounded_layers(vision, {"depth", "num_hidden_layers", "vt_num_hidden_layers", "layers"},
                        usual);
}

void set_sample(StackPlan& plan, std::int64_t side) { plan.sample = {3, side, side}; }

std::int64_t positive_size(const Configuration& part, Keys keys, std::int64_t usual) {
  return std::max<std::int64_t>(1, part.size(keys, usual));
}

void add_tower(StackPlan tower, std::int64_t features, std::int64_t side, ModelPlan& plan) {
  tower.features = features;
  set_sample(tower, side);
  plan.stacks.push_back(std::move(tower));
}

LayerPlan clip_layer(const AttentionPlan& attention, std::int64_t width) {
  AttentionPlan own = attention;
  own.output = "out_proj";
  return {.mixer = own,
          .feed_forward = plain(width, "fc1", "fc2", true, ActivationKind::gelu),
          .before_mixer = "layer_norm1",
          .before_feed_forward = "layer_norm2"};
}

std::string prefixed(const ModelPlan& plan, std::string_view inner) {
  const std::size_t end = plan.root.rfind(".language_model");
  const std::string_view outer =
      end == std::string_view::npos ? std::string_view() : plan.root.substr(0, end);
  return std::string(outer).append(outer.empty() ? "" : ".").append(inner);
}

StackPlan clip_pictures(const Configuration& vision, const std::string& root, bool is_clip) {
  const std::int64_t features = vision.size({"hidden_size"}, 768);
  const std::int64_t side = picture_side(vision, {"image_size"}, 224);
  const std::int64_t patch =
      std::max<std::int64_t>(1, picture_side(vision, {"patch_size"}, is_clip ? 32 : 16));
  const std::int64_t rows = checked_mul(side / patch, side / patch);
  StackBuilder tower(StackPlan::Use::picture, "pixel_values", root);
  tower.patches("embeddings.patch_embedding", features, patch, !is_clip);
  if (is_clip) tower.class_token("embeddings.class_embedding", features);
  tower.positions("embeddings.position_embedding", rows + (is_clip ? 1 : 0), features);
  if (is_clip) tower.norm("pre_layrnorm", features);
  tower.layers("encoder.layers", blocks(vision, 12),
               clip_layer(full_attention(vision.size({"num_attention_heads"}, 12), features),
                          vision.size({"intermediate_size"}, 3072)));
  tower.plan.features = features;
  set_sample(tower.plan, side);
  return tower.plan;
}

void add_unused_head(StackBuilder& tower, const Configuration& vision) {
  if (!vision.flag({"vision_use_head"}, true)) return;
  const std::int64_t features = tower.plan.features;
  const std::int64_t width = vision.size({"intermediate_size"}, 3072);
  tower.stored("head.probe", {1, 1, features})
      .stored("head.attention.in_proj_weight", {checked_mul(3, features), features})
      .stored("head.attention.in_proj_bias", {checked_mul(3, features)})
      .stored("head.attention.out_proj.weight", {features, features})
      .stored("head.attention.out_proj.bias", {features})
      .stored("head.layernorm.weight", {features})
      .stored("head.layernorm.bias", {features})
      .stored("head.mlp.fc1.weight", {width, features})
      .stored("head.mlp.fc1.bias", {width})
      .stored("head.mlp.fc2.weight", {features, width})
      .stored("head.mlp.fc2.bias", {features});
}

}  // namespace zoometer
