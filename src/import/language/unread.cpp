#include "import/language/unread.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace zoometer {
namespace {

/// Keys without effect on sizes and products: how training and generation go, factors and bounds of
/// activations, names of kernels. Between spaces.
constexpr std::string_view harmless =
    " architectures model_type torch_dtype dtype _name_or_path transformers_version auto_map"
    " use_cache pretraining_tp id2label label2id task_specific_params transformers.js_config name"
    " model_name tokenizer tokenizer_class tokenizer_type prefix finetuning_task problem_type"
    " max_position_embeddings n_positions n_ctx seq_length context_length model_max_length"
    " max_length min_length max_sequence_length runner_max_sequence_length original_rope"
    " original_max_position_embeddings initial_context_length max_target_positions rescale_every"
    " hidden_act hidden_activation activation activation_function activation_func mlp_hidden_act"
    " mamba_hidden_act pooler_act projector_hidden_act feed_forward_proj act_fn mlp_type"
    " norm_topk_prob moe_renormalize routed_scaling_factor moe_router_scaling_factor scoring_func"
    " moe_router_activation_func moe_router_dtype topk_group n_group num_expert_group ep_size"
    " use_grouped_topk use_routing_bias use_moe_router_bias moe_shared_expert_overlap seq_aux"
    " scale_embedding scale_emb scale_depth dim_model_base multiplier logit_scale logits_scaling"
    " logit_scale_init_value attention_value_scale swiglu_limit swiglu_alpha query_pre_attn_scalar"
    " attn_logit_softcapping final_logit_softcapping logits_soft_cap slow_but_exact mask_value"
    " apply_residual_connection_post_layernorm rescale_prenorm_residual residual_in_fp32 fp16 bf16"
    " attention_softmax_in_fp32 scale_attention_softmax_in_fp32 scale_attn_weights"
    " scale_attn_by_inverse_layer_idx reorder_and_upcast_attn masked_softmax_fusion"
    " use_flash_attn flash_attn flash_rotary fused_dense use_mamba_kernels use_mambapy"
    " _attn_implementation attn_implementation onnx_safe cache_implementation chunk_size"
    " mamba_chunk_size mamba_ssm_dtype mamba_ssm_cache_dtype num_logits_to_keep rotary rotary_pct"
    " position_embedding_type pos_emb_type positional_encoding rope_type rope_mode "
    "partial_rotary_factor"
    " use_dynamic_ntk use_logn_attn use_mrope max_window_layers kda_layers no_rope_layer_interval"
    " rotary_emb_base indexer_rope_interleave mrope_section init_std n_special qk_head_dim"
    " head_dim tie_word_embeddings weight_tying is_encoder_decoder"
    " is_decoder use_bidirectional_attention default_output_length image_seq_length "
    "video_seq_length"
    " vision_soft_tokens_per_image num_img_tokens image_grid_pinpoints process_image_mode"
    " tokens_per_second vision_feature_layer vision_feature_select_strategy image_placeholder"
    " video_placeholder use_unified_vision_chunk video_attn_type init_pos_emb_time merge_type"
    " mm_projector_type mm_hidden_size text_hidden_size hd_transform_order use_hd_transform"
    " embedding_cls projection_cls with_learnable_separator num_channels in_channels in_chans"
    " projection_dim image_token_compression_method vision_segment_max_frames language_model_only"
    " add_cross_attention attention_head_dim _num_labels num_labels encoder_stride "
    "num_hidden_layers"
    " drop_path_rate layerscale_value apply_layernorm reshape_hidden_states out_features"
    " out_indices median_filter_width classifier_proj_size apply_spec_augment normalize_embedding"
    " add_final_layer_norm classif_dropout relative_attention_max_distance early_stopping"
    " no_repeat_ngram_size num_beams length_penalty temperature top_k top_p typical_p"
    " repetition_penalty diversity_penalty num_beam_groups num_return_sequences"
    " chunk_size_feed_forward return_dict torchscript directionality pooler_type pooler_fc_size"
    " pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head sparse_score_type"
    " sparse_init_block sparse_local_block sparse_disable_index_value use_sparse_attention"
    " hc_sinkhorn_iters expert_dtype is_llama_config interpolate_factor full_attn_mod"
    " global_local_attention_pattern sliding_window_attention_size topk_method qk_norm_type"
    " mtp_use_dedicated_embeddings mtp_transformer_layers index_share_for_mtp_iteration use_mtp"
    " mtp_layers_block_type mtp_hybrid_override_pattern num_nextn_predict_layers num_mtp_modules"
    " mtp_num_hidden_layers embd_layer img_processor norm_type layer_norm_type"
    " layer_norm_elementwise_affine gradient_checkpointing predict_special_tokens model_version"
    " vocab_size _from_model_config use_position_ids output_past post_layer_norm rmsnorm"
    " alt_name rope_scaling rope_parameters use_gemma_norm mrope_interleaved type ignore_index"
    " force_bos_token_to_be_generated pooling bias_dropout_fusion padded_vocab_size image_size"
    " spatial_patch_size experts_per_token global_head_dim full_attention_interval "
    "gate_lower_bound ";

constexpr std::string_view endings[] = {
    "token_id", "token_index", "token_ids", "_tokens", "dropout", "_pdrop",   "_eps",
    "epsilon",  "theta",       "layerdrop", "_coef",   "_noise",  "_prob",    "_factor",
    "_freq",    "_floor",      "_rate",     "_alpha",  "_gamma",  "_scaling", "_multiplier"};
constexpr std::string_view beginnings[] = {"initializer", "rope_",   "mask_",   "summary_",
                                           "time_step",   "output_", "forced_", "_attn"};

bool is_harmless(std::string_view key) {
  const std::string word = fmt::format(" {} ", key);
  if (harmless.find(word) != std::string_view::npos) return true;
  return std::ranges::any_of(endings, [&](std::string_view end) { return key.ends_with(end); }) ||
         std::ranges::any_of(beginnings,
                             [&](std::string_view start) { return key.starts_with(start); });
}

/// Null, false, zero and what is empty turn nothing on.
bool is_off(const Setting& setting) {
  switch (setting.kind) {
  case Setting::Kind::null: return true;
  case Setting::Kind::flag: return setting.integer == 0;
  case Setting::Kind::integer:
  case Setting::Kind::real: return setting.real == 0;
  case Setting::Kind::text: return setting.text.empty();
  case Setting::Kind::list: return setting.items.empty();
  case Setting::Kind::object: return setting.members.empty();
  }
  return true;
}

void find_unread(const Setting& object, const std::string& path, std::vector<std::string>& found) {
  for (const auto& [key, value] : object.members) {
    const std::string own = path.empty() ? key : path + "." + key;
    if (key == "quantization_config" || key == "compression_config") continue;  // another note's
    if (value.is_read && value.kind == Setting::Kind::object) find_unread(value, own, found);
    if (!value.is_read && !is_off(value) && !is_harmless(key)) found.push_back(own);
  }
}

}  // namespace

void note_unread(const Setting& root, std::vector<std::string>& notes) {
  constexpr std::size_t most = 20;
  std::vector<std::string> found;
  find_unread(root, {}, found);
  if (found.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(found.size(), most); ++i)
    list.append(i == 0 ? "" : ", ").append(found[i]);
  if (found.size() > most) list += fmt::format(" and {} more", found.size() - most);
  notes.push_back(fmt::format("of the configuration, {} {} not taken into account", list,
                              found.size() == 1 ? "was" : "were"));
}

}  // namespace zoometer
