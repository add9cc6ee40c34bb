// What handlers of layers share: settings, weights, activations.
#include "import/keras/call.hpp"

#include <algorithm>
#include <unordered_map>

#include "op/mobile.hpp"
#include "op/quantize.hpp"
#include "op/unknown.hpp"
#include "util/text.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_size = std::int64_t{1} << 40;

/// What all layers may set and no cost depends on, beside initialisers, regularisers and
/// constraints.
constexpr std::string_view common_settings[] = {"name",
                                                "trainable",
                                                "dtype",
                                                "batch_input_shape",
                                                "batch_shape",
                                                "seed",
                                                "activity_regularizer",
                                                "noise_shape",
                                                "build_input_shape",
                                                "input_dtype",
                                                "input_dim",
                                                "input_length",
                                                "init",
                                                "W_constraint",
                                                "b_constraint",
                                                "inner_init",
                                                "forget_bias_init",
                                                "unit_forget_bias",
                                                "autocast",
                                                "sparse",
                                                "ragged",
                                                "function",
                                                "quantization_config",
                                                "implementation",
                                                "consume_less"};

bool is_without_effect(std::string_view name) {
  return name.ends_with("_initializer") || name.ends_with("_regularizer") ||
         name.ends_with("_constraint") || std::ranges::count(common_settings, name) > 0;
}

bool is_word_of(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view each = words.substr(0, words.find(' '));
    if (each == word) return true;
    words.remove_prefix(std::min(words.size(), each.size() + 1));
  }
  return false;
}

/// null, false, 0, "" and empty lists ask for nothing.
bool asks_for_nothing(const Json& value) {
  return value.IsNull() || (value.IsBool() && !value.GetBool()) ||
         (value.IsNumber() && value.GetDouble() == 0) ||
         (value.IsString() && value.GetStringLength() == 0) || (value.IsArray() && value.Empty()) ||
         (value.IsObject() && value.ObjectEmpty());
}

std::string short_text(const Json& value) {
  if (value.IsString()) return escape_controls(to_utf8(view_of(value).substr(0, 60)));
  if (value.IsBool()) return value.GetBool() ? "true" : "false";
  if (value.IsInt64()) return std::to_string(value.GetInt64());
  if (value.IsNumber()) return std::to_string(value.GetDouble());
  return value.IsArray() ? "[...]" : "{...}";
}

[[noreturn]] void fail_setting(std::string_view name, std::string_view expected) {
  throw Error(ErrorCode::shape, "the setting " + escape_controls(to_utf8(name)),
              {std::string(expected), "something else"});
}

std::int64_t size_of(const Json& value, std::string_view name) {
  if (value.IsBool()) return value.GetBool() ? 1 : 0;
  const bool is_whole = value.IsInt64() ||
                        (value.IsDouble() && value.GetDouble() > -1e12 && value.GetDouble() < 1e12);
  if (!is_whole) fail_setting(name, "a whole number");
  const std::int64_t number =
      value.IsInt64() ? value.GetInt64() : static_cast<std::int64_t>(value.GetDouble());
  if (number < -most_size || number > most_size) fail_setting(name, "a number below 2^40");
  return number;
}

/// Functions of one operand that are one operator.
struct KerasFunction {
  std::string_view name;
  const OpDef* op;
};
constexpr KerasFunction keras_functions[] = {
    {"relu", &relu_op},
    {"relu6", &relu6_op},
    {"selu", &selu_op},
    {"sigmoid", &sigmoid_op},
    {"hard_sigmoid", &hardsigmoid_op},
    {"hard_silu", &hardswish_op},
    {"hard_swish", &hardswish_op},
    {"silu", &silu_op},
    {"swish", &silu_op},
    {"tanh", &tanh_op},
    {"mish", &mish_op},
    {"softplus", &softplus_op},
    {"softsign", &softsign_op},
    {"exponential", &exp_op},
    {"log_sigmoid", &log_sigmoid_op},
};

/// "LeakyReLU" of a configuration with layers as activations -> "leaky_relu".
std::string_view function_of_layer(std::string_view class_name) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"ReLU", "relu"},       {"LeakyReLU", "leaky_relu"}, {"ELU", "elu"},
      {"Softmax", "softmax"}, {"PReLU", "leaky_relu"},     {"ThresholdedReLU", "threshold"},
      {"GELU", "gelu"},       {"Swish", "silu"},           {"Identity", "linear"}};
  for (const auto& [layer, function] : names)
    if (layer == class_name) return function;
  return class_name;
}

/// A function's name: a text, {"class_name": "function", "config": "relu"}, or a layer.
std::string_view function_name(const Json& value) {
  if (value.IsString()) return view_of(value);
  const std::string_view class_name = find_text(value, "class_name");
  const std::string_view config = find_text(value, "config");
  if (!config.empty()) return config;
  const Json* inner = find_member(value, "config");
  if (class_name == "Activation" && inner != nullptr) {
    if (const std::string_view name = find_text(*inner, "activation"); !name.empty()) return name;
  }
  return class_name.empty() ? "linear" : function_of_layer(class_name);
}

/// A function of QKeras that rounds.
struct Quantiser {
  std::string_view name;  ///< empty: it is none
  std::int64_t bits = 8;
};

/// Of "quantized_relu(6, 0)" or {"class_name": "quantized_bits", "config": {"bits": 6, ...}}.
Quantiser quantiser_of(const Json& value) {
  const bool is_text = value.IsString();
  std::string_view text = is_text ? view_of(value) : find_text(value, "class_name");
  const std::string_view name = text.substr(0, text.find('('));
  const bool is_one = name == "binary" || name == "stochastic_binary";
  const bool is_two = name == "ternary" || name == "stochastic_ternary";
  if (is_one || is_two) return {name, is_one ? 1 : 2};
  if (!name.starts_with("quantized_")) return {};
  Quantiser result{name};
  if (is_text) {
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    if (text.starts_with("bits=")) text.remove_prefix(5);
    std::int64_t bits = 0;
    for (const char c : text.substr(0, std::min<std::size_t>(text.find_first_of(",)"), 3)))
      bits = c >= '0' && c <= '9' ? bits * 10 + (c - '0') : 0;
    if (bits > 0) result.bits = bits;
  } else if (const Json* config = find_member(value, "config")) {
    const Json* bits = find_member(*config, "bits");
    const bool is_count = bits != nullptr && bits->IsInt64() && bits->GetInt64() > 0;
    if (is_count) result.bits = std::min<std::int64_t>(bits->GetInt64(), 64);
  }
  return result;
}

DType dtype_of_name(std::string_view name, DType otherwise) {
  if (name == "bool") return DType::boolean;
  return dtype_from_name(name).value_or(otherwise);
}

}  // namespace

const KerasOperator* find_keras_operator(const KerasLayer& layer) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const KerasOperator*> table;
    for (const KerasOperators* group : keras_operators())
      for (const KerasOperator& row : group->rows) table.emplace(row.name, &row);
    return table;
  }();
  if (layer.is_custom) return nullptr;
  if (layer.module.find(".ops") != std::string_view::npos) {
    const auto own = by_name.find("ops." + std::string(layer.class_name.substr(0, 100)));
    if (own != by_name.end()) return own->second;
  }
  const auto found = by_name.find(layer.class_name);
  return found == by_name.end() ? nullptr : found->second;
}

KerasPolicy keras_policy(const Json& config) {
  KerasPolicy policy;
  const Json* dtype = find_member(config, "dtype");
  for (int i = 0; i < 4 && dtype != nullptr && dtype->IsObject(); ++i) {
    const Json* inner = find_member(*dtype, "config");
    if (inner == nullptr) return policy;
    if (const Json* usual = find_member(*inner, "default_policy")) {
      dtype = usual;
      continue;
    }
    const std::string_view mode = find_text(*inner, "mode");
    if (!mode.empty()) {
      policy.quantised = mode;
      dtype = find_member(*inner, "source_name");
    } else {
      dtype = find_member(*inner, "name");
    }
  }
  std::string_view name = dtype != nullptr && dtype->IsString() ? view_of(*dtype) : "float32";
  if (const std::size_t from = name.find("_from_"); from != std::string_view::npos) {
    policy.quantised = name.substr(0, from);
    name.remove_prefix(from + 6);
  }
  policy.variable = dtype_of_name(name, DType::float32);
  policy.compute = policy.variable;
  if (name == "mixed_float16") policy.compute = DType::float16;
  if (name == "mixed_bfloat16") policy.compute = DType::bfloat16;
  policy.is_dynamic = policy.quantised == "int8" || policy.quantised == "int4";
  if (const Json* quantisation = find_member(config, "quantization_config")) {
    const Json* inner = find_member(*quantisation, "config");
    if (inner != nullptr && inner->IsObject() && inner->HasMember("activation_quantizer"))
      policy.is_dynamic = find_member(*inner, "activation_quantizer") != nullptr;
  }
  return policy;
}

std::optional<Shape> keras_constant_shape(const Json& value) {
  const Json* list = &value;
  if (value.IsObject()) {
    const std::string_view kind = find_text(value, "class_name");
    const Json* config = find_member(value, "config");
    if ((kind != "__tensor__" && kind != "__numpy__") || config == nullptr) return std::nullopt;
    list = find_member(*config, "value");
  }
  Shape shape;
  for (; list != nullptr && list->IsArray(); list = &(*list)[0]) {
    if (list->Empty() || shape.size() == most_dimensions) return std::nullopt;
    shape.push_back(static_cast<std::int64_t>(list->Size()));
  }
  const bool is_constant = list != nullptr && (list->IsNumber() || list->IsBool());
  return is_constant ? std::optional(shape) : std::nullopt;
}

Ints keras_numbers(const Json& value) {
  Ints result;
  if (!value.IsArray()) {
    result.push_back(size_of(value, "a number"));
    return result;
  }
  for (const Json& each : value.GetArray())
    result.push_back(each.IsNull() ? -1 : size_of(each, "a list of numbers"));
  return result;
}

KerasCall::KerasCall(KerasReader& reader, const KerasApplication& application, KerasState& state,
                     const KerasOperator& row)
    : reader_(reader),
      application_(application),
      state_(state),
      row_(row),
      policy_(keras_policy(*application.layer.config)) {
  for (const KerasOperand& operand : application.operands)
    if (operand.value != no_keras_value && operand.name.empty()) inputs_.push_back(operand.value);
}

void KerasCall::require(bool holds, std::string_view expected) const {
  if (holds) [[likely]]
    return;
  Error error(ErrorCode::shape, escape_controls(to_utf8(class_name())),
              {std::string(expected), "other operands or settings"});
  error.place.node = escape_controls(to_utf8(application_.layer.name));
  throw error;
}

std::int64_t KerasCall::axis(std::int64_t axis, std::int64_t rank) const {
  require(axis >= -rank && axis < rank, "an axis of its operand");
  return axis < 0 ? axis + rank : axis;
}

// -- operands -----------------------------------------------------------------------------------

KerasHandle KerasCall::handle(std::size_t index) const {
  require(index < inputs_.size(), "an operand " + std::to_string(index + 1));
  return inputs_[index];
}

Tensor KerasCall::cast(Tensor value) {
  const bool differs = is_real_floating(value.dtype()) && value.dtype() != policy_.compute;
  return differs ? to(value, policy_.compute) : value;
}

Tensor KerasCall::in(std::size_t index) { return cast(reader_.last(handle(index))); }

Tensor KerasCall::planar_in(std::size_t index) { return cast(reader_.planar(handle(index))); }

Tensor KerasCall::named(std::string_view name, std::size_t index) {
  for (const KerasOperand& operand : application_.operands)
    if (operand.name == name && operand.value != no_keras_value)
      return cast(reader_.last(operand.value));
  return index < inputs_.size() ? in(index) : none();
}

bool KerasCall::is_channels_last() {
  const std::string_view format = text({"data_format", "dim_ordering"}, "channels_last");
  return format != "channels_first" && format != "th";
}

Tensor KerasCall::image(std::int64_t spatial) {
  const Tensor x = is_channels_last() ? planar_in(0) : in(0);
  require(x.rank() == spatial + 2, "an operand with a batch, channels and spatial sizes");
  return x;
}

bool KerasCall::are_planar() const {
  return !inputs_.empty() &&
         std::ranges::all_of(inputs_, [&](KerasHandle each) { return reader_.is_planar(each); });
}

// -- settings -----------------------------------------------------------------------------------

const Json* KerasCall::option(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    read_.push_back(name);
    if (const Json* found = find_member(*application_.layer.config, name)) return found;
  }
  for (const std::string_view name : names)
    for (const KerasOperand& operand : application_.operands)
      if (operand.name == name && operand.constant != nullptr && !operand.constant->IsNull())
        return operand.constant;
  return nullptr;
}

std::int64_t KerasCall::integer(std::initializer_list<std::string_view> names,
                                std::int64_t otherwise) {
  const Json* found = option(names);
  if (found == nullptr) return otherwise;
  if (found->IsArray() && found->Size() == 1) found = &(*found)[0];
  return size_of(*found, *names.begin());
}

double KerasCall::real(std::initializer_list<std::string_view> names, double otherwise) {
  const Json* found = option(names);
  if (found != nullptr && found->IsObject()) found = find_member(*found, "config");
  return found == nullptr || !found->IsNumber() ? otherwise : found->GetDouble();
}

bool KerasCall::flag(std::initializer_list<std::string_view> names, bool otherwise) {
  const Json* found = option(names);
  if (found == nullptr || (!found->IsBool() && !found->IsNumber())) return otherwise;
  return found->IsBool() ? found->GetBool() : found->GetDouble() != 0;
}

std::string_view KerasCall::text(std::initializer_list<std::string_view> names,
                                 std::string_view otherwise) {
  const Json* found = option(names);
  return found == nullptr || !found->IsString() ? otherwise : view_of(*found);
}

Ints KerasCall::list(std::initializer_list<std::string_view> names) {
  const Json* found = option(names);
  return found == nullptr ? Ints{} : keras_numbers(*found);
}

Spatial KerasCall::spatial(std::initializer_list<std::string_view> names, std::size_t count,
                           std::int64_t otherwise) {
  const Json* found = option(names);
  const Ints numbers = found == nullptr ? Ints{otherwise} : keras_numbers(*found);
  require(numbers.size() == 1 || numbers.size() == count, "a number for each spatial dimension");
  Spatial result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(numbers[numbers.size() == 1 ? 0 : i]);
    require(result.back() >= 1, "sizes, strides and dilations of at least 1");
  }
  return result;
}

void KerasCall::note_unread() {
  if (!application_.layer.config->IsObject()) return;
  for (const auto& member : application_.layer.config->GetObject()) {
    const std::string_view name = view_of(member.name);
    const bool was_read = std::ranges::find(read_, name) != read_.end();
    if (was_read || is_without_effect(name) || is_word_of(row_.unread, name) ||
        asks_for_nothing(member.value))
      continue;
    reader_.ignore(escape_controls(to_utf8(class_name())), escape_controls(to_utf8(name)),
                   short_text(member.value));
  }
}

// -- weights and results ------------------------------------------------------------------------

Tensor KerasCall::stored(KerasWeight weight) {
  const Json* trainable = find_member(*application_.layer.config, "trainable");
  if (trainable != nullptr && trainable->IsBool() && !trainable->GetBool())
    weight.is_trained = false;
  return reader_.weight(state_, weight);
}

Tensor KerasCall::weight(std::string_view name, const Shape& shape, ParameterKind kind) {
  const bool is_trained = kind == ParameterKind::parameter;
  return cast(stored({name, shape, policy_.variable, kind, is_trained}));
}

Tensor KerasCall::frozen_weight(std::string_view name, const Shape& shape) {
  return cast(stored({name, shape, policy_.variable, ParameterKind::parameter, false}));
}

bool KerasCall::out(Tensor value) { return out_handle(reader_.keep(value)); }

bool KerasCall::out_planar(Tensor value) { return out_handle(reader_.keep_planar(value)); }

bool KerasCall::out_image(Tensor value) {
  return is_channels_last() ? out_planar(value) : out(value);
}

bool KerasCall::out_handle(KerasHandle value) {
  results_.push_back(value);
  return true;
}

bool KerasCall::out_moved(const Shape& sizes) {
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < inputs_.size(); ++i) operands.push_back(in(i));
  require(!operands.empty(), "an operand");
  return out(rearrange(operands, {graph().arena().copy(to_utf8(class_name())), sizes}));
}

Tensor KerasCall::activated(Tensor value, std::int64_t axis, std::string_view setting,
                            std::string_view otherwise) {
  const Json* found = option({setting});
  if (found != nullptr && !quantiser_of(*found).name.empty()) return quantised(value, *found);
  const std::string_view name = found == nullptr ? otherwise : function_name(*found);
  return apply_function(value, name, axis);
}

Tensor KerasCall::rounded(Tensor value, std::string_view setting) {
  const Json* found = option({setting});
  const bool is_set = value && found != nullptr && !quantiser_of(*found).name.empty();
  return is_set ? quantised(value, *found) : value;
}

/// What a quantiser of QKeras computes: its function, then the rounding.
Tensor KerasCall::quantised(Tensor value, const Json& quantiser) {
  const auto [name, bits] = quantiser_of(quantiser);
  const bool is_positive = name.starts_with("quantized_relu");
  if (is_positive) value = unary(relu_op, value);
  if (name == "quantized_tanh") value = clamp(value, -1, 1);
  if (name == "quantized_sigmoid") value = unary(hardsigmoid_op, value);
  const std::string type = (is_positive ? "uint" : "int") + std::to_string(bits);
  const RoundedType rounded{graph().arena().copy(type), bits};
  return fake_quantize(value, full(graph(), {}, 1, value.dtype()), none(), rounded);
}

Tensor KerasCall::apply_function(Tensor value, std::string_view name, std::int64_t axis) {
  if (name == "linear") return value;
  for (const KerasFunction& function : keras_functions)
    if (function.name == name) return unary(*function.op, value);
  if (name == "softmax" || name == "log_softmax") {
    require(value.rank() >= 1, "an operand of rank 1 or more");
    return name == "softmax" ? softmax(value, axis) : log_softmax(value, axis);
  }
  if (name == "gelu") return gelu(value, flag({"approximate"}, false));
  if (name == "leaky_relu") return leaky_relu(value, 0.2);
  if (name == "elu") return apply(elu_op, SlopeAttrs{1}, value);
  if (name == "celu") return apply(celu_op, SlopeAttrs{1}, value);
  if (name == "threshold") return apply(threshold_op, ThresholdAttrs{}, value);
  if (name == "hard_tanh") return clamp(value, -1, 1);
  if (name == "tanh_shrink") return value - unary(tanh_op, value);
  if (name == "hard_shrink")
    return where(binary(gt_op, unary(abs_op, value), 0.5), value,
                 full_like(value, 0, value.dtype()));
  if (name == "soft_shrink")
    return unary(sign_op, value) * unary(relu_op, unary(abs_op, value) + -0.5);
  if (name == "squareplus") return (value + unary(sqrt_op, value * value + 4.0)) * 0.5;
  if (name == "glu") {
    require(value.rank() >= 1 && value.dim(axis) % 2 == 0, "an even number of channels");
    const Chunks halves = chunk(value, 2, axis);
    return halves[0] * unary(sigmoid_op, halves[1]);
  }
  const auto* attrs = graph().keep(
      UnknownAttrs{"keras.activation", graph().arena().copy(to_utf8(name.substr(0, 100)))});
  const ValueId inputs[] = {value.id};
  const OutputType outputs[] = {{value.shape(), value.dtype()}};
  const NodeId node = graph().append_declared(unknown_op, attrs, inputs, outputs);
  return {&graph(), graph().nodes()[node].first_output};
}

KerasPads keras_pads(KerasCall& call, std::string_view padding, std::int64_t size,
                     std::int64_t extent, std::int64_t stride) {
  if (padding == "valid") return {};
  if (padding == "causal") return {extent - 1, 0};
  call.require(padding == "same" && size >= 0, "the padding valid, same or causal");
  const std::int64_t out = ceil_div(size, stride);
  const std::int64_t total = std::max<std::int64_t>(
      checked_add(checked_mul(std::max<std::int64_t>(out - 1, 0), stride), extent - size), 0);
  return {total / 2, total - total / 2};
}

Tensor keras_dense(Tensor x, Tensor kernel, Tensor bias) {
  return linear(x, name_axes(kernel, {1, 0}), bias);
}

}  // namespace zoometer
