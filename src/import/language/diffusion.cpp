// config.json of a model of the diffusers library: FLUX's transformer and the U-Net of Stable
// Diffusion. Their tensors follow from it; what passes through them is not computed.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "import/importer.hpp"
#include "import/language/config.hpp"
#include "import/weights/bare_graph.hpp"
#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::size_t searched_for_class = std::size_t{1} << 16;
constexpr std::int64_t most_blocks = 1024;
constexpr StorageType single{"F32", 1, 32, DType::float32};
constexpr StorageType half{"F16", 1, 16, DType::float16};
constexpr StorageType brain{"BF16", 1, 16, DType::bfloat16};

/// A module's path: "down_blocks" and 0 are "down_blocks.0".
std::string path_of(std::string_view outer, std::string_view inner) {
  return fmt::format("{}.{}", outer, inner);
}
std::string path_of(std::string_view outer, std::int64_t number) {
  return fmt::format("{}.{}", outer, number);
}

/// The tensors of layers, as PyTorch names them.
class TensorList {
 public:
  explicit TensorList(const StorageType& type) : type_(&type) {}

  void add(const std::string& name, std::initializer_list<std::int64_t> shape) {
    weights.add({.name = name, .shape = {shape.begin(), shape.size()}, .type = type_});
  }
  void linear(const std::string& path, std::int64_t in, std::int64_t out, bool has_bias = true) {
    add(path + ".weight", {out, in});
    if (has_bias) add(path + ".bias", {out});
  }
  void convolution(const std::string& path, std::int64_t in, std::int64_t out,
                   std::int64_t kernel) {
    add(path + ".weight", {out, in, kernel, kernel});
    add(path + ".bias", {out});
  }
  void norm(const std::string& path, std::int64_t features, bool has_bias = true) {
    add(path + ".weight", {features});
    if (has_bias) add(path + ".bias", {features});
  }

  StoredWeights weights;

 private:
  const StorageType* type_;
};

const StorageType& type_of(const Configuration& config) {
  const std::string_view name = config.text({"dtype", "torch_dtype"});
  if (name.ends_with("bfloat16")) return brain;
  return name.ends_with("float16") ? half : single;
}

// -- FLUX ---------------------------------------------------------------------------------------

/// Black Forest Labs, 2024: blocks of text and picture side by side, then of both in one sequence.
void add_flux(const Configuration& config, TensorList& list) {
  const std::int64_t head = config.size({"attention_head_dim"}, 128);
  const std::int64_t d = checked_mul(config.size({"num_attention_heads"}, 24), head);
  const std::int64_t in = config.size({"in_channels"}, 64);
  const std::int64_t patch = config.size({"patch_size"}, 1);
  const auto two_layers = [&](const std::string& path, std::int64_t features) {
    list.linear(path + ".linear_1", features, d);
    list.linear(path + ".linear_2", d, d);
  };
  const auto attention = [&](const std::string& path, std::string_view before,
                             std::string_view after, std::string_view added) {
    for (const std::string_view part : {"q", "k", "v"})
      list.linear(fmt::format("{}.{}{}{}", path, before, part, after), d, d);
    for (const std::string_view part : {"q", "k"})
      list.norm(fmt::format("{}.norm_{}{}", path, added, part), head, false);
  };
  const auto network = [&](const std::string& path) {
    list.linear(path + ".net.0.proj", d, checked_mul(4, d));
    list.linear(path + ".net.2", checked_mul(4, d), d);
  };
  list.linear("x_embedder", in, d);
  list.linear("context_embedder", config.size({"joint_attention_dim"}, 4096), d);
  two_layers("time_text_embed.timestep_embedder", 256);
  if (config.flag({"guidance_embeds"}, false)) two_layers("time_text_embed.guidance_embedder", 256);
  two_layers("time_text_embed.text_embedder", config.size({"pooled_projection_dim"}, 768));
  for (std::int64_t i = 0; i < bounded_layers(config, {"num_layers"}, 19); ++i) {
    const std::string block = path_of("transformer_blocks", i);
    list.linear(block + ".norm1.linear", d, checked_mul(6, d));
    list.linear(block + ".norm1_context.linear", d, checked_mul(6, d));
    attention(block + ".attn", "to_", "", "");
    list.linear(block + ".attn.to_out.0", d, d);
    attention(block + ".attn", "add_", "_proj", "added_");
    list.linear(block + ".attn.to_add_out", d, d);
    network(block + ".ff");
    network(block + ".ff_context");
  }
  for (std::int64_t i = 0; i < bounded_layers(config, {"num_single_layers"}, 38); ++i) {
    const std::string block = path_of("single_transformer_blocks", i);
    list.linear(block + ".norm.linear", d, checked_mul(3, d));
    list.linear(block + ".proj_mlp", d, checked_mul(4, d));
    list.linear(block + ".proj_out", checked_mul(5, d), d);
    attention(block + ".attn", "to_", "", "");
  }
  list.linear("norm_out.linear", d, checked_mul(2, d));
  list.linear("proj_out", d, product(patch, patch, config.size({"out_channels"}, in)));
}

// -- U-Net ---------------------------------------------------------------------------------------

/// Ronneberger and others, U-Net, 2015; Rombach and others, Latent diffusion models, 2022.
class UNet {
 public:
  UNet(const Configuration& config, TensorList& list) : config_(config), list_(list) {}

  void add() {
    refuse_parts();
    channels_ = config_.sizes({"block_out_channels"});
    if (channels_.empty()) channels_ = {320, 640, 1280, 1280};
    if (channels_.size() > most_blocks) throw_unknown_part("more than 1024 blocks");
    time_ = checked_mul(4, channels_.front());
    list_.convolution("conv_in", config_.size({"in_channels"}, 4), channels_.front(), 3);
    two_layers("time_embedding", channels_.front());
    if (const auto classes = config_.size_if({"num_class_embeds"}))
      list_.add("class_embedding.weight", {*classes, time_});
    if (config_.text({"addition_embed_type"}) == "text_time")
      two_layers("add_embedding", config_.size({"projection_class_embeddings_input_dim"}));
    add_down();
    add_middle();
    add_up();
    list_.norm("conv_norm_out", channels_.front());
    list_.convolution("conv_out", channels_.front(), config_.size({"out_channels"}, 4), 3);
  }

 private:
  void refuse_parts() const {
    for (const std::string_view key :
         {"class_embed_type", "encoder_hid_dim", "encoder_hid_dim_type", "time_embedding_dim",
          "time_cond_proj_dim", "dual_cross_attention", "only_cross_attention"}) {
      const Setting* setting = config_.find({key});
      const bool is_off =
          setting == nullptr || (setting->kind == Setting::Kind::flag && setting->integer == 0);
      if (!is_off) throw_unknown_part(std::string(key));
    }
    const std::string_view added = config_.text({"addition_embed_type"});
    if (!added.empty() && added != "text_time")
      throw_unknown_part("addition_embed_type " + std::string(added));
  }

  void two_layers(const std::string& path, std::int64_t in) {
    list_.linear(path + ".linear_1", in, time_);
    list_.linear(path + ".linear_2", time_, time_);
  }

  /// A number for all blocks, or a list with one for each.
  std::int64_t of_block(std::string_view key, std::int64_t usual, std::size_t block) const {
    const Setting* setting = config_.find({key});
    if (setting == nullptr || setting->kind != Setting::Kind::list)
      return config_.size({key}, usual);
    const std::vector<std::int64_t> each = config_.sizes({key});
    return block < each.size() ? each[block] : usual;
  }
  std::int64_t layers_of(std::size_t block) const {
    const std::int64_t count = of_block("layers_per_block", 2, block);
    if (count > most_blocks) throw_unknown_part("more than 1024 layers of a block");
    return count;
  }
  bool has_attention(std::string_view key, std::size_t block, bool usual, std::string_view with,
                     std::string_view without) const {
    const std::vector<std::string_view> types = config_.texts({key});
    if (types.empty()) return usual;
    const std::string_view type = block < types.size() ? types[block] : std::string_view();
    if (type == with) return true;
    if (type == without) return false;
    throw_unknown_part("the block " + std::string(type));
  }

  void residual(const std::string& path, std::int64_t in, std::int64_t out) {
    list_.norm(path + ".norm1", in);
    list_.convolution(path + ".conv1", in, out, 3);
    list_.linear(path + ".time_emb_proj", time_, out);
    list_.norm(path + ".norm2", out);
    list_.convolution(path + ".conv2", out, out, 3);
    if (in != out) list_.convolution(path + ".conv_shortcut", in, out, 1);
  }

  void attention(const std::string& path, std::int64_t d, std::int64_t context) {
    list_.linear(path + ".to_q", d, d, false);
    list_.linear(path + ".to_k", context, d, false);
    list_.linear(path + ".to_v", context, d, false);
    list_.linear(path + ".to_out.0", d, d);
  }

  void transformer(const std::string& path, std::int64_t d, std::size_t block) {
    const bool is_linear = config_.flag({"use_linear_projection"}, false);
    const auto projection = [&](const std::string& name) {
      if (is_linear)
        list_.linear(name, d, d);
      else
        list_.convolution(name, d, d, 1);
    };
    list_.norm(path + ".norm", d);
    projection(path + ".proj_in");
    const std::int64_t layers = of_block("transformer_layers_per_block", 1, block);
    if (layers > most_blocks) throw_unknown_part("more than 1024 layers of a transformer");
    for (std::int64_t i = 0; i < layers; ++i) {
      const std::string layer = path_of(path_of(path, "transformer_blocks"), i);
      for (const std::string_view norm : {"norm1", "norm2", "norm3"})
        list_.norm(path_of(layer, norm), d);
      attention(path_of(layer, "attn1"), d, d);
      attention(path_of(layer, "attn2"), d, of_block("cross_attention_dim", 1280, block));
      list_.linear(path_of(layer, "ff.net.0.proj"), d, checked_mul(8, d));
      list_.linear(path_of(layer, "ff.net.2"), checked_mul(4, d), d);
    }
    projection(path + ".proj_out");
  }

  void add_down() {
    std::int64_t in = channels_.front();
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const std::int64_t out = channels_[i];
      const bool is_last = i + 1 == channels_.size();
      const bool attends =
          has_attention("down_block_types", i, !is_last, "CrossAttnDownBlock2D", "DownBlock2D");
      const std::string block = path_of("down_blocks", static_cast<std::int64_t>(i));
      for (std::int64_t j = 0; j < layers_of(i); ++j) {
        residual(path_of(block + ".resnets", j), j == 0 ? in : out, out);
        if (attends) transformer(path_of(block + ".attentions", j), out, i);
      }
      if (!is_last) list_.convolution(block + ".downsamplers.0.conv", out, out, 3);
      in = out;
    }
  }

  void add_middle() {
    const std::string_view type = config_.text({"mid_block_type"}, "UNetMidBlock2DCrossAttn");
    if (type != "UNetMidBlock2DCrossAttn") throw_unknown_part("the block " + std::string(type));
    residual("mid_block.resnets.0", channels_.back(), channels_.back());
    transformer("mid_block.attentions.0", channels_.back(), channels_.size() - 1);
    residual("mid_block.resnets.1", channels_.back(), channels_.back());
  }

  /// Each layer takes what a layer on the way down gave.
  void add_up() {
    std::int64_t before = channels_.back();
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const std::size_t level = channels_.size() - 1 - i;
      const std::int64_t out = channels_[level];
      const std::int64_t next = channels_[level == 0 ? 0 : level - 1];
      const bool attends =
          has_attention("up_block_types", i, i > 0, "CrossAttnUpBlock2D", "UpBlock2D");
      const std::string block = path_of("up_blocks", static_cast<std::int64_t>(i));
      const std::int64_t count = layers_of(level) + 1;
      for (std::int64_t j = 0; j < count; ++j) {
        const std::int64_t skipped = j + 1 == count ? next : out;
        residual(path_of(block + ".resnets", j), checked_add(j == 0 ? before : out, skipped), out);
        if (attends) transformer(path_of(block + ".attentions", j), out, level);
      }
      if (level > 0) list_.convolution(block + ".upsamplers.0.conv", out, out, 3);
      before = out;
    }
  }

  const Configuration& config_;
  TensorList& list_;
  std::vector<std::int64_t> channels_;
  std::int64_t time_ = 0;
};

constexpr std::array<std::string_view, 2> diffusion_classes = {"FluxTransformer2DModel",
                                                               "UNet2DConditionModel"};

bool is_diffusion_model(const MappedFile& file) {
  const std::string_view start = file.text().substr(0, searched_for_class);
  if (!start.starts_with('{') || start.find("\"_class_name\"") == std::string_view::npos)
    return false;
  return std::ranges::any_of(diffusion_classes, [&](std::string_view name) {
    return start.find(fmt::format("\"{}\"", name)) != std::string_view::npos;
  });
}

void read_diffusion_model(const MappedFile& file, const TraceOptions&, Graph& graph,
                          ImportNotes& notes) {
  const Setting root = read_configuration(file);
  const Configuration config(root);
  TensorList list(type_of(config));
  if (config.text({"_class_name"}) == diffusion_classes.front())
    add_flux(config, list);
  else
    UNet(config, list).add();
  make_bare_graph(list.weights, graph);
  notes.format = "configuration of diffusers";
  notes.notes.emplace_back("a model of diffusers: its tensors are listed, and nothing is computed");
}

}  // namespace

extern constinit const Importer diffusion_importer = {
    "diffusers", "config.json of FLUX's transformer or Stable Diffusion's U-Net",
    is_diffusion_model, read_diffusion_model};

}  // namespace zoometer
