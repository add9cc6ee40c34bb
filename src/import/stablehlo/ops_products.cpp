// Operations with multiply-accumulates, and linear algebra.
#include <algorithm>
#include <string>

#include "import/stablehlo/call.hpp"
#include "op/linalg.hpp"
#include "op/mobile.hpp"
#include "op/signal.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

// -- products of matrices -----------------------------------------------------------------------

/// A letter for each axis of the operands of a product, and those of its result.
struct Contraction {
  std::string left, right, result;
};

Contraction contraction_of(HloCall& call, std::int64_t left_rank, std::int64_t right_rank) {
  const auto batch_left = call.integers_or("lhs_batching_dimensions", {});
  const auto batch_right = call.integers_or("rhs_batching_dimensions", {});
  const auto sum_left = call.integers_or("lhs_contracting_dimensions", {});
  const auto sum_right = call.integers_or("rhs_contracting_dimensions", {});
  call.require(batch_left.size() == batch_right.size() && sum_left.size() == sum_right.size(),
               "as many axes of the one operand as of the other");
  Contraction parts;
  parts.left.assign(static_cast<std::size_t>(left_rank), ' ');
  parts.right.assign(static_cast<std::size_t>(right_rank), ' ');
  char letter = 'a';
  const auto name = [&](std::string& axes, std::int64_t axis) {
    call.require(axis >= 0 && axis < static_cast<std::int64_t>(axes.size()) &&
                     axes[static_cast<std::size_t>(axis)] == ' ',
                 "each axis once");
    axes[static_cast<std::size_t>(axis)] = letter;
  };
  for (std::size_t i = 0; i < batch_left.size(); ++i, ++letter) {
    name(parts.left, batch_left[i]);
    name(parts.right, batch_right[i]);
    parts.result += letter;
  }
  for (std::size_t i = 0; i < sum_left.size(); ++i, ++letter) {
    name(parts.left, sum_left[i]);
    name(parts.right, sum_right[i]);
  }
  letter = 'A';
  for (std::string* const axes : {&parts.left, &parts.right}) {
    for (char& axis : *axes) {
      if (axis != ' ') continue;
      call.require(letter <= 'Z', "at most 26 axes that are not summed up");
      axis = letter++;
      parts.result += axis;
    }
  }
  return parts;
}

/// Whether torch.matmul computes it as it stands.
bool is_matmul(const Contraction& parts, std::size_t batches) {
  if (parts.left.size() < 2 || parts.right.size() < 2) return false;
  const std::size_t inner = parts.right.size() - 2;
  const bool contracts = parts.left.back() == parts.right[inner] && parts.right.back() >= 'A' &&
                         parts.right.back() <= 'Z' && parts.left.back() >= 'a';
  if (!contracts || inner != batches) return false;
  return batches == 0
             ? std::ranges::count_if(parts.left, [](char axis) { return axis >= 'a'; }) == 1
             : parts.left.size() == parts.right.size() &&
                   parts.left.substr(0, batches) == parts.right.substr(0, batches);
}

void emit_dot_general(HloCall& call) {
  const Tensor left = call.in(0);
  const Tensor right = call.in(1);
  const Contraction parts = contraction_of(call, left.rank(), right.rank());
  const std::size_t batches = call.integers_or("lhs_batching_dimensions", {}).size();
  if (is_matmul(parts, batches)) return call.out(matmul(left, right));
  const std::string equation = parts.left + "," + parts.right + "->" + parts.result;
  call.out(einsum(call.graph().arena().copy(equation), left, right));
}

void emit_dot(HloCall& call) { call.out(matmul(call.in(0), call.in(1))); }

void emit_einsum(HloCall& call) {
  const std::string_view equation = call.text("einsum_config");
  call.require(call.input_count() == 2 && !equation.empty(), "an equation");
  call.out(einsum(call.graph().arena().copy(equation), call.in(0), call.in(1)));
}

// -- convolutions -------------------------------------------------------------------------------

/// The axes of one tensor of a convolution: two special ones, and the spatial ones.
struct Layout {
  std::int64_t first = 0, second = 0;
  std::vector<std::int64_t> spatial;

  Ints order() const {
    Ints dims{first, second};
    for (const std::int64_t axis : spatial) dims.push_back(axis);
    return dims;
  }
};

Layout layout_of(HloCall& call, std::int64_t rank, std::string_view first, std::string_view second,
                 std::string_view spatial) {
  Layout layout{call.integer(first, -1), call.integer(second, -1), call.integers(spatial)};
  call.require(static_cast<std::int64_t>(layout.spatial.size()) + 2 == rank &&
                   rank <= static_cast<std::int64_t>(most_dimensions),
               "an axis for each dimension");
  std::vector<bool> seen(static_cast<std::size_t>(rank));
  for (const std::int64_t axis : layout.order()) {
    call.require(axis >= 0 && axis < rank && !seen[static_cast<std::size_t>(axis)],
                 "each axis once");
    seen[static_cast<std::size_t>(axis)] = true;
  }
  return layout;
}

/// Where the axes of the first, second and spatial dimensions go back to.
Ints inverse_order(const Ints& order) {
  Ints dims = Ints::filled(order.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i)
    dims[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return dims;
}

struct Window {
  std::vector<std::int64_t> strides, low, high, lhs_dilation, rhs_dilation;
};

Window window_of(HloCall& call, std::size_t spatial) {
  const std::vector<std::int64_t> ones(spatial, 1);
  Window window{call.integers_or("window_strides", ones),
                {},
                {},
                call.integers_or("lhs_dilation", ones),
                call.integers_or("rhs_dilation", ones)};
  const auto padding = call.integers_or("padding", std::vector<std::int64_t>(2 * spatial, 0));
  call.require(padding.size() == 2 * spatial && window.strides.size() == spatial &&
                   window.lhs_dilation.size() == spatial && window.rhs_dilation.size() == spatial,
               "a number for each spatial dimension");
  for (std::size_t i = 0; i < spatial; ++i) {
    window.low.push_back(padding[2 * i]);
    window.high.push_back(padding[2 * i + 1]);
    call.require(window.strides[i] >= 1 && window.lhs_dilation[i] >= 1 &&
                     window.rhs_dilation[i] >= 1,
                 "strides and dilations of at least 1");
  }
  return window;
}

/// Negative padding crops.
Tensor cropped(Tensor x, Window& window) {
  PadAttrs crop;
  crop.before = Ints::filled(x.shape().size(), 0);
  crop.after = crop.before;
  bool is_needed = false;
  for (std::size_t i = 0; i < window.low.size(); ++i) {
    crop.before[i + 2] = std::min<std::int64_t>(window.low[i], 0);
    crop.after[i + 2] = std::min<std::int64_t>(window.high[i], 0);
    is_needed = is_needed || window.low[i] < 0 || window.high[i] < 0;
    window.low[i] = std::max<std::int64_t>(window.low[i], 0);
    window.high[i] = std::max<std::int64_t>(window.high[i], 0);
  }
  return is_needed ? pad(x, crop) : x;
}

Ints ints_of(const std::vector<std::int64_t>& numbers) { return Ints(std::span(numbers)); }

Tensor convolved(Tensor x, Tensor weight, const ConvNdAttrs& attrs, bool is_transposed) {
  const std::size_t spatial = attrs.stride.size();
  if (spatial > 3)
    return is_transposed ? conv_transpose(x, weight, {x.graph, no_id}, attrs)
                         : convolution(x, weight, {x.graph, no_id}, attrs);
  const auto few = [](const Ints& numbers) {
    return Spatial(std::span(numbers.begin(), numbers.size()));
  };
  const ConvAttrs plain{few(attrs.stride),   few(attrs.padding),        few(attrs.padding_end),
                        few(attrs.dilation), few(attrs.output_padding), attrs.groups};
  return is_transposed ? conv_transpose(x, weight, {x.graph, no_id}, plain)
                       : convolution(x, weight, {x.graph, no_id}, plain);
}

/// Zeros between the elements of x: a transposed convolution, whose work is that of the elements.
/// Throws Error{shape} where it has strides, too.
Tensor transposed(HloCall& call, Tensor x, Tensor weight, const Window& window,
                  std::int64_t groups) {
  ConvNdAttrs attrs;
  attrs.stride = ints_of(window.lhs_dilation);
  attrs.dilation = ints_of(window.rhs_dilation);
  attrs.groups = groups;
  for (std::size_t i = 0; i < window.low.size(); ++i) {
    call.require(window.strides[i] == 1, "a stride of 1 where elements are dilated");
    const std::int64_t reach =
        checked_mul(window.rhs_dilation[i], std::max<std::int64_t>(weight.shape()[i + 2], 1) - 1);
    attrs.padding.push_back(std::max<std::int64_t>(reach - window.low[i], 0));
    attrs.padding_end.push_back(std::max<std::int64_t>(reach - window.high[i], 0));
    attrs.output_padding.push_back(std::max<std::int64_t>(window.high[i] - reach, 0));
    call.require(window.low[i] <= reach, "padding that the kernel reaches over");
  }
  return convolved(x, weight, attrs, true);
}

void emit_convolution(HloCall& call) {
  const Tensor left = call.in(0);
  const Tensor right = call.in(1);
  const Layout in = layout_of(call, left.rank(), "input_batch_dimension", "input_feature_dimension",
                              "input_spatial_dimensions");
  const Layout kernel = layout_of(call, right.rank(), "kernel_output_feature_dimension",
                                  "kernel_input_feature_dimension", "kernel_spatial_dimensions");
  const Layout out = layout_of(call, call.output_type().shape.rank(), "output_batch_dimension",
                               "output_feature_dimension", "output_spatial_dimensions");
  call.require(!in.spatial.empty() && in.spatial.size() == kernel.spatial.size() &&
                   in.spatial.size() == out.spatial.size(),
               "as many spatial dimensions of each");
  Window window = window_of(call, in.spatial.size());
  const bool is_dynamic = call.operation().name == "dynamic_conv";
  if (is_dynamic && call.known(2) != nullptr &&
      call.known(2)->elements.size() == 2 * window.low.size())
    for (std::size_t i = 0; i < window.low.size(); ++i) {
      window.low[i] = call.known(2)->elements[2 * i];
      window.high[i] = call.known(2)->elements[2 * i + 1];
    }
  const std::int64_t groups = call.integer("feature_group_count", 1);
  const std::int64_t batch_groups = call.integer("batch_group_count", 1);
  call.require(groups >= 1 && batch_groups >= 1, "groups of at least 1");
  Tensor x = name_axes(left, in.order());
  const Tensor weight = name_axes(right, kernel.order());
  if (batch_groups > 1) {  // parts of the batch meet parts of the features: as groups of channels
    call.require(groups == 1 && x.dim(0) % batch_groups == 0, "a batch that divides");
    Shape parts = x.shape();
    parts[0] /= batch_groups;
    parts[1] = checked_mul(parts[1], batch_groups);
    x = rearrange(std::vector<Tensor>{x}, {"batch groups", parts});
  }
  const std::int64_t all_groups = checked_mul(groups, batch_groups);
  x = cropped(x, window);
  const bool is_transposed =
      std::ranges::any_of(window.lhs_dilation, [](std::int64_t each) { return each > 1; });
  Tensor result;
  if (is_transposed) {
    call.require(weight.dim(0) % all_groups == 0, "features that divide by the groups");
    const Shape& filters = weight.shape();
    Ints swapped{1, 0};
    for (std::int64_t i = 2; i < weight.rank(); ++i) swapped.push_back(i);
    Tensor by_input = name_axes(weight, swapped);
    if (all_groups > 1) {  // (in, out / groups, ...) for all groups
      Shape sizes = by_input.shape();
      sizes[0] = checked_mul(filters[1], all_groups);
      sizes[1] = filters[0] / all_groups;
      by_input = rearrange(std::vector<Tensor>{by_input}, {"groups", sizes});
    }
    result = transposed(call, x, by_input, window, all_groups);
  } else {
    const ConvNdAttrs attrs{ints_of(window.strides),
                            ints_of(window.low),
                            ints_of(window.high),
                            ints_of(window.rhs_dilation),
                            {},
                            all_groups};
    result = convolved(x, weight, attrs, false);
  }
  call.graph().set_dtype(result.id, call.output_type().dtype);
  call.out(name_axes(result, inverse_order(out.order())));
}

// -- Fourier transforms -------------------------------------------------------------------------

/// Along the last axes, of which one of real numbers is the last one. Complex numbers are pairs.
void emit_fft(HloCall& call) {
  constexpr std::int64_t inverse_transform = 1, of_real = 2, to_real = 3;  // FFT is 0
  const Tensor x = call.in(0);
  const std::int64_t kind = call.integer("fft_type", 0);
  const std::vector<std::int64_t> lengths = call.integers("fft_length");
  const auto count = static_cast<std::int64_t>(lengths.size());
  call.require(count >= 1 && count <= x.rank() && is_complex(x.dtype()) == (kind != of_real),
               "an axis for each length, and complex numbers but for RFFT");
  const bool is_inverse = kind == inverse_transform || kind == to_real;
  const bool has_real = kind == of_real || kind == to_real;
  const std::int64_t first = x.rank() - count;
  const std::int64_t last = x.rank() - 1;
  Tensor pairs = kind == of_real ? unsqueeze(x, -1) : view_as_real(x);
  if (kind == of_real) pairs = dft(pairs, {last, lengths.back(), true, false});
  for (std::int64_t i = 0; i + (has_real ? 1 : 0) < count; ++i)
    pairs = dft(pairs, {first + i, lengths[static_cast<std::size_t>(i)], false, is_inverse});
  if (kind != to_real) return call.out(view_as_complex(pairs));
  call.out(squeeze(dft(pairs, {last, lengths.back(), true, true}), -1));
}

// -- linear algebra -----------------------------------------------------------------------------

void emit_cholesky(HloCall& call) { call.out(apply(cholesky_op, NoAttrs{}, call.in(0))); }

void emit_triangular_solve(HloCall& call) {
  const Tensor a = call.in(0);
  Tensor b = call.in(1);
  const bool is_left = call.integer("left_side", 1) != 0;
  if (!is_left) b = transpose(b, -2, -1);
  const Tensor x = solve(solve_triangular_op, a, b);
  call.out(is_left ? x : transpose(x, -2, -1));
}

constexpr HloOperator product_rows[] = {
    {"cholesky", emit_cholesky},
    {"convolution", emit_convolution},
    {"dot", emit_dot},
    {"dot_general", emit_dot_general},
    {"dynamic_conv", emit_convolution},
    {"einsum", emit_einsum},
    {"fft", emit_fft},
    {"triangular_solve", emit_triangular_solve},
};

}  // namespace

extern constinit const HloOperators hlo_product_operators = {product_rows};

}  // namespace zoometer
