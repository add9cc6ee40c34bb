// Convolutions, pooling, normalisation, resampling and recurrent layers.
#include <algorithm>
#include <cmath>

#include "import/onnx/layers.hpp"
#include "import/onnx/reader.hpp"
#include "op/deform_conv.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer {
namespace {

/// What convolutions and pools say of their windows.
struct Window {
  Ints kernel;
  Ints stride;
  Ints dilation;
  Ints padding;
  Ints padding_end;
};

Spatial spatial(const Ints& list) { return Spatial(std::span<const std::int64_t>(list)); }

constexpr std::int64_t most_size = std::int64_t{1} << 40;

Ints spatial_list(const OnnxContext& context, std::string_view name, std::size_t count,
                  std::int64_t otherwise) {
  const auto list = context.integers(name);
  if (!list || list->empty()) return Ints::filled(count, otherwise);
  context.require(list->size() == count,
                  std::string(name) + " of one number per spatial dimension");
  for (const std::int64_t item : *list) {
    context.require(item > -most_size && item < most_size,
                    std::string(name) + " that are not enormous");
  }
  return Ints(*list);
}

Window window_of(const OnnxContext& context, const Ints& kernel) {
  const std::size_t count = kernel.size();
  Window window;
  window.kernel = kernel;
  window.stride = spatial_list(context, "strides", count, 1);
  window.dilation = spatial_list(context, "dilations", count, 1);
  window.padding = window.padding_end = Ints::filled(count, 0);
  if (const auto pads = context.integers("pads"); pads && !pads->empty()) {
    context.require(pads->size() == 2 * count, "two pads per spatial dimension");
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t before = (*pads)[i], after = (*pads)[i + count];
      context.require(std::max(std::abs(before), std::abs(after)) < most_size,
                      "pads that are not enormous");
      window.padding[i] = before;
      window.padding_end[i] = after;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    context.require(window.stride[i] >= 1 && window.dilation[i] >= 1 && kernel[i] >= 1 &&
                        kernel[i] < most_size,
                    "strides, dilations and kernel sizes of at least 1");
  }
  return window;
}

/// SAME_UPPER and SAME_LOWER: as many outputs as strides fit into the input.
void pad_automatically(const OnnxContext& context, const Shape& x, Window& window) {
  const std::string_view mode = context.text("auto_pad", "NOTSET");
  if (mode == "VALID") {
    window.padding = window.padding_end = Ints::filled(window.kernel.size(), 0);
  }
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER") return;
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const std::int64_t size = x[i + 2];
    const std::int64_t extent =
        checked_add(checked_mul(window.dilation[i], window.kernel[i] - 1), 1);
    const std::int64_t out = ceil_div(size, window.stride[i]);
    const std::int64_t needed = checked_add(checked_mul(out - 1, window.stride[i]), extent);
    const std::int64_t total = std::max<std::int64_t>(0, needed - size);
    window.padding[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.padding_end[i] = total - window.padding[i];
  }
}

/// Adapts windows that do not fit as ONNX Runtime does, which rounds towards zero: one that lacks
/// less than a stride is there once. Returns whether another one is not there at all, unless that
/// may be so because a symbolic size is taken as 1.
bool fit_windows(OnnxContext& context, const Shape& x, Window& window) {
  Window fitted = window;
  bool is_nothing = false;
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const std::int64_t extent =
        checked_add(checked_mul(window.dilation[i], window.kernel[i] - 1), 1);
    const std::int64_t room = checked_add(x[i + 2], window.padding[i] + window.padding_end[i]);
    if (room >= extent) continue;
    is_nothing |= extent - room >= window.stride[i];
    fitted.padding_end[i] += extent - room;
  }
  if (!is_nothing) window = fitted;
  return is_nothing && !context.reader().assumes_sizes();
}

/// The result where a window fits nowhere: it has no elements.
Tensor empty_result(Tensor x, std::int64_t channels, const Window& window) {
  Shape shape = x.shape();
  shape.set_dim(1, channels);
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const std::int64_t extent = window.dilation[i] * (window.kernel[i] - 1) + 1;
    const std::int64_t room = shape[i + 2] + window.padding[i] + window.padding_end[i];
    shape[i + 2] = room < extent ? 0 : (room - extent) / window.stride[i] + 1;
  }
  return full(*x.graph, shape, 0, x.dtype());
}

/// The kernel's size, which convolutions have from their weight and pools from an attribute.
Ints kernel_of_weight(const OnnxContext& context, const Shape& x, const Shape& shape) {
  context.require(shape.rank() == x.rank() && shape.rank() >= 3,
                  "a weight of the input's rank, which is 3 or more");
  const Ints kernel(std::span<const std::int64_t>(shape).subspan(2));
  const auto declared = context.integers("kernel_shape");
  context.require(!declared || declared->empty() || std::ranges::equal(*declared, kernel),
                  "a kernel_shape equal to the weight's");
  return kernel;
}

ConvNdAttrs conv_attrs(const Window& window, std::int64_t groups) {
  ConvNdAttrs attrs;
  attrs.stride = window.stride;
  attrs.dilation = window.dilation;
  attrs.padding = window.padding;
  attrs.padding_end = window.padding_end;
  attrs.groups = groups;
  return attrs;
}

/// The same for at most 3 spatial dimensions.
ConvAttrs spatial_attrs(const ConvNdAttrs& attrs) {
  return {spatial(attrs.stride),   spatial(attrs.padding),        spatial(attrs.padding_end),
          spatial(attrs.dilation), spatial(attrs.output_padding), attrs.groups};
}

}  // namespace

Tensor onnx_convolution(OnnxContext& context, std::size_t weight, std::size_t bias) {
  const Tensor x = context.in(0);
  const Tensor kernel = context.in(weight);
  return onnx_convolution(context,
                          {x, kernel, context.optional_in(bias), context.integer("group", 1)});
}

Tensor onnx_convolution(OnnxContext& context, const OnnxConvolution& operands) {
  const auto& [x, weight, bias, groups] = operands;
  Window window = window_of(context, kernel_of_weight(context, x.shape(), weight.shape()));
  pad_automatically(context, x.shape(), window);
  if (fit_windows(context, x.shape(), window)) return empty_result(x, weight.dim(0), window);
  const ConvNdAttrs attrs = conv_attrs(window, groups);
  return x.rank() > 5 ? convolution(x, weight, bias, attrs)
                      : convolution(x, weight, bias, spatial_attrs(attrs));
}

namespace {

OnnxOutcome emit_conv(OnnxContext& context) { return context.out(onnx_convolution(context, 1, 2)); }

OnnxOutcome emit_conv_transpose(OnnxContext& context) {
  Window window = window_of(context, kernel_of_weight(context, context.shape(0), context.shape(1)));
  const std::size_t count = window.kernel.size();
  Ints extra = spatial_list(context, "output_padding", count, 0);
  const Shape& x = context.shape(0);
  const std::string_view mode = context.text("auto_pad", "NOTSET");
  const bool is_same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  const auto wanted = context.integers("output_shape");
  if (wanted || is_same) {
    context.require(!wanted || wanted->size() >= count,
                    "an output_shape of all spatial dimensions");
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t size = x[i + 2];
      const std::int64_t out =
          wanted ? (*wanted)[wanted->size() - count + i] : checked_mul(size, window.stride[i]);
      context.require(out >= 1 && out < most_size, "an output_shape of at least 1");
      const std::int64_t full =
          checked_add(checked_mul(size - 1, window.stride[i]),
                      checked_mul(window.dilation[i], window.kernel[i] - 1) + 1);
      const std::int64_t total = std::max<std::int64_t>(0, checked_add(full, extra[i]) - out);
      // A kernel that is shorter than its stride leaves the size of SAME smaller, as in ONNX
      // Runtime.
      if (wanted) extra[i] = std::max(extra[i], out - full);
      window.padding[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      window.padding_end[i] = total - window.padding[i];
    }
  }
  ConvNdAttrs attrs = conv_attrs(window, context.integer("group", 1));
  attrs.output_padding = extra;
  const Tensor input = context.in(0);
  const Tensor weight = context.in(1);
  const Tensor bias = context.optional_in(2);
  return context.out(input.rank() > 5 ? conv_transpose(input, weight, bias, attrs)
                                      : conv_transpose(input, weight, bias, spatial_attrs(attrs)));
}

OnnxOutcome emit_deform_conv(OnnxContext& context) {
  if (context.rank(0) != 4) return OnnxOutcome::depends_on_data;
  const Window window =
      window_of(context, kernel_of_weight(context, context.shape(0), context.shape(1)));
  const Tensor x = context.in(0);
  const Tensor weight = context.in(1);
  const Tensor offset = context.in(2);
  const Tensor bias = context.optional_in(3);
  return context.out(deform_conv2d(x, weight, offset, bias, context.optional_in(4),
                                   spatial_attrs(conv_attrs(window, context.integer("group", 1)))));
}

// -- pooling ----------------------------------------------------------------------------------

/// Makes a pool of x by what the attributes say; an empty handle where it has more dimensions than
/// zoometer's pools.
template <class Function>
Tensor onnx_pool(OnnxContext& context, Tensor input, Function make) {
  const Shape& x = input.shape();
  const auto kernel = context.integers("kernel_shape");
  const std::int64_t rank = x.rank();
  context.require(kernel && rank >= 3 && static_cast<std::int64_t>(kernel->size()) == rank - 2,
                  "a kernel size per spatial dimension");
  if (kernel->size() > 3) return {&context.graph(), no_id};
  Window window = window_of(context, Ints(*kernel));
  pad_automatically(context, x, window);
  if (fit_windows(context, x, window)) return empty_result(input, x.dim(1), window);
  PoolAttrs attrs;
  attrs.kernel_size = spatial(window.kernel);
  attrs.stride = spatial(window.stride);
  attrs.padding = spatial(window.padding);
  attrs.padding_end = spatial(window.padding_end);
  attrs.dilation = spatial(window.dilation);
  attrs.ceil_mode = context.integer("ceil_mode", 0) != 0;
  attrs.count_include_pad = context.integer("count_include_pad", 0) != 0;
  return make(input, attrs);
}

}  // namespace

Tensor onnx_average_pool(OnnxContext& context, Tensor x) { return onnx_pool(context, x, avg_pool); }

Tensor onnx_max_pool(OnnxContext& context, Tensor x) { return onnx_pool(context, x, max_pool); }

namespace {

OnnxOutcome emit_max_pool(OnnxContext& context) {
  const Tensor result = onnx_max_pool(context, context.in(0));
  if (!result) return OnnxOutcome::depends_on_data;
  context.out(0, result);
  if (!context.wants(1)) return OnnxOutcome::done;
  const OutputType indices{result.shape(), DType::int64, false};
  Graph& graph = context.graph();
  graph.add_declared_outputs(graph.value(result.id).producer, std::span(&indices, 1));
  return context.out(1, sibling_output(result, 1));
}

OnnxOutcome emit_average_pool(OnnxContext& context) {
  const Tensor result = onnx_average_pool(context, context.in(0));
  return result ? context.out(result) : OnnxOutcome::depends_on_data;
}

/// (sum |x|^p)^(1/p) over windows: the mean of the powers, times the window's elements.
OnnxOutcome emit_lp_pool(OnnxContext& context) {
  const auto power = static_cast<double>(context.integer("p", 2));
  const Tensor result = onnx_pool(context, context.in(0), [&](Tensor x, PoolAttrs attrs) {
    attrs.count_include_pad = true;
    double elements = 1;
    for (const std::int64_t size : attrs.kernel_size) elements *= static_cast<double>(size);
    const Tensor powers = binary(pow_op, unary(abs_op, x), power);
    return binary(pow_op, avg_pool(powers, attrs) * elements, 1 / power);
  });
  return result ? context.out(result) : OnnxOutcome::depends_on_data;
}

Ints spatial_axes(const Shape& x) {
  Ints axes;
  for (std::int64_t i = 2; i < x.rank(); ++i) axes.push_back(i);
  return axes;
}

Tensor global_pool(Tensor x, const OpDef& reduction,
                   Tensor (*pool)(Tensor, const AdaptivePoolAttrs&)) {
  const Ints axes = spatial_axes(x.shape());
  if (axes.empty()) return x;
  if (axes.size() > 3) return reduce(reduction, x, axes, true);
  return pool(x, {Spatial::filled(axes.size(), 1)});
}

}  // namespace

Tensor onnx_global_average(Tensor x) { return global_pool(x, mean_op, adaptive_avg_pool); }

Tensor onnx_global_maximum(Tensor x) { return global_pool(x, amax_op, adaptive_max_pool); }

namespace {

OnnxOutcome emit_global_average_pool(OnnxContext& context) {
  context.require(context.rank(0) >= 2, "an input of rank 2 or more");
  return context.out(onnx_global_average(context.in(0)));
}

OnnxOutcome emit_global_max_pool(OnnxContext& context) {
  context.require(context.rank(0) >= 2, "an input of rank 2 or more");
  return context.out(onnx_global_maximum(context.in(0)));
}

OnnxOutcome emit_global_lp_pool(OnnxContext& context) {
  context.require(context.rank(0) >= 2, "an input of rank 2 or more");
  const Ints axes = spatial_axes(context.shape(0));
  return context.out(reduce(norm_op, context.in(0), axes, true));
}

/// Values back to where a pool took them from.
OnnxOutcome emit_max_unpool(OnnxContext& context) {
  const auto kernel = context.integers("kernel_shape");
  const Shape& x = context.shape(0);
  context.require(kernel && x.rank() >= 3 &&
                      static_cast<std::int64_t>(kernel->size()) == x.rank() - 2 &&
                      kernel->size() <= 3,
                  "a kernel size per spatial dimension");
  const Window window = window_of(context, Ints(*kernel));
  Shape shape = x;
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    shape[i + 2] = checked_add(checked_mul(x[i + 2] - 1, window.stride[i]),
                               window.kernel[i] - window.padding[i] - window.padding_end[i]);
  }
  if (context.has(2)) {
    const auto wanted = context.integers(2);
    if (!wanted) return OnnxOutcome::depends_on_data;
    shape = Shape(context.short_list(*wanted));
  }
  const Tensor zeros = full(context.graph(), {numel(shape)}, 0, context.dtype(0));
  const Tensor indices = flatten(context.in(1), 0, -1);
  const Tensor values = flatten(context.in(0), 0, -1);
  return context.out(
      reshape(apply(scatter_op, ScatterAttrs{0, {}}, zeros, indices, values), shape));
}

// -- normalisation ----------------------------------------------------------------------------

/// Whether statistics are of the batch: an attribute since version 14; before, the further outputs
/// say it.
bool normalises_in_training(const OnnxContext& context) {
  if (context.opset() >= 14) return context.integer("training_mode", 0) != 0;
  return context.wants(1) || context.wants(2);
}

/// Of a rank of 1, x is a batch of one channel.
OnnxOutcome emit_batch_norm(OnnxContext& context) {
  const Tensor given = context.in(0);
  const Tensor x = given.rank() == 1 ? unsqueeze(given, 1) : given;
  const Tensor scale = context.in(1);
  const Tensor bias = context.in(2);
  const Tensor mean = context.in(3);
  const Tensor variance = context.in(4);
  const double eps = context.real("epsilon", 1e-5);
  const bool is_training = normalises_in_training(context);
  const double momentum = is_training ? 1 - context.real("momentum", 0.9) : 0;
  const Tensor result = is_training
                            ? batch_norm_training(x, scale, bias, mean, variance, {eps, momentum})
                            : batch_norm(x, scale, bias, mean, variance, {eps});
  context.out(0, given.rank() == 1 ? squeeze(result, 1) : result);
  if (context.output_count() == 1) return OnnxOutcome::done;
  // The updated statistics, and before version 14 the saved ones.
  const OutputType statistic{mean.shape(), mean.dtype(), false};
  const std::vector<OutputType> more(context.output_count() - 1, statistic);
  Graph& graph = context.graph();
  graph.add_declared_outputs(graph.value(result.id).producer, more);
  for (std::size_t i = 1; i < context.output_count(); ++i) {
    context.out(i, sibling_output(result, i));
  }
  return OnnxOutcome::done;
}

/// Scales and shifts that the normalising operator does not take itself.
Tensor scale_and_shift(Tensor x, Tensor scale, Tensor bias) {
  if (scale) x = x * scale;
  return bias ? x + bias : x;
}

}  // namespace

Tensor onnx_layer_norm(OnnxContext& context, Tensor x, Tensor scale, Tensor bias,
                       const OnnxNorm& norm) {
  const std::int64_t axis = context.axis(norm.axis, x.rank());
  const LayerNormAttrs attrs{x.rank() - axis, norm.epsilon};
  const Shape normalized(
      std::span<const std::int64_t>(x.shape()).subspan(static_cast<std::size_t>(axis)));
  const bool fits = scale.shape() == normalized && (!bias || bias.shape() == normalized);
  const Tensor none{x.graph, no_id};
  const OpDef& op = norm.is_root_mean_square ? rms_norm_op : layer_norm_op;
  const Tensor plain = apply(op, attrs, x, fits ? scale : none, fits ? bias : none);
  OutputType statistic{x.shape(), DType::float32, false};
  for (std::int64_t i = axis; i < x.rank(); ++i) statistic.shape.set_dim(i, 1);
  Graph& graph = context.graph();
  for (std::size_t i = 1; i < std::min<std::size_t>(3, context.output_count()); ++i) {
    graph.add_declared_outputs(graph.value(plain.id).producer, std::span(&statistic, 1));
    context.out(i, sibling_output(plain, i));
  }
  return fits ? plain : scale_and_shift(plain, scale, bias);
}

namespace {

OnnxOutcome emit_layer_norm(OnnxContext& context, bool is_root_mean_square) {
  const Tensor x = context.in(0);
  const Tensor scale = context.in(1);
  const Tensor bias = context.optional_in(2);
  const OnnxNorm norm{context.integer("axis", -1), context.real("epsilon", 1e-5),
                      is_root_mean_square};
  return context.out(0, onnx_layer_norm(context, x, scale, bias, norm));
}

OnnxOutcome emit_layer_normalization(OnnxContext& context) {
  return emit_layer_norm(context, false);
}

OnnxOutcome emit_rms_normalization(OnnxContext& context) { return emit_layer_norm(context, true); }

OnnxOutcome emit_instance_norm(OnnxContext& context) {
  const Tensor x = context.in(0);
  // PyTorch writes norms without weights, and those of groups, with constants.
  const auto factor = [&](std::size_t index, double neutral) {
    const OnnxValue& value = context.value(index);
    const bool is_none = value.stored != nullptr && value.stored->is_constant &&
                         context.reader().is_filled(value, neutral);
    return is_none ? context.in(index, OnnxRole::setting) : context.in(index);
  };
  const Tensor scale = factor(1, 1);
  const Tensor bias = factor(2, 0);
  return context.out(instance_norm(x, scale, bias, {context.real("epsilon", 1e-5)}));
}

OnnxOutcome emit_group_norm(OnnxContext& context) {
  const Tensor x = context.in(0);
  const GroupNormAttrs attrs{context.integer("num_groups", 1), context.real("epsilon", 1e-5)};
  const Tensor scale = context.in(1);
  const Tensor bias = context.in(2);
  if (context.opset() >= 21 || (x.rank() >= 2 && scale.shape() == Shape{x.dim(1)})) {
    return context.out(group_norm(x, scale, bias, attrs));
  }
  // Until version 21 scale and bias were per group.
  const Tensor none{x.graph, no_id};
  const Tensor plain = group_norm(x, none, none, attrs);
  const Tensor grouped = reshape(plain, {x.dim(0), attrs.num_groups, -1});
  const Ints per_group{attrs.num_groups, 1};
  return context.out(reshape(
      scale_and_shift(grouped, reshape(scale, per_group), reshape(bias, per_group)), x.shape()));
}

OnnxOutcome emit_local_response_norm(OnnxContext& context) {
  return context.out(
      local_response_norm(context.in(0), {context.integer("size", 1), context.real("alpha", 1e-4),
                                          context.real("beta", 0.75), context.real("bias", 1.0)}));
}

/// x divided by its norm along an axis.
OnnxOutcome emit_lp_normalization(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", -1), x.rank());
  const bool absolute = context.integer("p", 2) == 1;
  const Tensor size =
      absolute ? sum(unary(abs_op, x), {axis}, true) : reduce(norm_op, x, {axis}, true);
  return context.out(x / size);
}

OnnxOutcome emit_mean_variance_norm(OnnxContext& context) {
  const Tensor x = context.in(0);
  const auto listed = context.integers("axes");
  const Ints axes = context.axes(listed ? *listed : std::vector<std::int64_t>{0, 2, 3}, x.rank());
  const Tensor centred = x - mean(x, axes, true);
  const Tensor variance = mean(centred * centred, axes, true);
  return context.out(centred / (unary(sqrt_op, variance) + 1e-9));
}

// -- resampling -------------------------------------------------------------------------------

/// A size times a scale, as ONNX Runtime computes it: 10 x 2.3 is 23 in float32 and less in double.
float scaled_size(const OnnxContext& context, std::int64_t size, float scale) {
  const float result = static_cast<float>(size) * scale;
  context.require(result >= 0 && result < 0x1p40F, "scales that are not enormous");
  return result;
}

/// The sizes that Resize and Upsample ask for: by scales, or themselves. Nothing where they are not
/// known.
std::optional<Shape> resized_shape(OnnxContext& context) {
  const Shape& x = context.shape(0);
  const bool is_upsample = context.node().op_type == "Upsample";
  const auto listed = context.integers("axes");
  Ints axes;
  for (std::int64_t i = 0; i < x.rank(); ++i) axes.push_back(i);
  if (listed) axes = context.axes(*listed, x.rank());

  Shape shape = x;
  const auto by_scales = [&](const std::vector<double>& scales) {
    context.require(scales.size() == axes.size(), "a scale per dimension");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const float size = scaled_size(context, x.dim(axes[i]), static_cast<float>(scales[i]));
      shape.set_dim(axes[i], static_cast<std::int64_t>(size));
    }
  };
  if (is_upsample && context.opset() < 7) {
    context.require(x.rank() == 4, "an input of rank 4");
    axes = {2, 3};
    by_scales({context.real("height_scale", 1), context.real("width_scale", 1)});
    return shape;
  }
  if (is_upsample && context.opset() < 9) {
    by_scales(context.reals("scales").value_or(std::vector<double>{}));
    return shape;
  }
  const bool has_sizes = !is_upsample && context.opset() >= 11 && context.has(3);
  const auto sizes = has_sizes ? context.integers(3) : std::vector<std::int64_t>{};
  if (!sizes) return std::nullopt;
  if (!sizes->empty()) {
    const std::vector<std::int64_t>& wanted = *sizes;
    context.require(wanted.size() == axes.size(), "a size per dimension");
    for (const std::int64_t size : wanted) context.require(size >= 0, "sizes of at least 0");
    const std::string_view policy = context.text("keep_aspect_ratio_policy", "stretch");
    if (policy == "stretch") {
      for (std::size_t i = 0; i < axes.size(); ++i) shape.set_dim(axes[i], wanted[i]);
      return shape;
    }
    const bool is_smaller = policy == "not_larger";
    float scale = is_smaller ? HUGE_VALF : 0;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const float own = static_cast<float>(wanted[i]) /
                        static_cast<float>(std::max<std::int64_t>(1, x.dim(axes[i])));
      scale = is_smaller ? std::min(scale, own) : std::max(scale, own);
    }
    for (const std::int64_t axis : axes) {
      const float size = std::round(scaled_size(context, x.dim(axis), scale));
      shape.set_dim(axis, static_cast<std::int64_t>(size));
    }
    return shape;
  }
  const std::size_t scales = is_upsample || context.opset() < 11 ? 1 : 2;
  const KnownTensor* known = context.elements(scales);
  if (known == nullptr) return std::nullopt;
  std::vector<double> factors;
  for (std::size_t i = 0; i < known->count(); ++i) factors.push_back(known->real(i));
  by_scales(factors);
  return shape;
}

OnnxOutcome out_resized(OnnxContext& context, const Shape& shape) {
  const Tensor x = context.in(0);
  const std::string_view mode = context.text("mode", "nearest");
  const bool corners =
      context.text("coordinate_transformation_mode", "half_pixel") == "align_corners";
  if (numel(shape) == 0 && !context.reader().assumes_sizes())
    return context.out(full(context.graph(), shape, 0, x.dtype()));
  const bool keeps_outer =
      x.rank() >= 3 && x.rank() <= 5 && shape.dim(0) == x.dim(0) && shape.dim(1) == x.dim(1);
  const bool is_cubic = mode == "cubic";
  if (keeps_outer && (!is_cubic || x.rank() == 4)) {
    const Spatial size(std::span<const std::int64_t>(shape).subspan(2));
    const bool filters = mode != "nearest" && x.rank() == 4 && context.integer("antialias", 0) == 1;
    if (filters) {
      const OpDef& op = is_cubic ? upsample_bicubic2d_aa_op : upsample_bilinear2d_aa_op;
      return context.out(upsample(op, x, {.output_size = size, .align_corners = corners}));
    }
    if (is_cubic) return context.out(upsample_bicubic(x, size, corners));
    if (mode == "nearest") return context.out(upsample_nearest(x, size));
    return context.out(upsample_linear(x, size, corners));
  }
  // Sizes of the first two dimensions change, or there are too few or too many: as rows of one
  // channel, one axis after the other.
  Tensor result = x;
  for (std::int64_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape.dim(axis) == result.dim(axis)) continue;
    Shape grown = result.shape();
    grown.set_dim(axis, shape.dim(axis));
    std::int64_t outer = 1, inner = 1;
    for (std::int64_t i = 0; i < grown.rank(); ++i) {
      if (i < axis) outer *= grown.dim(i);
      if (i > axis) inner *= grown.dim(i);
    }
    const Tensor rows = reshape(result, {1, outer, result.dim(axis), inner});
    const Spatial size{shape.dim(axis), inner};
    const Tensor resized = mode == "nearest" ? upsample_nearest(rows, size)
                           : is_cubic        ? upsample_bicubic(rows, size, corners)
                                             : upsample_linear(rows, size, corners);
    result = reshape(resized, grown);
  }
  return context.out(result);
}

OnnxOutcome emit_resize(OnnxContext& context) {
  const std::optional<Shape> shape = resized_shape(context);
  return shape ? out_resized(context, *shape) : OnnxOutcome::depends_on_data;
}

bool declare_resize(OnnxContext& context, const DeclaredType& type) {
  if (type.shape.rank() != context.rank(0)) return false;
  out_resized(context, type.shape);
  return true;
}

OnnxOutcome emit_grid_sample(OnnxContext& context) {
  const std::string_view mode = context.text("mode", "linear");
  GridSampleAttrs attrs;
  attrs.mode = mode == "nearest"                      ? "nearest"
               : mode == "cubic" || mode == "bicubic" ? "bicubic"
                                                      : "bilinear";
  const std::string_view padding = context.text("padding_mode", "zeros");
  attrs.padding_mode = padding == "border"       ? "border"
                       : padding == "reflection" ? "reflection"
                                                 : "zeros";
  attrs.align_corners = context.integer("align_corners", 0) != 0;
  const std::int64_t rank = context.rank(0);
  if (rank < 3 || rank > 5 || (attrs.mode == "bicubic" && rank != 4))
    return OnnxOutcome::depends_on_data;
  const Tensor x = context.in(0);
  return context.out(grid_sample(x, context.in(1), attrs));
}

using enum Meaning;

constexpr NoEffect batch_norm_no_effect[] = {
    {"momentum", "of running statistics, which training updates"},
    {"is_test", "without further outputs it is inference"},
    {"spatial=1", "the default"},
};

constexpr NoEffect deform_no_effect[] = {{"offset_group", "the offsets' channels say it"}};

constexpr NoEffect norm_no_effect[] = {{"stash_type", "the precision of the statistics"}};

constexpr NoEffect global_lp_no_effect[] = {{"p=2", "the default"}};

constexpr NoEffect max_pool_no_effect[] = {{"storage_order", "how indices are numbered"}};

constexpr NoEffect resize_no_effect[] = {
    {"nearest_mode", "which neighbour is taken"},
    {"cubic_coeff_a", "a constant of the formula"},
    {"exclude_outside", "weights of samples outside"},
    {"extrapolation_value", "what is written outside"},
    {"keep_aspect_ratio_policy", "used with sizes only, where it is read"},
    {"antialias=0", "the default"},
    {"input 1", "which region is sampled"},
    {"input 2", "empty where the sizes are given"},
};

constexpr OnnxOperator neural_rows[] = {
    {"AveragePool", same_values, emit_average_pool},
    {"BatchNormalization",
     same_values,
     emit_batch_norm,
     {.weights = {1, 2}, .statistics = {3, 4}, .no_effect = batch_norm_no_effect}},
    {"Conv", same_values, emit_conv, {.fit = OnnxFit::convolution, .weights = {1, 2}}},
    {"ConvTranspose", same_values, emit_conv_transpose, {.weights = {1, 2}}},
    {"DeformConv",
     same_values,
     emit_deform_conv,
     {.weights = {1, 3}, .no_effect = deform_no_effect}},
    {"GlobalAveragePool", same_values, emit_global_average_pool},
    {"GlobalLpPool", same_values, emit_global_lp_pool, {.no_effect = global_lp_no_effect}},
    {"GlobalMaxPool", same_values, emit_global_max_pool},
    {"GridSample", same_values, emit_grid_sample},
    {"GroupNormalization",
     same_values,
     emit_group_norm,
     {.weights = {1, 2}, .no_effect = norm_no_effect}},
    {"InstanceNormalization", same_values, emit_instance_norm, {.weights = {1, 2}}},
    {"LRN", same_values, emit_local_response_norm},
    {"LayerNormalization",
     same_values,
     emit_layer_normalization,
     {.weights = {1, 2}, .no_effect = norm_no_effect}},
    {"LpNormalization", same_values, emit_lp_normalization},
    {"LpPool", same_values, emit_lp_pool},
    {"MaxPool", same_values, emit_max_pool, {.no_effect = max_pool_no_effect}},
    {"MaxUnpool", same_values, emit_max_unpool},
    {"MeanVarianceNormalization", same_values, emit_mean_variance_norm},
    {"RMSNormalization",
     same_values,
     emit_rms_normalization,
     {.weights = {1, 2}, .no_effect = norm_no_effect}},
    {"Resize",
     same_cost,
     emit_resize,
     {.emit_declared = declare_resize, .no_effect = resize_no_effect}},
    {"Upsample",
     same_cost,
     emit_resize,
     {.emit_declared = declare_resize, .no_effect = resize_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_neural_operators = {"", neural_rows};

}  // namespace zoometer
