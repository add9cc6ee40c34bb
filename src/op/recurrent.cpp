#include "op/recurrent.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand cell_inputs[] = {
    {"x", Role::data},    {"input_weights", Role::weight}, {"recurrent_weights", Role::weight},
    {"bias", Role::bias}, {"lengths", Role::indices},      {"hidden", Role::data}};
constexpr Operand lstm_inputs[] = {
    {"x", Role::data},    {"input_weights", Role::weight}, {"recurrent_weights", Role::weight},
    {"bias", Role::bias}, {"lengths", Role::indices},      {"hidden", Role::data},
    {"cell", Role::data}, {"peepholes", Role::weight},     {"projection", Role::weight}};
constexpr std::string_view constraints[] = {
    "x of rank 3, and weights of rank 3 with as many directions, 1 or 2, in both",
    "recurrent weights with a row per gate and hidden unit, and a column per number of the state",
    "input weights with as many rows, and as many columns as x has features",
    "two biases per row of the weights and direction, or one, or one and a second for each "
    "candidate of a GRU",
    "one length per sequence of the batch",
    "first states of one number per direction, sequence and hidden unit or number of the state",
    "three peepholes per direction and hidden unit",
    "a projection with a row per number of the state and direction, and a column per hidden unit"};

/// The sizes that a recurrent layer is made of.
struct Sizes {
  std::int64_t length = 0, batch = 0, features = 0, directions = 0;
  std::int64_t hidden = 0;  ///< units
  std::int64_t state = 0;   ///< numbers that go to the next step: the units, or their projection
};

/// `projection` may be null.
Sizes sizes_of(const Shape& x, const Shape& recurrent_weights, const Shape* projection,
               const RecurrentAttrs& attrs) {
  const std::int64_t state = recurrent_weights.dim(2);
  return {x.dim(attrs.batch_first ? 1 : 0),
          x.dim(attrs.batch_first ? 0 : 1),
          x.dim(2),
          recurrent_weights.dim(0),
          projection == nullptr ? state : projection->dim(2),
          state};
}

template <std::int64_t Gates>
void infer_recurrent(Inference& in) {
  const auto& attrs = in.attrs<RecurrentAttrs>();
  const Shape& x = in.shape(0);
  const Shape& weights = in.shape(1);
  const Shape& recurrent = in.shape(2);
  in.require(x.rank() == 3 && weights.rank() == 3 && recurrent.rank() == 3 &&
                 weights.dim(0) == recurrent.dim(0) &&
                 (recurrent.dim(0) == 1 || recurrent.dim(0) == 2),
             1);
  const Shape* projection = in.has(8) ? &in.shape(8) : nullptr;
  in.require(projection == nullptr || projection->rank() == 3, 8);
  const Sizes sizes = sizes_of(x, recurrent, projection, attrs);
  const std::int64_t rows = recurrent.dim(1);
  in.require(rows == checked_mul(Gates, sizes.hidden), 2);
  in.require(weights.dim(1) == rows && weights.dim(2) == sizes.features, 3);
  in.require(!in.has(3) || in.shape(3) == Shape{sizes.directions, checked_mul(2, rows)} ||
                 in.shape(3) == Shape{sizes.directions, rows} ||
                 (Gates == 3 && in.shape(3) == Shape{sizes.directions, rows + sizes.hidden}),
             4);
  in.require(!in.has(4) || in.shape(4) == Shape{sizes.batch}, 5);
  const auto state_of = [&](std::int64_t numbers) {
    return attrs.batch_first ? Shape{sizes.batch, sizes.directions, numbers}
                             : Shape{sizes.directions, sizes.batch, numbers};
  };
  const Shape state = state_of(sizes.state);
  const Shape cell = state_of(sizes.hidden);
  in.require(!in.has(5) || in.shape(5) == state, 6);
  in.require(!in.has(6) || in.shape(6) == cell, 6);
  const Shape peepholes{sizes.directions, checked_mul(3, sizes.hidden)};
  in.require(!in.has(7) || in.shape(7) == peepholes, 7);
  in.require(projection == nullptr ||
                 *projection == Shape{sizes.directions, sizes.state, sizes.hidden},
             8);
  in.output(attrs.batch_first ? Shape{sizes.batch, sizes.length, sizes.directions, sizes.state}
                              : Shape{sizes.length, sizes.directions, sizes.batch, sizes.state},
            in.dtype(0));
  in.output(state, in.dtype(0));
  if constexpr (Gates == 4) in.output(cell, in.dtype(0));
}

/// MACs of both products of every step, and per hidden unit and step: the sum of both products and
/// one or both biases of each gate, and `Others` for what the gates do.
template <std::int64_t Gates, std::int64_t Others>
Cost cost_recurrent(const NodeView& node) {
  const Shape* projection = node.has(8) ? &node.in(8) : nullptr;
  const Sizes sizes = sizes_of(node.in(0), node.in(2), projection, node.attrs<RecurrentAttrs>());
  const std::int64_t steps = checked_mul(checked_mul(sizes.length, sizes.batch), sizes.directions);
  const std::int64_t units = checked_mul(steps, sizes.hidden);
  const std::int64_t products = checked_mul(Gates, checked_add(sizes.features, sizes.state));
  const std::int64_t projected = projection == nullptr ? 0 : sizes.state;
  const std::int64_t peepholes = node.has(7) ? 6 : 0;
  const std::int64_t gates = checked_mul(sizes.directions, sizes.hidden);
  const std::int64_t biases = node.has(3) && gates > 0 ? node.in_numel(3) / gates : 0;  // of a unit
  const std::int64_t sums = Gates + biases;
  return {checked_mul(units, checked_add(products, projected)),
          checked_mul(units, sums + Others + peepholes)};
}

/// The products with x have two factors, x and its weights. Those with the states always have two
/// gradients: of the recurrent weights, and of the states, which depend on weights.
std::int64_t backward_macs(const NodeView& node, std::int64_t forward, std::int64_t wanted) {
  const std::int64_t rows = checked_mul(node.in(1).dim(0), node.in(1).dim(1));
  const std::int64_t of_inputs = checked_mul(node.in_numel(0), rows);
  return checked_add(checked_mul(of_inputs, wanted), checked_mul(2, forward - of_inputs));
}

/// Numbers for each hidden unit and step, in the type of the result.
template <std::int64_t Numbers>
std::int64_t gate_bytes(const NodeView& node) {
  const Sizes sizes = sizes_of(node.in(0), node.in(2), node.has(8) ? &node.in(8) : nullptr,
                               node.attrs<RecurrentAttrs>());
  const std::int64_t steps = product(sizes.length, sizes.batch, sizes.directions);
  return bytes_of(product(Numbers, steps, sizes.hidden), node.graph().dtype(node.output()));
}

constexpr Extra lstm_gates{"four gates and the cell of each unit and step", gate_bytes<5>};
constexpr Extra gru_gates{"three gates and the hidden part of the candidate of each unit and step",
                          gate_bytes<4>};

constexpr Backward recurrent_backward{
    .keeps = first | result, .factors = first | second, .macs = backward_macs};

constexpr OpDef recurrent(std::string_view name, std::string_view summary, std::string_view formula,
                          OperandList inputs, const Backward& backward, void (*infer)(Inference&),
                          Cost (*cost)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::recurrent,
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<RecurrentAttrs>(),
          .backward = backward,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = real_arithmetic,
          .infer = infer,
          .cost = cost};
}

}  // namespace

constinit const OpDef rnn_op = recurrent(
    "rnn", "h = tanh(W x + R h + b) at every step of a sequence.",
    "2 x MACs + 1 per hidden unit, step and sequence for the sum of both products, 2 for the "
    "biases, 1 for tanh; MACs = hidden x (features + hidden) per step, sequence and direction",
    cell_inputs, recurrent_backward, infer_recurrent<1>, cost_recurrent<1, 1>);

constinit const OpDef gru_op = recurrent(
    "gru", "A gated recurrent unit at every step of a sequence.",
    "2 x MACs + 3 per hidden unit, step and sequence for the sums of the products, 6 for the "
    "biases, 14 for the gates (two sigmoids, one tanh, three products, a difference, a sum); "
    "MACs = 3 x hidden x (features + hidden) per step, sequence and direction",
    cell_inputs, recurrent_backward.with(gru_gates), infer_recurrent<3>, cost_recurrent<3, 14>);

constinit const OpDef lstm_op = recurrent(
    "lstm", "A long short-term memory cell at every step of a sequence.",
    "2 x MACs + 4 per hidden unit, step and sequence for the sums of the products, 8 for the "
    "biases, 18 for the gates (three sigmoids, two tanh, three products, one sum), 6 for "
    "peepholes; MACs = 4 x hidden x (features + hidden) per step, sequence and direction, or "
    "4 x hidden x (features + state) + hidden x state where the state is projected",
    lstm_inputs, recurrent_backward.with(lstm_gates), infer_recurrent<4>, cost_recurrent<4, 18>);

namespace {

constexpr const OpDef* ops[] = {&rnn_op, &gru_op, &lstm_op};

}  // namespace

extern constinit const OpGroup recurrent_ops = {
    "recurrent", "Layers that process a sequence step by step.", ops};

}  // namespace zoometer
