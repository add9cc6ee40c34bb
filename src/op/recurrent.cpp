#include "op/recurrent.hpp"

namespace zoometer {
namespace {

constexpr std::string_view cell_inputs[] = {"x",    "input_weights", "recurrent_weights",
                                            "bias", "lengths",       "hidden"};
constexpr std::string_view lstm_inputs[] = {
    "x", "input_weights", "recurrent_weights", "bias", "lengths", "hidden", "cell", "peepholes"};
constexpr std::string_view constraints[] = {
    "x of rank 3, and weights of rank 3 with as many directions, 1 or 2, in both",
    "recurrent weights with as many rows as gates times their columns",
    "input weights with as many rows, and as many columns as x has features",
    "two biases per row of the weights and direction",
    "one length per sequence of the batch",
    "first states of one number per direction, sequence and hidden unit",
    "three peepholes per direction and hidden unit"};

/// The sizes that a recurrent layer is made of.
struct Sizes {
  std::int64_t length = 0, batch = 0, features = 0, directions = 0, hidden = 0;
};

Sizes sizes_of(const Shape& x, const Shape& recurrent_weights, const RecurrentAttrs& attrs) {
  return {x.dim(attrs.batch_first ? 1 : 0), x.dim(attrs.batch_first ? 0 : 1), x.dim(2),
          recurrent_weights.dim(0), recurrent_weights.dim(2)};
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
  const Sizes sizes = sizes_of(x, recurrent, attrs);
  const std::int64_t rows = recurrent.dim(1);
  in.require(rows == checked_mul(Gates, sizes.hidden), 2);
  in.require(weights.dim(1) == rows && weights.dim(2) == sizes.features, 3);
  in.require(!in.has(3) || in.shape(3) == Shape{sizes.directions, checked_mul(2, rows)}, 4);
  in.require(!in.has(4) || in.shape(4) == Shape{sizes.batch}, 5);
  const Shape state = attrs.batch_first ? Shape{sizes.batch, sizes.directions, sizes.hidden}
                                        : Shape{sizes.directions, sizes.batch, sizes.hidden};
  for (std::size_t i = 5; i <= 6; ++i) in.require(!in.has(i) || in.shape(i) == state, 6);
  const Shape peepholes{sizes.directions, checked_mul(3, sizes.hidden)};
  in.require(!in.has(7) || in.shape(7) == peepholes, 7);
  in.output(attrs.batch_first ? Shape{sizes.batch, sizes.length, sizes.directions, sizes.hidden}
                              : Shape{sizes.length, sizes.directions, sizes.batch, sizes.hidden},
            in.dtype(0));
  in.output(state, in.dtype(0));
  if constexpr (Gates == 4) in.output(state, in.dtype(0));
}

/// MACs of both products of every step, and per hidden unit and step: the sum of both products and
/// both biases of each gate, and `Others` for what the gates do.
template <std::int64_t Gates, std::int64_t Others>
Cost cost_recurrent(const NodeView& node) {
  const Sizes sizes = sizes_of(node.in(0), node.in(2), node.attrs<RecurrentAttrs>());
  const std::int64_t units = node.out_numel();  // of every step, sequence and direction
  const std::int64_t products = checked_add(sizes.features, sizes.hidden);
  const std::int64_t peepholes = node.has(7) ? 6 : 0;
  const std::int64_t sums = node.has(3) ? 3 * Gates : Gates;
  return {checked_mul(units, checked_mul(Gates, products)),
          checked_mul(units, sums + Others + peepholes)};
}

constexpr OpDef recurrent(std::string_view name, std::string_view summary, std::string_view formula,
                          std::span<const std::string_view> inputs, void (*infer)(Inference&),
                          Cost (*cost)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<RecurrentAttrs>(),
          .infer = infer,
          .cost = cost};
}

}  // namespace

constinit const OpDef rnn_op = recurrent(
    "rnn", "h = tanh(W x + R h + b) at every step of a sequence.",
    "2 x MACs + 1 per hidden unit, step and sequence for the sum of both products, 2 for the "
    "biases, 1 for tanh; MACs = hidden x (features + hidden) per step, sequence and direction",
    cell_inputs, infer_recurrent<1>, cost_recurrent<1, 1>);

constinit const OpDef gru_op = recurrent(
    "gru", "A gated recurrent unit at every step of a sequence.",
    "2 x MACs + 3 per hidden unit, step and sequence for the sums of the products, 6 for the "
    "biases, 14 for the gates (two sigmoids, one tanh, three products, a difference, a sum); "
    "MACs = 3 x hidden x (features + hidden) per step, sequence and direction",
    cell_inputs, infer_recurrent<3>, cost_recurrent<3, 14>);

constinit const OpDef lstm_op = recurrent(
    "lstm", "A long short-term memory cell at every step of a sequence.",
    "2 x MACs + 4 per hidden unit, step and sequence for the sums of the products, 8 for the "
    "biases, 18 for the gates (three sigmoids, two tanh, three products, one sum), 6 for "
    "peepholes; MACs = 4 x hidden x (features + hidden) per step, sequence and direction",
    lstm_inputs, infer_recurrent<4>, cost_recurrent<4, 18>);

namespace {

constexpr const OpDef* ops[] = {&rnn_op, &gru_op, &lstm_op};

}  // namespace

extern constinit const OpGroup recurrent_ops = {"recurrent", "Layers that walk along a sequence.",
                                                ops};

}  // namespace zoometer
