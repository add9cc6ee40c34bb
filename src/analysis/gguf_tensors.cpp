#include "analysis/gguf_tensors.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "util/seeded_hash.hpp"

namespace zoometer {
namespace {

/// What a weight of checkpoints is called in GGUF files.
struct Renaming {
  std::string_view from;  ///< the end of its path, without ".weight" and ".bias"
  std::string_view to;
  std::string_view only = {};  ///< model types with a space around each; empty: all
};

/// Types whose second norm of a layer comes after the mixer, and not before the network.
constexpr std::string_view after_mixer =
    " gemma2 gemma3 gemma3_text gemma3n_text gemma4_text olmo2 olmo3 exaone4 cohere2_moe glm4_moe "
    "glm4v_moe_text qwen3_next qwen3_5_text qwen3_5_moe_text seed_oss gpt_oss afmoe ";
constexpr std::string_view with_states = " mamba mamba2 falcon_mamba nemotron_h ";

/// Of layers. The first that fits holds.
constexpr Renaming in_layers[] = {
    {"indexer.wq_b", "indexer.attn_q_b"},
    {"indexer.wk", "indexer.attn_k"},
    {"indexer.k_norm", "indexer.k_norm"},
    {"indexer.weights_proj", "indexer.proj"},
    {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"},
    {"shared_expert.gate_proj", "ffn_gate_shexp"},
    {"shared_expert.up_proj", "ffn_up_shexp"},
    {"shared_expert.down_proj", "ffn_down_shexp"},
    {"shared_experts.gate_proj", "ffn_gate_shexp"},
    {"shared_experts.up_proj", "ffn_up_shexp"},
    {"shared_experts.down_proj", "ffn_down_shexp"},
    {"shared_mlp.gate_proj", "ffn_gate_shexp"},
    {"shared_mlp.up_proj", "ffn_up_shexp"},
    {"shared_mlp.down_proj", "ffn_down_shexp"},
    {"shared_mlp.output_linear", "ffn_down_shexp"},
    {"experts.*.gate_proj", "ffn_gate_exps"},
    {"experts.*.up_proj", "ffn_up_exps"},
    {"experts.*.down_proj", "ffn_down_exps"},
    {"experts.*.w1", "ffn_gate_exps"},
    {"experts.*.w3", "ffn_up_exps"},
    {"experts.*.w2", "ffn_down_exps"},
    {"experts.gate_up_proj", "ffn_gate_up_exps"},
    {"experts.down_proj", "ffn_down_exps"},
    {"experts.gate_up_proj_bias", "ffn_gate_up_exps"},
    {"experts.down_proj_bias", "ffn_down_exps"},
    {"block_sparse_moe.output_linear", "ffn_down_exps"},
    {"block_sparse_moe.router.layer", "ffn_gate_inp"},
    {"block_sparse_moe.gate", "ffn_gate_inp"},
    {"mlp.gate.wg", "ffn_gate_inp"},
    {"mlp.gate", "ffn_gate_inp"},
    {"mixer.gate", "ffn_gate_inp"},
    {"feed_forward.gate", "ffn_gate_inp"},
    {"feed_forward.router", "ffn_gate_inp"},
    {"mlp.router", "ffn_gate_inp"},
    {"router.proj", "ffn_gate_inp"},
    {"e_score_correction_bias", "exp_probs_b"},
    {"feed_forward.expert_bias", "exp_probs_b"},
    {"fc1_latent_proj", "ffn_latent_down"},
    {"fc2_latent_proj", "ffn_latent_up"},
    {"kv_a_proj_with_mqa", "attn_kv_a_mqa"},
    {"kv_a_layernorm", "attn_kv_a_norm"},
    {"q_a_proj", "attn_q_a"},
    {"q_a_layernorm", "attn_q_a_norm"},
    {"q_b_proj", "attn_q_b"},
    {"kv_b_proj", "attn_kv_b"},
    {"q_proj", "attn_q"},
    {"k_proj", "attn_k"},
    {"v_proj", "attn_v"},
    {"qkv_proj", "attn_qkv"},
    {"self.query", "attn_q"},
    {"self.key", "attn_k"},
    {"self.value", "attn_v"},
    {"q_lin", "attn_q"},
    {"k_lin", "attn_k"},
    {"v_lin", "attn_v"},
    {"out_lin", "attn_output"},
    {"query_key_value", "attn_qkv"},
    {"attn.c_attn", "attn_qkv"},
    {"attn.Wqkv", "attn_qkv"},
    {"linear_attn.in_proj_qkv", "attn_qkv"},
    {"linear_attn.in_proj_z", "attn_gate"},
    {"linear_attn.in_proj_ba", "ssm_ba"},
    {"linear_attn.in_proj_b", "ssm_beta"},
    {"linear_attn.in_proj_a", "ssm_alpha"},
    {"attn.c_proj", "attn_output"},
    {"o_proj", "attn_output"},
    {"self_attn.dense", "attn_output"},
    {"attention.dense", "attn_output"},
    {"self_attention.dense", "attn_output"},
    {"self_attn.out_proj", "attn_output"},
    {"attn.out_proj", "attn_output"},
    {"attention.wo", "attn_output"},
    {"attention.output.dense", "attn_output"},
    {"attention.output.LayerNorm", "attn_output_norm"},
    {"sa_layer_norm", "attn_output_norm"},
    {"intermediate.dense", "ffn_up"},
    {"output.dense", "ffn_down"},
    {"output.LayerNorm", "layer_output_norm"},
    {"output_layer_norm", "layer_output_norm"},
    {"ffn.lin1", "ffn_up"},
    {"ffn.lin2", "ffn_down"},
    {"q_norm", "attn_q_norm"},
    {"k_norm", "attn_k_norm"},
    {"q_layernorm", "attn_q_norm"},
    {"k_layernorm", "attn_k_norm"},
    {"query_layernorm", "attn_q_norm"},
    {"key_layernorm", "attn_k_norm"},
    {"sinks", "attn_sinks.weight"},
    {"mlp.router.gate", "ffn_gate_inp"},
    {"mlp.expert_bias", "exp_probs_b.bias"},
    {"pre_mlp_layernorm", "ffn_norm"},
    {"self_attn.gate_proj", "attn_gate"},
    {"attention_layernorm", "attn_norm"},
    {"feedforward_layernorm", "ffn_norm"},
    {"attn_sub_norm", "attn_sub_norm"},
    {"ffn_sub_norm", "ffn_sub_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mixer.up_proj", "ffn_up"},
    {"mixer.down_proj", "ffn_down"},
    {"feed_forward.gate_proj", "ffn_gate"},
    {"feed_forward.up_proj", "ffn_up"},
    {"feed_forward.down_proj", "ffn_down"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.w1", "ffn_up", " qwen "},
    {"mlp.w2", "ffn_gate", " qwen "},
    {"feed_forward.w1", "ffn_gate"},
    {"feed_forward.w3", "ffn_up"},
    {"feed_forward.w2", "ffn_down"},
    {"mlp.c_proj", "ffn_down"},
    {"mlp.c_fc", "ffn_up"},
    {"mlp.fc1", "ffn_up"},
    {"mlp.fc2", "ffn_down"},
    {"mlp.fc_in", "ffn_up"},
    {"mlp.fc_out", "ffn_down"},
    {"mlp.dense_h_to_4h", "ffn_up"},
    {"mlp.dense_4h_to_h", "ffn_down"},
    {"ffn.up_proj", "ffn_up"},
    {"ffn.down_proj", "ffn_down"},
    {"pre_feedforward_layernorm_2", "pre_ffw_norm_2"},
    {"post_feedforward_layernorm_1", "post_ffw_norm_1"},
    {"post_feedforward_layernorm_2", "post_ffw_norm_2"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
    {"post_mlp_layernorm", "post_ffw_norm"},
    {"post_self_attn_layernorm", "post_attention_norm"},
    {"post_attention_layernorm", "post_attention_norm", after_mixer},
    {"post_attention_layernorm", "ffn_norm"},
    {"input_layernorm", "attn_norm"},
    {"pre_ff_layernorm", "ffn_norm"},
    {"operator_norm", "attn_norm"},
    {"ffn_norm", "ffn_norm"},
    {"attention_norm", "attn_norm"},
    {"ln_attn", "attn_norm_2"},
    {"ln_mlp", "attn_norm"},
    {"ln_1", "attn_norm"},
    {"ln_2", "ffn_norm"},
    {"norm_1", "attn_norm"},
    {"norm_2", "ffn_norm"},
    {"conv.conv", "shortconv.conv"},
    {"conv.in_proj", "shortconv.in_proj"},
    {"conv.out_proj", "shortconv.out_proj"},
    {"in_proj", "ssm_in"},
    {"out_proj", "ssm_out"},
    {"conv1d", "ssm_conv1d"},
    {"x_proj", "ssm_x"},
    {"dt_proj", "ssm_dt"},
    {"dt_bias", "ssm_dt.bias"},
    {"A_log", "ssm_a"},
    {"D", "ssm_d"},
    {"dt_layernorm", "ssm_dt_norm"},
    {"b_layernorm", "ssm_b_norm"},
    {"c_layernorm", "ssm_c_norm"},
    {"mixer.norm", "ssm_norm"},
    {"mamba.norm", "ssm_norm"},
    {"linear_attn.norm", "ssm_norm"},
    {"norm", "attn_norm", with_states},
    {"altup.correction_coefs", "altup_correct_coef"},
    {"altup.prediction_coefs", "altup_predict_coef"},
    {"altup.modality_router", "altup_router"},
    {"altup.router_norm", "altup_router_norm"},
    {"altup.correct_output_scale", "altup_correct_scale.weight"},
    {"laurel.linear_left", "laurel_l"},
    {"laurel.linear_right", "laurel_r"},
    {"laurel.post_laurel_norm", "laurel_post_norm"},
    {"per_layer_input_gate", "inp_gate"},
    {"per_layer_projection", "proj"},
    {"post_per_layer_input_norm", "post_norm"},
    {"layer_scalar", "layer_output_scale.weight"},
    {"router.scale", "ffn_gate_inp.scale"},
    {"router.per_expert_scale", "ffn_down_exps.scale"},
    {"SelfAttention.q", "attn_q"},
    {"SelfAttention.k", "attn_k"},
    {"SelfAttention.v", "attn_v"},
    {"SelfAttention.o", "attn_o"},
    {"SelfAttention.relative_attention_bias", "attn_rel_b"},
    {"EncDecAttention.q", "cross_attn_q"},
    {"EncDecAttention.k", "cross_attn_k"},
    {"EncDecAttention.v", "cross_attn_v"},
    {"EncDecAttention.o", "cross_attn_o"},
    {"DenseReluDense.wi_0", "ffn_gate"},
    {"DenseReluDense.wi_1", "ffn_up"},
    {"DenseReluDense.wi", "ffn_up"},
    {"DenseReluDense.wo", "ffn_down"},
    {"0.layer_norm", "attn_norm"},
    {"1.layer_norm", "cross_attn_norm"},
    {"2.layer_norm", "ffn_norm"},
};

/// Outside of layers.
constexpr Renaming around_layers[] = {
    {"embed_tokens_per_layer", "per_layer_token_embd"},
    {"per_layer_model_projection", "per_layer_model_proj"},
    {"per_layer_projection_norm", "per_layer_proj_norm"},
    {"token_type_embeddings", "token_types"},
    {"position_embeddings", "position_embd"},
    {"wpe", "position_embd"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"word_embeddings_layernorm", "token_embd_norm"},
    {"embed_tokens", "token_embd"},
    {"wte", "token_embd"},
    {"word_embeddings", "token_embd"},
    {"embed_in", "token_embd"},
    {"tok_embeddings", "token_embd"},
    {"embeddings", "token_embd"},
    {"shared", "token_embd"},
    {"encoder.final_layer_norm", "enc.output_norm"},
    {"decoder.final_layer_norm", "dec.output_norm"},
    {"final_layernorm", "output_norm"},
    {"final_layer_norm", "output_norm"},
    {"embedding_norm", "token_embd_norm"},
    {"norm_f", "output_norm"},
    {"ln_f", "output_norm"},
    {"norm", "output_norm"},
    {"lm_head", "output"},
    {"embed_out", "output"},
    {"output_layer", "output"},
    {"output", "output"},
};

/// What the converter leaves away or makes keys of: poolers, heads of encoders, activations.
constexpr std::string_view left_away[] = {
    "pooler.",         "cls.",        "lm_head.dense",      "vocab_", ".attn.bias", "masked_bias",
    "inv_freq",        "classifier.", "lm_head.layer_norm", "lora_",  "act_fn.",    "position_ids",
    "lm_head.decoder", "connector."};

bool ends_in_parts(std::string_view path, std::string_view end) {
  if (!path.ends_with(end)) return false;
  return path.size() == end.size() || path[path.size() - end.size() - 1] == '.';
}

const Renaming* renaming_of(std::span<const Renaming> table, std::string_view path,
                            std::string_view model_type) {
  const std::string type = fmt::format(" {} ", model_type);
  for (const Renaming& row : table) {
    const bool is_of_type = row.only.empty() || row.only.find(type) != std::string_view::npos;
    if (is_of_type && ends_in_parts(path, row.from)) return &row;
  }
  return nullptr;
}

/// What is after the layer's number: "model.layers.12.mlp.up_proj" -> "mlp.up_proj".
std::string_view after_layer(std::string_view path, std::int64_t layer) {
  const std::string number = fmt::format(".{}.", layer);
  const std::size_t place = path.find(number);
  return place == std::string_view::npos ? path : path.substr(place + number.size());
}

/// Whether a name of the tables has its last part.
bool is_complete(std::string_view name) {
  return name.ends_with(".weight") || name.ends_with(".bias") || name.ends_with(".scale");
}

class Names {
 public:
  explicit Names(const WeightContext& context) : context_(context) {}

  /// Empty: the file has no such tensor.
  std::string of(const ModelWeight& weight) {
    std::string_view path = weight.path;
    for (const std::string_view part : left_away)
      if (path.find(part) != std::string_view::npos) return {};
    std::string_view end;
    for (const std::string_view last : {".weight", ".bias"})
      if (path.ends_with(last)) end = last;
    path.remove_suffix(end.size());
    if (path.ends_with("e_score_correction_bias") || path.ends_with("expert_bias") ||
        path.ends_with("_proj_bias"))
      end = ".bias";
    const bool is_in_layer = weight.layer >= 0;
    const std::string_view rest = is_in_layer ? after_layer(path, weight.layer) : path;
    const auto [known, is_new] = memory_.try_emplace(std::string(rest), nullptr);
    if (is_new) {
      known->second = is_in_layer ? renaming_of(in_layers, rest, context_.model_type)
                                  : renaming_of(around_layers, rest, context_.model_type);
    }
    if (known->second == nullptr) return weight.path;
    std::string name(known->second->to);
    // Encoders of T5 have no attention over another's result between the two.
    const bool is_encoder = weight.path.starts_with("encoder.block");
    if (is_encoder && name == "cross_attn_norm") name = "ffn_norm";
    if (!is_complete(name))
      name += end.empty() && weight.kind == WeightKind::expert ? ".weight" : end;
    if (!is_in_layer) return name;
    const bool is_of_two = is_encoder || weight.path.starts_with("decoder.block");
    return fmt::format("{}blk.{}.{}",
                       !is_of_two   ? ""
                       : is_encoder ? "enc."
                                    : "dec.",
                       weight.layer, name);
  }

 private:
  const WeightContext& context_;
  TextMap<const Renaming*> memory_;
};

using Sizes = std::array<std::int64_t, 4>;

/// A part of a weight, with its name after the layer.
struct CutPart {
  std::string_view to;
  Sizes sizes;
  std::size_t rank;
};

/// The parts of a weight that the converter cuts; none if it is left whole.
std::vector<CutPart> cut_parts(const ModelWeight& weight, std::string_view name,
                               const WeightContext& context) {
  const std::int64_t features = weight.columns;
  if (name.ends_with("attn_kv_b.weight") && context.latent_key + context.latent_value > 0) {
    const std::int64_t heads = weight.rows / (context.latent_key + context.latent_value);
    return {{"attn_k_b", {context.latent_key, features, heads}, 3},
            {"attn_v_b", {features, context.latent_value, heads}, 3}};
  }
  // Gemma 4 keeps gate and up of its experts together.
  const bool is_halved = name.find("ffn_gate_up_exps") != std::string_view::npos &&
                         context.model_type != "gemma4_text";
  if (is_halved && weight.matrices > 1)
    return {{"ffn_gate_exps", {features, weight.rows / 2, weight.matrices}, 3},
            {"ffn_up_exps", {features, weight.rows / 2, weight.matrices}, 3}};
  if (is_halved) {  // biases
    const Sizes half = {features / 2, weight.rows};
    return {{"ffn_gate_exps", half, 2}, {"ffn_up_exps", half, 2}};
  }
  return {};
}

struct Cut {
  std::string_view end;    ///< of a path
  std::string_view parts;  ///< the names of what it is cut into
};

/// Layers of queries, keys and values, and of gates with other layers, that are cut by rows.
std::vector<GgufTensor> cut_rows(const ModelWeight& weight, const WeightContext& context) {
  std::string_view path = weight.path;
  if (path.ends_with(".weight")) path.remove_suffix(7);
  const auto tensor = [&](std::string_view name, std::int64_t rows, std::int64_t matrices = 1) {
    GgufTensor part;
    part.name = fmt::format("blk.{}.{}.weight", weight.layer, name);
    part.sizes = {weight.columns, rows, matrices};
    part.rank = matrices > 1 ? 3 : 2;
    part.elements = weight.columns * rows * matrices;
    return part;
  };
  const bool is_fused = ends_in_parts(path, "attention.wqkv") || ends_in_parts(path, "W_pack");
  if (is_fused) {
    const std::int64_t keys = weight.rows / (context.groups + 2);
    return {tensor("attn_q", weight.rows - 2 * keys), tensor("attn_k", keys),
            tensor("attn_v", keys)};
  }
  if (ends_in_parts(path, "linear_attn.in_proj_qkvz") && context.gate_rows > 0) {
    const std::int64_t gate = weight.rows * context.gate_rows / context.gated_rows;
    return {tensor("attn_qkv", weight.rows - gate), tensor("attn_gate", gate)};
  }
  if (ends_in_parts(path, "block_sparse_moe.input_linear"))
    return {tensor("ffn_gate_exps", weight.rows / 2, weight.matrices),
            tensor("ffn_up_exps", weight.rows / 2, weight.matrices)};
  if (ends_in_parts(path, "shared_mlp.input_linear")) {
    const bool is_only = context.experts == 0;  // of a model without experts it is the network
    return {tensor(is_only ? "ffn_gate" : "ffn_gate_shexp", weight.rows / 2),
            tensor(is_only ? "ffn_up" : "ffn_up_shexp", weight.rows / 2)};
  }
  return {};
}

GgufTensor whole_tensor(const ModelWeight& weight, std::string name, const WeightContext& context) {
  GgufTensor tensor;
  tensor.name = std::move(name);
  tensor.elements = weight.elements;
  if (weight.rows > 0 && weight.matrices > 1) {
    tensor.sizes = {weight.columns, weight.rows, weight.matrices};
    tensor.rank = 3;
  } else if (weight.rows > 0) {
    tensor.sizes = {weight.columns, weight.rows};
    tensor.rank = 2;
    // Gemma 3's embedding has 64 rows that no token has: the converter cuts them off.
    constexpr std::int64_t rows = 262'208, tokens = 262'144;
    const bool is_cut = tensor.name == "token_embd.weight" && weight.rows == rows &&
                        context.model_type.starts_with("gemma3");
    if (is_cut) tensor.sizes[1] = tokens;
    if (is_cut) tensor.elements = tokens * weight.columns;
  } else {
    tensor.sizes = {weight.elements};
    // A convolution of each channel is (channels, 1, taps), and a matrix without the middle.
    tensor.rank = static_cast<std::size_t>(std::clamp<std::int64_t>(weight.rank, 1, 2));
    // Of Mamba 2, decays and skips are (heads, 1), and norms have a row for each group.
    const bool is_of_heads = tensor.name.ends_with(".ssm_a") || tensor.name.ends_with(".ssm_d") ||
                             tensor.name.ends_with(".ssm_norm.weight");
    if (is_of_heads && context.has_mamba2) tensor.rank = 2;
  }
  return tensor;
}

/// The layer of a name, as llama.cpp reads it: -1 outside of "blk.".
std::int64_t layer_in(std::string_view name) {
  std::int64_t layer = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return layer;
}

}  // namespace

std::vector<GgufTensor> gguf_tensors(std::span<const ModelWeight> weights,
                                     const WeightContext& context) {
  Names names(context);
  std::vector<GgufTensor> tensors;
  tensors.reserve(weights.size() + 2);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const ModelWeight& weight = weights[i];
    if (weight.is_tower) continue;
    std::vector<GgufTensor> cut = cut_rows(weight, context);
    if (cut.empty()) {
      std::string name = names.of(weight);
      if (name.empty()) continue;
      const std::vector<CutPart> parts = cut_parts(weight, name, context);
      if (parts.empty()) cut.push_back(whole_tensor(weight, std::move(name), context));
      for (const CutPart& part : parts) {
        GgufTensor tensor;
        const std::size_t begin = name.find('.', 4) + 1;
        tensor.name = name.substr(0, begin) + std::string(part.to) + name.substr(name.rfind('.'));
        tensor.sizes = part.sizes;
        tensor.rank = part.rank;
        tensor.elements = 1;
        for (std::size_t d = 0; d < part.rank; ++d) tensor.elements *= part.sizes[d];
        cut.push_back(std::move(tensor));
      }
    }
    for (GgufTensor& tensor : cut) {
      tensor.weight = i;
      tensors.push_back(std::move(tensor));
    }
  }
  for (const auto& [name, size] : context.rotary_tables) {
    GgufTensor table;
    table.name = name;
    table.sizes = {size};
    table.elements = size;
    table.weight = weights.size();
    tensors.push_back(std::move(table));
  }
  std::ranges::sort(tensors, [](const GgufTensor& a, const GgufTensor& b) {
    return std::forward_as_tuple(layer_in(a.name), a.name) <
           std::forward_as_tuple(layer_in(b.name), b.name);
  });
  return tensors;
}

}  // namespace zoometer
