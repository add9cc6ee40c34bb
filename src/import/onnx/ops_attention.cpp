// Attention and what stands around it: the standard operators and those of ONNX Runtime.
#include "import/onnx/layers.hpp"
#include "import/onnx/ops.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/rotary.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {

Tensor split_heads(const OnnxContext& context, Tensor x, std::int64_t heads) {
  context.require(x.rank() == 3 && heads >= 1 && x.dim(2) % heads == 0,
                  "rank 3 and features that the number of heads divides");
  return transpose(reshape(x, {x.dim(0), x.dim(1), heads, x.dim(2) / heads}), 1, 2);
}

Tensor merge_heads(Tensor x) {
  return reshape(transpose(x, 1, 2), {x.dim(0), x.dim(2), checked_mul(x.dim(1), x.dim(3))});
}

namespace {

/// Query, key and value of attention, (batch, heads, length, features) each.
struct Operands {
  Tensor query, key, value;
};

Tensor none(OnnxContext& context) { return {&context.graph(), no_id}; }

/// Keys or values of earlier steps, (batch, heads, length, features), before those of this one.
Tensor after_past(OnnxContext& context, std::size_t past, Tensor now) {
  if (!context.has(past)) return now;
  context.require(context.rank(past) == 4, "earlier keys and values of rank 4");
  return cat({context.in(past), now}, 2);
}

Tensor attend(OnnxContext& context, const Operands& operands, Tensor mask, bool is_causal) {
  return scaled_dot_product_attention(operands.query, operands.key, operands.value, mask,
                                      {is_causal, context.real("scale", 0)});
}

/// Features as the query's, key's and value's, one after the other.
std::vector<Tensor> split_features(const OnnxContext& context, Tensor x,
                                   std::initializer_list<std::int64_t> sizes) {
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) {
    context.require(size >= 0, "sizes of at least 0");
    sum = checked_add(sum, size);
  }
  context.require(sum == x.dim(-1), "features that are the query's, the key's and the value's");
  const Chunks pieces = split(x, std::vector<std::int64_t>(sizes), x.rank() - 1);
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < pieces.size(); ++i) tensors.push_back(pieces[i]);
  return tensors;
}

/// The standard operator since version 23: operands of rank 4, or of rank 3 with heads to split.
void emit_standard_attention(OnnxContext& context) {
  const bool has_heads = context.rank(0) == 4;
  const std::int64_t heads = context.integer("q_num_heads", 1);
  const std::int64_t shared_heads = context.integer("kv_num_heads", heads);
  const auto operand = [&](std::size_t input, std::int64_t count) {
    const Tensor x = context.in(input);
    return has_heads ? x : split_heads(context, x, count);
  };
  Operands operands{operand(0, heads), operand(1, shared_heads), operand(2, shared_heads)};
  operands.key = after_past(context, 4, operands.key);
  operands.value = after_past(context, 5, operands.value);
  const Tensor result =
      attend(context, operands, context.optional_in(3), context.integer("is_causal", 0) != 0);
  context.out(0, has_heads ? result : merge_heads(result));
  context.out(1, operands.key);
  context.out(2, operands.value);
  if (context.wants(3)) throw OnnxDataDependent{};  // the scores, which the kernel does not keep
}

/// com.microsoft Attention: one product makes query, key and value of the input.
void emit_attention(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor weight = context.weight(1);
  const std::int64_t heads = context.integer("num_heads", 1);
  context.require(x.rank() == 3 && weight.rank() == 2 && heads >= 1,
                  "an input of rank 3, a weight of rank 2 and heads");
  const auto listed = context.integers("qkv_hidden_sizes");
  context.require(!listed || listed->size() == 3, "three sizes of query, key and value");
  const std::int64_t third = weight.dim(1) / 3;
  const std::int64_t query_size = listed ? (*listed)[0] : third;
  const std::int64_t key_size = listed ? (*listed)[1] : third;
  const std::int64_t value_size = listed ? (*listed)[2] : third;
  Tensor all = matmul(x, weight);
  if (context.has(2)) all = all + context.weight(2);
  const auto parts = split_features(context, all, {query_size, key_size, value_size});
  Operands operands{split_heads(context, parts[0], heads), split_heads(context, parts[1], heads),
                    split_heads(context, parts[2], heads)};
  if (context.has(4)) {
    context.require(context.rank(4) == 5 && context.shape(4)[0] == 2,
                    "earlier keys and values of rank 5");
    const Tensor past = context.in(4);
    operands.key = cat({select(past, 0, 0), operands.key}, 2);
    operands.value = cat({select(past, 0, 1), operands.value}, 2);
  }
  const Tensor mask = context.has(5) ? context.in(5) : context.optional_in(3);
  const bool is_causal = context.integer("unidirectional", 0) != 0;
  context.out(0, merge_heads(attend(context, operands, mask, is_causal)));
  if (context.wants(1)) context.out(1, stack({operands.key, operands.value}, 0));
}

/// A bias of the query, the key and the value, one after the other; `at` is where each begins.
Tensor with_bias(OnnxContext& context, Tensor x, std::size_t bias, std::int64_t at) {
  if (!context.has(bias)) return x;
  return x + slice(context.weight(bias), 0, at, checked_add(at, x.dim(-1)));
}

/// com.microsoft MultiHeadAttention: after the projections. Keys of rank 4 have their heads.
void emit_multi_head_attention(OnnxContext& context) {
  const std::int64_t heads = context.integer("num_heads", 1);
  Operands operands;
  if (context.rank(0) == 5) {  // (batch, length, heads, 3, features)
    const Tensor packed = context.in(0);
    context.require(packed.dim(3) == 3, "query, key and value in dimension 3");
    const auto part = [&](std::int64_t i) { return transpose(select(packed, 3, i), 1, 2); };
    operands = {part(0), part(1), part(2)};
  } else {
    Tensor query = context.in(0);
    context.require(query.rank() == 3, "a query of rank 3 or 5");
    const std::int64_t width = query.dim(2);
    query = with_bias(context, query, 3, 0);
    operands.query = split_heads(context, query, heads);
    if (context.rank(1) == 5) {  // (batch, length, heads, 2, features)
      const Tensor packed = context.in(1);
      context.require(packed.dim(3) == 2, "key and value in dimension 3");
      operands.key = transpose(select(packed, 3, 0), 1, 2);
      operands.value = transpose(select(packed, 3, 1), 1, 2);
    } else if (context.rank(1) == 4) {
      operands.key = context.in(1);
      operands.value = context.in(2);
    } else {
      const Tensor key = with_bias(context, context.in(1), 3, width);
      const Tensor value = with_bias(context, context.in(2), 3, checked_mul(2, width));
      operands.key = split_heads(context, key, heads);
      operands.value = split_heads(context, value, heads);
    }
  }
  operands.key = after_past(context, 6, operands.key);
  operands.value = after_past(context, 7, operands.value);
  const Tensor mask = context.has(5) ? context.in(5) : context.optional_in(4);
  const bool is_causal = context.integer("unidirectional", 0) != 0;
  context.out(0, merge_heads(attend(context, operands, mask, is_causal)));
  context.out(1, operands.key);
  context.out(2, operands.value);
}

/// com.microsoft GroupQueryAttention: several heads share a key and a value.
void emit_group_query_attention(OnnxContext& context) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const std::int64_t shared_heads = context.integer("kv_num_heads", heads);
  context.require(heads >= 1 && shared_heads >= 1 && context.rank(0) == 3,
                  "a query of rank 3 and heads");
  Tensor query = context.in(0), key, value;
  if (context.has(1)) {
    key = context.in(1);
    value = context.in(2);
  } else {
    const std::int64_t all = checked_add(heads, checked_mul(2, shared_heads));
    context.require(query.dim(2) % all == 0, "features that the heads divide");
    const std::int64_t size = query.dim(2) / all;
    const auto parts =
        split_features(context, query, {heads * size, shared_heads * size, shared_heads * size});
    query = parts[0], key = parts[1], value = parts[2];
  }
  Operands operands{split_heads(context, query, heads), split_heads(context, key, shared_heads),
                    split_heads(context, value, shared_heads)};
  if (context.integer("do_rotary", 0) != 0) {
    const RotaryAttrs attrs{context.integer("rotary_interleaved", 0) != 0};
    const Tensor cosines = context.in(7), sines = context.in(8);
    operands.query = rotary_embedding(operands.query, cosines, sines, none(context), attrs);
    operands.key = rotary_embedding(operands.key, cosines, sines, none(context), attrs);
  }
  operands.key = after_past(context, 3, operands.key);
  operands.value = after_past(context, 4, operands.value);
  context.out(0, merge_heads(attend(context, operands, none(context), true)));
  context.out(1, operands.key);
  context.out(2, operands.value);
}

void emit_rotary(OnnxContext& context, std::size_t cosines, std::size_t sines,
                 std::size_t positions) {
  const RotaryAttrs attrs{context.integer("interleaved", 0) != 0};
  const Tensor x = context.in(0);
  context.out(rotary_embedding(x, context.in(cosines), context.in(sines),
                               context.optional_in(positions), attrs));
}

void emit_standard_rotary(OnnxContext& context) { emit_rotary(context, 1, 2, 3); }

void emit_microsoft_rotary(OnnxContext& context) { emit_rotary(context, 2, 3, 1); }

// -- norms with the sum before them -----------------------------------------------------------

/// Outputs: the norm, mean and deviation where they are wanted, and the sum.
void emit_skip_norm(OnnxContext& context, bool is_root_mean_square) {
  const std::size_t beta = is_root_mean_square ? absent_input : 3;
  const std::size_t bias = is_root_mean_square ? 3 : 4;
  Tensor sum = context.in(0) + context.in(1);
  if (context.has(bias)) sum = sum + context.weight(bias);
  const Tensor gamma = context.weight(2);
  const OnnxNorm norm{-1, context.real("epsilon", 1e-12), is_root_mean_square};
  context.out(0, onnx_layer_norm(context, sum, gamma, context.optional_weight(beta), norm));
  context.out(3, sum);
}

void emit_skip_layer_norm(OnnxContext& context) { emit_skip_norm(context, false); }

void emit_skip_simplified_norm(OnnxContext& context) { emit_skip_norm(context, true); }

/// Word, position and segment embeddings, summed and normalised.
void emit_embed_layer_norm(OnnxContext& context) {
  const Tensor tokens = context.in(0);
  context.require(tokens.rank() == 2 && context.rank(3) == 2, "tokens (batch, length) and a table");
  const Tensor words = context.weight(2);
  const Tensor places = context.weight(3);
  Tensor sum = embedding(words, tokens);
  if (context.has(8)) {
    sum = sum + embedding(places, context.in(8));
  } else {
    sum = sum + slice(places, 0, 0, tokens.dim(1));
  }
  if (context.has(1) && context.has(4)) {
    const Tensor segments = context.weight(4);
    sum = sum + embedding(segments, context.in(1));
  }
  const Tensor gamma = context.weight(5);
  const OnnxNorm norm{-1, context.real("epsilon", 1e-12), false};
  context.out(0, layer_norm(sum, gamma, context.weight(6), {1, norm.epsilon}));
  if (context.wants(1)) {
    const std::int64_t batch[] = {tokens.dim(0)};
    context.out(1, full(context.graph(), Ints(batch), 0, DType::int32));
  }
  context.out(2, sum);
}

// -- activations with the sum before them -----------------------------------------------------

Tensor with_optional_bias(OnnxContext& context) {
  const Tensor x = context.in(0);
  return context.has(1) ? x + context.weight(1) : x;
}

void emit_bias_gelu(OnnxContext& context) { context.out(gelu(with_optional_bias(context))); }

void emit_fast_gelu(OnnxContext& context) { context.out(gelu(with_optional_bias(context), true)); }

void emit_gelu(OnnxContext& context) { context.out(gelu(context.in(0))); }

void emit_quick_gelu(OnnxContext& context) {
  const Tensor x = context.in(0);
  const double alpha = context.real("alpha", 1.702);
  context.out(alpha == 1 ? unary(silu_op, x) : x * unary(sigmoid_op, x * alpha));
}

void emit_bias_softmax(OnnxContext& context) {
  const Tensor x = context.in(0) + context.in(1);
  context.out(softmax(x, context.axis(context.integer("axis", 1), x.rank())));
}

void emit_bias_add(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.out(x + context.weight(1) + context.in(2));
}

// -- fused products ---------------------------------------------------------------------------

Tensor activated(OnnxContext& context, Tensor x) {
  const std::string_view name = context.text("activation", "");
  if (name.empty()) return x;
  if (name == "Relu") return unary(relu_op, x);
  if (name == "Tanh") return unary(tanh_op, x);
  if (name == "Sigmoid") return unary(sigmoid_op, x);
  if (name == "HardSigmoid") return unary(hardsigmoid_op, x);
  if (name == "LeakyRelu") return leaky_relu(x, 0.01);
  if (name == "Clip") return clamp(x, 0, 6);
  throw OnnxDataDependent{};
}

void emit_fused_conv(OnnxContext& context) {
  Tensor result = onnx_convolution(context, 1, 2);
  if (context.has(3)) result = result + context.in(3);
  context.out(activated(context, result));
}

void emit_fused_matmul(OnnxContext& context) {
  const auto operand = [&](std::size_t input, std::string_view name) {
    const Tensor x = context.in(input);
    if (context.integer(name, 0) == 0 || x.rank() < 2) return x;
    return transpose(x, -2, -1);
  };
  if (context.integer("transBatchA", 0) != 0 || context.integer("transBatchB", 0) != 0) {
    throw OnnxDataDependent{};
  }
  const Tensor a = operand(0, "transA");
  const Tensor product = matmul(a, operand(1, "transB"));
  const double alpha = context.real("alpha", 1);
  context.out(alpha == 1 ? product : product * alpha);
}

void emit_layer_normalization(OnnxContext& context, bool is_root_mean_square) {
  const Tensor x = context.in(0);
  const OnnxNorm norm{context.integer("axis", -1), context.real("epsilon", 1e-5),
                      is_root_mean_square};
  const Tensor scale = context.weight(1);
  context.out(0, onnx_layer_norm(context, x, scale, context.optional_weight(2), norm));
}

void emit_layer_norm(OnnxContext& context) { emit_layer_normalization(context, false); }

void emit_simplified_norm(OnnxContext& context) { emit_layer_normalization(context, true); }

constexpr OnnxOperator rows[] = {
    {"Attention", emit_standard_attention},
    {"RotaryEmbedding", emit_standard_rotary},
    // ONNX Runtime writes this one into the standard domain.
    {"SimplifiedLayerNormalization", emit_simplified_norm},
};

constexpr OnnxOperator microsoft_rows[] = {
    {"Attention", emit_attention},
    {"BiasAdd", emit_bias_add},
    {"BiasGelu", emit_bias_gelu},
    {"BiasSoftmax", emit_bias_softmax},
    {"EmbedLayerNormalization", emit_embed_layer_norm},
    {"FastGelu", emit_fast_gelu},
    {"FusedConv", emit_fused_conv},
    {"FusedMatMul", emit_fused_matmul},
    {"Gelu", emit_gelu},
    {"GroupQueryAttention", emit_group_query_attention},
    {"LayerNormalization", emit_layer_norm},
    {"MultiHeadAttention", emit_multi_head_attention},
    {"QuickGelu", emit_quick_gelu},
    {"RotaryEmbedding", emit_microsoft_rotary},
    {"SimplifiedLayerNormalization", emit_simplified_norm},
    {"SkipLayerNormalization", emit_skip_layer_norm},
    {"SkipSimplifiedLayerNormalization", emit_skip_simplified_norm},
    {"TransposeMatMul", emit_fused_matmul},
};

}  // namespace

extern constinit const OnnxOperators onnx_attention_operators = {"", rows};
extern constinit const OnnxOperators onnx_microsoft_operators = {"com.microsoft", microsoft_rows};

}  // namespace zoometer
