// Multiscale Vision Transformer (Fan et al. 2021) and its second version (Li et al. 2022): from
// stage to stage the positions of a clip become fewer and their channels more, by attention whose
// queries, keys and values are pooled.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "op/indexing.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer {
namespace mvit {
namespace {

enum class Version : std::uint8_t { first, second };

constexpr std::array<int, 4> stage_depths{1, 2, 11, 2};
constexpr std::int64_t stem_channels = 96;
constexpr std::int64_t head_features = 96;
constexpr double eps = 1e-6;

/// One block. `grid` counts the positions along time, height and width that its place in the
/// network implies: the frame's, divided by the strides in front of it and rounded down.
struct Block {
  Version version;
  Spatial grid;
  std::int64_t heads;
  std::int64_t in;
  std::int64_t out;
  std::int64_t query_stride;  ///< in height and width, of the queries and the shortcut
  std::int64_t key_stride;    ///< in height and width, of the keys and values

  bool is_second() const noexcept { return version == Version::second; }
  /// The second version changes the channels in its attention, the first one in its MLP.
  std::int64_t attention_channels() const noexcept { return is_second() ? out : in; }
};

/// A class token in front of a grid of positions, (N, 1 + T H W, C) or (N, heads, 1 + T H W, C).
struct Tokens {
  Tensor x;
  Spatial grid;
  Tensor tensors() const noexcept { return x; }
};

// -- pooling ----------------------------------------------------------------------------------

/// Pools the positions of x (N, heads, 1 + T H W, C); the class token stays as it is.
template <class Pooling>
Tokens pool_positions(const Tokens& tokens, const Pooling& pooling) {
  const Shape shape = tokens.x.shape();
  const std::int64_t batch = shape.dim(0);
  const std::int64_t heads = shape.dim(1);
  const std::int64_t channels = shape.dim(3);
  const std::array<std::int64_t, 2> lengths{1, shape.dim(2) - 1};
  const Chunks parts = split(tokens.x, lengths, 2);

  Tensor x = reshape(transpose(parts[1], 2, 3),
                     {batch * heads, channels, tokens.grid[0], tokens.grid[1], tokens.grid[2]});
  x = pooling(contiguous(x));
  const Spatial grid{x.dim(2), x.dim(3), x.dim(4)};
  x = transpose(reshape(x, {batch, heads, channels, -1}), 2, 3);
  return {cat({parts[0], x}, 2), grid};
}

Sequential normalisation(const Slot& slot, std::int64_t channels) {
  Sequential layers{slot};
  layers.add<LayerNorm>(channels, eps);
  return layers;
}

/// Pools queries, keys or values by a depthwise convolution.
struct ConvPool : Module<ConvPool> {
  static constexpr auto kind = "Pool";
  std::int64_t stride;
  Conv3d pool{at("pool"),
              head_features,
              head_features,
              {.kernel = 3,
               .stride = {1, stride, stride},
               .padding = 1,
               .groups = head_features,
               .bias = false}};
  Sequential norm_act = normalisation(at("norm_act"), head_features);

  Tokens forward(const Tokens& tokens) const {
    const Tokens pooled = pool_positions(tokens, pool);
    return {norm_act(pooled.x), pooled.grid};
  }
};

/// Pools the shortcut, (N, 1 + T H W, C).
struct MaxPool : Module<MaxPool> {
  static constexpr auto kind = "Pool";
  MaxPool3d pool{at("pool"),
                 {.kernel = {1, 3, 3}, .stride = PerAxis{1, 2, 2}, .padding = {0, 1, 1}}};

  Tokens forward(const Tokens& tokens) const {
    const Tokens pooled = pool_positions({unsqueeze(tokens.x, 1), tokens.grid}, pool);
    return {squeeze(pooled.x, 1), pooled.grid};
  }
};

// -- attention --------------------------------------------------------------------------------

/// Learnt embeddings of the distances along one axis, (2 size - 1, C), for each pair of a query's
/// and a key's place: (queries, keys, C). The table is stretched where the axis has another size.
Tensor embed_distances(Tensor table, std::int64_t queries, std::int64_t keys) {
  Graph& graph = *table.graph;
  const std::int64_t rows = 2 * std::max(queries, keys) - 1;
  if (table.dim(0) != rows) {
    const Tensor stretched = upsample_linear(unsqueeze(permute(table, {1, 0}), 0), {rows});
    table = permute(squeeze(stretched, 0), {1, 0});
  }
  const auto query_count = static_cast<double>(queries);
  const auto key_count = static_cast<double>(keys);
  const Tensor query = unsqueeze(arange(graph, 0, query_count, 1, DType::float32), 1) *
                       std::max(key_count / query_count, 1.0);
  const Tensor key = unsqueeze(arange(graph, 1 - key_count, 1, 1, DType::float32), 0) *
                     std::max(query_count / key_count, 1.0);
  return index(table, to(query - key, DType::int64));
}

std::optional<ConvPool> query_pool(const Slot& slot, const Block& block) {
  if (!block.is_second() && block.query_stride == 1) return std::nullopt;
  return ConvPool{slot, block.query_stride};
}

Sequential output_projection(const Slot& slot, std::int64_t channels) {
  Sequential layers{slot};
  layers.add<Linear>(channels, channels);
  return layers;
}

struct MultiscaleAttention : Module<MultiscaleAttention> {
  static constexpr auto kind = "MultiscaleAttention";
  Block b;
  std::int64_t channels = b.attention_channels();
  Tensor rel_pos_h = distances_in_space("rel_pos_h");
  Tensor rel_pos_w = distances_in_space("rel_pos_w");
  Tensor rel_pos_t = distances("rel_pos_t", b.grid[0]);
  Linear qkv{at("qkv"), b.in, 3 * channels};
  Sequential project = output_projection(at("project"), channels);
  std::optional<ConvPool> pool_q = query_pool(at("pool_q"), b);
  ConvPool pool_k{at("pool_k"), b.key_stride};
  ConvPool pool_v{at("pool_v"), b.key_stride};

  Tensor distances(std::string_view name, std::int64_t length) const {
    return b.is_second() ? parameter(name, {2 * length - 1, head_features}) : Tensor{};
  }
  Tensor distances_in_space(std::string_view name) const {
    const std::int64_t length = std::max(b.grid[1], b.grid[2]);
    return distances(name, std::max(length / b.query_stride, length / b.key_stride));
  }

  /// What the distances along the three axes add to the scores of the positions:
  /// query (N, heads, 1 + T H W, C) -> (N, heads, T H W, keys).
  Tensor relative_scores(const Tokens& query, const Spatial& keys) const {
    const std::int64_t batch = query.x.dim(0);
    const std::int64_t time = query.grid[0];
    const std::int64_t height = query.grid[1];
    const std::int64_t width = query.grid[2];
    const Tensor in_time = embed_distances(rel_pos_t, time, keys[0]);
    const Tensor in_height = embed_distances(rel_pos_h, height, keys[1]);
    const Tensor in_width = embed_distances(rel_pos_w, width, keys[2]);

    const Tensor x = reshape(slice(query.x, 2, 1, query.x.dim(2)),
                             {batch, b.heads, time, height, width, head_features});
    const Tensor by_height = einsum("bythwc,hkc->bythwk", x, in_height);
    const Tensor by_width = einsum("bythwc,wkc->bythwk", x, in_width);
    const Tensor rows = reshape(permute(x, {2, 0, 1, 3, 4, 5}),
                                {time, batch * b.heads * height * width, head_features});
    Tensor by_time = transpose(matmul(rows, transpose(in_time, 1, 2)), 0, 1);
    by_time = permute(reshape(by_time, {batch, b.heads, height, width, time, keys[0]}),
                      {0, 1, 4, 2, 3, 5});

    const Tensor scores = unsqueeze(unsqueeze(by_height, 5), 7) +
                          unsqueeze(unsqueeze(by_width, 5), 5) +
                          unsqueeze(unsqueeze(by_time, 6), 7);
    return reshape(scores, {batch, b.heads, time * height * width, keys[0] * keys[1] * keys[2]});
  }

  Tokens forward(const Tokens& tokens) const {
    const std::int64_t batch = tokens.x.dim(0);
    const Tensor projected =
        reshape(qkv(tokens.x), {batch, tokens.x.dim(1), 3, b.heads, head_features});
    const Chunks parts = unbind(transpose(projected, 1, 3), 2);
    const Tokens key = pool_k(Tokens{parts[1], tokens.grid});
    const Tokens value = pool_v(Tokens{parts[2], tokens.grid});
    Tokens query{parts[0], tokens.grid};
    if (pool_q) query = (*pool_q)(query);

    const double scale = 1 / std::sqrt(static_cast<double>(head_features));
    Tensor scores = matmul(query.x * scale, transpose(key.x, 2, 3));
    if (b.is_second()) {
      // The class token has no place: a row and a column of zeros.
      scores = add_(scores, pad_last(relative_scores(query, key.grid), {1, 0, 1, 0}));
    }
    Tensor x = matmul(softmax(scores, -1), value.x);
    if (b.is_second()) {
      const Tensor positions = slice(query.x, 2, 1, query.x.dim(2));
      x = add_(x, pad_last(positions, {0, 0, 1, 0}));
    }
    x = reshape(transpose(x, 1, 2), {batch, -1, channels});
    return {project(x), query.grid};
  }
};

// -- network ----------------------------------------------------------------------------------

std::optional<MaxPool> shortcut_pool(const Slot& slot, const Block& block) {
  if (block.query_stride == 1) return std::nullopt;
  return MaxPool{slot};
}

/// Left out where the channels stay the same.
Linear shortcut_projection(const Slot& slot, const Block& block) {
  if (block.in == block.out) return {};
  return {slot, block.in, block.out};
}

struct MultiscaleBlock : Module<MultiscaleBlock> {
  static constexpr auto kind = "MultiscaleBlock";
  Block b;
  std::int64_t channels = b.attention_channels();
  std::optional<MaxPool> pool_skip = shortcut_pool(at("pool_skip"), b);
  LayerNorm norm1{at("norm1"), b.in, eps};
  LayerNorm norm2{at("norm2"), channels, eps};
  MultiscaleAttention attn{at("attn"), b};
  MLP mlp{at("mlp"), channels, 4 * channels, b.out};
  StochasticDepth drop{at("stochastic_depth")};
  Linear project = shortcut_projection(at("project"), b);

  /// The shortcut around the part that changes the channels.
  Tensor shortcut(Tensor x, Tensor normalised, bool changes_channels) const {
    return project.is_open() && changes_channels ? project(normalised) : x;
  }

  Tokens forward(const Tokens& tokens) const {
    const Tensor before_attention = norm1(tokens.x);
    const Tokens attended = attn(Tokens{before_attention, tokens.grid});
    Tensor x = shortcut(tokens.x, before_attention, b.is_second());
    if (pool_skip) x = (*pool_skip)(Tokens{x, tokens.grid}).x;
    x = x + drop(attended.x);

    const Tensor before_mlp = norm2(x);
    x = shortcut(x, before_mlp, !b.is_second()) + drop(mlp(before_mlp));
    return {x, attended.grid};
  }
};

/// Puts the class token in front; the first version also adds learnt places.
struct PositionalEncoding : Module<PositionalEncoding> {
  static constexpr auto kind = "PositionalEncoding";
  bool has_places;
  Spatial grid;
  Tensor class_token = parameter("class_token", {stem_channels});
  Tensor spatial_pos = places("spatial_pos", {grid[1] * grid[2], stem_channels});
  Tensor temporal_pos = places("temporal_pos", {grid[0], stem_channels});
  Tensor class_pos = places("class_pos", {stem_channels});

  Tensor places(std::string_view name, const Shape& shape) const {
    return has_places ? parameter(name, shape) : Tensor{};
  }

  Tensor forward(Tensor x) const {
    const Tensor token = unsqueeze(expand(class_token, {x.dim(0), -1}), 1);
    x = cat({token, x}, 1);
    if (!has_places) return x;
    const Tensor sums = unsqueeze(temporal_pos, 1) + unsqueeze(spatial_pos, 0);
    const Tensor all = cat({unsqueeze(class_pos, 0), flatten(sums, 0, 1)}, 0);
    return add_(x, unsqueeze(all, 0));
  }
};

ModuleList<MultiscaleBlock> block_list(const Slot& slot, Version version, Spatial grid) {
  ModuleList<MultiscaleBlock> blocks{slot};
  for (std::size_t stage = 0; stage < stage_depths.size(); ++stage) {
    const std::int64_t channels = stem_channels << stage;
    for (int i = 0; i < stage_depths[stage]; ++i) {
      const bool is_first = stage > 0 && i == 0;
      const bool is_last = stage + 1 < stage_depths.size() && i + 1 == stage_depths[stage];
      const bool is_second_version = version == Version::second;
      const std::int64_t stride = is_first ? 2 : 1;
      blocks.add(Block{.version = version,
                       .grid = grid,
                       .heads = std::int64_t{1} << stage,
                       .in = is_second_version && is_first ? channels / 2 : channels,
                       .out = !is_second_version && is_last ? channels * 2 : channels,
                       .query_stride = stride,
                       .key_stride = 8 >> stage});
      grid = {grid[0], grid[1] / stride, grid[2] / stride};
    }
  }
  return blocks;
}

Sequential head_layers(const Slot& slot, std::int64_t channels) {
  Sequential head{slot};
  head.add<Dropout>();
  head.add<Linear>(channels, 400);
  return head;
}

struct MViT : Module<MViT> {
  static constexpr auto kind = "MViT";
  Version version;
  Spatial grid;
  std::int64_t channels = 8 * stem_channels;
  Conv3d conv_proj{at("conv_proj"),
                   3,
                   stem_channels,
                   {.kernel = {3, 7, 7}, .stride = {2, 4, 4}, .padding = {1, 3, 3}}};
  PositionalEncoding pos_encoding{at("pos_encoding"), version == Version::first, grid};
  ModuleList<MultiscaleBlock> blocks = block_list(at("blocks"), version, grid);
  LayerNorm norm{at("norm"), channels, eps};
  Sequential head = head_layers(at("head"), channels);

  Tensor forward(Tensor x) const {
    x = pos_encoding(transpose(flatten(conv_proj(x), 2), 1, 2));
    Tokens tokens{x, grid};
    for (std::size_t i = 0; i < blocks.size(); ++i) tokens = blocks[i](tokens);
    return head(select(norm(tokens.x), 1, 0));
  }
};

/// How many positions the clip is divided into. Throws Error{shape} where a patch is incomplete, or
/// where no position would be left for the second version's last distances.
Spatial count_patches(const Shape& clip, Version version) {
  const std::int64_t height = clip.dim(3);
  const std::int64_t width = clip.dim(4);
  if (clip.dim(2) % 2 != 0 || height % 4 != 0 || width % 4 != 0) {
    throw Error(ErrorCode::shape, "the clip does not divide into patches",
                {"a multiple of 2 frames, height and width multiples of 4", to_short_string(clip)});
  }
  if (version == Version::second && std::max(height, width) < 32) {
    throw Error(ErrorCode::shape, "the clip is too small for four stages",
                {"a height or width of at least 32", to_short_string(clip)});
  }
  return {clip.dim(2) / 2, height / 4, width / 4};
}

template <Version version>
void build(Trace& trace) {
  trace.run<MViT>(version, count_patches(trace.input_shape(), version));
}

constexpr Model first_version[] = {
    {"mvit_v1_b", clip(16, 224), 36'610'672, 70'599'407'808, build<Version::first>},
};
constexpr Model second_version[] = {
    {"mvit_v2_s", clip(16, 224), 34'537'744, 64'223'815'872, build<Version::second>},
};

}  // namespace
}  // namespace mvit

extern constinit const Family mvit_family = {
    "MViT", "Fan et al., Multiscale Vision Transformers, 2021", Task::video, mvit::first_version};
extern constinit const Family mvit_v2_family = {
    "MViTV2",
    "Li et al., MViTv2: Improved Multiscale Vision Transformers for Classification and Detection, "
    "2022",
    Task::video, mvit::second_version, "MViT"};

}  // namespace zoometer
