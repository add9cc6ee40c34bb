// MaxViT (Tu et al. 2022): every layer is an inverted residual block, then attention within windows
// of neighbouring positions, then attention within a grid of distant ones.
#include <array>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/attention.hpp"
#include "zoometer/nn/blocks.hpp"

namespace zoometer {
namespace maxvit {
namespace {

constexpr std::int64_t partition_size = 7;
constexpr std::int64_t positions = partition_size * partition_size;
constexpr std::int64_t head_features = 32;
constexpr std::int64_t stem_channels = 64;
constexpr std::array<std::int64_t, 4> block_channels{64, 128, 256, 512};
constexpr std::array<int, 4> block_depths{2, 2, 5, 2};
constexpr double batch_norm_eps = 1e-3;

/// The size after a convolution or pooling of kernel 3, stride 2 and padding 1.
constexpr std::int64_t halved(std::int64_t size) { return (size - 1) / 2 + 1; }

/// One layer of a block: what differs between them.
struct Layer {
  std::int64_t in;
  std::int64_t out;
  std::int64_t stride;
  bool is_first;           ///< of the whole network, where no branch is ever dropped
  std::int64_t grid_size;  ///< positions along a side
};

// -- inverted residual block ------------------------------------------------------------------

/// The shortcut of a block that halves the image.
struct Projection : SequentialOf<Projection> {
  static constexpr auto kind = "Sequential";
  Projection(const Slot& slot, const Layer& layer) : SequentialOf(slot) {
    add<AvgPool2d>(PoolOptions{.kernel = 3, .stride = 2, .padding = 1});
    add<Conv2d>(layer.in, layer.out);
  }
};

Sequential convolutions(const Slot& slot, const Layer& layer) {
  const std::int64_t expanded = 4 * layer.out;
  const std::int64_t squeezed = layer.out / 4;
  using ConvNormGELU = Conv2dNormActivation<GELU>;
  Sequential layers{slot};
  layers.add_named<BatchNorm2d>("pre_norm", layer.in, batch_norm_eps);
  layers.add_named<ConvNormGELU>("conv_a", layer.in, expanded,
                                 ConvNormOptions{.kernel = 1, .eps = batch_norm_eps});
  layers.add_named<ConvNormGELU>(
      "conv_b", expanded, expanded,
      ConvNormOptions{.stride = layer.stride, .groups = expanded, .eps = batch_norm_eps});
  layers.add_named<SqueezeExcitation<SiLU, Sigmoid>>("squeeze_excitation", expanded, squeezed);
  layers.add_named<Conv2d>("conv_c", expanded, layer.out);
  return layers;
}

struct MBConv : Module<MBConv> {
  static constexpr auto kind = "MBConv";
  Layer layer;
  AnyModule proj = layer.stride == 2 ? any_module<Projection>(at("proj"), layer)
                                     : any_module<Identity>(at("proj"));
  AnyModule drop = layer.is_first ? any_module<Identity>(at("stochastic_depth"))
                                  : any_module<StochasticDepth>(at("stochastic_depth"));
  Sequential layers = convolutions(at("layers"), layer);

  Tensor forward(Tensor x) const {
    const Tensor shortcut = proj(x);
    return shortcut + drop(layers(x));
  }
};

// -- attention --------------------------------------------------------------------------------

/// Attention among the positions of each group: (N, groups, positions, channels) -> the same.
struct RelativePositionalMultiHeadAttention : Module<RelativePositionalMultiHeadAttention> {
  static constexpr auto kind = "RelativePositionalMultiHeadAttention";
  std::int64_t channels;
  std::int64_t heads = channels / head_features;
  Linear to_qkv{at("to_qkv"), channels, 3 * channels};
  Linear merge{at("merge"), channels, channels};
  Tensor table = parameter("relative_position_bias_table",
                           {(2 * partition_size - 1) * (2 * partition_size - 1), heads});
  Tensor distance = buffer("relative_position_index", {positions, positions}, DType::int64);

  Tensor split_heads(Tensor x) const {
    return permute(reshape(x, {x.dim(0), x.dim(1), x.dim(2), heads, head_features}),
                   {0, 1, 3, 2, 4});
  }

  Tensor forward(Tensor x) const {
    const Shape shape = x.shape();
    const Chunks qkv = chunk(to_qkv(x), 3, -1);
    const Tensor query = split_heads(qkv[0]);
    const Tensor key = split_heads(qkv[1]) * (1 / std::sqrt(static_cast<double>(channels)));
    const Tensor value = split_heads(qkv[2]);

    const Tensor bias = relative_position_bias(table, flatten(distance, 0), positions);
    const Tensor weights = softmax(einsum("bghid,bghjd->bghij", query, key) + bias, -1);
    const Tensor y = einsum("bghij,bghjd->bghid", weights, value);
    return merge(reshape(permute(y, {0, 1, 3, 2, 4}), shape));
  }
};

/// (N, C, H, W) -> (N, partitions, size size, C).
struct WindowPartition : Module<WindowPartition> {
  static constexpr auto kind = "WindowPartition";
  using Module::Module;

  Tensor forward(Tensor x, std::int64_t size) const {
    const std::int64_t channels = x.dim(1);
    const std::int64_t down = x.dim(2) / size;
    const std::int64_t across = x.dim(3) / size;
    const Tensor pieces = reshape(x, {x.dim(0), channels, down, size, across, size});
    return reshape(permute(pieces, {0, 2, 4, 3, 5, 1}),
                   {x.dim(0), down * across, size * size, channels});
  }
};

/// (N, across across, size size, C) -> (N, C, across size, across size).
struct WindowDepartition : Module<WindowDepartition> {
  static constexpr auto kind = "WindowDepartition";
  using Module::Module;

  Tensor forward(Tensor x, std::int64_t size, std::int64_t across) const {
    const std::int64_t channels = x.dim(3);
    const Tensor pieces = reshape(x, {x.dim(0), across, across, size, size, channels});
    return reshape(permute(pieces, {0, 5, 1, 3, 2, 4}),
                   {x.dim(0), channels, across * size, across * size});
  }
};

/// Exchanges the partitions with the positions inside them.
struct SwapAxes : Module<SwapAxes> {
  static constexpr auto kind = "SwapAxes";
  using Module::Module;
  Tensor forward(Tensor x) const { return transpose(x, -2, -3); }
};

Sequential attention_layers(const Slot& slot, std::int64_t channels) {
  Sequential layers{slot};
  layers.add<LayerNorm>(channels);
  layers.add<RelativePositionalMultiHeadAttention>(channels);
  layers.add<Dropout>();
  return layers;
}

Sequential mlp_layers(const Slot& slot, std::int64_t channels) {
  Sequential layers{slot};
  layers.add<LayerNorm>(channels);
  layers.add<Linear>(channels, 4 * channels);
  layers.add<GELU>();
  layers.add<Linear>(4 * channels, channels);
  layers.add<Dropout>();
  return layers;
}

/// Attention within windows of 7 x 7 neighbours (`Swap` is Identity), or within grids of 7 x 7
/// positions spread over the whole image (SwapAxes).
template <class Swap>
struct PartitionAttentionLayer : Module<PartitionAttentionLayer<Swap>> {
  static constexpr auto kind = "PartitionAttentionLayer";
  using Module<PartitionAttentionLayer>::at;
  static constexpr bool is_grid = std::is_same_v<Swap, SwapAxes>;
  Layer layer;
  std::int64_t partitions = layer.grid_size / partition_size;
  std::int64_t size = is_grid ? partitions : partition_size;
  std::int64_t across = is_grid ? partition_size : partitions;
  WindowPartition partition_op{at("partition_op")};
  WindowDepartition departition_op{at("departition_op")};
  Swap partition_swap{at("partition_swap")};
  Swap departition_swap{at("departition_swap")};
  Sequential attn_layer = attention_layers(at("attn_layer"), layer.out);
  Sequential mlp_layer = mlp_layers(at("mlp_layer"), layer.out);
  StochasticDepth drop{at("stochastic_dropout")};

  Tensor forward(Tensor x) const {
    x = partition_swap(partition_op(x, size));
    x = x + drop(attn_layer(x));
    x = x + drop(mlp_layer(x));
    return departition_op(departition_swap(x), size, across);
  }
};

// -- network ----------------------------------------------------------------------------------

Sequential parts(const Slot& slot, const Layer& layer) {
  Sequential layers{slot};
  layers.add_named<MBConv>("MBconv", layer);
  layers.add_named<PartitionAttentionLayer<Identity>>("window_attention", layer);
  layers.add_named<PartitionAttentionLayer<SwapAxes>>("grid_attention", layer);
  return layers;
}

struct MaxVitLayer : Module<MaxVitLayer> {
  static constexpr auto kind = "MaxVitLayer";
  Layer layer;
  Sequential layers = parts(at("layers"), layer);

  Tensor forward(Tensor x) const { return layers(x); }
};

ModuleList<MaxVitLayer> layer_list(const Slot& slot, Layer layer, int depth) {
  ModuleList<MaxVitLayer> layers{slot};
  for (int i = 0; i < depth; ++i) {
    layers.add(layer);
    layer = {layer.out, layer.out, 1, false, layer.grid_size};
  }
  return layers;
}

struct MaxVitBlock : Module<MaxVitBlock> {
  static constexpr auto kind = "MaxVitBlock";
  Layer first;
  int depth;
  ModuleList<MaxVitLayer> layers = layer_list(at("layers"), first, depth);

  Tensor forward(Tensor x) const {
    for (std::size_t i = 0; i < layers.size(); ++i) x = layers[i](x);
    return x;
  }
};

Sequential stem_layers(const Slot& slot) {
  Sequential stem{slot};
  stem.add<Conv2dNormActivation<GELU>>(3, stem_channels,
                                       ConvNormOptions{.stride = 2, .eps = batch_norm_eps});
  stem.add<Conv2dNormActivation<void, void>>(stem_channels, stem_channels,
                                             ConvNormOptions{.bias = true});
  return stem;
}

ModuleList<MaxVitBlock> block_list(const Slot& slot, std::int64_t image_size) {
  ModuleList<MaxVitBlock> blocks{slot};
  std::int64_t in = stem_channels;
  std::int64_t grid_size = halved(image_size);
  for (std::size_t i = 0; i < block_channels.size(); ++i) {
    grid_size = halved(grid_size);
    blocks.add(Layer{in, block_channels[i], 2, i == 0, grid_size}, block_depths[i]);
    in = block_channels[i];
  }
  return blocks;
}

Sequential classifier_layers(const Slot& slot) {
  constexpr std::int64_t channels = block_channels.back();
  Sequential classifier{slot};
  classifier.add<AdaptiveAvgPool2d>(1);
  classifier.add<Flatten>();
  classifier.add<LayerNorm>(channels);
  classifier.add<Linear>(channels, channels);
  classifier.add<Tanh>();
  classifier.add<Linear>(channels, 1000, false);
  return classifier;
}

struct MaxVit : Module<MaxVit> {
  static constexpr auto kind = "MaxVit";
  std::int64_t image_size;
  Sequential stem = stem_layers(at("stem"));
  ModuleList<MaxVitBlock> blocks = block_list(at("blocks"), image_size);
  Sequential classifier = classifier_layers(at("classifier"));

  Tensor forward(Tensor x) const {
    x = stem(x);
    for (std::size_t i = 0; i < blocks.size(); ++i) x = blocks[i](x);
    return classifier(x);
  }
};

/// Whether the positions of every block divide into partitions.
bool divides(std::int64_t image_size) {
  std::int64_t grid_size = halved(image_size);
  for (std::size_t i = 0; i < block_channels.size(); ++i) {
    grid_size = halved(grid_size);
    if (grid_size % partition_size != 0) return false;
  }
  return true;
}

void build(Trace& trace) {
  const Shape& shape = trace.input_shape();
  if (shape.dim(2) != shape.dim(3) || !divides(shape.dim(2))) {
    throw Error(ErrorCode::shape, "the image does not divide into partitions",
                {"equal height and width like 224 or 448", to_short_string(shape)});
  }
  trace.run<MaxVit>(shape.dim(2));
}

constexpr Model models[] = {
    {"maxvit_t", image(224), 30'919'624, 5'558'046'720, build},
};

}  // namespace
}  // namespace maxvit

extern constinit const Family maxvit_family = {
    "MaxVit", "Tu et al., MaxViT: Multi-Axis Vision Transformer, 2022", Task::classification,
    maxvit::models};

}  // namespace zoometer
