// Pools, norms, merges, and layers that move elements.
#include <algorithm>

#include "import/keras/call.hpp"
#include "op/mobile.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

// -- pools --------------------------------------------------------------------------------------

bool is_maximum(KerasCall& call) { return call.class_name().find("Max") != std::string_view::npos; }

bool emit_pool(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const auto count = static_cast<std::size_t>(spatial);
  PoolAttrs attrs;
  attrs.kernel_size = call.spatial({"pool_size", "pool_length"}, count, 2);
  attrs.stride = call.option({"strides", "stride"}) == nullptr
                     ? attrs.kernel_size
                     : call.spatial({"strides", "stride"}, count, 1);
  attrs.dilation = Spatial::filled(count, 1);
  attrs.count_include_pad = false;
  const std::string_view padding = call.text({"padding", "border_mode"}, "valid");
  const Tensor x = call.image(spatial);
  for (std::size_t i = 0; i < count; ++i) {
    const KerasPads pads =
        keras_pads(call, padding, x.shape()[i + 2], attrs.kernel_size[i], attrs.stride[i]);
    attrs.padding.push_back(pads.before);
    attrs.padding_end.push_back(pads.after);
  }
  return call.out_image(is_maximum(call) ? max_pool(x, attrs) : avg_pool(x, attrs));
}

bool emit_global_pool(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const bool keeps = call.flag({"keepdims"}, false);
  const Tensor x = call.image(spatial);
  Ints dims;
  for (std::int64_t i = 2; i < spatial + 2; ++i) dims.push_back(i);
  const Tensor result = reduce(is_maximum(call) ? amax_op : mean_op, x, dims, keeps);
  return keeps ? call.out_image(result) : call.out(result);
}

bool emit_adaptive_pool(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const AdaptivePoolAttrs attrs{
      call.spatial({"output_size"}, static_cast<std::size_t>(spatial), 1)};
  const Tensor x = call.image(spatial);
  return call.out_image(is_maximum(call) ? adaptive_max_pool(x, attrs)
                                         : adaptive_avg_pool(x, attrs));
}

// -- norms --------------------------------------------------------------------------------------

/// The axes of a setting, each once and in order.
Ints axes_of(KerasCall& call, std::int64_t rank, std::int64_t otherwise) {
  Ints axes = call.list({"axis"});
  if (axes.empty()) axes.push_back(otherwise);
  Ints result;
  for (std::int64_t i = 0; i < rank; ++i) {
    const bool is_named =
        std::ranges::any_of(axes, [&](std::int64_t axis) { return call.axis(axis, rank) == i; });
    if (is_named) result.push_back(i);
  }
  call.require(!result.empty(), "an axis");
  return result;
}

bool emit_batch_norm(KerasCall& call) {
  const std::int64_t rank =
      call.reader().is_planar(call.handle(0)) ? call.planar_in(0).rank() : call.in().rank();
  const Ints axes = axes_of(call, rank, -1);
  call.require(axes.size() == 1 && rank >= 2, "one axis of an operand with a batch");
  const bool is_last = axes[0] == rank - 1 && rank >= 3;
  const bool is_first = axes[0] == 1;
  Tensor x = is_last ? call.planar_in(0) : call.in();
  if (!is_last && !is_first) {
    Ints order{0, axes[0]};
    for (std::int64_t i = 1; i < rank; ++i)
      if (i != axes[0]) order.push_back(i);
    x = name_axes(x, order);
  }
  const Shape channels{x.dim(1)};
  const Tensor gamma = call.flag({"scale"}, true) ? call.weight("gamma", channels) : call.none();
  const Tensor beta = call.flag({"center"}, true) ? call.weight("beta", channels) : call.none();
  const Tensor mean = call.weight("moving_mean", channels, ParameterKind::buffer);
  const Tensor variance = call.weight("moving_variance", channels, ParameterKind::buffer);
  if (call.flag({"renorm"}, false))
    for (const std::string_view name : {"renorm_mean", "renorm_stddev", "moving_stddev"})
      call.weight(name, channels, ParameterKind::buffer);
  const Tensor result = batch_norm(x, gamma, beta, mean, variance, {call.real({"epsilon"}, 1e-3)});
  if (is_last) return call.out_planar(result);
  if (is_first) return call.out(result);
  Ints back{0};
  for (std::int64_t i = 1; i < rank; ++i)
    back.push_back(i == axes[0] ? 1 : i < axes[0] ? i + 1 : i);
  return call.out(name_axes(result, back));
}

/// Norms over some axes of each element of the batch.
bool emit_layer_norm(KerasCall& call) {
  const Tensor x = call.in();
  const Ints axes = axes_of(call, x.rank(), -1);
  const bool is_rms = call.row().op == &rms_norm_op || call.flag({"rms_scaling"}, false);
  Ints order;
  for (std::int64_t i = 0; i < x.rank(); ++i)
    if (std::ranges::count(axes, i) == 0) order.push_back(i);
  Shape sizes;
  for (const std::int64_t axis : axes) {
    order.push_back(axis);
    sizes.push_back(x.dim(axis));
  }
  const bool is_trailing = std::ranges::is_sorted(order);
  const Tensor moved = is_trailing ? x : name_axes(x, order);
  const std::string_view name = call.row().op == &rms_norm_op ? "scale" : "gamma";
  const bool has_scale = call.row().op == &rms_norm_op || call.flag({"scale"}, true);
  const Tensor gamma = has_scale ? call.weight(name, sizes) : call.none();
  const bool has_center = call.row().op != &rms_norm_op && call.flag({"center"}, true) && !is_rms;
  const Tensor beta = has_center ? call.weight("beta", sizes) : call.none();
  const LayerNormAttrs attrs{static_cast<std::int64_t>(axes.size()), call.real({"epsilon"}, 1e-3)};
  const Tensor result =
      is_rms ? rms_norm(moved, gamma, attrs) : layer_norm(moved, gamma, beta, attrs);
  if (is_trailing) return call.out(result);
  Ints back = Ints::filled(order.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return call.out(name_axes(result, back));
}

bool emit_group_norm(KerasCall& call) {
  const std::int64_t rank = call.in().rank();
  const Ints axes = axes_of(call, rank, -1);
  call.require(axes.size() == 1 && rank >= 2 && (axes[0] == rank - 1 || axes[0] == 1),
               "channels at the second axis or the last one");
  const bool is_last = axes[0] != 1;
  const Tensor x = is_last ? call.planar_in(0) : call.in();
  std::int64_t groups = call.integer({"groups"}, 32);
  if (groups == -1) groups = x.dim(1);
  call.require(groups >= 1, "groups");
  const Shape channels{x.dim(1)};
  const Tensor gamma = call.flag({"scale"}, true) ? call.weight("gamma", channels) : call.none();
  const Tensor beta = call.flag({"center"}, true) ? call.weight("beta", channels) : call.none();
  const Tensor result = group_norm(x, gamma, beta, {groups, call.real({"epsilon"}, 1e-3)});
  return is_last ? call.out_planar(result) : call.out(result);
}

/// x over the root of the sum of its squares.
Tensor unit_vectors(Tensor x, const Ints& axes) {
  return x * unary(rsqrt_op, sum(x * x, axes, true));
}

bool emit_unit_norm(KerasCall& call) {
  const Tensor x = call.in();
  return call.out(unit_vectors(x, axes_of(call, x.rank(), -1)));
}

/// (x - mean) / deviation, with what adapt() found or the settings give.
bool emit_normalization(KerasCall& call) {
  const Tensor x = call.in();
  const bool has_mean = call.option({"mean"}) != nullptr;
  const bool has_own = call.option({"variance"}) == nullptr && !has_mean;
  const Json* axis = call.option({"axis"});
  Shape sizes;
  if (axis != nullptr && (!axis->IsArray() || !axis->Empty()))
    for (const std::int64_t each : axes_of(call, x.rank(), -1)) sizes.push_back(x.dim(each));
  const ParameterKind kind = has_own ? ParameterKind::buffer : ParameterKind::constant;
  if (!has_own) sizes = {};
  const bool is_trailing = sizes.size() <= 1 && (sizes.empty() || sizes[0] == x.dim(-1));
  const Tensor mean = call.weight("mean", sizes, kind);
  const Tensor variance = call.weight("variance", sizes, kind);
  if (has_own) call.stored({"count", {}, DType::int32, ParameterKind::buffer, false});
  if (!is_trailing) return call.out_moved(x.shape());
  return call.out(call.flag({"invert"}, false) ? x * variance + mean : (x - mean) / variance);
}

// -- merges -------------------------------------------------------------------------------------

/// The operands of a merge, all with channels first if that is how they are.
std::vector<Tensor> merged_operands(KerasCall& call, bool& is_planar) {
  is_planar = call.are_planar();
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < call.input_count(); ++i)
    operands.push_back(is_planar ? call.planar_in(i) : call.in(i));
  call.require(!operands.empty(), "an operand");
  for (const Tensor& each : operands) is_planar = is_planar && each.rank() == operands[0].rank();
  if (!is_planar)
    for (std::size_t i = 0; i < operands.size(); ++i) operands[i] = call.in(i);
  return operands;
}

bool out_merged(KerasCall& call, Tensor result, bool is_planar) {
  return is_planar ? call.out_planar(result) : call.out(result);
}

bool merge_with(KerasCall& call, const OpDef& op, bool is_mean) {
  bool is_planar = false;
  const std::vector<Tensor> operands = merged_operands(call, is_planar);
  Tensor result = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) result = binary(op, result, operands[i]);
  if (is_mean) result = result * (1.0 / static_cast<double>(operands.size()));
  if (operands.size() == 1 && !is_mean) return call.out_handle(call.handle(0));
  return out_merged(call, result, is_planar);
}

bool emit_merge(KerasCall& call) {
  return merge_with(call, *call.row().op, call.class_name() == "Average");
}

bool concatenate(KerasCall& call, std::int64_t axis) {
  bool is_planar = false;
  const std::vector<Tensor> operands = merged_operands(call, is_planar);
  axis = call.axis(axis, operands[0].rank());
  if (is_planar) axis = axis == 0 ? 0 : axis == operands[0].rank() - 1 ? 1 : axis + 1;
  return out_merged(call, cat(operands, axis), is_planar);
}

bool emit_concatenate(KerasCall& call) {
  return concatenate(call, call.integer({"axis", "concat_axis"}, -1));
}

/// Products of rows along one axis of each operand.
bool dot_along(KerasCall& call, const Ints& axes, bool normalizes) {
  Tensor x = call.in(0);
  Tensor y = call.in(1);
  const std::int64_t a = call.axis(axes[0], x.rank());
  const std::int64_t b = call.axis(axes.back(), y.rank());
  call.require(a > 0 && b > 0 && x.rank() + y.rank() <= 16, "axes other than the batch");
  if (normalizes) {
    x = unit_vectors(x, {a});
    y = unit_vectors(y, {b});
  }
  std::string first = "a", second = "a", result = "a";
  char next = 'c';
  for (std::int64_t i = 1; i < x.rank(); ++i) first += i == a ? 'b' : next++;
  for (std::int64_t i = 1; i < y.rank(); ++i) second += i == b ? 'b' : next++;
  for (const char letter : first)
    if (letter > 'b') result += letter;
  for (const char letter : second)
    if (letter > 'b') result += letter;
  const std::string text = first + "," + second + "->" + result;
  const Tensor product = einsum(call.graph().arena().copy(text), x, y);
  // Vectors give one number each.
  return call.out(product.rank() == 1 ? unsqueeze(product, 1) : product);
}

bool emit_dot(KerasCall& call) {
  Ints axes = call.list({"axes", "dot_axes"});
  if (axes.empty()) axes.push_back(-1);
  return dot_along(call, axes, call.flag({"normalize"}, false));
}

/// Keras 1's merge by a mode.
bool emit_old_merge(KerasCall& call) {
  const std::string_view mode = call.text({"mode"}, "sum");
  if (mode == "sum") return merge_with(call, add_op, false);
  if (mode == "mul") return merge_with(call, mul_op, false);
  if (mode == "max") return merge_with(call, maximum_op, false);
  if (mode == "ave") return merge_with(call, add_op, true);
  if (mode == "concat") return concatenate(call, call.integer({"concat_axis"}, -1));
  return false;
}

// -- movement -----------------------------------------------------------------------------------

bool emit_flatten(KerasCall& call) {
  const Tensor x = call.in();
  call.is_channels_last();
  call.require(x.rank() >= 1, "an operand with a batch");
  return call.out(x.rank() == 1 ? unsqueeze(x, 1) : flatten(x));
}

bool emit_reshape(KerasCall& call) {
  const Tensor x = call.in();
  Ints sizes = call.list({"target_shape"});
  call.require(x.rank() >= 1, "an operand with a batch");
  sizes.insert(0, x.dim(0));
  return call.out(reshape(x, sizes));
}

bool emit_permute(KerasCall& call) {
  const Tensor x = call.in();
  Ints dims{0};
  for (const std::int64_t dim : call.list({"dims"})) dims.push_back(dim);
  return call.out(permute(x, dims));
}

bool emit_repeat_vector(KerasCall& call) {
  const std::int64_t times = call.integer({"n"}, 1);
  const Tensor x = call.in();
  call.require(x.rank() == 2 && times >= 0, "vectors");
  return call.out(repeat(unsqueeze(x, 1), {1, times, 1}));
}

bool emit_upsampling(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const auto count = static_cast<std::size_t>(spatial);
  const Spatial factors = call.spatial({"size", "length"}, count, 2);
  const std::string_view kind = call.text({"interpolation"}, "nearest");
  const Tensor x = spatial == 1 ? call.planar_in(0) : call.image(spatial);
  call.require(x.rank() == spatial + 2, "spatial sizes");
  Spatial sizes;
  for (std::size_t i = 0; i < count; ++i)
    sizes.push_back(checked_mul(x.shape()[i + 2], factors[i]));
  const bool is_smooth = kind == "bilinear" && spatial == 2;
  const Tensor result = kind == "nearest" ? upsample_nearest(x, sizes)
                        : is_smooth       ? upsample_linear(x, sizes)
                                          : upsample_bicubic(x, sizes);
  return spatial == 1 ? call.out_planar(result) : call.out_image(result);
}

/// (before, after) of each spatial dimension: a number, one for each, or pairs.
std::vector<std::pair<std::int64_t, std::int64_t>> edges_of(KerasCall& call,
                                                            std::string_view setting) {
  const auto count = static_cast<std::size_t>(call.row().number);
  const Json* found = call.option({setting});
  std::vector<std::pair<std::int64_t, std::int64_t>> edges;
  if (found == nullptr) return {count, {1, 1}};
  const bool has_pairs = found->IsArray() && !found->Empty() && (*found)[0].IsArray();
  if (has_pairs) {
    for (const Json& each : found->GetArray()) {
      const Ints pair = keras_numbers(each);
      call.require(pair.size() == 2, "pairs");
      edges.emplace_back(pair[0], pair[1]);
    }
  } else {
    const Ints numbers = keras_numbers(*found);
    if (count == 1 && numbers.size() == 2) {
      edges.emplace_back(numbers[0], numbers[1]);
    } else if (count == 2 && numbers.size() == 4) {  // Keras 1
      edges = {{numbers[0], numbers[1]}, {numbers[2], numbers[3]}};
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        call.require(numbers.size() == 1 || numbers.size() == count, "a number for each dimension");
        const std::int64_t edge = numbers[numbers.size() == 1 ? 0 : i];
        edges.emplace_back(edge, edge);
      }
    }
  }
  call.require(edges.size() == count, "two edges for each spatial dimension");
  for (const auto& [before, after] : edges)
    call.require(before >= 0 && after >= 0, "edges of at least 0");
  return edges;
}

bool emit_edges(KerasCall& call) {
  const bool crops = call.class_name().starts_with("Cropping");
  const auto edges = edges_of(call, crops ? "cropping" : "padding");
  const Tensor x = call.row().number == 1 && call.class_name() == "Cropping1D"
                       ? call.planar_in(0)
                       : call.image(call.row().number);
  PadAttrs attrs;
  attrs.before = {0, 0};
  attrs.after = {0, 0};
  for (const auto& [before, after] : edges) {
    attrs.before.push_back(crops ? -before : before);
    attrs.after.push_back(crops ? -after : after);
  }
  return call.out_image(pad(x, attrs));
}

constexpr KerasOperator shape_rows[] = {
    {"MaxPooling1D", emit_pool, 1},
    {"MaxPooling2D", emit_pool, 2},
    {"MaxPooling3D", emit_pool, 3},
    {"AveragePooling1D", emit_pool, 1},
    {"AveragePooling2D", emit_pool, 2},
    {"QAveragePooling2D", emit_pool, 2, nullptr, "average_quantizer"},
    {"AveragePooling3D", emit_pool, 3},
    {"GlobalMaxPooling1D", emit_global_pool, 1},
    {"GlobalMaxPooling2D", emit_global_pool, 2},
    {"GlobalMaxPooling3D", emit_global_pool, 3},
    {"GlobalAveragePooling1D", emit_global_pool, 1},
    {"GlobalAveragePooling2D", emit_global_pool, 2},
    {"QGlobalAveragePooling2D", emit_global_pool, 2, nullptr, "average_quantizer"},
    {"GlobalAveragePooling3D", emit_global_pool, 3},
    {"AdaptiveMaxPooling1D", emit_adaptive_pool, 1},
    {"AdaptiveMaxPooling2D", emit_adaptive_pool, 2},
    {"AdaptiveMaxPooling3D", emit_adaptive_pool, 3},
    {"AdaptiveAveragePooling1D", emit_adaptive_pool, 1},
    {"AdaptiveAveragePooling2D", emit_adaptive_pool, 2},
    {"AdaptiveAveragePooling3D", emit_adaptive_pool, 3},
    {"BatchNormalization", emit_batch_norm, 0, nullptr,
     "momentum synchronized virtual_batch_size fused mode renorm_clipping renorm_momentum"},
    {"QBatchNormalization", emit_batch_norm, 0, nullptr,
     "momentum virtual_batch_size fused renorm_clipping renorm_momentum beta_quantizer "
     "gamma_quantizer mean_quantizer variance_quantizer inverse_quantizer beta_range gamma_range"},
    {"SyncBatchNormalization", emit_batch_norm, 0, nullptr, "momentum"},
    {"LayerNormalization", emit_layer_norm, 0, &layer_norm_op},
    {"RMSNormalization", emit_layer_norm, 0, &rms_norm_op},
    {"GroupNormalization", emit_group_norm},
    {"UnitNormalization", emit_unit_norm},
    {"Normalization", emit_normalization},
    {"Add", emit_merge, 0, &add_op},
    {"Subtract", emit_merge, 0, &sub_op},
    {"Multiply", emit_merge, 0, &mul_op},
    {"Average", emit_merge, 0, &add_op},
    {"Maximum", emit_merge, 0, &maximum_op},
    {"Minimum", emit_merge, 0, &minimum_op},
    {"Concatenate", emit_concatenate},
    {"Dot", emit_dot},
    {"Merge", emit_old_merge, 0, nullptr, "output_shape output_mask arguments"},
    {"Flatten", emit_flatten},
    {"Reshape", emit_reshape},
    {"Permute", emit_permute},
    {"RepeatVector", emit_repeat_vector},
    {"UpSampling1D", emit_upsampling, 1},
    {"UpSampling2D", emit_upsampling, 2},
    {"UpSampling3D", emit_upsampling, 3},
    {"ZeroPadding1D", emit_edges, 1},
    {"ZeroPadding2D", emit_edges, 2},
    {"ZeroPadding3D", emit_edges, 3},
    {"Cropping1D", emit_edges, 1},
    {"Cropping2D", emit_edges, 2},
    {"Cropping3D", emit_edges, 3},
};

}  // namespace

extern constinit const KerasOperators keras_shape_operators = {shape_rows};

}  // namespace zoometer
