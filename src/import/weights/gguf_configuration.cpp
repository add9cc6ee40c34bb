#include "import/weights/gguf_configuration.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace zoometer {
namespace {

/// What GGUF calls an architecture, and the model type of the same tensors.
struct ArchitectureName {
  std::string_view architecture;
  std::string_view model_type;
};

constexpr ArchitectureName architecture_names[] = {
    {"arcee", "arcee"},
    {"baichuan", "baichuan"},
    {"bert", "bert"},
    {"bitnet", "bitnet"},
    {"bloom", "bloom"},
    {"chatglm", "chatglm"},
    {"cohere2", "cohere2"},
    {"command-r", "cohere"},
    {"deepseek", "deepseek"},
    {"deepseek2", "deepseek_v2"},
    {"dots1", "dots1"},
    {"ernie4_5", "ernie4_5"},
    {"ernie4_5-moe", "ernie4_5_moe"},
    {"exaone", "exaone"},
    {"exaone4", "exaone4"},
    {"falcon", "falcon"},
    {"gemma", "gemma"},
    {"gemma2", "gemma2"},
    {"gemma3", "gemma3_text"},
    {"glm4", "glm4"},
    {"glm4moe", "glm4_moe"},
    {"gpt-oss", "gpt_oss"},
    {"gpt2", "gpt2"},
    {"gptj", "gptj"},
    {"gptneox", "gpt_neox"},
    {"granite", "granite"},
    {"granitemoe", "granitemoe"},
    {"hunyuan-dense", "hunyuan_v1_dense"},
    {"hunyuan-moe", "hunyuan_v1_moe"},
    {"internlm2", "internlm2"},
    {"lfm2", "lfm2"},
    {"lfm2moe", "lfm2_moe"},
    {"llama", "llama"},
    {"llama4", "llama4_text"},
    {"mamba", "mamba"},
    {"mamba2", "mamba2"},
    {"minicpm", "minicpm"},
    {"minicpm3", "minicpm3"},
    {"mistral3", "mistral"},
    {"mpt", "mpt"},
    {"nemotron", "nemotron"},
    {"olmo", "olmo"},
    {"olmo2", "olmo2"},
    {"olmoe", "olmoe"},
    {"orion", "orion"},
    {"phi2", "phi"},
    {"phi3", "phi3"},
    {"phimoe", "phimoe"},
    {"qwen", "qwen"},
    {"qwen2", "qwen2"},
    {"qwen2moe", "qwen2_moe"},
    {"qwen2vl", "qwen2_vl_text"},
    {"qwen3", "qwen3"},
    {"qwen3moe", "qwen3_moe"},
    {"qwen3vl", "qwen3_vl_text"},
    {"qwen3vlmoe", "qwen3_vl_moe_text"},
    {"seed_oss", "seed_oss"},
    {"smollm3", "smollm3"},
    {"stablelm", "stablelm"},
    {"starcoder2", "starcoder2"},
};

/// A key of the architecture and the setting of the same meaning.
struct KeyName {
  std::string_view key;
  std::string_view setting;
};

constexpr KeyName size_names[] = {
    {"embedding_length", "hidden_size"},
    {"feed_forward_length", "intermediate_size"},
    {"block_count", "num_hidden_layers"},
    {"context_length", "max_position_embeddings"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.sliding_window", "sliding_window"},
    {"attention.q_lora_rank", "q_lora_rank"},
    {"attention.kv_lora_rank", "kv_lora_rank"},
    {"leading_dense_block_count", "first_k_dense_replace"},
    {"expert_count", "num_experts"},
    {"expert_used_count", "num_experts_per_tok"},
    {"expert_feed_forward_length", "moe_intermediate_size"},
    {"expert_shared_feed_forward_length", "shared_expert_intermediate_size"},
    {"expert_shared_count", "n_shared_experts"},
    {"interleave_moe_layer_step", "interleave_moe_layer_step"},
    {"ssm.conv_kernel", "conv_kernel"},
    {"ssm.state_size", "state_size"},
    {"ssm.time_step_rank", "time_step_rank"},
    {"ssm.group_count", "n_groups"},
    {"shortconv.l_cache", "conv_L_cache"},
};

Setting size_setting(std::int64_t number) {
  return {.kind = Setting::Kind::integer, .integer = number, .real = static_cast<double>(number)};
}
Setting flag_setting(bool truth) {
  Setting setting = size_setting(truth ? 1 : 0);
  setting.kind = Setting::Kind::flag;
  return setting;
}
Setting text_setting(std::string_view text) {
  Setting setting{.kind = Setting::Kind::text};
  setting.text = text;
  return setting;
}

class Translation {
 public:
  Translation(const GgufMetadata& metadata, const StoredWeights& weights)
      : metadata_(metadata),
        weights_(weights),
        architecture_(metadata.text("general.architecture")) {
    settings_.kind = Setting::Kind::object;
  }

  Setting run(std::string_view model_type) {
    for (const KeyName& name : size_names) translate(name);
    // A file that does not say otherwise has keys for each head; some classes default to fewer.
    if (find("attention.head_count_kv") == nullptr)
      translate({"attention.head_count", "num_key_value_heads"});
    set_frame(model_type);
    set_flags(model_type);
    if (architecture_ == "deepseek2") set_latent();
    if (architecture_ == "mamba" || architecture_ == "mamba2") set_states();
    if (architecture_.starts_with("lfm2")) set_kinds_of_layers();
    return std::move(settings_);
  }

 private:
  const Setting* find(std::string_view key) const {
    return metadata_.find(fmt::format("{}.{}", architecture_, key));
  }
  bool has_tensor(std::string_view name) const { return weights_.find(name) != nullptr; }
  /// A size of a list is that of the layers that have one: the largest.
  std::int64_t size(std::string_view key) const {
    const Setting* value = find(key);
    if (value == nullptr) return 0;
    if (value->kind != Setting::Kind::list) return value->integer;
    std::int64_t largest = 0;
    for (const Setting& item : value->items) largest = std::max(largest, item.integer);
    return largest;
  }
  void set(std::string_view name, Setting value) {
    for (auto& [known, old] : settings_.members) {
      if (known != name) continue;
      old = std::move(value);
      return;
    }
    settings_.members.emplace_back(std::string(name), std::move(value));
  }
  void translate(const KeyName& name) {
    const Setting* value = find(name.key);
    if (value != nullptr && size(name.key) > 0) set(name.setting, size_setting(size(name.key)));
  }

  void set_frame(std::string_view model_type) {
    set("model_type", text_setting(model_type));
    const StoredTensor* embedding = weights_.find("token_embd.weight");
    std::int64_t vocabulary = size("vocab_size");
    if (const Setting* tokens = metadata_.find("tokenizer.ggml.tokens"))
      vocabulary = tokens->integer;
    if (embedding != nullptr && embedding->shape.size() == 2) vocabulary = embedding->shape[0];
    if (vocabulary > 0) set("vocab_size", size_setting(vocabulary));
    if (embedding != nullptr)
      set("tie_word_embeddings", flag_setting(!has_tensor("output.weight")));
    set("dtype", text_setting("float16"));
    const std::int64_t rotated = size("rope.dimension_count");
    std::int64_t head = size("attention.key_length");
    const std::int64_t heads = size("attention.head_count");
    if (head == 0 && heads > 0) head = size("embedding_length") / heads;
    if (rotated > 0 && rotated < head) {
      Setting factor{.kind = Setting::Kind::real};
      factor.real = static_cast<double>(rotated) / static_cast<double>(head);
      set("partial_rotary_factor", std::move(factor));
      set("rotary_dim", size_setting(rotated));
    }
  }

  /// Biases and norms are what has tensors.
  void set_flags(std::string_view model_type) {
    if (size("expert_count") > 0) {
      if (model_type == "llama") set("model_type", text_setting("mixtral"));
      set("num_local_experts", size_setting(size("expert_count")));
      set("n_routed_experts", size_setting(size("expert_count")));
      set("moe_num_experts", size_setting(size("expert_count")));
      set("moe_k", size_setting(size("expert_used_count")));
      set("moe_topk", size_setting(size("expert_used_count")));
    }
    if (!has_tensor("token_embd.weight")) return;
    const bool has_bias = has_tensor("blk.0.attn_q.bias") || has_tensor("blk.0.attn_qkv.bias");
    set("attention_bias", flag_setting(has_bias));
    set("use_qkv_bias", flag_setting(has_bias));
    set("add_qkv_bias", flag_setting(has_bias));
    set("mlp_bias", flag_setting(has_tensor("blk.0.ffn_down.bias")));
    set("use_qk_norm", flag_setting(has_tensor("blk.0.attn_q_norm.weight")));
    set("qk_layernorm", flag_setting(has_tensor("blk.0.attn_q_norm.weight")));
    if (architecture_ == "falcon") {
      const bool is_new = has_tensor("blk.0.attn_norm_2.weight");
      set("new_decoder_architecture", flag_setting(is_new));
      set("multi_query", flag_setting(!is_new && size("attention.head_count_kv") == 1));
    }
    if (architecture_ == "gptneox" || architecture_ == "stablelm") {
      const Setting* parallel = find("use_parallel_residual");
      if (parallel != nullptr) set("use_parallel_residual", *parallel);
    }
  }

  /// Keys have the sizes of what is cached, and their `_mla` forms those of the heads.
  void set_latent() {
    const std::int64_t rotated = size("rope.dimension_count");
    const bool is_absorbed = find("attention.key_length_mla") != nullptr;
    const std::int64_t key =
        size(is_absorbed ? "attention.key_length_mla" : "attention.key_length");
    const std::int64_t value =
        size(is_absorbed ? "attention.value_length_mla" : "attention.value_length");
    set("qk_rope_head_dim", size_setting(rotated));
    set("qk_nope_head_dim", size_setting(std::max<std::int64_t>(0, key - rotated)));
    set("v_head_dim", size_setting(value));
    if (is_absorbed) set("num_key_value_heads", size_setting(size("attention.head_count")));
    const bool is_corrected =
        has_tensor(fmt::format("blk.{}.exp_probs_b.bias", size("leading_dense_block_count")));
    set("topk_method", text_setting(is_corrected ? "noaux_tc" : "greedy"));
    if (is_corrected) set("model_type", text_setting("deepseek_v3"));
  }

  void set_states() {
    set("intermediate_size", size_setting(size("ssm.inner_size")));
    const std::int64_t features = size("embedding_length");
    if (features > 0) {
      Setting expand{.kind = Setting::Kind::real};
      expand.real = static_cast<double>(size("ssm.inner_size")) / static_cast<double>(features);
      set("expand", std::move(expand));
    }
    if (architecture_ == "mamba2" && size("ssm.time_step_rank") > 0) {
      set("num_heads", size_setting(size("ssm.time_step_rank")));
      set("head_dim", size_setting(size("ssm.inner_size") / size("ssm.time_step_rank")));
    }
  }

  /// A layer without heads of keys and values is a convolution.
  void set_kinds_of_layers() {
    const Setting* heads = find("attention.head_count_kv");
    if (heads == nullptr || heads->kind != Setting::Kind::list) return;
    Setting kinds{.kind = Setting::Kind::list};
    for (const Setting& item : heads->items)
      kinds.items.push_back(text_setting(item.integer > 0 ? "full_attention" : "conv"));
    set("layer_types", std::move(kinds));
    set("block_auto_adjust_ff_dim", flag_setting(false));
    const std::int64_t dense = size("leading_dense_block_count");
    set("num_dense_layers", size_setting(dense));
  }

  const GgufMetadata& metadata_;
  const StoredWeights& weights_;
  std::string_view architecture_;
  Setting settings_;
};

}  // namespace

Setting configuration_of(const GgufMetadata& metadata, const StoredWeights& weights,
                         std::string& unknown) {
  const std::string_view architecture = metadata.text("general.architecture");
  for (const ArchitectureName& name : architecture_names) {
    if (name.architecture == architecture)
      return Translation(metadata, weights).run(name.model_type);
  }
  unknown = architecture.empty() ? "none" : architecture;
  return {};
}

}  // namespace zoometer
