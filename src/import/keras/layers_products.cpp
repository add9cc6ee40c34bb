// Layers with multiply-accumulates.
#include <algorithm>
#include <array>

#include "import/keras/call.hpp"
#include "op/mobile.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// (kernel..., second to last, last) -> (last, second to last, kernel...).
Ints kernel_order(std::int64_t spatial) {
  Ints dims{spatial + 1, spatial};
  for (std::int64_t i = 0; i < spatial; ++i) dims.push_back(i);
  return dims;
}

Shape kernel_shape(const Spatial& kernel, std::int64_t in, std::int64_t out) {
  Shape shape;
  for (const std::int64_t size : kernel) shape.push_back(size);
  shape.push_back(in);
  shape.push_back(out);
  return shape;
}

/// What the weight of a layer is stored as, and its product.
DType quantised_type(KerasCall& call) {
  const std::string_view mode = call.policy().quantised;
  const bool is_few = mode.starts_with("int4") || mode.find("/4") != std::string_view::npos;
  const bool is_two = mode.find("/2/") != std::string_view::npos;
  return is_few ? DType::int4 : is_two ? DType::int2 : DType::int8;
}

bool has_integer_weight(KerasCall& call) {
  const std::string_view mode = call.policy().quantised;
  return !mode.empty() && !mode.starts_with("float8");
}

/// Rows that share a scale, of "int4/128"; 0: a scale for each column.
std::int64_t block_size(KerasCall& call) {
  std::string_view mode = call.policy().quantised;
  const bool is_grouped =
      mode.starts_with("int4/") || mode.starts_with("gptq/") || mode.starts_with("awq/");
  if (!is_grouped) return 0;
  mode.remove_prefix(mode.rfind('/') + 1);
  std::int64_t size = 0;
  for (const char c : mode.substr(0, 9)) size = c >= '0' && c <= '9' ? size * 10 + (c - '0') : 0;
  return size;
}

/// A weight of few bits. Keras stores two of 4 bits in a byte, along the axis of that size, and
/// counts the bytes.
Tensor integer_weight(KerasCall& call, std::string_view name, const Shape& shape,
                      std::int64_t packed) {
  const DType dtype = quantised_type(call);
  const std::int64_t elements =
      dtype == DType::int8 || packed <= 0
          ? -1
          : checked_mul(numel(shape) / packed, ceil_div(packed * bits_of(dtype), 8));
  return call.stored({name, shape, dtype, ParameterKind::parameter, false, elements});
}

Tensor quantisation_state(KerasCall& call, std::string_view name, const Shape& shape, DType dtype) {
  return call.stored({name, shape, dtype, ParameterKind::quantisation, false});
}

/// x as integers of 8 bits, with the scale of its largest element.
Tensor rounded_operand(Tensor x) {
  Ints all;
  for (std::int64_t i = 0; i < x.rank(); ++i) all.push_back(i);
  const Tensor scale = reduce(amax_op, unary(abs_op, x), all);
  return quantize_per_tensor(x, scale, {x.graph, no_id}, {DType::qint8});
}

/// The histories and scales of float8, of which inference uses none.
void add_float8_state(KerasCall& call) {
  if (!call.policy().quantised.starts_with("float8")) return;
  constexpr std::int64_t history = 1024;
  for (const std::string base : {"inputs", "kernel", "outputs_grad"}) {
    const std::string scale = base + "_scale", amax = base + "_amax_history";
    call.stored({scale, Shape{}, DType::float32, ParameterKind::buffer});
    call.stored({amax, {history}, DType::float32, ParameterKind::buffer});
  }
  call.reader().note("the products of float8 layers count as those of floating-point numbers");
}

Tensor bias_of(KerasCall& call, std::int64_t units) {
  if (!call.flag({"use_bias", "bias"}, true)) return call.none();
  return call.rounded(call.weight("bias", {units}), "bias_quantizer");
}

/// The kernel of a layer with what LoRA adds to it, as the layer computes with it.
Tensor kernel_with_lora(KerasCall& call, std::string_view name, const Shape& shape) {
  const std::int64_t rank = call.integer({"lora_rank"}, 0);
  call.real({"lora_alpha"}, 1);
  if (rank <= 0) return call.rounded(call.weight(name, shape), "kernel_quantizer");
  const Tensor kernel = call.frozen_weight(name, shape);
  Shape first = shape;
  first.set_dim(-1, rank);
  const Tensor a = call.weight("lora_kernel_a", first);
  const Tensor b = call.weight("lora_kernel_b", {rank, shape.back()});
  call.reader().note("LoRA's product is added to the kernel in each call, as Keras does");
  return kernel + matmul(a, b) * 0.5;
}

// -- dense layers -------------------------------------------------------------------------------

/// x (..., in) times (in, out).
Tensor dense(KerasCall& call, Tensor x, std::int64_t units, bool has_bias) {
  call.require(x.rank() >= 1 && units >= 1, "an operand of rank 1 or more, and units");
  const std::int64_t in = x.dim(-1);
  if (!has_integer_weight(call)) {
    const Tensor kernel = kernel_with_lora(call, "kernel", {in, units});
    const Tensor bias = has_bias ? bias_of(call, units) : call.none();
    add_float8_state(call);
    return keras_dense(x, kernel, bias);
  }
  const Tensor bias = has_bias ? call.weight("bias", {units}) : call.none();
  const Tensor kernel = integer_weight(call, "kernel", {in, units}, units);
  const std::int64_t block = block_size(call);
  const Shape scales = block > 0 ? Shape{ceil_div(in, block), units} : Shape{units};
  const Tensor scale = quantisation_state(call, "kernel_scale", scales, DType::float32);
  if (block > 0) {
    quantisation_state(call, "kernel_zero", scales, DType::int8);
    quantisation_state(call, "g_idx", {in}, DType::float32);
  }
  if (!call.policy().is_dynamic) {
    call.reader().note("weights of few bits with real operands are unpacked in the product");
    return matmul_n_bits(x, {name_axes(kernel, {1, 0}), scale, call.none(), call.none(), bias},
                         {.in = in, .out = units});
  }
  const Tensor product = linear(rounded_operand(x), name_axes(kernel, {1, 0}), call.none());
  call.graph().set_dtype(product.id, call.policy().compute);
  const Tensor scaled = product * scale;
  return bias ? scaled + bias : scaled;
}

bool emit_dense(KerasCall& call) {
  const std::int64_t units = call.integer({"units", "output_dim"}, 0);
  const bool has_bias = call.flag({"use_bias", "bias"}, true);
  return call.out(call.activated(dense(call, call.in(), units, has_bias)));
}

/// The letters of an einsum with "..." as letters of its own.
struct Equation {
  std::string x, weight, result;
};

Equation equation_of(KerasCall& call, std::string_view text, std::int64_t rank) {
  Equation equation;
  const std::size_t comma = text.find(',');
  const std::size_t arrow = text.find("->");
  call.require(text.size() <= 100 && comma != std::string_view::npos &&
                   arrow != std::string_view::npos && comma < arrow,
               "an equation of two operands");
  const auto spelled = [&](std::string_view part, std::int64_t letters) {
    std::string result;
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part.substr(i).starts_with("...")) {
        for (std::int64_t k = 0; k < letters; ++k) result += static_cast<char>('A' + k);
        i += 2;
      } else if (part[i] != ' ') {
        call.require(part[i] >= 'a' && part[i] <= 'z', "letters a to z");
        result += part[i];
      }
    }
    return result;
  };
  const std::string_view x = text.substr(0, comma);
  const auto named = static_cast<std::int64_t>(
      std::ranges::count_if(x, [](char c) { return c >= 'a' && c <= 'z'; }));
  const std::int64_t open = x.find("...") == std::string_view::npos ? 0 : rank - named;
  call.require(open >= 0 && open < 16, "as many letters as axes");
  equation.x = spelled(x, open);
  equation.weight = spelled(text.substr(comma + 1, arrow - comma - 1), 0);
  equation.result = spelled(text.substr(arrow + 2), open);
  call.require(static_cast<std::int64_t>(equation.x.size()) == rank &&
                   equation.weight.size() <= most_dimensions &&
                   equation.result.size() <= most_dimensions,
               "as many letters as axes");
  return equation;
}

bool emit_einsum_dense(KerasCall& call) {
  const Tensor x = call.in();
  const Equation equation = equation_of(call, call.text({"equation"}, ""), x.rank());
  std::array<std::int64_t, 128> sizes{};
  sizes.fill(-1);
  const auto size_of = [&](char letter) -> std::int64_t& {
    return sizes[static_cast<std::size_t>(letter)];
  };
  for (std::size_t i = 0; i < equation.x.size(); ++i) size_of(equation.x[i]) = x.shape()[i];
  const Ints output = call.list({"output_shape"});
  // The sizes of the result's last axes; neither the batch nor what "..." stands for is among them.
  std::string letters;
  for (const char letter : equation.result)
    if (letter >= 'a') letters += letter;
  call.require(output.size() <= letters.size(), "at most as many sizes as the result has");
  for (std::size_t i = 0; i < output.size(); ++i) {
    const char letter = letters[letters.size() - output.size() + i];
    if (output[i] >= 0 && size_of(letter) < 0) size_of(letter) = output[i];
  }
  Shape kernel_sizes;
  for (const char letter : equation.weight) {
    call.require(size_of(letter) >= 0, "a size for each letter");
    kernel_sizes.push_back(size_of(letter));
  }
  const bool is_integer = has_integer_weight(call);
  Tensor kernel;
  if (is_integer) {
    kernel = integer_weight(call, "kernel", kernel_sizes, kernel_sizes.back());
  } else {
    kernel = kernel_with_lora(call, "kernel", kernel_sizes);
  }
  Tensor bias = call.none();
  const std::string_view bias_axes = call.text({"bias_axes"}, "");
  if (!bias_axes.empty()) {
    Shape bias_sizes;
    for (const char letter : equation.result) {
      const bool is_in = bias_axes.find(letter) != std::string_view::npos;
      if (is_in || !bias_sizes.empty()) bias_sizes.push_back(is_in ? size_of(letter) : 1);
    }
    call.require(std::ranges::all_of(bias_sizes, [](std::int64_t size) { return size >= 0; }),
                 "axes of the result");
    bias = call.weight("bias", bias_sizes);
  }
  add_float8_state(call);
  const std::string text = equation.x + "," + equation.weight + "->" + equation.result;
  const Tensor operand = is_integer && call.policy().is_dynamic ? rounded_operand(x) : x;
  Tensor result = einsum(call.graph().arena().copy(text), operand, kernel);
  if (is_integer) {
    call.graph().set_dtype(result.id, call.policy().compute);
    Shape scale_sizes;
    for (const char letter : equation.result) {
      const bool is_in = equation.weight.find(letter) != std::string::npos &&
                         equation.x.find(letter) == std::string::npos;
      if (is_in || !scale_sizes.empty()) scale_sizes.push_back(is_in ? size_of(letter) : 1);
    }
    result = result * quantisation_state(call, "kernel_scale", scale_sizes, DType::float32);
    if (block_size(call) > 0) {
      std::int64_t rows = 1;
      for (const char letter : equation.weight)
        if (equation.x.find(letter) != std::string::npos) rows = checked_mul(rows, size_of(letter));
      quantisation_state(call, "kernel_zero", scale_sizes, DType::int8);
      quantisation_state(call, "g_idx", {rows}, DType::float32);
    }
  }
  if (bias) result = result + bias;
  return call.out(call.activated(result));
}

Tensor embedding_indices(KerasCall& call) {
  const Tensor x = call.reader().last(call.handle(0));
  return is_floating(x.dtype()) ? to(x, DType::int32) : x;
}

bool emit_embedding(KerasCall& call) {
  const std::int64_t rows = call.integer({"input_dim"}, 0);
  const std::int64_t width = call.integer({"output_dim"}, 0);
  call.require(rows >= 1 && width >= 1, "rows and columns");
  if (call.flag({"mask_zero"}, false))
    call.reader().note("masked steps of sequences (mask_zero) are counted");
  if (call.flag({"reverse"}, false)) {
    const Tensor table = call.weight("embeddings", {rows, width});
    return call.out(linear(call.in(), table, call.none()));
  }
  const Tensor indices = embedding_indices(call);
  if (has_integer_weight(call)) {
    const Tensor table = integer_weight(call, "embeddings", {rows, width}, width);
    const Tensor scales = quantisation_state(call, "embeddings_scale", {rows}, DType::float32);
    const Tensor found = to(embedding(table, indices), call.policy().compute);
    return call.out(found * unsqueeze(index(scales, indices), -1));
  }
  Tensor table = call.weight("embeddings", {rows, width});
  const std::int64_t rank = call.integer({"lora_rank"}, 0);
  if (rank > 0) {
    const Tensor a = call.weight("lora_embeddings_a", {rows, rank});
    const Tensor b = call.weight("lora_embeddings_b", {rank, width});
    return call.out(embedding(table, indices) + matmul(embedding(a, indices), b));
  }
  return call.out(embedding(table, indices));
}

// -- convolutions -------------------------------------------------------------------------------

Spatial kernel_sizes(KerasCall& call, std::int64_t spatial) {
  if (call.option({"nb_row"}) != nullptr)
    return {call.integer({"nb_row"}, 1), call.integer({"nb_col"}, 1)};
  if (call.option({"kernel_dim1"}) != nullptr)
    return {call.integer({"kernel_dim1"}, 1), call.integer({"kernel_dim2"}, 1),
            call.integer({"kernel_dim3"}, 1)};
  return call.spatial({"kernel_size", "filter_length"}, static_cast<std::size_t>(spatial), 1);
}

Spatial strides_of(KerasCall& call, std::int64_t spatial) {
  return call.spatial({"strides", "subsample", "subsample_length"},
                      static_cast<std::size_t>(spatial), 1);
}

/// Where windows are over x (N, C, spatial...).
ConvAttrs window_attrs(KerasCall& call, Tensor x, const Spatial& kernel, const Spatial& strides,
                       const Spatial& dilations) {
  const std::string_view padding = call.text({"padding", "border_mode"}, "valid");
  ConvAttrs attrs{strides, {}, {}, dilations, {}, 1};
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const std::int64_t extent = checked_add(checked_mul(dilations[i], kernel[i] - 1), 1);
    const KerasPads pads = keras_pads(call, padding, x.shape()[i + 2], extent, strides[i]);
    attrs.padding.push_back(pads.before);
    attrs.padding_end.push_back(pads.after);
  }
  return attrs;
}

Spatial dilations_of(KerasCall& call, std::int64_t spatial) {
  return call.spatial({"dilation_rate", "atrous_rate"}, static_cast<std::size_t>(spatial), 1);
}

bool finish_convolution(KerasCall& call, Tensor result) {
  const std::int64_t axis = 1;
  return call.out_image(call.activated(result, axis));
}

bool emit_convolution(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const Spatial kernel = kernel_sizes(call, spatial);
  const std::int64_t filters = call.integer({"filters", "nb_filter"}, 0);
  const std::int64_t groups = call.integer({"groups"}, 1);
  const Tensor x = call.image(spatial);
  call.require(filters >= 1 && groups >= 1 && x.dim(1) % groups == 0,
               "filters, and groups of channels");
  const ConvAttrs window =
      window_attrs(call, x, kernel, strides_of(call, spatial), dilations_of(call, spatial));
  ConvAttrs attrs = window;
  attrs.groups = groups;
  const Tensor weight =
      kernel_with_lora(call, "kernel", kernel_shape(kernel, x.dim(1) / groups, filters));
  const Tensor bias = bias_of(call, filters);
  return finish_convolution(call,
                            convolution(x, name_axes(weight, kernel_order(spatial)), bias, attrs));
}

/// (kernel..., channels, multiplier) -> (channels x multiplier, 1, kernel...).
Tensor depthwise_weight(Tensor weight, const Spatial& kernel, std::int64_t filters) {
  const auto spatial = static_cast<std::int64_t>(kernel.size());
  return name_axes(reshape(weight, kernel_shape(kernel, 1, filters)), kernel_order(spatial));
}

bool emit_depthwise(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const Spatial kernel = kernel_sizes(call, spatial);
  const std::int64_t multiplier = call.integer({"depth_multiplier"}, 1);
  const Tensor x = call.image(spatial);
  call.require(multiplier >= 1, "a multiplier of at least 1");
  ConvAttrs attrs =
      window_attrs(call, x, kernel, strides_of(call, spatial), dilations_of(call, spatial));
  attrs.groups = x.dim(1);
  const std::int64_t filters = checked_mul(x.dim(1), multiplier);
  const Tensor stored = call.weight("kernel", kernel_shape(kernel, x.dim(1), multiplier));
  const Tensor weight = call.rounded(stored, "depthwise_quantizer");
  const Tensor bias = bias_of(call, filters);
  return finish_convolution(call,
                            convolution(x, depthwise_weight(weight, kernel, filters), bias, attrs));
}

bool emit_separable(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const auto count = static_cast<std::size_t>(spatial);
  const Spatial kernel = kernel_sizes(call, spatial);
  const std::int64_t multiplier = call.integer({"depth_multiplier"}, 1);
  const std::int64_t filters = call.integer({"filters", "nb_filter"}, 0);
  const Tensor x = call.image(spatial);
  call.require(multiplier >= 1 && filters >= 1, "a multiplier of at least 1, and filters");
  ConvAttrs attrs =
      window_attrs(call, x, kernel, strides_of(call, spatial), dilations_of(call, spatial));
  attrs.groups = x.dim(1);
  const std::int64_t channels = checked_mul(x.dim(1), multiplier);
  const Tensor weight =
      call.rounded(call.weight("depthwise_kernel", kernel_shape(kernel, x.dim(1), multiplier)),
                   "depthwise_quantizer");
  const Spatial ones = Spatial::filled(count, 1);
  const Tensor points =
      call.rounded(call.weight("pointwise_kernel", kernel_shape(ones, channels, filters)),
                   "pointwise_quantizer");
  const Tensor bias = bias_of(call, filters);
  const Tensor depthwise =
      convolution(x, depthwise_weight(weight, kernel, channels), call.none(), attrs);
  const ConvAttrs pointwise{ones, Spatial::filled(count, 0), Spatial::filled(count, 0), ones, {},
                            1};
  return finish_convolution(
      call, convolution(depthwise, name_axes(points, kernel_order(spatial)), bias, pointwise));
}

/// The size of a result (Keras's compute_conv_transpose_output_shape).
std::int64_t transposed_size(std::int64_t size, std::int64_t extent, std::int64_t stride,
                             bool is_same, std::int64_t output_padding) {
  const std::int64_t grown = checked_mul(size, stride);
  if (output_padding < 0)
    return is_same ? grown : checked_add(grown, std::max<std::int64_t>(extent - stride, 0));
  if (is_same) return checked_add(checked_mul(size - 1, stride), extent % 2 + output_padding);
  return checked_add(checked_mul(size - 1, stride), checked_add(extent, output_padding));
}

bool emit_transposed(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const auto count = static_cast<std::size_t>(spatial);
  const Spatial kernel = kernel_sizes(call, spatial);
  const std::int64_t filters = call.integer({"filters", "nb_filter"}, 0);
  const Tensor x = call.image(spatial);
  call.require(filters >= 1, "filters");
  const Spatial strides = strides_of(call, spatial);
  const Spatial dilations = dilations_of(call, spatial);
  const bool is_same = call.text({"padding", "border_mode"}, "valid") == "same";
  const Ints output_padding = call.list({"output_padding"});
  ConvAttrs attrs{strides, {}, {}, dilations, {}, 1};
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t extent = checked_add(checked_mul(dilations[i], kernel[i] - 1), 1);
    const std::int64_t size = std::max<std::int64_t>(x.shape()[i + 2], 1);
    const std::int64_t own =
        output_padding.empty()
            ? -1
            : output_padding[output_padding.size() == 1 ? 0
                                                        : std::min(i, output_padding.size() - 1)];
    const std::int64_t out = transposed_size(size, extent, strides[i], is_same, own);
    const std::int64_t full = checked_add(checked_mul(size - 1, strides[i]), extent);
    const std::int64_t cut = std::max<std::int64_t>(full - out, 0);
    attrs.padding.push_back(cut / 2);
    attrs.padding_end.push_back(cut - cut / 2);
    attrs.output_padding.push_back(std::max<std::int64_t>(out - full, 0));
  }
  const Tensor weight = call.rounded(call.weight("kernel", kernel_shape(kernel, filters, x.dim(1))),
                                     "kernel_quantizer");
  const Tensor bias = bias_of(call, filters);
  return finish_convolution(
      call, conv_transpose(x, name_axes(weight, kernel_order(spatial)), bias, attrs));
}

constexpr std::string_view rounding_unread =
    "groups kernel_range bias_range depthwise_range pointwise_range mask";

constexpr KerasOperator product_rows[] = {
    {"Dense", emit_dense},
    {"TimeDistributedDense", emit_dense},
    {"EinsumDense", emit_einsum_dense},
    {"Embedding", emit_embedding, 0, nullptr, "dropout"},
    {"ReversibleEmbedding", emit_embedding, 0, nullptr, "tie_weights"},
    {"Conv1D", emit_convolution, 1},
    {"Conv2D", emit_convolution, 2},
    {"Conv3D", emit_convolution, 3},
    {"Convolution1D", emit_convolution, 1},
    {"Convolution2D", emit_convolution, 2},
    {"Convolution3D", emit_convolution, 3},
    {"AtrousConvolution2D", emit_convolution, 2},
    {"DepthwiseConv1D", emit_depthwise, 1, nullptr, "groups"},
    {"DepthwiseConv2D", emit_depthwise, 2, nullptr, "groups"},
    {"SeparableConv1D", emit_separable, 1, nullptr, "groups"},
    {"SeparableConv2D", emit_separable, 2, nullptr, "groups"},
    {"SeparableConvolution2D", emit_separable, 2},
    {"Conv1DTranspose", emit_transposed, 1, nullptr, "groups"},
    {"Conv2DTranspose", emit_transposed, 2, nullptr, "groups"},
    {"Conv3DTranspose", emit_transposed, 3, nullptr, "groups"},
    // QKeras's, whose weights are stored as real numbers and rounded in each call.
    {"QDense", emit_dense, 0, nullptr, rounding_unread},
    {"QConv1D", emit_convolution, 1, nullptr, rounding_unread},
    {"QConv2D", emit_convolution, 2, nullptr, rounding_unread},
    {"QConv2DTranspose", emit_transposed, 2, nullptr, rounding_unread},
    {"QDepthwiseConv2D", emit_depthwise, 2, nullptr, rounding_unread},
    {"QSeparableConv1D", emit_separable, 1, nullptr, rounding_unread},
    {"QSeparableConv2D", emit_separable, 2, nullptr, rounding_unread},
    {"Deconvolution2D", emit_transposed, 2, nullptr, "output_shape"},
};

}  // namespace

extern constinit const KerasOperators keras_product_operators = {product_rows};

}  // namespace zoometer
