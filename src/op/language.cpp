#include "op/language.hpp"

#include <vector>

namespace zoometer {
namespace {

using namespace declaring;

// -- experts ------------------------------------------------------------------------------------

constexpr Operand expert_inputs[] = {
    {"x", Role::data}, {"weights", Role::weight}, {"bias", Role::bias}, {"experts", Role::indices}};
constexpr std::string_view expert_constraints[] = {
    "x of rank 2 or 3 and weights of rank 3", "experts of rank 2 with a row for each of x",
    "as many features of x as the weights take", "of rank 3, a row of x for each expert",
    "a bias for each expert and output"};

std::int64_t outputs_of(const Shape& weights, const ExpertLinearAttrs& attrs) {
  return weights.dim(attrs.transposed ? 2 : 1);
}

void infer_expert_linear(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& weights = in.shape(1);
  const Shape& experts = in.shape(3);
  const auto& attrs = in.attrs<ExpertLinearAttrs>();
  in.require((x.rank() == 2 || x.rank() == 3) && weights.rank() == 3, 1);
  in.require(experts.rank() == 2 && experts.dim(0) == x.dim(0), 2);
  in.require(x.dim(-1) == weights.dim(attrs.transposed ? 1 : 2), 3);
  in.require(x.rank() == 2 || x.dim(1) == experts.dim(1), 4);
  const std::int64_t out = outputs_of(weights, attrs);
  if (in.has(2)) in.require(in.shape(2) == Shape{weights.dim(0), out}, 5);
  in.output({experts.dim(0), experts.dim(1), out}, in.dtype(0));
}

std::int64_t count_experts(const NodeView& node) { return node.in(1).dim(0); }

Cost cost_expert_linear(const NodeView& node) {
  return {checked_mul(node.out_numel(), node.in(0).dim(-1)), node.has(2) ? node.out_numel() : 0};
}

// -- states -------------------------------------------------------------------------------------

constexpr Operand scan_inputs[] = {{"x...", Role::data}};
constexpr std::string_view scan_constraints[] = {"x of rank 2 or more",
                                                 "1 to 2^40 elements of a state and features",
                                                 "a rule of mamba1, mamba2, delta, linear or rwkv"};

/// Operations on each element of the state for each token: Megatron-LM counts 7 for Mamba-2 and 8
/// for the gated delta rule; Mamba-1 has 9 (its decay is an exponential of each element),
/// linear attention 5 (a decay, the outer product, the query's product).
std::int64_t operations_of(std::string_view rule) {
  if (rule == "mamba1") return 9;
  if (rule == "mamba2") return 7;
  if (rule == "delta") return 8;
  if (rule == "linear") return 5;
  return rule == "rwkv" ? 4 : 0;
}

void infer_state_scan(Inference& in) {
  const auto& attrs = in.attrs<StateScanAttrs>();
  constexpr std::int64_t most = std::int64_t{1} << 40;
  in.require(in.shape(0).rank() >= 2, 1);
  in.require(attrs.state >= 1 && attrs.state <= most, 2);
  in.require(attrs.features >= 1 && attrs.features <= most, 2);
  in.require(operations_of(attrs.rule) > 0, 3);
  in.output({in.shape(0).dim(0), in.shape(0).dim(1), attrs.features}, in.dtype(0));
}

Cost cost_state_scan(const NodeView& node) {
  const auto& attrs = node.attrs<StateScanAttrs>();
  const std::int64_t tokens = checked_mul(node.in(0).dim(0), node.in(0).dim(1));
  return {0, product(tokens, attrs.state, operations_of(attrs.rule))};
}

}  // namespace

constinit const OpDef expert_linear_op = {
    .name = "expert_linear",
    .summary = "A linear layer for each expert; each token passes those that its router chose.",
    .formula = "2 x MACs + 1 per output element for the bias; "
               "MACs = output elements x input features",
    .kind = OpKind::product,
    .inputs = expert_inputs,
    .constraints = expert_constraints,
    .attrs = AttrType::of<ExpertLinearAttrs>(),
    .backward = keeps_factors(),
    .fusion = Fuse::leads,
    .memory = Memory{.by_expert = second | third, .experts = count_experts, .choice = fourth},
    .arithmetic = additions,
    .infer = infer_expert_linear,
    .cost = cost_expert_linear};

constinit const OpDef state_scan_op = {
    .name = "state_scan",
    .summary = "A recurrent state that every token updates and reads, as in Mamba.",
    .formula =
        "tokens x elements of a state x 9 (mamba1), 7 (mamba2), 8 (delta), 5 (linear), 4 (rwkv)",
    .kind = OpKind::recurrent,
    .inputs = scan_inputs,
    .constraints = scan_constraints,
    .attrs = AttrType::of<StateScanAttrs>(),
    .backward = keeps(all_operands),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_state_scan,
    .cost = cost_state_scan};

namespace {

constexpr const OpDef* ops[] = {&expert_linear_op, &state_scan_op};

}  // namespace

extern constinit const OpGroup language_ops = {
    "experts and states", "Mixtures of experts, and states instead of a cache.", ops};

Tensor expert_linear(Tensor x, Tensor weights, Tensor bias, Tensor experts,
                     const ExpertLinearAttrs& attrs) {
  return apply(expert_linear_op, attrs, x, weights, bias, experts);
}

Tensor state_scan(std::span<const Tensor> inputs, const StateScanAttrs& attrs) {
  std::vector<ValueId> ids;
  for (const Tensor& input : inputs) ids.push_back(input.id);
  Graph& graph = *inputs.front().graph;
  const NodeId node = graph.append(state_scan_op, attrs, ids);
  return {&graph, graph.nodes()[node].first_output};
}

}  // namespace zoometer
