// Qwen2.5-Omni and Qwen3-Omni: a language model with pictures and sound (the thinker), and what
// speaks: the talker and the vocoder, which nothing passes here.
#include <string>

#include "models/language/architecture.hpp"
#include "models/language/defaults.hpp"
#include "models/language/tower_parts.hpp"
#include "models/language/vision.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace omni_models {
namespace {

constexpr StackPlan::Use alone = StackPlan::Use::alone;

/// An object of the configuration; an empty one if there is none.
Configuration part_or_none(const Configuration& config, std::string_view key) {
  static const Setting none{.kind = Setting::Kind::object};
  return config.part({key}).value_or(Configuration(none));
}

/// The plan of a language model that is a part, with the defaults of its own class.
ModelPlan text_of(const Configuration& text, std::string_view type) {
  return find_model_type(type)->plan(text.with_defaults(class_defaults(type)));
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), to), at += to.size();
}

/// Puts the paths of a stack below another one.
void move_below(StackPlan& stack, std::string_view root) {
  const auto move = [&](auto& self, std::vector<Step>& steps) -> void {
    for (Step& step : steps) {
      if (!step.name.empty()) step.name = std::string(root) + step.name;
      self(self, step.inner);
    }
  };
  move(move, stack.steps);
}

/// Qwen2.5-VL's tower, with layers of query, key and value of their own.
void add_omni_tower(const Configuration& thinker, std::string_view root, ModelPlan& plan) {
  add_qwen2_5_tower(thinker, plan);
  StackPlan& tower = plan.stacks.back();
  for (Step& step : tower.steps) {
    for (LayerPlan& layer : step.plans) {
      auto& attention = std::get<AttentionPlan>(layer.mixer);
      attention.fused = {};
      attention.query = "q";
      attention.key = "k";
      attention.value = "v";
    }
  }
  move_below(tower, root);
}

/// Qwen3-VL's tower under other names.
void add_omni3_tower(const Configuration& thinker, std::string_view root, ModelPlan& plan) {
  add_qwen3_tower(thinker, plan);
  StackPlan& tower = plan.stacks.back();
  const auto rename = [&](auto& self, std::vector<Step>& steps) -> void {
    for (Step& step : steps) {
      replace_all(step.name, "model.visual", "visual");
      replace_all(step.name, "deepstack_merger_list", "merger_list");
      if (step.name.find("merger") != std::string::npos) {
        replace_all(step.name, ".linear_fc1", ".mlp.0");
        replace_all(step.name, ".linear_fc2", ".mlp.2");
        replace_all(step.name, ".norm", ".ln_q");
      }
      self(self, step.inner);
    }
  };
  rename(rename, tower.steps);
  move_below(tower, root);
}

/// The layers of a language model, its embedding and norm: stored, not run.
StackBuilder idle_decoder(const ModelPlan& model, std::string root, std::string_view container) {
  StackBuilder stack(alone, "input_ids", std::move(root));
  stack.plan.is_idle = true;
  stack.plan.container = container;
  stack.plan.features = model.features;
  stack.plan.norm_kind = model.norm_kind;
  stack.layers("layers", model.plans).norm("norm", model.features, model.norm_kind);
  return stack;
}

// -- Qwen2.5-Omni's speech ----------------------------------------------------------------------

void add_talker(const Configuration& config, ModelPlan& plan) {
  const Configuration talker =
      part_or_none(config, "talker_config").with_defaults(class_defaults("qwen2_5_omni_talker"));
  const ModelPlan model = find_model_type("qwen2")->plan(talker);
  const std::int64_t inner = talker.size({"embedding_size"}, 3584);
  StackBuilder stack = idle_decoder(model, "talker.model", "Talker");
  stack.tokens("embed_tokens", model.vocabulary, inner)
      .in("talker")
      .linear("thinker_to_talker_proj", inner, model.features)
      .linear("codec_head", model.features, model.vocabulary, false);
  plan.stacks.push_back(std::move(stack.plan));
}

std::int64_t item_of(const std::vector<std::int64_t>& list, std::size_t at, std::int64_t usual) {
  return list.size() > at ? list[at] : usual;
}

void convolution_of(StackBuilder& stack, const std::string& name, std::int64_t in, std::int64_t out,
                    std::int64_t kernel, bool bias = true) {
  stack.stored(name + ".weight", {out, in, kernel});
  if (bias) stack.stored(name + ".bias", {out});
}

void layer_of(StackBuilder& stack, const std::string& name, std::int64_t in, std::int64_t out,
              bool bias = true) {
  stack.stored(name + ".weight", {out, in});
  if (bias) stack.stored(name + ".bias", {out});
}

/// The encoder of a speaker's voice (ECAPA-TDNN), a part of the diffusion transformer.
void add_speaker_encoder(StackBuilder& stack, const Configuration& config) {
  std::vector<std::int64_t> channels = config.sizes({"enc_channels"});
  if (channels.size() != 5) channels = {256, 256, 256, 256, 768};
  std::vector<std::int64_t> kernels = config.sizes({"enc_kernel_sizes"});
  if (kernels.size() != 5) kernels = {5, 3, 3, 3, 1};
  const std::int64_t scale = positive_size(config, {"enc_res2net_scale"}, 2);
  const std::int64_t squeezed = config.size({"enc_se_channels"}, 64);
  const std::int64_t attended = config.size({"enc_attention_channels"}, 64);
  const std::int64_t last = channels[4];
  convolution_of(stack, "blocks.0.conv", config.size({"mel_dim"}, 80), channels[0], kernels[0]);
  std::int64_t joined = 0;
  for (std::size_t i = 1; i < 4; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    const std::int64_t width = channels[i];
    joined = checked_add(joined, width);
    convolution_of(stack, block + "tdnn1.conv", channels[i - 1], width, 1);
    for (std::int64_t j = 0; j + 1 < scale; ++j)
      convolution_of(stack, block + "res2net_block.blocks." + std::to_string(j) + ".conv",
                     width / scale, width / scale, kernels[i]);
    convolution_of(stack, block + "tdnn2.conv", width, width, 1);
    convolution_of(stack, block + "se_block.conv1", width, squeezed, 1);
    convolution_of(stack, block + "se_block.conv2", squeezed, width, 1);
  }
  convolution_of(stack, "mfa.conv", joined, last, kernels[4]);
  convolution_of(stack, "asp.tdnn.conv", checked_mul(3, last), attended, 1);
  convolution_of(stack, "asp.conv", attended, last, 1);
  convolution_of(stack, "fc", checked_mul(2, last), config.size({"enc_dim"}, 128), 1);
}

/// Codes to a spectrum: a diffusion transformer.
void add_diffusion(StackBuilder& stack, const Configuration& config) {
  const std::string root = "token2wav.code2wav_dit_model";
  const std::int64_t d = config.size({"hidden_size", "dim"}, 1024);
  const std::int64_t inner =
      checked_mul(config.size({"num_attention_heads", "heads"}, 16), config.size({"head_dim"}, 64));
  const std::int64_t wide = checked_mul(config.size({"ff_mult"}, 2), d);
  const std::int64_t mel = config.size({"mel_dim"}, 80);
  const std::int64_t words = config.size({"emb_dim"}, 512);
  const std::int64_t in = checked_add(checked_add(mel, config.size({"enc_dim"}, 128)),
                                      checked_add(config.size({"enc_emb_dim"}, 192), words));
  stack.in(root);
  layer_of(stack, "time_embed.time_mlp.0", 256, d);
  layer_of(stack, "time_embed.time_mlp.2", d, d);
  stack.stored("text_embed.codec_embed.weight",
               {checked_add(config.size({"num_embeds"}, 8193), 1), words});
  layer_of(stack, "input_embed.proj", in, d);
  stack.in(root + ".input_embed.spk_encoder");
  add_speaker_encoder(stack, config);
  for (std::int64_t i = 0; i < bounded_layers(config, {"num_hidden_layers", "depth"}, 22); ++i) {
    stack.in(root + ".transformer_blocks." + std::to_string(i));
    layer_of(stack, "attn_norm.linear", d, checked_mul(6, d));
    for (const char* name : {"attn.to_q", "attn.to_k", "attn.to_v"})
      layer_of(stack, name, d, inner);
    layer_of(stack, "attn.to_out.0", inner, d);
    layer_of(stack, "ff.ff.0", d, wide);
    layer_of(stack, "ff.ff.3", wide, d);
  }
  stack.in(root);
  layer_of(stack, "norm_out.linear", d, checked_mul(2, d));
  layer_of(stack, "proj_out", d, mel);
}

/// A spectrum to sound: BigVGAN (Lee and others, 2022).
void add_vocoder(StackBuilder& stack, const Configuration& config) {
  const std::vector<std::int64_t> rates = config.sizes({"upsample_rates"});
  std::vector<std::int64_t> ups = config.sizes({"upsample_kernel_sizes"});
  if (ups.empty()) ups = {11, 7, 4, 4, 4, 4};
  std::vector<std::int64_t> kernels = config.sizes({"resblock_kernel_sizes"});
  if (kernels.empty()) kernels = {3, 7, 11};
  const std::size_t stages = rates.empty() ? ups.size() : rates.size();
  if (stages > 32 || kernels.size() > 32) throw_unknown_part("a vocoder of more than 32 stages");
  std::int64_t width = config.size({"upsample_initial_channel"}, 1536);
  stack.in("token2wav.code2wav_bigvgan_model");
  convolution_of(stack, "conv_pre", config.size({"mel_dim"}, 80), width, 7);
  std::size_t number = 0;
  for (std::size_t i = 0; i < stages; ++i) {
    const std::string up = "ups." + std::to_string(i) + ".0";
    stack.stored(up + ".weight", {width, width / 2, item_of(ups, i, 4)});
    width /= 2;
    stack.stored(up + ".bias", {width});
    for (const std::int64_t kernel : kernels) {
      const std::string block = "resblocks." + std::to_string(number++) + ".";
      for (int j = 0; j < 3; ++j) {
        convolution_of(stack, block + "convs1." + std::to_string(j), width, width, kernel);
        convolution_of(stack, block + "convs2." + std::to_string(j), width, width, kernel);
      }
      for (int j = 0; j < 6; ++j) {
        const std::string act = block + "activations." + std::to_string(j) + ".act.";
        stack.stored(act + "alpha", {width}).stored(act + "beta", {width});
      }
    }
  }
  stack.stored("activation_post.act.alpha", {width}).stored("activation_post.act.beta", {width});
  convolution_of(stack, "conv_post", width, 1, 7, false);
}

void add_speech(const Configuration& config, ModelPlan& plan) {
  add_talker(config, plan);
  const Configuration vocoder = part_or_none(config, "token2wav_config");
  StackBuilder stack(alone, "codes", {});
  stack.plan.is_idle = true;
  stack.plan.container = "Vocoder";
  add_diffusion(stack, part_or_none(vocoder, "dit_config"));
  add_vocoder(stack, part_or_none(vocoder, "bigvgan_config"));
  plan.stacks.push_back(std::move(stack.plan));
  plan.left_out.emplace_back(
      "the talker and the vocoder have parameters; what passes them is not part of the graph");
}

// -- the thinkers -------------------------------------------------------------------------------

using AddTower = void (*)(const Configuration& thinker, std::string_view root, ModelPlan& plan);
using AddSound = void (*)(const Configuration& thinker, ModelPlan& plan);

/// A thinker's language model with its tower of pictures and its encoder of sound, whose stack is
/// the last one. `root` begins the names of a whole model: "thinker."; else it is empty.
ModelPlan thinker_plan(const Configuration& thinker, const std::string& root,
                       std::string_view text_type, AddTower add_tower, AddSound add_sound) {
  ModelPlan plan = text_of(part_or_none(thinker, "text_config"), text_type);
  plan.root = root.empty() ? "model" : "thinker.model";
  plan.head = root.empty() ? "lm_head" : "thinker.lm_head";
  plan.is_tied = thinker.flag({"tie_word_embeddings"}, false);
  add_tower(thinker, root, plan);
  add_sound(thinker, plan);
  move_below(plan.stacks.back(), root);
  return plan;
}

ModelPlan thinker2_5_plan(const Configuration& thinker, const std::string& root) {
  return thinker_plan(thinker, root, "qwen2_5_omni_text", add_omni_tower, add_qwen2_5_omni_sound);
}
ModelPlan qwen2_5_thinker(const Configuration& config) { return thinker2_5_plan(config, {}); }
ModelPlan qwen2_5_omni(const Configuration& config) {
  ModelPlan plan = thinker2_5_plan(part_or_none(config, "thinker_config"), "thinker.");
  if (config.flag({"enable_audio_output"}, true)) add_speech(config, plan);
  return plan;
}
ModelPlan qwen3_thinker(const Configuration& config) {
  return thinker_plan(config, {}, "qwen3_omni_moe_text", add_omni3_tower, add_qwen3_omni_sound);
}

constexpr ModelType types[] = {
    {"qwen2_5_omni", qwen2_5_omni, true},
    {"qwen2_5_omni_thinker", qwen2_5_thinker, true},
    {"qwen3_omni_moe_thinker", qwen3_thinker, true},
};

}  // namespace
}  // namespace omni_models

extern constinit const Architecture omni_architecture = {
    "Omni", "Xu and others, Qwen2.5-Omni, 2025; Qwen3-Omni, 2025.", omni_models::types};

}  // namespace zoometer
