#include "import/stablehlo/xla_flops.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t per_product = 2;

/// One operation as its rule sees it.
struct XlaView {
  const HloProgram& program;
  const HloOperation& operation;
  std::span<const Shape> operands;
  std::span<const Shape> results;

  std::int64_t operand(std::size_t i) const { return i < operands.size() ? numel(operands[i]) : 0; }
  std::int64_t result(std::size_t i = 0) const {
    return i < results.size() ? numel(results[i]) : 0;
  }
  std::int64_t size(std::span<const Shape> shapes, std::size_t i, std::int64_t axis) const {
    const bool fits = i < shapes.size() && axis >= 0 && axis < shapes[i].rank();
    return fits ? shapes[i].dim(axis) : 0;
  }
  std::vector<std::int64_t> integers(std::string_view name) const {
    constexpr std::size_t most = 1024;
    const HloAttribute* found = program.find(operation, name);
    return found == nullptr ? std::vector<std::int64_t>{} : program.integers(*found, most);
  }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
    const std::vector<std::int64_t> found = integers(name);
    return found.size() == 1 ? found[0] : otherwise;
  }
};

// -- regions ------------------------------------------------------------------------------------

/// What a region does to one element.
std::int64_t flops_of_region(const HloProgram& program, const HloRegion& region) {
  std::int64_t sum = 0;
  if (region.blocks.empty()) return sum;
  for (const HloOperation& operation : region.blocks[0].operations) {
    std::vector<Shape> results;
    for (const std::uint32_t type : operation.types) results.push_back(program.type(type).shape);
    sum = checked_add(sum, xla_flops(program, operation, {}, results));
  }
  return sum;
}

std::int64_t flops_of_region(const XlaView& view, std::size_t index = 0) {
  const std::vector<HloRegion>& regions = view.operation.regions;
  return index < regions.size() ? flops_of_region(view.program, regions[index]) : 0;
}

std::int64_t window_elements(const XlaView& view) {
  std::int64_t elements = 1;
  for (const std::int64_t size : view.integers("window_dimensions"))
    elements = checked_mul(elements, size);
  return elements;
}

std::int64_t reduce_flops(const XlaView& view) {
  const std::int64_t steps = std::max<std::int64_t>(view.operand(0) - view.result(), 0);
  return checked_mul(steps, flops_of_region(view));
}

std::int64_t reduce_window_flops(const XlaView& view) {
  const std::int64_t steps = checked_mul(window_elements(view) - 1, view.result());
  return checked_mul(steps, flops_of_region(view));
}

/// Compares the elements of each window, then adds the source's element to one.
std::int64_t select_and_scatter_flops(const XlaView& view) {
  const std::int64_t source = view.operand(1);
  const std::int64_t compared = checked_mul(source, window_elements(view) - 1);
  return checked_add(checked_mul(compared, flops_of_region(view, 0)),
                     checked_mul(source, flops_of_region(view, 1)));
}

/// The updates come after the operands and the places.
std::int64_t scatter_flops(const XlaView& view) {
  return checked_mul(view.operand(view.results.size() + 1), flops_of_region(view));
}

std::int64_t map_flops(const XlaView& view) {
  return checked_mul(view.result(), flops_of_region(view));
}

/// The binary digits of a number of elements, rounded up.
std::int64_t sort_flops(const XlaView& view) {
  const std::int64_t elements = view.operand(0);
  if (elements < 1) return 0;
  return checked_mul(elements, std::bit_width(static_cast<std::uint64_t>(elements - 1)));
}

// -- products -----------------------------------------------------------------------------------

std::int64_t dot_general_flops(const XlaView& view) {
  std::int64_t summed = 1;
  for (const std::int64_t axis : view.integers("lhs_contracting_dimensions"))
    summed = checked_mul(summed, view.size(view.operands, 0, axis));
  return checked_mul(per_product, checked_mul(view.result(), summed));
}

std::int64_t dot_flops(const XlaView& view) {
  const std::int64_t last = view.operands.empty() ? 0 : view.operands[0].rank() - 1;
  return checked_mul(per_product, checked_mul(view.result(), view.size(view.operands, 0, last)));
}

/// One spatial dimension of a convolution.
struct Positions {
  std::int64_t input = 0, kernel = 0, output = 0;
  std::int64_t stride = 1, before = 0, kernel_dilation = 1, input_dilation = 1;
};

std::int64_t floor_of(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// The pairs of an output and a tap that meet an element of the input, which is neither padding nor
/// between dilated elements. Where both have too many to look at, all pairs are counted.
std::int64_t pairs_inside(Positions at) {
  constexpr std::int64_t most_taps = 4096;
  if (at.kernel > at.output) {
    std::swap(at.kernel, at.output);
    std::swap(at.kernel_dilation, at.stride);
  }
  constexpr std::int64_t largest = std::int64_t{1} << 40;
  const std::int64_t all = checked_mul(at.kernel, at.output);
  for (const std::int64_t step : {at.stride, at.kernel_dilation, at.input_dilation})
    if (step < 1 || step > largest) return all;
  if (at.before < -largest || at.before > largest) return all;
  if (at.kernel > most_taps || at.input < 1 || at.output < 1) return at.input < 1 ? 0 : all;
  const std::int64_t last = checked_mul(at.input - 1, at.input_dilation);
  std::int64_t pairs = 0;
  for (std::int64_t tap = 0; tap < at.kernel; ++tap) {
    const std::int64_t shift = checked_add(checked_mul(tap, at.kernel_dilation), -at.before);
    const std::int64_t first = std::max<std::int64_t>(0, -floor_of(shift, at.stride));
    const std::int64_t end = std::min(at.output, floor_of(last - shift, at.stride) + 1);
    if (at.input_dilation == 1) {
      pairs += std::max<std::int64_t>(0, end - first);
      continue;
    }
    // Which outputs meet an element repeats after as many as the dilation.
    const std::int64_t period = at.input_dilation;
    if (period > most_taps / at.kernel) return all;
    for (std::int64_t i = first; i < std::min(end, first + period); ++i) {
      const bool meets = (checked_mul(i, at.stride) + shift) % period == 0;
      if (meets) pairs += (end - 1 - i) / period + 1;
    }
  }
  return pairs;
}

std::int64_t convolution_flops(const XlaView& view) {
  const auto input_axes = view.integers("input_spatial_dimensions");
  const auto kernel_axes = view.integers("kernel_spatial_dimensions");
  const auto output_axes = view.integers("output_spatial_dimensions");
  const auto padding = view.integers("padding");
  const auto at_axis = [](const std::vector<std::int64_t>& list, std::size_t i) {
    return i < list.size() ? list[i] : 1;
  };
  const auto strides = view.integers("window_strides");
  const auto input_dilation = view.integers("lhs_dilation");
  const auto kernel_dilation = view.integers("rhs_dilation");
  if (kernel_axes.size() != input_axes.size() || output_axes.size() != input_axes.size()) return 0;
  const std::int64_t groups = std::max<std::int64_t>(view.integer("feature_group_count", 1), 1);
  const std::int64_t batch_groups = std::max<std::int64_t>(view.integer("batch_group_count", 1), 1);
  const std::int64_t features =
      view.size(view.operands, 0, view.integer("input_feature_dimension", -1)) / groups;
  const std::int64_t batch =
      view.size(view.operands, 0, view.integer("input_batch_dimension", -1)) / batch_groups;
  std::int64_t products =
      checked_mul(checked_mul(features, batch),
                  view.size(view.results, 0, view.integer("output_feature_dimension", -1)));
  for (std::size_t i = 0; i < input_axes.size(); ++i) {
    const Positions at{view.size(view.operands, 0, input_axes[i]),
                       view.size(view.operands, 1, kernel_axes[i]),
                       view.size(view.results, 0, output_axes[i]),
                       at_axis(strides, i),
                       2 * i < padding.size() ? padding[2 * i] : 0,
                       at_axis(kernel_dilation, i),
                       at_axis(input_dilation, i)};
    products = checked_mul(products, pairs_inside(at));
  }
  return checked_mul(per_product, products);
}

std::int64_t fft_flops(const XlaView& view) {
  constexpr std::int64_t per_element = 8;  // a product of complex numbers takes four of real ones
  std::int64_t rounds = 1;
  for (const std::int64_t length : view.integers("fft_length"))
    rounds = checked_mul(rounds,
                         length < 1 ? 0 : std::bit_width(static_cast<std::uint64_t>(length)) - 1);
  return checked_mul(per_element, checked_mul(rounds, view.operand(0)));
}

std::int64_t last_size(const XlaView& view, std::size_t i) {
  return i < view.operands.size() && view.operands[i].rank() > 0 ? view.operands[i].dim(-1) : 0;
}

std::int64_t cholesky_flops(const XlaView& view) {
  return checked_mul(view.operand(0), last_size(view, 0)) / 3;
}

std::int64_t triangular_solve_flops(const XlaView& view) {
  return checked_mul(per_product, checked_mul(view.operand(1), last_size(view, 0)));
}

// -- elements -----------------------------------------------------------------------------------

std::int64_t element_flops(const XlaView& view) { return view.result(); }

/// One sum for each element of each result.
std::int64_t all_reduce_flops(const XlaView& view) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < view.results.size(); ++i) sum = checked_add(sum, view.result(i));
  return sum;
}

std::int64_t unknown_flops(const XlaView&) { return -1; }

struct XlaRule {
  std::string_view name;
  std::int64_t (*flops)(const XlaView& view);
};

constexpr XlaRule rules[] = {
    {"abs", element_flops},
    {"add", element_flops},
    {"all_reduce", all_reduce_flops},
    {"and", element_flops},
    {"bitcast_convert", element_flops},
    {"ceil", element_flops},
    {"cholesky", cholesky_flops},
    {"clamp", element_flops},
    {"compare", element_flops},
    {"complex", element_flops},
    {"convert", element_flops},
    {"convolution", convolution_flops},
    {"count_leading_zeros", element_flops},
    {"custom_call", unknown_flops},
    {"divide", element_flops},
    {"dot", dot_flops},
    {"dot_general", dot_general_flops},
    {"dynamic_conv", convolution_flops},
    {"fft", fft_flops},
    {"floor", element_flops},
    {"imag", element_flops},
    {"is_finite", element_flops},
    {"map", map_flops},
    {"maximum", element_flops},
    {"minimum", element_flops},
    {"multiply", element_flops},
    {"negate", element_flops},
    {"not", element_flops},
    {"or", element_flops},
    {"popcnt", element_flops},
    {"real", element_flops},
    {"reduce", reduce_flops},
    {"reduce_precision", element_flops},
    {"reduce_scatter", all_reduce_flops},
    {"reduce_window", reduce_window_flops},
    {"remainder", element_flops},
    {"round_nearest_afz", element_flops},
    {"round_nearest_even", element_flops},
    {"scatter", scatter_flops},
    {"select", element_flops},
    {"select_and_scatter", select_and_scatter_flops},
    {"shift_left", element_flops},
    {"shift_right_arithmetic", element_flops},
    {"shift_right_logical", element_flops},
    {"sign", element_flops},
    {"sort", sort_flops},
    {"subtract", element_flops},
    {"triangular_solve", triangular_solve_flops},
    {"xor", element_flops},
};

}  // namespace

std::int64_t xla_flops(const HloProgram& program, const HloOperation& operation,
                       std::span<const Shape> operands, std::span<const Shape> results) {
  const auto* const rule = std::ranges::find(rules, operation.name, &XlaRule::name);
  return rule == std::end(rules) ? 0 : rule->flops({program, operation, operands, results});
}

bool has_element_region(const HloOperation& operation) noexcept {
  constexpr std::string_view names[] = {"all_reduce",         "map",           "reduce",
                                        "reduce_scatter",     "reduce_window", "scatter",
                                        "select_and_scatter", "sort"};
  return std::ranges::find(names, operation.name) != std::end(names);
}

}  // namespace zoometer
