// Molmo: Qwen2's layers under other names, and CLIP's tower, whose last two results are pooled by
// attention over squares of patches.
#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace molmo_models {
namespace {

/// The released files' tower: their configurations have no sizes of it.
StackPlan tower_of(std::int64_t features) {
  constexpr std::int64_t width = 1024;
  AttentionPlan attention = full_attention(16, width);
  attention.query = "wq";
  attention.key = "wk";
  attention.value = "wv";
  attention.output = "wo";
  const std::string root = "model.vision_backbone.";
  StackBuilder tower(StackPlan::Use::picture, "pixel_values", root + "image_vit");
  tower.flat_patches("patch_embedding", width, 14, false)
      .class_token("class_embedding", width)
      .grid_table("positional_embedding", {577, width})
      .norm("pre_ln", width)
      .layers("transformer.resblocks", 23,
              {.mixer_name = "attention",
               .mixer = attention,
               .feed_forward_name = "feed_forward",
               .feed_forward = plain(4 * width, "w1", "w2", true, ActivationKind::gelu),
               .before_mixer = "attention_norm",
               .before_feed_forward = "ffn_norm"})
      .step(Step::Kind::drop_first)
      .in("model.vision_backbone")
      .stored("pad_embed", {2, 2 * width});
  Step& pooled = tower.add(Step::Kind::square_attention, "image_pooling_2d");
  pooled.in = 2 * width;
  pooled.out = width;
  pooled.rows = 2;
  FeedForwardPlan projector = gated(18944);
  projector.gate = "w1";
  projector.up = "w3";
  projector.down = "w2";
  Step& last = tower.add(Step::Kind::feed_forward, "image_projector");
  last.in = width;
  last.out = features;
  last.network = projector;
  tower.plan.features = width;
  tower.plan.sample = {3, 336, 336};
  return tower.plan;
}

ModelPlan molmo(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.vocabulary = config.size({"embedding_size", "vocab_size"}, plan.vocabulary);
  plan.root = "model.transformer";
  plan.embedding = "wte";
  plan.embedding_weight = "embedding";
  plan.further_rows = 128;
  plan.layers = "blocks";
  plan.norm = "ln_f";
  plan.head = "model.transformer.ff_out";
  AttentionPlan attention = grouped_attention(config);
  attention.fused = "att_proj";
  attention.output = "attn_out";
  set_biases(attention, config.flag({"qkv_bias"}, true), false);
  FeedForwardPlan feed_forward = gated(feed_forward_size(config) / 2);
  feed_forward.fused = "ff_proj";
  feed_forward.down = "ff_out";
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer_name = {},
                     .mixer = attention,
                     .feed_forward_name = {},
                     .feed_forward = feed_forward,
                     .before_mixer = "attn_norm",
                     .before_feed_forward = "ff_norm"};
  });
  plan.stacks.push_back(tower_of(plan.features));
  return plan;
}

constexpr ModelType types[] = {{"molmo", molmo, true}};

}  // namespace
}  // namespace molmo_models

extern constinit const Architecture molmo_architecture = {
    "Molmo", "Deitke and others, Molmo and PixMo, 2024.", molmo_models::types};

}  // namespace zoometer
