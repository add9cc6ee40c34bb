// Towers of pictures beside a language model, and the projectors to its features.
#include "models/language/vision.hpp"

#include <algorithm>

#include "models/language/tower_parts.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr StackPlan::Use picture = StackPlan::Use::picture;

}  // namespace

/// SigLIP, whose patches are averaged to `mm_tokens_per_image`.
void add_gemma3_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  StackBuilder tower(picture, "pixel_values", "vision_tower.vision_model");
  tower.plan = clip_pictures(vision, "vision_tower.vision_model", false);
  const std::int64_t features = tower.plan.features;
  tower.norm("post_layernorm", features);
  add_unused_head(tower, vision);
  const std::int64_t side =
      picture_side(vision, {"image_size"}, 224) / positive_size(vision, {"patch_size"}, 16);
  std::int64_t square = 1;
  while (square * square < config.size({"mm_tokens_per_image"}, 256) && square < side) ++square;
  tower.pool(std::max<std::int64_t>(1, side / square));
  tower.in("multi_modal_projector").norm("mm_soft_emb_norm", features, NormKind::rms);
  Step& projection = tower.add(Step::Kind::product, "mm_input_projection_weight");
  projection.in = features;
  projection.out = plan.features;
  plan.stacks.push_back(std::move(tower.plan));
}

namespace {

/// The bounds of a linear layer's input and output that Gemma 4 stores.
void add_bounds(StackBuilder& tower, const std::string& layer) {
  for (const std::string_view name : {"input_min", "input_max", "output_min", "output_max"})
    tower.stored(layer + "." + std::string(name), {}, true);
}

}  // namespace

void add_gemma4_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 768);
  const std::int64_t heads = vision.size({"num_attention_heads"}, 12);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 16);
  const std::int64_t pooled = positive_size(vision, {"pooling_kernel_size"}, 3);
  AttentionPlan attention = full_attention(heads, features, false);
  const std::int64_t shared = vision.size({"num_key_value_heads"}, heads);
  if (shared < 1 || heads % shared != 0) throw_unknown_part("heads of keys that are not shared");
  attention.key_value_heads = shared;
  attention.head = vision.size({"head_dim"}, attention.head);
  attention.query_key_norm = QueryKeyNorm::head;
  attention.value_norm = "v_norm";
  attention.rotary = attention.head;
  attention.query = "q_proj.linear";
  attention.key = "k_proj.linear";
  attention.value = "v_proj.linear";
  attention.output = "o_proj.linear";
  FeedForwardPlan feed_forward = gated(vision.size({"intermediate_size"}, 3072));
  feed_forward.gate = "gate_proj.linear";
  feed_forward.up = "up_proj.linear";
  feed_forward.down = "down_proj.linear";
  feed_forward.activation = ActivationKind::gelu;
  StackBuilder tower(picture, "pixel_values", "model.vision_tower");
  tower.flat_patches("patch_embedder.input_proj", features, patch, false)
      .grid_table("patch_embedder.position_embedding_table",
                  {2, vision.size({"position_embedding_size"}, 10240), features})
      .layers("encoder.layers", blocks(vision, 16),
              {.mixer = attention,
               .feed_forward = feed_forward,
               .after_mixer = "post_attention_layernorm",
               .before_feed_forward = "pre_feedforward_layernorm",
               .after_feed_forward = "post_feedforward_layernorm"})
      .pool(pooled);
  if (vision.flag({"standardize"}, false))
    tower.stored("std_bias", {features}, true).stored("std_scale", {features}, true);
  if (vision.flag({"use_clipped_linears"}, false)) {
    for (std::int64_t i = 0; i < blocks(vision, 16); ++i) {
      for (const std::string_view layer :
           {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
        add_bounds(tower, "encoder.layers." + std::to_string(i) + "." + std::string(layer));
    }
  }
  tower.in("model.embed_vision").linear("embedding_projection", features, plan.features, false);
  tower.plan.norm_kind = NormKind::rms;
  add_tower(std::move(tower.plan), features, product(16, pooled, patch), plan);
}

void add_qwen2_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"embed_dim"}, 1280);
  const std::int64_t merge = positive_size(vision, {"spatial_merge_size"}, 2);
  const std::int64_t wide = product(merge, merge, features);
  const std::int64_t patch = positive_size(vision, {"patch_size", "spatial_patch_size"}, 14);
  StackBuilder tower(picture, "pixel_values", "visual");
  const std::int64_t width = scaled_size(vision, {"mlp_ratio"}, 4, features);
  tower
      .patches("patch_embed.proj", features, patch, false,
               positive_size(vision, {"temporal_patch_size"}, 2))
      .layers("blocks", blocks(vision, 32),
              numbered_layer(fused_qkv(vision.size({"num_heads"}, 16), features, true),
                             plain(width, "fc1", "fc2", true, ActivationKind::gelu)))
      .norm("merger.ln_q", features)
      .merge(merge)
      .linear("merger.mlp.0", wide, wide)
      .activation()
      .linear("merger.mlp.2", wide, vision.size({"hidden_size"}, plan.features));
  add_tower(std::move(tower.plan), features, product(16, merge, patch), plan);
}

/// RMS norms and a gate; most layers see windows of 112 x 112 pixels.
void add_qwen2_5_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const bool is_omni = vision.text({"model_type"}).starts_with("qwen2_5_omni");
  const std::int64_t features = vision.size({"hidden_size"}, is_omni ? 3584 : 1280);
  const std::int64_t merge = positive_size(vision, {"spatial_merge_size"}, 2);
  const std::int64_t wide = product(merge, merge, features);
  const std::int64_t patch = positive_size(vision, {"patch_size", "spatial_patch_size"}, 14);
  const std::int64_t window = vision.size({"window_size"}, 112) / patch;
  std::vector<std::int64_t> full = vision.sizes({"fullatt_block_indexes"});
  if (!vision.has("fullatt_block_indexes")) full = {7, 15, 23, 31};
  std::vector<LayerPlan> layers;
  for (std::int64_t i = 0; i < blocks(vision, 32); ++i) {
    AttentionPlan attention = fused_qkv(vision.size({"num_heads"}, 16), features, true);
    attention.key_value_heads = vision.size({"num_key_value_heads"}, attention.heads);
    if (std::ranges::find(full, i) == full.end()) attention.chunk = checked_mul(window, window);
    layers.push_back(
        numbered_layer(attention, gated(vision.size({"intermediate_size"}, 3420), true)));
  }
  StackBuilder tower(picture, "pixel_values", "visual");
  tower
      .patches("patch_embed.proj", features, patch, false,
               positive_size(vision, {"temporal_patch_size"}, 2))
      .layers("blocks", std::move(layers))
      .norm("merger.ln_q", features, NormKind::rms)
      .merge(merge)
      .linear("merger.mlp.0", wide, wide)
      .activation()
      .linear("merger.mlp.2", wide, vision.size({"out_hidden_size"}, plan.features));
  tower.plan.norm_kind = NormKind::rms;
  add_tower(std::move(tower.plan), features, product(16, merge, patch), plan);
}

/// Qwen3-VL, and Qwen3.5 without the results of inner layers.
void add_qwen3_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 1152);
  const std::int64_t merge = positive_size(vision, {"spatial_merge_size"}, 2);
  const std::int64_t wide = product(merge, merge, features);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 16);
  const std::int64_t out = vision.size({"out_hidden_size"}, plan.features);
  const LayerPlan layer =
      numbered_layer(fused_qkv(vision.size({"num_heads"}, 16), features, true),
                     plain(vision.size({"intermediate_size"}, 4304), "linear_fc1", "linear_fc2",
                           true, ActivationKind::gelu));
  StackBuilder tower(picture, "pixel_values", "model.visual");
  tower
      .patches("patch_embed.proj", features, patch, true,
               positive_size(vision, {"temporal_patch_size"}, 2))
      .positions("pos_embed", vision.size({"num_position_embeddings"}, 2304), features);
  const std::int64_t count = blocks(vision, 27);
  std::int64_t first = 0;
  const std::vector<std::int64_t> taps = vision.sizes({"deepstack_visual_indexes"});
  if (taps.size() > 1024) throw_unknown_part("more than 1024 deepstack_visual_indexes");
  const auto list = [](std::size_t at) {
    return "model.visual.deepstack_merger_list." + std::to_string(at);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const auto tap = std::ranges::find(taps, i);
    if (tap == taps.end()) continue;
    tower.layers("blocks", i + 1 - first, layer, first);
    first = i + 1;
    StackBuilder branch(picture, {}, list(static_cast<std::size_t>(tap - taps.begin())));
    branch.merge(merge)
        .norm("norm", wide)
        .linear("linear_fc1", wide, wide)
        .activation()
        .linear("linear_fc2", wide, out);
    tower.nested(Step::Kind::branch, std::move(branch));
  }
  tower.layers("blocks", count - first, layer, first);
  for (std::size_t at = 0; at < taps.size(); ++at) {
    if (taps[at] < count) continue;  // of a layer that is not there: never run
    tower.in(list(at))
        .stored("norm.weight", {wide})
        .stored("norm.bias", {wide})
        .stored("linear_fc1.weight", {wide, wide})
        .stored("linear_fc1.bias", {wide})
        .stored("linear_fc2.weight", {out, wide})
        .stored("linear_fc2.bias", {out});
  }
  tower.in("model.visual")
      .norm("merger.norm", features)
      .merge(merge)
      .linear("merger.linear_fc1", wide, wide)
      .activation()
      .linear("merger.linear_fc2", wide, out);
  add_tower(std::move(tower.plan), features, product(16, merge, patch), plan);
}

void add_glm4v_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 1536);
  const std::int64_t merge = positive_size(vision, {"spatial_merge_size"}, 2);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::int64_t side = picture_side(vision, {"image_size"}, 336);
  const std::int64_t out = vision.size({"out_hidden_size"}, 4096);
  AttentionPlan attention =
      fused_qkv(vision.size({"num_heads"}, 12), features, vision.flag({"attention_bias"}, false));
  attention.output_bias = false;
  StackBuilder tower(picture, "pixel_values", "model.visual");
  tower
      .patches("patch_embed.proj", features, patch, true,
               positive_size(vision, {"temporal_patch_size"}, 2))
      .norm("post_conv_layernorm", features, NormKind::rms)
      .positions("embeddings.position_embedding", checked_mul(side / patch, side / patch), features)
      .layers("blocks", blocks(vision, 24), numbered_layer(attention, gated(out)))
      .norm("post_layernorm", features, NormKind::rms)
      .convolution("downsample", features, out, merge, merge, 0)
      .linear("merger.proj", out, out, false)
      .norm("merger.post_projection_norm", out)
      .activation()
      .feed_forward("merger", out, gated(vision.size({"intermediate_size"}, 13696)));
  tower.plan.norm_kind = NormKind::rms;
  add_tower(std::move(tower.plan), features, side, plan);
}

/// GLM-OCR: the same without positions, with norms of heads and biases of all layers.
void add_glm_ocr_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 1024);
  const std::int64_t merge = positive_size(vision, {"spatial_merge_size"}, 2);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::int64_t out = vision.size({"out_hidden_size"}, 1536);
  const bool bias = vision.flag({"attention_bias"}, true);
  AttentionPlan attention = fused_qkv(vision.size({"num_heads"}, 16), features, bias);
  attention.query_key_norm = QueryKeyNorm::head;
  StackBuilder tower(picture, "pixel_values", "model.visual");
  tower
      .patches("patch_embed.proj", features, patch, true,
               positive_size(vision, {"temporal_patch_size"}, 2))
      .layers("blocks", blocks(vision, 24),
              numbered_layer(attention, gated(vision.size({"intermediate_size"}, 4096), bias)))
      .norm("post_layernorm", features, NormKind::rms)
      .convolution("downsample", features, out, merge, merge, 0)
      .linear("merger.proj", out, out, false)
      .norm("merger.post_projection_norm", out)
      .activation()
      .feed_forward("merger", out, gated(checked_mul(out, vision.size({"in_channels"}, 3))));
  tower.plan.norm_kind = NormKind::rms;
  add_tower(std::move(tower.plan), features, picture_side(vision, {"image_size"}, 336), plan);
}

/// MoonViT. Kimi-K3's has RMS norms, no biases and heads of their own width.
void add_kimi_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"vt_hidden_size", "hidden_size"}, 1152);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::vector<std::int64_t> sizes = vision.sizes({"merge_kernel_size"});
  const std::int64_t merge = sizes.empty() || sizes.front() < 1 ? 2 : sizes.front();
  const std::int64_t wide = product(merge, merge, features);
  const bool is_rms = vision.text({"norm_type"}, "layernorm") == "rmsnorm";
  const NormKind norm = is_rms ? NormKind::rms : NormKind::layer;
  const bool bias = vision.flag({"linear_bias"}, true);
  const std::int64_t inner = vision.size({"qkv_hidden_size"}, features);
  AttentionPlan attention =
      full_attention(vision.size({"vt_num_attention_heads", "num_attention_heads"}, 16), inner,
                     vision.flag({"attn_bias"}, true));
  attention.fused = "wqkv";
  attention.output = "wo";
  attention.rotary = attention.head;
  const LayerPlan layer{.mixer_name = {},
                        .mixer = attention,
                        .feed_forward =
                            plain(vision.size({"vt_intermediate_size", "intermediate_size"}, 4304),
                                  "fc0", "fc1", bias, ActivationKind::gelu),
                        .before_mixer = "norm0",
                        .before_feed_forward = "norm1"};
  const bool is_second = vision.text({"mm_projector_type"}) == "patchmergerv2";
  StackBuilder tower(picture, "pixel_values", "vision_tower");
  tower.plan.norm_kind = norm;
  tower.patches("patch_embed.proj", features, patch, vision.flag({"patch_embed_proj_bias"}, true))
      .grid_table("patch_embed.pos_emb.weight", {vision.size({"init_pos_emb_height"}, 64),
                                                 vision.size({"init_pos_emb_width"}, 64), features})
      .layers("encoder.blocks", blocks(vision, 27), layer)
      .norm("encoder.final_layernorm", features, norm)
      .in("mm_projector");
  if (!is_second)
    tower.norm("pre_norm", vision.size({"projection_hidden_size", "mm_hidden_size"}, 1152));
  tower.merge(merge)
      .linear("proj.0", wide, wide, !is_second)
      .activation()
      .linear("proj.2", wide, plan.features, !is_second);
  if (is_second) tower.norm("post_norm", plan.features, NormKind::rms);
  add_tower(std::move(tower.plan), features, product(16, merge, patch), plan);
}

void add_llama4_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 768);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::int64_t side = picture_side(vision, {"image_size"}, 448);
  const std::int64_t width = vision.size({"intermediate_size"}, 5632);
  const double ratio = vision.real({"pixel_shuffle_ratio"}, 0.5);
  const std::int64_t merge =
      ratio > 0.01 && ratio <= 1 ? static_cast<std::int64_t>(1 / ratio + 0.5) : 2;
  AttentionPlan attention = full_attention(vision.size({"num_attention_heads"}, 16), features);
  attention.rotary = attention.head;
  const std::int64_t between = vision.size({"projector_input_dim"}, 4096);
  const std::int64_t out = vision.size({"projector_output_dim"}, 4096);
  const std::int64_t rows = checked_mul(side / patch, side / patch);
  StackBuilder tower(picture, "pixel_values", "vision_model");
  tower.flat_patches("patch_embedding.linear", features, patch, false)
      .class_token("class_embedding", features)
      .grid_table("positional_embedding_vlm", {rows + 1, features})
      .norm("layernorm_pre", features)
      .layers("model.layers", blocks(vision, 34),
              {.mixer = attention,
               .feed_forward = plain(width, "fc1", "fc2", true, ActivationKind::gelu)})
      .norm("layernorm_post", features)
      .step(Step::Kind::drop_first)
      .merge(std::max<std::int64_t>(1, merge))
      .linear("vision_adapter.mlp.fc1", product(merge, merge, features), between, false)
      .activation()
      .linear("vision_adapter.mlp.fc2", between, out, false)
      .activation()
      .in("multi_modal_projector")
      .linear("linear_1", vision.size({"vision_output_dim"}, 7680), plan.features, false);
  add_tower(std::move(tower.plan), features, side, plan);
}

/// CLIP or SigLIP, and two linear layers.
void add_llava_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const bool is_clip = vision.text({"model_type"}, "clip_vision_model") == "clip_vision_model";
  StackBuilder tower(picture, "pixel_values", "vision_tower.vision_model");
  tower.plan = clip_pictures(vision, "vision_tower.vision_model", is_clip);
  const std::int64_t features = tower.plan.features;
  if (is_clip) tower.step(Step::Kind::drop_first);
  const bool bias = config.flag({"multimodal_projector_bias"}, true);
  tower.norm("post_layernorm", features);
  if (!is_clip) add_unused_head(tower, vision);
  tower.in("multi_modal_projector")
      .linear("linear_1", features, plan.features, bias)
      .activation()
      .linear("linear_2", plan.features, plan.features, bias);
  plan.stacks.push_back(std::move(tower.plan));
}

/// InternVL: a square of patches becomes one token.
void add_internvl_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 1024);
  const std::int64_t side = picture_side(vision, {"image_size"}, 448);
  const std::int64_t patch = std::max<std::int64_t>(1, picture_side(vision, {"patch_size"}, 14));
  const std::int64_t rows = checked_add(checked_mul(side / patch, side / patch), 1);
  const double ratio = config.real({"downsample_ratio"}, 0.5);
  if (!(ratio > 0 && ratio <= 1)) throw_unknown_part("a downsample_ratio beyond 0 to 1");
  const auto square = static_cast<std::int64_t>(std::min(1 / ratio, 1e6));
  AttentionPlan attention = full_attention(vision.size({"num_attention_heads"}, 16), features);
  set_biases(attention, vision.flag({"attention_bias"}, false), true);
  attention.output = "projection_layer";
  if (vision.flag({"use_qk_norm"}, false)) attention.query_key_norm = QueryKeyNorm::whole;
  const bool is_rms = vision.text({"norm_type"}, "layer_norm") == "rms_norm";
  StackBuilder tower(picture, "pixel_values", "vision_tower");
  tower.patches("embeddings.patch_embeddings.projection", features, patch, true)
      .class_token("embeddings.cls_token", features, 3);
  if (vision.flag({"use_mask_token"}, false))
    tower.stored("embeddings.mask_token", {1, 1, features});
  if (vision.flag({"use_absolute_position_embeddings"}, true))
    tower.grid_table("embeddings.position_embeddings", {1, rows, features});
  tower.layers("encoder.layer", blocks(vision, 24),
               {.mixer_name = "attention",
                .mixer = attention,
                .feed_forward = plain(vision.size({"intermediate_size"}, 4096), "fc1", "fc2", true,
                                      ActivationKind::gelu),
                .before_mixer = "layernorm_before",
                .before_feed_forward = "layernorm_after",
                .mixer_scale = "lambda_1",
                .feed_forward_scale = "lambda_2"});
  if (!vision.flag({"use_mean_pooling"}, true)) tower.norm("layernorm", features);
  tower.step(Step::Kind::drop_first).merge(square).in("multi_modal_projector");
  const std::int64_t merged = checked_mul(features, checked_mul(square, square));
  tower.norm("layer_norm", merged)
      .linear("linear_1", merged, plan.features)
      .activation()
      .linear("linear_2", plan.features, plan.features);
  tower.plan.norm_kind = is_rms ? NormKind::rms : NormKind::layer;
  add_tower(std::move(tower.plan), features, side, plan);
}

/// InternVL as OpenGVLab's files have it.
void add_internvl_chat_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 3200);
  const std::int64_t side = picture_side(vision, {"image_size"}, 224);
  const std::int64_t patch = std::max<std::int64_t>(1, picture_side(vision, {"patch_size"}, 14));
  const std::int64_t rows = checked_add(checked_mul(side / patch, side / patch), 1);
  const double ratio = config.real({"downsample_ratio"}, 0.5);
  if (!(ratio > 0 && ratio <= 1)) throw_unknown_part("a downsample_ratio beyond 0 to 1");
  const auto square = static_cast<std::int64_t>(std::min(1 / ratio, 1e6));
  AttentionPlan attention =
      full_attention(vision.size({"num_attention_heads"}, 25), features, true);
  set_biases(attention, vision.flag({"qkv_bias"}, false), true);
  attention.fused = "qkv";
  attention.output = "proj";
  if (vision.flag({"qk_normalization"}, true)) attention.query_key_norm = QueryKeyNorm::whole;
  const bool is_rms = vision.text({"norm_type"}, "rms_norm") == "rms_norm";
  LayerPlan layer = numbered_layer(attention, plain(vision.size({"intermediate_size"}, 12800),
                                                    "fc1", "fc2", true, ActivationKind::gelu));
  layer.mixer_scale = "ls1";
  layer.feed_forward_scale = "ls2";
  StackBuilder tower(picture, "pixel_values", "vision_model");
  tower.patches("embeddings.patch_embedding", features, patch, true)
      .class_token("embeddings.class_embedding", features, 3)
      .grid_table("embeddings.position_embedding", {1, rows, features})
      .layers("encoder.layers", blocks(vision, 48), layer)
      .step(Step::Kind::drop_first)
      .merge(square)
      .in("mlp1");
  const std::int64_t merged = product(square, square, features);
  tower.norm("0", merged)
      .linear("1", merged, plan.features)
      .activation()
      .linear("3", plan.features, plan.features);
  tower.plan.norm_kind = is_rms ? NormKind::rms : NormKind::layer;
  add_tower(std::move(tower.plan), features, side, plan);
}

/// Idefics 3 and SmolVLM: SigLIP, and a layer of a square of patches.
void add_idefics_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  StackBuilder tower(picture, "pixel_values", "model.vision_model");
  tower.plan = clip_pictures(vision.with_defaults("hidden_size=1152 num_attention_heads=16"),
                             "model.vision_model", false);
  const std::int64_t features = tower.plan.features;
  const std::int64_t square = positive_size(config, {"scale_factor"}, 2);
  tower.norm("post_layernorm", features)
      .merge(square)
      .in("model.connector.modality_projection")
      .linear("proj", checked_mul(features, checked_mul(square, square)), plan.features, false);
  plan.stacks.push_back(std::move(tower.plan));
}

void add_minimax_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 1280);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::int64_t projected =
      vision.size({"projection_dim"}, config.size({"projector_hidden_size"}, 6144));
  const auto compression = config.part({"img_token_compression_config"});
  const std::int64_t merge = std::max<std::int64_t>(
      1, vision.size({"spatial_merge_size"},
                     compression ? compression->size({"spatial_merge_size"}, 2) : 2));
  const std::int64_t frames = vision.size(
      {"temporal_patch_size"}, compression ? compression->size({"temporal_patch_size"}, 2) : 2);
  AttentionPlan attention = full_attention(vision.size({"num_attention_heads"}, 16), features);
  attention.rotary = attention.head / 2 * 2;
  StackBuilder tower(picture, "pixel_values", "vision_tower.vision_model");
  tower
      .patches("embeddings.patch_embedding", features, patch, false,
               std::max<std::int64_t>(1, frames))
      .norm("pre_layrnorm", features)
      .layers("encoder.layers", blocks(vision, 32),
              clip_layer(attention, vision.size({"intermediate_size"}, 5120)))
      .in({})
      .linear("multi_modal_projector.linear_1", features, projected)
      .activation()
      .linear("multi_modal_projector.linear_2", projected, plan.features)
      .merge(merge)
      .linear("patch_merge_mlp.linear_1", product(merge, merge, plan.features), projected)
      .activation()
      .linear("patch_merge_mlp.linear_2", projected, plan.features);
  add_tower(std::move(tower.plan), features, product(16, merge, patch), plan);
}

void add_pixtral_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"hidden_size"}, 1024);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 16);
  const std::int64_t merge = positive_size(config, {"spatial_merge_size"}, 2);
  AttentionPlan attention =
      full_attention(vision.size({"num_attention_heads"}, 16), features, false);
  attention.rotary = attention.head;
  const bool bias = config.flag({"multimodal_projector_bias"}, false);
  StackBuilder tower(picture, "pixel_values", "vision_tower");
  tower.patches("patch_conv", features, patch, false)
      .norm("ln_pre", features, NormKind::rms)
      .layers("transformer.layers", blocks(vision, 24),
              {.mixer_name = "attention",
               .mixer = attention,
               .feed_forward_name = "feed_forward",
               .feed_forward = gated(vision.size({"intermediate_size"}, 4096)),
               .before_mixer = "attention_norm",
               .before_feed_forward = "ffn_norm"})
      .in("multi_modal_projector")
      .norm("norm", features, NormKind::rms)
      .merge(merge)
      .linear("patch_merger.merging_layer", product(merge, merge, features), features, false)
      .linear("linear_1", features, plan.features, bias)
      .activation()
      .linear("linear_2", plan.features, plan.features, bias);
  tower.plan.norm_kind = NormKind::rms;
  add_tower(std::move(tower.plan), features, product(16, merge, patch), plan);
}

/// Step-3.7's tower, with factors of each layer's results and two convolutions.
void add_step_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"width", "hidden_size"}, 1536);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::int64_t side = picture_side(vision, {"image_size"}, 728);
  const std::int64_t width = scaled_size(vision, {"mlp_ratio"}, 8960.0 / 1536.0, features);
  AttentionPlan attention =
      full_attention(vision.size({"heads", "num_attention_heads"}, 16), features);
  attention.output = "out_proj";
  attention.rotary = attention.head / 2 * 2;
  StackBuilder tower(picture, "pixel_values", prefixed(plan, "vision_model"));
  tower.patches("embeddings.patch_embedding", features, patch, false)
      .positions("embeddings.position_embedding", checked_mul(side / patch, side / patch), features)
      .norm("pre_layernorm", features)
      .layers("layers", blocks(vision, 47),
              {.mixer = attention,
               .feed_forward = plain(width, "fc1", "fc2", true, ActivationKind::gelu),
               .before_mixer = "layernorm_before",
               .before_feed_forward = "layernorm_after",
               .mixer_scale = "lambda_1",
               .feed_forward_scale = "lambda_2"})
      .convolution("downsampler1", features, checked_mul(2, features), 3, 2, 1)
      .convolution("downsampler2", checked_mul(2, features), checked_mul(4, features), 3, 2, 1)
      .in({})
      .linear("multi_modal_projector", checked_mul(4, features), plan.features, false);
  add_tower(std::move(tower.plan), features, side, plan);
}

/// CLIP ViT-L/14 for 336 pixels, whose sizes the file does not give, and two learnt separators.
void add_phi3_tower(const Configuration& config, ModelPlan& plan) {
  const auto processor = config.part({"img_processor"});
  if (!processor) return;
  const std::int64_t features = processor->size({"image_dim_out"}, 1024);
  const std::string root = "model.vision_embed_tokens";
  StackBuilder tower(picture, "pixel_values", root + ".img_processor.vision_model");
  tower.patches("embeddings.patch_embedding", features, 14, false)
      .class_token("embeddings.class_embedding", features)
      .positions("embeddings.position_embedding", 577, features)
      .norm("pre_layrnorm", features)
      .layers("encoder.layers", 24,
              clip_layer(full_attention(16, features), checked_mul(4, features)))
      .norm("post_layernorm", features)
      .step(Step::Kind::drop_first)
      .merge(2)
      .in(root)
      .stored("glb_GN", {1, 1, checked_mul(4, features)})
      .stored("sub_GN", {1, 1, 1, checked_mul(4, features)})
      .linear("img_projection.0", checked_mul(4, features), plan.features)
      .activation()
      .linear("img_projection.2", plan.features, plan.features);
  add_tower(std::move(tower.plan), features, 336, plan);
}

}  // namespace zoometer
