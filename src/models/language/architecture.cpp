#include "models/language/architecture.hpp"

#include <fmt/core.h>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// A model whose language model is a part of it, and where files have its tensors.
struct OuterType {
  std::string_view name;
  std::string_view text_type;  ///< where the part does not say
  std::string_view root;
  std::string_view head;
};

constexpr OuterType outer_types[] = {
    {"gemma3", "gemma3_text", "language_model.model", "language_model.lm_head"},
    {"gemma4", "gemma4_text", "model.language_model", "lm_head"},
    {"qwen2_vl", "qwen2_vl_text", "model", "lm_head"},
    {"qwen2_5_vl", "qwen2_5_vl_text", "model", "lm_head"},
    {"qwen3_vl", "qwen3_vl_text", "model.language_model", "lm_head"},
    {"qwen3_vl_moe", "qwen3_vl_moe_text", "model.language_model", "lm_head"},
    {"qwen3_5", "qwen3_5_text", "model.language_model", "lm_head"},
    {"qwen3_5_moe", "qwen3_5_moe_text", "model.language_model", "lm_head"},
    {"llama4", "llama4_text", "language_model.model", "language_model.lm_head"},
    {"llava", "llama", "language_model.model", "language_model.lm_head"},
    {"mistral3", "mistral", "language_model.model", "language_model.lm_head"},
    {"ministral3", "ministral3", "language_model.model", "language_model.lm_head"},
    {"glm4v_moe", "glm4v_moe_text", "model.language_model", "lm_head"},
    {"kimi_k25", "deepseek_v3", "language_model.model", "language_model.lm_head"},
    {"minimax_m3_vl", "minimax_m3_vl_text", "language_model.model", "language_model.lm_head"},
    {"step3p7", "step3p5", "model", "lm_head"},
};

constexpr OuterType unknown_outer = {{}, {}, "language_model.model", "language_model.lm_head"};

const OuterType& outer_type(std::string_view name) {
  for (const OuterType& type : outer_types) {
    if (type.name == name) return type;
  }
  return unknown_outer;
}

/// Towers and other models beside the language model, which the graph does not have.
constexpr std::string_view other_parts[] = {"vision_config", "audio_config",  "vision",
                                            "visual",        "speech_config", "img_processor"};

void note_other_parts(const Configuration& config, std::vector<std::string>& notes) {
  for (const std::string_view key : other_parts) {
    if (config.has(key))
      notes.push_back(fmt::format("{} is not part of the graph: only the language model is", key));
  }
  if (const auto quantisation = config.part({"quantization_config", "compression_config"})) {
    notes.push_back(
        fmt::format("the quantisation {} was not taken into account: tensors have the type of "
                    "unquantised weights",
                    quantisation->text({"quant_method"}, "of quantization_config")));
  }
  if (const auto layers = config.size_if({"num_nextn_predict_layers", "mtp_num_hidden_layers"}))
    if (*layers > 0)
      notes.push_back(fmt::format("{} layer{} for multi-token prediction {} not part of the graph",
                                  *layers, *layers == 1 ? "" : "s", *layers == 1 ? "is" : "are"));
}

[[noreturn]] void refuse_type(std::string_view name) {
  Error error(ErrorCode::unsupported, name.empty()
                                          ? "the configuration has no model_type"
                                          : fmt::format("the model type {} is not known", name));
  error.hint = "docs/language_models.md lists the model types";
  throw error;
}

}  // namespace

const ModelType* find_model_type(std::string_view name) noexcept {
  for (const Architecture* architecture : architectures()) {
    for (const ModelType& type : architecture->types) {
      if (type.name == name) return &type;
    }
  }
  return nullptr;
}

void trace_language_model(const Configuration& config, const Passage& passage, Graph& graph,
                          std::vector<std::string>& notes) {
  const std::string_view name = config.text({"model_type"});
  const auto part = config.part({"text_config", "language_config", "llm_config"});
  const OuterType& outer = outer_type(name);
  const std::string_view text_name =
      part ? part->text({"model_type"}, outer.text_type) : std::string_view(name);
  const ModelType* type = find_model_type(text_name);
  if (type == nullptr) type = find_model_type(outer.text_type);
  if (type == nullptr) refuse_type(text_name);
  note_other_parts(config, notes);
  if (part) note_other_parts(*part, notes);
  DecoderPlan plan = type->plan(part ? *part : config);
  if (part) {
    plan.root = outer.root;
    if (!plan.head.empty()) plan.head = outer.head;
  }
  trace_decoder(plan, passage, graph);
}

}  // namespace zoometer
