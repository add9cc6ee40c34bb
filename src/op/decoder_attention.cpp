#include "op/decoder_attention.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"query", Role::data},
                              {"key", Role::data},
                              {"value", Role::data},
                              {"sinks", Role::weight},
                              {"bias", Role::data}};
constexpr std::string_view constraints[] = {
    "query, key and value of rank 4 with the same batch",
    "a query and a key with last dimensions of equal length",
    "as many keys as values, in as many heads, which divide those of the query",
    "0 to 2^40 tokens before the first query",
    "a window, chunk and selection of 0 to 2^40",
    "keys that stand for 1 to 2^40 tokens",
    "a sink for each head of the query",
    "a bias of each head, query and key"};
constexpr std::int64_t longest = std::int64_t{1} << 40;

void infer_decoder_attention(Inference& in) {
  const Shape& query = in.shape(0);
  const Shape& key = in.shape(1);
  const Shape& value = in.shape(2);
  const auto& attrs = in.attrs<DecoderAttentionAttrs>();
  in.require(query.rank() == 4 && key.rank() == 4 && value.rank() == 4, 1);
  in.require(key.dim(0) == query.dim(0) && value.dim(0) == query.dim(0), 1);
  in.require(query.dim(3) == key.dim(3), 2);
  in.require(key.dim(2) == value.dim(2) && key.dim(1) == value.dim(1), 3);
  in.require(key.dim(1) > 0 && query.dim(1) % key.dim(1) == 0, 3);
  in.require(attrs.past >= 0 && attrs.past < longest, 4);
  for (const std::int64_t limit : {attrs.window, attrs.chunk, attrs.selected})
    in.require(limit >= 0 && limit < longest, 5);
  in.require(attrs.stride >= 1 && attrs.stride < longest, 6);
  if (in.has(3)) in.require(in.shape(3) == Shape{query.dim(1)}, 7);
  if (in.has(4)) {
    const Shape& bias = in.shape(4);
    in.require(bias.rank() == 4 && (bias.dim(0) == 1 || bias.dim(0) == query.dim(0)), 8);
    in.require(bias.dim(1) == query.dim(1) && bias.dim(2) == query.dim(2), 8);
    in.require(bias.dim(3) == key.dim(2), 8);
  }
  in.output({query.dim(0), query.dim(1), query.dim(2), value.dim(3)}, in.dtype(0));
}

/// The sum of (first + i) over `count` numbers.
std::int64_t sum_from(std::int64_t first, std::int64_t count) {
  return checked_add(checked_mul(first, count), checked_mul(count, count - 1) / 2);
}

/// The sum of min(first + i, most) over `count` numbers.
std::int64_t clamped_sum(std::int64_t first, std::int64_t count, std::int64_t most) {
  const std::int64_t growing = std::clamp<std::int64_t>(most - first, 0, count);
  return checked_add(sum_from(first, growing), checked_mul(count - growing, most));
}

/// The sum of min(floor((first + i) / stride), most) over `count` numbers.
std::int64_t strided_sum(std::int64_t first, std::int64_t count, std::int64_t stride,
                         std::int64_t most) {
  const auto up_to = [&](std::int64_t end) {  // over 0 to end - 1
    const std::int64_t full = end / stride;
    const std::int64_t whole = checked_mul(clamped_sum(0, full, most), stride);
    return checked_add(whole, checked_mul(end % stride, std::min(full, most)));
  };
  return up_to(checked_add(first, count)) - up_to(first);
}

/// The sum of place % chunk + 1 over places first to first + count - 1.
std::int64_t chunked_sum(std::int64_t first, std::int64_t count, std::int64_t chunk) {
  const auto up_to = [&](std::int64_t end) {
    return checked_add(checked_mul(end / chunk, sum_from(1, chunk)), sum_from(1, end % chunk));
  };
  return up_to(checked_add(first, count)) - up_to(first);
}

/// Pairs of a query and a key, of all heads.
struct Pairs {
  std::int64_t counted;  ///< as the attributes ask: all, or those that are seen
  std::int64_t hidden;   ///< of these, those that masks and windows hide
};

Pairs pairs_of(const NodeView& node) {
  const auto& attrs = node.attrs<DecoderAttentionAttrs>();
  const Shape& query = node.in(0);
  const std::int64_t heads = checked_mul(query.dim(0), query.dim(1));
  const std::int64_t all = product(heads, query.dim(2), node.in(1).dim(2));
  const std::int64_t seen = std::min(all, checked_mul(heads, seen_pairs(attrs, query.dim(2))));
  const std::int64_t counted = attrs.counts_seen ? seen : all;
  return {counted, counted - seen};
}

Cost cost_decoder_attention(const NodeView& node) {
  const Pairs pairs = pairs_of(node);
  const std::int64_t features = checked_add(node.in(0).dim(3), node.in(2).dim(3));
  return {checked_mul(pairs.counted, features), checked_mul(pairs.counted, 6),
          checked_mul(pairs.hidden, features)};
}

constexpr Operand index_inputs[] = {
    {"query", Role::data}, {"key", Role::data}, {"weights", Role::data}};
constexpr std::string_view index_constraints[] = {
    "query and key of rank 4 with the same batch and features", "one head of keys",
    "a weight for each head of each query", "0 to 2^40 tokens before the first query"};

void infer_index_scores(Inference& in) {
  const Shape& query = in.shape(0);
  const Shape& key = in.shape(1);
  in.require(query.rank() == 4 && key.rank() == 4, 1);
  in.require(key.dim(0) == query.dim(0) && key.dim(3) == query.dim(3), 1);
  in.require(key.dim(1) == 1, 2);
  if (in.has(2)) in.require(in.shape(2) == Shape{query.dim(0), query.dim(2), query.dim(1)}, 3);
  const auto& attrs = in.attrs<DecoderAttentionAttrs>();
  in.require(attrs.past >= 0 && attrs.past < longest, 4);
  in.output({query.dim(0), query.dim(2), key.dim(2)}, in.dtype(0));
}

Cost cost_index_scores(const NodeView& node) {
  const Pairs pairs = pairs_of(node);
  const std::int64_t macs = node.in(0).dim(3) + (node.has(2) ? 1 : 0);
  return {checked_mul(pairs.counted, macs), pairs.counted, checked_mul(pairs.hidden, macs)};
}

/// Query rows x keys; a fused kernel needs none.
std::int64_t scores(const NodeView& node) {
  const Shape& query = node.in(0);
  return checked_mul(product(query.dim(0), query.dim(1), query.dim(2)), node.in(1).dim(2));
}

std::int64_t backward_macs(const NodeView&, std::int64_t forward, std::int64_t) {
  return checked_mul(2, forward);
}

}  // namespace

std::int64_t seen_pairs(const DecoderAttentionAttrs& attrs, std::int64_t queries) {
  const std::int64_t most = attrs.selected > 0 ? attrs.selected : longest;
  if (attrs.stride > 1) return strided_sum(attrs.past + 1, queries, attrs.stride, most);
  if (attrs.chunk > 0) return chunked_sum(attrs.past, queries, attrs.chunk);
  return clamped_sum(attrs.past + 1, queries, attrs.window > 0 ? attrs.window : most);
}

constinit const OpDef decoder_attention_op = {
    .name = "decoder_attention",
    .summary = "Causal attention over the keys that a language model holds: groups of query heads "
               "share a key, and windows, chunks or an index limit the keys that a query sees.",
    .formula =
        "2 x MACs + 6 per score (scale and softmax); MACs = scores x (query features + value "
        "features); scores: of all keys, or of those that queries see",
    .kind = OpKind::attention,
    .inputs = inputs,
    .constraints = constraints,
    .attrs = AttrType::of<DecoderAttentionAttrs>(),
    .backward = Backward{.keeps = first | second | third | result,
                         .factors = first | second | third,
                         .macs = backward_macs},
    .fusion = Fuse::leads,
    .memory = Memory{.workspace = scores},
    .arithmetic = real_arithmetic,
    .infer = infer_decoder_attention,
    .cost = cost_decoder_attention};

constinit const OpDef index_scores_op = {
    .name = "index_scores",
    .summary =
        "Scores of keys in a few small heads, by which the keys of an attention are selected.",
    .formula = "2 x MACs + 1 per score (activation); MACs = scores x features, and scores for the "
               "weighted sum over heads",
    .kind = OpKind::product,
    .inputs = index_inputs,
    .constraints = index_constraints,
    .attrs = AttrType::of<DecoderAttentionAttrs>(),
    .backward = keeps_factors(),
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_index_scores,
    .cost = cost_index_scores};

namespace {

constexpr const OpDef* ops[] = {&decoder_attention_op, &index_scores_op};

}  // namespace

extern constinit const OpGroup decoder_attention_ops = {"decoder attention",
                                                        "The attention of language models.", ops};

Tensor decoder_attention(Tensor query, Tensor key, Tensor value, Tensor sinks,
                         const DecoderAttentionAttrs& attrs, Tensor bias) {
  return apply(decoder_attention_op, attrs, query, key, value, sinks, bias);
}

Tensor index_scores(Tensor query, Tensor key, Tensor weights, const DecoderAttentionAttrs& attrs) {
  return apply(index_scores_op, attrs, query, key, weights);
}

}  // namespace zoometer
