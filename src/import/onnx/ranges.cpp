#include "import/onnx/ranges.hpp"

#include <algorithm>
#include <cmath>

#include "import/onnx/reader.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_reached = std::int64_t{1} << 40;  // beyond every size

/// What an input's elements can be, of those that are computed or few.
std::optional<OnnxRange> range_of(OnnxContext& context, std::size_t index) {
  if (!context.has(index)) return std::nullopt;
  const OnnxValue& value = context.input(index);
  const KnownTensor* known = value.id != no_id ? value.known : context.reader().known(value);
  if (known == nullptr || known->assumed) return std::nullopt;
  const std::size_t count = known->uniform ? 1 : known->count();
  if (count == 0) return std::nullopt;
  const KnownTensor& least = known->bounded ? *known->other : *known;
  double low = INFINITY;
  double high = -INFINITY;
  for (std::size_t i = 0; i < count; ++i) {
    low = std::min(low, least.real(i));
    high = std::max(high, known->real(i));
  }
  constexpr auto limit = static_cast<double>(most_reached);
  if (!(low >= -limit && high <= limit)) return std::nullopt;
  return OnnxRange{static_cast<std::int64_t>(std::floor(low)),
                   static_cast<std::int64_t>(std::ceil(high))};
}

std::optional<OnnxRange> within_reach(OnnxRange range) {
  if (range.least < -most_reached || range.most > most_reached) return std::nullopt;
  return range;
}

OnnxRange both(OnnxRange a, OnnxRange b) {
  return {std::min(a.least, b.least), std::max(a.most, b.most)};
}

/// Folds the ranges of all inputs from one on.
template <class Function>
std::optional<OnnxRange> folded(OnnxContext& context, Function function) {
  std::optional<OnnxRange> result = range_of(context, 0);
  for (std::size_t i = 1; result && i < context.input_count(); ++i) {
    const std::optional<OnnxRange> next = range_of(context, i);
    result = next ? within_reach(function(*result, *next)) : std::nullopt;
  }
  return result;
}

}  // namespace

std::optional<OnnxRange> range_of_truth(OnnxContext&) { return OnnxRange{0, 1}; }

std::optional<OnnxRange> range_of_first(OnnxContext& context) { return range_of(context, 0); }

std::optional<OnnxRange> range_of_all(OnnxContext& context) { return folded(context, both); }

std::optional<OnnxRange> range_of_choice(OnnxContext& context) {
  const auto a = range_of(context, 1), b = range_of(context, 2);
  return a && b ? std::optional(both(*a, *b)) : std::nullopt;
}

std::optional<OnnxRange> range_of_sum(OnnxContext& context) {
  const auto element = range_of(context, 0);
  if (!element) return std::nullopt;
  const std::int64_t count = numel(context.reader().shape_of(context.input(0)));
  if (count > most_reached) return std::nullopt;
  const auto times = [&](std::int64_t bound) {
    std::int64_t product = 0;
    return __builtin_mul_overflow(bound, count, &product) ? INT64_MAX : product;
  };
  return within_reach({std::min<std::int64_t>({0, element->least, times(element->least)}),
                       std::max<std::int64_t>({0, element->most, times(element->most)})});
}

std::optional<OnnxRange> range_of_position(OnnxContext& context) {
  std::int64_t longest = 1;
  for (const std::int64_t size : context.reader().shape_of(context.input(0)))
    longest = std::max(longest, size);
  return OnnxRange{0, longest - 1};
}

std::optional<OnnxRange> range_of_clip(OnnxContext& context) {
  if (context.opset() < 11) return std::nullopt;
  std::optional<OnnxRange> result = range_of(context, 0);
  const auto least = range_of(context, 1), most = range_of(context, 2);
  if (!result && least && most) result = OnnxRange{least->least, std::max(least->most, most->most)};
  if (!result) return std::nullopt;
  if (least) result->least = std::max(result->least, least->least);
  if (least) result->most = std::max(result->most, least->most);
  if (most) result->most = std::min(result->most, most->most);
  if (most) result->least = std::min(result->least, most->least);
  return result;
}

std::optional<OnnxRange> range_of_added(OnnxContext& context) {
  return folded(context, [](OnnxRange a, OnnxRange b) {
    return OnnxRange{a.least + b.least, a.most + b.most};
  });
}

std::optional<OnnxRange> range_of_subtracted(OnnxContext& context) {
  return folded(context, [](OnnxRange a, OnnxRange b) {
    return OnnxRange{a.least - b.most, a.most - b.least};
  });
}

std::optional<OnnxRange> range_of_multiplied(OnnxContext& context) {
  return folded(context, [](OnnxRange a, OnnxRange b) {
    const auto clipped = [](std::int64_t x, std::int64_t y) {
      std::int64_t product = 0;
      if (__builtin_mul_overflow(x, y, &product)) return (x < 0) == (y < 0) ? INT64_MAX : INT64_MIN;
      return product;
    };
    const std::int64_t corners[] = {clipped(a.least, b.least), clipped(a.least, b.most),
                                    clipped(a.most, b.least), clipped(a.most, b.most)};
    const auto [least, most] = std::minmax_element(std::begin(corners), std::end(corners));
    return OnnxRange{*least, *most};
  });
}

std::optional<OnnxRange> range_of_smaller(OnnxContext& context) {
  return folded(context, [](OnnxRange a, OnnxRange b) {
    return OnnxRange{std::min(a.least, b.least), std::min(a.most, b.most)};
  });
}

std::optional<OnnxRange> range_of_larger(OnnxContext& context) {
  return folded(context, [](OnnxRange a, OnnxRange b) {
    return OnnxRange{std::max(a.least, b.least), std::max(a.most, b.most)};
  });
}

}  // namespace zoometer
