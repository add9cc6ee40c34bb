// LSTM, GRU and RNN.
#include "import/onnx/ops.hpp"
#include "op/recurrent.hpp"

namespace zoometer {
namespace {

/// Inputs as the operator's definition has them: x, W, R, B, lengths, first states, peepholes.
template <std::size_t InputCount>
void emit_recurrent(OnnxContext& context, const OpDef& op, const RecurrentAttrs& attrs) {
  std::array<ValueId, InputCount> inputs{};
  const auto is_weight = [](std::size_t i) { return (i >= 1 && i <= 3) || i == 7; };
  for (std::size_t i = 0; i < InputCount; ++i) {
    const Tensor input = is_weight(i) ? context.optional_weight(i) : context.optional_in(i);
    inputs[i] = input.id;
  }
  context.require(context.has(0) && context.has(1) && context.has(2), "an input x and two weights");
  const Tensor first = context.append(op, attrs, std::span<const ValueId>(inputs), {});
  const std::size_t made = InputCount == 8 ? 3 : 2;
  for (std::size_t i = 0; i < std::min(made, context.output_count()); ++i) {
    context.out(i, sibling_output(first, i));
  }
  if (context.attribute("activations") != nullptr) {
    context.note("the activations of a recurrent layer are counted as its usual ones");
  }
}

RecurrentAttrs attrs_of(const OnnxContext& context) {
  return {context.integer("layout", 0) != 0, context.integer("linear_before_reset", 0) != 0};
}

void emit_rnn(OnnxContext& context) { emit_recurrent<6>(context, rnn_op, attrs_of(context)); }

void emit_gru(OnnxContext& context) { emit_recurrent<6>(context, gru_op, attrs_of(context)); }

void emit_lstm(OnnxContext& context) { emit_recurrent<8>(context, lstm_op, attrs_of(context)); }

constexpr OnnxOperator rows[] = {
    {"GRU", emit_gru},
    {"LSTM", emit_lstm},
    {"RNN", emit_rnn},
};

}  // namespace

extern constinit const OnnxOperators onnx_recurrent_operators = {"", rows};

}  // namespace zoometer
