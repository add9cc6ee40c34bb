// Names of operators, and what handlers share.
#include "import/tflite/call.hpp"

#include <algorithm>
#include <cstring>

#include "op/mobile.hpp"
#include "op/quantize.hpp"
#include "util/text.hpp"
#include "zoometer/op/elementwise.hpp"

namespace zoometer {
namespace {

/// Builtin operators, by their numbers.
constexpr std::string_view tflite_names[] = {"ADD",
                                             "AVERAGE_POOL_2D",
                                             "CONCATENATION",
                                             "CONV_2D",
                                             "DEPTHWISE_CONV_2D",
                                             "DEPTH_TO_SPACE",
                                             "DEQUANTIZE",
                                             "EMBEDDING_LOOKUP",
                                             "FLOOR",
                                             "FULLY_CONNECTED",
                                             "HASHTABLE_LOOKUP",
                                             "L2_NORMALIZATION",
                                             "L2_POOL_2D",
                                             "LOCAL_RESPONSE_NORMALIZATION",
                                             "LOGISTIC",
                                             "LSH_PROJECTION",
                                             "LSTM",
                                             "MAX_POOL_2D",
                                             "MUL",
                                             "RELU",
                                             "RELU_N1_TO_1",
                                             "RELU6",
                                             "RESHAPE",
                                             "RESIZE_BILINEAR",
                                             "RNN",
                                             "SOFTMAX",
                                             "SPACE_TO_DEPTH",
                                             "SVDF",
                                             "TANH",
                                             "CONCAT_EMBEDDINGS",
                                             "SKIP_GRAM",
                                             "CALL",
                                             "CUSTOM",
                                             "EMBEDDING_LOOKUP_SPARSE",
                                             "PAD",
                                             "UNIDIRECTIONAL_SEQUENCE_RNN",
                                             "GATHER",
                                             "BATCH_TO_SPACE_ND",
                                             "SPACE_TO_BATCH_ND",
                                             "TRANSPOSE",
                                             "MEAN",
                                             "SUB",
                                             "DIV",
                                             "SQUEEZE",
                                             "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                             "STRIDED_SLICE",
                                             "BIDIRECTIONAL_SEQUENCE_RNN",
                                             "EXP",
                                             "TOPK_V2",
                                             "SPLIT",
                                             "LOG_SOFTMAX",
                                             "DELEGATE",
                                             "BIDIRECTIONAL_SEQUENCE_LSTM",
                                             "CAST",
                                             "PRELU",
                                             "MAXIMUM",
                                             "ARG_MAX",
                                             "MINIMUM",
                                             "LESS",
                                             "NEG",
                                             "PADV2",
                                             "GREATER",
                                             "GREATER_EQUAL",
                                             "LESS_EQUAL",
                                             "SELECT",
                                             "SLICE",
                                             "SIN",
                                             "TRANSPOSE_CONV",
                                             "SPARSE_TO_DENSE",
                                             "TILE",
                                             "EXPAND_DIMS",
                                             "EQUAL",
                                             "NOT_EQUAL",
                                             "LOG",
                                             "SUM",
                                             "SQRT",
                                             "RSQRT",
                                             "SHAPE",
                                             "POW",
                                             "ARG_MIN",
                                             "FAKE_QUANT",
                                             "REDUCE_PROD",
                                             "REDUCE_MAX",
                                             "PACK",
                                             "LOGICAL_OR",
                                             "ONE_HOT",
                                             "LOGICAL_AND",
                                             "LOGICAL_NOT",
                                             "UNPACK",
                                             "REDUCE_MIN",
                                             "FLOOR_DIV",
                                             "REDUCE_ANY",
                                             "SQUARE",
                                             "ZEROS_LIKE",
                                             "FILL",
                                             "FLOOR_MOD",
                                             "RANGE",
                                             "RESIZE_NEAREST_NEIGHBOR",
                                             "LEAKY_RELU",
                                             "SQUARED_DIFFERENCE",
                                             "MIRROR_PAD",
                                             "ABS",
                                             "SPLIT_V",
                                             "UNIQUE",
                                             "CEIL",
                                             "REVERSE_V2",
                                             "ADD_N",
                                             "GATHER_ND",
                                             "COS",
                                             "WHERE",
                                             "RANK",
                                             "ELU",
                                             "REVERSE_SEQUENCE",
                                             "MATRIX_DIAG",
                                             "QUANTIZE",
                                             "MATRIX_SET_DIAG",
                                             "ROUND",
                                             "HARD_SWISH",
                                             "IF",
                                             "WHILE",
                                             "NON_MAX_SUPPRESSION_V4",
                                             "NON_MAX_SUPPRESSION_V5",
                                             "SCATTER_ND",
                                             "SELECT_V2",
                                             "DENSIFY",
                                             "SEGMENT_SUM",
                                             "BATCH_MATMUL",
                                             "PLACEHOLDER_FOR_GREATER_OP_CODES",
                                             "CUMSUM",
                                             "CALL_ONCE",
                                             "BROADCAST_TO",
                                             "RFFT2D",
                                             "CONV_3D",
                                             "IMAG",
                                             "REAL",
                                             "COMPLEX_ABS",
                                             "HASHTABLE",
                                             "HASHTABLE_FIND",
                                             "HASHTABLE_IMPORT",
                                             "HASHTABLE_SIZE",
                                             "REDUCE_ALL",
                                             "CONV_3D_TRANSPOSE",
                                             "VAR_HANDLE",
                                             "READ_VARIABLE",
                                             "ASSIGN_VARIABLE",
                                             "BROADCAST_ARGS",
                                             "RANDOM_STANDARD_NORMAL",
                                             "BUCKETIZE",
                                             "RANDOM_UNIFORM",
                                             "MULTINOMIAL",
                                             "GELU",
                                             "DYNAMIC_UPDATE_SLICE",
                                             "RELU_0_TO_1",
                                             "UNSORTED_SEGMENT_PROD",
                                             "UNSORTED_SEGMENT_MAX",
                                             "UNSORTED_SEGMENT_SUM",
                                             "ATAN2",
                                             "UNSORTED_SEGMENT_MIN",
                                             "SIGN",
                                             "BITCAST",
                                             "BITWISE_XOR",
                                             "RIGHT_SHIFT",
                                             "STABLEHLO_LOGISTIC",
                                             "STABLEHLO_ADD",
                                             "STABLEHLO_DIVIDE",
                                             "STABLEHLO_MULTIPLY",
                                             "STABLEHLO_MAXIMUM",
                                             "STABLEHLO_RESHAPE",
                                             "STABLEHLO_CLAMP",
                                             "STABLEHLO_CONCATENATE",
                                             "STABLEHLO_BROADCAST_IN_DIM",
                                             "STABLEHLO_CONVOLUTION",
                                             "STABLEHLO_SLICE",
                                             "STABLEHLO_CUSTOM_CALL",
                                             "STABLEHLO_REDUCE",
                                             "STABLEHLO_ABS",
                                             "STABLEHLO_AND",
                                             "STABLEHLO_COSINE",
                                             "STABLEHLO_EXPONENTIAL",
                                             "STABLEHLO_FLOOR",
                                             "STABLEHLO_LOG",
                                             "STABLEHLO_MINIMUM",
                                             "STABLEHLO_NEGATE",
                                             "STABLEHLO_OR",
                                             "STABLEHLO_POWER",
                                             "STABLEHLO_REMAINDER",
                                             "STABLEHLO_RSQRT",
                                             "STABLEHLO_SELECT",
                                             "STABLEHLO_SUBTRACT",
                                             "STABLEHLO_TANH",
                                             "STABLEHLO_SCATTER",
                                             "STABLEHLO_COMPARE",
                                             "STABLEHLO_CONVERT",
                                             "STABLEHLO_DYNAMIC_SLICE",
                                             "STABLEHLO_DYNAMIC_UPDATE_SLICE",
                                             "STABLEHLO_PAD",
                                             "STABLEHLO_IOTA",
                                             "STABLEHLO_DOT_GENERAL",
                                             "STABLEHLO_REDUCE_WINDOW",
                                             "STABLEHLO_SORT",
                                             "STABLEHLO_WHILE",
                                             "STABLEHLO_GATHER",
                                             "STABLEHLO_TRANSPOSE",
                                             "DILATE",
                                             "STABLEHLO_RNG_BIT_GENERATOR",
                                             "REDUCE_WINDOW",
                                             "STABLEHLO_COMPOSITE",
                                             "STABLEHLO_SHIFT_LEFT",
                                             "STABLEHLO_CBRT",
                                             "STABLEHLO_CASE"};

/// Channels last to channels first: (N, spatial..., C) -> (N, C, spatial...).
Ints planar_order(std::int64_t rank) {
  Ints dims{0, rank - 1};
  for (std::int64_t i = 1; i + 1 < rank; ++i) dims.push_back(i);
  return dims;
}

/// And back.
Ints last_order(std::int64_t rank) {
  Ints dims{0};
  for (std::int64_t i = 2; i < rank; ++i) dims.push_back(i);
  dims.push_back(1);
  return dims;
}

/// Fused activations, by their numbers.
enum class Activation : std::uint8_t { none, relu, relu_n1_to_1, relu6, tanh, sign_bit };

}  // namespace

std::string_view tflite_name(std::uint32_t code) noexcept {
  return code < std::size(tflite_names) ? tflite_names[code] : std::string_view{};
}

const TfliteOperator* find_tflite_operator(const TfliteNode& node) noexcept {
  static const std::vector<const TfliteOperator*> by_code = [] {
    std::vector<const TfliteOperator*> table(std::size(tflite_names));
    for (const TfliteOperators* group : tflite_operators())
      for (const TfliteOperator& row : group->rows)
        if (row.custom.empty()) table[row.code] = &row;
    return table;
  }();
  if (node.code != custom_code) return node.code < by_code.size() ? by_code[node.code] : nullptr;
  for (const TfliteOperators* group : tflite_operators())
    for (const TfliteOperator& row : group->rows)
      if (!row.custom.empty() && row.custom == node.custom) return &row;
  return nullptr;
}

std::int32_t TfliteCall::custom_option(std::size_t index) const {
  std::int32_t number = 0;
  require(node_.custom_options.size() / sizeof(number) > index, "its options");
  std::memcpy(&number, node_.custom_options.data() + index * sizeof(number), sizeof(number));
  return number;
}

void TfliteCall::require(bool holds, std::string_view expected) const {
  if (holds) [[likely]]
    return;
  Error error(ErrorCode::shape, std::string(name()), {std::string(expected), "other operands"});
  error.place.byte_offset = node_.at;
  throw error;
}

std::int64_t TfliteCall::axis(std::int64_t axis, std::int64_t rank) const {
  require(axis >= -rank && axis < rank, "an axis of its operand");
  return axis < 0 ? axis + rank : axis;
}

const TfliteTensor& TfliteCall::tensor(std::size_t index) const {
  require(has(index), "an input " + std::to_string(index));
  return frame_.subgraph.tensors[static_cast<std::size_t>(node_.inputs[index])];
}

Tensor TfliteCall::in(std::size_t index, TfliteRole role) {
  tensor(index);
  return reader_.enter(frame_, node_.inputs[index], role);
}

Tensor TfliteCall::optional_in(std::size_t index, TfliteRole role) {
  return has(index) ? in(index, role) : Tensor{&graph(), no_id};
}

Tensor TfliteCall::planar_in(std::size_t index) {
  const Tensor x = in(index);
  TfliteValue& value = frame_.values[static_cast<std::size_t>(node_.inputs[index])];
  require(x.rank() >= 3, "an operand with channels");
  if (value.planar == no_id) value.planar = name_axes(x, planar_order(x.rank())).id;
  return {&graph(), value.planar};
}

std::vector<Tensor> TfliteCall::all_inputs(std::size_t most) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < input_count() && tensors.size() < most; ++i)
    if (has(i)) tensors.push_back(in(i));
  require(!tensors.empty(), "an input");
  return tensors;
}

const TfliteKnown* TfliteCall::known(std::size_t index) {
  const TfliteKnown* found = has(index) ? reader_.known(frame_, node_.inputs[index]) : nullptr;
  guessed_ = guessed_ || (found != nullptr && found->guessed);
  return found;
}

std::int64_t TfliteCall::guess() {
  guessed_ = true;
  reader_.note("a size that data decides is taken as 1");
  return 1;
}

void TfliteCall::take_sizes_of(Tensor x) {
  guessed_ = guessed_ || graph().value(x.id).has(Value::assumed);
}

std::optional<std::int64_t> TfliteCall::integer(std::size_t index) {
  const TfliteKnown* found = known(index);
  if (found == nullptr || found->elements.size() != 1) return std::nullopt;
  return found->elements[0];
}

bool TfliteCall::is_quantised_weight(std::size_t index) const {
  if (!has(index)) return false;
  const TfliteTensor& weight = tensor(index);
  return weight.is_constant && !is_floating(weight.dtype) && weight.scales() > 0;
}

std::vector<std::int64_t> TfliteCall::option_list(unsigned field) {
  read_ |= std::uint64_t{1} << field;
  const std::vector<std::int32_t> found = node_.options.numbers<std::int32_t>(field);
  return {found.begin(), found.end()};
}

std::vector<std::int64_t> TfliteCall::option_longs(unsigned field) {
  read_ |= std::uint64_t{1} << field;
  return node_.options.numbers<std::int64_t>(field);
}

/// Options that the handler did not read and the row does not list as being without effect.
void TfliteCall::note_unread() {
  std::string_view words = row_.options;
  for (unsigned field = 0; field < std::min(64U, node_.options.field_count()); ++field) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    const bool was_read = (read_ >> field & 1U) != 0;
    if (was_read || word.starts_with('-') || !node_.options.has(field)) continue;
    const std::string label = word.empty() ? "option " + std::to_string(field) : std::string(word);
    reader_.ignore(name(), label, "set");
  }
}

bool TfliteCall::out(Tensor value, std::size_t index) {
  if (index >= node_.outputs.size()) return true;
  TfliteValue& target = frame_.values[static_cast<std::size_t>(node_.outputs[index])];
  target = {value.id, no_id, nullptr};
  const TfliteTensor& declared = output(index);
  const bool is_stored = graph().value(value.id).has(Value::is_parameter) ||
                         graph().value(value.id).has(Value::is_input);
  if (!is_stored && declared.dtype != DType::unknown) graph().set_dtype(value.id, declared.dtype);
  if (!is_stored && (guessed_ || graph().value(value.id).has(Value::assumed)))
    mark_guessed(value, declared);
  reader_.modules().made(value.id);
  return true;
}

/// The sizes that are guesses are among those that the file does not know.
void TfliteCall::mark_guessed(Tensor value, const TfliteTensor& declared) {
  UnknownSizes unknown = 0;
  const Shape& shape = value.shape();
  for (std::size_t i = 0; i < std::min(shape.size(), declared.shape.size()); ++i)
    if ((declared.unknown >> i & 1U) != 0 && shape[i] == 1) unknown |= UnknownSizes{1} << i;
  const bool is_stated = declared.has_shape && declared.unknown == 0 && shape == declared.shape;
  if (unknown != 0) {
    graph().mark_assumed(value.id, unknown);
  } else if (is_stated && !reader_.is_dynamic()) {
    graph().mark_exact(value.id);
  }
}

bool TfliteCall::out_planar(Tensor value) {
  if (output(0).dtype != DType::unknown) graph().set_dtype(value.id, output(0).dtype);
  const Tensor last = name_axes(value, last_order(value.rank()));
  out(last);
  frame_.values[static_cast<std::size_t>(node_.outputs[0])].planar = value.id;
  return true;
}

bool TfliteCall::out_known(TfliteKnown known) {
  known.guessed = guessed_;
  require(output_count() > 0, "a result");
  frame_.values[static_cast<std::size_t>(node_.outputs[0])] = {no_id, no_id,
                                                               reader_.keep(std::move(known))};
  return true;
}

Tensor TfliteCall::finished(Tensor value, unsigned activation_field, bool is_product) {
  const auto kind = static_cast<Activation>(option<std::int8_t>(activation_field));
  const TfliteTensor& result = output(0);
  const bool is_integer = !is_floating(result.dtype) && result.scales() > 0;
  if (is_integer) graph().set_dtype(value.id, result.dtype);
  const bool clamps =
      kind == Activation::relu || kind == Activation::relu6 || kind == Activation::relu_n1_to_1;
  if (is_integer && is_product) {
    if (clamps) reader_.note_fused();
    value = requantize(value, reader_.scale_of(frame_, node_.outputs[0]), {&graph(), no_id},
                       {.relu = clamps});
    if (clamps) return value;
  }
  switch (kind) {
  case Activation::none: return value;
  case Activation::relu: return unary(relu_op, value);
  case Activation::relu_n1_to_1: return clamp(value, -1, 1);
  case Activation::relu6: return unary(relu6_op, value);
  case Activation::tanh: return unary(tanh_op, value);
  case Activation::sign_bit: return unary(sign_op, value);
  }
  require(false, "a fused activation of 0 to 5");
  return value;
}

bool TfliteCall::out_moved(const Shape& sizes, std::size_t index, bool is_bounded) {
  if (index >= node_.outputs.size()) return true;
  // All operands for each of many results would be more than the file has.
  const std::vector<Tensor> operands = all_inputs(index == 0 ? SIZE_MAX : 1);
  const Tensor result = rearrange(operands, {graph().arena().copy(name()), sizes});
  if (is_bounded) graph().mark_bounded(result.id);
  return out(result, index);
}

bool TfliteCall::out_declared(std::size_t index) {
  if (index >= node_.outputs.size()) return true;
  out_moved(output(index).shape, index);
  const ValueId id = frame_.values[static_cast<std::size_t>(node_.outputs[index])].id;
  if (output(index).unknown != 0) graph().mark_assumed(id, output(index).unknown);
  return true;
}

bool TfliteCall::out_stored() {
  reader_.note(std::string(name()) +
               " has sizes that depend on data: its results have those that the file states");
  for (std::size_t i = 0; i < output_count(); ++i) out_declared(i);
  return true;
}

}  // namespace zoometer
