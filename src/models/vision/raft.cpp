// RAFT (Teed and Deng 2020): the correlation of every pixel of one image with every pixel of the
// other is computed once; a recurrent block then reads it around the current flow and corrects the
// flow, 12 times over.
#include <array>
#include <cmath>
#include <utility>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer {
namespace raft {
namespace {

constexpr std::size_t flow_updates = 12;
constexpr std::size_t pyramid_levels = 4;
constexpr std::int64_t downsampling = 8;  // of the encoders, undone by the last upsampling

/// The sizes in which the large and the small network differ.
struct Config {
  std::array<std::int64_t, 5> feature_layers;
  std::array<std::int64_t, 5> context_layers;
  std::int64_t radius;                      ///< of the neighbourhood read from the correlations
  std::array<std::int64_t, 2> corr_layers;  ///< 0: no second one
  std::array<std::int64_t, 2> flow_layers;
  std::int64_t motion_channels;
  std::int64_t hidden;
  std::int64_t flow_head;
  bool separable;  ///< a 1 x 5 and a 5 x 1 recurrent unit instead of one 3 x 3
  bool mask;       ///< learns how to upsample the flow

  constexpr std::int64_t neighbourhood() const { return 2 * radius + 1; }
  constexpr std::int64_t corr_channels() const {
    return static_cast<std::int64_t>(pyramid_levels) * neighbourhood() * neighbourhood();
  }
  constexpr std::int64_t context_channels() const { return context_layers[4] - hidden; }
};

// -- encoders ---------------------------------------------------------------------------------

template <class Norm, class Act = ReLU>
using ConvNorm = Conv2dNormActivation<Act, Norm>;

/// A strided projection, or nothing to do.
template <class Norm>
AnyModule shortcut(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t stride) {
  if (stride == 1) return any_module<Identity>(slot);
  return any_module<ConvNorm<Norm, void>>(
      slot, in, out, ConvNormOptions{.kernel = 1, .stride = stride, .bias = true});
}

template <class Norm>
struct ResidualBlock : Module<ResidualBlock<Norm>> {
  static constexpr auto kind = "ResidualBlock";
  using Module<ResidualBlock>::at;
  std::int64_t in, out, stride;
  ConvNorm<Norm> convnormrelu1{at("convnormrelu1"), in, out, {.stride = stride, .bias = true}};
  ConvNorm<Norm> convnormrelu2{at("convnormrelu2"), out, out, {.bias = true}};
  AnyModule downsample = shortcut<Norm>(at("downsample"), in, out, stride);
  ReLU relu{at("relu")};

  Tensor forward(Tensor x) const {
    const Tensor y = convnormrelu2(convnormrelu1(x));
    return relu(downsample(x) + y);
  }
};

template <class Norm>
struct BottleneckBlock : Module<BottleneckBlock<Norm>> {
  static constexpr auto kind = "BottleneckBlock";
  using Module<BottleneckBlock>::at;
  std::int64_t in, out, stride;
  std::int64_t width = out / 4;
  ConvNorm<Norm> convnormrelu1{at("convnormrelu1"), in, width, {.kernel = 1, .bias = true}};
  ConvNorm<Norm> convnormrelu2{at("convnormrelu2"), width, width, {.stride = stride, .bias = true}};
  ConvNorm<Norm> convnormrelu3{at("convnormrelu3"), width, out, {.kernel = 1, .bias = true}};
  ReLU relu{at("relu")};
  AnyModule downsample = shortcut<Norm>(at("downsample"), in, out, stride);

  Tensor forward(Tensor x) const {
    const Tensor y = convnormrelu3(convnormrelu2(convnormrelu1(x)));
    return relu(downsample(x) + y);
  }
};

/// (N, 3, H, W) -> (N, layers[4], H / 8, W / 8).
template <template <class> class Block, class Norm>
struct FeatureEncoder : Module<FeatureEncoder<Block, Norm>> {
  static constexpr auto kind = "FeatureEncoder";
  using Module<FeatureEncoder>::at;
  std::array<std::int64_t, 5> layers;
  ConvNorm<Norm> convnormrelu{
      at("convnormrelu"), 3, layers[0], {.kernel = 7, .stride = 2, .bias = true}};
  Sequential layer1 = blocks(at("layer1"), layers[0], layers[1], 1);
  Sequential layer2 = blocks(at("layer2"), layers[1], layers[2], 2);
  Sequential layer3 = blocks(at("layer3"), layers[2], layers[3], 2);
  Conv2d conv{at("conv"), layers[3], layers[4]};

  static Sequential blocks(const Slot& slot, std::int64_t in, std::int64_t out,
                           std::int64_t stride) {
    Sequential pair{slot};
    pair.add<Block<Norm>>(in, out, stride);
    pair.add<Block<Norm>>(out, out, std::int64_t{1});
    return pair;
  }

  Tensor forward(Tensor x) const { return conv(layer3(layer2(layer1(convnormrelu(x))))); }
};

// -- correlation ------------------------------------------------------------------------------

/// Every pixel's position, x before y: (batch, 2, height, width).
Tensor coordinates(Graph& graph, std::int64_t batch, std::int64_t height, std::int64_t width) {
  const Tensor y =
      expand(reshape(arange(graph, 0, static_cast<double>(height)), {height, 1}), {height, width});
  const Tensor x = expand(arange(graph, 0, static_cast<double>(width)), {height, width});
  const Tensor grid = to(stack({x, y}, 0), DType::float32);
  return repeat(unsqueeze(grid, 0), {batch, 1, 1, 1});
}

/// The offsets of a neighbourhood: (1, side, side, 2) for a side of 2 x radius + 1.
Tensor neighbourhood_offsets(Graph& graph, std::int64_t radius) {
  const std::int64_t side = 2 * radius + 1;
  const auto reach = static_cast<double>(radius);
  const Tensor steps = arange(graph, -reach, reach + 1, 1, DType::float32);
  const Tensor rows = expand(reshape(steps, {side, 1}), {side, side});
  const Tensor columns = expand(steps, {side, side});
  return unsqueeze(stack({rows, columns}, -1), 0);
}

/// Pixel positions from 0 to `size - 1` as grid_sample wants them, from -1 to 1.
Tensor normalised(Tensor positions, std::int64_t size) {
  if (size == 1) return positions;
  return positions * 2.0 / static_cast<double>(size - 1) - 1.0;
}

/// x (N, C, H, W) at absolute positions (N, H', W', 2).
Tensor sample_at(Tensor x, Tensor positions) {
  const Chunks axes = chunk(positions, 2, -1);
  const Tensor grid = cat({normalised(axes[0], x.dim(-1)), normalised(axes[1], x.dim(-2))}, -1);
  return grid_sample(x, grid, {.align_corners = true});
}

/// The correlations of all pairs of pixels, at four resolutions of the second image. It is a
/// module without parameters. Only its two methods are called, so it has no calls.
struct CorrBlock : Module<CorrBlock> {
  static constexpr auto kind = "CorrBlock";
  using Pyramid = std::array<Tensor, pyramid_levels>;
  std::int64_t radius;

  /// Two maps (N, C, H, W) -> (N x H x W, 1, H, W) and its halves.
  static Pyramid build_pyramid(Tensor first, Tensor second) {
    const std::int64_t batch = first.dim(0);
    const std::int64_t channels = first.dim(1);
    const std::int64_t height = first.dim(2);
    const std::int64_t width = first.dim(3);
    const Ints pixels{batch, channels, height * width};
    Tensor volume = matmul(transpose(reshape(first, pixels), 1, 2), reshape(second, pixels));
    volume = reshape(volume, {batch, height, width, 1, height, width}) /
             std::sqrt(static_cast<double>(channels));
    volume = reshape(volume, {batch * height * width, 1, height, width});

    const PoolAttrs halve = pool_attrs({.kernel = 2}, 2);
    Pyramid pyramid{volume};
    for (std::size_t i = 1; i < pyramid_levels; ++i) pyramid[i] = avg_pool(pyramid[i - 1], halve);
    return pyramid;
  }

  /// The correlations around `centres` (N, 2, H, W) -> (N, levels x side x side, H, W).
  static Tensor index_pyramid(const Pyramid& pyramid, Tensor centres, Tensor offsets) {
    const std::int64_t batch = centres.dim(0);
    const std::int64_t height = centres.dim(2);
    const std::int64_t width = centres.dim(3);
    centres = reshape(permute(centres, {0, 2, 3, 1}), {batch * height * width, 1, 1, 2});
    std::array<Tensor, pyramid_levels> levels;
    for (std::size_t i = 0; i < pyramid_levels; ++i) {
      if (i > 0) centres = centres / 2.0;
      const Tensor sampled = sample_at(pyramid[i], centres + offsets);
      levels[i] = reshape(sampled, {batch, height, width, -1});
    }
    return contiguous(permute(cat(levels, -1), {0, 3, 1, 2}));
  }
};

// -- update -----------------------------------------------------------------------------------

using ConvReLU = ConvNorm<void>;

AnyModule second_corr_layer(const Slot& slot, const Config& config) {
  if (config.corr_layers[1] == 0) return any_module<Identity>(slot);
  return any_module<ConvReLU>(slot, config.corr_layers[0], config.corr_layers[1],
                              ConvNormOptions{.bias = true});
}

struct MotionEncoder : Module<MotionEncoder> {
  static constexpr auto kind = "MotionEncoder";
  Config c;
  std::int64_t corr = c.corr_layers[1] > 0 ? c.corr_layers[1] : c.corr_layers[0];
  ConvReLU convcorr1{
      at("convcorr1"), c.corr_channels(), c.corr_layers[0], {.kernel = 1, .bias = true}};
  AnyModule convcorr2 = second_corr_layer(at("convcorr2"), c);
  ConvReLU convflow1{at("convflow1"), 2, c.flow_layers[0], {.kernel = 7, .bias = true}};
  ConvReLU convflow2{at("convflow2"), c.flow_layers[0], c.flow_layers[1], {.bias = true}};
  ConvReLU conv{at("conv"), corr + c.flow_layers[1], c.motion_channels - 2, {.bias = true}};

  Tensor forward(Tensor flow, Tensor correlations) const {
    const Tensor seen = convcorr2(convcorr1(correlations));
    const Tensor moved = convflow2(convflow1(flow));
    return cat({conv(cat({seen, moved}, 1)), flow}, 1);
  }
};

struct ConvGRU : Module<ConvGRU> {
  static constexpr auto kind = "ConvGRU";
  std::int64_t input, hidden, height, width;  ///< channels, and the kernel's size
  ConvOptions options{.kernel = {height, width}, .padding = {height / 2, width / 2}};
  Conv2d convz{at("convz"), hidden + input, hidden, options};
  Conv2d convr{at("convr"), hidden + input, hidden, options};
  Conv2d convq{at("convq"), hidden + input, hidden, options};

  Tensor forward(Tensor h, Tensor x) const {
    const Tensor hx = cat({h, x}, 1);
    const Tensor z = unary(sigmoid_op, convz(hx));
    const Tensor r = unary(sigmoid_op, convr(hx));
    const Tensor q = unary(tanh_op, convq(cat({r * h, x}, 1)));
    const Tensor one = full(graph(), {}, 1);
    return (one - z) * h + z * q;
  }
};

struct RecurrentBlock : Module<RecurrentBlock> {
  static constexpr auto kind = "RecurrentBlock";
  Config c;
  std::int64_t input = c.motion_channels + c.context_channels();
  const ConvGRU* convgru1 = c.separable ? unit(at("convgru1"), 1, 5) : unit(at("convgru1"), 3, 3);
  const ConvGRU* convgru2 = c.separable ? unit(at("convgru2"), 5, 1) : nullptr;

  const ConvGRU* unit(const Slot& slot, std::int64_t height, std::int64_t width) const {
    return graph().arena().make<ConvGRU>(slot, input, c.hidden, height, width);
  }

  Tensor forward(Tensor h, Tensor x) const {
    h = (*convgru1)(h, x);
    return convgru2 == nullptr ? h : (*convgru2)(h, x);
  }
};

struct FlowHead : Module<FlowHead> {
  static constexpr auto kind = "FlowHead";
  std::int64_t in, hidden;
  Conv2d conv1{at("conv1"), in, hidden, {.kernel = 3, .padding = 1}};
  Conv2d conv2{at("conv2"), hidden, 2, {.kernel = 3, .padding = 1}};
  ReLU relu{at("relu")};

  Tensor forward(Tensor x) const { return conv2(relu(conv1(x))); }
};

struct UpdateBlock : Module<UpdateBlock> {
  static constexpr auto kind = "UpdateBlock";
  Config c;
  MotionEncoder motion_encoder{at("motion_encoder"), c};
  RecurrentBlock recurrent_block{at("recurrent_block"), c};
  FlowHead flow_head{at("flow_head"), c.hidden, c.flow_head};

  /// -> the new hidden state and the correction of the flow.
  std::pair<Tensor, Tensor> forward(Tensor hidden, Tensor context, Tensor correlations,
                                    Tensor flow) const {
    const Tensor motion = motion_encoder(flow, correlations);
    hidden = recurrent_block(hidden, cat({context, motion}, 1));
    return {hidden, flow_head(hidden)};
  }
};

// -- upsampling -------------------------------------------------------------------------------

/// For each of the 8 x 8 fine pixels of a coarse one, how much its 3 x 3 neighbours weigh.
struct MaskPredictor : Module<MaskPredictor> {
  static constexpr auto kind = "MaskPredictor";
  std::int64_t in;
  ConvReLU convrelu{at("convrelu"), in, 256, {.bias = true}};
  Conv2d conv{at("conv"), 256, downsampling* downsampling * 9};

  Tensor forward(Tensor x) const { return conv(convrelu(x)) * 0.25; }
};

Tensor upsample_by_interpolation(Tensor flow) {
  const Spatial size{flow.dim(2) * downsampling, flow.dim(3) * downsampling};
  return upsample_linear(flow, size, true) * static_cast<double>(downsampling);
}

/// Every fine pixel's flow is a convex combination of its 9 coarse neighbours' flows.
Tensor upsample_by_mask(Tensor flow, Tensor mask) {
  const std::int64_t batch = flow.dim(0);
  const std::int64_t height = flow.dim(2);
  const std::int64_t width = flow.dim(3);
  mask = reshape(mask, {batch, 1, 9, downsampling, downsampling, height, width});
  mask = softmax(mask, 2);
  const UnfoldAttrs around{
      .kernel_size = {3, 3}, .stride = {1, 1}, .padding = {1, 1}, .dilation = {1, 1}};
  Tensor fine = unfold(flow * static_cast<double>(downsampling), around);
  fine = reshape(fine, {batch, 2, 9, 1, 1, height, width});
  fine = permute(sum(mask * fine, {2}), {0, 1, 4, 2, 5, 3});
  return reshape(fine, {batch, 2, downsampling * height, downsampling * width});
}

// -- the network ------------------------------------------------------------------------------

template <template <class> class Block, class ContextNorm>
struct RAFT : Module<RAFT<Block, ContextNorm>> {
  static constexpr auto kind = "RAFT";
  using Module<RAFT>::at;
  using Flows = std::array<Tensor, flow_updates>;
  Config c;
  FeatureEncoder<Block, InstanceNorm2d> feature_encoder{at("feature_encoder"), c.feature_layers};
  FeatureEncoder<Block, ContextNorm> context_encoder{at("context_encoder"), c.context_layers};
  CorrBlock corr_block{at("corr_block"), c.radius};
  UpdateBlock update_block{at("update_block"), c};
  const MaskPredictor* mask_predictor = c.mask ? open_mask_predictor() : nullptr;

  Flows forward(Tensor image1, Tensor image2) const {
    const Chunks maps = chunk(feature_encoder(cat({image1, image2}, 0)), 2, 0);
    const auto pyramid = corr_block.build_pyramid(maps[0], maps[1]);

    const Tensor encoded = context_encoder(image1);
    Tensor hidden = unary(tanh_op, slice(encoded, 1, 0, c.hidden));
    const Tensor context = unary(relu_op, slice(encoded, 1, c.hidden, encoded.dim(1)));

    const Tensor start = positions(encoded);
    Tensor current = positions(encoded);
    const Tensor offsets = neighbourhood_offsets(*image1.graph, c.radius);
    Flows flows;
    for (Tensor& flow : flows) {
      const Tensor correlations = corr_block.index_pyramid(pyramid, current, offsets);
      const Tensor known = current - start;
      known.graph->mark_detached(known.id);  // each correction is trained by itself
      const auto [state, correction] = update_block(hidden, context, correlations, known);
      hidden = state;
      current = current + correction;
      flow = upsample(current - start, hidden);
    }
    return flows;
  }

  const MaskPredictor* open_mask_predictor() const {
    return this->graph().arena().template make<MaskPredictor>(at("mask_predictor"), c.hidden);
  }

  static Tensor positions(Tensor map) {
    return coordinates(*map.graph, map.dim(0), map.dim(2), map.dim(3));
  }

  Tensor upsample(Tensor flow, Tensor hidden) const {
    return mask_predictor == nullptr ? upsample_by_interpolation(flow)
                                     : upsample_by_mask(flow, (*mask_predictor)(hidden));
  }
};

void check_images(const Shape& first, const Shape& second) {
  if (first != second) {
    throw Error(ErrorCode::shape, "the two images differ in shape",
                {to_short_string(first), to_short_string(second)});
  }
  if (first.dim(2) % downsampling != 0 || first.dim(3) % downsampling != 0) {
    throw Error(ErrorCode::shape, "the images' sizes do not fit the model",
                {"a height and width divisible by 8", to_short_string(first)});
  }
}

template <class Net, Config config>
void build(Trace& trace) {
  constexpr std::string_view names[flow_updates] = {"0", "1", "2", "3", "4",  "5",
                                                    "6", "7", "8", "9", "10", "11"};
  check_images(trace.input_shape(0), trace.input_shape(1));
  const Net net{trace.root(), config};
  const Tensor image1 = trace.input(0);
  const Tensor image2 = trace.input(1);
  const auto flows = net(image1, image2);
  for (std::size_t i = 0; i < flow_updates; ++i) trace.output(flows[i], names[i]);
}

constexpr Config large{.feature_layers = {64, 64, 96, 128, 256},
                       .context_layers = {64, 64, 96, 128, 256},
                       .radius = 4,
                       .corr_layers = {256, 192},
                       .flow_layers = {128, 64},
                       .motion_channels = 128,
                       .hidden = 128,
                       .flow_head = 256,
                       .separable = true,
                       .mask = true};
constexpr Config small{.feature_layers = {32, 32, 64, 96, 128},
                       .context_layers = {32, 32, 64, 96, 160},
                       .radius = 3,
                       .corr_layers = {96, 0},
                       .flow_layers = {64, 32},
                       .motion_channels = 82,
                       .hidden = 96,
                       .flow_head = 128,
                       .separable = false,
                       .mask = false};

constexpr InputSpec two_images[] = {{"image1", {1, 3, 512, 512}}, {"image2", {1, 3, 512, 512}}};

constexpr Model models[] = {
    {"raft_large", two_images, 5'257'536, 211'007'045'632,
     build<RAFT<ResidualBlock, BatchNorm2d>, large>},
    {"raft_small", two_images, 990'162, 47'655'157'760, build<RAFT<BottleneckBlock, void>, small>},
};

}  // namespace
}  // namespace raft

extern constinit const Family raft_family = {
    "RAFT", "Teed and Deng, RAFT: Recurrent All-Pairs Field Transforms for Optical Flow, 2020",
    Task::optical_flow, raft::models};

}  // namespace zoometer
