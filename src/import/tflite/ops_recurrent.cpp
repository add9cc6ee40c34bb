// Layers that process a sequence step by step, and SVDF.
#include <array>

#include "import/tflite/call.hpp"
#include "op/mobile.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr auto learnt = TfliteRole::weight;

/// Where the operands of an LSTM of one direction begin; those of a second direction follow.
struct LstmOperands {
  std::size_t input = 1;        ///< weights of i, f, c, o
  std::size_t recurrent = 5;    ///< weights of i, f, c, o
  std::size_t peephole = 9;     ///< of i, f, o
  std::size_t bias = 12;        ///< of i, f, c, o
  std::size_t projection = 16;  ///< and its bias
  std::size_t norm = 20;        ///< of i, f, c, o; 0: none
  std::size_t auxiliary = 0;    ///< weights of a second x; 0: none
};

/// x and every weight that is there, in the order of the file.
std::vector<Tensor> weights_of(TfliteCall& call, const LstmOperands& at) {
  std::vector<Tensor> result;
  const auto add = [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i)
      if (call.has(i)) result.push_back(call.in(i, learnt));
  };
  add(at.input, 4);
  add(at.recurrent, 4);
  add(at.peephole, 3);
  add(at.bias, 4);
  add(at.projection, 2);
  if (at.auxiliary > 0) add(at.auxiliary, 4);
  if (at.norm > 0) add(at.norm, 4);
  return result;
}

/// Appends one direction; its result is (steps, batch, state) or as x lies.
Tensor append_cells(TfliteCall& call, Tensor x, const std::vector<Tensor>& weights,
                    const CellsAttrs& attrs) {
  std::vector<ValueId> operands = {x.id};
  for (const Tensor& weight : weights) operands.push_back(weight.id);
  const NodeId node = call.graph().append(cells_op, attrs, operands);
  return {&call.graph(), call.graph().nodes()[node].first_output};
}

/// The steps and the batch of x (batch, steps, features), (steps, ...) if time comes first, or
/// (batch, features) for one step.
void take_sizes(TfliteCall& call, Tensor x, bool is_time_major, CellsAttrs& attrs) {
  call.require(x.rank() == 2 || x.rank() == 3, "a sequence, or one step of it");
  attrs.features = x.dim(-1);
  attrs.steps = x.rank() == 2 ? 1 : x.dim(is_time_major ? 0 : 1);
  attrs.batch = x.rank() == 2 ? x.dim(0) : x.dim(is_time_major ? 1 : 0);
  attrs.sizes = x.shape();
  attrs.sizes[attrs.sizes.size() - 1] = attrs.state;
}

Tensor lstm_direction(TfliteCall& call, Tensor x, const LstmOperands& at, bool is_time_major) {
  const Tensor recurrent = call.in(at.recurrent + 3, learnt);
  call.require(recurrent.rank() == 2, "recurrent weights of rank 2");
  CellsAttrs attrs;
  attrs.gates = call.has(at.input) ? 4 : 3;
  attrs.units = recurrent.dim(0);
  attrs.state = recurrent.dim(1);
  attrs.projected = call.has(at.projection);
  attrs.peepholes = call.has(at.peephole + 1);
  attrs.layer_norm = at.norm > 0 && call.has(at.norm + 1);
  if (at.auxiliary > 0 && call.has(at.auxiliary + 1))
    attrs.auxiliary = call.in(at.auxiliary + 1, learnt).dim(-1);
  take_sizes(call, x, is_time_major, attrs);
  return append_cells(call, x, weights_of(call, at), attrs);
}

bool emit_sequence_lstm(TfliteCall& call) {
  const bool is_time_major = call.flag(3);
  return call.out(lstm_direction(call, call.in(0), {}, is_time_major));
}

bool emit_bidirectional_lstm(TfliteCall& call) {
  const bool merges = call.flag(3);
  const bool is_time_major = call.option<std::uint8_t>(4, 1) != 0;
  const Tensor x = call.in(0);
  LstmOperands forward{.norm = 0};
  LstmOperands backward{18, 22, 26, 29, 33, 0};
  const bool has_auxiliary = call.has(39);
  if (has_auxiliary) {
    forward.auxiliary = 40;
    backward.auxiliary = 44;
  }
  const Tensor a = lstm_direction(call, x, forward, is_time_major);
  const Tensor b = lstm_direction(call, x, backward, is_time_major);
  if (merges) return call.out(cat({a, b}, -1));
  call.out(a);
  return call.out(b, 1);
}

/// One step of an LSTM: with weights of each gate, or one matrix for all of them.
bool emit_lstm(TfliteCall& call) {
  constexpr std::int8_t basic = 1;
  if (call.option<std::int8_t>(3) != basic)
    return call.out(lstm_direction(call, call.in(0), {}, false));
  const Tensor x = call.in(0);
  const Tensor weight = call.in(2, learnt);
  call.require(x.rank() == 2 && weight.rank() == 2 && weight.dim(0) % 4 == 0,
               "four gates of rank 2");
  CellsAttrs attrs;
  attrs.units = weight.dim(0) / 4;
  attrs.state = attrs.units;
  take_sizes(call, x, false, attrs);
  call.out(append_cells(call, x, {weight, call.in(3, learnt)}, attrs));
  for (std::size_t i = 1; i < call.output_count(); ++i) call.out_declared(i);
  return true;
}

Tensor rnn_direction(TfliteCall& call, Tensor x, std::size_t first, bool is_time_major) {
  const Tensor recurrent = call.in(first + 1, learnt);
  call.require(recurrent.rank() == 2, "recurrent weights of rank 2");
  CellsAttrs attrs;
  attrs.gates = 1;
  attrs.units = recurrent.dim(0);
  attrs.state = recurrent.dim(1);
  take_sizes(call, x, is_time_major, attrs);
  return append_cells(call, x, {call.in(first, learnt), recurrent, call.in(first + 2, learnt)},
                      attrs);
}

bool emit_rnn(TfliteCall& call) {
  call.option<std::int8_t>(0);
  return call.out(rnn_direction(call, call.in(0), 1, false));
}

bool emit_sequence_rnn(TfliteCall& call) {
  const bool is_time_major = call.flag(0);
  return call.out(rnn_direction(call, call.in(0), 1, is_time_major));
}

bool emit_bidirectional_rnn(TfliteCall& call) {
  const bool is_time_major = call.flag(0);
  const bool merges = call.flag(2);
  const Tensor x = call.in(0);
  const Tensor a = rnn_direction(call, x, 1, is_time_major);
  const Tensor b = rnn_direction(call, x, 5, is_time_major);
  if (merges) return call.out(cat({a, b}, -1));
  call.out(a);
  return call.out(b, 1);
}

bool emit_svdf(TfliteCall& call) {
  const SvdfAttrs attrs{call.option<std::int32_t>(0)};
  const Tensor state = call.optional_in(4);
  const Tensor result = apply(svdf_op, attrs, call.in(0), call.in(1, learnt), call.in(2, learnt),
                              call.optional_in(3, learnt), state);
  return call.out(call.finished(result, 1, true));
}

constexpr TfliteOperator recurrent_rows[] = {
    {16, emit_lstm, "-activation -cell_clip -proj_clip kernel_type -asymmetric_quantize_inputs"},
    {24, emit_rnn, "-activation -asymmetric_quantize_inputs"},
    {27, emit_svdf, "rank activation -asymmetric_quantize_inputs"},
    {35, emit_sequence_rnn, "time_major -activation -asymmetric_quantize_inputs"},
    {44, emit_sequence_lstm,
     "-activation -cell_clip -proj_clip time_major -asymmetric_quantize_inputs "
     "diagonal_recurrent_tensors"},
    {46, emit_bidirectional_rnn,
     "time_major -activation merge_outputs -asymmetric_quantize_inputs"},
    {52, emit_bidirectional_lstm,
     "-activation -cell_clip -proj_clip merge_outputs time_major -asymmetric_quantize_inputs"},
};

}  // namespace

extern constinit const TfliteOperators tflite_recurrent_operators = {recurrent_rows};

}  // namespace zoometer
