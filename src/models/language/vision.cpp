// Towers of pictures beside a language model, and the projectors to its features.
#include "models/language/vision.hpp"

#include <algorithm>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr StackPlan::Use picture = StackPlan::Use::picture;

Configuration vision_part(const Configuration& config) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({"vision_config"}).value_or(Configuration(none));
}

/// Layers with `norm1`, `attn`, `norm2` and `mlp`, as Qwen's and GLM's towers have them.
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
  attention.rotary = attention.head;
  return attention;
}

std::int64_t blocks(const Configuration& vision, std::int64_t usual) {
  return bounded_layers(vision, {"depth", "num_hidden_layers", "vt_num_hidden_layers", "layers"},
                        usual);
}

void set_sample(StackPlan& plan, std::int64_t side) { plan.sample = {3, side, side}; }

/// A size that others are divided by: at least 1.
std::int64_t positive_size(const Configuration& part, Keys keys, std::int64_t usual) {
  return std::max<std::int64_t>(1, part.size(keys, usual));
}

/// Adds a tower whose features are those, for pictures of side x side.
void add_tower(StackPlan tower, std::int64_t features, std::int64_t side, ModelPlan& plan) {
  tower.features = features;
  set_sample(tower, side);
  plan.stacks.push_back(std::move(tower));
}

/// CLIP's layers, whose names SigLIP and others share.
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

}  // namespace

StackPlan clip_pictures(const Configuration& vision, const std::string& root, bool is_clip) {
  const std::int64_t features = vision.size({"hidden_size"}, 768);
  const std::int64_t side = picture_side(vision, {"image_size"}, 224);
  const std::int64_t patch =
      std::max<std::int64_t>(1, picture_side(vision, {"patch_size"}, is_clip ? 32 : 16));
  const std::int64_t rows = checked_mul(side / patch, side / patch);
  StackBuilder tower(picture, "pixel_values", root);
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

/// SigLIP, whose patches are averaged to `mm_tokens_per_image`.
void add_gemma3_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  StackBuilder tower(picture, "pixel_values", "vision_tower.vision_model");
  tower.plan = clip_pictures(vision, "vision_tower.vision_model", false);
  const std::int64_t features = tower.plan.features;
  tower.norm("post_layernorm", features);
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
  AttentionPlan attention = full_attention(heads, features, vision.flag({"attention_bias"}, false));
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
  const std::int64_t features = vision.size({"hidden_size"}, 1280);
  const std::int64_t merge = positive_size(vision, {"spatial_merge_size"}, 2);
  const std::int64_t wide = product(merge, merge, features);
  const std::int64_t patch = positive_size(vision, {"patch_size", "spatial_patch_size"}, 14);
  const std::int64_t window = vision.size({"window_size"}, 112) / patch;
  std::vector<std::int64_t> full = vision.sizes({"fullatt_block_indexes"});
  if (!vision.has("fullatt_block_indexes")) full = {7, 15, 23, 31};
  std::vector<LayerPlan> layers;
  for (std::int64_t i = 0; i < blocks(vision, 32); ++i) {
    AttentionPlan attention = fused_qkv(vision.size({"num_heads"}, 16), features, true);
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
  std::int64_t number = 0;
  for (const std::int64_t tap : vision.sizes({"deepstack_visual_indexes"})) {
    if (tap < first || tap >= count) throw_unknown_part("deepstack_visual_indexes out of order");
    tower.layers("blocks", tap + 1 - first, layer, first);
    first = tap + 1;
    StackBuilder branch(picture, {},
                        "model.visual.deepstack_merger_list." + std::to_string(number++));
    branch.merge(merge)
        .norm("norm", wide)
        .linear("linear_fc1", wide, wide)
        .activation()
        .linear("linear_fc2", wide, out);
    tower.nested(Step::Kind::branch, std::move(branch));
  }
  tower.layers("blocks", count - first, layer, first)
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

/// MoonViT.
void add_kimi_tower(const Configuration& config, ModelPlan& plan) {
  const Configuration vision = vision_part(config);
  const std::int64_t features = vision.size({"vt_hidden_size", "hidden_size"}, 1152);
  const std::int64_t patch = positive_size(vision, {"patch_size"}, 14);
  const std::vector<std::int64_t> sizes = vision.sizes({"merge_kernel_size"});
  const std::int64_t merge = sizes.empty() || sizes.front() < 1 ? 2 : sizes.front();
  const std::int64_t wide = product(merge, merge, features);
  AttentionPlan attention =
      full_attention(vision.size({"vt_num_attention_heads", "num_attention_heads"}, 16), features);
  attention.fused = "wqkv";
  attention.output = "wo";
  attention.rotary = attention.head;
  const LayerPlan layer{.mixer_name = {},
                        .mixer = attention,
                        .feed_forward =
                            plain(vision.size({"vt_intermediate_size", "intermediate_size"}, 4304),
                                  "fc0", "fc1", true, ActivationKind::gelu),
                        .before_mixer = "norm0",
                        .before_feed_forward = "norm1"};
  StackBuilder tower(picture, "pixel_values", "vision_tower");
  tower.patches("patch_embed.proj", features, patch, true)
      .grid_table("patch_embed.pos_emb.weight", {vision.size({"init_pos_emb_height"}, 64),
                                                 vision.size({"init_pos_emb_width"}, 64), features})
      .layers("encoder.blocks", blocks(vision, 27), layer)
      .norm("encoder.final_layernorm", features)
      .in("mm_projector")
      .norm("pre_norm", features)
      .merge(merge)
      .linear("proj.0", wide, wide)
      .activation()
      .linear("proj.2", wide, plan.features);
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
  tower.norm("post_layernorm", features)
      .in("multi_modal_projector")
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
      vision.size({"projection_dim"}, config.size({"projector_hidden_size"}, plan.features));
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
      .linear("multi_modal_projector.linear_2", projected, projected)
      .merge(merge)
      .linear("patch_merge_mlp.linear_1", product(merge, merge, projected), plan.features)
      .activation()
      .linear("patch_merge_mlp.linear_2", plan.features, plan.features);
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
               .feed_forward = plain(vision.size({"intermediate_size"}, width), "fc1", "fc2", true,
                                     ActivationKind::gelu),
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
