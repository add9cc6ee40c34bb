// Operators that ONNX had as experimental before version 1.5 and ONNX Runtime still runs: WinML's
// models have them.
#include "import/onnx/context.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_pixels = std::int64_t{1} << 40;

/// x times a scale plus a bias of each channel.
OnnxOutcome emit_image_scaler(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() >= 2, "an image (batch, channels, ...)");
  Tensor result = x * context.real("scale", 1);
  if (const auto bias = context.reals("bias"); bias && !bias->empty()) {
    const auto count = static_cast<std::int64_t>(bias->size());
    context.require(count == 1 || count == x.dim(1), "a bias of each channel");
    Ints sizes = Ints::filled(x.shape().size(), 1);
    sizes[1] = count;
    result = result + full(context.graph(), sizes, bias->front(), x.dtype());
  }
  return context.out(result);
}

/// An image without its border, or the part of a size that begins there.
OnnxOutcome emit_crop(OnnxContext& context) {
  const Tensor x = context.in(0);
  const auto border = context.integers("border");
  const auto size = context.integers("scale");
  context.require(x.rank() == 4 && border && border->size() == 4 && (!size || size->size() == 2),
                  "an image (batch, channels, height, width), a border of 4 and a scale of 2");
  Tensor result = x;
  for (std::int64_t i = 0; i < 2; ++i) {  // left, top, right, bottom; height, width
    const auto before = (*border)[static_cast<std::size_t>(1 - i)];
    const auto after = (*border)[static_cast<std::size_t>(3 - i)];
    context.require(before >= 0 && before < most_pixels && after >= 0 && after < most_pixels,
                    "borders of at least 0");
    const std::int64_t length = x.dim(2 + i);
    const std::int64_t end =
        size ? checked_add(before, (*size)[static_cast<std::size_t>(i)]) : length - after;
    context.require(before <= end && end <= length, "a part within the image");
    result = slice(result, 2 + i, before, end);
  }
  return context.out(result);
}

OnnxOutcome emit_affine(OnnxContext& context) {
  return context.out(context.in(0) * context.real("alpha", 1) + context.real("beta", 0));
}

OnnxOutcome emit_scale(OnnxContext& context) {
  return context.out(context.in(0) * context.real("scale", 1));
}

/// alpha log(exp(beta x) + 1).
OnnxOutcome emit_parametric_softplus(OnnxContext& context) {
  const Tensor x = context.in(0) * context.real("beta", 1);
  return context.out(unary(softplus_op, x) * context.real("alpha", 1));
}

/// alpha tanh(beta x).
OnnxOutcome emit_scaled_tanh(OnnxContext& context) {
  const Tensor x = context.in(0) * context.real("beta", 1);
  return context.out(unary(tanh_op, x) * context.real("alpha", 1));
}

/// The shape of a filled tensor: of input 0, or what that input has as elements, or an attribute,
/// each with further sizes. Nothing where data decides it.
std::optional<Shape> filled_shape(OnnxContext& context) {
  std::vector<std::int64_t> sizes;
  if (const auto listed = context.integers("shape")) sizes = *listed;
  if (context.has(0)) {
    if (context.integer("input_as_shape", 0) != 0) {
      const auto elements = context.integers(0);
      if (!elements) return std::nullopt;
      sizes = *elements;
    } else {
      sizes.assign(context.shape(0).begin(), context.shape(0).end());
    }
  }
  if (const auto more = context.integers("extra_shape"))
    sizes.insert(sizes.end(), more->begin(), more->end());
  for (const std::int64_t size : sizes) context.require(size >= 0, "sizes of at least 0");
  return Shape(context.short_list(sizes));
}

OnnxOutcome emit_filled(OnnxContext& context, DType dtype) {
  const std::optional<Shape> shape = filled_shape(context);
  if (!shape) return OnnxOutcome::depends_on_data;
  context.take_unknown(0);
  return context.out(full(context.graph(), *shape, context.real("value", 0), dtype));
}

OnnxOutcome emit_constant_fill(OnnxContext& context) {
  return emit_filled(context, onnx_dtype(context.integer("dtype", 1)));
}

OnnxOutcome emit_given_tensor_fill(OnnxContext& context) {
  return emit_filled(context, DType::float32);
}

using enum Meaning;

constexpr NoEffect fill_no_effect[] = {
    {"values", "which numbers are written"},
};

constexpr OnnxOperator experimental_rows[] = {
    {"Affine", same_values, emit_affine},
    {"ConstantFill", same_values, emit_constant_fill, {.settings = {0}}},
    {"Crop", same_values, emit_crop},
    {"GivenTensorFill",
     same_cost,
     emit_given_tensor_fill,
     {.settings = {0}, .no_effect = fill_no_effect}},
    {"ImageScaler", same_cost, emit_image_scaler},
    {"ParametricSoftplus", same_values, emit_parametric_softplus},
    {"Scale", same_values, emit_scale},
    {"ScaledTanh", same_values, emit_scaled_tanh},
};

}  // namespace

extern constinit const OnnxOperators onnx_experimental_operators = {"", experimental_rows};

}  // namespace zoometer
