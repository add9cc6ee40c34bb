// Shape arithmetic: what exporters write as nodes (Shape, Gather, Concat, Reshape ...) and what has
// to be known before the shapes of the real work are.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "import/onnx/ops.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_elements = 4096;

/// To so many binary digits, ties to even; `least` is the exponent of the smallest number above 0,
/// and what is beyond `most` is infinite (IEEE 754).
double to_precision(double value, int digits, int least, double most) {
  if (value == 0 || !std::isfinite(value)) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  const int last = std::max(exponent - digits, least);
  const double result = std::ldexp(std::nearbyint(std::ldexp(value, -last)), last);
  return std::abs(result) <= most ? result : std::copysign(HUGE_VAL, value);
}

/// Rounds to the precision of the element type, as the real computation would.
double rounded(double value, DType dtype) {
  switch (dtype) {
  case DType::float64: return value;
  case DType::float16: return to_precision(value, 11, -24, 65504);
  case DType::bfloat16: return to_precision(value, 8, -133, 0x1.FEp127);
  default: return static_cast<double>(static_cast<float>(value));
  }
}

/// The elements of a result, of which only one kind is used.
struct Elements {
  std::vector<std::int64_t> integers;
  std::vector<double> reals;

  void append(const KnownTensor& from, std::size_t index) {
    if (from.is_real()) {
      reals.push_back(from.real(index));
    } else {
      integers.push_back(from.integer(index));
    }
  }
};

/// An input whose elements are known. Fails where the node has no such input.
const KnownTensor& input(const OnnxContext& context, std::size_t index) {
  context.value(index);
  return *context.known(index);
}

bool any_bounded(const OnnxContext& context) {
  for (std::size_t i = 0; i < context.input_count(); ++i) {
    const KnownTensor* tensor = context.known(i);
    if (tensor != nullptr && tensor->bounded) return true;
  }
  return false;
}

bool finish(OnnxContext& context, DType dtype, const Shape& shape, const Elements& elements,
            bool uniform = false, std::size_t output = 0) {
  KnownTensor result{.dtype = dtype, .shape = shape, .uniform = uniform};
  result.bounded = any_bounded(context);
  context.out(output, context.reader().keep(result, elements.integers, elements.reals));
  return true;
}

/// Picks the elements at these flat positions of the first input.
bool finish_picked(OnnxContext& context, const Shape& shape,
                   std::span<const std::int64_t> positions, std::size_t output = 0) {
  const KnownTensor& x = input(context, 0);
  Elements elements;
  for (const std::int64_t position : positions) {
    elements.append(x, static_cast<std::size_t>(position));
  }
  return finish(context, x.dtype, shape, elements, false, output);
}

/// The flat position in a tensor of shape `from` of element `index` of one of shape `to`, to which
/// it broadcasts.
std::size_t broadcast_position(std::size_t index, const Shape& to, const Shape& from) {
  std::size_t position = 0;
  std::size_t stride = 1;
  for (std::int64_t i = 1; i <= to.rank(); ++i) {
    const auto size = static_cast<std::size_t>(to.dim(-i));
    const std::size_t coordinate = index % size;
    index /= size;
    if (i > from.rank()) continue;
    if (from.dim(-i) != 1) position += coordinate * stride;
    stride *= static_cast<std::size_t>(from.dim(-i));
  }
  return position;
}

bool is_small(const Shape& shape) { return numel(shape) <= most_elements; }

// -- elementwise ------------------------------------------------------------------------------

template <class Function>
bool fold_pairs(OnnxContext& context, Function function, bool is_comparison) {
  const KnownTensor& a = input(context, 0);
  const KnownTensor& b = input(context, 1);
  Shape shape;
  if (a.is_real() != b.is_real() || !broadcast(a.shape, b.shape, shape)) return false;
  const bool uniform = a.uniform && b.uniform;
  if (!uniform && !is_small(shape)) return false;
  const std::size_t count = uniform ? 1 : static_cast<std::size_t>(numel(shape));
  Elements elements;
  bool good = true;
  for (std::size_t i = 0; i < count && good; ++i) {
    const std::size_t left = uniform ? 0 : broadcast_position(i, shape, a.shape);
    const std::size_t right = uniform ? 0 : broadcast_position(i, shape, b.shape);
    if (!a.is_real()) {
      elements.integers.push_back(function(a.integer(left), b.integer(right), good));
    } else if (is_comparison) {
      elements.integers.push_back(
          static_cast<std::int64_t>(function(a.real(left), b.real(right), good)));
    } else {
      elements.reals.push_back(rounded(function(a.real(left), b.real(right), good), a.dtype));
    }
  }
  return good &&
         finish(context, is_comparison ? DType::boolean : a.dtype, shape, elements, uniform);
}

/// Arithmetic of integers that refuses what does not fit, and of reals.
struct Plus {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    std::int64_t result = 0;
    good = !__builtin_add_overflow(a, b, &result);
    return result;
  }
  double operator()(double a, double b, bool&) const { return a + b; }
};
struct Minus {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    std::int64_t result = 0;
    good = !__builtin_sub_overflow(a, b, &result);
    return result;
  }
  double operator()(double a, double b, bool&) const { return a - b; }
};
struct Times {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    std::int64_t result = 0;
    good = !__builtin_mul_overflow(a, b, &result);
    return result;
  }
  double operator()(double a, double b, bool&) const { return a * b; }
};
struct Quotient {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    good = b != 0 && !(a == INT64_MIN && b == -1);
    return good ? a / b : 0;
  }
  double operator()(double a, double b, bool& good) const {
    good = b != 0;
    return good ? a / b : 0;
  }
};
/// The sign of the divisor, as in Python.
struct Remainder {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    good = b != 0 && !(a == INT64_MIN && b == -1);
    if (!good) return 0;
    const std::int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  double operator()(double a, double b, bool& good) const {
    good = b != 0;
    return good ? std::fmod(a, b) : 0;
  }
};
struct Power {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    const double result = std::pow(static_cast<double>(a), static_cast<double>(b));
    good = std::abs(result) < 0x1p53;
    return good ? static_cast<std::int64_t>(result) : 0;
  }
  double operator()(double a, double b, bool&) const { return std::pow(a, b); }
};

template <class Function>
bool fold_arithmetic(OnnxContext& context) {
  if (context.input_count() != 2) return false;
  return fold_pairs(context, Function{}, false);
}

template <class Compare>
bool fold_comparison(OnnxContext& context) {
  if (context.input_count() != 2) return false;
  return fold_pairs(
      context, [](auto a, auto b, bool&) { return static_cast<decltype(a)>(Compare{}(a, b)); },
      true);
}

struct Smaller {
  template <class T>
  T operator()(T a, T b, bool&) const {
    return std::min(a, b);
  }
};
struct Larger {
  template <class T>
  T operator()(T a, T b, bool&) const {
    return std::max(a, b);
  }
};

/// Min and Max take any number of inputs.
template <class Function>
bool fold_extreme(OnnxContext& context) {
  if (context.input_count() == 1) {
    context.out_value(0, context.value(0));
    return true;
  }
  return fold_arithmetic<Function>(context);
}

template <class Function>
bool fold_each(OnnxContext& context, Function function) {
  const KnownTensor& x = input(context, 0);
  if (!x.uniform && !is_small(x.shape)) return false;
  const std::size_t count = x.uniform ? 1 : x.count();
  Elements elements;
  for (std::size_t i = 0; i < count; ++i) {
    if (x.is_real()) {
      const double value = function(x.real(i));
      if (std::isnan(value)) return false;
      elements.reals.push_back(rounded(value, x.dtype));
    } else {
      if (x.integer(i) == INT64_MIN) return false;
      elements.integers.push_back(static_cast<std::int64_t>(function(x.integer(i))));
    }
  }
  return finish(context, x.dtype, x.shape, elements, x.uniform);
}

bool fold_negative(OnnxContext& context) {
  return fold_each(context, [](auto v) { return -v; });
}
bool fold_absolute(OnnxContext& context) {
  return fold_each(context, [](auto v) { return v < 0 ? -v : v; });
}
bool fold_floor(OnnxContext& context) {
  return input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::floor(static_cast<double>(v)); });
}
bool fold_ceil(OnnxContext& context) {
  return input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::ceil(static_cast<double>(v)); });
}
bool fold_round(OnnxContext& context) {
  return input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::nearbyint(static_cast<double>(v)); });
}
bool fold_root(OnnxContext& context) {
  return input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::sqrt(static_cast<double>(v)); });
}
bool fold_log(OnnxContext& context) {
  return input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::log(static_cast<double>(v)); });
}
bool fold_exp(OnnxContext& context) {
  return input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::exp(static_cast<double>(v)); });
}
bool fold_reciprocal(OnnxContext& context) {
  return input(context, 0).is_real() && fold_each(context, [](auto v) {
           return v == 0 ? std::nan("") : 1.0 / static_cast<double>(v);
         });
}
bool fold_not(OnnxContext& context) {
  return !input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return static_cast<decltype(v)>(v == 0); });
}

struct Both {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a != 0 && b != 0; }
  double operator()(double, double) const { return 0; }
};
struct Either {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a != 0 || b != 0; }
  double operator()(double, double) const { return 0; }
};
struct OnlyOne {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return (a != 0) != (b != 0); }
  double operator()(double, double) const { return 0; }
};

bool cast_to(OnnxContext& context, DType dtype) {
  const KnownTensor& x = input(context, 0);
  if (dtype == DType::string || dtype == DType::unknown || x.dtype == DType::string) return false;
  if (!x.uniform && !is_small(x.shape)) return false;
  const std::size_t count = x.uniform ? 1 : x.count();
  Elements elements;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_floating(dtype)) {
      elements.reals.push_back(rounded(x.real(i), dtype));
    } else {
      elements.integers.push_back(
          dtype == DType::boolean ? static_cast<std::int64_t>(x.real(i) != 0) : x.integer(i));
    }
  }
  return finish(context, dtype, x.shape, elements, x.uniform);
}

bool fold_cast(OnnxContext& context) {
  return cast_to(context, onnx_dtype(context.integer("to", 0)));
}

bool fold_cast_like(OnnxContext& context) { return cast_to(context, context.dtype(1)); }

bool fold_where(OnnxContext& context) {
  if (context.input_count() != 3) return false;
  const KnownTensor& condition = input(context, 0);
  const KnownTensor& a = input(context, 1);
  const KnownTensor& b = input(context, 2);
  Shape pair;
  Shape shape;
  if (a.dtype != b.dtype || condition.is_real() || !broadcast(a.shape, b.shape, pair) ||
      !broadcast(condition.shape, pair, shape) || !is_small(shape)) {
    return false;
  }
  Elements elements;
  for (std::size_t i = 0; i < static_cast<std::size_t>(numel(shape)); ++i) {
    const bool holds = condition.integer(broadcast_position(i, shape, condition.shape)) != 0;
    const KnownTensor& source = holds ? a : b;
    elements.append(source, broadcast_position(i, shape, source.shape));
  }
  return finish(context, a.dtype, shape, elements);
}

bool fold_clip(OnnxContext& context) {
  if (context.opset() < 11) return false;
  const KnownTensor& x = input(context, 0);
  if (!is_small(x.shape)) return false;
  Elements elements;
  for (std::size_t i = 0; i < x.count(); ++i) {
    double value = x.real(i);
    if (context.has(1)) value = std::max(value, input(context, 1).real(0));
    if (context.has(2)) value = std::min(value, input(context, 2).real(0));
    if (x.is_real()) {
      elements.reals.push_back(value);
    } else {
      elements.integers.push_back(static_cast<std::int64_t>(std::clamp(value, -0x1p62, 0x1p62)));
    }
  }
  return finish(context, x.dtype, x.shape, elements);
}

// -- movement ---------------------------------------------------------------------------------

bool fold_shape(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  if (!value.is_tensor() || value.shapeless) return false;
  const Shape& shape = context.shape(0);
  const std::int64_t rank = shape.rank();
  const auto bound = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = bound(context.integer("start", 0));
  const std::int64_t end = bound(context.integer("end", rank));
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = start; i < end; ++i) sizes.push_back(shape.dim(i));
  KnownTensor result{.dtype = DType::int64, .shape = {static_cast<std::int64_t>(sizes.size())}};
  result.bounded = value.id != no_id && context.graph().value(value.id).has(Value::bounded);
  context.out(0, context.reader().keep(result, sizes, {}));
  return true;
}

bool fold_size(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  if (!value.is_tensor() || value.shapeless) return false;
  KnownTensor result{.dtype = DType::int64};
  result.bounded = value.id != no_id && context.graph().value(value.id).has(Value::bounded);
  const std::int64_t count[] = {numel(context.shape(0))};
  context.out(0, context.reader().keep(result, count, {}));
  return true;
}

bool fold_constant_of_shape(OnnxContext& context) {
  Shape shape(context.short_list(context.integers(0)));
  for (const std::int64_t size : shape) context.require(size >= 0, "sizes of at least 0");
  numel(shape);
  Elements elements;
  const OnnxAttribute* value = context.attribute("value");
  if (value == nullptr) {
    elements.reals.push_back(0);
    return finish(context, DType::float32, shape, elements, true);
  }
  const OnnxTensor tensor = context.reader().records().tensor(value->tensor);
  if (numel(tensor.shape) != 1 ||
      !context.reader().records().elements(tensor, elements.integers, elements.reals)) {
    return false;
  }
  return finish(context, tensor.dtype, shape, elements, true);
}

bool fold_identity(OnnxContext& context) {
  context.out_value(0, context.value(0));
  return true;
}

/// The same elements in another shape.
bool finish_reshaped(OnnxContext& context, const Shape& shape) {
  const KnownTensor& x = input(context, 0);
  if (numel(shape) != numel(x.shape)) return false;
  KnownTensor result = x;
  result.shape = shape;
  result.id = no_id;
  context.out(0, context.graph().keep(result));
  return true;
}

bool fold_reshape(OnnxContext& context) {
  if (context.opset() < 5) return false;
  const KnownTensor& x = input(context, 0);
  Shape shape(context.short_list(context.integers(1)));
  std::int64_t known = 1;
  std::int64_t open = -1;
  for (std::int64_t i = 0; i < shape.rank(); ++i) {
    if (shape.dim(i) == 0 && context.integer("allowzero", 0) == 0 && i < x.shape.rank()) {
      shape.set_dim(i, x.shape.dim(i));
    }
    if (shape.dim(i) < -1 || (shape.dim(i) == -1 && open != -1)) return false;
    if (shape.dim(i) == -1) {
      open = i;
    } else {
      known = checked_mul(known, shape.dim(i));
    }
  }
  if (open >= 0) {
    if (known == 0) return false;
    shape.set_dim(open, numel(x.shape) / known);
  }
  return finish_reshaped(context, shape);
}

bool fold_squeeze(OnnxContext& context) {
  const Shape& x = input(context, 0).shape;
  const auto wanted = context.opset() < 13 ? context.integers("axes") : context.integers("axes", 1);
  Shape shape;
  const Ints axes = wanted ? context.axes(*wanted, x.rank()) : Ints{};
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const bool is_named = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (is_named && x.dim(i) != 1) return false;
    if (wanted ? !is_named : x.dim(i) != 1) shape.push_back(x.dim(i));
  }
  return finish_reshaped(context, shape);
}

bool fold_unsqueeze(OnnxContext& context) {
  Shape shape = input(context, 0).shape;
  const auto wanted = context.opset() < 13 ? context.integers("axes") : context.integers("axes", 1);
  if (!wanted) return false;
  const std::int64_t rank = shape.rank() + static_cast<std::int64_t>(wanted->size());
  Ints axes = context.axes(*wanted, rank);
  std::vector<std::int64_t> ordered(axes.begin(), axes.end());
  std::sort(ordered.begin(), ordered.end());
  for (const std::int64_t axis : ordered) {
    if (axis > shape.rank()) return false;
    shape.insert(static_cast<std::size_t>(axis), 1);
  }
  return finish_reshaped(context, shape);
}

/// A tensor as outer x axis x inner.
struct Split3 {
  std::int64_t outer = 1;
  std::int64_t length = 1;
  std::int64_t inner = 1;

  Split3(const Shape& shape, std::int64_t axis) {
    for (std::int64_t i = 0; i < shape.rank(); ++i) {
      if (i < axis) outer *= shape.dim(i);
      if (i == axis) length = shape.dim(i);
      if (i > axis) inner *= shape.dim(i);
    }
  }
  std::int64_t position(std::int64_t o, std::int64_t at, std::int64_t i) const {
    return (o * length + at) * inner + i;
  }
};

bool fold_gather(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  const KnownTensor& indices = input(context, 1);
  if (x.shape.rank() == 0 || indices.is_real()) return false;
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.shape.rank());
  Shape shape;
  for (std::int64_t i = 0; i < x.shape.rank(); ++i) {
    if (i != axis) shape.push_back(x.shape.dim(i));
    if (i == axis) {
      for (const std::int64_t size : indices.shape) shape.push_back(size);
    }
  }
  if (!is_small(shape)) return false;
  const Split3 parts(x.shape, axis);
  std::vector<std::int64_t> positions;
  for (std::int64_t o = 0; o < parts.outer; ++o) {
    for (std::size_t k = 0; k < indices.count(); ++k) {
      const std::int64_t index = indices.integer(k);
      context.require(index >= -parts.length && index < parts.length,
                      "indices below the length of the axis");
      const std::int64_t at = index < 0 ? index + parts.length : index;
      for (std::int64_t i = 0; i < parts.inner; ++i) positions.push_back(parts.position(o, at, i));
    }
  }
  return finish_picked(context, shape, positions);
}

/// The positions of a range of an axis.
std::vector<std::int64_t> range_positions(const Shape& shape, std::int64_t axis,
                                          std::span<const std::int64_t> range) {
  const Split3 parts(shape, axis);
  std::vector<std::int64_t> positions;
  for (std::int64_t o = 0; o < parts.outer; ++o) {
    for (const std::int64_t at : range) {
      for (std::int64_t i = 0; i < parts.inner; ++i) positions.push_back(parts.position(o, at, i));
    }
  }
  return positions;
}

bool fold_slice(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  if (!is_small(x.shape)) return false;
  const auto starts =
      context.opset() < 10 ? context.integers("starts") : context.integers("starts", 1);
  const auto ends = context.opset() < 10 ? context.integers("ends") : context.integers("ends", 2);
  const auto axes = context.opset() < 10 ? context.integers("axes") : context.integers("axes", 3);
  const auto steps = context.opset() < 10 ? std::nullopt : context.integers("steps", 4);
  // More than one axis is rare in shape arithmetic.
  if (!starts || !ends || starts->size() != 1 || ends->size() != 1) return false;
  if ((axes && axes->size() != 1) || (steps && steps->size() != 1)) return false;
  if (x.shape.rank() == 0) return false;
  const std::int64_t axis = context.axis(axes ? (*axes)[0] : 0, x.shape.rank());
  const std::int64_t step = steps ? (*steps)[0] : 1;
  const std::int64_t length = x.shape.dim(axis);
  context.require(step != 0 && step > -length - 2, "a step other than 0");
  const std::int64_t least = step > 0 ? 0 : -1;
  const std::int64_t most = step > 0 ? length : length - 1;
  const auto bound = [&](std::int64_t at) {
    return std::clamp(at < 0 ? at + length : at, least, most);
  };
  std::vector<std::int64_t> range;
  const std::int64_t end = bound((*ends)[0]);
  for (std::int64_t at = bound((*starts)[0]); step > 0 ? at < end : at > end;) {
    range.push_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  Shape shape = x.shape;
  shape.set_dim(axis, static_cast<std::int64_t>(range.size()));
  return finish_picked(context, shape, range_positions(x.shape, axis, range));
}

bool fold_split(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  if (x.shape.rank() == 0 || !is_small(x.shape)) return false;
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.shape.rank());
  const auto sizes =
      context.opset() < 13 ? context.integers("split") : context.integers("split", 1);
  const auto count = static_cast<std::int64_t>(context.output_count());
  const std::int64_t length = x.shape.dim(axis);
  if (count == 0 || (sizes && static_cast<std::int64_t>(sizes->size()) != count)) return false;
  std::int64_t start = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t piece = ceil_div(length, count);
    const std::int64_t size =
        sizes ? (*sizes)[static_cast<std::size_t>(k)] : std::min(piece, length - start);
    if (size < 0 || size > length - start) return false;
    std::vector<std::int64_t> range(static_cast<std::size_t>(size));
    std::iota(range.begin(), range.end(), start);
    start += size;
    Shape shape = x.shape;
    shape.set_dim(axis, size);
    finish_picked(context, shape, range_positions(x.shape, axis, range),
                  static_cast<std::size_t>(k));
  }
  return true;
}

bool fold_concat(OnnxContext& context) {
  const KnownTensor& first = input(context, 0);
  if (first.shape.rank() == 0) return false;
  const std::int64_t axis = context.axis(context.integer("axis", 1), first.shape.rank());
  Shape shape = first.shape;
  for (std::size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has(i)) return false;
    const KnownTensor& next = input(context, i);
    Shape same = next.shape;
    if (next.dtype != first.dtype || same.rank() != shape.rank()) return false;
    const std::int64_t total = checked_add(shape.dim(axis), same.dim(axis));
    same.set_dim(axis, shape.dim(axis));
    if (!(same == shape)) return false;
    shape.set_dim(axis, total);
  }
  if (!is_small(shape)) return false;
  Elements elements;
  const std::int64_t outer = Split3(shape, axis).outer;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::size_t k = 0; k < context.input_count(); ++k) {
      const KnownTensor& part = input(context, k);
      const Split3 parts(part.shape, axis);
      for (std::int64_t i = 0; i < parts.length * parts.inner; ++i) {
        elements.append(part, static_cast<std::size_t>(o * parts.length * parts.inner + i));
      }
    }
  }
  return finish(context, first.dtype, shape, elements);
}

bool fold_expand(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  const Shape wanted(context.short_list(context.integers(1)));
  Shape shape;
  if (!broadcast(x.shape, wanted, shape)) return false;
  for (const std::int64_t size : shape) context.require(size >= 0, "sizes of at least 0");
  if (x.uniform || x.count() == 1) {
    Elements elements;
    elements.append(x, 0);
    numel(shape);
    return finish(context, x.dtype, shape, elements, true);
  }
  if (!is_small(shape)) return false;
  Elements elements;
  for (std::size_t i = 0; i < static_cast<std::size_t>(numel(shape)); ++i) {
    elements.append(x, broadcast_position(i, shape, x.shape));
  }
  return finish(context, x.dtype, shape, elements);
}

bool fold_tile(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  const auto repeats = context.integers(1);
  if (context.opset() < 6 || x.shape.rank() != 1 || repeats.size() != 1 || repeats[0] < 0)
    return false;
  const std::int64_t total = checked_mul(x.shape[0], repeats[0]);
  if (total > most_elements) return false;
  Elements elements;
  for (std::int64_t i = 0; i < total; ++i) {
    elements.append(x, static_cast<std::size_t>(i % x.shape[0]));
  }
  return finish(context, x.dtype, {total}, elements);
}

bool fold_transpose(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  if (x.shape.rank() > 2 || !is_small(x.shape)) return false;
  const auto order = context.integers("perm");
  const bool swaps = x.shape.rank() == 2 && (!order || (order->size() == 2 && (*order)[0] == 1));
  if (!swaps) return fold_identity(context);
  std::vector<std::int64_t> positions;
  for (std::int64_t j = 0; j < x.shape[1]; ++j) {
    for (std::int64_t i = 0; i < x.shape[0]; ++i) positions.push_back(i * x.shape[1] + j);
  }
  return finish_picked(context, {x.shape[1], x.shape[0]}, positions);
}

bool fold_range(OnnxContext& context) {
  if (context.input_count() != 3) return false;
  for (std::size_t i = 0; i < 3; ++i) {
    if (input(context, i).count() != 1) return false;
  }
  const KnownTensor& start = input(context, 0);
  if (start.is_real()) return false;
  const std::int64_t from = start.integer(0);
  const std::int64_t to = input(context, 1).integer(0);
  const std::int64_t step = input(context, 2).integer(0);
  context.require(step != 0, "a step other than 0");
  const double count =
      std::ceil((static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(step));
  if (count > static_cast<double>(most_elements)) return false;
  Elements elements;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(std::max(count, 0.0)); ++i) {
    elements.integers.push_back(from + i * step);
  }
  return finish(context, start.dtype, {static_cast<std::int64_t>(elements.integers.size())},
                elements);
}

// -- reductions and indices -------------------------------------------------------------------

template <class Function>
bool fold_reduction(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  if (x.shape.rank() > 1 || !is_small(x.shape) || x.count() == 0) return false;
  const bool keeps = context.integer("keepdims", 1) != 0;
  const bool by_input = context.opset() >= (context.node().op_type == "ReduceSum" ? 13 : 18);
  const auto axes = by_input ? context.integers("axes", 1) : context.integers("axes");
  if (context.integer("noop_with_empty_axes", 0) != 0 && (!axes || axes->empty())) return false;
  bool good = true;
  Elements elements;
  if (x.is_real()) {
    double total = x.real(0);
    for (std::size_t i = 1; i < x.count(); ++i) total = Function{}(total, x.real(i), good);
    elements.reals.push_back(rounded(total, x.dtype));
  } else {
    std::int64_t total = x.integer(0);
    for (std::size_t i = 1; i < x.count() && good; ++i) {
      total = Function{}(total, x.integer(i), good);
    }
    elements.integers.push_back(total);
  }
  const Shape shape = keeps && x.shape.rank() == 1 ? Shape{1} : Shape{};
  return good && finish(context, x.dtype, shape, elements);
}

bool fold_nonzero(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  if (!is_small(x.shape)) return false;
  const Shape& shape = x.shape;
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < x.count(); ++i) {
    if (x.is_real() ? x.real(i) != 0 : x.integer(i) != 0) found.push_back(i);
  }
  Elements elements;
  for (std::int64_t axis = 0; axis < shape.rank(); ++axis) {
    const Split3 parts(shape, axis);
    for (const std::size_t i : found) {
      elements.integers.push_back(static_cast<std::int64_t>(i) / parts.inner % parts.length);
    }
  }
  return finish(context, DType::int64, {shape.rank(), static_cast<std::int64_t>(found.size())},
                elements);
}

/// A vector with some elements replaced: how exporters write `shape[i] = n`.
bool fold_scatter(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  const KnownTensor& indices = input(context, 1);
  const KnownTensor& updates = input(context, 2);
  if (x.shape.rank() != 1 || x.dtype != updates.dtype || !is_small(x.shape)) return false;
  if (indices.count() != updates.count() || context.text("reduction", "none") != "none")
    return false;
  std::vector<std::size_t> from(x.count(), x.count());
  for (std::size_t i = 0; i < indices.count(); ++i) {
    const std::int64_t index = indices.integer(i);
    const std::int64_t at = index < 0 ? index + x.shape[0] : index;
    context.require(at >= 0 && at < x.shape[0], "indices below the length of the axis");
    from[static_cast<std::size_t>(at)] = i;
  }
  Elements elements;
  for (std::size_t i = 0; i < x.count(); ++i) {
    if (from[i] == x.count()) {
      elements.append(x, i);
    } else {
      elements.append(updates, from[i]);
    }
  }
  return finish(context, x.dtype, x.shape, elements);
}

bool fold_cumsum(OnnxContext& context) {
  const KnownTensor& x = input(context, 0);
  if (x.shape.rank() != 1 || x.is_real() || !is_small(x.shape)) return false;
  if (context.integer("exclusive", 0) != 0 || context.integer("reverse", 0) != 0) return false;
  Elements elements;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < x.count(); ++i) {
    if (__builtin_add_overflow(total, x.integer(i), &total)) return false;
    elements.integers.push_back(total);
  }
  return finish(context, x.dtype, x.shape, elements);
}

struct Row {
  std::string_view name;
  OnnxFold fold;
};

constexpr Row rows[] = {
    {"Abs", fold_absolute},
    {"Add", fold_arithmetic<Plus>},
    {"And", fold_comparison<Both>},
    {"Cast", fold_cast},
    {"CastLike", fold_cast_like},
    {"Ceil", fold_ceil},
    {"Clip", fold_clip},
    {"Concat", fold_concat},
    {"ConstantOfShape", fold_constant_of_shape},
    {"CumSum", fold_cumsum},
    {"Div", fold_arithmetic<Quotient>},
    {"Equal", fold_comparison<std::equal_to<>>},
    {"Exp", fold_exp},
    {"Expand", fold_expand},
    {"Floor", fold_floor},
    {"Gather", fold_gather},
    {"Greater", fold_comparison<std::greater<>>},
    {"GreaterOrEqual", fold_comparison<std::greater_equal<>>},
    {"Identity", fold_identity},
    {"Less", fold_comparison<std::less<>>},
    {"LessOrEqual", fold_comparison<std::less_equal<>>},
    {"Log", fold_log},
    {"Max", fold_extreme<Larger>},
    {"Min", fold_extreme<Smaller>},
    {"Mod", fold_arithmetic<Remainder>},
    {"Mul", fold_arithmetic<Times>},
    {"Neg", fold_negative},
    {"NonZero", fold_nonzero},
    {"Not", fold_not},
    {"Or", fold_comparison<Either>},
    {"Pow", fold_arithmetic<Power>},
    {"Range", fold_range},
    {"Reciprocal", fold_reciprocal},
    {"ReduceMax", fold_reduction<Larger>},
    {"ReduceMin", fold_reduction<Smaller>},
    {"ReduceProd", fold_reduction<Times>},
    {"ReduceSum", fold_reduction<Plus>},
    {"Reshape", fold_reshape},
    {"Round", fold_round},
    {"ScatterElements", fold_scatter},
    {"ScatterND", fold_scatter},
    {"Slice", fold_slice},
    {"Split", fold_split},
    {"Sqrt", fold_root},
    {"Squeeze", fold_squeeze},
    {"Sub", fold_arithmetic<Minus>},
    {"Tile", fold_tile},
    {"Transpose", fold_transpose},
    {"Unsqueeze", fold_unsqueeze},
    {"Where", fold_where},
    {"Xor", fold_comparison<OnlyOne>},
};

/// Whether the elements of all inputs are known and are not simply small weights.
bool all_known(const OnnxContext& context) {
  bool is_shape_arithmetic = false;
  for (std::size_t i = 0; i < context.input_count(); ++i) {
    if (!context.has(i)) continue;
    const OnnxValue& value = context.value(i);
    if (!value.is_tensor() || value.id != no_id) return false;
    const bool is_weight =
        value.stored != nullptr && !value.stored->is_constant && is_floating(value.stored->dtype);
    is_shape_arithmetic |= !is_weight;
  }
  if (!is_shape_arithmetic) return false;
  for (std::size_t i = 0; i < context.input_count(); ++i) {
    if (context.has(i) && context.known(i) == nullptr) return false;
  }
  return context.has(0);
}

}  // namespace

OnnxFold find_onnx_fold(std::string_view domain, std::string_view name) noexcept {
  if (!domain.empty() && domain != "ai.onnx") return nullptr;
  for (const Row& row : rows) {
    if (row.name == name) return row.fold;
  }
  return nullptr;
}

bool fold_onnx_node(OnnxContext& context, OnnxFold fold) {
  if (context.node().op_type == "Shape") return context.has(0) && fold_shape(context);
  if (context.node().op_type == "Size") return context.has(0) && fold_size(context);
  if (fold == nullptr || !all_known(context) || !fold(context)) return false;
  for (std::size_t i = 0; i < context.input_count(); ++i) {
    if (context.has(i) && context.value(i).stored != nullptr) {
      context.value(i).stored->was_read = true;
    }
  }
  return true;
}

}  // namespace zoometer
