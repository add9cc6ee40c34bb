// Integers instead of real numbers. An integer operator becomes the real one with integer
// operands, so that its MACs are counted under that type; `requantize` after it gives the result
// its own scale.
#include <type_traits>
#include <vector>

#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "op/indexing.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

/// Appends an operator whose constraints are PyTorch's, and narrower than the file's: the output
/// has the shape of x.
template <class Attrs>
Tensor append_like(const OpDef& op, const Attrs& attrs, std::initializer_list<Tensor> inputs,
                   DType dtype) {
  const Tensor x = *inputs.begin();
  Graph& graph = *x.graph;
  std::vector<ValueId> ids;
  for (const Tensor& input : inputs) ids.push_back(input.id);
  const OutputType type{x.shape(), dtype, graph.value(x.id).has(Value::bounded)};
  const void* kept = nullptr;
  if constexpr (!std::is_empty_v<Attrs>) kept = graph.keep(attrs);
  const NodeId node = graph.append_declared(op, kept, ids, std::span(&type, 1));
  return {&graph, graph.nodes()[node].first_output};
}

bool is_single(Tensor tensor) { return !tensor || numel(tensor.shape()) == 1; }

/// The type of a quantised result: its zero point's, else what an attribute says, else uint8.
DType quantized_type(const OnnxContext& context, std::size_t zero_point) {
  const OnnxAttribute* dtype = context.attribute("output_dtype");
  if (context.has(zero_point)) return context.dtype(zero_point);
  return dtype != nullptr && dtype->integer != 0 ? onnx_dtype(dtype->integer) : DType::uint8;
}

OnnxOutcome emit_quantize(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor scale = context.in(1);
  const Tensor zero_point = context.optional_in(2);
  const DType dtype = quantized_type(context, 2);
  const std::int64_t axis = context.integer("axis", 1);
  if (!is_floating(dtype) && is_single(scale) && is_single(zero_point)) {
    return context.out(quantize_per_tensor(x, scale, zero_point, {dtype}));
  }
  if (!is_floating(dtype) && scale.rank() == 1 && axis >= -x.rank() && axis < x.rank() &&
      scale.dim(0) == x.dim(axis) && (!zero_point || zero_point.shape() == scale.shape())) {
    return context.out(quantize_per_channel(x, scale, zero_point, {axis, dtype}));
  }
  return context.out(
      append_like(quantize_per_tensor_op, QuantizeAttrs{dtype}, {x, scale, zero_point}, dtype));
}

OnnxOutcome emit_dequantize(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor scale = context.in(1);
  const std::int64_t given = context.integer("output_dtype", 0);
  const DType dtype = given != 0 ? onnx_dtype(given) : scale.dtype();
  return context.out(
      append_like(dequantize_op, NoAttrs{}, {x, scale, context.optional_in(2)}, dtype));
}

/// The scale is that of the smallest to the largest element.
OnnxOutcome emit_dynamic_quantize(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor most = reduce(amax_op, x, {});
  const Tensor least = reduce(amin_op, x, {});
  const Tensor scale = (most - least) / 255.0;
  const Tensor zero_point = to(clamp(least / scale, 0, 255), DType::uint8);
  context.out(0, quantize_per_tensor(x, scale, zero_point, {DType::uint8}));
  context.out(1, scale);
  return context.out(2, zero_point);
}

/// The result of an integer operator, at the scale and zero point that two inputs give. An empty
/// one is none of zoometer's operators.
OnnxOutcome out_requantized(OnnxContext& context, Tensor x, std::size_t scale) {
  if (!x) return OnnxOutcome::depends_on_data;
  const Tensor factor = context.in(scale);
  const Tensor zero_point = context.optional_in(scale + 1);
  const DType dtype = quantized_type(context, scale + 1);
  context.graph().set_dtype(x.id, dtype);
  return context.out(append_like(requantize_op, RequantizeAttrs{}, {x, factor, zero_point}, dtype));
}

OnnxOutcome emit_qlinear_conv(OnnxContext& context) {
  return out_requantized(context, onnx_convolution(context, 3, 8), 6);
}

OnnxOutcome emit_qlinear_matmul(OnnxContext& context) {
  const Tensor a = context.in(0);
  return out_requantized(context, matmul(a, context.in(3)), 6);
}

OnnxOutcome out_integer(OnnxContext& context, Tensor x) {
  if (!x) return OnnxOutcome::depends_on_data;
  context.graph().set_dtype(x.id, DType::int32);
  return context.out(x);
}

OnnxOutcome emit_conv_integer(OnnxContext& context) {
  return out_integer(context, onnx_convolution(context, 1, absent_input));
}

OnnxOutcome emit_matmul_integer(OnnxContext& context) {
  const Tensor a = context.in(0);
  return out_integer(context, matmul(a, context.in(1)));
}

// -- com.microsoft ----------------------------------------------------------------------------

template <const OpDef& Op>
OnnxOutcome emit_qlinear_binary(OnnxContext& context) {
  const Tensor a = context.in(0);
  return out_requantized(context, binary(Op, a, context.in(3)), 6);
}

template <const OpDef& Op>
OnnxOutcome emit_qlinear_unary(OnnxContext& context) {
  return out_requantized(context, unary(Op, context.in(0)), 3);
}

OnnxOutcome emit_qlinear_leaky_relu(OnnxContext& context) {
  return out_requantized(context, leaky_relu(context.in(0), context.real("alpha", 0.01)), 3);
}

OnnxOutcome emit_qlinear_softmax(OnnxContext& context) {
  const Tensor x = context.in(0);
  return out_requantized(context, softmax(x, context.axis(context.integer("axis", -1), x.rank())),
                         3);
}

OnnxOutcome emit_qlinear_global_average(OnnxContext& context) {
  if (context.integer("channels_last", 0) == 0) {
    return out_requantized(context, onnx_global_average(context), 3);
  }
  Ints axes;
  for (std::int64_t i = 1; i + 1 < context.rank(0); ++i) axes.push_back(i);
  return out_requantized(context, mean(context.in(0), axes, true), 3);
}

OnnxOutcome emit_qlinear_average(OnnxContext& context) {
  if (context.integer("channels_last", 0) != 0) return OnnxOutcome::depends_on_data;
  return out_requantized(context, onnx_average_pool(context), 3);
}

/// Scale and zero point of the result, then each tensor with its own.
OnnxOutcome emit_qlinear_concat(OnnxContext& context) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 2; i < context.input_count(); i += 3) tensors.push_back(context.in(i));
  context.require(!tensors.empty(), "at least one tensor");
  const std::int64_t axis = context.axis(context.integer("axis", 0), tensors[0].rank());
  return out_requantized(context, cat(tensors, axis), 0);
}

/// A (real) x B (integers) with a scale; A is quantised on the way in the first of these.
Tensor scaled_product(OnnxContext& context, Tensor a, std::size_t weight, std::size_t bias) {
  Tensor result = matmul(a, context.in(weight));
  context.graph().set_dtype(result.id, DType::int32);
  result = append_like(dequantize_op, NoAttrs{}, {result, context.in(weight + 1)}, DType::float32);
  return context.has(bias) ? result + context.in(bias) : result;
}

OnnxOutcome emit_dynamic_quantize_matmul(OnnxContext& context) {
  const Tensor a = context.in(0);
  const Tensor scale = (reduce(amax_op, a, {}) - reduce(amin_op, a, {})) / 255.0;
  const Tensor integers = quantize_per_tensor(a, scale, {&context.graph(), no_id}, {DType::uint8});
  return context.out(scaled_product(context, integers, 1, 4));
}

OnnxOutcome emit_matmul_integer_to_float(OnnxContext& context) {
  const Tensor a = context.in(0);
  const Tensor b = context.in(1);
  const Tensor product = matmul(a, b);
  context.graph().set_dtype(product.id, DType::int32);
  const Tensor result = append_like(dequantize_op, NoAttrs{},
                                    {product, context.in(2), context.in(3)}, DType::float32);
  return context.out(context.has(6) ? result + context.in(6) : result);
}

/// A' x B' + C on integers; without a scale of its own the result is real.
OnnxOutcome emit_quantised_gemm(OnnxContext& context) {
  context.require(context.rank(0) == 2 && context.rank(3) == 2, "matrices of rank 2");
  Tensor a = context.in(0);
  if (context.integer("transA", 0) != 0) a = transpose(a, 0, 1);
  Tensor weight = context.in(3);
  if (context.integer("transB", 0) == 0) weight = transpose(weight, 0, 1);
  const Tensor product = linear(a, weight, context.optional_in(6));
  if (context.has(7)) return out_requantized(context, product, 7);
  context.graph().set_dtype(product.id, DType::int32);
  return context.out(
      append_like(dequantize_op, NoAttrs{}, {product, context.in(1)}, DType::float32));
}

/// Weights of a few bits, in blocks with a scale each, unpacked to (N, K).
OnnxOutcome emit_matmul_n_bits(OnnxContext& context) {
  const Tensor a = context.in(0);
  const std::int64_t rows = context.integer("N", 0);
  const std::int64_t columns = context.integer("K", 0);
  context.require(rows >= 1 && columns >= 1 && a.rank() >= 1 && a.dim(-1) == columns,
                  "K as the last dimension of input 0, and N");
  const ValueId packed[] = {context.in(1).id, context.in(2).id, context.optional_in(3).id};
  const OutputType type{Shape{rows, columns}, a.dtype(), false};
  Graph& graph = context.graph();
  const NodeId node = graph.append_declared(dequantize_op, nullptr, packed, std::span(&type, 1));
  const Tensor weight{&graph, graph.nodes()[node].first_output};
  return context.out(linear(a, weight, context.optional_in(5)));
}

using enum Meaning;

constexpr std::string_view scales_reason =
    "a scale or zero point of an operand, a part of the result's factor";

constexpr NoEffect quantize_no_effect[] = {
    {"block_size", "the shape of the scale says it"},
    {"saturate", "what becomes of numbers that do not fit"},
    {"precision", "the precision on the way"},
};

constexpr NoEffect dequantize_no_effect[] = {
    {"axis", "2 per element along any axis"},
    {"block_size", "the shape of the scale says it"},
};

constexpr NoEffect one_operand[] = {
    {"input 1", scales_reason},
    {"input 2", scales_reason},
    {"opset", "which version of the operator it was"},
};

constexpr NoEffect two_operands[] = {
    {"input 1", scales_reason},
    {"input 2", scales_reason},
    {"input 4", scales_reason},
    {"input 5", scales_reason},
};

constexpr NoEffect integer_operands[] = {
    {"input 2", "a zero point, a part of the products' sums"},
    {"input 3", "a zero point, a part of the products' sums"},
};

constexpr NoEffect concat_no_effect[] = {{"inputs", scales_reason}};

constexpr NoEffect quantised_gemm_no_effect[] = {
    {"input 1", scales_reason},
    {"input 2", scales_reason},
    {"input 4", scales_reason},
    {"input 5", scales_reason},
    {"alpha", "a part of the result's factor"},
};

constexpr NoEffect dynamic_matmul_no_effect[] = {{"input 3", scales_reason}};

constexpr NoEffect to_float_no_effect[] = {
    {"input 4", scales_reason},
    {"input 5", scales_reason},
};

constexpr NoEffect n_bits_no_effect[] = {
    {"bits", "the weight is unpacked to N x K in any case"},
    {"block_size", "the shape of the scales says it"},
    {"accuracy_level", "the precision on the way"},
    {"input 4", "which group a column is of"},
};

constexpr OnnxOperator quantized_rows[] = {
    {"ConvInteger", same_cost, emit_conv_integer, {.weights = {1}, .no_effect = integer_operands}},
    {"DequantizeLinear", same_cost, emit_dequantize, {.no_effect = dequantize_no_effect}},
    {"DynamicQuantizeLinear", same_cost, emit_dynamic_quantize},
    {"MatMulInteger", same_cost, emit_matmul_integer, {.no_effect = integer_operands}},
    {"QLinearConv", same_cost, emit_qlinear_conv, {.weights = {3, 8}, .no_effect = two_operands}},
    {"QLinearMatMul", same_cost, emit_qlinear_matmul, {.no_effect = two_operands}},
    {"QuantizeLinear", same_cost, emit_quantize, {.no_effect = quantize_no_effect}},
};

constexpr OnnxOperator microsoft_quantized_rows[] = {
    {"DequantizeLinear", same_cost, emit_dequantize, {.no_effect = dequantize_no_effect}},
    {"DynamicQuantizeMatMul",
     same_cost,
     emit_dynamic_quantize_matmul,
     {.weights = {4}, .no_effect = dynamic_matmul_no_effect}},
    {"MatMulIntegerToFloat",
     same_cost,
     emit_matmul_integer_to_float,
     {.weights = {6}, .no_effect = to_float_no_effect}},
    {"MatMulNBits",
     same_cost,
     emit_matmul_n_bits,
     {.weights = {1, 5}, .no_effect = n_bits_no_effect}},
    {"QGemm",
     same_cost,
     emit_quantised_gemm,
     {.weights = {6}, .no_effect = quantised_gemm_no_effect}},
    {"QLinearAdd", same_cost, emit_qlinear_binary<add_op>, {.no_effect = two_operands}},
    {"QLinearAveragePool", same_cost, emit_qlinear_average, {.no_effect = one_operand}},
    {"QLinearConcat", same_cost, emit_qlinear_concat, {.no_effect = concat_no_effect}},
    {"QLinearConv", same_cost, emit_qlinear_conv, {.weights = {3, 8}, .no_effect = two_operands}},
    {"QLinearGlobalAveragePool",
     same_cost,
     emit_qlinear_global_average,
     {.no_effect = one_operand}},
    {"QLinearLeakyRelu", same_cost, emit_qlinear_leaky_relu, {.no_effect = one_operand}},
    {"QLinearMul", same_cost, emit_qlinear_binary<mul_op>, {.no_effect = two_operands}},
    {"QLinearSigmoid", same_cost, emit_qlinear_unary<sigmoid_op>, {.no_effect = one_operand}},
    {"QLinearSoftmax", same_cost, emit_qlinear_softmax, {.no_effect = one_operand}},
    {"QuantizeLinear", same_cost, emit_quantize, {.no_effect = quantize_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_quantized_operators = {"", quantized_rows};
extern constinit const OnnxOperators onnx_microsoft_quantized_operators = {
    "com.microsoft", microsoft_quantized_rows};

}  // namespace zoometer
