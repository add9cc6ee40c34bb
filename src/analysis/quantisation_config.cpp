// What `quantization_config` of a configuration means: its checkpoint's scheme and the modules that
// are left alone. Each library has keys of its own.
#include <algorithm>

#include "analysis/quantisation.hpp"
#include "models/language/common.hpp"
#include "models/language/plan.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Kind = Scheme::Kind;

std::optional<Configuration> language_part(const Configuration& config) {
  return config.part({"text_config", "language_config", "llm_config"});
}

/// The lists of names under these keys.
void take_names(const Configuration& config, Keys keys, Scheme& scheme) {
  for (const std::string_view key : keys) {
    const Setting* list = config.find({key});
    if (list == nullptr || list->kind != Setting::Kind::list) continue;
    if (scheme.left_alone == nullptr) scheme.left_alone = std::make_shared<ModuleNames>();
    for (const Setting& item : list->items)
      if (item.kind == Setting::Kind::text) scheme.left_alone->add(item.text);
  }
}

Scheme named(std::string name, Kind kind) {
  Scheme scheme;
  scheme.name = std::move(name);
  scheme.kind = kind;
  return scheme;
}

Scheme of_groups(const Configuration& config, std::string name, Kind kind, std::int64_t bits) {
  Scheme scheme = named(std::move(name), kind);
  scheme.bits = std::clamp<std::int64_t>(config.size({"bits", "w_bit", "num_bits"}, bits), 1, 32);
  const Setting* group = config.find({"group_size", "q_group_size"});
  // -1, or none: one group for each row.
  const bool is_whole = group != nullptr && group->integer <= 0;
  scheme.group = is_whole
                     ? std::int64_t{1} << 40
                     : std::max<std::int64_t>(1, config.size({"group_size", "q_group_size"}, 128));
  return scheme;
}

Scheme float8(const Configuration& config) {
  const std::vector<std::int64_t> block = config.sizes({"weight_block_size"});
  if (block.empty()) return named("fp8", Kind::fp8_tensor);
  Scheme scheme = named("fp8-block", Kind::fp8_block);
  scheme.group = std::max<std::int64_t>(1, block.front());
  return scheme;
}

std::optional<Scheme> bitsandbytes(const Configuration& config) {
  if (config.flag({"load_in_4bit", "_load_in_4bit"}, false)) {
    const bool is_double = config.flag({"bnb_4bit_use_double_quant"}, false);
    return named(is_double ? "nf4:double" : "nf4", is_double ? Kind::nf4_double : Kind::nf4);
  }
  return named("int8", Kind::int8);
}

/// The first group of compressed-tensors says how weights are stored.
std::optional<Scheme> compressed_tensors(const Configuration& config) {
  const auto groups = config.part({"config_groups"});
  if (!groups || groups->object().members.empty()) return {};
  const auto group = groups->part({groups->object().members.front().first});
  const auto weights = group ? group->part({"weights"}) : std::nullopt;
  if (!weights) return {};
  const std::string_view strategy = weights->text({"strategy"}, "tensor");
  const std::int64_t bits = weights->size({"num_bits"}, 8);
  if (weights->text({"type"}, "int") == "float") {
    const std::string_view format = group->text({"format"}, config.text({"format"}));
    if (bits == 4 && format.find("mxfp4") != std::string_view::npos) {
      Scheme scheme = named("mxfp4", Kind::mxfp4);
      scheme.is_of_all_linear = true;
      return scheme;
    }
    if (bits == 4) return named("nvfp4", Kind::nvfp4);
    if (strategy == "block") return named("fp8-block", Kind::fp8_block);
    if (strategy == "channel") return named("fp8-channel", Kind::fp8_channel);
    return named("fp8", Kind::fp8_tensor);
  }
  Scheme scheme = of_groups(*weights, "w" + std::to_string(bits) + "a16", Kind::packed, bits);
  scheme.has_zero_points = !weights->flag({"symmetric"}, true);
  const Setting* order = weights->find({"actorder"});
  scheme.has_group_index =
      order != nullptr && order->kind == Setting::Kind::text && order->text == "group";
  return scheme;
}

std::optional<Kind> kind_of_algorithm(std::string_view name) {
  if (name.find("NVFP4") != std::string_view::npos) return Kind::nvfp4;
  if (name == "MXFP8") return Kind::mxfp8;
  if (name == "FP8") return Kind::fp8_tensor;
  return {};
}

/// A scheme for each module that is listed: {"model.layers.0.mlp.up_proj": {"quant_algo": "FP8"}}.
std::optional<Scheme> mixed_precision(const Configuration& config) {
  const auto listed = config.part({"quantized_layers"});
  if (!listed) return {};
  Scheme scheme = named("mixed", Kind::nvfp4);
  for (const auto& [module, settings] : listed->object().members) {
    if (settings.kind != Setting::Kind::object) continue;
    const auto kind = kind_of_algorithm(Configuration(settings).text({"quant_algo"}));
    if (kind) scheme.own_kinds.emplace(module, *kind);
  }
  return scheme.own_kinds.empty() ? std::nullopt : std::optional<Scheme>(scheme);
}

std::optional<Scheme> modelopt(const Configuration& config) {
  const auto inner = config.part({"quantization"});
  const Configuration& part = inner ? *inner : config;
  const std::string_view algorithm = part.text({"quant_algo"});
  std::optional<Scheme> scheme;
  if (const auto kind = kind_of_algorithm(algorithm))
    scheme = named(*kind == Kind::fp8_tensor ? "fp8"
                   : *kind == Kind::mxfp8    ? "mxfp8"
                                             : "nvfp4",
                   *kind);
  if (algorithm == "MIXED_PRECISION") scheme = mixed_precision(part);
  if (scheme) take_names(part, {"exclude_modules", "ignore"}, *scheme);
  return scheme;
}

std::optional<Scheme> scheme_of_method(std::string_view method, const Configuration& config) {
  if (method == "fp8" || method == "fbgemm_fp8") return float8(config);
  if (method == "gptq") return of_groups(config, "gptq", Kind::gptq, 4);
  if (method == "awq") return of_groups(config, "awq", Kind::awq, 4);
  if (method == "mxfp4") return named("mxfp4", Kind::mxfp4);
  if (method == "bitsandbytes") return bitsandbytes(config);
  if (method == "compressed-tensors") return compressed_tensors(config);
  const bool is_modelopt =
      method.starts_with("modelopt") ||
      (method.empty() && (config.has("quant_algo") || config.has("quantization")));
  if (is_modelopt) return modelopt(config);
  return {};
}

/// The tables of frequencies that GGUF files have.
void add_rotary_tables(const Configuration& config, WeightContext& context) {
  if (const auto wide = config.size_if({"global_head_dim"}))
    context.rotary_tables.emplace_back("rope_freqs.weight", *wide / 2);
  const auto scaling = config.part({"rope_scaling", "rope_parameters"});
  if (!scaling) return;
  if (scaling->text({"rope_type", "type"}) == "llama3")
    context.rotary_tables.emplace_back("rope_freqs.weight", head_size(config) / 2);
  for (const std::string_view length : {"long", "short"}) {
    const std::string key = std::string(length) + "_factor";
    const Setting* factors = scaling->find({key});
    if (factors == nullptr || factors->kind != Setting::Kind::list) continue;
    context.rotary_tables.emplace_back("rope_factors_" + std::string(length) + ".weight",
                                       static_cast<std::int64_t>(factors->items.size()));
  }
}

/// The query heads of each key head, as llama.cpp takes them of the first layer: none where that
/// keeps a state. Delta nets' files have the heads of the other layers there, and latent attention
/// is converted with one key head.
std::int64_t groups_of(const ModelPlan& plan) {
  for (const LayerPlan& layer : plan.plans) {
    if (const auto* attention = std::get_if<AttentionPlan>(&layer.mixer))
      return attention->heads / std::max<std::int64_t>(1, attention->key_value_heads);
    if (const auto* latent = std::get_if<LatentPlan>(&layer.mixer)) return latent->heads;
    const auto* state = std::get_if<StatePlan>(&layer.mixer);
    if (state == nullptr || state->kind != StatePlan::Kind::delta) return 0;
  }
  return 0;
}

/// Sizes of the model that llama.cpp's rules ask for.
void add_sizes(const ModelPlan& plan, WeightContext& context) {
  context.groups = groups_of(plan);
  for (const LayerPlan& layer : plan.plans) {
    const auto* state = std::get_if<StatePlan>(&layer.mixer);
    const bool is_mamba2 = state != nullptr && state->kind == StatePlan::Kind::mamba2;
    context.has_mamba2 = context.has_mamba2 || is_mamba2;
    if (state != nullptr && state->kind == StatePlan::Kind::delta && state->is_fused) {
      context.gate_rows = state->heads * state->head;
      context.gated_rows = 2 * (context.gate_rows + state->key_heads * state->key_head);
    }
    if (const auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward))
      context.experts = std::max(context.experts, experts->experts);
    if (layer.has_experts_beside)
      context.experts = std::max(context.experts, layer.experts.experts);
    const auto* latent = std::get_if<LatentPlan>(&layer.mixer);
    if (latent != nullptr && context.model_type != "minicpm3") {  // whose files have it whole
      context.latent_key = latent->plain;
      context.latent_value = latent->value;
    }
  }
}

}  // namespace

std::optional<Scheme> scheme_of_configuration(const Setting& settings, std::string& unknown) {
  const Configuration config(settings);
  auto quantisation = config.part({"quantization_config", "compression_config"});
  const auto part = language_part(config);
  if (!quantisation && part)
    quantisation = part->part({"quantization_config", "compression_config"});
  if (!quantisation) {
    const auto mlx = config.part({"quantization"});  // MLX has no method
    if (!mlx || !mlx->has("bits")) return {};
    return of_groups(*mlx, "mlx", Kind::mlx, 4);
  }
  const std::string_view method = quantisation->text({"quant_method"});
  std::optional<Scheme> scheme = scheme_of_method(method, *quantisation);
  if (!scheme) {
    unknown = method.empty() ? "without a method" : method;
    return {};
  }
  scheme->has_fp4_experts =
      scheme->kind == Kind::fp8_block && config.text({"expert_dtype"}) == "fp4";
  take_names(*quantisation,
             {"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules",
              "llm_int8_skip_modules"},
             *scheme);
  return scheme;
}

WeightContext weight_context(const Setting& settings) {
  const Configuration config(settings);
  const auto part = language_part(config);
  const Configuration& language = part ? *part : config;
  const std::string_view type = language.text({"model_type"});
  WeightContext context;
  context.model_type = type;
  add_rotary_tables(language, context);
  std::vector<std::string> none;
  try {
    add_sizes(plan_of(config, {none, none}), context);
  } catch (const Error&) {  // a part that is not known: its trace reports it
  }
  context.experts = language.size({"num_local_experts", "num_experts", "n_routed_experts"}, 0);
  context.has_float32_routers = type.starts_with("minimax");
  const bool names_type = !config.text({"dtype", "torch_dtype"}).empty() ||
                          !language.text({"dtype", "torch_dtype"}).empty();
  if (!names_type) context.usual_type = DType::bfloat16;
  return context;
}

}  // namespace zoometer
