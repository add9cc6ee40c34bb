#pragma once

#include "models/language/configuration.hpp"
#include "models/language/plan.hpp"

namespace zoometer {

/// Adds the towers of pictures or sound that a model with a language model has. `config` is the
/// model's, `plan` its decoder's.
using AddTowers = void (*)(const Configuration& config, ModelPlan& plan);

/// @{
/// One tower and its projector, by the model's type.
void add_aya_tower(const Configuration& config, ModelPlan& plan);
void add_cohere2_tower(const Configuration& config, ModelPlan& plan);
void add_deepseek_vl_tower(const Configuration& config, ModelPlan& plan);
void add_gemma3_tower(const Configuration& config, ModelPlan& plan);
void add_gemma4_tower(const Configuration& config, ModelPlan& plan);
void add_qwen2_tower(const Configuration& config, ModelPlan& plan);
void add_qwen2_5_tower(const Configuration& config, ModelPlan& plan);
void add_qwen3_tower(const Configuration& config, ModelPlan& plan);
void add_glm_ocr_tower(const Configuration& config, ModelPlan& plan);
void add_glm4v_tower(const Configuration& config, ModelPlan& plan);
void add_idefics_tower(const Configuration& config, ModelPlan& plan);
void add_internvl_chat_tower(const Configuration& config, ModelPlan& plan);
void add_internvl_tower(const Configuration& config, ModelPlan& plan);
void add_kimi_tower(const Configuration& config, ModelPlan& plan);
void add_llama4_tower(const Configuration& config, ModelPlan& plan);
void add_lfm2_tower(const Configuration& config, ModelPlan& plan);
void add_llava_tower(const Configuration& config, ModelPlan& plan);
void add_llava_next_tower(const Configuration& config, ModelPlan& plan);
void add_llava_onevision_tower(const Configuration& config, ModelPlan& plan);
void add_minimax_tower(const Configuration& config, ModelPlan& plan);
void add_paligemma_tower(const Configuration& config, ModelPlan& plan);
void add_phi3_tower(const Configuration& config, ModelPlan& plan);
void add_pixtral_tower(const Configuration& config, ModelPlan& plan);
void add_step_tower(const Configuration& config, ModelPlan& plan);
void add_vipllava_tower(const Configuration& config, ModelPlan& plan);
void add_gemma4_sound(const Configuration& config, ModelPlan& plan);
void add_flamingo_sound(const Configuration& config, ModelPlan& plan);
void add_qwen2_sound(const Configuration& config, ModelPlan& plan);
void add_qwen2_5_omni_sound(const Configuration& config, ModelPlan& plan);
void add_qwen3_omni_sound(const Configuration& config, ModelPlan& plan);
void add_voxtral_sound(const Configuration& config, ModelPlan& plan);
/// @}

}  // namespace zoometer
