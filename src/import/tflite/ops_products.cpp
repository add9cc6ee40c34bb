// Operators with multiply-accumulates, and those over windows of images.
#include <algorithm>

#include "import/tflite/call.hpp"
#include "op/indexing.hpp"
#include "op/mobile.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::int8_t same_padding = 0;
constexpr auto weight_role = TfliteRole::weight;

/// Where padding is, for a size of which each window of `extent` moves by `stride`.
struct Pads {
  std::int64_t before = 0, after = 0;
};

Pads same_pads(std::int64_t size, std::int64_t extent, std::int64_t stride) {
  const std::int64_t out = ceil_div(size, stride);
  const std::int64_t total =
      std::max<std::int64_t>(checked_add(checked_mul(out - 1, stride), extent - size), 0);
  return {total / 2, total - total / 2};
}

/// The bias as one dimension.
Tensor bias_of(TfliteCall& call, std::size_t index) {
  const Tensor bias = call.optional_in(index, weight_role);
  return bias && bias.rank() != 1 ? reshape(bias, {-1}) : bias;
}

void note_weight(TfliteCall& call, std::size_t x, std::size_t weight) {
  if (call.is_quantised_weight(weight) && is_floating(call.tensor(x).dtype))
    call.reader().note_hybrid();
}

/// A convolution over as many spatial dimensions as strides are given, filters as (out, channels,
/// kernel...).
bool out_convolution(TfliteCall& call, Tensor weight, const Spatial& strides,
                     const Spatial& dilations, std::int8_t padding, unsigned activation) {
  const Tensor x = call.planar_in(0);
  call.require(x.rank() == weight.rank() && x.shape().size() == strides.size() + 2,
               "an image or a volume");
  ConvAttrs attrs{strides, {}, {}, dilations, {}, 1};
  call.require(weight.dim(1) >= 1, "filters with channels");
  attrs.groups = x.dim(1) / weight.dim(1);
  for (std::size_t i = 0; i < strides.size(); ++i) {
    call.require(strides[i] >= 1 && dilations[i] >= 1, "strides and dilations of at least 1");
    const std::int64_t extent = checked_add(
        checked_mul(dilations[i], std::max<std::int64_t>(weight.shape()[i + 2], 1) - 1), 1);
    const Pads pads =
        padding == same_padding ? same_pads(x.shape()[i + 2], extent, strides[i]) : Pads{};
    attrs.padding.push_back(pads.before);
    attrs.padding_end.push_back(pads.after);
  }
  note_weight(call, 0, 1);
  const Tensor result = convolution(x, weight, bias_of(call, 2), attrs);
  return call.out_planar(call.finished(result, activation, true));
}

bool emit_conv_2d(TfliteCall& call) {
  const Spatial strides{call.option<std::int32_t>(2), call.option<std::int32_t>(1)};
  const Spatial dilations{call.option<std::int32_t>(5, 1), call.option<std::int32_t>(4, 1)};
  const auto padding = call.option<std::int8_t>(0);
  const Tensor weight = name_axes(call.in(1, weight_role), {0, 3, 1, 2});
  return out_convolution(call, weight, strides, dilations, padding, 3);
}

bool emit_depthwise_conv_2d(TfliteCall& call) {
  const Spatial strides{call.option<std::int32_t>(2), call.option<std::int32_t>(1)};
  const Spatial dilations{call.option<std::int32_t>(6, 1), call.option<std::int32_t>(5, 1)};
  const auto padding = call.option<std::int8_t>(0);
  const Tensor weight = name_axes(call.in(1, weight_role), {3, 0, 1, 2});
  return out_convolution(call, weight, strides, dilations, padding, 4);
}

bool emit_conv_3d(TfliteCall& call) {
  const Spatial strides{call.option<std::int32_t>(1), call.option<std::int32_t>(3),
                        call.option<std::int32_t>(2)};
  const Spatial dilations{call.option<std::int32_t>(5, 1), call.option<std::int32_t>(7, 1),
                          call.option<std::int32_t>(6, 1)};
  const auto padding = call.option<std::int8_t>(0);
  const Tensor weight = name_axes(call.in(1, weight_role), {4, 3, 0, 1, 2});
  return out_convolution(call, weight, strides, dilations, padding, 4);
}

/// Where the operands of a transposed convolution are.
struct TransposedOperands {
  const TfliteKnown* sizes;  ///< of the result, or null
  std::size_t x = 2, bias = 3;
};

/// Filters as (in, out, kernel...).
bool out_transposed(TfliteCall& call, Tensor weight, const Spatial& strides, std::int8_t padding,
                    unsigned activation, const TransposedOperands& operands) {
  const Tensor x = call.planar_in(operands.x);
  const std::size_t spatial = strides.size();
  call.require(x.rank() == weight.rank() && x.shape().size() == spatial + 2,
               "an image or a volume");
  const TfliteKnown* sizes = operands.sizes;
  if (sizes != nullptr && sizes->elements.size() != spatial + 2) sizes = nullptr;
  ConvAttrs attrs{strides, {}, {}, Spatial::filled(spatial, 1), {}, 1};
  for (std::size_t i = 0; i < spatial; ++i) {
    call.require(strides[i] >= 1, "strides of at least 1");
    const std::int64_t kernel = weight.shape()[i + 2];
    const std::int64_t full = checked_add(checked_mul(x.shape()[i + 2] - 1, strides[i]), kernel);
    const std::int64_t usual =
        padding == same_padding ? checked_mul(x.shape()[i + 2], strides[i])
                                : checked_add(full, std::max<std::int64_t>(strides[i] - kernel, 0));
    const std::int64_t out = sizes != nullptr ? sizes->elements[i + 1] : usual;
    const std::int64_t cut = std::max<std::int64_t>(full - out, 0);
    attrs.padding.push_back(cut / 2);
    attrs.padding_end.push_back(cut - cut / 2);
    attrs.output_padding.push_back(std::max<std::int64_t>(out - full, 0));
  }
  note_weight(call, operands.x, 1);
  const Tensor result = conv_transpose(x, weight, bias_of(call, operands.bias), attrs);
  return call.out_planar(call.finished(result, activation, true));
}

bool emit_transpose_conv(TfliteCall& call) {
  const Spatial strides{call.option<std::int32_t>(2), call.option<std::int32_t>(1)};
  const auto padding = call.option<std::int8_t>(0);
  const Tensor weight = name_axes(call.in(1, weight_role), {3, 0, 1, 2});
  return out_transposed(call, weight, strides, padding, 3, {call.known(0)});
}

bool emit_conv_3d_transpose(TfliteCall& call) {
  const Spatial strides{call.option<std::int32_t>(1), call.option<std::int32_t>(3),
                        call.option<std::int32_t>(2)};
  const auto padding = call.option<std::int8_t>(0);
  const Tensor weight = name_axes(call.in(1, weight_role), {4, 3, 0, 1, 2});
  return out_transposed(call, weight, strides, padding, 4, {call.known(0)});
}

/// MediaPipe's, of the operands x, filters and a bias. Options: padding (1: same), strides.
bool emit_mediapipe_transpose_conv(TfliteCall& call) {
  const Spatial strides{call.custom_option(2), call.custom_option(1)};
  const std::int8_t padding = call.custom_option(0) == 1 ? same_padding : 1;
  const Tensor weight = name_axes(call.in(1, weight_role), {3, 0, 1, 2});
  constexpr unsigned no_activation = 3;  // a field that custom operators do not have
  return out_transposed(call, weight, strides, padding, no_activation, {nullptr, 0, 2});
}

// -- matrices ---------------------------------------------------------------------------------

/// The tensor of the scales of blocks of a weight, or -1.
std::int32_t block_scales(TfliteCall& call, const TfliteTensor& weight) {
  constexpr std::uint8_t blockwise = 2;
  constexpr std::uint8_t multi_axis = 3;
  const auto kind = weight.quantization.number<std::uint8_t>(4);
  if (kind != blockwise && kind != multi_axis) return -1;
  const auto scales = weight.quantization.table(5).number<std::int32_t>(0, -1);
  const auto count = static_cast<std::int64_t>(call.frame().subgraph.tensors.size());
  return scales >= 0 && scales < count ? scales : -1;
}

bool emit_fully_connected(TfliteCall& call) {
  Tensor x = call.in(0);
  const bool keeps_dims = call.flag(2);
  const Tensor weight = call.in(1, weight_role);
  call.require(weight.rank() == 2, "a weight of rank 2");
  const std::int64_t depth = weight.dim(1);
  const bool fits = x.rank() >= 1 && x.dim(-1) == depth;
  if (!fits || (!keeps_dims && x.rank() != 2)) {
    call.require(depth > 0 && numel(x.shape()) % depth == 0, "rows as long as the weight's");
    x = reshape(x, {numel(x.shape()) / depth, depth});
  }
  const Tensor bias = bias_of(call, 2);
  const std::int32_t scales = block_scales(call, call.tensor(1));
  if (scales >= 0) {
    const Tensor blocks = call.reader().enter(call.frame(), scales, TfliteRole::data);
    const auto owner = call.graph().value(blocks.id).producer;
    if (call.graph().value(blocks.id).has(Value::is_parameter))
      call.graph().set_parameter_kind(owner, ParameterKind::quantisation);
    const Tensor none{&call.graph(), no_id};
    const Tensor result =
        matmul_n_bits(x, {weight, blocks, none, none, bias}, {.in = depth, .out = weight.dim(0)});
    return call.out(call.finished(result, 0, true));
  }
  note_weight(call, 0, 1);
  return call.out(call.finished(linear(x, weight, bias), 0, true));
}

Tensor last_two_swapped(Tensor x) {
  Ints dims;
  for (std::int64_t i = 0; i < x.rank(); ++i) dims.push_back(i);
  std::swap(dims[dims.size() - 2], dims[dims.size() - 1]);
  return name_axes(x, dims);
}

bool emit_batch_matmul(TfliteCall& call) {
  Tensor x = call.in(0, weight_role);
  Tensor y = call.in(1, weight_role);
  call.require(x.rank() >= 2 && y.rank() >= 2, "matrices");
  if (call.flag(0)) x = last_two_swapped(x);
  if (call.flag(1)) y = last_two_swapped(y);
  note_weight(call, 0, 1);
  const Tensor result = matmul(x, y);
  const bool is_integer = !is_floating(call.output(0).dtype) && call.output(0).scales() > 0;
  return call.out(is_integer ? call.finished(result, no_activation, true) : result);
}

bool emit_embedding_lookup(TfliteCall& call) {
  const Tensor table = call.in(1, weight_role);
  return call.out(advanced_index(table, std::vector<Tensor>{call.in(0)}, {0}));
}

// -- windows ----------------------------------------------------------------------------------

/// Windows with the padding that they need.
PoolAttrs padded(TfliteCall& call, Tensor x, PoolAttrs attrs, bool is_same) {
  attrs.dilation = {1, 1};
  attrs.count_include_pad = false;
  for (std::size_t i = 0; i < 2; ++i) {
    call.require(attrs.stride[i] >= 1 && attrs.kernel_size[i] >= 1,
                 "windows and strides of at least 1");
    const Pads pads =
        is_same ? same_pads(x.shape()[i + 2], attrs.kernel_size[i], attrs.stride[i]) : Pads{};
    attrs.padding.push_back(pads.before);
    attrs.padding_end.push_back(pads.after);
  }
  return attrs;
}

PoolAttrs pool_attrs(TfliteCall& call, Tensor x) {
  call.require(x.rank() == 4, "an image");
  PoolAttrs attrs;
  attrs.stride = {call.option<std::int32_t>(2), call.option<std::int32_t>(1)};
  attrs.kernel_size = {call.option<std::int32_t>(4), call.option<std::int32_t>(3)};
  return padded(call, x, attrs, call.option<std::int8_t>(0) == same_padding);
}

/// MediaPipe's, with the places of the maxima. Options: padding (1: same), strides, windows.
bool emit_mediapipe_max_pool(TfliteCall& call) {
  const Tensor x = call.planar_in(0);
  call.require(x.rank() == 4, "an image");
  const bool is_same = call.custom_option(0) == 1;
  PoolAttrs attrs;
  attrs.stride = {call.custom_option(2), call.custom_option(1)};
  attrs.kernel_size = {call.custom_option(4), call.custom_option(3)};
  call.out_planar(max_pool(x, padded(call, x, attrs, is_same)));
  return call.out_declared(1);
}

bool emit_mediapipe_unpool(TfliteCall& call) { return call.out_declared(0); }

bool emit_average_pool(TfliteCall& call) {
  const Tensor x = call.planar_in(0);
  return call.out_planar(call.finished(avg_pool(x, pool_attrs(call, x)), 5, false));
}

bool emit_max_pool(TfliteCall& call) {
  const Tensor x = call.planar_in(0);
  return call.out_planar(call.finished(max_pool(x, pool_attrs(call, x)), 5, false));
}

/// The root of the mean of squares.
bool emit_l2_pool(TfliteCall& call) {
  const Tensor x = call.planar_in(0);
  const Tensor mean = avg_pool(x * x, pool_attrs(call, x));
  return call.out_planar(call.finished(unary(sqrt_op, mean), 5, false));
}

bool emit_resize(TfliteCall& call) {
  const bool is_linear = call.row().op == &upsample_bilinear2d_op;
  const bool aligns = call.flag(is_linear ? 2 : 0);
  const Tensor x = call.planar_in(0);
  const TfliteKnown* sizes = call.known(1);
  Spatial wanted;
  if (sizes != nullptr && sizes->elements.size() == 2) {
    wanted = {sizes->elements[0], sizes->elements[1]};
  } else {
    const TfliteTensor& declared = call.output(0);
    if (declared.shape.size() != 4) return false;
    wanted = {declared.shape[1], declared.shape[2]};
    call.reader().note("an image is resized to sizes that depend on data; the stored ones count");
  }
  UpsampleAttrs attrs;
  attrs.output_size = wanted;
  attrs.align_corners = aligns;
  return call.out_planar(upsample(*call.row().op, x, attrs));
}

constexpr std::string_view pool_options =
    "padding stride_w stride_h filter_width filter_height activation";

constexpr TfliteOperator product_rows[] = {
    {1, emit_average_pool, pool_options},
    {3, emit_conv_2d,
     "padding stride_w stride_h activation dilation_w dilation_h -quantized_bias_type"},
    {4, emit_depthwise_conv_2d,
     "padding stride_w stride_h -depth_multiplier activation dilation_w dilation_h"},
    {7, emit_embedding_lookup},
    {9, emit_fully_connected,
     "activation -weights_format keep_num_dims -asymmetric_quantize_inputs -quantized_bias_type "
     "-quant_spec"},
    {12, emit_l2_pool, pool_options},
    {17, emit_max_pool, pool_options},
    {23, emit_resize, "-new_height -new_width align_corners -half_pixel_centers",
     &upsample_bilinear2d_op},
    {67, emit_transpose_conv, "padding stride_w stride_h activation -quantized_bias_type"},
    {97, emit_resize, "align_corners -half_pixel_centers", &upsample_nearest2d_op},
    {custom_code, emit_mediapipe_transpose_conv, {}, nullptr, "Convolution2DTransposeBias"},
    {custom_code, emit_mediapipe_max_pool, {}, nullptr, "MaxPoolingWithArgmax2D"},
    {custom_code, emit_mediapipe_unpool, {}, nullptr, "MaxUnpooling2D"},
    {126, emit_batch_matmul, "adj_x adj_y -asymmetric_quantize_inputs"},
    {132, emit_conv_3d,
     "padding stride_d stride_w stride_h activation dilation_d dilation_w dilation_h"},
    {141, emit_conv_3d_transpose,
     "padding stride_d stride_w stride_h activation dilation_d dilation_w dilation_h"},
};

}  // namespace

extern constinit const TfliteOperators tflite_product_operators = {product_rows};

}  // namespace zoometer
