#include "export/onnx/quantize.hpp"

#include "export/onnx/export_rule.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/elementwise.hpp"

namespace zoometer {
namespace {

/// The scale and the zero point that an operator takes after x, as QuantizeLinear expects them:
/// without dimensions, in float32 and in the integers' type.
OnnxScale scale_given_to(OnnxStep& step, const NodeView& node, DType integers) {
  const OnnxBuilder& builder = step.builder();
  const auto scalar = [&](std::size_t index) {
    const std::string& name = builder.name_of(node.input(index));
    return node.in(index).rank() == 0 ? name : step.reshape(name, {});
  };
  const auto dtype_of = [&](std::size_t index) {
    return builder.graph().value(node.input(index)).dtype;
  };
  std::string scale = step.cast(scalar(1), dtype_of(1), DType::float32);
  if (!node.has(2)) return {std::move(scale), step.number(0, integers)};
  return {std::move(scale), step.cast(scalar(2), dtype_of(2), integers)};
}

/// The scale and the zero point of an operator, and the axis along which there are several.
struct AxisScale {
  OnnxScale names;
  std::optional<std::int64_t> axis;
};

/// The same, also for one scale for each index of an axis, which broadcasts to x.
AxisScale scale_along_axis(OnnxStep& step, DType integers) {
  const Shape& x = step.shape(0);
  const Shape& scale = step.shape(1);
  if (step.dtype(1) != DType::float32) step.fail("by other scales than float32 ones");
  if (numel(scale) == 1) return {scale_given_to(step, step.node(), integers), std::nullopt};
  std::optional<std::int64_t> axis;
  for (std::int64_t i = 0; i < scale.rank(); ++i) {
    if (scale.dim(i) != 1) axis = axis ? -1 : i;
  }
  const bool fits = axis && *axis >= 0 && scale.rank() == x.rank() &&
                    scale.dim(*axis) == x.dim(*axis) &&
                    (!step.has(2) || step.shape(2) == scale || numel(step.shape(2)) == 1);
  if (!fits) step.fail("by other scales than one for each index of an axis");
  const Ints channels{scale.dim(*axis)};
  OnnxScale names{step.reshape(step.in(1), channels), {}};
  if (step.has(2) && step.shape(2) == scale) {
    names.zero_point = step.cast(step.reshape(step.in(2), channels), step.dtype(2), integers);
  } else {
    const std::string one = step.has(2)
                                ? step.cast(step.reshape(step.in(2), {}), step.dtype(2), integers)
                                : step.number(0, integers);
    names.zero_point = step.add("Expand", {one, step.integers(channels)});
  }
  return {std::move(names), axis};
}

std::string add_along_axis(OnnxStep& step, std::string_view op_type, std::string_view x,
                           const AxisScale& scale) {
  if (!scale.axis) return step.add(op_type, {x, scale.names.scale, scale.names.zero_point});
  return step.add(op_type, {x, scale.names.scale, scale.names.zero_point}, {{"axis", *scale.axis}});
}

/// The next operator if it gives this one's result a scale.
std::optional<NodeView> requantize_after(const OnnxStep& step) {
  const Graph& graph = step.node().graph();
  const NodeId next = graph.value(step.node().output(0)).producer + 1;
  if (next >= graph.nodes().size() || graph.nodes()[next].op != &requantize_op) return std::nullopt;
  const NodeView view = graph.view(next);
  return view.input(0) == step.node().output(0) ? std::optional(view) : std::nullopt;
}

const OnnxScale& scale_of_x(OnnxStep& step) {
  const OnnxScale* scale = step.builder().scale_of(step.node().input(0));
  if (scale == nullptr) step.fail("of integers without a scale");
  return *scale;
}

/// The scale of the result's integers. Without a scale of their own they keep that of x, except
/// for a sigmoid, whose results PyTorch spreads over 0 to 1.
OnnxScale scale_of_result(OnnxStep& step) {
  if (const auto next = requantize_after(step))
    return scale_given_to(step, *next, step.out_dtype());
  if (&step.node().op() == &hardsigmoid_op || &step.node().op() == &sigmoid_op)
    return {step.number(1.0 / 256), step.number(0, step.out_dtype())};
  return scale_of_x(step);
}

/// A weight's scale, one number for each of its first axis. Its zero point is 0, as PyTorch's
/// observers of weights choose it.
std::string weight_scale(OnnxStep& step) {
  const Value& weight = step.node().graph().value(step.node().input(1));
  if (!weight.has(Value::is_parameter)) step.fail("of an integer weight that is not a parameter");
  return step.builder().weight_scale(weight.producer);
}

void write_quantize(OnnxStep& step) {
  const DType integers = step.out_dtype();
  if (bits_of(integers) != 8 || step.dtype() != DType::float32)
    step.fail("other than of float32 to 8 bits has no ONNX equivalent");
  OnnxScale scale = scale_given_to(step, step.node(), integers);
  step.make("QuantizeLinear", {step.in(0), scale.scale, scale.zero_point});
  step.builder().set_scale(step.node().output(0), std::move(scale));
}

void write_quantize_channels(OnnxStep& step) {
  const DType integers = step.out_dtype();
  if (bits_of(integers) != 8 || step.dtype() != DType::float32 || !step.has(2))
    step.fail("other than of float32 to 8 bits has no ONNX equivalent");
  const std::string zero_points = step.cast(step.in(2), step.dtype(2), integers);
  step.make("QuantizeLinear", {step.in(0), step.in(1), zero_points},
            {{"axis", step.axis(step.attrs<QuantizePerChannelAttrs>().axis)}});
}

void write_dequantize(OnnxStep& step) {
  if (!step.has(1)) {
    const OnnxScale& scale = scale_of_x(step);
    return step.make("DequantizeLinear", {step.in(0), scale.scale, scale.zero_point});
  }
  if (bits_of(step.dtype()) != 8 || step.shape(0) != step.node().out() ||
      step.out_dtype() != DType::float32)
    step.fail("other than of 8 bits to float32 has no ONNX equivalent");
  const AxisScale scale = scale_along_axis(step, step.dtype());
  step.make("Identity", {add_along_axis(step, "DequantizeLinear", step.in(0), scale)});
}

/// Integers of 8 bits, clamped to the narrower range, as real numbers again.
void write_fake_quantize(OnnxStep& step) {
  const auto& attrs = step.attrs<RoundedType>();
  const bool is_signed = attrs.least < 0;
  const std::int64_t least = is_signed ? -128 : 0;
  if (attrs.least >= attrs.most || attrs.least < least || attrs.most > least + 255 ||
      step.dtype() != DType::float32)
    step.fail("other than of float32 to a known range of 8 bits has no ONNX equivalent");
  const DType integers = is_signed ? DType::int8 : DType::uint8;
  const AxisScale scale = scale_along_axis(step, integers);
  std::string x = add_along_axis(step, "QuantizeLinear", step.in(0), scale);
  if (attrs.least > least || attrs.most < least + 255) {
    const std::string lower = step.number(static_cast<double>(attrs.least), integers);
    x = step.add("Clip", {x, lower, step.number(static_cast<double>(attrs.most), integers)});
  }
  step.make("Identity", {add_along_axis(step, "DequantizeLinear", x, scale)});
}

/// Whether the previous operator was already written with this scale.
void write_requantize(OnnxStep& step) {
  const OnnxScale scale = scale_of_x(step);
  if (step.attrs<RequantizeAttrs>().relu) {
    step.make("Clip", {step.in(0), scale.zero_point});
  } else {
    step.make("Identity", {step.in(0)});
  }
}

/// Applies the rule to real numbers.
void write_on_reals(OnnxStep& step, const OnnxExportRule& rule) {
  if (step.node().output_count() != 1)
    step.fail("of several quantised results has no ONNX equivalent");
  std::vector<std::string> reals;
  for (std::size_t i = 0; i < step.node().input_count(); ++i) {
    const OnnxScale* scale = step.has(i) ? step.builder().scale_of(step.node().input(i)) : nullptr;
    reals.push_back(scale == nullptr ? step.in(i)
                                     : step.add("DequantizeLinear",
                                                {step.in(i), scale->scale, scale->zero_point}));
  }
  OnnxStep on_reals(step.builder(), step.node(), std::move(reals));
  write_by_rule(on_reals, rule);
  if (!is_quantised(step.out_dtype())) return step.make("Identity", {on_reals.result()});
  OnnxScale scale = scale_of_result(step);
  step.make("QuantizeLinear", {on_reals.result(), scale.scale, scale.zero_point});
  step.builder().set_scale(step.node().output(0), std::move(scale));
}

constexpr OnnxExportRule quantize_rules[] = {
    {&quantize_per_tensor_op, {}, write_quantize, on_integers},
    {&quantize_per_channel_op, {}, write_quantize_channels, on_integers},
    {&dequantize_op, {}, write_dequantize, on_integers},
    {&requantize_op, {}, write_requantize, on_integers},
    {&fake_quantize_op, {}, write_fake_quantize}};

}  // namespace

std::vector<std::string> integer_convolution_inputs(OnnxStep& step) {
  const OnnxScale x = scale_of_x(step);
  OnnxScale result = scale_of_result(step);
  const std::string weight = weight_scale(step);
  std::vector<std::string> inputs{step.in(0),   x.scale,          x.zero_point,
                                  step.in(1),   weight,           step.number(0, step.dtype(1)),
                                  result.scale, result.zero_point};
  if (step.has(2)) {
    const std::string unit = step.add("Mul", {x.scale, weight});
    const std::string units = step.add("Round", {step.add("Div", {step.in(2), unit})});
    inputs.push_back(step.cast(units, DType::float32, DType::int32));
  }
  step.builder().set_scale(step.node().output(0), std::move(result));
  return inputs;
}

void write_integer_linear(OnnxStep& step) {
  const OnnxScale x = scale_of_x(step);
  OnnxScale result = scale_of_result(step);
  const std::string unit = step.add("Mul", {x.scale, weight_scale(step)});
  const std::string weight = step.add("Transpose", {step.in(1)}, {{"perm", Ints{1, 0}}});
  const std::string product = step.add("MatMulInteger", {step.in(0), weight, x.zero_point});
  std::string real = step.add("Mul", {step.cast(product, DType::int32, DType::float32), unit});
  if (step.has(2)) real = step.add("Add", {real, step.in(2)});
  step.make("QuantizeLinear", {real, result.scale, result.zero_point});
  step.builder().set_scale(step.node().output(0), std::move(result));
}

void write_quantised(OnnxStep& step, const OnnxExportRule& rule) {
  if (!rule.takes_integers) return write_on_reals(step, rule);
  write_by_rule(step, rule);
  OnnxBuilder& builder = step.builder();
  const OnnxScale* kept = step.has(0) ? builder.scale_of(step.node().input(0)) : nullptr;
  if (kept == nullptr) return;
  for (std::size_t i = 0; i < step.node().output_count(); ++i) {
    const ValueId output = step.node().output(i);
    if (is_quantised(step.out_dtype(i)) && builder.scale_of(output) == nullptr)
      builder.set_scale(output, *kept);
  }
}

extern constinit const OnnxExportRules quantize_onnx_export_rules = {quantize_rules};

}  // namespace zoometer
