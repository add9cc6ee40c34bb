// Swin Transformer (Liu et al. 2021), its second version (Liu et al. 2022) and its form for video
// (Liu et al. 2021): attention within windows, which every second block shifts by half a window.
// Tensors have their channels last: (N, H, W, C) for images, (N, T, H, W, C) for clips.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/attention.hpp"
#include "zoometer/nn/blocks.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace swin {
namespace {

struct Config {
  std::array<int, 4> depths;
  std::int64_t channels;
};

constexpr std::int64_t head_features = 32;

// -- windows ----------------------------------------------------------------------------------

/// Windows over the spatial dimensions of a tensor, and how far the tensor is rolled below them.
struct Windows {
  Spatial size;
  Spatial shift;

  std::int64_t volume() const noexcept {
    std::int64_t product = 1;
    for (const std::int64_t length : size) product *= length;
    return product;
  }
  /// Whether any axis is shifted.
  bool shifted() const noexcept {
    return std::any_of(shift.begin(), shift.end(), [](std::int64_t steps) { return steps > 0; });
  }
  /// One window covers an axis that is no longer than it: nothing to shift there.
  Windows without_idle_shifts(const Shape& x) const {
    Windows result = *this;
    for (std::size_t i = 0; i < size.size(); ++i) {
      if (x[i + 1] <= size[i]) result.shift[i] = 0;
    }
    return result;
  }
  /// Windows no longer than the tensor.
  Windows shrunk_to(const Shape& x) const {
    Windows result = *this;
    for (std::size_t i = 0; i < size.size(); ++i) {
      result.size[i] = std::min(size[i], x[i + 1]);
    }
    return result;
  }
};

/// Adds zeros at the end of the axes from `first` on, up to a multiple of `sizes`.
Tensor pad_to_multiple(Tensor x, std::size_t first, const Spatial& sizes) {
  PadAttrs attrs;
  attrs.before = Ints::filled(x.shape().size(), 0);
  attrs.after = attrs.before;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::int64_t rest = x.shape()[first + i] % sizes[i];
    attrs.after[first + i] = rest == 0 ? 0 : sizes[i] - rest;
  }
  return pad(x, attrs);
}

/// Removes what pad_to_multiple added.
Tensor crop(Tensor x, const Shape& to) {
  for (std::int64_t axis = 1; axis + 1 < to.rank(); ++axis) {
    if (x.dim(axis) != to.dim(axis)) x = slice(x, axis, 0, to.dim(axis));
  }
  return contiguous(x);
}

/// Rolls the spatial axes, forwards (1) or backwards (-1).
Tensor roll_windows(Tensor x, const Windows& windows, std::int64_t direction) {
  Ints shifts;
  Ints axes;
  for (std::size_t i = 0; i < windows.shift.size(); ++i) {
    shifts.push_back(direction * windows.shift[i]);
    axes.push_back(static_cast<std::int64_t>(i) + 1);
  }
  return roll(x, shifts, axes);
}

/// (N, sizes..., C) -> (N windows, volume, C).
Tensor split(Tensor x, const Windows& windows) {
  const auto rank = static_cast<std::int64_t>(windows.size.size());
  Ints pieces{x.dim(0)};
  Ints order{0};
  for (std::int64_t axis = 1; axis <= rank; ++axis) {
    const std::int64_t length = windows.size[static_cast<std::size_t>(axis - 1)];
    pieces.push_back(x.dim(axis) / length);
    pieces.push_back(length);
    order.push_back(2 * axis - 1);
  }
  for (std::int64_t axis = 1; axis <= rank; ++axis) order.push_back(2 * axis);
  pieces.push_back(x.dim(-1));
  order.push_back(2 * rank + 1);
  return reshape(permute(reshape(x, pieces), order), {-1, windows.volume(), x.dim(-1)});
}

/// The inverse of split: (N windows, volume, C) -> `to`.
Tensor join(Tensor x, const Windows& windows, const Shape& to) {
  const auto rank = static_cast<std::int64_t>(windows.size.size());
  Ints pieces{to.dim(0)};
  Ints order{0};
  for (std::int64_t axis = 1; axis <= rank; ++axis) {
    pieces.push_back(to.dim(axis) / windows.size[static_cast<std::size_t>(axis - 1)]);
    order.push_back(axis);
    order.push_back(rank + axis);
  }
  for (const std::int64_t length : windows.size) pieces.push_back(length);
  pieces.push_back(to.dim(-1));
  order.push_back(2 * rank + 1);
  return reshape(permute(reshape(x, pieces), order), to);
}

/// Numbers the bands of an axis that rolling brings into the same window: 0, 1 and 2.
Tensor bands(Graph& graph, std::int64_t length, std::int64_t window, std::int64_t shift) {
  if (shift == 0) return full(graph, {length}, 0);
  return cat({full(graph, {length - window}, 0), full(graph, {window - shift}, 1),
              full(graph, {shift}, 2)},
             0);
}

/// The mask that separates positions that only rolling made neighbours: -100 or 0 for each pair of
/// a window, (windows, 1, volume, volume).
Tensor shift_mask(Graph& graph, const Windows& windows, const Shape& rolled) {
  Tensor region;
  for (std::size_t i = 0; i < windows.size.size(); ++i) {
    Ints along = Ints::filled(rolled.size(), 1);
    along[i + 1] = rolled[i + 1];
    const Tensor band =
        reshape(bands(graph, rolled[i + 1], windows.size[i], windows.shift[i]), along);
    region = i == 0 ? band : region * 3.0 + band;
  }
  region = split(region, windows);
  const Tensor apart = binary(ne_op, transpose(region, 1, 2), region);
  return unsqueeze(to(apart, DType::float32) * -100.0, 1);
}

// -- attention --------------------------------------------------------------------------------

struct AttentionConfig {
  std::int64_t channels;
  Windows windows;
  std::int64_t heads = channels / head_features;

  /// How many distances two positions of a window can have.
  std::int64_t distances() const noexcept {
    std::int64_t product = 1;
    for (const std::int64_t length : windows.size) product *= 2 * length - 1;
    return product;
  }
};

/// Attention within windows. The projections are computed here, so the two layers have no calls.
template <class Self>
struct WindowAttention : Module<Self> {
  WindowAttention(const Slot& slot, const AttentionConfig& config)
      : Module<Self>(slot),
        c(config),
        qkv(this->at("qkv"), c.channels, 3 * c.channels),
        proj(this->at("proj"), c.channels, c.channels) {}

  /// x and the result (N, sizes..., C); bias (1, heads, volume, volume).
  Tensor attend(Tensor x, const Windows& windows, Tensor bias) const {
    const Shape shape = x.shape();
    x = pad_to_multiple(x, 1, windows.size);
    const Shape padded = x.shape();
    if (windows.shifted()) x = roll_windows(x, windows, -1);
    x = attend_within(split(x, windows), windows, bias, padded);
    x = join(x, windows, padded);
    if (windows.shifted()) x = roll_windows(x, windows, 1);
    return crop(x, shape);
  }

  Tensor qkv_bias() const { return qkv.bias; }
  Tensor scores(Tensor query, Tensor key) const {
    const Tensor scaled = query * (1 / std::sqrt(static_cast<double>(head_features)));
    return matmul(scaled, transpose(key, -2, -1));
  }

  AttentionConfig c;
  Linear qkv;
  Linear proj;

 private:
  const Self& self() const noexcept { return static_cast<const Self&>(*this); }

  /// (N windows, volume, C) -> the same.
  Tensor attend_within(Tensor x, const Windows& windows, Tensor bias, const Shape& padded) const {
    const std::int64_t count = x.dim(0);
    const std::int64_t volume = x.dim(1);
    const Tensor projected = permute(reshape(linear(x, qkv.weight, self().qkv_bias()),
                                             {count, volume, 3, c.heads, head_features}),
                                     {2, 0, 3, 1, 4});
    const Tensor query = select(projected, 0, 0);
    const Tensor key = select(projected, 0, 1);
    const Tensor value = select(projected, 0, 2);

    Tensor weights = self().scores(query, key) + bias;
    if (windows.shifted()) {
      const Tensor mask = shift_mask(this->graph(), windows, padded);
      weights = reshape(weights, {padded[0], -1, c.heads, volume, volume}) + mask;
      weights = reshape(weights, {count, c.heads, volume, volume});
    }
    weights = softmax(weights, -1);
    const Tensor y = reshape(transpose(matmul(weights, value), 1, 2), {count, volume, c.channels});
    return linear(y, proj.weight, proj.bias);
  }
};

struct ShiftedWindowAttention : WindowAttention<ShiftedWindowAttention> {
  static constexpr auto kind = "ShiftedWindowAttention";
  using WindowAttention::WindowAttention;
  std::int64_t volume = c.windows.volume();
  Tensor table = parameter("relative_position_bias_table", {c.distances(), c.heads});
  Tensor distance = buffer("relative_position_index", {volume * volume}, DType::int64);

  Tensor forward(Tensor x) const {
    return attend(x, c.windows.without_idle_shifts(x.shape()),
                  relative_position_bias(table, distance, volume));
  }
};

/// With cosine similarities, and a bias that a small network computes from the distance.
struct ShiftedWindowAttentionV2 : WindowAttention<ShiftedWindowAttentionV2> {
  static constexpr auto kind = "ShiftedWindowAttentionV2";
  using WindowAttention::WindowAttention;
  std::int64_t volume = c.windows.volume();
  Tensor logit_scale = parameter("logit_scale", {c.heads, 1, 1});
  Tensor coordinates =
      buffer("relative_coords_table", {1, 2 * c.windows.size[0] - 1, 2 * c.windows.size[1] - 1, 2});
  Tensor distance = buffer("relative_position_index", {volume * volume}, DType::int64);
  Sequential cpb_mlp = bias_network();

  Sequential bias_network() const {
    constexpr std::int64_t hidden = 512;
    Sequential network{at("cpb_mlp")};
    network.add<Linear>(2, hidden);
    network.add<ReLU>();
    network.add<Linear>(hidden, c.heads, false);
    return network;
  }

  /// The keys have no bias: its part of the parameter is replaced by zeros.
  Tensor qkv_bias() const {
    const std::int64_t length = c.channels;
    return cat({slice(qkv.bias, 0, 0, length), full(graph(), {length}, 0),
                slice(qkv.bias, 0, 2 * length, 3 * length)},
               0);
  }

  Tensor scores(Tensor query, Tensor key) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Tensor cosine = matmul(unit(query), transpose(unit(key), -2, -1));
    return cosine * unary(exp_op, clamp(logit_scale, -infinity, std::log(100.0)));
  }

  /// Vectors of length 1 along the last axis.
  static Tensor unit(Tensor x) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return x / clamp(reduce(norm_op, x, {-1}, true), 1e-12, infinity);
  }

  Tensor forward(Tensor x) const {
    const Tensor learnt = reshape(cpb_mlp(coordinates), {-1, c.heads});
    const Tensor bias = unary(sigmoid_op, relative_position_bias(learnt, distance, volume)) * 16.0;
    return attend(x, c.windows.without_idle_shifts(x.shape()), bias);
  }
};

/// With windows that shrink to a short clip or a small frame.
struct ShiftedWindowAttention3d : WindowAttention<ShiftedWindowAttention3d> {
  static constexpr auto kind = "ShiftedWindowAttention3d";
  using WindowAttention::WindowAttention;
  std::int64_t volume = c.windows.volume();
  Tensor table = parameter("relative_position_bias_table", {c.distances(), c.heads});
  Tensor distance = buffer("relative_position_index", {volume, volume}, DType::int64);

  Tensor forward(Tensor x) const {
    const Windows windows = c.windows.without_idle_shifts(x.shape()).shrunk_to(x.shape());
    const std::int64_t used = windows.volume();
    const Tensor distances = flatten(slice(slice(distance, 0, 0, used), 1, 0, used), 0);
    return attend(x, windows, relative_position_bias(table, distances, used));
  }
};

// -- blocks -----------------------------------------------------------------------------------

template <class Attention>
struct SwinTransformerBlock : Module<SwinTransformerBlock<Attention>> {
  static constexpr auto kind = "SwinTransformerBlock";
  using Module<SwinTransformerBlock>::at;
  AttentionConfig c;
  LayerNorm norm1{at("norm1"), c.channels};
  Attention attn{at("attn"), c};
  StochasticDepth drop{at("stochastic_depth")};
  LayerNorm norm2{at("norm2"), c.channels};
  MLP mlp{at("mlp"), c.channels, 4 * c.channels, c.channels};

  Tensor forward(Tensor x) const {
    x = x + drop(attn(norm1(x)));
    return x + drop(mlp(norm2(x)));
  }
};

/// Normalises after attention and MLP, not before them.
struct SwinTransformerBlockV2 : Module<SwinTransformerBlockV2> {
  static constexpr auto kind = "SwinTransformerBlockV2";
  AttentionConfig c;
  LayerNorm norm1{at("norm1"), c.channels};
  ShiftedWindowAttentionV2 attn{at("attn"), c};
  StochasticDepth drop{at("stochastic_depth")};
  LayerNorm norm2{at("norm2"), c.channels};
  MLP mlp{at("mlp"), c.channels, 4 * c.channels, c.channels};

  Tensor forward(Tensor x) const {
    x = x + drop(norm1(attn(x)));
    return x + drop(norm2(mlp(x)));
  }
};

/// (N, ..., H, W, C) -> (N, ..., H / 2, W / 2, 4 C), rounded up: four neighbours side by side.
Tensor gather_neighbours(Tensor x) {
  x = pad_to_multiple(x, x.shape().size() - 3, {2, 2});
  const auto every_second = [](Tensor from, std::int64_t axis, std::int64_t start) {
    return slice(from, axis, start, from.dim(axis), 2);
  };
  const Tensor even = every_second(x, -3, 0);
  const Tensor odd = every_second(x, -3, 1);
  return cat({every_second(even, -2, 0), every_second(odd, -2, 0), every_second(even, -2, 1),
              every_second(odd, -2, 1)},
             -1);
}

struct PatchMerging : Module<PatchMerging> {
  static constexpr auto kind = "PatchMerging";
  std::int64_t channels;
  Linear reduction{at("reduction"), 4 * channels, 2 * channels, false};
  LayerNorm norm{at("norm"), 4 * channels};

  Tensor forward(Tensor x) const { return reduction(norm(gather_neighbours(x))); }
};

struct PatchMergingV2 : Module<PatchMergingV2> {
  static constexpr auto kind = "PatchMergingV2";
  std::int64_t channels;
  Linear reduction{at("reduction"), 4 * channels, 2 * channels, false};
  LayerNorm norm{at("norm"), 2 * channels};

  Tensor forward(Tensor x) const { return norm(reduction(gather_neighbours(x))); }
};

// -- models -----------------------------------------------------------------------------------

struct V1 {
  using Block = SwinTransformerBlock<ShiftedWindowAttention>;
  using Merging = PatchMerging;
  static constexpr Windows windows{{7, 7}, {3, 3}};
};

struct V2 {
  using Block = SwinTransformerBlockV2;
  using Merging = PatchMergingV2;
  static constexpr Windows windows{{8, 8}, {4, 4}};
};

struct Video {
  using Block = SwinTransformerBlock<ShiftedWindowAttention3d>;
  using Merging = PatchMerging;
  static constexpr Windows windows{{8, 7, 7}, {4, 3, 3}};
};

/// The stages, with the merging of patches between them.
template <class Version>
void add_stages(Sequential& features, const Config& config) {
  constexpr Windows shifted = Version::windows;
  constexpr Windows straight{shifted.size, Spatial::filled(shifted.size.size(), 0)};
  std::int64_t channels = config.channels;
  for (std::size_t i = 0; i < config.depths.size(); ++i) {
    if (i > 0) {
      features.add<typename Version::Merging>(channels);
      channels *= 2;
    }
    auto& stage = features.add<Sequential>();
    for (int block = 0; block < config.depths[i]; ++block) {
      stage.add<typename Version::Block>(
          AttentionConfig{channels, block % 2 == 0 ? straight : shifted});
    }
  }
}

template <class Version>
struct SwinTransformer : Module<SwinTransformer<Version>> {
  static constexpr auto kind = "SwinTransformer";
  using Module<SwinTransformer>::at;
  Config config;
  std::int64_t channels = 8 * config.channels;
  Sequential features = feature_layers();
  LayerNorm norm{at("norm"), channels};
  Permute to_channels_first{at("permute"), {0, 3, 1, 2}};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Flatten flatten_pixels{at("flatten")};
  Linear head{at("head"), channels, 1000};

  Sequential feature_layers() const {
    Sequential layers{at("features")};
    auto& embedding = layers.add<Sequential>();
    embedding.add<Conv2d>(3, config.channels, ConvOptions{.kernel = 4, .stride = 4});
    embedding.add<Permute>(Ints{0, 2, 3, 1});
    embedding.add<LayerNorm>(config.channels);
    add_stages<Version>(layers, config);
    return layers;
  }

  Tensor forward(Tensor x) const {
    x = to_channels_first(norm(features(x)));
    return head(flatten_pixels(avgpool(x)));
  }
};

struct PatchEmbed3d : Module<PatchEmbed3d> {
  static constexpr auto kind = "PatchEmbed3d";
  static constexpr Spatial patch{2, 4, 4};
  std::int64_t channels;
  Conv3d proj{at("proj"), 3, channels, {.kernel = {2, 4, 4}, .stride = {2, 4, 4}}};
  LayerNorm norm{at("norm"), channels};

  Tensor forward(Tensor x) const {
    return norm(permute(proj(pad_to_multiple(x, 2, patch)), {0, 2, 3, 4, 1}));
  }
};

struct SwinTransformer3d : Module<SwinTransformer3d> {
  static constexpr auto kind = "SwinTransformer3d";
  Config config;
  std::int64_t channels = 8 * config.channels;
  PatchEmbed3d patch_embed{at("patch_embed"), config.channels};
  Dropout pos_drop{at("pos_drop")};
  Sequential features = feature_layers();
  LayerNorm norm{at("norm"), channels};
  AdaptiveAvgPool3d avgpool{at("avgpool"), 1};
  Linear head{at("head"), channels, 400};

  Sequential feature_layers() const {
    Sequential layers{at("features")};
    add_stages<Video>(layers, config);
    return layers;
  }

  Tensor forward(Tensor x) const {
    x = norm(features(pos_drop(patch_embed(x))));
    return head(flatten(avgpool(permute(x, {0, 4, 1, 2, 3}))));
  }
};

template <class Net, Config config>
void build(Trace& trace) {
  trace.run<Net>(config);
}

constexpr Config tiny{{2, 2, 6, 2}, 96};
constexpr Config small{{2, 2, 18, 2}, 96};
constexpr Config base{{2, 2, 18, 2}, 128};

constexpr Model first_version[] = {
    {"swin_t", image(224), 28'288'354, 4'490'566'656, build<SwinTransformer<V1>, tiny>},
    {"swin_s", image(224), 49'606'258, 8'740'875'264, build<SwinTransformer<V1>, small>},
    {"swin_b", image(224), 87'768'224, 15'430'946'816, build<SwinTransformer<V1>, base>},
};

constexpr Model second_version[] = {
    {"swin_v2_t", image(256), 28'351'570, 5'939'690'496, build<SwinTransformer<V2>, tiny>},
    {"swin_v2_s", image(256), 49'737'442, 11'545'857'024, build<SwinTransformer<V2>, small>},
    {"swin_v2_b", image(256), 87'930'848, 20'325'134'336, build<SwinTransformer<V2>, base>},
};

constexpr Model for_video[] = {
    {"swin3d_t", clip(16, 224), 28'158'070, 43'882'229'760, build<SwinTransformer3d, tiny>},
    {"swin3d_s", clip(16, 224), 49'816'678, 82'841'284'608, build<SwinTransformer3d, small>},
    {"swin3d_b", clip(16, 224), 88'048'984, 140'666'617'856, build<SwinTransformer3d, base>},
};

}  // namespace
}  // namespace swin

extern constinit const Family swin_family = {
    "SwinTransformer",
    "Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, 2021",
    Task::classification, swin::first_version, "Swin"};
extern constinit const Family swin_v2_family = {
    "SwinTransformerV2",
    "Liu et al., Swin Transformer V2: Scaling Up Capacity and Resolution, 2022",
    Task::classification, swin::second_version, "Swin"};
extern constinit const Family swin3d_family = {"SwinTransformer3d",
                                               "Liu et al., Video Swin Transformer, 2021",
                                               Task::video, swin::for_video, "Swin3D"};

}  // namespace zoometer
