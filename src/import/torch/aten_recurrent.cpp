// Recurrent layers and cells. PyTorch's flat lists of weights are split into layers.
#include <vector>

#include "import/torch/aten_shared.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

/// The weights of all directions of one layer; missing ones are empty handles.
struct LayerWeights {
  Tensor input, recurrent, bias, projection;
};

/// First states; empty handles mean zeros.
struct States {
  Tensor hidden, cell;
};

/// PyTorch's list of weights: for each layer and direction two weights, two biases if the layer has
/// biases, and a projection if it has one.
class LayerList {
 public:
  explicit LayerList(AtenCall& call)
      : weights_(whole_list(call, "params")),
        layers_(call.integer("num_layers")),
        directions_(call.boolean("bidirectional", false) ? 2 : 1),
        has_biases_(call.boolean("has_biases", true)) {
    const auto count = static_cast<std::int64_t>(weights_.size());
    const bool is_sane = layers_ >= 1 && layers_ <= count / directions_;
    if (!is_sane || count % (layers_ * directions_) != 0) refuse(call);
    each_ = static_cast<std::size_t>(count / (layers_ * directions_));
    if (each_ != plain() && each_ != plain() + 1) refuse(call);
  }

  std::int64_t layers() const noexcept { return layers_; }
  std::int64_t directions() const noexcept { return directions_; }

  LayerWeights layer(std::int64_t index) const {
    const Tensor none{weights_[0].graph, no_id};
    LayerWeights weights{of_directions(index, 0), of_directions(index, 1), none, none};
    if (has_biases_) weights.bias = biases(index);
    if (each_ > plain()) weights.projection = of_directions(index, plain());
    return weights;
  }

 private:
  [[noreturn]] static void refuse(AtenCall& call) {
    call.refuse("a number of weights that does not fit the layers and directions");
  }

  std::size_t plain() const noexcept { return has_biases_ ? 4 : 2; }

  Tensor weight(std::int64_t layer, std::int64_t direction, std::size_t which) const {
    return weights_[static_cast<std::size_t>(layer * directions_ + direction) * each_ + which];
  }

  Tensor joined(Tensor first, Tensor second) const {
    return directions_ == 1 ? zoometer::unsqueeze(first, 0) : zoometer::stack({first, second}, 0);
  }

  Tensor of_directions(std::int64_t layer, std::size_t which) const {
    return joined(weight(layer, 0, which), weight(layer, directions_ - 1, which));
  }

  Tensor biases(std::int64_t layer) const {
    const auto both = [&](std::int64_t direction) {
      return zoometer::cat({weight(layer, direction, 2), weight(layer, direction, 3)}, 0);
    };
    const Tensor first = both(0);
    return joined(first, directions_ == 1 ? first : both(1));
  }

  std::vector<Tensor> weights_;
  std::int64_t layers_;
  std::int64_t directions_;
  bool has_biases_;
  std::size_t each_ = 0;
};

/// x (length, batch, features) through one layer -> y (length, directions, batch, state). Further
/// results of the node are the last states.
Tensor walk(const OpDef& op, Tensor x, const LayerWeights& weights, const States& first) {
  const Tensor none{x.graph, no_id};
  const RecurrentAttrs attrs;
  if (&op != &lstm_op) {
    return apply(op, attrs, x, weights.input, weights.recurrent, weights.bias, none, first.hidden);
  }
  return apply(op, attrs, x, weights.input, weights.recurrent, weights.bias, none, first.hidden,
               first.cell, none, weights.projection);
}

/// The directions of each step side by side: (length, batch, directions x state).
Tensor side_by_side(Tensor y) {
  if (y.dim(1) == 1) return zoometer::squeeze(y, 1);
  const Ints sizes{y.dim(0), y.dim(2), checked_mul(y.dim(1), y.dim(3))};
  return zoometer::reshape(zoometer::permute(y, {0, 2, 1, 3}), sizes);
}

/// The rows of all layers' states that belong to one layer.
Tensor states_of(Tensor all, const LayerList& list, std::int64_t layer) {
  if (!all || list.layers() == 1) return all;
  const std::int64_t first = layer * list.directions();
  return zoometer::slice(all, 0, first, first + list.directions());
}

/// Gives the last states of all layers as that result, if it is used. PyTorch 2.11 declares those
/// of an LSTM with an axis too many.
void output_states(AtenCall& call, const std::vector<Tensor>& states, std::size_t output) {
  if (!call.uses(output)) return call.output({&call.graph(), no_id});
  Tensor all = states.size() == 1 ? states[0] : zoometer::cat(states, 0);
  if (call.declared(output).shape.rank() == 4) all = zoometer::unsqueeze(all, 1);
  call.output(all);
}

void walk_layers(AtenCall& call, const OpDef& op, const States& first) {
  const bool batch_first = call.boolean("batch_first", false);
  Tensor x = call.tensor("input");
  if (x.rank() != 3) call.refuse("an input of a rank other than 3");
  const LayerList list(call);
  if (batch_first) x = zoometer::transpose(x, 0, 1);
  std::vector<Tensor> hidden, cells;
  for (std::int64_t i = 0; i < list.layers(); ++i) {
    const States states{states_of(first.hidden, list, i), states_of(first.cell, list, i)};
    const Tensor y = walk(op, x, list.layer(i), states);
    hidden.push_back(sibling_output(y, 1));
    if (&op == &lstm_op) cells.push_back(sibling_output(y, 2));
    x = side_by_side(y);
  }
  call.output(batch_first ? zoometer::transpose(x, 0, 1) : x);
  output_states(call, hidden, 1);
  if (&op == &lstm_op) output_states(call, cells, 2);
}

/// A packed batch: each row is one step of one sequence, so the batch costs as much as one sequence
/// of that many steps. Which rows contain the last states depends on data.
void walk_packed(AtenCall& call, const OpDef& op) {
  Tensor x = call.tensor("data");
  if (x.rank() != 2) call.refuse("packed rows of a rank other than 2");
  const LayerList list(call);
  const Tensor none{&call.graph(), no_id};
  x = zoometer::unsqueeze(x, 1);
  for (std::int64_t i = 0; i < list.layers(); ++i)
    x = side_by_side(walk(op, x, list.layer(i), {none, none}));
  call.output(zoometer::squeeze(x, 1));
}

/// The two states of an LSTM.
States both_states(AtenCall& call) {
  const std::vector<Tensor> states = call.tensors("hx");
  if (states.size() != 2 || !states[0] || !states[1]) call.refuse("other than two first states");
  return {states[0], states[1]};
}

void recurrent(AtenCall& call, const OpDef& op) {
  if (call.has("data")) return walk_packed(call, op);
  const Tensor none{&call.graph(), no_id};
  walk_layers(call, op, &op == &lstm_op ? both_states(call) : States{call.tensor("hx"), none});
}

/// One step of one layer.
void recurrent_cell(AtenCall& call, const OpDef& op, const States& first) {
  const Tensor none{&call.graph(), no_id};
  const auto with_axis = [&](Tensor x) { return x ? zoometer::unsqueeze(x, 0) : none; };
  LayerWeights weights{with_axis(call.tensor("w_ih")), with_axis(call.tensor("w_hh")), none, none};
  const Tensor input_bias = call.optional_tensor("b_ih");
  const Tensor hidden_bias = call.optional_tensor("b_hh");
  if (input_bias && hidden_bias)
    weights.bias = with_axis(zoometer::cat({input_bias, hidden_bias}, 0));
  const Tensor y = walk(op, with_axis(call.tensor("input")), weights,
                        {with_axis(first.hidden), with_axis(first.cell)});
  call.output(zoometer::squeeze(sibling_output(y, 1), 0));
  if (&op == &lstm_op) call.output(zoometer::squeeze(sibling_output(y, 2), 0));
}

void lstm(AtenCall& call) { recurrent(call, lstm_op); }

void gru(AtenCall& call) { recurrent(call, gru_op); }

// With relu instead of tanh a step costs the same.
void rnn(AtenCall& call) { recurrent(call, rnn_op); }

void lstm_cell(AtenCall& call) { recurrent_cell(call, lstm_op, both_states(call)); }

void gru_cell(AtenCall& call) {
  recurrent_cell(call, gru_op, {call.tensor("hx"), {&call.graph(), no_id}});
}

void rnn_cell(AtenCall& call) {
  recurrent_cell(call, rnn_op, {call.tensor("hx"), {&call.graph(), no_id}});
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect recurrent_no_effect[] = {
    {"dropout", "used by training alone"},
    {"train=False", "the default"},
    {"batch_sizes", "the rows of a packed batch say how many steps there are"},
    {"hx", "a packed batch is walked as one sequence, which starts from zeros"},
};

constexpr AtenOperator recurrent_rows[] = {
    {"lstm", lstm, same_values, recurrent_no_effect},
    {"gru", gru, same_values, recurrent_no_effect},
    {"rnn_relu", rnn, same_cost, recurrent_no_effect},
    {"rnn_tanh", rnn, same_values, recurrent_no_effect},
    {"lstm_cell", lstm_cell, same_values},
    {"gru_cell", gru_cell, same_values},
    {"rnn_relu_cell", rnn_cell, same_cost},
    {"rnn_tanh_cell", rnn_cell, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_recurrent_operators = {aten_names<aten::recurrent_rows>};

}  // namespace zoometer
