// LSTM, GRU and RNN: cells of one step, and sequences.
#include <vector>

#include "import/openvino/call.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// With a first axis for the only direction of a cell.
Tensor with_direction(Tensor x, bool is_cell) { return is_cell && x ? unsqueeze(x, 0) : x; }

bool emit_recurrent(OpenvinoCall& call) {
  const bool is_cell = call.type().ends_with("Cell");
  const bool is_lstm = call.row().op == &lstm_op;
  const std::size_t states = is_lstm ? 2 : 1;
  const std::size_t lengths = 1 + states;  // of sequences
  const std::size_t first = is_cell ? lengths : lengths + 1;
  call.option("hidden_size", 0);
  call.skip_defaults("activations", "sigmoid,tanh,tanh sigmoid,tanh tanh");
  call.skip_defaults("clip", "0");
  call.skip_defaults("input_forget", "false");
  RecurrentAttrs attrs;
  attrs.batch_first = true;
  attrs.resets_after_product = call.flag("linear_before_reset", false);

  Tensor x = call.in(0);
  if (is_cell) x = unsqueeze(x, 1);  // one step
  const auto state = [&](std::size_t index) {
    const Tensor given = call.in(index);
    return is_cell ? unsqueeze(given, 1).id : given.id;
  };
  const Tensor weights = with_direction(call.in(first, true), is_cell);
  const Tensor recurrent = with_direction(call.in(first + 1, true), is_cell);
  const Tensor bias = with_direction(call.optional_in(first + 2, true), is_cell);
  std::vector<ValueId> inputs = {x.id, weights.id, recurrent.id, bias.id};
  inputs.push_back(is_cell ? no_id : call.in(lengths).id);
  inputs.push_back(state(1));
  if (is_lstm) inputs.push_back(state(2));
  const NodeId node = call.graph().append(*call.row().op, attrs, inputs);
  const Tensor y{&call.graph(), call.graph().nodes()[node].first_output};
  if (is_cell) {
    for (std::size_t i = 0; i < states; ++i) call.out(squeeze(sibling_output(y, i + 1), 1), i);
    return true;
  }
  call.out(permute(y, {0, 2, 1, 3}));  // directions before steps
  for (std::size_t i = 0; i < states; ++i) call.out(sibling_output(y, i + 1), i + 1);
  return true;
}

constexpr std::string_view recurrent_no_effect =
    "direction activations_alpha activations_beta weights_format";

constexpr OpenvinoOperator recurrent_rows[] = {
    {"GRUCell", emit_recurrent, recurrent_no_effect, &gru_op},
    {"GRUSequence", emit_recurrent, recurrent_no_effect, &gru_op},
    {"LSTMCell", emit_recurrent, recurrent_no_effect, &lstm_op},
    {"LSTMSequence", emit_recurrent, recurrent_no_effect, &lstm_op},
    {"RNNCell", emit_recurrent, recurrent_no_effect, &rnn_op},
    {"RNNSequence", emit_recurrent, recurrent_no_effect, &rnn_op},
};

}  // namespace

extern constinit const OpenvinoOperators openvino_recurrent_operators = {recurrent_rows};

}  // namespace zoometer
