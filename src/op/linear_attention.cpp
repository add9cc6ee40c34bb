#include "op/linear_attention.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"query", Role::data}, {"key", Role::data},   {"value", Role::data},
                              {"state", Role::data}, {"decay", Role::data}, {"beta", Role::data}};
constexpr std::string_view constraints[] = {
    "query, key and value of rank 3 with the same batch and steps",
    "heads of the query that the others' heads divide, and features that they divide",
    "key features as many as the query has",
    "a state (batch, shared heads, key features, value features)",
    "an update rule of linear, gated, delta or gated_delta"};

/// The features of one head.
struct Features {
  std::int64_t key = 0;
  std::int64_t value = 0;
};

bool is_delta(std::string_view rule) { return rule == "delta" || rule == "gated_delta"; }
bool is_gated(std::string_view rule) { return rule == "gated" || rule == "gated_delta"; }

void infer_linear_attention(Inference& in) {
  const auto& attrs = in.attrs<LinearAttentionAttrs>();
  const Shape& query = in.shape(0);
  const Shape& key = in.shape(1);
  const Shape& value = in.shape(2);
  in.require(query.rank() == 3 && key.rank() == 3 && value.rank() == 3, 1);
  for (const Shape* other : {&key, &value})
    in.require(other->dim(0) == query.dim(0) && other->dim(1) == query.dim(1), 1);
  in.require(attrs.heads >= 1 && attrs.shared_heads >= 1, 2);
  in.require(attrs.heads % attrs.shared_heads == 0 && query.dim(2) % attrs.heads == 0 &&
                 key.dim(2) % attrs.shared_heads == 0 && value.dim(2) % attrs.shared_heads == 0,
             2);
  const Features features{key.dim(2) / attrs.shared_heads, value.dim(2) / attrs.shared_heads};
  in.require(query.dim(2) / attrs.heads == features.key, 3);
  const Shape state{query.dim(0), attrs.shared_heads, features.key, features.value};
  if (in.has(3)) in.require(in.shape(3) == state, 4);
  const std::string_view rule = attrs.update_rule;
  in.require(rule == "linear" || is_gated(rule) || is_delta(rule), 5);
  in.output({query.dim(0), query.dim(1), checked_mul(attrs.heads, features.value)}, in.dtype(0));
  in.output(state, in.has(3) ? in.dtype(3) : in.dtype(0));
}

Cost cost_linear_attention(const NodeView& node) {
  const auto& attrs = node.attrs<LinearAttentionAttrs>();
  const std::int64_t steps = checked_mul(node.in(0).dim(0), node.in(0).dim(1));
  const Features features{node.in(1).dim(2) / attrs.shared_heads,
                          node.in(2).dim(2) / attrs.shared_heads};
  const std::int64_t per_head = product(steps, features.key, features.value);
  const std::int64_t updates = checked_mul(attrs.shared_heads, is_delta(attrs.update_rule) ? 2 : 1);
  Cost cost{checked_mul(per_head, checked_add(updates, attrs.heads)), node.out_numel()};
  if (is_gated(attrs.update_rule)) {
    const std::int64_t decays = node.has(4) ? node.in_numel(4) : 0;
    cost.other =
        checked_add(cost.other, checked_add(checked_mul(per_head, attrs.shared_heads), decays));
  }
  if (is_delta(attrs.update_rule))
    cost.other = checked_add(cost.other, checked_mul(2, node.in_numel(2)));
  return cost;
}

}  // namespace

constinit const OpDef linear_attention_op = {
    .name = "linear_attention",
    .summary = "Attention without a softmax: each step adds key x value to a state of each head, "
               "which the query multiplies. The second output is the state.",
    .formula = "2 x MACs + 1 per output element (scale); MACs = steps x key features x value "
               "features x (shared heads + heads), and shared heads once more for delta rules, "
               "which add 2 per value (difference, rate); gates: 1 per element of the state and "
               "step, and 1 exponential per decay",
    .kind = OpKind::attention,
    .inputs = inputs,
    .constraints = constraints,
    .attrs = AttrType::of<LinearAttentionAttrs>(),
    .backward = keeps(all_operands),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_linear_attention,
    .cost = cost_linear_attention};

namespace {

constexpr const OpDef* ops[] = {&linear_attention_op};

}  // namespace

extern constinit const OpGroup linear_attention_ops = {
    "linear attention", "Attention whose past is a state of fixed size.", ops};

Tensor linear_attention(const LinearAttentionInputs& operands, const LinearAttentionAttrs& attrs) {
  return apply(linear_attention_op, attrs, operands.query, operands.key, operands.value,
               operands.state, operands.decay, operands.beta);
}

}  // namespace zoometer
