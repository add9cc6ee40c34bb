// CLIP or SigLIP beside a language model, and the projectors of LLaVA and its kin.
#include <algorithm>

#include "models/language/tower_parts.hpp"
#include "models/language/vision.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace projectors {
namespace {

constexpr StackPlan::Use picture = StackPlan::Use::picture;
constexpr std::string_view usual_root = "vision_tower.vision_model";

bool is_clip(const Configuration& vision, std::string_view usual) {
  return vision.text({"model_type"}, usual) == "clip_vision_model";
}

/// A tower with its last norm, at the end of which `in` may be called for the projector.
StackBuilder clip_or_siglip(const Configuration& vision, std::string_view usual,
                            const std::string& root) {
  const bool has_class = is_clip(vision, usual);
  StackBuilder tower(picture, "pixel_values", root);
  tower.plan = clip_pictures(vision, root, has_class);
  if (has_class) tower.step(Step::Kind::drop_first);
  tower.norm("post_layernorm", tower.plan.features);
  if (!has_class) add_unused_head(tower, vision);
  return tower;
}

/// SigLIP 2 takes patches of any grid: a linear layer, and a square table that is resized.
StackBuilder siglip2(const Configuration& vision, const std::string& root) {
  const std::int64_t features = vision.size({"hidden_size"}, 768);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 16);
  const std::int64_t rows = vision.size({"num_patches"}, 256);
  StackBuilder tower(picture, "pixel_values", root);
  tower.flat_patches("embeddings.patch_embedding", features, patch, true)
      .positions("embeddings.position_embedding", rows, features)
      .layers("encoder.layers", blocks(vision, 12),
              clip_layer(full_attention(vision.size({"num_attention_heads"}, 12), features),
                         vision.size({"intermediate_size"}, 3072)))
      .norm("post_layernorm", features);
  tower.plan.features = features;
  add_unused_head(tower, vision);
  set_sample(tower.plan, product(16, patch));
  return tower;
}

/// Two layers with an activation between, to the model's features.
void two_layers(StackBuilder& tower, std::int64_t in, std::int64_t between, std::int64_t out,
                bool bias) {
  tower.linear("linear_1", in, between, bias).activation().linear("linear_2", between, out, bias);
}

/// A gated layer from a square of patches, whose gate and values are one layer.
void gated_square(StackBuilder& tower, std::int64_t in, std::int64_t width, std::int64_t out) {
  FeedForwardPlan network = gated(width / 2, true);
  network.fused = "linear_1";
  network.down = "linear_2";
  tower.feed_forward("multi_modal_projector", in, network);
  tower.plan.steps.back().out = out;
}

void add_llava_like(const Configuration& config, ModelPlan& plan, std::string_view usual,
                    bool has_newline) {
  StackBuilder tower = clip_or_siglip(vision_part(config), usual, std::string(usual_root));
  const bool bias = config.flag({"multimodal_projector_bias"}, true);
  tower.in({});
  if (has_newline) tower.stored("image_newline", {plan.features});
  tower.in("multi_modal_projector");
  two_layers(tower, tower.plan.features, plan.features, plan.features, bias);
  plan.stacks.push_back(std::move(tower.plan));
}

}  // namespace
}  // namespace projectors

/// LLaVA-NeXT: a learnt end of a row of patches.
void add_llava_next_tower(const Configuration& config, ModelPlan& plan) {
  projectors::add_llava_like(config, plan, "clip_vision_model", true);
}
void add_llava_onevision_tower(const Configuration& config, ModelPlan& plan) {
  projectors::add_llava_like(config, plan, "siglip_vision_model", true);
}

/// The results of several layers of the tower, side by side.
void add_vipllava_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  std::vector<std::int64_t> taps = config.sizes({"vision_feature_layers"});
  const auto count = static_cast<std::int64_t>(taps.empty() ? 5 : taps.size());
  if (count > 64) throw_unknown_part("more than 64 vision_feature_layers");
  const std::string root(projectors::usual_root);
  StackBuilder tower = projectors::clip_or_siglip(vision, "clip_vision_model", root);
  const std::int64_t features = tower.plan.features;
  for (std::int64_t i = 0; i < count; ++i) tower.step(Step::Kind::keep);
  const std::int64_t wide = checked_mul(count, features);
  tower.step(Step::Kind::join).in("multi_modal_projector").norm("projector_layernorm", wide);
  projectors::two_layers(tower, wide, plan.features, plan.features, true);
  plan.stacks.push_back(std::move(tower.plan));
}

/// Squares of patches through a gated layer.
void add_aya_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  StackBuilder tower = projectors::clip_or_siglip(vision, "siglip_vision_model",
                                                  std::string(projectors::usual_root));
  const std::int64_t square = positive_size(config, {"downsample_factor"}, 2);
  const std::int64_t in = product(square, square, tower.plan.features);
  tower.merge(square).in("multi_modal_projector").norm("layernorm", in).in({});
  projectors::gated_square(tower, in, config.size({"alignment_intermediate_size"}, plan.features),
                           plan.features);
  plan.stacks.push_back(std::move(tower.plan));
}
void add_cohere2_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  StackBuilder tower = projectors::clip_or_siglip(vision, "siglip_vision_model",
                                                  std::string(projectors::usual_root));
  const std::int64_t square = positive_size(config, {"downsample_factor"}, 2);
  const std::int64_t in = product(square, square, tower.plan.features);
  tower.merge(square).in({});
  projectors::gated_square(tower, in, config.size({"alignment_intermediate_size"}, 36864),
                           plan.features);
  plan.stacks.push_back(std::move(tower.plan));
}

void add_paligemma_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  StackBuilder tower = projectors::clip_or_siglip(vision, "siglip_vision_model",
                                                  std::string(projectors::usual_root));
  const std::int64_t out = vision.size({"projection_dim"}, config.size({"projection_dim"}, 2048));
  tower.in("multi_modal_projector").linear("linear", tower.plan.features, out);
  plan.stacks.push_back(std::move(tower.plan));
}

void add_deepseek_vl_tower(const Configuration& config, ModelPlan& plan) {
  StackBuilder tower =
      projectors::clip_or_siglip(vision_part(config), "siglip_vision_model", "model.vision_model");
  tower.in("model.aligner")
      .linear("linear1", tower.plan.features, plan.features)
      .activation()
      .linear("linear2", plan.features, plan.features);
  plan.stacks.push_back(std::move(tower.plan));
}

void add_lfm2_tower(const Configuration& config, ModelPlan& plan) {
  StackBuilder tower = projectors::siglip2(vision_part(config), "model.vision_tower.vision_model");
  const std::int64_t square = positive_size(config, {"downsample_factor"}, 2);
  const std::int64_t in = product(square, square, tower.plan.features);
  tower.merge(square).in("model.multi_modal_projector");
  if (config.flag({"projector_use_layernorm"}, true)) tower.norm("layer_norm", in);
  projectors::two_layers(tower, in, config.size({"projector_hidden_size"}, 2560), plan.features,
                         config.flag({"projector_bias"}, true));
  plan.stacks.push_back(std::move(tower.plan));
}

}  // namespace zoometer
