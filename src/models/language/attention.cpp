#include <algorithm>

#include "models/language/blocks.hpp"

namespace zoometer {
namespace {

/// A tensor of the files that no one reads.
struct StoredWeight : Module<StoredWeight> {
  static constexpr auto kind = "Stored";
  StoredWeight(const Slot& slot, const Shape& shape) : Module(slot) { buffer("weight", shape); }
};

/// (N, K, S, E) -> (N, heads, S, E): each key head for its group of query heads.
Tensor for_each_head(Tensor x, std::int64_t heads) {
  if (x.dim(1) == heads) return x;
  const Tensor groups =
      expand(unsqueeze(x, 2), {x.dim(0), x.dim(1), heads / x.dim(1), x.dim(2), x.dim(3)});
  return reshape(groups, {x.dim(0), heads, x.dim(2), x.dim(3)});
}

/// (N, H, L, E) -> (N, H, windows, window, E); the last window is filled up with zeros.
Tensor in_windows(Tensor x, std::int64_t window) {
  const std::int64_t windows = (x.dim(2) + window - 1) / window;
  const std::int64_t missing = checked_mul(windows, window) - x.dim(2);
  if (missing > 0) x = pad_last(x, {0, 0, 0, missing});
  return reshape(x, {x.dim(0), x.dim(1), windows, window, x.dim(3)});
}

[[noreturn]] void refuse_missing_keys(bool is_sliding) {
  throw Error(ErrorCode::malformed, "the key num_kv_shared_layers",
              {std::string("an earlier layer with its own keys and ") +
                   (is_sliding ? "a window" : "full attention"),
               "none"});
}

}  // namespace

void Attention::declare(const ModuleBase& owner, std::int64_t features) {
  require_heads(plan.heads, plan.key_value_heads);
  require_size("features of a head", plan.head);
  const std::int64_t queries = checked_mul(plan.heads, plan.head);
  const std::int64_t keys = checked_mul(plan.key_value_heads, plan.head);
  const std::int64_t values = checked_mul(plan.key_value_heads, value_head());
  const std::int64_t query_outputs = checked_mul(queries, plan.has_fused_gate ? 2 : 1);
  if (!plan.fused.empty()) {
    const std::int64_t all = checked_add(queries, checked_add(keys, values));
    fused = linear_layer(owner, plan.fused, features, all, plan.query_bias, plan.adapters,
                         plan.is_transposed);
  } else {
    query =
        linear_layer(owner, plan.query, features, query_outputs, plan.query_bias, plan.adapters);
    if (plan.uses_shared_keys) {
      declare_unused(owner, features, keys, values);
    } else {
      key = linear_layer(owner, plan.key, features, keys, plan.key_bias, plan.adapters);
      if (!plan.value_is_key)
        value = linear_layer(owner, plan.value, features, values, plan.value_bias, plan.adapters);
    }
  }
  const std::int64_t mixed = checked_mul(plan.heads, value_head());
  output = linear_layer(owner, plan.output, mixed, features, plan.output_bias, plan.adapters,
                        plan.is_transposed);
  if (!plan.gate.empty())
    gate = linear_layer(place(owner, plan.gate), features, plan.gate_features, false);
  if (plan.query_key_norm != QueryKeyNorm::none) {
    query_norm = head_norm(owner, plan.query_norm, plan.heads);
    if (!plan.uses_shared_keys) key_norm = head_norm(owner, plan.key_norm, plan.key_value_heads);
  }
  if (!plan.output_norm.empty())
    output_norm =
        any_module<RMSNorm>(place(owner, plan.output_norm), checked_mul(plan.heads, value_head()));
  if (!plan.sinks.empty()) sinks = owner.parameter(plan.sinks, {plan.heads});
  if (plan.distance_rows > 0)
    distances = Embedding(owner.at("relative_attention_bias"), plan.distance_rows, plan.heads);
  if (plan.index_heads == 0) return;
  const std::int64_t index = checked_mul(plan.index_heads, plan.index_head);
  index_query = linear_layer(owner.at("index_q_proj"), features, index, false);
  index_key = linear_layer(owner.at("index_k_proj"), features, plan.index_head, false);
  index_query_norm = any_module<RMSNorm>(owner.at("index_q_norm"), plan.index_head);
  index_key_norm = any_module<RMSNorm>(owner.at("index_k_norm"), plan.index_head);
}

/// What files store, and the layer does not read: its keys are those of an earlier layer.
void Attention::declare_unused(const ModuleBase& owner, std::int64_t features, std::int64_t keys,
                               std::int64_t values) const {
  StoredWeight(place(owner, plan.key), {keys, features});
  if (!plan.value_is_key) StoredWeight(place(owner, plan.value), {values, features});
  if (plan.query_key_norm == QueryKeyNorm::head)
    StoredWeight(place(owner, plan.key_norm), {plan.head});
}

AnyModule Attention::head_norm(const ModuleBase& owner, std::string_view name,
                               std::int64_t heads) const {
  const Slot slot = place(owner, name);
  switch (plan.query_key_norm) {
  case QueryKeyNorm::head: return any_module<RMSNorm>(slot, plan.head);
  case QueryKeyNorm::whole: return any_module<RMSNorm>(slot, checked_mul(heads, plan.head));
  case QueryKeyNorm::head_layer: return any_module<LayerNorm>(slot, plan.head);
  case QueryKeyNorm::each_head: return any_module<HeadNorm>(slot, heads, plan.head, false);
  case QueryKeyNorm::head_list: return any_module<HeadNorm>(slot, heads, plan.head, true);
  case QueryKeyNorm::none: break;
  }
  return {};
}

Tensor Attention::normed(const AnyModule& norm, Tensor x, std::int64_t heads) const {
  if (plan.query_key_norm == QueryKeyNorm::whole) return in_heads(norm(x), heads);
  return apply_if(norm, in_heads(x, heads));
}

Attention::Projected Attention::project(Tensor x) const {
  const std::int64_t queries = plan.heads * plan.head;
  const std::int64_t keys = plan.key_value_heads * plan.head;
  if (is_there(fused)) {
    const Tensor all = fused(x);
    return {slice(all, -1, 0, queries),
            {},
            slice(all, -1, queries, queries + keys),
            slice(all, -1, queries + keys, all.dim(-1))};
  }
  Projected projected{query(x), {}, {}, {}};
  if (plan.has_fused_gate) {
    const Chunks halves = chunk(projected.query, 2, -1);
    projected.query = halves[0];
    projected.gate = halves[1];
  }
  if (plan.uses_shared_keys) return projected;
  projected.key = key(x);
  projected.value = plan.value_is_key ? projected.key : value(x);
  return projected;
}

void Attention::run_index(Tensor x, const PassageContext& context) const {
  const Tensor q = transpose(index_query_norm(in_heads(index_query(x), plan.index_heads)), 1, 2);
  const Tensor k = transpose(index_key_norm(in_heads(index_key(x), 1)), 1, 2);
  const Tensor keys = after_past(k, "index", context.passage.past, context);
  index_scores(q, keys, {},
               {.past = context.passage.past, .counts_seen = context.passage.counts_seen});
}

/// Keys and values of the encoder's result; after the first pass they are held.
SharedKeys Attention::cross_keys(const PassageContext& context) const {
  const Passage& passage = context.passage;
  if (passage.past > 0) {
    const Shape keys = {passage.batch, plan.key_value_heads, context.encoder_tokens, plan.head};
    const Shape values = {passage.batch, plan.key_value_heads, context.encoder_tokens,
                          value_head()};
    return {context.past("cross_key", keys), context.past("cross_value", values)};
  }
  return {transpose(in_heads(key(context.memory), plan.key_value_heads), 1, 2),
          transpose(in_heads(value(context.memory), plan.key_value_heads), 1, 2)};
}

/// T5's learnt bias of each head and distance (1, heads, L, S), which later layers reuse.
Tensor Attention::distance_bias(Tensor query_states, Tensor key_states,
                                PassageContext& context) const {
  if (!plan.adds_distances) return {};
  if (distances.is_open()) {
    const auto past = static_cast<double>(context.passage.past);
    const Tensor rows =
        arange(*key_states.graph, past, past + static_cast<double>(query_states.dim(2)));
    const Tensor columns = arange(*key_states.graph, 0, static_cast<double>(key_states.dim(2)));
    const Tensor each = distances(unsqueeze(columns, 0) - unsqueeze(rows, 1));
    context.distances = unsqueeze(permute(each, {2, 0, 1}), 0);
  }
  return context.distances;
}

Tensor Attention::attended(Tensor q, const SharedKeys& keys, PassageContext& context) const {
  const Tensor bias = distance_bias(q, keys.key, context);
  if (plan.is_causal) {
    return decoder_attention(q, keys.key, keys.value, sinks,
                             {.past = context.passage.past,
                              .window = plan.window,
                              .chunk = plan.chunk,
                              .selected = plan.selected,
                              .counts_seen = context.passage.counts_seen},
                             bias);
  }
  const Tensor k = for_each_head(keys.key, plan.heads);
  const Tensor v = for_each_head(keys.value, plan.heads);
  if (plan.chunk == 0 || plan.chunk >= q.dim(2)) return scaled_dot_product_attention(q, k, v, bias);
  const auto seen = [&](Tensor x) {
    x = in_windows(x, plan.chunk);
    if (!plan.sees_last_chunk) return x;
    return cat({slice(pad_last(x, {0, 0, 0, 0, 1, 0}), 2, 0, x.dim(2)), x}, 3);
  };
  const Tensor y = scaled_dot_product_attention(in_windows(q, plan.chunk), seen(k), seen(v), {});
  const std::int64_t rows = y.dim(2) * y.dim(3);
  return slice(reshape(y, {y.dim(0), y.dim(1), rows, y.dim(4)}), 2, 0, q.dim(2));
}

Tensor Attention::forward(Tensor x, PassageContext& context) const {
  const Passage& passage = context.passage;
  if (plan.is_cross) {
    const Tensor q = transpose(in_heads(query(x), plan.heads), 1, 2);
    const Tensor y = attended(q, cross_keys(context), context);
    return output(reshape(transpose(y, 1, 2), {x.dim(0), x.dim(1), plan.heads * value_head()}));
  }
  const std::int64_t limit = plan.window > 0 ? plan.window : plan.chunk;
  Projected projected = project(x);
  const Tensor q =
      rotated(transpose(normed(query_norm, projected.query, plan.heads), 1, 2), rotary(), context);
  SharedKeys& shared = context.shared_keys(plan.window > 0);
  if (!plan.uses_shared_keys) {
    const std::int64_t rows = held_rows(passage.past, limit);
    Tensor k = rotated(transpose(normed(key_norm, projected.key, plan.key_value_heads), 1, 2),
                       rotary(), context);
    Tensor v = in_heads(projected.value, plan.key_value_heads);
    if (!plan.value_norm.empty()) v = rms_norm(v, {});
    v = transpose(v, 1, 2);
    shared = {after_past(k, "key", rows, context), after_past(v, "value", rows, context)};
  }
  if (shared.key.id == no_id) refuse_missing_keys(plan.window > 0);
  if (is_there(index_query)) run_index(x, context);
  Tensor y = attended(q, shared, context);
  y = reshape(transpose(y, 1, 2), {x.dim(0), x.dim(1), plan.heads * value_head()});
  if (projected.gate.id != no_id) y = y * unary(sigmoid_op, projected.gate);
  if (is_there(gate)) {
    const Tensor factor = unary(sigmoid_op, gate(x));
    y = plan.gate_features == y.dim(-1) ? y * factor
                                        : reshape(in_heads(y, plan.heads) * unsqueeze(factor, -1),
                                                  {x.dim(0), x.dim(1), plan.heads * value_head()});
  }
  return output(apply_if(output_norm, y));
}

LatentAttention::LatentAttention(const Slot& slot, const LatentPlan& made, std::int64_t features)
    : Module(slot),
      plan(made) {
  require_size("heads of an attention", plan.heads);
  require_size("features of a head", plan.plain);
  require_size("features of a value", plan.value);
  const std::int64_t head = checked_add(plan.plain, plan.rotary);
  const std::int64_t queries = checked_mul(plan.heads, head);
  const auto layer = [&](std::string_view name, std::int64_t in, std::int64_t out, bool bias) {
    return linear_layer(*this, name, in, out, bias, plan.adapters);
  };
  if (plan.query_rank > 0) {
    query_down = layer("q_a_proj", features, plan.query_rank, plan.bias);
    query_norm = any_module<RMSNorm>(at("q_a_layernorm"), plan.query_rank);
    query_up = layer("q_b_proj", plan.query_rank, queries, false);
  } else {
    query_up = layer("q_proj", features, queries, false);
  }
  key_value_down =
      layer("kv_a_proj_with_mqa", features, checked_add(plan.rank, plan.rotary), plan.bias);
  key_value_norm = any_module<RMSNorm>(at("kv_a_layernorm"), plan.rank);
  key_value_up = Linear(at("kv_b_proj"), plan.rank,
                        checked_mul(plan.heads, checked_add(plan.plain, plan.value)), false);
  output = layer(plan.output, checked_mul(plan.heads, plan.value), features, plan.bias);
  if (plan.gate_features > 0)
    gate = linear_layer(at("g_proj"), features, plan.gate_features, false);
  if (plan.index_heads == 0) return;
  const std::int64_t index = checked_mul(plan.index_heads, plan.index_head);
  index_query = linear_layer(at(std::string("indexer.wq_b")), plan.query_rank, index, false);
  index_key = linear_layer(at(std::string("indexer.wk")), features, plan.index_head, false);
  index_norm = any_module<LayerNorm>(at(std::string("indexer.k_norm")), plan.index_head);
  index_weights =
      linear_layer(at(std::string("indexer.weights_proj")), features, plan.index_heads, false);
}

void LatentAttention::run_index(Tensor x, Tensor query, const PassageContext& context) const {
  const Tensor q = transpose(in_heads(index_query(query), plan.index_heads), 1, 2);
  const Tensor k = transpose(in_heads(index_norm(index_key(x)), 1), 1, 2);
  const Tensor keys = after_past(k, "index", context.passage.past, context);
  index_scores(q, keys, index_weights(x),
               {.past = context.passage.past, .counts_seen = context.passage.counts_seen});
}

DecoderAttentionAttrs LatentAttention::attrs(const PassageContext& context) const {
  return {.past = context.passage.past,
          .selected = plan.selected,
          .counts_seen = context.passage.counts_seen};
}

/// The queries and the results pass the matrices of kv_b_proj instead of all keys and values.
Tensor LatentAttention::absorbed(Tensor query, Tensor latent, Tensor key,
                                 const PassageContext& context) const {
  const std::int64_t past = context.passage.past;
  const Tensor weight =
      reshape(key_value_up.weight, {plan.heads, plan.plain + plan.value, plan.rank});
  const Tensor to_key = slice(weight, 1, 0, plan.plain);
  const Tensor to_value = slice(weight, 1, plan.plain, plan.plain + plan.value);
  const Tensor q = cat({matmul(slice(query, -1, 0, plan.plain), to_key),
                        slice(query, -1, plan.plain, query.dim(-1))},
                       -1);
  const Tensor latents = after_past(unsqueeze(latent, 1), "latent", past, context);
  const Tensor keys = after_past(key, "rotary_key", past, context);
  const Tensor y = decoder_attention(q, cat({latents, keys}, -1), latents, {}, attrs(context));
  return matmul(y, transpose(to_value, 1, 2));
}

Tensor LatentAttention::expanded(Tensor query, Tensor latent, Tensor key,
                                 const PassageContext& context) const {
  const bool repeats = context.passage.latent == LatentForm::re_expanded;
  const std::int64_t past = context.passage.past;
  Tensor rows = unsqueeze(latent, 1);
  if (repeats) {
    rows = after_past(rows, "latent", past, context);
    key = after_past(key, "rotary_key", past, context);
  }
  const Tensor both = transpose(in_heads(key_value_up(squeeze(rows, 1)), plan.heads), 1, 2);
  const std::int64_t length = both.dim(2);
  Tensor keys = cat(
      {slice(both, -1, 0, plan.plain), expand(key, {key.dim(0), plan.heads, length, plan.rotary})},
      -1);
  Tensor values = slice(both, -1, plan.plain, both.dim(-1));
  if (!repeats) {
    keys = after_past(keys, "key", past, context);
    values = after_past(values, "value", past, context);
  }
  return decoder_attention(query, keys, values, {}, attrs(context));
}

Tensor LatentAttention::forward(Tensor x, PassageContext& context) const {
  const std::int64_t rotary = plan.is_rotated ? plan.rotary : 0;
  const Tensor query_latent = is_there(query_down) ? query_norm(query_down(x)) : x;
  Tensor q = transpose(in_heads(query_up(query_latent), plan.heads), 1, 2);
  const Tensor down = key_value_down(x);
  const Tensor latent = key_value_norm(slice(down, -1, 0, plan.rank));
  Tensor key = transpose(in_heads(slice(down, -1, plan.rank, down.dim(-1)), 1), 1, 2);
  if (rotary > 0) {
    q = cat({slice(q, -1, 0, plan.plain),
             rotated(slice(q, -1, plan.plain, q.dim(-1)), rotary, context)},
            -1);
    key = rotated(key, rotary, context);
  }
  if (is_there(index_query)) run_index(x, query_latent, context);
  Tensor y = context.passage.latent == LatentForm::absorbed ? absorbed(q, latent, key, context)
                                                            : expanded(q, latent, key, context);
  if (is_there(gate)) {  // (N, L, heads) or (N, L, heads x features), as (N, heads, L, 1 or more)
    y = y * transpose(in_heads(unary(sigmoid_op, gate(x)), plan.heads), 1, 2);
  }
  return output(reshape(transpose(y, 1, 2), {x.dim(0), x.dim(1), plan.heads * plan.value}));
}

}  // namespace zoometer
