// Tensors made of nothing: constants of a shape, ranges, random numbers.
#include <algorithm>
#include <cmath>

#include "import/onnx/fold.hpp"
#include "import/onnx/reader.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

OnnxOutcome emit_range(OnnxContext& context) {
  double bounds[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    const KnownTensor* number = context.elements(i);
    if (number == nullptr) return OnnxOutcome::depends_on_data;
    context.require(number->count() == 1, "three single numbers");
    bounds[i] = number->real(0);
  }
  context.require(bounds[2] != 0, "a step other than 0");
  const double end = (bounds[1] - bounds[0]) / bounds[2] > 0 ? bounds[1] : bounds[0];
  return context.out(arange(context.graph(), bounds[0], end, bounds[2], context.dtype(0)));
}

OnnxOutcome emit_constant_of_shape(OnnxContext& context) {
  context.take_unknown(0);
  const auto sizes = context.integers(0);
  if (!sizes) return OnnxOutcome::depends_on_data;
  const OnnxAttribute* value = context.attribute("value");
  const DType dtype =
      value == nullptr ? DType::float32 : context.reader().records().tensor(value->tensor).dtype;
  return context.out(full(context.graph(), Shape(context.short_list(*sizes)), 0, dtype));
}

OnnxOutcome emit_eye_like(OnnxContext& context) {
  const Shape shape = context.shape(0);
  context.require(shape.rank() == 2, "an input of rank 2");
  const OnnxAttribute* dtype = context.attribute("dtype");
  const DType type = dtype != nullptr ? onnx_dtype(dtype->integer) : context.dtype(0);
  const std::int64_t offset = context.integer("k", 0);
  return context.out(identity_matrix(context.graph(), shape, offset, type));
}

OnnxOutcome emit_random(OnnxContext& context, const Shape& shape, DType otherwise) {
  const OnnxAttribute* dtype = context.attribute("dtype");
  const bool is_normal = context.node().op_type.starts_with("RandomNormal");
  const RandomAttrs attrs{shape, dtype != nullptr ? onnx_dtype(dtype->integer) : otherwise,
                          is_normal ? "normal" : "uniform"};
  return context.out(context.append(random_op, attrs, {}));
}

OnnxOutcome emit_random_of_shape(OnnxContext& context) {
  const auto sizes = context.integers("shape");
  context.require(sizes.has_value(), "a shape");
  return emit_random(context, Shape(context.short_list(*sizes)), DType::float32);
}

OnnxOutcome emit_random_like(OnnxContext& context) {
  return emit_random(context, context.shape(0), context.dtype(0));
}

OnnxOutcome emit_multinomial(OnnxContext& context) {
  const Shape& x = context.shape(0);
  context.require(x.rank() == 2, "an input of rank 2");
  const RandomAttrs attrs{{x.dim(0), context.integer("sample_size", 1)},
                          onnx_dtype(context.integer("dtype", 6)),
                          "multinomial"};
  return context.out(context.append(random_op, attrs, {}));
}

bool declare_range(OnnxContext& context, const DeclaredType& type) {
  if (type.shape.rank() != 1) return false;
  for (std::size_t i = 0; i < 3; ++i) context.take_unknown(i);
  const auto length = static_cast<double>(type.shape[0]);
  context.out(arange(context.graph(), 0, length, 1, context.dtype(0)));
  return true;
}

bool declare_constant(OnnxContext& context, const DeclaredType& type) {
  context.out(full(context.graph(), type.shape, 0, type.dtype));
  return true;
}

// -- folds --------------------------------------------------------------------------------------

bool fold_constant_of_shape(OnnxContext& context) {
  const auto sizes = context.integers(0);
  if (!sizes) return false;
  Shape shape(context.short_list(*sizes));
  for (const std::int64_t size : shape) context.require(size >= 0, "sizes of at least 0");
  numel(shape);
  FoldElements elements;
  const OnnxAttribute* value = context.attribute("value");
  if (value == nullptr) {
    elements.reals.push_back(0);
    return finish_fold(context, DType::float32, shape, elements, true);
  }
  const OnnxTensor tensor = context.reader().records().tensor(value->tensor);
  if (numel(tensor.shape) != 1 ||
      !context.reader().records().elements(tensor, elements.integers, elements.reals)) {
    return false;
  }
  return finish_fold(context, tensor.dtype, shape, elements, true);
}

bool fold_range(OnnxContext& context) {
  if (context.input_count() != 3) return false;
  for (std::size_t i = 0; i < 3; ++i) {
    if (fold_input(context, i).count() != 1) return false;
  }
  const KnownTensor& start = fold_input(context, 0);
  if (start.is_real()) return false;
  const std::int64_t from = start.integer(0);
  const std::int64_t to = fold_input(context, 1).integer(0);
  const std::int64_t step = fold_input(context, 2).integer(0);
  context.require(step != 0, "a step other than 0");
  const double count =
      std::ceil((static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(step));
  if (count > static_cast<double>(most_folded)) return false;
  FoldElements elements;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(std::max(count, 0.0)); ++i) {
    std::int64_t element = 0;
    if (__builtin_mul_overflow(i, step, &element) ||
        __builtin_add_overflow(from, element, &element))
      return false;
    elements.integers.push_back(element);
  }
  return finish_fold(context, start.dtype, {static_cast<std::int64_t>(elements.integers.size())},
                     elements);
}

using enum Meaning;

constexpr NoEffect constant_no_effect[] = {{"value", "which number is written"}};

constexpr NoEffect random_no_effect[] = {
    {"seed", "other numbers, as many of them"},  {"mean", "other numbers, as many of them"},
    {"scale", "other numbers, as many of them"}, {"low", "other numbers, as many of them"},
    {"high", "other numbers, as many of them"},
};

constexpr OnnxOperator creation_rows[] = {
    {"ConstantOfShape",
     same_values,
     emit_constant_of_shape,
     {.fold = fold_constant_of_shape,
      .settings = {0},
      .emit_declared = declare_constant,
      .no_effect = constant_no_effect}},
    {"EyeLike", same_values, emit_eye_like},
    {"Multinomial", same_cost, emit_multinomial, {.no_effect = random_no_effect}},
    {"RandomNormal", same_values, emit_random_of_shape, {.no_effect = random_no_effect}},
    {"RandomNormalLike", same_values, emit_random_like, {.no_effect = random_no_effect}},
    {"RandomUniform", same_values, emit_random_of_shape, {.no_effect = random_no_effect}},
    {"RandomUniformLike", same_values, emit_random_like, {.no_effect = random_no_effect}},
    {"Range",
     same_values,
     emit_range,
     {.fold = fold_range, .settings = {0, 1, 2}, .emit_declared = declare_range}},
};

}  // namespace

extern constinit const OnnxOperators onnx_creation_operators = {"", creation_rows};

}  // namespace zoometer
