// Integers instead of real numbers. An integer operator becomes the real one with integer
// operands, so that its MACs are counted under that type; `requantize` after it gives the result
// its own scale.
#include <array>
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

/// The same of operators without zero points, whose integers are of 8 bits.
Tensor requantised(OnnxContext& context, Tensor x, std::size_t scale) {
  context.graph().set_dtype(x.id, DType::int8);
  return append_like(requantize_op, RequantizeAttrs{}, {x, context.in(scale)}, DType::int8);
}

OnnxOutcome out_ordered(OnnxContext& context, Tensor x, std::size_t scale) {
  return context.out(requantised(context, x, scale));
}

OnnxOutcome emit_qlinear_conv(OnnxContext& context) {
  const bool is_last = context.integer("channels_last", 0) != 0;
  return out_requantized(
      context,
      is_last ? onnx_convolution_channels_last(context, 3, 8) : onnx_convolution(context, 3, 8), 6);
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

/// A pool of input 0, whose channels may be last.
template <class Pool>
OnnxOutcome out_pooled(OnnxContext& context, Pool pool) {
  const Tensor x = context.in(0);
  if (context.integer("channels_last", 0) == 0) return out_requantized(context, pool(x), 3);
  const Tensor result = pool(channels_first(x));
  return out_requantized(context, result ? channels_last(result) : result, 3);
}

OnnxOutcome emit_qlinear_global_average(OnnxContext& context) {
  context.require(context.rank(0) >= 3, "an input of rank 3 or more");
  return out_pooled(context, onnx_global_average);
}

OnnxOutcome emit_qlinear_average(OnnxContext& context) {
  return out_pooled(context, [&](Tensor x) { return onnx_average_pool(context, x); });
}

OnnxOutcome emit_qlinear_reduce_mean(OnnxContext& context) {
  const Tensor x = context.in(0);
  const auto listed = context.integers("axes");
  const Ints axes = listed ? context.axes(*listed, x.rank()) : Ints{};
  return out_requantized(context, mean(x, axes, context.integer("keepdims", 1) != 0), 3);
}

OnnxOutcome emit_qlinear_where(OnnxContext& context) {
  const Tensor condition = context.in(0);
  const Tensor x = context.in(1);
  return out_requantized(context, where(condition, x, context.in(4)), 7);
}

/// An operand with its scale, and that of the result.
OnnxOutcome emit_qordered_gelu(OnnxContext& context) {
  return out_ordered(context, gelu(context.in(0)), 2);
}

OnnxOutcome emit_qordered_layer_norm(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor scale = context.in(2);
  const OnnxNorm norm{context.integer("axis", -1), context.real("epsilon", 1e-5)};
  return out_ordered(context, onnx_layer_norm(context, x, scale, context.optional_in(3), norm), 4);
}

/// A x B + bias + C; B may be stored as columns.
OnnxOutcome emit_qordered_matmul(OnnxContext& context) {
  const Tensor a = context.in(0);
  Tensor b = context.in(2);
  context.require(a.rank() >= 2 && b.rank() == 2, "matrices");
  if (b.dim(0) != a.dim(-1)) b = transpose(b, 0, 1);
  Tensor result = matmul(a, b);
  if (context.has(5)) result = result + context.in(5);
  if (context.has(6)) result = result + context.in(6);
  return out_ordered(context, result, 4);
}

/// Query, key and value have a weight, a scale and a bias each.
OnnxOutcome emit_qordered_attention(OnnxContext& context) {
  const Tensor x = context.in(0);
  std::array<Tensor, 3> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Tensor weight = context.in(5 + i);
    context.require(x.rank() == 3 && weight.rank() == 2,
                    "an input of rank 3 and weights of rank 2");
    if (weight.dim(0) != x.dim(-1)) weight = transpose(weight, 0, 1);
    parts[i] = requantised(context, matmul(x, weight) + context.in(11 + i), 2 + i);
  }
  const Tensor mask = context.has(19) ? context.in(19) : context.optional_in(17);
  return onnx_encoder_attention(context, {parts[0], parts[1], parts[2], mask, 18});
}

OnnxOutcome emit_qordered_longformer(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor weight = context.in(2);
  context.require(x.rank() == 3 && weight.rank() == 2 && weight.dim(1) % 3 == 0,
                  "an input of rank 3, and a weight of rank 2 with a multiple of 3 columns");
  const Tensor all = requantised(context, matmul(x, weight) + context.in(4), 6);
  const Chunks three = chunk(all, 3, 2);
  const Tensor parts[] = {three[0], three[1], three[2]};
  for (const std::size_t global : {8U, 10U}) context.optional_in(global);  // still parameters
  return out_ordered(context, onnx_windowed_attention(context, parts, context.in(7)), 13);
}

OnnxOutcome emit_quantize_with_order(OnnxContext& context) {
  return context.out(append_like(quantize_per_tensor_op, QuantizeAttrs{DType::int8},
                                 {context.in(0), context.in(1)}, DType::int8));
}

OnnxOutcome emit_dequantize_with_order(OnnxContext& context) {
  return context.out(append_like(dequantize_op, NoAttrs{}, {context.in(0), context.in(1)},
                                 onnx_dtype(context.integer("to", 1))));
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

constexpr NoEffect where_no_effect[] = {
    {"input 2", scales_reason},
    {"input 3", scales_reason},
    {"input 5", scales_reason},
    {"input 6", scales_reason},
};

constexpr NoEffect order_no_effect[] = {
    {"order_A", "the order of elements in memory"},
    {"order_B", "the order of elements in memory"},
    {"order_X", "the order of elements in memory"},
    {"order_Y", "the order of elements in memory"},
    {"order_input", "the order of elements in memory"},
    {"order_weight", "the order of elements in memory"},
    {"order_output", "the order of elements in memory"},
    {"qkv_hidden_sizes", "the weights' sizes say it"},
    {"input 1", scales_reason},
    {"input 3", scales_reason},
    {"input 7", scales_reason},
    {"input 8", scales_reason},
    {"input 9", scales_reason},
    {"input 10", scales_reason},
    {"input 14", scales_reason},
    {"input 15", scales_reason},
    {"input 16", scales_reason},
};

constexpr NoEffect ordered_longformer_no_effect[] = {
    {"order_input", "the order of elements in memory"},
    {"order_weight", "the order of elements in memory"},
    {"order_global_weight", "the order of elements in memory"},
    {"order_output", "the order of elements in memory"},
    {"input 1", scales_reason},
    {"input 3", scales_reason},
    {"input 5", scales_reason},
    {"input 9", "of global tokens, which a note says are not counted"},
    {"input 11", "of global tokens, which a note says are not counted"},
    {"input 12", "of global tokens, which a note says are not counted"},
};

constexpr OnnxInputs unary_scales{1, 2, 3, 4};
constexpr OnnxInputs binary_scales{1, 2, 4, 5, 6, 7};
constexpr OnnxInputs concat_scales{0,  1,  3,  4,  6,  7,  9,  10, 12, 13, 15,
                                   16, 18, 19, 21, 22, 24, 25, 27, 28, 30, 31};

constexpr OnnxOperator quantized_rows[] = {
    {"ConvInteger",
     same_cost,
     emit_conv_integer,
     {.weights = {1}, .quantisation = {2, 3}, .no_effect = integer_operands}},
    {"DequantizeLinear",
     same_cost,
     emit_dequantize,
     {.weights = {0}, .quantisation = {1, 2}, .no_effect = dequantize_no_effect}},
    {"DynamicQuantizeLinear", same_cost, emit_dynamic_quantize},
    {"MatMulInteger",
     same_cost,
     emit_matmul_integer,
     {.weights = {1}, .quantisation = {2, 3}, .no_effect = integer_operands}},
    {"QLinearConv",
     same_cost,
     emit_qlinear_conv,
     {.weights = {3, 8}, .quantisation = binary_scales, .no_effect = two_operands}},
    {"QLinearMatMul",
     same_cost,
     emit_qlinear_matmul,
     {.weights = {3}, .quantisation = binary_scales, .no_effect = two_operands}},
    {"QuantizeLinear",
     same_cost,
     emit_quantize,
     {.quantisation = {1, 2}, .no_effect = quantize_no_effect}},
};

constexpr OnnxOperator microsoft_quantized_rows[] = {
    {"DequantizeLinear",
     same_cost,
     emit_dequantize,
     {.weights = {0}, .quantisation = {1, 2}, .no_effect = dequantize_no_effect}},
    {"DequantizeWithOrder",
     same_cost,
     emit_dequantize_with_order,
     {.weights = {0}, .quantisation = {1}, .no_effect = order_no_effect}},
    {"DynamicQuantizeMatMul",
     same_cost,
     emit_dynamic_quantize_matmul,
     {.weights = {1, 4}, .quantisation = {2, 3}, .no_effect = dynamic_matmul_no_effect}},
    {"MatMulInteger16", same_cost, emit_matmul_integer, {.weights = {1}}},
    {"MatMulIntegerToFloat",
     same_cost,
     emit_matmul_integer_to_float,
     {.weights = {1, 6}, .quantisation = {2, 3, 4, 5}, .no_effect = to_float_no_effect}},
    {"QGemm",
     same_cost,
     emit_quantised_gemm,
     {.weights = {3, 6},
      .quantisation = {1, 2, 4, 5, 7, 8},
      .no_effect = quantised_gemm_no_effect}},
    {"QLinearAdd",
     same_cost,
     emit_qlinear_binary<add_op>,
     {.quantisation = binary_scales, .no_effect = two_operands}},
    {"QLinearAveragePool",
     same_cost,
     emit_qlinear_average,
     {.quantisation = unary_scales, .no_effect = one_operand}},
    {"QLinearConcat",
     same_cost,
     emit_qlinear_concat,
     {.quantisation = concat_scales, .no_effect = concat_no_effect}},
    {"QLinearConv",
     same_cost,
     emit_qlinear_conv,
     {.weights = {3, 8}, .quantisation = binary_scales, .no_effect = two_operands}},
    {"QLinearGlobalAveragePool",
     same_cost,
     emit_qlinear_global_average,
     {.quantisation = unary_scales, .no_effect = one_operand}},
    {"QLinearLeakyRelu",
     same_cost,
     emit_qlinear_leaky_relu,
     {.quantisation = unary_scales, .no_effect = one_operand}},
    {"QLinearMul",
     same_cost,
     emit_qlinear_binary<mul_op>,
     {.quantisation = binary_scales, .no_effect = two_operands}},
    {"QLinearReduceMean",
     same_cost,
     emit_qlinear_reduce_mean,
     {.quantisation = unary_scales, .no_effect = one_operand}},
    {"QLinearSigmoid",
     same_cost,
     emit_qlinear_unary<sigmoid_op>,
     {.quantisation = unary_scales, .no_effect = one_operand}},
    {"QLinearSoftmax",
     same_cost,
     emit_qlinear_softmax,
     {.quantisation = unary_scales, .no_effect = one_operand}},
    {"QLinearWhere",
     same_cost,
     emit_qlinear_where,
     {.quantisation = {2, 3, 5, 6, 7, 8}, .no_effect = where_no_effect}},
    {"QOrderedAttention",
     same_cost,
     emit_qordered_attention,
     {.weights = {5, 6, 7, 11, 12, 13},
      .quantisation = {1, 2, 3, 4, 8, 9, 10, 14, 15, 16},
      .no_effect = order_no_effect}},
    {"QOrderedGelu",
     same_cost,
     emit_qordered_gelu,
     {.quantisation = {1, 2}, .no_effect = order_no_effect}},
    {"QOrderedLayerNormalization",
     same_cost,
     emit_qordered_layer_norm,
     {.weights = {2, 3}, .quantisation = {1, 4}, .no_effect = order_no_effect}},
    {"QOrderedLongformerAttention",
     same_cost,
     emit_qordered_longformer,
     {.weights = {2, 4, 8, 10},
      .quantisation = {1, 3, 5, 6, 9, 11, 13},
      .settings = {7, 12},
      .no_effect = ordered_longformer_no_effect}},
    {"QOrderedMatMul",
     same_cost,
     emit_qordered_matmul,
     {.weights = {2, 5}, .quantisation = {1, 3, 4, 7}, .no_effect = order_no_effect}},
    {"QuantizeLinear",
     same_cost,
     emit_quantize,
     {.quantisation = {1, 2}, .no_effect = quantize_no_effect}},
    {"QuantizeWithOrder",
     same_cost,
     emit_quantize_with_order,
     {.quantisation = {1}, .no_effect = order_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_quantized_operators = {"", quantized_rows};
extern constinit const OnnxOperators onnx_microsoft_quantized_operators = {
    "com.microsoft", microsoft_quantized_rows};

}  // namespace zoometer
