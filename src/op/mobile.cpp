#include "op/mobile.hpp"

#include <algorithm>
#include <vector>

#include "op/moving_op.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr std::int64_t most_size = std::int64_t{1} << 40;

constexpr Operand moved_inputs[] = {{"x", Role::data}, {"others...", Role::indices}};
constexpr Operand cells_inputs[] = {{"x", Role::data}, {"weights...", Role::weight}};
constexpr Operand svdf_inputs[] = {{"x", Role::data},
                                   {"feature_weights", Role::weight},
                                   {"time_weights", Role::weight},
                                   {"bias", Role::bias},
                                   {"state", Role::data}};
constexpr std::string_view axes_constraints[] = {"each axis of x once"};
constexpr std::string_view moved_constraints[] = {"sizes of at least 0"};
constexpr std::string_view cells_constraints[] = {
    "1 to 4 gates and 0 to 2^40 units, steps, sequences and features",
    "weights of as many elements as the products have"};
constexpr std::string_view svdf_constraints[] = {
    "x of rank 2", "feature weights of rank 2, with as many columns as x has",
    "time weights of rank 2, with a row for each filter", "a rank that divides the filters"};

void infer_rearranged(Inference& in) {
  const Ints& sizes = in.attrs<RearrangeAttrs>().sizes;
  in.require(std::ranges::all_of(sizes, [](std::int64_t size) { return size >= 0; }), 1);
  in.output(Shape(sizes), in.dtype(0));
}

void infer_cells(Inference& in) {
  const auto& attrs = in.attrs<CellsAttrs>();
  const auto fits = [](std::int64_t size) { return size >= 0 && size <= most_size; };
  in.require(attrs.gates >= 1 && attrs.gates <= 4, 1);
  in.require(fits(attrs.units) && fits(attrs.steps) && fits(attrs.batch) && fits(attrs.features) &&
                 fits(attrs.state) && fits(attrs.auxiliary),
             1);
  std::int64_t weights = 0;
  for (std::size_t i = 1; i < in.input_count(); ++i)
    if (in.has(i)) weights = checked_add(weights, in.numel(i));
  const std::int64_t numbers =
      checked_add(attrs.features, checked_add(attrs.state, attrs.auxiliary));
  in.require(weights >= product(attrs.gates, attrs.units, numbers), 2);
  in.output(Shape(attrs.sizes), in.dtype(0));
}

std::int64_t cell_macs(const CellsAttrs& attrs) {
  const std::int64_t numbers =
      checked_add(attrs.features, checked_add(attrs.state, attrs.auxiliary));
  const std::int64_t of_unit =
      checked_add(checked_mul(attrs.gates, numbers), attrs.projected ? attrs.state : 0);
  return checked_mul(checked_mul(attrs.steps, attrs.batch), checked_mul(attrs.units, of_unit));
}

/// As `lstm` and `rnn` count: the sum of both products and the biases of each gate, then what the
/// gates do; 2 for each peephole and 5 for each normalised gate.
Cost cost_cells(const NodeView& node) {
  const auto& attrs = node.attrs<CellsAttrs>();
  const bool is_lstm = attrs.gates > 1;
  std::int64_t per_unit = checked_mul(2, attrs.gates) + (is_lstm ? 18 : 1);
  if (attrs.peepholes) per_unit += 2 * (attrs.gates - 1);
  if (attrs.layer_norm) per_unit += 5 * attrs.gates;
  return {cell_macs(attrs), product(checked_mul(attrs.steps, attrs.batch), attrs.units, per_unit)};
}

void infer_svdf(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& features = in.shape(1);
  const Shape& times = in.shape(2);
  const std::int64_t rank = in.attrs<SvdfAttrs>().rank;
  in.require(x.rank() == 2, 1);
  in.require(features.rank() == 2 && features.dim(1) == x.dim(1), 2);
  in.require(times.rank() == 2 && times.dim(0) == features.dim(0), 3);
  in.require(rank >= 1 && features.dim(0) % rank == 0, 4);
  in.output({x.dim(0), features.dim(0) / rank}, in.dtype(0));
}

/// The products with the features and with the memory; filters of a unit are summed up.
Cost cost_svdf(const NodeView& node) {
  const std::int64_t batch = node.in(0).dim(0);
  const std::int64_t filters = node.in(1).dim(0);
  const std::int64_t macs =
      product(batch, filters, checked_add(node.in(1).dim(1), node.in(2).dim(1)));
  const std::int64_t sums = checked_mul(batch, filters) - node.out_numel();
  return {macs, checked_add(sums, node.has(3) ? node.out_numel() : 0)};
}

}  // namespace

constinit const OpDef name_axes_op = moving::move<DimsAttrs>(
    "name_axes", "The same tensor with its axes named in another order: channels that are last.",
    moving::infer_permute, axes_constraints, moving::aliases);

constinit const OpDef rearrange_op = moving::move<RearrangeAttrs>(
    "rearrange", "A movement that only a runtime defines, with the sizes of its result.",
    infer_rearranged, moved_constraints, moving::copies, moved_inputs);

constinit const OpDef cells_op = {
    .name = "cells",
    .summary = "A recurrent layer whose gates have weights of their own, as in TensorFlow Lite.",
    .formula = "2 x MACs + per unit, step and sequence 2 for each gate's sums and 18 for what four "
               "gates do (1 for one gate), 2 for each peephole, 5 for each normalised gate; MACs = "
               "gates x units x (features + state + auxiliary) + units x state if projected, per "
               "step and sequence",
    .kind = OpKind::recurrent,
    .inputs = cells_inputs,
    .constraints = cells_constraints,
    .attrs = AttrType::of<CellsAttrs>(),
    .backward = Backward{.keeps = all_operands | result, .factors = first | second},
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_cells,
    .cost = cost_cells};

constinit const OpDef svdf_op = {
    .name = "svdf",
    .summary = "A dense layer over time by filters of rank 1, with a memory of past steps.",
    .formula = "2 x MACs + filters - units per row for the sums over the rank + 1 per result for "
               "the bias; MACs = rows x filters x (features + memory)",
    .kind = OpKind::recurrent,
    .inputs = svdf_inputs,
    .constraints = svdf_constraints,
    .attrs = AttrType::of<SvdfAttrs>(),
    .backward = Backward{.keeps = all_operands | result, .factors = first | second},
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_svdf,
    .cost = cost_svdf};

namespace {

constexpr const OpDef* ops[] = {&name_axes_op, &rearrange_op, &cells_op, &svdf_op};

}  // namespace

extern constinit const OpGroup mobile_ops = {
    "small devices", "What runtimes for small devices have in forms of their own.", ops};

Tensor name_axes(Tensor x, const Ints& dims) { return apply(name_axes_op, DimsAttrs{dims}, x); }

Tensor rearrange(std::span<const Tensor> operands, const RearrangeAttrs& attrs) {
  std::vector<ValueId> ids;
  for (const Tensor& operand : operands) ids.push_back(operand.id);
  Graph& graph = *operands.front().graph;
  const NodeId node = graph.append(rearrange_op, attrs, ids);
  return {&graph, graph.nodes()[node].first_output};
}

}  // namespace zoometer
