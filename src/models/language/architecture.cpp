#include "models/language/architecture.hpp"

#include <fmt/core.h>

#include "models/language/defaults.hpp"
#include "models/language/stack.hpp"
#include "models/language/vision.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// Whether the head shares the embedding's table.
enum class OuterTie : std::uint8_t {
  either,  ///< as the whole file says, else as the part of the language model does
  any,     ///< if either says so
  yes,     ///< as the whole file says; else it does, whatever the part says
  no,      ///< the same; else it does not
  never,   ///< whatever the file says
};

/// A model whose language model is a part of it, and where files have its tensors.
struct OuterType {
  std::string_view name;
  std::string_view text_type;  ///< where the part does not say
  std::string_view root;
  std::string_view head;
  AddTowers add_towers = nullptr;
  bool has_usual_tower = false;  ///< without vision_config, it is that of the class
  AddTowers add_sound = nullptr;
  OuterTie tie = OuterTie::either;
};

constexpr std::string_view text_root = "language_model.model";
constexpr std::string_view text_head = "language_model.lm_head";
constexpr std::string_view below_model = "model.language_model";

constexpr OuterType outer_types[] = {
    {"gemma3", "gemma3_text", text_root, text_head, add_gemma3_tower},
    {"gemma4", "gemma4_text", below_model, "lm_head", add_gemma4_tower, false, add_gemma4_sound},
    {"qwen2_vl", "qwen2_vl_text", "model", "lm_head", add_qwen2_tower, false, nullptr,
     OuterTie::any},
    {"qwen2_5_vl", "qwen2_5_vl_text", "model", "lm_head", add_qwen2_5_tower, false, nullptr,
     OuterTie::any},
    {"qwen3_vl", "qwen3_vl_text", below_model, "lm_head", add_qwen3_tower},
    {"qwen3_vl_moe", "qwen3_vl_moe_text", below_model, "lm_head", add_qwen3_tower},
    {"qwen3_5", "qwen3_5_text", below_model, "lm_head", add_qwen3_tower},
    {"qwen3_5_moe", "qwen3_5_moe_text", below_model, "lm_head", add_qwen3_tower},
    {"llama4", "llama4_text", text_root, text_head, add_llama4_tower, true},
    {"llava", "llama", text_root, text_head, add_llava_tower, false, nullptr, OuterTie::any},
    {"mistral3", "mistral", text_root, text_head, add_pixtral_tower},
    {"ministral3", "ministral3", text_root, text_head, add_pixtral_tower},
    {"glm4v_moe", "glm4v_moe_text", below_model, "lm_head", add_glm4v_tower, false, nullptr,
     OuterTie::any},
    {"lighton_ocr", "qwen3", text_root, text_head, add_pixtral_tower, false, nullptr,
     OuterTie::yes},
    {"qianfan_ocr", "qwen3", text_root, text_head, add_internvl_tower, true, nullptr, OuterTie::no},
    {"glm4v", "glm4v_text", below_model, "lm_head", add_glm4v_tower, false, nullptr, OuterTie::any},
    {"glm46v", "glm4v_text", below_model, "lm_head", add_glm4v_tower, false, nullptr, OuterTie::no},
    {"glm_ocr", "glm_ocr_text", below_model, "lm_head", add_glm_ocr_tower, false, nullptr,
     OuterTie::any},
    {"kimi_k25", "deepseek_v3", text_root, text_head, add_kimi_tower},
    {"kimi_k3", "kimi_linear", text_root, text_head, add_kimi_tower},
    {"kimi_vl", "deepseek_v3", text_root, text_head, add_kimi_tower},
    {"internvl_chat", "internlm2", text_root, text_head, add_internvl_chat_tower, true},
    {"minimax_m3_vl", "minimax_m3_vl_text", text_root, text_head, add_minimax_tower},
    {"step3p7", "step3p5", "model", "lm_head", add_step_tower, true},
    {"gemma3n", "gemma3n_text", below_model, "lm_head"},
    {"qwen2_audio", "qwen2", text_root, text_head, nullptr, false, add_qwen2_sound,
     OuterTie::never},
    {"voxtral", "llama", text_root, text_head, nullptr, false, add_voxtral_sound, OuterTie::never},
    {"audioflamingo3", "qwen2", text_root, text_head, nullptr, false, add_flamingo_sound,
     OuterTie::never},
    {"musicflamingo", "qwen2", text_root, text_head, nullptr, false, add_flamingo_sound,
     OuterTie::never},
    {"exaone4_5", "exaone4", below_model, "lm_head", add_qwen2_5_tower, false, nullptr,
     OuterTie::no},
    {"internvl", "qwen2", text_root, text_head, add_internvl_tower, true},
    {"idefics3", "llama", "model.text_model", "lm_head", add_idefics_tower, true},
    {"smolvlm", "llama", "model.text_model", "lm_head", add_idefics_tower, true},
    {"phi3_v", "phi3", "model", "lm_head", add_phi3_tower, true},
    {"llava_next", "llama", text_root, text_head, add_llava_next_tower, false, nullptr,
     OuterTie::no},
    {"llava_next_video", "llama", text_root, text_head, add_llava_next_tower, false, nullptr,
     OuterTie::any},
    {"llava_onevision", "qwen2", text_root, text_head, add_llava_onevision_tower, false, nullptr,
     OuterTie::any},
    {"vipllava", "llama", text_root, text_head, add_vipllava_tower, false, nullptr, OuterTie::no},
    {"aya_vision", "cohere2", text_root, text_head, add_aya_tower, false, nullptr, OuterTie::yes},
    {"cohere2_vision", "cohere2", text_root, text_head, add_cohere2_tower, false, nullptr,
     OuterTie::yes},
    {"paligemma", "gemma", text_root, text_head, add_paligemma_tower, false, nullptr,
     OuterTie::yes},
    {"deepseek_vl", "llama", below_model, "lm_head", add_deepseek_vl_tower, false, nullptr,
     OuterTie::yes},
    {"lfm2_vl", "lfm2", below_model, "lm_head", add_lfm2_tower, false, nullptr, OuterTie::yes},
};

constexpr OuterType unknown_outer = {{}, {}, text_root, text_head};

const OuterType& outer_type(std::string_view name) {
  for (const OuterType& type : outer_types) {
    if (type.name == name) return type;
  }
  return unknown_outer;
}

/// Towers and other models beside the language model, which the graph does not have.
constexpr std::string_view other_parts[] = {"vision_config", "audio_config",  "vision",
                                            "visual",        "speech_config", "img_processor"};

void note_other_parts(const Configuration& config, bool has_tower, bool has_sound,
                      std::vector<std::string>& notes) {
  for (const std::string_view key : other_parts) {
    const bool is_sound = key == "audio_config" || key == "speech_config";
    if (config.has(key) && !(is_sound ? has_sound : has_tower))
      notes.push_back(fmt::format("{} is not part of the graph: only the language model is", key));
  }
  if (const auto idle = config.size_if({"zero_expert_num"})) {
    if (*idle > 0)
      notes.push_back(fmt::format(
          "{} experts return their input: tokens that choose them take fewer products than counted",
          *idle));
  }
  if (const auto quantisation = config.part({"quantization_config", "compression_config"})) {
    notes.push_back(
        fmt::format("tensors of the graph have the type of weights before the quantisation {}: "
                    "zoometer quant shows its bytes if it knows the method",
                    quantisation->text({"quant_method"}, "of quantization_config")));
  }
  constexpr std::string_view more = "num_nextn_predict_layers";
  if (const auto layers = config.size_if({more, "mtp_num_hidden_layers", "num_mtp_modules"}))
    if (*layers > 0)
      notes.push_back(fmt::format("{} layer{} for multi-token prediction {} not part of the graph",
                                  *layers, *layers == 1 ? "" : "s", *layers == 1 ? "is" : "are"));
}

/// How many tokens of the decoder a picture is, by an example.
void note_towers(const ModelPlan& plan, const Passage& passage, std::vector<std::string>& notes) {
  for (const StackPlan& stack : plan.stacks) {
    const bool is_picture = stack.use == StackPlan::Use::picture;
    if (stack.is_idle || (!is_picture && stack.use != StackPlan::Use::sound)) continue;
    Shape sample{1};
    for (const std::int64_t size : stack.sample) sample.push_back(size);
    notes.push_back(fmt::format(
        "{} of {} gives {} tokens{}", is_picture ? "a picture" : "a sound", to_short_string(sample),
        stack_tokens(stack, sample),
        passage.inputs.empty() ? fmt::format("; none passes without --input-shape {}=", stack.input)
                               : ""));
  }
}

/// `plan_says`: the outer flag, else the inner one, else that of the class.
bool is_tied(OuterTie rule, const Configuration& outer, const Configuration& part, bool plan_says) {
  constexpr std::string_view key = "tie_word_embeddings";
  switch (rule) {
  case OuterTie::either: return plan_says;
  case OuterTie::any: return plan_says || Configuration(part.object()).flag({key}, false);
  case OuterTie::yes: return outer.flag({key}, true);
  case OuterTie::no: return outer.flag({key}, false);
  case OuterTie::never: return false;
  }
  return plan_says;
}

[[noreturn]] void refuse_type(std::string_view name) {
  Error error(ErrorCode::unsupported, name.empty()
                                          ? "the configuration has no model_type"
                                          : fmt::format("the model type {} is not known", name));
  error.hint = "docs/language_models.md lists the model types; in Python, zoometer.profile(model, "
               "...) takes any";
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

ModelPlan plan_of(const Configuration& config, TraceNotes notes) {
  const std::string_view name = config.text({"model_type"});
  const auto part = config.part({"text_config", "language_config", "llm_config"});
  const OuterType& outer = outer_type(name);
  const ModelType* type = find_model_type(name);
  const bool is_whole = type != nullptr && type->is_whole;
  if (!is_whole) {
    const std::string_view text_name = part ? part->text({"model_type"}, outer.text_type) : name;
    type = find_model_type(text_name);
    if (type == nullptr) type = find_model_type(outer.text_type);
    if (type == nullptr) refuse_type(text_name);
  }
  const bool has_tower = is_whole || (outer.add_towers != nullptr &&
                                      (outer.has_usual_tower || config.part({"vision_config"})));
  const bool has_sound = outer.add_sound != nullptr && config.part({"audio_config"}).has_value();
  note_other_parts(config, has_tower, has_sound, notes.ignored);
  if (part && !is_whole) note_other_parts(*part, false, false, notes.ignored);
  const Configuration& own = part && !is_whole ? *part : config;
  ModelPlan plan = type->plan(own.with_defaults(class_defaults(type->name)));
  if (part && !is_whole) {
    plan.root = outer.root;
    if (!plan.head.empty()) plan.head = outer.head;
  }
  if (part && !is_whole) plan.is_tied = is_tied(outer.tie, config, *part, plan.is_tied);
  if (has_tower && !is_whole) outer.add_towers(config, plan);
  if (has_sound && !is_whole) outer.add_sound(config, plan);
  notes.ignored.insert(notes.ignored.end(), plan.left_out.begin(), plan.left_out.end());
  if (has_tower && outer.has_usual_tower && !config.has("vision_config") &&
      !config.has("img_processor"))
    notes.assumed.push_back("vision_config is missing: the tower has the sizes of its class");
  return plan;
}

void trace_language_model(const Configuration& config, const Passage& passage, Graph& graph,
                          TraceNotes notes, const Adapters& adapters) {
  ModelPlan plan = plan_of(config, notes);
  add_adapters(adapters, plan);
  note_towers(plan, passage, notes.assumed);
  trace_model(plan, passage, graph);
}

}  // namespace zoometer
