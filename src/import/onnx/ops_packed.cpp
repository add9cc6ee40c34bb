// Products and tables of weights of a few bits, which kernels unpack while they compute, and layers
// of ONNX Runtime that quantise their input themselves.
#include <array>
#include <string_view>

#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "op/quantize.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

Tensor no_operand(OnnxContext& context) { return {&context.graph(), no_id}; }

/// The narrowest type of unsigned integers that has that many bits, with a note where it has more.
DType packed_type(OnnxContext& context, std::int64_t bits) {
  context.require(bits >= 1 && bits <= 8, "integers of 1 to 8 bits");
  const DType type = bits <= 2 ? DType::uint2 : bits <= 4 ? DType::uint4 : DType::uint8;
  if (bits_of(type) != bits)
    context.note(std::string(context.node().op_type) + ": integers of " + std::to_string(bits) +
                 " bits are counted as " + std::string(name_of(type)));
  return type;
}

// -- products -------------------------------------------------------------------------------------

/// K and N of a packed product of x (..., K).
struct ProductSizes {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

ProductSizes product_sizes(OnnxContext& context, Tensor x) {
  const ProductSizes sizes{context.integer("K", 0), context.integer("N", 0)};
  context.require(sizes.in >= 1 && sizes.out >= 1 && x.rank() >= 1 && x.dim(-1) == sizes.in,
                  "K as the last dimension of input 0, and N");
  return sizes;
}

OnnxOutcome emit_matmul_n_bits(OnnxContext& context) {
  const Tensor x = context.in(0);
  const auto [in, out] = product_sizes(context, x);
  const Tensor weight =
      context.in_unpacked(1, Shape{out, in}, packed_type(context, context.integer("bits", 4)));
  const Tensor scales = context.in(2);
  const Tensor zero_points = context.optional_in(3);
  const Tensor groups = context.optional_in(4);
  return context.out(matmul_n_bits(x, {weight, scales, zero_points, groups, context.optional_in(5)},
                                   {.in = in, .out = out}));
}

OnnxOutcome emit_matmul_bnb4(OnnxContext& context) {
  const Tensor x = context.in(0);
  const auto [in, out] = product_sizes(context, x);
  // 0: FP4; 1: NF4, 16 numbers that a table lists.
  const DType type = context.integer("quant_type", 0) == 0 ? DType::float4_e2m1fn : DType::uint4;
  const Tensor weight = context.in_unpacked(1, Shape{out, in}, type);
  const Tensor empty = no_operand(context);
  return context.out(
      matmul_n_bits(x, {weight, context.in(2), empty, empty, empty}, {.in = in, .out = out}));
}

// -- tables ---------------------------------------------------------------------------------------

/// The shape of a table with its last dimension unpacked.
Shape unpacked_table(OnnxContext& context, std::int64_t bits) {
  Shape shape = context.shape(0);
  context.require(shape.rank() >= 1 && (bits == 2 || bits == 4 || bits == 8),
                  "a table of rank 1 or more, and bits of 2, 4 or 8");
  if (bits_of(context.dtype(0)) == 8) shape.set_dim(-1, checked_mul(shape.dim(-1), 8 / bits));
  return shape;
}

OnnxOutcome emit_gather_block_quantized(OnnxContext& context) {
  const bool is_float = is_floating(context.dtype(0));
  const std::int64_t bits = is_float ? bits_of(context.dtype(0)) : context.integer("bits", 4);
  const Shape shape = is_float ? context.shape(0) : unpacked_table(context, bits);
  const bool is_packed = context.dtype(0) == DType::uint8;
  const Tensor table =
      context.in_unpacked(0, shape, is_packed ? packed_type(context, bits) : context.dtype(0));
  const std::int64_t axis = context.axis(context.integer("gather_axis", 0), shape.rank());
  const Tensor indices = context.in(1);
  const Tensor scales = context.in(2);
  const Tensor flat = flatten(indices, 0, -1);
  const Tensor rows =
      axis == 0 && table.rank() == 2
          ? embedding(table, indices)
          : index_select(table, axis, indices.rank() == 0 ? unsqueeze(indices, 0) : flat);
  Shape sizes;
  for (std::int64_t i = 0; i < axis; ++i) sizes.push_back(shape.dim(i));
  for (const std::int64_t size : indices.shape()) sizes.push_back(size);
  for (std::int64_t i = axis + 1; i < shape.rank(); ++i) sizes.push_back(shape.dim(i));
  const OutputType type{sizes, scales.dtype(), context.graph().value(rows.id).has(Value::bounded)};
  const ValueId inputs[] = {rows.id, scales.id, context.optional_in(3).id};
  const NodeId node =
      context.graph().append_declared(dequantize_op, nullptr, inputs, std::span(&type, 1));
  return context.out({&context.graph(), context.graph().nodes()[node].first_output});
}

/// The rows of a quantised table at these indices, as real numbers.
Tensor dequantised(OnnxContext& context, Tensor x, std::size_t scale, std::size_t zero_point) {
  const OutputType type{x.shape(), context.dtype(scale), false};
  const ValueId inputs[] = {x.id, context.in(scale).id, context.in(zero_point).id};
  Graph& graph = context.graph();
  const NodeId node = graph.append_declared(dequantize_op, nullptr, inputs, std::span(&type, 1));
  return {&graph, graph.nodes()[node].first_output};
}

OnnxOutcome emit_quantised_embed_norm(OnnxContext& context) {
  const Tensor tokens = context.in(0);
  context.require(tokens.rank() == 2 && context.rank(3) == 2, "tokens (batch, length) and a table");
  const Tensor words = embedding(context.in(2), tokens);
  const Tensor places = slice(context.in(3), 0, 0, tokens.dim(1));
  Tensor sum = dequantised(context, words, 8, 13) + dequantised(context, places, 9, 14);
  if (context.has(1) && context.has(4)) {
    const Tensor segments = context.in(1);
    sum = sum + dequantised(context, embedding(context.in(4), segments), 10, 15);
  }
  const Tensor gamma = dequantised(context, context.in(5), 11, 16);
  const Tensor beta = dequantised(context, context.in(6), 12, 17);
  context.out(0, layer_norm(sum, gamma, beta, {1, context.real("epsilon", 1e-12)}));
  if (!context.wants(1)) return OnnxOutcome::done;
  const std::int64_t batch[] = {tokens.dim(0)};
  return context.out(1, full(context.graph(), Ints(batch), 0, DType::int32));
}

// -- layers that quantise their input -------------------------------------------------------------

/// The scale of the smallest to the largest element.
Tensor quantised_input(OnnxContext& context, Tensor x) {
  const Tensor scale = (reduce(amax_op, x, {}) - reduce(amin_op, x, {})) / 255.0;
  return quantize_per_tensor(x, scale, no_operand(context), {DType::uint8});
}

/// W and R are transposed: (directions, features, 4 x hidden).
OnnxOutcome emit_dynamic_quantize_lstm(OnnxContext& context) {
  context.require(context.rank(0) == 3 && context.rank(1) == 3 && context.rank(2) == 3,
                  "an input x and two weights of rank 3");
  const Tensor x = quantised_input(context, context.in(0));
  const Tensor weights = transpose(context.in(1), 1, 2);
  const Tensor recurrent = transpose(context.in(2), 1, 2);
  std::array<ValueId, 8> inputs{x.id, weights.id, recurrent.id};
  for (std::size_t i = 3; i < inputs.size(); ++i) inputs[i] = context.optional_in(i).id;
  const Tensor first =
      context.append(lstm_op, RecurrentAttrs{}, std::span<const ValueId>(inputs), {});
  for (std::size_t i = 0; i < std::min<std::size_t>(3, context.output_count()); ++i)
    context.out(i, sibling_output(first, i));
  for (std::size_t i = 0; i < 3; ++i)
    context.graph().set_dtype(sibling_output(first, i).id, context.dtype(0));
  return OnnxOutcome::done;
}

}  // namespace

OnnxOutcome onnx_encoder_attention(OnnxContext& context, const OnnxEncoderAttention& attention) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const Tensor query = split_heads(context, attention.query, heads);
  Tensor key = split_heads(context, attention.key, heads);
  Tensor value = split_heads(context, attention.value, heads);
  std::int64_t past_length = 0;
  if (context.has(attention.past)) {
    const Tensor past = context.in(attention.past);
    context.require(past.rank() == 5 && past.dim(0) == 2, "earlier keys and values of rank 5");
    past_length = past.dim(3);
    key = cat({select(past, 0, 0), key}, 2);
    value = cat({select(past, 0, 1), value}, 2);
  }
  const bool is_causal = context.integer("unidirectional", 0) != 0;
  const double scale = context.real("scale", 0);
  const Tensor result =
      is_causal && past_length > 0
          ? cached_attention(query, key, value, attention.mask,
                             {.is_causal = true, .scale = scale, .past = past_length})
          : scaled_dot_product_attention(query, key, value, attention.mask, {is_causal, scale});
  context.out(0, merge_heads(result));
  if (context.wants(1)) context.out(1, stack({key, value}, 0));
  return OnnxOutcome::done;
}

namespace {

/// One product of integers makes query, key and value; attention is on real numbers.
OnnxOutcome emit_quantised_attention(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor weight = context.in(1);
  context.require(x.rank() == 3 && weight.rank() == 2 && weight.dim(1) % 3 == 0,
                  "an input of rank 3, and a weight of rank 2 with a multiple of 3 columns");
  const Tensor product = matmul(x, weight);
  context.graph().set_dtype(product.id, DType::int32);
  const OutputType type{product.shape(), context.dtype(3), false};
  const ValueId inputs[] = {product.id, context.in(3).id};
  Graph& graph = context.graph();
  const NodeId node = graph.append_declared(dequantize_op, nullptr, inputs, std::span(&type, 1));
  Tensor all{&graph, graph.nodes()[node].first_output};
  if (context.has(2)) all = all + context.in(2);
  const Chunks parts = chunk(all, 3, 2);
  const Tensor mask = context.optional_in(5);
  return onnx_encoder_attention(context, {parts[0], parts[1], parts[2], mask, 8});
}

// -- mixtures of experts --------------------------------------------------------------------------

/// The inputs of a projection of every expert.
struct Projection {
  std::size_t weight, scales, bias, zero_points;
};

/// The operands of MoE and QMoE: fc1, fc2 and fc3.
constexpr Projection real_projections[] = {{2, absent_input, 3, absent_input},
                                           {4, absent_input, 5, absent_input},
                                           {6, absent_input, 7, absent_input}};
constexpr Projection packed_projections[] = {{2, 3, 4, 11}, {5, 6, 7, 12}, {8, 9, 10, 13}};

/// Rows (count, in), each times the matrix of one expert.
/// The type of the numbers that are packed into a weight of experts: integers, or small floats.
DType expert_type(OnnxContext& context, std::size_t weight, std::int64_t bits) {
  if (is_floating(context.dtype(weight))) return context.dtype(weight);
  if (context.text("quant_type", "int") == "int") return packed_type(context, bits);
  return bits == 4 ? DType::float4_e2m1fn : DType::float8_e4m3fn;
}

/// `bits` of each number, 0 for real ones.
Tensor project(OnnxContext& context, const Projection& projection, Tensor rows, std::int64_t bits) {
  const Shape& stored = context.shape(projection.weight);
  context.require(stored.rank() == 3, "weights of rank 3");
  const std::int64_t in = rows.dim(1);
  const Tensor bias = context.optional_in(projection.bias);
  if (bits == 0) {  // real numbers: (experts, out, in), in older files (experts, in, out)
    Tensor matrices = context.in(projection.weight);
    if (matrices.dim(1) != in) matrices = transpose(matrices, 1, 2);
    const Tensor ends = full(context.graph(), {matrices.dim(0)}, 0, DType::int32);
    const Tensor product = grouped_matmul(rows, matrices, ends);
    return bias ? product + select(bias, 0, 0) : product;
  }
  // As many numbers as the bytes of a row have room for; only the last byte may have unused bits.
  const auto fits = [&](std::int64_t numbers, std::int64_t bytes) {
    return ceil_div(checked_mul(numbers, bits), 8) == bytes;
  };
  const bool is_last = fits(in, stored.dim(2));
  const std::int64_t out = is_last ? stored.dim(1) : checked_mul(stored.dim(2), 8) / bits;
  const Shape shape{stored.dim(0), out, in};
  const Tensor weight =
      context.in_unpacked(projection.weight, shape, expert_type(context, projection.weight, bits));
  const Tensor scales = context.optional_in(projection.scales);
  const Tensor zero_points = context.optional_in(projection.zero_points);
  return matmul_n_bits(rows, {weight, scales, zero_points, no_operand(context), bias},
                       {.in = in, .out = out, .experts = stored.dim(0)});
}

Tensor expert_activation(OnnxContext& context, Tensor x) {
  const std::string_view name = context.text("activation_type", "relu");
  if (name == "gelu" || name == "geglu") return gelu(x);
  if (name == "silu" || name == "swiglu") return unary(silu_op, x);
  return name == "identity" ? x : unary(relu_op, x);
}

/// Every token goes through its `k` best experts, whose results are added with their probabilities.
OnnxOutcome mix_experts(OnnxContext& context, std::span<const Projection> projections,
                        std::int64_t bits) {
  const Tensor x = context.in(0);
  const Tensor scores = context.in(1);
  context.require((x.rank() == 2 || x.rank() == 3) && scores.rank() == 2,
                  "an input of rank 2 or 3, and scores of rank 2");
  const std::int64_t k = context.integer("k", 1);
  context.require(k >= 1 && k <= scores.dim(1), "k of at least 1, at most the number of experts");
  const Tensor tokens = reshape(x, {scores.dim(0), x.dim(-1)});
  const Selection best = topk(softmax(scores, 1), k, 1);
  const Tensor rows = index_select(tokens, 0, flatten(best.indices, 0, -1));

  const Projection& first = projections[0];
  const Projection& second = projections[1];
  const Projection& gate = projections[2];
  Tensor hidden = project(context, first, rows, bits);
  const std::string_view activation = context.text("activation_type", "relu");
  const bool has_gate = context.has(gate.weight);
  const bool is_fused = !has_gate && (activation == "swiglu" || activation == "geglu");
  if (is_fused) {
    const Chunks halves = chunk(hidden, 2, 1);
    hidden = expert_activation(context, halves[0]) * halves[1];
  } else {
    hidden = expert_activation(context, hidden);
    if (has_gate) hidden = hidden * project(context, gate, rows, bits);
  }
  const Tensor each =
      reshape(project(context, second, hidden, bits), {scores.dim(0), k, x.dim(-1)});
  const Tensor mixed = sum(each * unsqueeze(best.values, 2), {1}, false);
  return context.out(reshape(mixed, Ints(std::span<const std::int64_t>(x.shape()))));
}

OnnxOutcome emit_experts(OnnxContext& context) { return mix_experts(context, real_projections, 0); }

OnnxOutcome emit_quantised_experts(OnnxContext& context) {
  const DType stored = context.dtype(packed_projections[0].weight);
  const std::int64_t given = context.integer("expert_weight_bits", 4);
  const std::int64_t bits = is_floating(stored) ? bits_of(stored) : given;
  context.require(bits >= 1, "numbers of at least 1 bit");
  return mix_experts(context, packed_projections, bits > 8 ? 0 : bits);
}

using enum Meaning;

constexpr std::string_view unpacking_reason = "every element is shifted and scaled";

constexpr NoEffect n_bits_no_effect[] = {
    {"block_size", "the shape of the scales says it"},
    {"accuracy_level", "the precision on the way"},
    {"weight_prepacked=0", "the default"},
};

constexpr NoEffect bnb4_no_effect[] = {
    {"block_size", "the shape of the scales says it"},
    {"transB", "N and K say it"},
    {"training_mode", "the same product"},
};

constexpr NoEffect packed_table_no_effect[] = {
    {"block_size", "the shape of the scales says it"},
    {"quantize_axis", unpacking_reason},
};

constexpr NoEffect quantised_embed_no_effect[] = {
    {"input 7", "a mask, of which only its sums are written"},
};

constexpr NoEffect quantised_lstm_no_effect[] = {
    {"direction", "the first size of the weights says how many directions there are"},
    {"hidden_size", "the sizes of the weights say it"},
    {"activation_alpha", "a constant of the formula"},
    {"activation_beta", "a constant of the formula"},
    {"clip=0", "no clipping"},
    {"input_forget=0", "the default"},
    {"activations=[Sigmoid,Tanh,Tanh]", "the default"},
    {"activations=[Sigmoid,Tanh,Tanh,Sigmoid,Tanh,Tanh]", "the default"},
    {"input 8", "a part of the sums' factor"},
    {"input 9", "a part of the products' sums"},
    {"input 10", "a part of the sums' factor"},
    {"input 11", "a part of the products' sums"},
};

constexpr NoEffect quantised_attention_no_effect[] = {
    {"mask_filter_value", "which number a mask adds"}, {"do_rotary=0", "the default"},
    {"past_present_share_buffer=0", "the default"},    {"input 4", "a part of the sums' factor"},
    {"input 6", "a part of the products' sums"},       {"input 7", "a part of the products' sums"},
};

constexpr NoEffect experts_no_effect[] = {
    {"normalize_routing_weights", "of few numbers"},
    {"use_sparse_mixer=0", "the default"},
    {"swiglu_fusion", "the order of the rows"},
    {"swiglu_limit", "a bound of few numbers"},
    {"activation_alpha", "a constant of the activation"},
    {"activation_beta", "a constant of the activation"},
    {"block_size", "the shape of the scales says it"},
    {"accuracy_level", "the precision on the way"},
    {"weights_prepacked", "the order of the elements"},
    {"fc1_expert_weight_bits=4", "the default"},
    {"fc2_expert_weight_bits=4", "the default"},
    {"fc3_expert_weight_bits=4", "the default"},
    {"swiglu_limit_after_activation=0", "the default"},
};

constexpr OnnxOperator packed_rows[] = {
    {"DynamicQuantizeLSTM",
     same_cost,
     emit_dynamic_quantize_lstm,
     {.weights = {1, 2, 3, 7},
      .quantisation = {8, 9, 10, 11},
      .no_effect = quantised_lstm_no_effect}},
    {"GatherBlockQuantized",
     same_cost,
     emit_gather_block_quantized,
     {.weights = {0}, .quantisation = {2, 3}, .no_effect = packed_table_no_effect}},
    {"MatMulBnb4",
     same_cost,
     emit_matmul_bnb4,
     {.weights = {1}, .quantisation = {2}, .no_effect = bnb4_no_effect}},
    {"MatMulNBits",
     same_cost,
     emit_matmul_n_bits,
     {.weights = {1, 5}, .quantisation = {2, 3}, .settings = {4}, .no_effect = n_bits_no_effect}},
    {"MoE",
     same_cost,
     emit_experts,
     {.weights = {2, 3, 4, 5, 6, 7}, .no_effect = experts_no_effect}},
    {"QAttention",
     same_cost,
     emit_quantised_attention,
     {.weights = {1, 2}, .quantisation = {3, 4, 6, 7}, .no_effect = quantised_attention_no_effect}},
    {"QEmbedLayerNormalization",
     same_cost,
     emit_quantised_embed_norm,
     {.weights = {2, 3, 4, 5, 6},
      .quantisation = {8, 9, 10, 11, 12, 13, 14, 15, 16, 17},
      .no_effect = quantised_embed_no_effect}},
    {"QMoE",
     same_cost,
     emit_quantised_experts,
     {.weights = {2, 4, 5, 7, 8, 10},
      .quantisation = {3, 6, 9, 11, 12, 13},
      .no_effect = experts_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_packed_operators = {"com.microsoft", packed_rows};

}  // namespace zoometer
