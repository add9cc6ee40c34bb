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

std::vector<Tensor> onnx_projected(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor weight = context.in(1);
  context.require(weight.rank() == 2, "a weight of rank 2");
  const auto listed = context.integers("qkv_hidden_sizes");
  context.require(!listed || listed->size() == 3, "three sizes of query, key and value");
  const std::int64_t third = weight.dim(1) / 3;
  Tensor all = matmul(x, weight);
  if (context.has(2)) all = all + context.in(2);
  return listed ? split_features(context, all, {(*listed)[0], (*listed)[1], (*listed)[2]})
                : split_features(context, all, {third, third, third});
}

namespace {

/// The places of a cache that are in use: all where data decides it.
Tensor first_places(Tensor cache, std::optional<std::int64_t> used) {
  const std::int64_t all = cache.dim(2);
  if (used && *used >= all) return cache;
  const Tensor visible = slice(cache, 2, 0, std::clamp<std::int64_t>(used.value_or(all), 0, all));
  if (!used) visible.graph->mark_bounded(visible.id);
  return visible;
}

}  // namespace

OnnxCache grown_cache(Tensor past, Tensor now) {
  const Tensor all = past.dim(2) == 0 ? now : cat({past, now}, 2);
  return {all, all};
}

OnnxCache fixed_cache(Tensor past, Tensor now, std::optional<std::int64_t> total) {
  if (now.dim(2) > past.dim(2)) return grown_cache(past, now);  // it cannot be of fixed length
  const Tensor all = tensor_scatter(past, now, {past.graph, no_id}, 2);
  return {all, first_places(all, total)};
}

Tensor onnx_attention(OnnxContext& context, OnnxAttention attention, std::size_t scores) {
  const double scale = context.real("scale", 0);
  const double softcap = context.real("softcap", 0);
  const std::int64_t queries = attention.query.dim(2);
  const std::int64_t keys = attention.key.dim(2);
  // A mask that hides nothing is none.
  if (attention.left_window >= checked_add(attention.past, queries) - 1) attention.left_window = -1;
  if (queries == 1 && checked_add(attention.past, 1) >= keys) attention.is_causal = false;
  const bool has_window = attention.left_window >= 0 || attention.right_window >= 0;
  const bool is_plain =
      softcap == 0 && !has_window && (!attention.is_causal || attention.past == 0);
  const Tensor result =
      is_plain ? scaled_dot_product_attention(attention.query, attention.key, attention.value,
                                              attention.mask, {attention.is_causal, scale})
               : cached_attention(attention.query, attention.key, attention.value, attention.mask,
                                  {attention.is_causal, scale, attention.past,
                                   attention.left_window, attention.right_window, softcap});
  // The result has the query's length, however many keys are in use.
  Graph& graph = context.graph();
  if (!graph.value(attention.query.id).has(Value::bounded)) graph.mark_exact(result.id);
  if (!context.wants(scores)) return result;
  Shape shape = attention.query.shape();
  shape.set_dim(-1, keys);
  const OutputType type{shape, attention.query.dtype(),
                        graph.value(attention.key.id).has(Value::bounded)};
  graph.add_declared_outputs(graph.value(result.id).producer, {&type, 1});
  context.out(scores, sibling_output(result, 1));
  return result;
}

Tensor onnx_rotated(Tensor x, const OnnxRotary& rotary, std::int64_t rotated) {
  const RotaryAttrs attrs{rotary.is_interleaved};
  const auto rotate = [&](Tensor part) {
    return rotary_embedding(part, rotary.cosines, rotary.sines, rotary.positions, attrs);
  };
  if (rotated <= 0 || rotated >= x.dim(-1)) return rotate(x);
  const std::int64_t sizes[] = {rotated, x.dim(-1) - rotated};
  const Chunks parts = split(x, sizes, x.rank() - 1);
  return cat({rotate(parts[0]), parts[1]}, -1);
}

namespace {

Tensor none(OnnxContext& context) { return {&context.graph(), no_id}; }

/// How many places of a cache are in use after this step, if an input has the number of those
/// before; nothing where data decides it.
std::optional<std::int64_t> total_after(const OnnxContext& context, std::size_t past_length,
                                        Tensor now) {
  const std::optional<std::int64_t> length = context.integer(past_length);
  if (!length) return std::nullopt;
  return checked_add(*length, now.dim(2));
}

/// Keys or values of earlier steps, (batch, heads, length, features), before those of this one. In
/// a memory of fixed length where an input has the number of earlier ones.
OnnxCache after_past(OnnxContext& context, std::size_t past, Tensor now,
                     std::size_t past_length = absent_input) {
  if (!context.has(past)) return {now, now};
  context.require(context.rank(past) == 4, "earlier keys and values of rank 4");
  const Tensor earlier = context.in(past);
  if (past_length == absent_input || !context.has(past_length)) return grown_cache(earlier, now);
  return fixed_cache(earlier, now, total_after(context, past_length, now));
}

/// The keys that are visible and not of this step.
std::int64_t past_of(const OnnxCache& keys, Tensor now) {
  return std::max<std::int64_t>(0, keys.visible.dim(2) - now.dim(2));
}

/// How many keys a batch uses at most, which input 6 says; nothing where data decides it.
std::optional<std::int64_t> most_used(const OnnxContext& context) {
  const auto lengths = context.integers(6);
  if (!lengths || lengths->empty()) return std::nullopt;
  return *std::max_element(lengths->begin(), lengths->end());
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
  OnnxAttention attention{.query = operand(0, heads)};
  const Tensor key = operand(1, shared_heads);
  const Tensor value = operand(2, shared_heads);
  context.require(attention.query.rank() == 4 && key.rank() == 4 && value.rank() == 4,
                  "operands of rank 3 or 4");
  OnnxCache keys = after_past(context, 4, key);
  OnnxCache values = after_past(context, 5, value);
  attention.past = past_of(keys, key);
  if (context.has(6) &&
      !context.wants(3)) {  // keys that are in use, of a cache that another operator updates
    const std::optional<std::int64_t> used = most_used(context);
    keys.visible = first_places(key, used);
    values.visible = first_places(value, used);
    attention.past = std::max<std::int64_t>(0, keys.visible.dim(2) - attention.query.dim(2));
  }
  attention.key = keys.visible;
  attention.value = values.visible;
  attention.mask = context.optional_in(3);
  attention.is_causal = context.integer("is_causal", 0) != 0;
  attention.left_window = context.integer("left_window_size", -1);
  attention.right_window = context.integer("right_window_size", -1);
  const Tensor result = onnx_attention(context, attention, 3);
  context.out(0, has_heads ? result : merge_heads(result));
  context.out(1, keys.all);
  return context.out(2, values.all);
}

/// com.microsoft Attention and DecoderMaskedSelfAttention: one product makes query, key and value
/// of the input. Earlier keys and values are one tensor of rank 5, whose memory has a fixed length
/// where input 6 has the number of them.
OnnxOutcome emit_attention(OnnxContext& context) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const auto parts = onnx_projected(context);
  OnnxAttention attention{.query = split_heads(context, parts[0], heads)};
  const Tensor key = split_heads(context, parts[1], heads);
  const Tensor value = split_heads(context, parts[2], heads);
  OnnxCache keys{key, key};
  OnnxCache values{value, value};
  const bool is_fixed = context.has(4) && context.has(6);
  if (context.has(4)) {
    context.require(context.rank(4) == 5 && context.shape(4)[0] == 2,
                    "earlier keys and values of rank 5");
    const Tensor past = context.in(4);
    const std::optional<std::int64_t> total =
        is_fixed ? total_after(context, 6, key) : std::nullopt;
    const auto joined = [&](std::int64_t i, Tensor now) {
      const Tensor earlier = select(past, 0, i);
      return is_fixed ? fixed_cache(earlier, now, total) : grown_cache(earlier, now);
    };
    keys = joined(0, key);
    values = joined(1, value);
    if (is_fixed) context.out(1, past);  // the same memory
  }
  attention.key = keys.visible;
  attention.value = values.visible;
  attention.past = past_of(keys, key);
  attention.mask = context.has(5) ? context.in(5) : context.optional_in(3);
  attention.is_causal = context.integer("unidirectional", 0) != 0;
  context.out(0, merge_heads(onnx_attention(context, attention, absent_input)));
  if (context.wants(1) && !is_fixed) context.out(1, stack({keys.all, values.all}, 0));
  return OnnxOutcome::done;
}

/// A bias of the query, the key and the value, one after the other; `at` is where each begins.
Tensor with_bias(OnnxContext& context, Tensor x, std::size_t bias, std::int64_t at) {
  if (!context.has(bias)) return x;
  return x + slice(context.in(bias), 0, at, checked_add(at, x.dim(-1)));
}

/// Query, key and value of several forms, (batch, heads, length, features) each.
struct Operands {
  Tensor query, key, value;
};

/// One part of a tensor (batch, length, heads, parts, features).
Tensor packed_part(Tensor packed, std::int64_t i) { return transpose(select(packed, 3, i), 1, 2); }

/// After the projections, whose biases may be an input. Keys of rank 4 have their heads.
Operands operands_of_heads(OnnxContext& context, std::size_t bias) {
  const std::int64_t heads = context.integer("num_heads", 1);
  if (context.rank(0) == 5) {  // (batch, length, heads, 3, features)
    const Tensor packed = context.in(0);
    context.require(packed.dim(3) == 3, "query, key and value in dimension 3");
    return {packed_part(packed, 0), packed_part(packed, 1), packed_part(packed, 2)};
  }
  Tensor query = context.in(0);
  context.require(query.rank() == 3, "a query of rank 3 or 5");
  if (!context.has(1)) {  // query, key and value, one after the other
    if (context.has(bias)) query = query + context.in(bias);
    const std::int64_t third = query.dim(2) / 3;
    const auto parts = split_features(context, query, {third, third, third});
    return {split_heads(context, parts[0], heads), split_heads(context, parts[1], heads),
            split_heads(context, parts[2], heads)};
  }
  const std::int64_t width = query.dim(2);
  Operands operands{split_heads(context, with_bias(context, query, bias, 0), heads), {}, {}};
  if (context.rank(1) == 5) {  // (batch, length, heads, 2, features)
    const Tensor packed = context.in(1);
    context.require(packed.dim(3) == 2, "key and value in dimension 3");
    operands.key = packed_part(packed, 0);
    operands.value = packed_part(packed, 1);
  } else if (context.rank(1) == 4) {
    operands.key = context.in(1);
    operands.value = context.in(2);
  } else {
    const Tensor key = with_bias(context, context.in(1), bias, width);
    const Tensor value = with_bias(context, context.in(2), bias, checked_mul(2, width));
    operands.key = split_heads(context, key, heads);
    operands.value = split_heads(context, value, heads);
  }
  return operands;
}

/// The inputs of attention after the projections, by their place.
struct HeadInputs {
  std::size_t bias, padding_mask, attention_bias, past_key, past_value, past_length;
};

OnnxOutcome emit_heads(OnnxContext& context, const HeadInputs& inputs) {
  const Operands operands = operands_of_heads(context, inputs.bias);
  const OnnxCache keys = after_past(context, inputs.past_key, operands.key, inputs.past_length);
  const OnnxCache values =
      after_past(context, inputs.past_value, operands.value, inputs.past_length);
  OnnxAttention attention{operands.query, keys.visible, values.visible};
  attention.mask = context.has(inputs.attention_bias) ? context.in(inputs.attention_bias)
                                                      : context.optional_in(inputs.padding_mask);
  attention.past = past_of(keys, operands.key);
  attention.is_causal = context.integer("unidirectional", 0) != 0;
  context.out(0, merge_heads(onnx_attention(context, attention, 3)));
  context.out(1, keys.all);
  return context.out(2, values.all);
}

/// com.microsoft MultiHeadAttention.
OnnxOutcome emit_multi_head_attention(OnnxContext& context) {
  return emit_heads(context, {3, 4, 5, 6, 7, 8});
}

/// com.microsoft DecoderMaskedMultiHeadAttention: one step of a decoder.
OnnxOutcome emit_decoder_multi_head_attention(OnnxContext& context) {
  return emit_heads(context, {10, 3, 4, 5, 6, 7});
}

/// Keys and values of a grouped query after those of earlier steps, if an input has them. The
/// result is as long as the earlier memory or as `total`, whichever is longer.
OnnxCache grouped_cache(OnnxContext& context, std::size_t past, Tensor now,
                        std::optional<std::int64_t> total) {
  if (!context.has(past)) return {now, now};
  context.require(context.rank(past) == 4, "earlier keys and values of rank 4");
  const Tensor earlier = context.in(past);
  const std::int64_t places = earlier.dim(2);
  if (now.dim(2) <= places && (!total || *total <= places)) return fixed_cache(earlier, now, total);
  const std::int64_t after = total.value_or(checked_add(places, now.dim(2)));
  const std::int64_t before = std::clamp<std::int64_t>(after - now.dim(2), 0, places);
  return grown_cache(slice(earlier, 2, 0, before), now);
}

/// The query, key and value of a grouped query: three inputs, or all in the first one.
std::vector<Tensor> grouped_operands(OnnxContext& context, std::int64_t heads,
                                     std::int64_t shared_heads) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  context.require(heads >= 1 && shared_heads >= 1 && heads < most && shared_heads < most &&
                      context.rank(0) == 3,
                  "a query of rank 3 and heads");
  const Tensor query = context.in(0);
  if (context.has(1)) return {query, context.in(1), context.in(2)};
  const std::int64_t all = heads + 2 * shared_heads;
  context.require(query.dim(2) % all == 0, "features that the heads divide");
  const std::int64_t size = query.dim(2) / all;
  return split_features(context, query, {heads * size, shared_heads * size, shared_heads * size});
}

/// Leaves out the keys before the window of the first query.
void leave_out_unseen(OnnxAttention& attention) {
  if (attention.left_window < 0 || attention.past <= attention.left_window) return;
  const std::int64_t first = attention.past - attention.left_window;
  attention.key = slice(attention.key, 2, first, attention.key.dim(2));
  attention.value = slice(attention.value, 2, first, attention.value.dim(2));
  attention.past = attention.left_window;
}

/// The inputs of a grouped query, by their place.
struct GroupedInputs {
  std::size_t total, cosines, sines, bias;
};

/// Several heads share a key and a value, under a causal mask.
OnnxOutcome emit_grouped(OnnxContext& context, const GroupedInputs& inputs) {
  const std::int64_t heads = context.integer("num_heads", 1);
  const std::int64_t shared_heads = context.integer("kv_num_heads", heads);
  const std::vector<Tensor> parts = grouped_operands(context, heads, shared_heads);
  OnnxAttention attention{.query = split_heads(context, parts[0], heads)};
  Tensor key = split_heads(context, parts[1], shared_heads);
  const Tensor value = split_heads(context, parts[2], shared_heads);
  if (context.integer("do_rotary", 0) != 0) {
    const OnnxRotary rotary{context.in(inputs.cosines), context.in(inputs.sines), none(context),
                            context.integer("rotary_interleaved", 0) != 0};
    const std::int64_t rotated = checked_mul(2, rotary.cosines.dim(-1));
    attention.query = onnx_rotated(attention.query, rotary, rotated);
    key = onnx_rotated(key, rotary, rotated);
  }
  const std::optional<std::int64_t> total =
      context.has(inputs.total) ? context.integer(inputs.total) : std::nullopt;
  const OnnxCache keys = grouped_cache(context, 3, key, total);
  const OnnxCache values = grouped_cache(context, 4, value, total);
  if (context.has(3) && !total) {
    context.note(std::string(context.node().op_type)
                     .append(" whose total sequence length depends on data is counted over the "
                             "whole cache"));
  }
  attention.key = keys.visible;
  attention.value = values.visible;
  attention.past = past_of(keys, key);
  attention.is_causal = true;
  if (const std::int64_t window = context.integer("local_window_size", -1); window > 0)
    attention.left_window = window - 1;
  leave_out_unseen(attention);
  attention.mask = context.optional_in(inputs.bias);
  context.out(0, merge_heads(onnx_attention(context, attention, 3)));
  context.out(1, keys.all);
  return context.out(2, values.all);
}

/// com.microsoft GroupQueryAttention.
OnnxOutcome emit_group_query_attention(OnnxContext& context) {
  return emit_grouped(context, {6, 7, 8, 10});
}

/// com.microsoft SparseAttention, whose blocks data decides: at most all of them.
OnnxOutcome emit_sparse_attention(OnnxContext& context) {
  context.note("SparseAttention is counted as if no block of keys were left out");
  return emit_grouped(context, {7, 9, 10, absent_input});
}

/// x whose heads may be one after the other in the last dimension. The width of the tables says how
/// many features are rotated.
Tensor rotated_heads(OnnxContext& context, Tensor x, const OnnxRotary& rotary) {
  const std::int64_t heads = context.integer("num_heads", 0);
  const std::int64_t rotated = checked_mul(2, rotary.cosines.dim(-1));
  if (x.rank() != 3) return onnx_rotated(x, rotary, rotated);
  if (heads <= 0 || x.dim(2) % heads != 0 || rotated >= x.dim(2) / heads)
    return onnx_rotated(x, rotary, x.dim(2));
  const Tensor apart = reshape(x, {x.dim(0), x.dim(1), heads, x.dim(2) / heads});
  return reshape(onnx_rotated(apart, rotary, rotated), x.shape());
}

OnnxOutcome emit_rotary(OnnxContext& context, std::size_t cosines, std::size_t sines,
                        std::size_t positions) {
  const Tensor x = context.in(0);
  const OnnxRotary rotary{context.in(cosines), context.in(sines), context.optional_in(positions),
                          context.integer("interleaved", 0) != 0};
  return context.out(rotated_heads(context, x, rotary));
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
    {"input 6", "where the scores are an output, those of all keys are"},
    {"softmax_precision", "the precision on the way"},
    {"qk_matmul_output_mode", "of the scores as an output"},
};

constexpr NoEffect rotary_no_effect[] = {
    {"num_heads", "heads have a dimension of their own"},
    {"rotary_embedding_dim", "the width of the tables says it"},
    {"is_packed_batching", "how positions are counted"},
    {"scale=1", "the default"},
};

constexpr NoEffect sections_no_effect[] = {
    {"num_heads", "heads have a dimension of their own"},
    {"rotary_embedding_dim", "the width of the tables says it"},
    {"is_packed_batching", "how positions are counted"},
    {"mrope_layout", "which positions a feature takes"},
    {"mrope_section", "which positions a feature takes"},
    {"scale=1", "the default"},
};

constexpr NoEffect skip_norm_no_effect[] = {{"stash_type", "the precision of the statistics"}};

constexpr NoEffect old_attention_no_effect[] = {
    {"mask_filter_value", "which number a mask adds"},
    {"do_rotary=0", "the default"},
    {"rotary_embedding_dim=0", "the default"},
    {"past_present_share_buffer", "the length of the earlier keys says it"},
    {"input 9", "which rows of the cache belong to a beam"},
};

constexpr NoEffect decoder_no_effect[] = {
    {"mask_filter_value", "which number a mask adds"},
    {"do_rotary=0", "the default"},
    {"past_present_share_buffer", "the length of the earlier keys says it"},
    {"output_qk", "the outputs say it"},
    {"input 7", "how many beams there are"},
    {"input 8", "which rows of the cache belong to a beam"},
    {"input 9", "which rows of the cache belong to a beam"},
};

constexpr NoEffect grouped_no_effect[] = {
    {"smooth_softmax", "one more term in the sum of each row, which is not counted"},
    {"input 11", "one more term in the sum of each row, which is not counted"},
    {"qk_output", "which stage of the scores is an output"},
    {"rotary_embedding_dim", "the width of the tables says it"},
    {"rotary_interleaved", "used with do_rotary alone"},
    {"k_quant_type=NONE", "the default"},
    {"v_quant_type=NONE", "the default"},
    {"kv_cache_bit_width=0", "the default"},
    {"input 5", "lengths within the batch, at most that of the keys"},
    {"input 7", "read where do_rotary is set"},
    {"input 8", "read where do_rotary is set"},
    {"input 9", "which rows of the tables are taken"},
};

constexpr NoEffect sparse_no_effect[] = {
    {"sparse_block_size", "how large the blocks are"},
    {"rotary_interleaved", "used with do_rotary alone"},
    {"input 5", "which blocks of keys are seen"},
    {"input 6", "which blocks of keys are seen"},
    {"input 8", "lengths within the batch, at most that of the keys"},
    {"input 9", "read where do_rotary is set"},
    {"input 10", "read where do_rotary is set"},
};

constexpr NoEffect embed_no_effect[] = {
    {"mask_index_type", "how the mask is summed up"},
    {"input 7", "a mask, of which only its sums are written"},
};

constexpr NoEffect bias_softmax_no_effect[] = {
    {"is_inner_broadcast", "the shape of the bias says it"},
};

constexpr OnnxOperator attention_rows[] = {
    {"Attention",
     same_values,
     emit_standard_attention,
     {.settings = {3, 6}, .no_effect = attention_no_effect}},
    {"RotaryEmbedding",
     same_values,
     emit_standard_rotary,
     {.settings = {1, 2, 3}, .no_effect = rotary_no_effect}},
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
     {.weights = {1, 2}, .settings = {3, 6}, .no_effect = old_attention_no_effect}},
    {"BiasAdd", same_values, emit_bias_add, {.weights = {1}}},
    {"BiasGelu", same_values, emit_bias_gelu, {.weights = {1}}},
    {"BiasSoftmax", same_values, emit_bias_softmax, {.no_effect = bias_softmax_no_effect}},
    {"DecoderMaskedMultiHeadAttention",
     same_cost,
     emit_decoder_multi_head_attention,
     {.weights = {10}, .settings = {3, 7, 8, 9}, .no_effect = decoder_no_effect}},
    {"DecoderMaskedSelfAttention",
     same_cost,
     emit_attention,
     {.weights = {1, 2}, .settings = {3, 6, 7, 8}, .no_effect = decoder_no_effect}},
    {"EmbedLayerNormalization",
     same_cost,
     emit_embed_layer_norm,
     {.weights = {2, 3, 4, 5, 6}, .no_effect = embed_no_effect}},
    {"FastGelu", same_values, emit_fast_gelu, {.weights = {1}}},
    {"Gelu", same_values, emit_microsoft_gelu},
    {"GroupQueryAttention",
     same_cost,
     emit_group_query_attention,
     {.settings = {5, 6, 7, 8, 9}, .no_effect = grouped_no_effect}},
    {"LayerNormalization",
     same_values,
     emit_layer_norm,
     {.weights = {1, 2}, .no_effect = skip_norm_no_effect}},
    {"MRotaryEmbedding",
     same_cost,
     emit_microsoft_rotary,
     {.settings = {1, 2, 3}, .no_effect = sections_no_effect}},
    {"MultiHeadAttention",
     same_cost,
     emit_multi_head_attention,
     {.weights = {3}, .settings = {4, 8, 9}, .no_effect = old_attention_no_effect}},
    {"QuickGelu", same_values, emit_quick_gelu},
    {"RotaryEmbedding",
     same_values,
     emit_microsoft_rotary,
     {.settings = {1, 2, 3}, .no_effect = rotary_no_effect}},
    {"SimplifiedLayerNormalization",
     same_values,
     emit_simplified_norm,
     {.weights = {1, 2}, .no_effect = skip_norm_no_effect}},
    {"SkipLayerNormalization", same_values, emit_skip_layer_norm, {.weights = {2, 3, 4}}},
    {"SkipSimplifiedLayerNormalization",
     same_values,
     emit_skip_simplified_norm,
     {.weights = {2, 3}}},
    {"SparseAttention",
     same_cost,
     emit_sparse_attention,
     {.settings = {5, 6, 7, 8, 9, 10}, .no_effect = sparse_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_attention_operators = {"", attention_rows};
extern constinit const OnnxOperators onnx_microsoft_operators = {"com.microsoft",
                                                                 microsoft_attention_rows};

}  // namespace zoometer
