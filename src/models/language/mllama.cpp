// Llama 3.2 Vision: Llama with layers that read pictures, which text alone does not pass.
#include <algorithm>
#include <string>

#include "models/language/defaults.hpp"
#include "models/language/tower_parts.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace mllama_models {
namespace {

Configuration part_of(const Configuration& config, std::string_view key) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({key}).value_or(Configuration(none));
}

/// The layers that read pictures: stored below the list of the others.
StackPlan picture_layers(const std::vector<std::int64_t>& numbers, const AttentionPlan& attention,
                         const FeedForwardPlan& feed_forward, std::int64_t features) {
  AttentionPlan cross = attention;
  cross.query_key_norm = QueryKeyNorm::head;
  StackBuilder stack(StackPlan::Use::alone, "input_ids", {});
  stack.plan.is_idle = true;
  stack.plan.features = features;
  stack.plan.norm_kind = NormKind::rms;
  for (const std::int64_t number : numbers) {
    stack.in("language_model.model")
        .layers("layers", 1,
                {.mixer_name = "cross_attn", .mixer = cross, .feed_forward = feed_forward}, number)
        .in("language_model.model.layers." + std::to_string(number))
        .stored("cross_attn_attn_gate", {1})
        .stored("cross_attn_mlp_gate", {1});
  }
  return stack.plan;
}

void add_gate_table(StackBuilder& tower, std::string_view name, std::int64_t rows,
                    std::int64_t width) {
  const std::string path(name);
  tower.stored(path + ".gate", {1}).stored(path + ".embedding.weight", {rows, width});
}

/// A tower over several tiles of a picture, with layers over all of them.
StackPlan picture_tower(const Configuration& config, std::int64_t text_features) {
  const Configuration vision = part_of(config, "vision_config");
  const std::int64_t features = vision.size({"hidden_size"}, 1280);
  const std::int64_t side = picture_side(vision, {"image_size"}, 448);
  const std::int64_t patch = std::max<std::int64_t>(1, picture_side(vision, {"patch_size"}, 14));
  const std::int64_t tiles = vision.size({"max_num_tiles"}, 4);
  const Setting* ratios = vision.find({"supported_aspect_ratios"});
  const auto shapes = static_cast<std::int64_t>(ratios == nullptr ? 8 : ratios->items.size());
  const std::int64_t rows = checked_add(checked_mul(side / patch, side / patch), 1);
  AttentionPlan attention =
      full_attention(vision.size({"attention_heads", "num_attention_heads"}, 16), features, false);
  const LayerPlan layer{.mixer = attention,
                        .feed_forward = plain(vision.size({"intermediate_size"}, 5120), "fc1",
                                              "fc2", true, ActivationKind::gelu)};
  const std::int64_t wide = checked_mul(tiles, features);
  StackBuilder tower(StackPlan::Use::picture, "pixel_values", "vision_model");
  tower.stored("class_embedding", {features})
      .stored("patch_embedding.weight", {features, 3, patch, patch})
      .stored("gated_positional_embedding.gate", {1})
      .stored("gated_positional_embedding.embedding", {rows, features})
      .stored("gated_positional_embedding.tile_embedding.weight",
              {checked_add(shapes, 1), product(tiles, rows, features)});
  add_gate_table(tower, "pre_tile_positional_embedding", checked_add(shapes, 1), wide);
  add_gate_table(tower, "post_tile_positional_embedding", checked_add(shapes, 1), wide);
  tower.norm("layernorm_pre", features)
      .norm("layernorm_post", features)
      .layers("transformer.layers", bounded_layers(vision, {"num_hidden_layers"}, 32), layer);
  const std::int64_t global = bounded_layers(vision, {"num_global_layers"}, 8);
  tower.layers("global_transformer.layers", global, layer);
  for (std::int64_t i = 0; i < global; ++i) {
    tower.in("vision_model.global_transformer.layers." + std::to_string(i))
        .stored("gate_attn", {1})
        .stored("gate_ffn", {1});
  }
  tower.in("multi_modal_projector")
      .stored("weight", {text_features, vision.size({"vision_output_dim"}, 7680)})
      .stored("bias", {text_features});
  tower.plan.is_idle = true;
  tower.plan.features = features;
  return tower.plan;
}

ModelPlan text_plan(const Configuration& text) {
  ModelPlan plan = frame(text, Ties::no);
  plan.is_tied = false;  // whatever the file says
  plan.head_outputs = plan.vocabulary;
  plan.vocabulary = checked_add(plan.vocabulary, 8);
  const AttentionPlan attention = grouped_attention(text);
  const FeedForwardPlan feed_forward = gated(feed_forward_size(text));
  std::vector<std::int64_t> numbers = text.sizes({"cross_attention_layers"});
  if (!text.has("cross_attention_layers")) numbers = {3, 8, 13, 18, 23, 28, 33, 38};
  const std::int64_t count = layer_count(text);
  std::erase_if(numbers, [&](std::int64_t number) { return number >= count; });
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::ranges::find(numbers, i) != numbers.end()) continue;
    plan.plans.push_back({.mixer = attention, .feed_forward = feed_forward});
  }
  plan.root = "language_model.model";
  if (!plan.head.empty()) plan.head = "language_model.lm_head";
  plan.stacks.push_back(picture_layers(numbers, attention, feed_forward, plan.features));
  plan.other_layers = std::move(numbers);
  plan.left_out.emplace_back(
      "pictures and the layers that read them have parameters; what passes is text alone");
  return plan;
}

ModelPlan mllama(const Configuration& config) {
  const Configuration text =
      part_of(config, "text_config").with_defaults(class_defaults("mllama_text_model"));
  ModelPlan plan = text_plan(text);
  plan.stacks.push_back(picture_tower(config, plan.features));
  return plan;
}

constexpr ModelType types[] = {{"mllama", mllama, true}, {"mllama_text_model", text_plan}};

}  // namespace
}  // namespace mllama_models

extern constinit const Architecture mllama_architecture = {
    "Llama 3.2 Vision", "Llama Team, The Llama 3 Herd of Models, 2024.", mllama_models::types};

}  // namespace zoometer
