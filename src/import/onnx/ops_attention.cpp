// Attention and what belongs to it: the standard operators and those of ONNX Runtime.
#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/rotary.hpp"

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
OnnxOutcome emit_standard_attention(OnnxContext& context) {
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
  // Output 3: the scores, which the kernel does not keep.
  return context.wants(3) ? OnnxOutcome::depends_on_data : OnnxOutcome::done;
}

/// com.microsoft Attention: one product makes query, key and value of the input.
OnnxOutcome emit_attention(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor weight = context.in(1);
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
  if (context.has(2)) all = all + context.in(2);
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
  return OnnxOutcome::done;
}

/// A bias of the query, the key and the value, one after the other; `at` is where each begins.
Tensor with_bias(OnnxContext& context, Tensor x, std::size_t bias, std::int64_t at) {
  if (!context.has(bias)) return x;
  return x + slice(context.in(bias), 0, at, checked_add(at, x.dim(-1)));
}

/// com.microsoft MultiHeadAttention: after the projections. Keys of rank 4 have their heads.
OnnxOutcome emit_multi_head_attention(OnnxContext& context) {
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
  return context.out(2, operands.value);
}

/// com.microsoft GroupQueryAttention: several heads share a key and a value.
OnnxOutcome emit_group_query_attention(OnnxContext& context) {
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
  const RotaryAttrs attrs{context.integer("rotary_interleaved", 0) != 0};
  if (context.integer("do_rotary", 0) != 0) {
    const Tensor cosines = context.in(7), sines = context.in(8);
    operands.query = rotary_embedding(operands.query, cosines, sines, none(context), attrs);
    operands.key = rotary_embedding(operands.key, cosines, sines, none(context), attrs);
  }
  operands.key = after_past(context, 3, operands.key);
  operands.value = after_past(context, 4, operands.value);
  context.out(0, merge_heads(attend(context, operands, none(context), true)));
  context.out(1, operands.key);
  return context.out(2, operands.value);
}

OnnxOutcome emit_rotary(OnnxContext& context, std::size_t cosines, std::size_t sines,
                        std::size_t positions) {
  const RotaryAttrs attrs{context.integer("interleaved", 0) != 0};
  const Tensor x = context.in(0);
  return context.out(rotary_embedding(x, context.in(cosines), context.in(sines),
                                      context.optional_in(positions), attrs));
}

OnnxOutcome emit_standard_rotary(OnnxContext& context) { return emit_rotary(context, 1, 2, 3); }

OnnxOutcome emit_microsoft_rotary(OnnxContext& context) { return emit_rotary(context, 2, 3, 1); }

// -- norms with the sum before them -----------------------------------------------------------

/// Outputs: the norm, its mean and deviation if the node has them, and the sum.
OnnxOutcome emit_skip_norm(OnnxContext& context, bool is_root_mean_square) {
  const std::size_t beta = is_root_mean_square ? absent_input : 3;
  const std::size_t bias = is_root_mean_square ? 3 : 4;
  Tensor sum = context.in(0) + context.in(1);
  if (context.has(bias)) sum = sum + context.in(bias);
  const Tensor gamma = context.in(2);
  const OnnxNorm norm{-1, context.real("epsilon", 1e-12), is_root_mean_square};
  context.out(0, onnx_layer_norm(context, sum, gamma, context.optional_in(beta), norm));
  return context.out(3, sum);
}

OnnxOutcome emit_skip_layer_norm(OnnxContext& context) { return emit_skip_norm(context, false); }

OnnxOutcome emit_skip_simplified_norm(OnnxContext& context) {
  return emit_skip_norm(context, true);
}

/// Word, position and segment embeddings, summed and normalised.
OnnxOutcome emit_embed_layer_norm(OnnxContext& context) {
  const Tensor tokens = context.in(0);
  context.require(tokens.rank() == 2 && context.rank(3) == 2, "tokens (batch, length) and a table");
  const Tensor words = context.in(2);
  const Tensor places = context.in(3);
  Tensor sum = embedding(words, tokens);
  if (context.has(8)) {
    sum = sum + embedding(places, context.in(8));
  } else {
    sum = sum + slice(places, 0, 0, tokens.dim(1));
  }
  if (context.has(1) && context.has(4)) {
    const Tensor segments = context.in(4);
    sum = sum + embedding(segments, context.in(1));
  }
  const Tensor gamma = context.in(5);
  const OnnxNorm norm{-1, context.real("epsilon", 1e-12), false};
  context.out(0, layer_norm(sum, gamma, context.in(6), {1, norm.epsilon}));
  if (context.wants(1)) {
    const std::int64_t batch[] = {tokens.dim(0)};
    context.out(1, full(context.graph(), Ints(batch), 0, DType::int32));
  }
  return context.out(2, sum);
}

// -- activations with the sum before them -----------------------------------------------------

Tensor with_optional_bias(OnnxContext& context) {
  const Tensor x = context.in(0);
  return context.has(1) ? x + context.in(1) : x;
}

OnnxOutcome emit_bias_gelu(OnnxContext& context) {
  return context.out(gelu(with_optional_bias(context)));
}

OnnxOutcome emit_fast_gelu(OnnxContext& context) {
  return context.out(gelu(with_optional_bias(context), true));
}

OnnxOutcome emit_microsoft_gelu(OnnxContext& context) { return context.out(gelu(context.in(0))); }

OnnxOutcome emit_quick_gelu(OnnxContext& context) {
  const Tensor x = context.in(0);
  const double alpha = context.real("alpha", 1.702);
  return context.out(alpha == 1 ? unary(silu_op, x) : x * unary(sigmoid_op, x * alpha));
}

OnnxOutcome emit_bias_softmax(OnnxContext& context) {
  const Tensor x = context.in(0) + context.in(1);
  return context.out(softmax(x, context.axis(context.integer("axis", 1), x.rank())));
}

OnnxOutcome emit_bias_add(OnnxContext& context) {
  const Tensor x = context.in(0);
  return context.out(x + context.in(1) + context.in(2));
}

// -- fused products ---------------------------------------------------------------------------

/// Empty where the activation is not known.
Tensor activated(OnnxContext& context, Tensor x) {
  const std::string_view name = context.text("activation", "");
  if (name.empty()) return x;
  if (name == "Relu") return unary(relu_op, x);
  if (name == "Tanh") return unary(tanh_op, x);
  if (name == "Sigmoid") return unary(sigmoid_op, x);
  if (name == "HardSigmoid") return unary(hardsigmoid_op, x);
  if (name == "LeakyRelu") return leaky_relu(x, 0.01);
  if (name == "Clip") return clamp(x, 0, 6);
  return none(context);
}

OnnxOutcome emit_fused_conv(OnnxContext& context) {
  Tensor result = onnx_convolution(context, 1, 2);
  if (!result) return OnnxOutcome::depends_on_data;
  if (context.has(3)) result = result + context.in(3);
  result = activated(context, result);
  return result ? context.out(result) : OnnxOutcome::depends_on_data;
}

OnnxOutcome emit_fused_matmul(OnnxContext& context) {
  const auto operand = [&](std::size_t input, std::string_view name) {
    const Tensor x = context.in(input);
    if (context.integer(name, 0) == 0 || x.rank() < 2) return x;
    return transpose(x, -2, -1);
  };
  if (context.integer("transBatchA", 0) != 0 || context.integer("transBatchB", 0) != 0) {
    return OnnxOutcome::depends_on_data;
  }
  const Tensor a = operand(0, "transA");
  const Tensor product = matmul(a, operand(1, "transB"));
  const double alpha = context.real("alpha", 1);
  return context.out(alpha == 1 ? product : product * alpha);
}

OnnxOutcome emit_layer_normalization(OnnxContext& context, bool is_root_mean_square) {
  const Tensor x = context.in(0);
  const OnnxNorm norm{context.integer("axis", -1), context.real("epsilon", 1e-5),
                      is_root_mean_square};
  const Tensor scale = context.in(1);
  return context.out(0, onnx_layer_norm(context, x, scale, context.optional_in(2), norm));
}

OnnxOutcome emit_layer_norm(OnnxContext& context) {
  return emit_layer_normalization(context, false);
}

OnnxOutcome emit_simplified_norm(OnnxContext& context) {
  return emit_layer_normalization(context, true);
}

using enum Meaning;

constexpr NoEffect attention_no_effect[] = {
    {"softcap=0", "the default"},
    {"softmax_precision", "the precision on the way"},
    {"qk_matmul_output_mode", "of the scores as an output"},
};

constexpr NoEffect rotary_no_effect[] = {
    {"num_heads", "every element is rotated"},
    {"is_packed_batching", "every element is rotated"},
    {"rotary_embedding_dim=0", "the default: all features"},
    {"scale=1", "the default"},
};

constexpr NoEffect skip_norm_no_effect[] = {{"stash_type", "the precision of the statistics"}};

constexpr NoEffect old_attention_no_effect[] = {
    {"mask_filter_value", "which number a mask adds"},
    {"do_rotary=0", "the default"},
    {"rotary_embedding_dim=0", "the default"},
    {"past_present_share_buffer=0", "the default"},
};

constexpr NoEffect grouped_no_effect[] = {
    {"local_window_size=-1", "the default: no window"},
    {"softcap=0", "the default"},
    {"smooth_softmax=0", "the default"},
    {"qk_output=0", "the default"},
    {"k_quant_type=NONE", "the default"},
    {"v_quant_type=NONE", "the default"},
    {"kv_cache_bit_width=0", "the default"},
    {"input 5", "lengths within the batch, at most that of the keys"},
    {"input 7", "read where do_rotary is set"},
    {"input 8", "read where do_rotary is set"},
    {"input 9", "which rows of the tables are taken"},
};

constexpr NoEffect embed_no_effect[] = {
    {"mask_index_type", "how the mask is summed up"},
    {"input 7", "a mask, of which only its sums are written"},
};

constexpr NoEffect bias_softmax_no_effect[] = {
    {"is_inner_broadcast", "the shape of the bias says it"},
};

constexpr NoEffect fused_conv_no_effect[] = {
    {"activation_params", "constants of the activation"},
};

constexpr OnnxOperator attention_rows[] = {
    {"Attention", same_values, emit_standard_attention, {.no_effect = attention_no_effect}},
    {"RotaryEmbedding", same_values, emit_standard_rotary, {.no_effect = rotary_no_effect}},
    // ONNX Runtime writes this one into the standard domain.
    {"SimplifiedLayerNormalization",
     same_values,
     emit_simplified_norm,
     {.weights = {1, 2}, .no_effect = skip_norm_no_effect}},
};

constexpr OnnxOperator microsoft_attention_rows[] = {
    {"Attention",
     same_cost,
     emit_attention,
     {.weights = {1, 2}, .no_effect = old_attention_no_effect}},
    {"BiasAdd", same_values, emit_bias_add, {.weights = {1}}},
    {"BiasGelu", same_values, emit_bias_gelu, {.weights = {1}}},
    {"BiasSoftmax", same_values, emit_bias_softmax, {.no_effect = bias_softmax_no_effect}},
    {"EmbedLayerNormalization",
     same_cost,
     emit_embed_layer_norm,
     {.weights = {2, 3, 4, 5, 6}, .no_effect = embed_no_effect}},
    {"FastGelu", same_values, emit_fast_gelu, {.weights = {1}}},
    {"FusedConv",
     same_cost,
     emit_fused_conv,
     {.weights = {1, 2}, .no_effect = fused_conv_no_effect}},
    {"FusedMatMul", same_values, emit_fused_matmul},
    {"Gelu", same_values, emit_microsoft_gelu},
    {"GroupQueryAttention",
     same_cost,
     emit_group_query_attention,
     {.no_effect = grouped_no_effect}},
    {"LayerNormalization",
     same_values,
     emit_layer_norm,
     {.weights = {1, 2}, .no_effect = skip_norm_no_effect}},
    {"MultiHeadAttention",
     same_cost,
     emit_multi_head_attention,
     {.weights = {3}, .no_effect = old_attention_no_effect}},
    {"QuickGelu", same_values, emit_quick_gelu},
    {"RotaryEmbedding", same_values, emit_microsoft_rotary, {.no_effect = rotary_no_effect}},
    {"SimplifiedLayerNormalization",
     same_values,
     emit_simplified_norm,
     {.weights = {1, 2}, .no_effect = skip_norm_no_effect}},
    {"SkipLayerNormalization", same_values, emit_skip_layer_norm, {.weights = {2, 3, 4}}},
    {"SkipSimplifiedLayerNormalization",
     same_values,
     emit_skip_simplified_norm,
     {.weights = {2, 3}}},
    {"TransposeMatMul", same_values, emit_fused_matmul},
};

}  // namespace

extern constinit const OnnxOperators onnx_attention_operators = {"", attention_rows};
extern constinit const OnnxOperators onnx_microsoft_operators = {"com.microsoft",
                                                                 microsoft_attention_rows};

}  // namespace zoometer
