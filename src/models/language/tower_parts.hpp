#pragma once

#include <string>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"

// What the towers of pictures of several families share.

namespace zoometer {

/// The object `vision_config`; an empty one if there is none.
Configuration vision_part(const Configuration& config);

/// Layers with `norm1`, `attn`, `norm2` and `mlp`, as Qwen's and GLM's towers have them.
LayerPlan numbered_layer(const AttentionPlan& attention, const FeedForwardPlan& feed_forward);
/// CLIP's layers, whose names SigLIP and others share.
LayerPlan clip_layer(const AttentionPlan& attention, std::int64_t width);

/// Rotated attention with `qkv` and `proj`.
AttentionPlan fused_qkv(std::int64_t heads, std::int64_t features, bool bias);

/// The number of layers of a tower, under any of its keys.
std::int64_t blocks(const Configuration& vision, std::int64_t usual);
/// A size that others are divided by: at least 1.
std::int64_t positive_size(const Configuration& part, Keys keys, std::int64_t usual);

/// Pictures of side x side.
void set_sample(StackPlan& plan, std::int64_t side);
/// Adds a tower whose features are those, for pictures of side x side.
void add_tower(StackPlan tower, std::int64_t features, std::int64_t side, ModelPlan& plan);

/// A path beside the language model: below what its root is in.
std::string prefixed(const ModelPlan& plan, std::string_view inner);

/// CLIP's and SigLIP's tower of pictures below `root`, up to its last norm. `is_clip`: with a class
/// token and a norm before the layers. The widths are those of the configuration.
StackPlan clip_pictures(const Configuration& vision, const std::string& root, bool is_clip);
/// SigLIP's head for one vector of a picture, which language models store and do not run.
void add_unused_head(StackBuilder& tower, const Configuration& vision);

}  // namespace zoometer
