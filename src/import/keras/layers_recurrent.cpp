// Layers that process a sequence step by step, and wrappers of other layers.
#include <algorithm>

#include "import/keras/call.hpp"
#include "op/mobile.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::string_view recurrent_unread =
    "go_backwards stateful unroll zero_output_for_mask recurrent_dropout dropout time_major "
    "dropout_W dropout_U return_runtime kernel_size padding";

constexpr std::int64_t simple = 1, gru = 3, lstm = 4;  // gates

/// The results of a layer: of every step, and the states after the last one.
struct Sequence {
  Tensor steps;  ///< (N, T, units)
  std::vector<Tensor> states;
};

/// (in, gates x units) as stored -> (1, gates x units, in).
Tensor recurrent_weight(Tensor weight) { return unsqueeze(name_axes(weight, {1, 0}), 0); }

/// A state of the file, (N, units) -> (N, 1, units).
Tensor first_state(KerasCall& call, std::size_t index) {
  if (index >= call.input_count()) return call.none();
  return unsqueeze(call.in(index), 1);
}

/// One cell over x (N, T, features). Reads its settings from `cell`, whose weights are those of
/// the module that is open.
Sequence run_cell(KerasCall& cell, Tensor x, std::int64_t gates, std::size_t first_operand) {
  const std::int64_t units = cell.integer({"units", "output_dim"}, 0);
  cell.require(units >= 1 && x.rank() == 3, "units, and a sequence");
  const std::int64_t rows = checked_mul(gates, units);
  const Tensor kernel = cell.weight("kernel", {x.dim(2), rows});
  const Tensor recurrent = cell.weight("recurrent_kernel", {units, rows});
  const bool resets_after = cell.flag({"reset_after"}, cell.class_name().starts_with("CuDNN"));
  Tensor bias = cell.none();
  if (cell.flag({"use_bias"}, true)) {
    const bool has_two = (gates == gru && resets_after) || cell.class_name() == "CuDNNLSTM";
    const std::int64_t count = has_two ? 2 : 1;
    bias = has_two && gates == gru ? cell.weight("bias", {count, rows})
                                   : cell.weight("bias", {checked_mul(count, rows)});
    bias = reshape(bias, {1, checked_mul(count, rows)});
  }
  const std::string_view activation = cell.text({"activation"}, "tanh");
  const std::string_view inner = cell.text({"recurrent_activation", "inner_activation"}, "sigmoid");
  if (activation != "tanh" || (gates > 1 && inner != "sigmoid"))
    cell.reader().note("recurrent layers with other activations than tanh and sigmoid are counted "
                       "as with these");
  const ValueId inputs[] = {x.id,
                            recurrent_weight(kernel).id,
                            recurrent_weight(recurrent).id,
                            bias.id,
                            no_id,
                            first_state(cell, first_operand).id,
                            gates == lstm ? first_state(cell, first_operand + 1).id : no_id};
  const OpDef& op = gates == lstm ? lstm_op : gates == gru ? gru_op : rnn_op;
  const RecurrentAttrs attrs{true, resets_after};
  Graph& graph = cell.graph();
  const NodeId node =
      graph.append(op, attrs, std::span(inputs, gates == lstm ? std::size_t{7} : std::size_t{6}));
  const ValueId first = graph.nodes()[node].first_output;
  const std::int64_t batch = x.dim(0);
  Sequence result{reshape({&graph, first}, {batch, x.dim(1), units}), {}};
  for (ValueId i = 1; i < (gates == lstm ? 3U : 2U); ++i)
    result.states.push_back(reshape({&graph, first + i}, {batch, units}));
  return result;
}

bool out_sequence(KerasCall& call, const Sequence& result) {
  const bool returns_steps = call.flag({"return_sequences"}, false);
  call.out(returns_steps ? result.steps : result.states[0]);
  if (call.flag({"return_state"}, false))
    for (const Tensor& state : result.states) call.out(state);
  return true;
}

bool emit_recurrent(KerasCall& call) {
  return out_sequence(call, run_cell(call, call.in(), call.row().number, 1));
}

std::int64_t gates_of_cell(std::string_view class_name) {
  if (class_name == "LSTMCell") return lstm;
  if (class_name == "GRUCell") return gru;
  return class_name == "SimpleRNNCell" ? simple : 0;
}

/// RNN: a cell, or several, one after the other.
bool emit_rnn(KerasCall& call) {
  const Json* cell = call.option({"cell"});
  if (cell == nullptr) return false;
  std::vector<const Json*> cells = {cell};
  const KerasLayer& outer = call.reader().inner(*cell);
  if (outer.class_name == "StackedRNNCells" || cell->IsArray()) {
    const Json& list = cell->IsArray() ? *cell : get_array(*outer.config, "cells");
    cells.clear();
    for (const Json& each : list.GetArray()) cells.push_back(&each);
  }
  Tensor x = call.in();
  Sequence result;
  std::vector<Tensor> states;
  std::size_t place = 0;
  for (const Json* each : cells) {
    const KerasLayer& layer = call.reader().inner(*each);
    const std::int64_t gates = gates_of_cell(layer.class_name);
    if (gates == 0 || layer.is_custom || !layer.config->IsObject()) return false;
    call.reader().spend(8 + layer.config->MemberCount());
    // Several cells may have one name.
    const std::string name = cells.size() > 1 ? std::to_string(place) : std::string(layer.name);
    const KerasApplication application{layer, {}};
    const KerasOperator row{layer.class_name, nullptr, gates, nullptr, recurrent_unread};
    KerasCall inner(call.reader(), application, call.state(), row);
    const std::uint32_t opened = call.reader().open(name, layer.class_name);
    result = run_cell(inner, x, gates, 0);
    call.reader().close(opened, result.steps);
    inner.note_unread();
    x = result.steps;
    states.insert(states.end(), result.states.begin(), result.states.end());
    ++place;
  }
  if (cells.empty()) return false;
  const bool returns_steps = call.flag({"return_sequences"}, false);
  call.out(returns_steps ? result.steps : result.states[0]);
  if (call.flag({"return_state"}, false))
    for (const Tensor& state : states) call.out(state);
  return true;
}

// -- convolutions of steps ----------------------------------------------------------------------

/// (kernel..., in, out) -> (out, in, kernel...).
Tensor step_weight(Tensor weight, std::int64_t spatial) {
  Ints dims{spatial + 1, spatial};
  for (std::int64_t i = 0; i < spatial; ++i) dims.push_back(i);
  return name_axes(weight, dims);
}

bool emit_conv_lstm(KerasCall& call) {
  const std::int64_t spatial = call.row().number;
  const auto count = static_cast<std::size_t>(spatial);
  const std::int64_t filters = call.integer({"filters", "nb_filter"}, 0);
  const Spatial kernel = call.spatial({"kernel_size"}, count, 1);
  const Spatial strides = call.spatial({"strides"}, count, 1);
  const Spatial dilations = call.spatial({"dilation_rate"}, count, 1);
  const std::string_view padding = call.text({"padding"}, "valid");
  const bool is_last = call.is_channels_last();
  const Tensor x = call.in();
  call.require(filters >= 1 && x.rank() == spatial + 3, "filters, and a sequence of images");
  const std::int64_t batch = x.dim(0), steps = x.dim(1);
  Ints joined{checked_mul(batch, steps)};
  for (std::int64_t i = 2; i < x.rank(); ++i) joined.push_back(x.dim(i));
  Tensor images = reshape(x, joined);
  if (is_last) {
    Ints dims{0, spatial + 1};
    for (std::int64_t i = 1; i <= spatial; ++i) dims.push_back(i);
    images = name_axes(images, dims);
  }
  Shape kernel_sizes, recurrent_sizes;
  for (const std::int64_t size : kernel) kernel_sizes.push_back(size);
  recurrent_sizes = kernel_sizes;
  const std::int64_t rows = checked_mul(4, filters);
  kernel_sizes.push_back(images.dim(1));
  kernel_sizes.push_back(rows);
  recurrent_sizes.push_back(filters);
  recurrent_sizes.push_back(rows);
  const Tensor weight = call.weight("kernel", kernel_sizes);
  const Tensor recurrent = call.weight("recurrent_kernel", recurrent_sizes);
  const Tensor bias = call.flag({"use_bias"}, true) ? call.weight("bias", {rows}) : call.none();
  ConvAttrs attrs{strides, {}, {}, dilations, {}, 1};
  ConvAttrs same{Spatial::filled(count, 1), {}, {}, Spatial::filled(count, 1), {}, 1};
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t extent = checked_add(checked_mul(dilations[i], kernel[i] - 1), 1);
    const KerasPads pads = keras_pads(call, padding, images.shape()[i + 2], extent, strides[i]);
    attrs.padding.push_back(pads.before);
    attrs.padding_end.push_back(pads.after);
    const KerasPads own = keras_pads(call, "same", 1, kernel[i], 1);
    same.padding.push_back(own.before);
    same.padding_end.push_back(own.after);
  }
  const Tensor all = convolution(images, step_weight(weight, spatial), bias, attrs);
  Graph& graph = call.graph();
  Shape state_sizes = all.shape();
  state_sizes[0] = batch;
  state_sizes[1] = filters;
  Ints by_step{batch, steps};
  for (std::int64_t i = 1; i < all.rank(); ++i) by_step.push_back(all.dim(i));
  const Tensor gates_of_steps = reshape(all, by_step);
  call.require(steps >= 1, "a step at least");
  const Tensor state = full(graph, state_sizes, 0, all.dtype());
  const auto first = static_cast<NodeId>(graph.nodes().size());
  const Tensor own = select(gates_of_steps, 1, 0);
  const Tensor sum = own + convolution(state, step_weight(recurrent, spatial), call.none(), same);
  const Chunks gates = chunk(sum, 4, 1);
  const Tensor cell =
      unary(sigmoid_op, gates[1]) * state + unary(sigmoid_op, gates[0]) * unary(tanh_op, gates[2]);
  const Tensor hidden = unary(sigmoid_op, gates[3]) * unary(tanh_op, cell);
  const auto end = static_cast<NodeId>(graph.nodes().size());
  if (steps > 1) graph.add_repeat({first, end, steps, false});
  const auto in_format = [&](Tensor value) {
    if (!is_last) return value;
    Ints dims{0};
    for (std::int64_t i = 2; i < value.rank(); ++i) dims.push_back(i);
    dims.push_back(1);
    return name_axes(value, dims);
  };
  const Tensor last = in_format(hidden);
  if (call.flag({"return_sequences"}, false)) {
    Ints sizes{batch, steps};
    for (std::int64_t i = 1; i < last.rank(); ++i) sizes.push_back(last.dim(i));
    const Tensor operands[] = {last};
    call.out(rearrange(operands, {"ConvLSTM", sizes}));
  } else {
    call.out(last);
  }
  if (call.flag({"return_state"}, false)) {
    call.out(last);
    call.out(in_format(cell));
  }
  return true;
}

// -- wrappers -----------------------------------------------------------------------------------

const Json* wrapped(KerasCall& call, std::string_view name) {
  const Json* layer = call.option({name});
  call.require(layer != nullptr && layer->IsObject(), "a layer in it");
  return layer;
}

bool emit_time_distributed(KerasCall& call) {
  const KerasLayer& inner = call.reader().inner(*wrapped(call, "layer"));
  const Tensor x = call.reader().last(call.handle(0));
  call.require(x.rank() >= 2, "a sequence");
  const std::int64_t batch = x.dim(0), steps = x.dim(1);
  Ints sizes{checked_mul(batch, steps)};
  for (std::int64_t i = 2; i < x.rank(); ++i) sizes.push_back(x.dim(i));
  KerasApplication application{inner, {}};
  application.operands.push_back({call.reader().keep(reshape(x, sizes)), nullptr, {}});
  for (const KerasHandle each : call.reader().apply(application)) {
    const Tensor result = call.reader().last(each);
    call.require(result.rank() >= 1, "results of each step");
    Ints outer{batch, steps};
    for (std::int64_t i = 1; i < result.rank(); ++i) outer.push_back(result.dim(i));
    call.out(reshape(result, outer));
  }
  return true;
}

bool emit_bidirectional(KerasCall& call) {
  const Json* layer = wrapped(call, "layer");
  const Json* backward = call.option({"backward_layer"});
  const KerasLayer& first = call.reader().inner(*layer);
  const std::string forward_name = first.name.starts_with("forward_")
                                       ? std::string(first.name)
                                       : "forward_" + std::string(first.name);
  const std::string backward_name = "backward_" + std::string(first.name);
  KerasApplication ahead{first, {}};
  ahead.name = forward_name;
  const KerasLayer& second =
      backward != nullptr && backward->IsObject() ? call.reader().inner(*backward) : first;
  KerasApplication back{second, {}};
  if (backward == nullptr) back.name = backward_name;
  back.variant = backward == nullptr ? 1 : 0;
  const std::size_t states = call.input_count() - 1;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    const KerasOperand operand{call.handle(i), nullptr, {}};
    if (i == 0 || i <= states / 2) ahead.operands.push_back(operand);
    if (i == 0 || i > states / 2) back.operands.push_back(operand);
  }
  const std::vector<KerasHandle> a = call.reader().apply(ahead);
  const std::vector<KerasHandle> b = call.reader().apply(back);
  call.require(!a.empty() && a.size() == b.size(), "two layers with as many results");
  const Tensor x = call.reader().last(a[0]);
  Tensor y = call.reader().last(b[0]);
  const bool has_steps = [&] {
    const Json* returns = find_member(*first.config, "return_sequences");
    return returns != nullptr && returns->IsBool() && returns->GetBool();
  }();
  if (has_steps && y.rank() >= 2) y = flip(y, {1});
  const Json* mode_json = find_member(*call.application().layer.config, "merge_mode");
  const std::string_view mode = call.text({"merge_mode"}, mode_json == nullptr ? "none" : "concat");
  if (mode == "concat") {
    call.out(cat({x, y}, -1));
  } else if (mode == "sum") {
    call.out(x + y);
  } else if (mode == "ave") {
    call.out((x + y) * 0.5);
  } else if (mode == "mul") {
    call.out(x * y);
  } else {
    call.out(x);
    call.out(y);
  }
  for (std::size_t i = 1; i < a.size(); ++i) call.out_handle(a[i]);
  for (std::size_t i = 1; i < b.size(); ++i) call.out_handle(b[i]);
  return true;
}

/// A layer around another that costs nothing in inference.
bool emit_wrapper(KerasCall& call) {
  const KerasLayer& inner = call.reader().inner(*wrapped(call, "layer"));
  KerasApplication application{inner, call.application().operands};
  for (const KerasHandle each : call.reader().apply(application)) call.out_handle(each);
  if (call.class_name() == "SpectralNormalization") {
    for (const std::string_view name : {"filters", "units"}) {
      const Json* filters = find_member(*inner.config, name);
      if (filters != nullptr && filters->IsInt64() && filters->GetInt64() > 0)
        call.stored(
            {"vector_u", {1, filters->GetInt64()}, DType::float32, ParameterKind::buffer, false});
    }
    call.option({"power_iterations"});
  } else {
    call.reader().note("the layer that " + std::string(call.class_name()) + " wraps is counted");
  }
  return true;
}

constexpr KerasOperator recurrent_rows[] = {
    {"LSTM", emit_recurrent, lstm, nullptr, recurrent_unread},
    {"GRU", emit_recurrent, gru, nullptr, recurrent_unread},
    {"SimpleRNN", emit_recurrent, simple, nullptr, recurrent_unread},
    {"CuDNNLSTM", emit_recurrent, lstm, nullptr, recurrent_unread},
    {"CuDNNGRU", emit_recurrent, gru, nullptr, recurrent_unread},
    {"RNN", emit_rnn, 0, nullptr, recurrent_unread},
    {"ConvLSTM1D", emit_conv_lstm, 1, nullptr,
     "activation recurrent_activation go_backwards stateful unroll dropout recurrent_dropout"},
    {"ConvLSTM2D", emit_conv_lstm, 2, nullptr,
     "activation recurrent_activation go_backwards stateful unroll dropout recurrent_dropout"},
    {"ConvLSTM3D", emit_conv_lstm, 3, nullptr,
     "activation recurrent_activation go_backwards stateful unroll dropout recurrent_dropout"},
    {"TimeDistributed", emit_time_distributed},
    {"Bidirectional", emit_bidirectional},
    {"SpectralNormalization", emit_wrapper},
    {"QuantizeWrapper", emit_wrapper, 0, nullptr, "quantize_config"},
    {"QuantizeWrapperV2", emit_wrapper, 0, nullptr, "quantize_config"},
    {"PruneLowMagnitude", emit_wrapper, 0, nullptr,
     "pruning_schedule block_size block_pooling_type sparsity_m_by_n"},
};

}  // namespace

extern constinit const KerasOperators keras_recurrent_operators = {recurrent_rows};

}  // namespace zoometer
