// Operations outside of layers: keras.ops, Python's operators on tensors, and TensorFlow's
// functions in files of Keras 2 (TFOpLambda).
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "import/keras/call.hpp"
#include "op/indexing.hpp"
#include "op/mobile.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

bool emit_unary_op(KerasCall& call) {
  const bool is_planar = call.are_planar();
  const Tensor result = unary(*call.row().op, is_planar ? call.planar_in(0) : call.in());
  return is_planar ? call.out_planar(result) : call.out(result);
}

/// An operand of an operation: a tensor of the model, or a number or a constant of the file.
struct OpOperand {
  Tensor tensor;      ///< without a graph where it is a number
  double number = 0;  ///< of a number alone
};

/// The operands of an operation, at most so many.
std::vector<OpOperand> op_operands(KerasCall& call, std::size_t most) {
  std::vector<OpOperand> result;
  for (const KerasOperand& operand : call.operands()) {
    if (result.size() == most) break;
    if (operand.value != no_keras_value) {
      result.push_back({call.reader().last(operand.value)});
    } else if (operand.constant->IsNumber()) {
      result.push_back({{}, operand.constant->GetDouble()});
    } else if (const std::optional<Shape> shape = keras_constant_shape(*operand.constant)) {
      // The layer's own name where it has one constant, as it may be called again.
      const std::string name = result.empty() ? "constant" : "constant_1";
      result.push_back(
          {call.stored({name, *shape, call.policy().variable, ParameterKind::constant, false})});
    }
  }
  return result;
}

/// Two tensors, or a tensor and a number on either side.
bool emit_binary_op(KerasCall& call) {
  const std::vector<OpOperand> operands = op_operands(call, 2);
  call.require(operands.size() == 2 &&
                   (operands[0].tensor.graph != nullptr || operands[1].tensor.graph != nullptr),
               "two operands");
  const auto& [a, b] = std::pair(operands[0], operands[1]);
  const OpDef& op = *call.row().op;
  if (a.tensor.graph == nullptr)
    return call.out(binary(op, full(call.graph(), {}, a.number, b.tensor.dtype()), b.tensor));
  if (b.tensor.graph == nullptr) return call.out(binary(op, a.tensor, b.number));
  return call.out(binary(op, a.tensor, b.tensor));
}

Ints op_axes(KerasCall& call, std::int64_t rank) {
  Ints result;
  for (const std::int64_t each : call.list({"axis", "axes", "reduction_indices"})) {
    const std::int64_t axis = call.axis(each, rank);
    if (std::ranges::count(result, axis) == 0) result.push_back(axis);
  }
  if (result.empty())
    for (std::int64_t i = 0; i < rank; ++i) result.push_back(i);
  return result;
}

bool emit_reduction(KerasCall& call) {
  const Tensor x = call.in();
  const bool keeps = call.flag({"keepdims", "keep_dims"}, false);
  return call.out(reduce(*call.row().op, x, op_axes(call, x.rank()), keeps));
}

bool emit_arg_reduction(KerasCall& call) {
  const Tensor x = call.in();
  const bool keeps = call.flag({"keepdims"}, false);
  const std::int64_t axis = call.axis(call.integer({"axis"}, 0), x.rank());
  return call.out(reduce(*call.row().op, x, {axis}, keeps));
}

bool emit_variance(KerasCall& call) {
  const Tensor x = call.in();
  VarAttrs attrs;
  attrs.dims = op_axes(call, x.rank());
  attrs.keepdim = call.flag({"keepdims"}, false);
  attrs.correction = 0;
  const Tensor result = variance(x, attrs);
  return call.out(call.row().op == &sqrt_op ? unary(sqrt_op, result) : result);
}

bool emit_softmax_op(KerasCall& call) {
  const Tensor x = call.in();
  const std::int64_t axis = call.axis(call.integer({"axis"}, -1), x.rank());
  return call.out(call.row().op == &softmax_op ? softmax(x, axis) : log_softmax(x, axis));
}

bool emit_function(KerasCall& call) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"Elu", "elu"}, {"Celu", "celu"},         {"Gelu", "gelu"}, {"LeakyRelu", "leaky_relu"},
      {"Glu", "glu"}, {"HardTanh", "hard_tanh"}};
  for (const auto& [name, function] : names)
    if (call.row().name == name) return call.out(call.apply_function(call.in(), function, -1));
  return false;
}

bool emit_square(KerasCall& call) {
  const Tensor x = call.in();
  return call.out(x * x);
}

bool emit_clip(KerasCall& call) {
  return call.out(clamp(call.in(), call.real({"x_min", "clip_value_min"}, 0),
                        call.real({"x_max", "clip_value_max"}, 1)));
}

bool emit_cast_op(KerasCall& call) {
  const std::string_view name = call.text({"dtype"}, "float32");
  const std::optional<DType> dtype = name == "bool" ? DType::boolean : dtype_from_name(name);
  return call.out(to(call.reader().last(call.handle(0)), dtype.value_or(DType::float32)));
}

bool emit_where_op(KerasCall& call) {
  std::vector<OpOperand> operands = op_operands(call, 3);
  call.require(operands.size() == 3 && operands[0].tensor.graph != nullptr,
               "a condition and two operands");
  for (OpOperand& each : operands)
    if (each.tensor.graph == nullptr)
      each.tensor = full(call.graph(), {}, each.number, DType::float32);
  return call.out(where(operands[0].tensor, operands[1].tensor, operands[2].tensor));
}

// -- products -----------------------------------------------------------------------------------

bool emit_matmul_op(KerasCall& call) {
  Tensor x = call.in(0);
  Tensor y = call.in(1);
  const auto swapped = [](Tensor each) {
    Ints dims;
    for (std::int64_t i = 0; i < each.rank(); ++i) dims.push_back(i);
    if (dims.size() >= 2) std::swap(dims[dims.size() - 2], dims[dims.size() - 1]);
    return name_axes(each, dims);
  };
  if (call.flag({"transpose_a"}, false)) x = swapped(x);
  if (call.flag({"transpose_b"}, false)) y = swapped(y);
  return call.out(matmul(x, y));
}

bool emit_einsum_op(KerasCall& call) {
  std::string_view text = call.text({"subscripts", "equation"}, "");
  for (const KerasOperand& operand : call.operands())
    if (text.empty() && operand.constant != nullptr && operand.constant->IsString())
      text = {operand.constant->GetString(), operand.constant->GetStringLength()};
  if (call.input_count() != 2 || text.find("...") != std::string_view::npos) return false;
  std::string plain;
  for (const char c : text)
    if (c != ' ') plain += c;
  return call.out(einsum(call.graph().arena().copy(plain), call.in(0), call.in(1)));
}

// -- movement -----------------------------------------------------------------------------------

/// A list of sizes among the settings or the operands.
Ints sizes_operand(KerasCall& call, std::initializer_list<std::string_view> names) {
  Ints sizes = call.list(names);
  for (const KerasOperand& operand : call.operands())
    if (sizes.empty() && operand.name.empty() && operand.constant != nullptr &&
        operand.constant->IsArray())
      sizes = keras_numbers(*operand.constant);
  return sizes;
}

bool emit_reshape_op(KerasCall& call) {
  const Tensor x = call.in();
  Ints sizes = sizes_operand(call, {"newshape", "shape"});
  // null is the batch.
  if (!sizes.empty() && std::ranges::count(sizes, -1) > 1 && sizes[0] == -1 && x.rank() >= 1)
    sizes[0] = x.dim(0);
  return call.out(reshape(x, sizes));
}

bool emit_transpose_op(KerasCall& call) {
  const Tensor x = call.in();
  Ints dims = sizes_operand(call, {"axes", "perm"});
  if (dims.empty())
    for (std::int64_t i = x.rank(); i > 0; --i) dims.push_back(i - 1);
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] = call.axis(dims[i], x.rank());
  return call.out(permute(x, dims));
}

bool emit_swap_axes(KerasCall& call) {
  const Tensor x = call.in();
  return call.out(transpose(x, call.axis(call.integer({"axis1"}, 0), x.rank()),
                            call.axis(call.integer({"axis2"}, 1), x.rank())));
}

bool emit_expand_dims(KerasCall& call) {
  const Tensor x = call.in();
  const std::int64_t axis = call.integer({"axis"}, 0);
  call.require(axis >= -x.rank() - 1 && axis <= x.rank(), "an axis of the result");
  return call.out(unsqueeze(x, axis));
}

bool emit_squeeze_op(KerasCall& call) {
  Tensor x = call.in();
  Ints axes;
  for (const std::int64_t each : call.list({"axis"})) axes.push_back(call.axis(each, x.rank()));
  for (std::int64_t i = x.rank(); i > 0; --i) {
    const bool is_named = axes.empty() || std::ranges::count(axes, i - 1) > 0;
    if (is_named && x.dim(i - 1) == 1) x = squeeze(x, i - 1);
  }
  return call.out(x.id == call.in().id ? clone(x) : x);
}

std::vector<Tensor> all_operands(KerasCall& call) {
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < call.input_count(); ++i) operands.push_back(call.in(i));
  call.require(!operands.empty(), "an operand");
  return operands;
}

bool emit_concatenate_op(KerasCall& call) {
  const std::vector<Tensor> operands = all_operands(call);
  return call.out(cat(operands, call.axis(call.integer({"axis"}, 0), operands[0].rank())));
}

bool emit_stack_op(KerasCall& call) {
  const std::vector<Tensor> operands = all_operands(call);
  const std::int64_t axis = call.integer({"axis"}, 0);
  return call.out(stack(operands, call.axis(axis, operands[0].rank() + 1)));
}

bool emit_split_op(KerasCall& call) {
  const Tensor x = call.in();
  const Json* parts = call.option({"indices_or_sections", "num_or_size_splits"});
  const std::int64_t axis = call.axis(call.integer({"axis"}, 0), x.rank());
  if (parts == nullptr) return false;
  const std::int64_t length = x.dim(axis);
  std::vector<std::int64_t> sizes;
  constexpr std::int64_t most = 4096;
  if (parts->IsArray()) {
    const bool are_sizes = call.option({"num_or_size_splits"}) != nullptr;
    std::int64_t last = 0;
    call.require(parts->Size() <= most, "at most 4096 parts");
    for (const Json& each : parts->GetArray()) {
      call.require(each.IsInt64() && each.GetInt64() >= 0 && each.GetInt64() <= length,
                   "places of the axis");
      sizes.push_back(are_sizes ? each.GetInt64() : each.GetInt64() - last);
      last = each.GetInt64();
    }
    if (!are_sizes) sizes.push_back(length - last);
  } else {
    const std::int64_t count = call.integer({"indices_or_sections", "num_or_size_splits"}, 1);
    call.require(count >= 1 && count <= most && length % count == 0, "equal parts");
    sizes.assign(static_cast<std::size_t>(count), length / count);
  }
  const Chunks pieces = split(x, sizes, axis);
  for (std::size_t i = 0; i < pieces.size(); ++i) call.out(pieces[i]);
  return true;
}

bool emit_tile_op(KerasCall& call) {
  return call.out(repeat(call.in(), sizes_operand(call, {"repeats", "multiples"})));
}

bool emit_broadcast_op(KerasCall& call) {
  Ints sizes = sizes_operand(call, {"shape"});
  return call.out(expand(call.in(), sizes));
}

bool emit_flip_op(KerasCall& call) {
  const Tensor x = call.in();
  return call.out(flip(x, op_axes(call, x.rank())));
}

bool emit_pad_op(KerasCall& call) {
  const Tensor x = call.in();
  const Json* edges = call.option({"pad_width", "paddings"});
  if (edges == nullptr || !edges->IsArray()) return false;
  call.require(static_cast<std::int64_t>(edges->Size()) == x.rank(), "two sizes for each axis");
  PadAttrs attrs;
  for (const Json& each : edges->GetArray()) {
    const Ints pair = keras_numbers(each);
    call.require(pair.size() == 2, "pairs");
    attrs.before.push_back(pair[0]);
    attrs.after.push_back(pair[1]);
  }
  call.text({"mode"}, "constant");
  return call.out(pad(x, attrs));
}

bool emit_take(KerasCall& call) {
  const Tensor x = call.in(0);
  const Json* axis = call.option({"axis"});
  if (call.input_count() < 2) return false;
  const Tensor indices = call.reader().last(call.handle(1));
  const std::int64_t along = axis == nullptr ? 0 : call.axis(call.integer({"axis"}, 0), x.rank());
  return call.out(advanced_index(x, std::vector<Tensor>{indices}, {along}));
}

/// One entry of a slice's list.
struct SlicePart {
  bool is_index = false;
  std::int64_t start = 0, stop = 0, step = 1;
  bool has_start = false, has_stop = false;
};

SlicePart slice_part(KerasCall& call, const Json& json) {
  SlicePart part;
  if (json.IsInt64()) {
    part.is_index = true;
    part.start = json.GetInt64();
    return part;
  }
  const Json* inner = find_member(json, "config");
  const Json& own = inner != nullptr ? *inner : json;
  const auto read = [&](std::string_view name, std::int64_t& value) {
    const Json* found = find_member(own, name);
    call.require(found == nullptr || found->IsInt64(), "slices of numbers");
    if (found != nullptr) value = found->GetInt64();
    return found != nullptr;
  };
  part.has_start = read("start", part.start);
  part.has_stop = read("stop", part.stop);
  read("step", part.step);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  call.require(part.step != 0 && std::abs(part.step) <= most && part.start >= -most &&
                   part.start <= most && part.stop >= -most && part.stop <= most,
               "steps other than 0");
  return part;
}

bool emit_get_item(KerasCall& call) {
  Tensor x = call.in();
  const Json* key = call.option({"slice_spec", "key"});
  for (const KerasOperand& operand : call.operands())
    if (key == nullptr && operand.constant != nullptr) key = operand.constant;
  if (key == nullptr || call.input_count() != 1) return false;
  std::vector<const Json*> parts;
  if (key->IsArray()) {
    call.require(key->Size() <= 32, "at most 32 entries");
    for (const Json& each : key->GetArray()) parts.push_back(&each);
  } else {
    parts.push_back(key);
  }
  const auto is_ellipsis = [](const Json& each) {
    return find_text(each, "class_name") == "__ellipsis__" ||
           (each.IsString() && view_of(each) == "...");
  };
  std::int64_t named = 0;
  for (const Json* each : parts) named += each->IsNull() || is_ellipsis(*each) ? 0 : 1;
  call.require(named <= x.rank(), "at most as many entries as axes");
  std::int64_t axis = 0;
  std::int64_t spare = x.rank() - named;
  bool moved = false;
  for (const Json* each : parts) {
    if (is_ellipsis(*each)) {
      axis += std::exchange(spare, 0);
      continue;
    }
    moved = true;
    if (each->IsNull()) {
      x = unsqueeze(x, axis++);
      continue;
    }
    const SlicePart part = slice_part(call, *each);
    const std::int64_t length = x.dim(axis);
    if (part.is_index) {
      call.require(part.start >= -length && part.start < length, "an index of the axis");
      x = select(x, axis, part.start);
      continue;
    }
    if (part.step < 0) {
      call.require(!part.has_start && !part.has_stop, "whole axes where steps go back");
      x = flip(x, {axis});
      if (part.step < -1) x = slice(x, axis, 0, length, -part.step);
    } else if (part.has_start || part.has_stop || part.step != 1) {
      const auto placed = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + length : at, 0, length);
      };
      const std::int64_t start = part.has_start ? placed(part.start) : 0;
      const std::int64_t stop = part.has_stop ? placed(part.stop) : length;
      x = slice(x, axis, start, std::max(start, stop), part.step);
    }
    ++axis;
  }
  return call.out(moved ? x : clone(x));
}

bool emit_identity_op(KerasCall& call) { return call.out_handle(call.handle(0)); }

bool emit_like(KerasCall& call) {
  const Tensor x = call.in();
  return call.out(full_like(x, call.row().number == 0 ? 0 : 1, x.dtype()));
}

bool emit_l2_normalize(KerasCall& call) {
  const Tensor x = call.in();
  return call.out(x * unary(rsqrt_op, sum(x * x, op_axes(call, x.rank()), true)));
}

bool emit_resize_op(KerasCall& call) {
  const Ints size = sizes_operand(call, {"size"});
  const std::string_view kind = call.text({"interpolation", "method"}, "bilinear");
  call.require(size.size() == 2, "a height and a width");
  const Tensor x = call.image(2);
  const Spatial wanted{size[0], size[1]};
  return call.out_image(kind == "nearest"    ? upsample_nearest(x, wanted)
                        : kind == "bilinear" ? upsample_linear(x, wanted)
                                             : upsample_bicubic(x, wanted));
}

/// TensorFlow's functions and Keras's operations.
constexpr std::pair<std::string_view, std::string_view> tensorflow_names[] = {
    {"multiply", "ops.Multiply"},
    {"mul", "ops.Multiply"},
    {"add", "ops.Add"},
    {"subtract", "ops.Subtract"},
    {"sub", "ops.Subtract"},
    {"truediv", "Divide"},
    {"divide", "Divide"},
    {"realdiv", "Divide"},
    {"floordiv", "FloorDivide"},
    {"mod", "Mod"},
    {"pow", "Power"},
    {"maximum", "ops.Maximum"},
    {"minimum", "ops.Minimum"},
    {"greater", "Greater"},
    {"greater_equal", "GreaterEqual"},
    {"less", "Less"},
    {"less_equal", "LessEqual"},
    {"equal", "Equal"},
    {"not_equal", "NotEqual"},
    {"matmul", "Matmul"},
    {"einsum", "Einsum"},
    {"concat", "ops.Concatenate"},
    {"stack", "Stack"},
    {"split", "Split"},
    {"reshape", "ops.Reshape"},
    {"transpose", "Transpose"},
    {"reduce_mean", "Mean"},
    {"reduce_sum", "Sum"},
    {"reduce_max", "Max"},
    {"reduce_min", "Min"},
    {"reduce_prod", "Prod"},
    {"expand_dims", "ExpandDims"},
    {"squeeze", "Squeeze"},
    {"tile", "Tile"},
    {"cast", "Cast"},
    {"relu", "ops.Relu"},
    {"relu6", "Relu6"},
    {"sigmoid", "Sigmoid"},
    {"tanh", "Tanh"},
    {"softmax", "ops.Softmax"},
    {"log_softmax", "LogSoftmax"},
    {"gelu", "Gelu"},
    {"swish", "Silu"},
    {"silu", "Silu"},
    {"leaky_relu", "LeakyRelu"},
    {"exp", "Exp"},
    {"log", "Log"},
    {"sqrt", "Sqrt"},
    {"rsqrt", "Rsqrt"},
    {"square", "Square"},
    {"abs", "Absolute"},
    {"negative", "Negative"},
    {"neg", "Negative"},
    {"floor", "Floor"},
    {"round", "Round"},
    {"sign", "Sign"},
    {"where", "Where"},
    {"gather", "Take"},
    {"pad", "Pad"},
    {"resize", "Resize"},
    {"clip_by_value", "Clip"},
    {"zeros_like", "ZerosLike"},
    {"ones_like", "OnesLike"},
    {"identity", "ops.Identity"},
    {"stop_gradient", "StopGradient"},
    {"l2_normalize", "Normalize"},
    {"argmax", "Argmax"},
    {"getitem", "GetItem"},
};

bool emit_tensorflow(KerasCall& call) {
  std::string_view function = call.text({"function"}, "__operators__.getitem");
  function.remove_prefix(function.rfind('.') + 1);
  const auto found = std::ranges::find_if(tensorflow_names,
                                          [&](const auto& each) { return each.first == function; });
  if (found == std::end(tensorflow_names)) return false;
  for (const KerasOperators* group : keras_operators()) {
    for (const KerasOperator& row : group->rows) {
      if (row.name != found->second) continue;
      KerasCall inner(call.reader(), call.application(), call.state(), row);
      if (!row.emit(inner)) return false;
      for (const KerasHandle each : inner.results()) call.out_handle(each);
      return true;
    }
  }
  return false;
}

constexpr KerasOperator op_rows[] = {
    {"TFOpLambda", emit_tensorflow},
    {"SlicingOpLambda", emit_tensorflow},
    {"ops.Relu", emit_unary_op, 0, &relu_op},
    {"Relu", emit_unary_op, 0, &relu_op},
    {"Relu6", emit_unary_op, 0, &relu6_op},
    {"Selu", emit_unary_op, 0, &selu_op},
    {"Sigmoid", emit_unary_op, 0, &sigmoid_op},
    {"HardSigmoid", emit_unary_op, 0, &hardsigmoid_op},
    {"HardSilu", emit_unary_op, 0, &hardswish_op},
    {"Silu", emit_unary_op, 0, &silu_op},
    {"Tanh", emit_unary_op, 0, &tanh_op},
    {"Softplus", emit_unary_op, 0, &softplus_op},
    {"Softsign", emit_unary_op, 0, &softsign_op},
    {"LogSigmoid", emit_unary_op, 0, &log_sigmoid_op},
    {"Absolute", emit_unary_op, 0, &abs_op},
    {"Negative", emit_unary_op, 0, &neg_op},
    {"Exp", emit_unary_op, 0, &exp_op},
    {"Expm1", emit_unary_op, 0, &expm1_op},
    {"Log", emit_unary_op, 0, &log_op},
    {"Log1p", emit_unary_op, 0, &log1p_op},
    {"Log2", emit_unary_op, 0, &log2_op},
    {"Log10", emit_unary_op, 0, &log10_op},
    {"Sqrt", emit_unary_op, 0, &sqrt_op},
    {"Rsqrt", emit_unary_op, 0, &rsqrt_op},
    {"Reciprocal", emit_unary_op, 0, &reciprocal_op},
    {"Sign", emit_unary_op, 0, &sign_op},
    {"Floor", emit_unary_op, 0, &floor_op},
    {"Ceil", emit_unary_op, 0, &ceil_op},
    {"Round", emit_unary_op, 0, &round_op, "decimals"},
    {"Sin", emit_unary_op, 0, &sin_op},
    {"Cos", emit_unary_op, 0, &cos_op},
    {"Tan", emit_unary_op, 0, &tan_op},
    {"Sinh", emit_unary_op, 0, &sinh_op},
    {"Cosh", emit_unary_op, 0, &cosh_op},
    {"Arcsin", emit_unary_op, 0, &asin_op},
    {"Arccos", emit_unary_op, 0, &acos_op},
    {"Arctan", emit_unary_op, 0, &atan_op},
    {"Erf", emit_unary_op, 0, &erf_op},
    {"Isnan", emit_unary_op, 0, &isnan_op},
    {"Isfinite", emit_unary_op, 0, &isfinite_op},
    {"LogicalNot", emit_unary_op, 0, &logical_not_op},
    {"Square", emit_square},
    {"Elu", emit_function, 0, nullptr, "alpha"},
    {"Celu", emit_function, 0, nullptr, "alpha"},
    {"Gelu", emit_function, 0, nullptr, "approximate"},
    {"LeakyRelu", emit_function, 0, nullptr, "negative_slope"},
    {"Glu", emit_function, 0, nullptr, "axis"},
    {"HardTanh", emit_function},
    {"ops.Softmax", emit_softmax_op, 0, &softmax_op},
    {"LogSoftmax", emit_softmax_op, 0, &log_softmax_op},
    {"ops.Add", emit_binary_op, 0, &add_op},
    {"ops.Subtract", emit_binary_op, 0, &sub_op},
    {"ops.Multiply", emit_binary_op, 0, &mul_op},
    {"ops.Maximum", emit_binary_op, 0, &maximum_op},
    {"ops.Minimum", emit_binary_op, 0, &minimum_op},
    {"Divide", emit_binary_op, 0, &div_op},
    {"TrueDivide", emit_binary_op, 0, &div_op},
    {"FloorDivide", emit_binary_op, 0, &floor_divide_op},
    {"Mod", emit_binary_op, 0, &remainder_op},
    {"Power", emit_binary_op, 0, &pow_op},
    {"Arctan2", emit_binary_op, 0, &atan2_op},
    {"Greater", emit_binary_op, 0, &gt_op},
    {"GreaterEqual", emit_binary_op, 0, &ge_op},
    {"Less", emit_binary_op, 0, &lt_op},
    {"LessEqual", emit_binary_op, 0, &le_op},
    {"Equal", emit_binary_op, 0, &eq_op},
    {"NotEqual", emit_binary_op, 0, &ne_op},
    {"LogicalAnd", emit_binary_op, 0, &logical_and_op},
    {"LogicalOr", emit_binary_op, 0, &logical_or_op},
    {"LogicalXor", emit_binary_op, 0, &logical_xor_op},
    {"Mean", emit_reduction, 0, &mean_op},
    {"Sum", emit_reduction, 0, &sum_op},
    {"Max", emit_reduction, 0, &amax_op, "initial"},
    {"Min", emit_reduction, 0, &amin_op, "initial"},
    {"Prod", emit_reduction, 0, &prod_op},
    {"Any", emit_reduction, 0, &any_op},
    {"All", emit_reduction, 0, &all_op},
    {"Logsumexp", emit_reduction, 0, &logsumexp_op},
    {"Argmax", emit_arg_reduction, 0, &argmax_op},
    {"Argmin", emit_arg_reduction, 0, &argmin_op},
    {"Var", emit_variance},
    {"Std", emit_variance, 0, &sqrt_op},
    {"Clip", emit_clip},
    {"Cast", emit_cast_op},
    {"Where", emit_where_op},
    {"Matmul", emit_matmul_op},
    {"Einsum", emit_einsum_op},
    {"ops.Reshape", emit_reshape_op},
    {"Transpose", emit_transpose_op},
    {"Swapaxes", emit_swap_axes},
    {"ExpandDims", emit_expand_dims},
    {"Squeeze", emit_squeeze_op},
    {"ops.Concatenate", emit_concatenate_op},
    {"Stack", emit_stack_op},
    {"Split", emit_split_op},
    {"Tile", emit_tile_op},
    {"BroadcastTo", emit_broadcast_op},
    {"Flip", emit_flip_op},
    {"Pad", emit_pad_op, 0, nullptr, "constant_values"},
    {"Take", emit_take},
    {"GetItem", emit_get_item},
    {"ZerosLike", emit_like, 0},
    {"OnesLike", emit_like, 1},
    {"ops.Identity", emit_identity_op},
    {"StopGradient", emit_identity_op},
    {"Normalize", emit_l2_normalize, 0, nullptr, "order epsilon"},
    {"Resize", emit_resize_op, 0, nullptr,
     "antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value"},
};

}  // namespace

extern constinit const KerasOperators keras_op_operators = {op_rows};

}  // namespace zoometer
