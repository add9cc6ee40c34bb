// ONNX Runtime's fused layers of transformers and diffusion models: sequences without padding,
// positions as biases, norms of groups with an activation.
#include <cmath>

#include "import/onnx/layers.hpp"
#include "op/indexing.hpp"
#include "op/linalg.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

/// The order of the axes after one of them moved.
Ints moved_axis(std::int64_t rank, std::int64_t from, std::int64_t to) {
  Ints order;
  for (std::int64_t i = 0; i < rank; ++i) {
    if (i != from) order.push_back(i);
  }
  order.insert(static_cast<std::size_t>(to), from);
  return order;
}

// -- sequences without padding ----------------------------------------------------------------

/// Batch and longest sequence, which the offsets (batch, longest) of the tokens have as shape.
struct Packing {
  std::int64_t batch = 0;
  std::int64_t longest = 0;
};

Packing packing_of(const OnnxContext& context, std::size_t offsets) {
  const Shape& shape = context.shape(offsets);
  context.require(shape.rank() == 2, "offsets (batch, length) of the tokens");
  return {shape.dim(0), shape.dim(1)};
}

/// Tokens (tokens, features) as (batch, longest, features), of which there are at most that many.
Tensor with_padding(Tensor tokens, const Packing& packing) {
  const std::int64_t places = checked_mul(packing.batch, packing.longest);
  const Tensor known = slice(tokens, 0, 0, std::min(places, tokens.dim(0)));
  const Tensor all = pad_last(known, {0, 0, 0, places - known.dim(0)});
  const Tensor result = reshape(all, {packing.batch, packing.longest, tokens.dim(1)});
  result.graph->mark_exact(result.id);
  return result;
}

/// Attention of tokens (tokens, features) of several sequences, one after the other. How long each
/// is depends on data: a token sees at most the keys of the longest one.
Tensor packed_attention(OnnxContext& context, const std::array<Tensor, 3>& operands,
                        std::size_t offsets, std::size_t bias) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const std::int64_t longest = packing_of(context, offsets).longest;
  const auto apart = [&](Tensor x) { return split_heads(context, unsqueeze(x, 0), heads); };
  const auto visible = [&](Tensor x) {
    const Tensor part = slice(apart(x), 2, 0, std::min(longest, x.dim(0)));
    context.graph().mark_bounded(part.id);
    return part;
  };
  const OnnxAttention attention{.query = apart(operands[0]),
                                .key = visible(operands[1]),
                                .value = visible(operands[2]),
                                .mask = context.optional_in(bias)};
  const Tensor result = onnx_attention(context, attention, absent_input);
  return squeeze(merge_heads(result), 0);
}

OnnxOutcome emit_packed_attention(OnnxContext& context) {
  context.require(context.rank(0) == 2, "tokens (tokens, features)");
  const std::vector<Tensor> parts = onnx_projected(context);
  return context.out(packed_attention(context, {parts[0], parts[1], parts[2]}, 3, 5));
}

OnnxOutcome emit_packed_multi_head_attention(OnnxContext& context) {
  const Tensor query = context.in(0);
  std::array<Tensor, 3> operands;
  if (query.rank() == 4) {  // (tokens, heads, 3, features)
    context.require(query.dim(2) == 3, "query, key and value in dimension 2");
    const std::int64_t width = checked_mul(query.dim(1), query.dim(3));
    for (std::int64_t i = 0; i < 3; ++i)
      operands[static_cast<std::size_t>(i)] = reshape(select(query, 2, i), {query.dim(0), width});
  } else {
    context.require(query.rank() == 2, "tokens of rank 2 or 4");
    operands = {query, context.in(1), context.in(2)};
  }
  if (context.has(3)) {
    const Tensor bias = context.in(3);
    std::int64_t at = 0;
    for (Tensor& operand : operands) {
      const std::int64_t end = checked_add(at, operand.dim(1));
      operand = operand + slice(bias, 0, at, end);
      at = end;
    }
  }
  return context.out(packed_attention(context, operands, 4, 6));
}

/// Blocks of a cache (blocks, places, heads, features) as the keys of one sequence that has all
/// that a table allows: (1, heads, length, features).
Tensor paged_keys(OnnxContext& context, Tensor cache, std::int64_t most_blocks) {
  context.require(cache.rank() == 4, "a cache (blocks, places, heads, features)");
  const std::int64_t places = checked_mul(cache.dim(0), cache.dim(1));
  const Tensor all = reshape(cache, {1, places, cache.dim(2), cache.dim(3)});
  const std::int64_t length = std::min(places, checked_mul(most_blocks, cache.dim(1)));
  const Tensor keys = transpose(slice(all, 1, 0, length), 1, 2);
  context.graph().mark_bounded(keys.id);
  return keys;
}

/// Tokens of several sequences, whose earlier keys and values are in blocks of a cache: each sees
/// at most all that the table of its sequence has.
OnnxOutcome emit_paged_attention(OnnxContext& context) {
  // Queries, keys and values in one tensor, or in one cache.
  if (context.rank(0) != 2 || !context.has(1) || !context.has(2) || !context.has(4))
    return OnnxOutcome::depends_on_data;
  const std::int64_t heads = context.integer("num_heads", 1);
  const Tensor query = context.in(0);
  const Shape& table = context.shape(7);
  context.require(table.rank() == 2, "a table of blocks (batch, blocks)");
  context.take_unknown(1), context.take_unknown(2), context.take_unknown(7);
  const Tensor key_cache = context.in(3), value_cache = context.in(4);
  OnnxAttention attention{.query = split_heads(context, unsqueeze(query, 0), heads),
                          .key = paged_keys(context, key_cache, table.dim(1)),
                          .value = paged_keys(context, value_cache, table.dim(1)),
                          .is_causal = true};
  attention.past = std::max<std::int64_t>(0, attention.key.dim(2) - query.dim(0));
  if (const std::int64_t window = context.integer("local_window_size", -1); window > 0)
    attention.left_window = window - 1;
  context.out(0, squeeze(merge_heads(onnx_attention(context, attention, absent_input)), 0));
  context.out(1, key_cache);
  return context.out(2, value_cache);
}

OnnxOutcome emit_longformer_attention(OnnxContext& context) {
  const std::vector<Tensor> parts = onnx_projected(context);
  return context.out(onnx_windowed_attention(context, parts, context.optional_in(3)));
}

/// At most all tokens are no padding.
OnnxOutcome emit_remove_padding(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() == 3, "an input (batch, length, features)");
  const std::int64_t batch = x.dim(0), length = x.dim(1);
  Tensor tokens = reshape(x, {checked_mul(batch, length), x.dim(2)});
  tokens = clone(tokens);
  context.at_most(0, tokens, 0);
  context.out(0, tokens);
  Graph& graph = context.graph();
  context.out(1, full(graph, {batch, length}, 0, DType::int32));
  context.out(2, full(graph, {checked_add(batch, 1)}, 0, DType::int32));
  return context.out(3, full(graph, {1}, 0, DType::int32));
}

OnnxOutcome emit_restore_padding(OnnxContext& context) {
  const Tensor tokens = context.in(0);
  const Packing packing = packing_of(context, 1);
  context.require(tokens.rank() == 2, "tokens (tokens, features)");
  return context.out(with_padding(tokens, packing));
}

// -- positions as biases ----------------------------------------------------------------------

/// T5's bucket of each distance between a query and a key: exact ones, then logarithmic ones up to
/// `farthest` (`_relative_position_bucket` of transformers).
Tensor distance_buckets(Graph& graph, const Shape& lengths, std::int64_t buckets,
                        bool is_bidirectional, double farthest) {
  const Tensor rows = unsqueeze(arange(graph, 0, static_cast<double>(lengths[0])), 1);
  const Tensor columns = unsqueeze(arange(graph, 0, static_cast<double>(lengths[1])), 0);
  const Tensor distance = columns - rows;
  const double count = static_cast<double>(is_bidirectional ? buckets / 2 : buckets);
  const double exact = std::max(1.0, std::floor(count / 2));
  const Tensor length =
      is_bidirectional ? unary(abs_op, distance) : unary(neg_op, binary(minimum_op, distance, 0));
  const Tensor logarithm = unary(log_op, to(length, DType::float32) / exact);
  const double growth = (count - exact) / std::max(1e-6, std::log(farthest / exact));
  const Tensor far = binary(minimum_op, to(logarithm * growth, DType::int64) + exact, count - 1);
  const Tensor bucket = where(binary(lt_op, length, exact), length, far);
  if (!is_bidirectional) return bucket;
  return bucket + to(binary(gt_op, distance, 0), DType::int64) * count;
}

/// A table (buckets, heads) -> (1, heads, queries, keys).
OnnxOutcome emit_relative_position_bias(OnnxContext& context) {
  const auto queries = context.integer(1), keys = context.integer(2);
  if (!queries || !keys) return OnnxOutcome::depends_on_data;
  const Tensor table = context.in(0);
  constexpr std::int64_t most = std::int64_t{1} << 28;
  context.require(table.rank() == 2 && *queries >= 0 && *queries < most && *keys >= 0 &&
                      *keys < most,
                  "a table (buckets, heads) and lengths of at least 0");
  const Tensor buckets = distance_buckets(
      context.graph(), {*queries, *keys}, table.dim(0), context.integer("is_bidirectional", 0) != 0,
      static_cast<double>(context.integer("max_distance", 128)));
  return context.out(unsqueeze(permute(embedding(table, buckets), {2, 0, 1}), 0));
}

/// WavLM's: two gates of each query scale the biases.
OnnxOutcome emit_gated_relative_position_bias(OnnxContext& context) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const Tensor biases = context.in(2);
  context.require(biases.rank() == 4, "biases (1, heads, length, length)");
  Tensor query = context.in(0) + context.in(1);
  if (query.rank() == 2) {  // without padding
    const Packing packing = packing_of(context, 6);
    query = with_padding(query, packing);
  }
  const Tensor apart = split_heads(context, query, heads);
  const Tensor weight = context.in(3);
  const Tensor product = matmul(apart, weight) + context.in(4);
  context.require(product.dim(-1) % 2 == 0 && product.dim(-1) > 0, "an even width of the weight");
  const Shape& size = product.shape();
  const Tensor pairs = reshape(product, {size[0], size[1], size[2], 2, size[3] / 2});
  const Chunks gates = chunk(unary(sigmoid_op, sum(pairs, {-1})), 2, -1);
  const Tensor factor = gates[0] * (gates[1] * context.in(5) + -1.0) + 2.0;
  return context.out(factor * biases);
}

// -- norms of groups, and activations -----------------------------------------------------------

/// x normalised by groups of channels, which are the last dimension or the second one.
Tensor grouped_norm(OnnxContext& context, Tensor x) {
  const GroupNormAttrs attrs{context.integer("groups", 1), context.real("epsilon", 1e-5)};
  const bool is_channels_last = context.integer("channels_last", 1) != 0;
  context.require(x.rank() >= 3, "an input of rank 3 or more");
  if (is_channels_last) x = permute(x, moved_axis(x.rank(), x.rank() - 1, 1));
  const Tensor scale = context.in(1);
  x = group_norm(x, scale, context.in(2), attrs);
  if (context.integer("activation", 0) != 0) x = unary(silu_op, x);
  return is_channels_last ? permute(x, moved_axis(x.rank(), 1, x.rank() - 1)) : x;
}

OnnxOutcome emit_grouped_norm(OnnxContext& context) {
  return context.out(grouped_norm(context, context.in(0)));
}

OnnxOutcome emit_skip_group_norm(OnnxContext& context) {
  const Tensor x = context.in(0);
  Tensor skip = context.in(3);
  if (skip.rank() == 2) skip = reshape(skip, {skip.dim(0), 1, 1, skip.dim(1)});
  Tensor sum = x + skip;
  if (context.has(4)) sum = sum + context.in(4);
  context.out(0, grouped_norm(context, sum));
  return context.out(1, sum);
}

/// The first half of the features times the gelu of the second one, after a bias.
OnnxOutcome emit_bias_split_gelu(OnnxContext& context) {
  const Tensor x = context.in(0) + context.in(1);
  context.require(x.rank() >= 1 && x.dim(-1) % 2 == 0, "an even number of features");
  const Chunks halves = chunk(x, 2, -1);
  return context.out(halves[0] * gelu(halves[1]));
}

/// silu(gate) x value, of two tensors or of neighbouring features of one.
OnnxOutcome emit_microsoft_swiglu(OnnxContext& context) {
  const Tensor gate = context.in(0);
  if (context.has(1)) return context.out(unary(silu_op, gate) * context.in(1));
  context.require(gate.rank() >= 1 && gate.dim(-1) % 2 == 0, "an even number of features");
  const Chunks halves = chunk(gate, 2, -1);
  return context.out(unary(silu_op, halves[0]) * halves[1]);
}

OnnxOutcome emit_gated_rms_norm(OnnxContext& context) {
  const Tensor x = context.in(0), scale = context.in(1);
  const LayerNormAttrs attrs{1, context.real("epsilon", 1e-5)};
  const std::string_view name = context.text("activation", "silu");
  const Tensor gate = context.in(2);
  const Tensor factor = unary(name == "sigmoid" ? sigmoid_op : silu_op, gate);
  return context.out(rms_norm(x, scale, attrs) * factor);
}

OnnxOutcome emit_bias_dropout(OnnxContext& context) {
  Tensor x = context.in(0) + context.in(1);
  const KnownTensor* training = context.has(4) ? context.known(4) : nullptr;
  if (training != nullptr && training->count() == 1 && training->real(0) != 0) {
    x = dropout_training(x, context.constant_number(3).value_or(0.5));
    context.out(1, sibling_output(x, 1));
  } else if (context.wants(1)) {
    context.out(1, full(context.graph(), x.shape(), 1, DType::boolean));
  }
  return context.out(0, context.has(2) ? x + context.in(2) : x);
}

// -- others ---------------------------------------------------------------------------------------

/// A' x B' of which A is sparse: as many products as if it were not.
OnnxOutcome emit_sparse_to_dense_matmul(OnnxContext& context) {
  const auto operand = [&](std::size_t input, std::string_view flips) {
    const Tensor x = context.in(input);
    return context.integer(flips, 0) != 0 && x.rank() == 2 ? transpose(x, 0, 1) : x;
  };
  const Tensor a = operand(0, "transA");
  const Tensor product = matmul(a, operand(1, "transB"));
  const double alpha = context.real("alpha", 1);
  context.note("SparseToDenseMatMul is counted as if no element were 0");
  return context.out(alpha == 1 ? product : product * alpha);
}

OnnxOutcome emit_inverse(OnnxContext& context) {
  return context.out(unary(inverse_op, context.in(0)));
}

/// Distances of all pairs of rows: (n, k), (m, k) -> (n, m).
OnnxOutcome emit_pair_distances(OnnxContext& context) {
  const Tensor a = context.in(0), b = context.in(1);
  context.require(a.rank() == 2 && b.rank() == 2, "two matrices");
  const Tensor difference = unsqueeze(a, 1) - unsqueeze(b, 0);
  const Tensor squares = sum(difference * difference, {-1});
  const bool has_root = context.text("metric", "sqeuclidean") == "euclidean";
  return context.out(has_root ? unary(sqrt_op, squares) : squares);
}

/// The table comes first, unlike in Gather.
OnnxOutcome emit_torch_embedding(OnnxContext& context) {
  const Tensor table = context.in(0);
  return context.out(embedding(table, context.in(1)));
}

OnnxOutcome emit_expand_dims(OnnxContext& context) {
  const std::optional<std::int64_t> axis = context.integer(1);
  if (!axis) return OnnxOutcome::depends_on_data;
  const Tensor x = context.in(0);
  return context.out(unsqueeze(x, context.axis(*axis, x.rank() + 1)));
}

OnnxOutcome emit_unfold_tensor(OnnxContext& context) {
  const Tensor x = context.in(0);
  const WindowAttrs attrs{context.axis(context.integer("dim", -1), x.rank()),
                          context.integer("size", 1), context.integer("step", 1)};
  return context.out(clone(apply(sliding_window_op, attrs, x)));
}

/// Pairs of real numbers as complex ones: 4 products and 2 sums for each.
OnnxOutcome emit_complex_product(OnnxContext& context) {
  const Tensor a = context.in(0), b = context.in(1);
  context.require(a.rank() >= 1 && a.dim(-1) == 2 && b.rank() >= 1 && b.dim(-1) == 2,
                  "a last dimension of 2");
  const Tensor real = select(a, -1, 0) * select(b, -1, 0) - select(a, -1, 1) * select(b, -1, 1);
  const Tensor imaginary =
      select(a, -1, 0) * select(b, -1, 1) + select(a, -1, 1) * select(b, -1, 0);
  return context.out(stack({real, imaginary}, -1));
}

using enum Meaning;

constexpr NoEffect packed_no_effect[] = {
    {"mask_filter_value", "which number a mask adds"},
    {"input 4", "where the sequences begin"},
    {"input 5", "where the sequences begin"},
};

constexpr NoEffect packed_attention_no_effect[] = {
    {"input 3", "where each token belongs"},
    {"input 4", "where the sequences begin"},
};

constexpr NoEffect longformer_no_effect[] = {
    {"input 4", "of global tokens, with a note"},
    {"input 5", "of global tokens, with a note"},
    {"input 6", "of global tokens, with a note"},
};

constexpr NoEffect paged_no_effect[] = {
    {"kv_num_heads", "the caches say it"},
    {"is_causal=1", "the default"},
    {"kv_cache_layout", "the order of the caches' sizes"},
    {"input 1", "written into the cache, which is read"},
    {"input 2", "written into the cache, which is read"},
    {"input 5", "where the sequences begin"},
    {"input 6", "lengths of at most the table's blocks"},
    {"input 7", "which blocks belong to a sequence"},
    {"input 10", "where the new keys are written"},
};

constexpr NoEffect padding_no_effect[] = {
    {"input 1", "which tokens are padding"},
};

constexpr NoEffect bias_no_effect[] = {
    {"input 6", "where each token belongs"},
};

constexpr NoEffect microsoft_swiglu_no_effect[] = {
    {"activation_alpha", "constants of the activation"},
    {"activation_beta", "constants of the activation"},
    {"round_activation", "the precision on the way"},
};

constexpr NoEffect bias_dropout_no_effect[] = {
    {"seed", "which random numbers"},
    {"input 3", "inference drops nothing"},
};

constexpr NoEffect embedding_no_effect[] = {
    {"input 2", "rows that are left out cost the same"},
    {"input 3", "used by gradients alone"},
};

constexpr OnnxOperator transformer_rows[] = {
    {"BiasDropout",
     same_values,
     emit_bias_dropout,
     {.settings = {3, 4}, .no_effect = bias_dropout_no_effect}},
    {"BiasSplitGelu", same_values, emit_bias_split_gelu, {.weights = {1}}},
    {"CDist", same_values, emit_pair_distances},
    {"ComplexMul", same_values, emit_complex_product},
    {"ComplexMulConj", same_cost, emit_complex_product},
    {"ExpandDims", same_values, emit_expand_dims, {.settings = {1}}},
    {"GatedRMSNorm", same_values, emit_gated_rms_norm, {.weights = {1}}},
    {"GatedRelativePositionBias",
     same_values,
     emit_gated_relative_position_bias,
     {.weights = {1, 3, 4, 5}, .no_effect = bias_no_effect}},
    {"GroupNorm", same_values, emit_grouped_norm, {.weights = {1, 2}}},
    {"Inverse", same_values, emit_inverse},
    {"LongformerAttention",
     same_cost,
     emit_longformer_attention,
     {.weights = {1, 2, 4, 5}, .settings = {3, 6}, .no_effect = longformer_no_effect}},
    {"PackedAttention",
     same_cost,
     emit_packed_attention,
     {.weights = {1, 2}, .settings = {3, 4}, .no_effect = packed_attention_no_effect}},
    {"PackedMultiHeadAttention",
     same_cost,
     emit_packed_multi_head_attention,
     {.weights = {3}, .settings = {4, 5}, .no_effect = packed_no_effect}},
    {"PagedAttention",
     same_cost,
     emit_paged_attention,
     {.settings = {5, 6, 7, 10}, .no_effect = paged_no_effect}},
    {"RelativePositionBias",
     same_cost,
     emit_relative_position_bias,
     {.weights = {0}, .settings = {1, 2}, .no_effect = bias_no_effect}},
    {"RemovePadding",
     same_cost,
     emit_remove_padding,
     {.settings = {1}, .no_effect = padding_no_effect}},
    {"RestorePadding",
     same_cost,
     emit_restore_padding,
     {.settings = {1}, .no_effect = padding_no_effect}},
    {"SkipGroupNorm", same_values, emit_skip_group_norm, {.weights = {1, 2, 4}}},
    {"SparseToDenseMatMul", same_cost, emit_sparse_to_dense_matmul},
    {"SwiGLU", same_cost, emit_microsoft_swiglu, {.no_effect = microsoft_swiglu_no_effect}},
    {"TorchEmbedding",
     same_values,
     emit_torch_embedding,
     {.weights = {0}, .settings = {2, 3}, .no_effect = embedding_no_effect}},
    {"UnfoldTensor", same_values, emit_unfold_tensor},
};

}  // namespace

Tensor onnx_windowed_attention(OnnxContext& context, std::span<const Tensor> parts, Tensor mask) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const std::int64_t window = context.integer("window", 1);
  context.require(window >= 1, "a window of at least 1");
  context.note(std::string(context.node().op_type) + " is counted without global tokens");
  const OnnxAttention attention{.query = split_heads(context, parts[0], heads),
                                .key = split_heads(context, parts[1], heads),
                                .value = split_heads(context, parts[2], heads),
                                .mask = mask,
                                .left_window = window,
                                .right_window = window};
  return merge_heads(onnx_attention(context, attention, absent_input));
}

extern constinit const OnnxOperators onnx_transformer_operators = {"com.microsoft",
                                                                   transformer_rows};

}  // namespace zoometer
