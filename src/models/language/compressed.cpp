#include <algorithm>

#include "models/language/blocks.hpp"

namespace zoometer {

Compressor::Compressor(const Slot& slot, const CompressedPlan& made, std::int64_t features,
                       std::int64_t head)
    : Module(slot),
      plan(made),
      width(checked_mul(made.overlaps ? 2 : 1, head)),
      wkv(at("wkv"), features, width, false),
      wgate(at("wgate"), features, width, false),
      ape(parameter("ape", {plan.ratio, width})),
      norm(at("norm"), head) {}

/// (N, rows x ratio, width) -> (N, rows, ratio, width).
Tensor Compressor::in_rows(Tensor x, std::int64_t rows) const {
  return reshape(slice(x, 1, 0, rows * plan.ratio), {x.dim(0), rows, plan.ratio, width});
}

Tensor Compressor::forward(Tensor x, std::string_view name, PassageContext& context) const {
  const std::int64_t past = context.passage.past;
  const std::int64_t waiting = past % plan.ratio;  // tokens of a key that is not complete
  const std::int64_t held = past / plan.ratio;
  const std::int64_t rows = checked_add(waiting, x.dim(1)) / plan.ratio;
  const std::string inner(name);
  Tensor values = wkv(x);
  Tensor gates = wgate(x);
  if (waiting > 0) {
    const Shape shape{x.dim(0), waiting, width};
    values = cat({context.past(inner + "_values", shape), values}, 1);
    gates = cat({context.past(inner + "_gates", shape), gates}, 1);
  }
  const std::int64_t head = norm.weight.dim(0);
  Tensor keys;
  if (rows > 0) {
    const Tensor weights = softmax(in_rows(gates, rows) + ape, 2);
    keys = sum(in_rows(values, rows) * weights, {2});
    if (plan.overlaps) keys = slice(keys, -1, 0, head) + slice(keys, -1, head, width);
    keys = unsqueeze(norm(keys), 1);
  }
  if (held == 0) return keys;
  const Tensor earlier = context.past(inner, {x.dim(0), 1, held, head});
  return keys.id == no_id ? earlier : cat({earlier, keys}, 2);
}

CompressedAttention::CompressedAttention(const Slot& slot, const CompressedPlan& made,
                                         std::int64_t features)
    : Module(slot),
      plan(made),
      wq_a(at("wq_a"), features, made.query_rank, false),
      q_norm(at("q_norm"), made.query_rank),
      wq_b(at("wq_b"), made.query_rank, checked_mul(made.heads, made.head), false),
      wkv(at("wkv"), features, made.head, false),
      kv_norm(at("kv_norm"), made.head),
      sinks(parameter("attn_sink", {made.heads})),
      wo_a(parameter("wo_a.weight", {checked_mul(made.groups, made.output_rank),
                                     checked_mul(made.heads, made.head) / made.groups})),
      wo_b(at("wo_b"), checked_mul(made.groups, made.output_rank), features, false) {
  if (plan.ratio == 0) return;
  Arena& arena = graph().arena();
  compressor = arena.make<Compressor>(at("compressor"), plan, features, plan.head);
  if (plan.index_heads == 0) return;
  index_query = linear_layer(at(std::string("indexer.wq_b")), plan.query_rank,
                             checked_mul(plan.index_heads, plan.index_head), false);
  index_weights =
      linear_layer(at(std::string("indexer.weights_proj")), features, plan.index_heads, false);
  index_compressor = arena.make<Compressor>(at(std::string("indexer.compressor")), plan, features,
                                            plan.index_head);
}

void CompressedAttention::run_index(Tensor x, Tensor latent, PassageContext& context) const {
  const Tensor keys = (*index_compressor)(x, "compressed_index", context);
  const Tensor q =
      in_heads(index_query(latent), plan.index_heads) * unsqueeze(index_weights(x), -1);
  if (keys.id == no_id) return;
  index_scores(transpose(q, 1, 2), keys, {},
               {.past = context.passage.past,
                .stride = plan.ratio,
                .counts_seen = context.passage.counts_seen});
}

/// The two attentions share one softmax; their products are those of both.
Tensor CompressedAttention::forward(Tensor x, PassageContext& context) const {
  const Passage& passage = context.passage;
  const Tensor latent = q_norm(wq_a(x));
  const Tensor q =
      rotated(transpose(in_heads(wq_b(latent), plan.heads), 1, 2), plan.rotary, context);
  const Tensor k = rotated(unsqueeze(kv_norm(wkv(x)), 1), plan.rotary, context);
  const Tensor keys = after_past(k, "key", held_rows(passage.past, plan.window), context);
  Tensor y = decoder_attention(
      q, keys, keys, sinks,
      {.past = passage.past, .window = plan.window, .counts_seen = passage.counts_seen});
  if (compressor != nullptr) {
    const Tensor rows = (*compressor)(x, "compressed", context);
    if (index_compressor != nullptr) run_index(x, latent, context);
    if (rows.id != no_id) {
      y = y + decoder_attention(q, rows, rows, {},
                                {.past = passage.past,
                                 .selected = plan.selected,
                                 .stride = plan.ratio,
                                 .counts_seen = passage.counts_seen});
    }
  }
  const std::int64_t wide = plan.heads * plan.head / plan.groups;
  y = reshape(transpose(y, 1, 2), {x.dim(0), x.dim(1), plan.groups, 1, wide});
  const Tensor weight = transpose(reshape(wo_a, {plan.groups, plan.output_rank, wide}), 1, 2);
  y = matmul(y, weight);
  return wo_b(reshape(y, {x.dim(0), x.dim(1), plan.groups * plan.output_rank}));
}

}  // namespace zoometer
