// LSTM, GRU and RNN.
#include <algorithm>
#include <array>

#include "import/onnx/reader.hpp"
#include "op/recurrent.hpp"

namespace zoometer {
namespace {

/// Inputs as the operator's definition has them: x, W, R, B, lengths, first states, peepholes.
template <std::size_t InputCount>
OnnxOutcome emit_recurrent(OnnxContext& context, const OpDef& op, const RecurrentAttrs& attrs) {
  std::array<ValueId, InputCount> inputs{};
  const auto is_first_state = [](std::size_t i) { return i == 5 || (i == 6 && InputCount == 8); };
  for (std::size_t i = 0; i < InputCount; ++i) {
    inputs[i] =
        is_first_state(i) && context.has(i) && context.reader().is_filled(context.value(i), 0)
            ? context.in(i, OnnxRole::setting).id  // the same as none
            : context.optional_in(i).id;
  }
  context.require(context.has(0) && context.has(1) && context.has(2), "an input x and two weights");
  const Tensor first = context.append(op, attrs, std::span<const ValueId>(inputs), {});
  const std::size_t made = InputCount == 8 ? 3 : 2;
  for (std::size_t i = 0; i < std::min(made, context.output_count()); ++i) {
    context.out(i, sibling_output(first, i));
  }
  return OnnxOutcome::done;
}

RecurrentAttrs attrs_of(const OnnxContext& context) {
  return {context.integer("layout", 0) != 0, context.integer("linear_before_reset", 0) != 0};
}

OnnxOutcome emit_rnn(OnnxContext& context) {
  return emit_recurrent<6>(context, rnn_op, attrs_of(context));
}

OnnxOutcome emit_gru(OnnxContext& context) {
  return emit_recurrent<6>(context, gru_op, attrs_of(context));
}

OnnxOutcome emit_lstm(OnnxContext& context) {
  return emit_recurrent<8>(context, lstm_op, attrs_of(context));
}

using enum Meaning;

constexpr NoEffect rnn_no_effect[] = {
    {"direction", "the first size of the weights says how many directions there are"},
    {"hidden_size", "the sizes of the weights say it"},
    {"activation_alpha", "a constant of the formula"},
    {"activation_beta", "a constant of the formula"},
    {"output_sequence", "every step is computed in any case"},
    {"clip=0", "no clipping"},
    {"activations=[Tanh]", "the default"},
    {"activations=[Tanh,Tanh]", "the default"},
};

constexpr NoEffect gru_no_effect[] = {
    {"direction", "the first size of the weights says how many directions there are"},
    {"hidden_size", "the sizes of the weights say it"},
    {"activation_alpha", "a constant of the formula"},
    {"activation_beta", "a constant of the formula"},
    {"output_sequence", "every step is computed in any case"},
    {"clip=0", "no clipping"},
    {"activations=[Sigmoid,Tanh]", "the default"},
    {"activations=[Sigmoid,Tanh,Sigmoid,Tanh]", "the default"},
};

constexpr NoEffect lstm_no_effect[] = {
    {"direction", "the first size of the weights says how many directions there are"},
    {"hidden_size", "the sizes of the weights say it"},
    {"activation_alpha", "a constant of the formula"},
    {"activation_beta", "a constant of the formula"},
    {"output_sequence", "every step is computed in any case"},
    {"clip=0", "no clipping"},
    {"input_forget=0", "the default"},
    {"activations=[Sigmoid,Tanh,Tanh]", "the default"},
    {"activations=[Sigmoid,Tanh,Tanh,Sigmoid,Tanh,Tanh]", "the default"},
};

constexpr OnnxOperator recurrent_rows[] = {
    {"GRU", same_values, emit_gru, {.weights = {1, 2, 3}, .no_effect = gru_no_effect}},
    {"LSTM", same_values, emit_lstm, {.weights = {1, 2, 3, 7}, .no_effect = lstm_no_effect}},
    {"RNN", same_values, emit_rnn, {.weights = {1, 2, 3}, .no_effect = rnn_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_recurrent_operators = {"", recurrent_rows};

}  // namespace zoometer
