// LSTM, GRU and RNN. Their layout is ONNX's; the gates of PyTorch's weights are in another order.
#include "op/recurrent.hpp"

#include <algorithm>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

/// The gates of a tensor of weights or biases in another order. They are its axis 1, `parts` times.
std::string reorder_gates(OnnxStep& step, std::size_t input, std::int64_t parts,
                          std::span<const std::int64_t> order) {
  if (!step.has(input)) return {};
  const auto gates = static_cast<std::int64_t>(order.size());
  const std::int64_t rows = step.shape(input).dim(1) / (gates * parts);
  if (std::ranges::is_sorted(order)) return step.in(input);
  std::vector<std::string> pieces;
  for (std::int64_t part = 0; part < parts; ++part) {
    for (const std::int64_t gate : order) {
      const std::int64_t start = (part * gates + gate) * rows;
      pieces.push_back(step.slice(step.in(input), 1, start, start + rows));
    }
  }
  return step.add("Concat", pieces, {{"axis", std::int64_t{1}}});
}

/// `order` has, for each of ONNX's gates, its place in PyTorch's weights.
void write_layer(OnnxStep& step, std::string_view op_type, std::span<const std::int64_t> order) {
  const auto& attrs = step.attrs<RecurrentAttrs>();
  if (attrs.batch_first) step.fail("with the batch first does not run in ONNX Runtime");
  if (step.has(8)) step.fail("with a projection has no ONNX equivalent");
  if (step.has(7)) step.fail("with peepholes is not PyTorch's");
  std::vector<std::string> inputs{step.in(0), reorder_gates(step, 1, 1, order),
                                  reorder_gates(step, 2, 1, order),
                                  reorder_gates(step, 3, 2, order)};
  inputs.push_back(step.has(4) ? step.cast(step.in(4), step.dtype(4), DType::int32) : "");
  for (std::size_t state = 5; state < std::min<std::size_t>(7, step.node().input_count()); ++state)
    inputs.push_back(step.has(state) ? step.in(state) : "");
  while (inputs.back().empty()) inputs.pop_back();

  const std::string_view direction = step.shape(2).dim(0) == 2 ? "bidirectional" : "forward";
  const std::int64_t hidden = step.shape(2).dim(2);
  if (op_type != "GRU")
    return step.make(op_type, inputs, {{"hidden_size", hidden}, {"direction", direction}});
  step.make(op_type, inputs,
            {{"hidden_size", hidden},
             {"direction", direction},
             {"linear_before_reset", std::int64_t{attrs.resets_after_product}}});
}

void write_lstm(OnnxStep& step) {
  constexpr std::int64_t order[] = {0, 3, 1, 2};  // input, output, forget, cell
  write_layer(step, "LSTM", order);
}

void write_gru(OnnxStep& step) {
  constexpr std::int64_t order[] = {1, 0, 2};  // update, reset, hidden
  write_layer(step, "GRU", order);
}

void write_rnn(OnnxStep& step) {
  constexpr std::int64_t order[] = {0};
  write_layer(step, "RNN", order);
}

constexpr OnnxExportRule recurrent_rules[] = {
    {&lstm_op, {}, write_lstm},
    {&gru_op, {}, write_gru},
    {&rnn_op, {}, write_rnn},
};

}  // namespace

extern constinit const OnnxExportRules recurrent_onnx_export_rules = {recurrent_rules};

}  // namespace zoometer
