// Models of pictures that language models are built on: ViT, DINOv2, and CLIP and SigLIP with their
// texts.
#include <algorithm>

#include "models/language/tower_parts.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace picture_models {
namespace {

constexpr StackPlan::Use alone = StackPlan::Use::alone;

/// Sizes that both transformers of pictures have.
struct PictureSizes {
  std::int64_t features, side, patch, rows;
};

PictureSizes sizes_of(const Configuration& config, std::int64_t usual_patch) {
  const std::int64_t side = picture_side(config, {"image_size"}, 224);
  const std::int64_t patch =
      std::max<std::int64_t>(1, picture_side(config, {"patch_size"}, usual_patch));
  return {config.size({"hidden_size"}, 768), side, patch,
          checked_add(checked_mul(side / patch, side / patch), 1)};
}

std::string_view class_of(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  return classes.empty() ? std::string_view() : classes.front();
}

std::int64_t label_count(const Configuration& config) {
  if (const auto count = config.size_if({"num_labels"})) return *count;
  const auto labels = config.part({"id2label"});
  return labels ? static_cast<std::int64_t>(labels->object().members.size()) : 2;
}

AttentionPlan vit_attention(const Configuration& config, std::int64_t features) {
  AttentionPlan attention = full_attention(config.size({"num_attention_heads"}, 12), features);
  set_biases(attention, config.flag({"qkv_bias"}, true), true);
  attention.query = "attention.query";
  attention.key = "attention.key";
  attention.value = "attention.value";
  attention.output = "output.dense";
  return attention;
}

ModelPlan plan_of(StackBuilder stack, const PictureSizes& sizes, std::string_view output) {
  ModelPlan plan;
  plan.features = stack.plan.features = sizes.features;
  stack.plan.sample = {3, sizes.side, sizes.side};
  stack.plan.output = output;
  plan.stacks.push_back(std::move(stack.plan));
  return plan;
}

ModelPlan vit(const Configuration& config) {
  const PictureSizes sizes = sizes_of(config, 16);
  const bool is_bare = class_of(config).ends_with("Model");
  const bool has_classes = class_of(config).ends_with("ForImageClassification");
  StackBuilder stack(alone, "pixel_values", is_bare ? "" : "vit");
  stack.patches("embeddings.patch_embeddings.projection", sizes.features, sizes.patch, true)
      .class_token("embeddings.cls_token", sizes.features, 3)
      .grid_table("embeddings.position_embeddings", {1, sizes.rows, sizes.features})
      .layers("encoder.layer", layer_count(config),
              {.mixer_name = "attention",
               .mixer = vit_attention(config, sizes.features),
               .feed_forward_name = {},
               .feed_forward = plain(config.size({"intermediate_size"}, 3072), "intermediate.dense",
                                     "output.dense", true, ActivationKind::gelu),
               .before_mixer = "layernorm_before",
               .before_feed_forward = "layernorm_after"})
      .norm("layernorm", sizes.features);
  if (has_classes) {
    stack.in({})
        .step(Step::Kind::first_token)
        .linear("classifier", sizes.features, label_count(config));
  } else {
    StackBuilder pooler(alone, {}, is_bare ? "" : "vit");
    pooler.step(Step::Kind::first_token)
        .linear("pooler.dense", sizes.features, sizes.features)
        .activation(ActivationKind::tanh);
    stack.nested(Step::Kind::branch, std::move(pooler));
  }
  return plan_of(std::move(stack), sizes, has_classes ? "logits" : "last_hidden_state");
}

ModelPlan dinov2(const Configuration& config) {
  const PictureSizes sizes = sizes_of(config, 14);
  const bool has_classes = class_of(config).ends_with("ForImageClassification");
  const std::int64_t width = scaled_size(config, {"mlp_ratio"}, 4, sizes.features);
  FeedForwardPlan feed_forward = plain(width, "fc1", "fc2", true, ActivationKind::gelu);
  if (config.flag({"use_swiglu_ffn"}, false)) {
    feed_forward = gated((width * 2 / 3 + 7) / 8 * 8, true);
    feed_forward.fused = "weights_in";
    feed_forward.down = "weights_out";
  }
  StackBuilder stack(alone, "pixel_values", has_classes ? "dinov2" : "");
  stack.patches("embeddings.patch_embeddings.projection", sizes.features, sizes.patch, true)
      .class_token("embeddings.cls_token", sizes.features, 3);
  if (config.flag({"use_mask_token"}, true))
    stack.stored("embeddings.mask_token", {1, sizes.features});
  stack.grid_table("embeddings.position_embeddings", {1, sizes.rows, sizes.features})
      .layers("encoder.layer", layer_count(config),
              {.mixer_name = "attention",
               .mixer = vit_attention(config, sizes.features),
               .feed_forward = feed_forward,
               .before_mixer = "norm1",
               .before_feed_forward = "norm2",
               .mixer_scale = "layer_scale1.lambda1",
               .feed_forward_scale = "layer_scale2.lambda1"})
      .norm("layernorm", sizes.features);
  if (has_classes) throw_unknown_part("a classifier of DINOv2");
  return plan_of(std::move(stack), sizes, "last_hidden_state");
}

/// The tower of texts of CLIP or SigLIP, up to its last norm.
StackBuilder texts_of(const Configuration& text, bool is_clip) {
  const std::int64_t features = text.size({"hidden_size"}, is_clip ? 512 : 768);
  const std::int64_t length = text.size({"max_position_embeddings"}, is_clip ? 77 : 64);
  AttentionPlan attention =
      full_attention(text.size({"num_attention_heads"}, is_clip ? 8 : 12), features);
  attention.is_causal = is_clip;
  attention.output = "out_proj";
  const std::int64_t width = text.size({"intermediate_size"}, is_clip ? 2048 : 3072);
  StackBuilder stack(alone, "input_ids", "text_model");
  stack
      .tokens("embeddings.token_embedding", text.size({"vocab_size"}, is_clip ? 49408 : 32000),
              features)
      .positions("embeddings.position_embedding", length, features)
      .layers("encoder.layers", bounded_layers(text, {"num_hidden_layers"}, 12),
              {.mixer = attention,
               .feed_forward = plain(width, "fc1", "fc2", true, ActivationKind::gelu),
               .before_mixer = "layer_norm1",
               .before_feed_forward = "layer_norm2"})
      .norm("final_layer_norm", features);
  stack.plan.features = features;
  stack.plan.most_tokens = length;
  stack.plan.output = "text_embeds";
  return stack;
}

Configuration part_of(const Configuration& config, std::string_view key) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({key}).value_or(Configuration(none));
}

/// The picture of CLIP: its class token.
StackBuilder clip_picture(const Configuration& vision) {
  StackBuilder stack(alone, "pixel_values", "vision_model");
  stack.plan = clip_pictures(vision, "vision_model", true);
  stack.plan.use = alone;
  stack.plan.output = "image_embeds";
  stack.step(Step::Kind::first_token).norm("post_layernorm", stack.plan.features);
  return stack;
}

ModelPlan clip(const Configuration& config) {
  const std::int64_t width = config.size({"projection_dim"}, 512);
  ModelPlan plan;
  StackBuilder text = texts_of(part_of(config, "text_config"), true);
  text.step(Step::Kind::last_token)
      .in({})
      .linear("text_projection", text.plan.features, width, false);
  plan.stacks.push_back(std::move(text.plan));
  StackBuilder pictures = clip_picture(part_of(config, "vision_config"));
  pictures.in({}).linear("visual_projection", pictures.plan.features, width, false);
  plan.stacks.push_back(std::move(pictures.plan));
  plan.pair_scale = "logit_scale";
  return plan;
}

/// SigLIP's head of a picture: one query over all patches.
StackBuilder siglip_picture(const Configuration& vision) {
  StackBuilder stack(alone, "pixel_values", "vision_model");
  stack.plan = clip_pictures(vision, "vision_model", false);
  stack.plan.use = alone;
  stack.plan.output = "image_embeds";
  const std::int64_t features = stack.plan.features;
  stack.norm("post_layernorm", features);
  if (!vision.flag({"vision_use_head"}, true)) return stack;
  Step& probe = stack.add(Step::Kind::probe, "head");
  probe.in = features;
  probe.rows = vision.size({"num_attention_heads"}, 12);
  const std::int64_t width = vision.size({"intermediate_size"}, 3072);
  StackBuilder network(alone, {}, "vision_model.head");
  network.norm("layernorm", features)
      .linear("mlp.fc1", features, width)
      .activation()
      .linear("mlp.fc2", width, features);
  stack.nested(Step::Kind::residual, std::move(network));
  return stack;
}

ModelPlan siglip(const Configuration& config) {
  const Configuration text_part = part_of(config, "text_config");
  ModelPlan plan;
  StackBuilder text = texts_of(text_part, false);
  text.step(Step::Kind::last_token)
      .linear("head", text.plan.features, text_part.size({"projection_size"}, text.plan.features));
  plan.stacks.push_back(std::move(text.plan));
  plan.stacks.push_back(siglip_picture(part_of(config, "vision_config")).plan);
  plan.pair_scale = "logit_scale";
  plan.has_pair_bias = true;
  return plan;
}

ModelPlan one_stack(StackBuilder stack) {
  ModelPlan plan;
  plan.stacks.push_back(std::move(stack.plan));
  return plan;
}
ModelPlan clip_vision(const Configuration& config) { return one_stack(clip_picture(config)); }
ModelPlan clip_text(const Configuration& config) { return one_stack(texts_of(config, true)); }
ModelPlan siglip_vision(const Configuration& config) { return one_stack(siglip_picture(config)); }

constexpr ModelType types[] = {
    {"vit", vit},
    {"dinov2", dinov2},
    {"clip", clip, true},
    {"siglip", siglip, true},
    {"clip_vision_model", clip_vision},
    {"clip_text_model", clip_text},
    {"siglip_vision_model", siglip_vision},
};

}  // namespace
}  // namespace picture_models

extern constinit const Architecture picture_architecture = {
    "Pictures", "Dosovitskiy and others, An image is worth 16x16 words, 2020; CLIP, 2021.",
    picture_models::types};

}  // namespace zoometer
