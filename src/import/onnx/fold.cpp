#include "import/onnx/fold.hpp"

#include "import/onnx/reader.hpp"

namespace zoometer {
namespace {

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

}  // namespace

double rounded(double value, DType dtype) {
  switch (dtype) {
  case DType::float64: return value;
  case DType::float16: return to_precision(value, 11, -24, 65504);
  case DType::bfloat16: return to_precision(value, 8, -133, 0x1.FEp127);
  default: return static_cast<double>(static_cast<float>(value));
  }
}

const KnownTensor& fold_input(const OnnxContext& context, std::size_t index) {
  context.value(index);
  return *context.known(index);
}

bool finish_fold(OnnxContext& context, DType dtype, const Shape& shape,
                 const FoldElements& elements, bool uniform, std::size_t output) {
  const KnownTensor result{.dtype = dtype, .shape = shape, .uniform = uniform};
  context.out(output, context.reader().keep(result, elements.integers, elements.reals));
  return true;
}

bool finish_picked(OnnxContext& context, const Shape& shape,
                   std::span<const std::int64_t> positions, std::size_t output) {
  const KnownTensor& x = fold_input(context, 0);
  FoldElements elements;
  for (const std::int64_t position : positions) {
    elements.append(x, static_cast<std::size_t>(position));
  }
  return finish_fold(context, x.dtype, shape, elements, false, output);
}

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

}  // namespace zoometer
