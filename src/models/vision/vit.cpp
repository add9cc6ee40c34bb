// Vision Transformer (Dosovitskiy et al. 2020): an image is a sequence of square patches after a
// class token. The positions are learnt, so the number of parameters depends on the image size.
#include "models/parametrised.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/nn/attention.hpp"
#include "zoometer/nn/blocks.hpp"

namespace zoometer {
namespace vit {
namespace {

struct Config {
  std::int64_t patch;
  int depth;
  std::int64_t heads;
  std::int64_t features;
  std::int64_t mlp_features;
};

constexpr double eps = 1e-6;

struct MLPBlock : MLPOf<MLPBlock> {
  static constexpr auto kind = "MLPBlock";
  using MLPOf::MLPOf;
};

struct EncoderBlock : Module<EncoderBlock> {
  static constexpr auto kind = "EncoderBlock";
  Config c;
  LayerNorm ln_1{at("ln_1"), c.features, eps};
  MultiheadAttention self_attention{at("self_attention"), c.features, c.heads};
  Dropout dropout{at("dropout")};
  LayerNorm ln_2{at("ln_2"), c.features, eps};
  MLPBlock mlp{at("mlp"), c.features, c.mlp_features, c.features};

  Tensor forward(Tensor x) const {
    x = dropout(self_attention(ln_1(x))) + x;
    return x + mlp(ln_2(x));
  }
};

Sequential encoder_layers(const Slot& slot, const Config& config) {
  Sequential layers{slot};
  for (int i = 0; i < config.depth; ++i) {
    layers.add_named<EncoderBlock>("encoder_layer_" + std::to_string(i), config);
  }
  return layers;
}

struct Encoder : Module<Encoder> {
  static constexpr auto kind = "Encoder";
  Config c;
  std::int64_t length;  ///< patches and the class token
  Tensor pos_embedding = parameter("pos_embedding", {1, length, c.features});
  Dropout dropout{at("dropout")};
  Sequential layers = encoder_layers(at("layers"), c);
  LayerNorm ln{at("ln"), c.features, eps};

  Tensor forward(Tensor x) const { return ln(layers(dropout(x + pos_embedding))); }
};

Sequential classification_head(const Slot& slot, std::int64_t features) {
  Sequential heads{slot};
  heads.add_named<Linear>("head", features, 1000);
  return heads;
}

struct VisionTransformer : Module<VisionTransformer> {
  static constexpr auto kind = "VisionTransformer";
  Config c;
  std::int64_t patches;
  Tensor class_token = parameter("class_token", {1, 1, c.features});
  Conv2d conv_proj{at("conv_proj"), 3, c.features, {.kernel = c.patch, .stride = c.patch}};
  Encoder encoder{at("encoder"), c, patches + 1};
  Sequential heads = classification_head(at("heads"), c.features);

  Tensor forward(Tensor x) const {
    const std::int64_t batch = x.dim(0);
    x = permute(reshape(conv_proj(x), {batch, c.features, patches}), {0, 2, 1});
    x = encoder(cat({expand(class_token, {batch, -1, -1}), x}, 1));
    return heads(select(x, 1, 0));
  }
};

/// Throws Error{shape} unless the image is a square of whole patches.
std::int64_t count_patches(const Shape& image, std::int64_t patch) {
  const std::int64_t height = image.dim(2);
  const std::int64_t width = image.dim(3);
  if (height != width || height % patch != 0) {
    throw Error(
        ErrorCode::shape, "the image does not divide into patches",
        {"equal height and width, a multiple of " + std::to_string(patch), to_short_string(image)});
  }
  return (height / patch) * (width / patch);
}

template <Config config>
void build(Trace& trace) {
  trace.run<VisionTransformer>(config, count_patches(trace.input_shape(), config.patch));
}

constexpr Config base16{16, 12, 12, 768, 3072};
constexpr Config base32{32, 12, 12, 768, 3072};
constexpr Config large16{16, 24, 16, 1024, 4096};
constexpr Config large32{32, 24, 16, 1024, 4096};
constexpr Config huge14{14, 32, 16, 1280, 5120};

constexpr Model models[] = {
    {"vit_b_16", image(224), 86'567'656, 17'563'828'224, build<base16>},
    {"vit_b_32", image(224), 88'224'232, 4'409'186'304, build<base32>},
    {"vit_l_16", image(224), 304'326'632, 61'554'712'576, build<large16>},
    {"vit_l_32", image(224), 306'535'400, 15'377'539'072, build<large32>},
    {"vit_h_14", image(518), 633'470'440, 1'016'716'764'160, build<huge14>, image(224)},
};

void build_with(Trace& trace, const FamilyValues& values) {
  const Config config{values.integer("patch_size"), static_cast<int>(values.integer("num_layers")),
                      values.integer("num_heads"), values.integer("hidden_dim"),
                      values.integer("mlp_dim")};
  if (config.features % config.heads != 0) {
    throw Error(ErrorCode::usage, "hidden_dim",
                {"a multiple of num_heads, " + std::to_string(config.heads),
                 std::to_string(config.features)});
  }
  trace.run<VisionTransformer>(config, count_patches(trace.input_shape(), config.patch));
}

constexpr FamilyParameter parameters[] = {
    {"patch_size", FamilyParameter::Kind::integer, "16", "pixels of a patch's side"},
    {"num_layers", FamilyParameter::Kind::integer, "12", "blocks of the encoder", 1'000},
    {"num_heads", FamilyParameter::Kind::integer, "12", "heads of the attention"},
    {"hidden_dim", FamilyParameter::Kind::integer, "768", "features of a token"},
    {"mlp_dim", FamilyParameter::Kind::integer, "3072", "features inside a block's MLP"},
};

}  // namespace
}  // namespace vit

extern constinit const Parametrised vit_parametrised = {"vit", image(224), vit::parameters,
                                                        vit::build_with};
extern constinit const Family vit_family = {
    "VisionTransformer",
    "Dosovitskiy et al., An Image is Worth 16x16 Words: Transformers for Image Recognition at "
    "Scale, 2020",
    Task::classification, vit::models, "ViT"};

}  // namespace zoometer
