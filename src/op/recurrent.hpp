#pragma once

#include "zoometer/op/op.hpp"

// Layers that process a sequence step by step. Their inputs and outputs are laid out as in ONNX: x
// is (length, batch, features), weights have a first dimension of one entry per direction and a
// second of `gates` times the hidden size, and y is (length, directions, batch, hidden).

namespace zoometer {

struct RecurrentAttrs {
  bool batch_first = false;          ///< x is (batch, length, features), y (batch, length, ...)
  bool resets_after_product = true;  ///< GRU: the reset gate multiplies the product, not its input
  static constexpr std::tuple fields{
      field("batch_first", &RecurrentAttrs::batch_first),
      field("resets_after_product", &RecurrentAttrs::resets_after_product)};
};

/// @{
/// Inputs: x, input weights (directions, gates x hidden, features), recurrent weights (directions,
/// gates x hidden, hidden), and, each possibly absent: biases (directions, 2 x gates x hidden),
/// lengths (batch,), first hidden states (directions, batch, hidden); of the LSTM also first cell
/// states, peepholes (directions, 3 x hidden), and PyTorch's projection (directions, state, hidden)
/// of the hidden units to the numbers that y and the next step take; recurrent weights then have
/// `state` columns. Outputs: y, the last hidden states, and the last cell states of the LSTM.
extern const OpDef rnn_op, gru_op, lstm_op;
/// @}

}  // namespace zoometer
