#pragma once

#include "models/language/configuration.hpp"
#include "models/language/plan.hpp"

namespace zoometer {

/// Adds the towers of pictures or sound that a model with a language model has. `config` is the
/// model's, `plan` its decoder's.
using AddTowers = void (*)(const Configuration& config, ModelPlan& plan);

/// @{
/// One tower and its projector, by the model's type.
void add_gemma3_tower(const Configuration& config, ModelPlan& plan);
void add_gemma4_tower(const Configuration& config, ModelPlan& plan);
void add_qwen2_tower(const Configuration& config, ModelPlan& plan);
void add_qwen2_5_tower(const Configuration& config, ModelPlan& plan);
void add_qwen3_tower(const Configuration& config, ModelPlan& plan);
void add_glm4v_tower(const Configuration& config, ModelPlan& plan);
void add_idefics_tower(const Configuration& config, ModelPlan& plan);
void add_internvl_tower(const Configuration& config, ModelPlan& plan);
void add_kimi_tower(const Configuration& config, ModelPlan& plan);
void add_llama4_tower(const Configuration& config, ModelPlan& plan);
void add_llava_tower(const Configuration& config, ModelPlan& plan);
void add_minimax_tower(const Configuration& config, ModelPlan& plan);
void add_phi3_tower(const Configuration& config, ModelPlan& plan);
void add_pixtral_tower(const Configuration& config, ModelPlan& plan);
void add_step_tower(const Configuration& config, ModelPlan& plan);
void add_gemma4_sound(const Configuration& config, ModelPlan& plan);
void add_qwen2_sound(const Configuration& config, ModelPlan& plan);
void add_voxtral_sound(const Configuration& config, ModelPlan& plan);
/// @}

/// CLIP's and SigLIP's tower of pictures below `root`, up to its last norm. `has_class_token`:
/// CLIP's, with a norm before the layers. The widths are those of the configuration.
StackPlan clip_pictures(const Configuration& vision, const std::string& root, bool is_clip);

}  // namespace zoometer
