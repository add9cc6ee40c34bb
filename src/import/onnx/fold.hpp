#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "import/onnx/context.hpp"

namespace zoometer {

/// Tools of folds: of what computes the outputs of shape arithmetic (Shape, Gather, Concat, Reshape
/// ...), which has to be known before the shapes of the real work are. A fold is only asked where
/// the elements of all inputs are known.

inline constexpr std::int64_t most_folded = 4096;  ///< elements of a result

/// Whether it takes few steps to go through all positions of a shape. A size of 0 counts as 1: the
/// others may be huge beside it.
inline bool is_small(const Shape& shape) {
  std::int64_t steps = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || size > most_folded) return false;
    steps *= std::max<std::int64_t>(1, size);
    if (steps > most_folded) return false;
  }
  return true;
}

/// Rounds to the precision of the element type, as the real computation would.
double rounded(double value, DType dtype);

/// The elements of a result, of which only one kind is used.
struct FoldElements {
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

/// An input, whose elements are known. Throws Error{malformed} where the node has no such input.
const KnownTensor& fold_input(const OnnxContext& context, std::size_t index);

/// Sets an output, and returns true.
bool finish_fold(OnnxContext& context, DType dtype, const Shape& shape,
                 const FoldElements& elements, bool uniform = false, std::size_t output = 0);

/// Sets an output to the elements at these flat positions of the first input.
bool finish_picked(OnnxContext& context, const Shape& shape,
                   std::span<const std::int64_t> positions, std::size_t output = 0);

/// The flat position in a tensor of shape `from` of element `index` of one of shape `to`, to which
/// it broadcasts.
std::size_t broadcast_position(std::size_t index, const Shape& to, const Shape& from);

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

/// The flat positions of a range of an axis.
std::vector<std::int64_t> range_positions(const Shape& shape, std::int64_t axis,
                                          std::span<const std::int64_t> range);

// -- arithmetic: `good` becomes false where integers do not fit -----------------------------------

struct Plus {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    std::int64_t result = 0;
    good = !__builtin_add_overflow(a, b, &result);
    return result;
  }
  double operator()(double a, double b, bool&) const { return a + b; }
};

struct Times {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    std::int64_t result = 0;
    good = !__builtin_mul_overflow(a, b, &result);
    return result;
  }
  double operator()(double a, double b, bool&) const { return a * b; }
};

struct Minus {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    std::int64_t result = 0;
    good = !__builtin_sub_overflow(a, b, &result);
    return result;
  }
  double operator()(double a, double b, bool&) const { return a - b; }
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

}  // namespace zoometer
