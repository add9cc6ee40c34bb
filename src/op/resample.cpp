#include "zoometer/op/resample.hpp"

#include <algorithm>
#include <cmath>

namespace zoometer {
namespace {

using namespace declaring;

constexpr std::string_view upsample_constraints[] = {
    "x with a batch, a channel and the operator's spatial dimensions",
    "an output size of at least 1 for each spatial dimension"};
constexpr Operand grid_inputs[] = {{"x", Role::data}, {"grid", Role::data}};
constexpr std::string_view grid_constraints[] = {
    "x of rank 3 to 5 and a grid of that rank",
    "a grid with the batch of x and a coordinate for each spatial dimension",
    "a mode of bilinear, nearest or bicubic, the last one of rank 4"};

template <std::int64_t SpatialRank>
void infer_upsample(Inference& in) {
  const Spatial& size = in.attrs<UpsampleAttrs>().output_size;
  Shape out = in.shape(0);
  in.require(out.rank() == SpatialRank + 2, 1);
  in.require(size.size() == static_cast<std::size_t>(SpatialRank), 2);
  for (std::size_t i = 0; i < size.size(); ++i) {
    in.require(size[i] >= 1, 2);
    out[i + 2] = size[i];
  }
  in.output(out, in.dtype(0));
}

void infer_grid_sample(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& grid = in.shape(1);
  in.require(x.rank() >= 3 && x.rank() <= 5 && grid.rank() == x.rank(), 1);
  in.require(grid.dim(0) == x.dim(0) && grid.dim(-1) == x.rank() - 2, 2);
  const std::string_view mode = in.attrs<GridSampleAttrs>().mode;
  in.require(mode == "bilinear" || mode == "nearest" || (mode == "bicubic" && x.rank() == 4), 3);
  Shape out{x.dim(0), x.dim(1)};
  for (std::int64_t i = 1; i + 1 < grid.rank(); ++i) out.push_back(grid.dim(i));
  in.output(out, in.dtype(0));
}

/// In d dimensions: 3 per coordinate to find a place, 1 to round it; a weight of each of the 2^d
/// neighbours takes 2 differences and a product for each dimension after the first.
Cost cost_grid_sample(const NodeView& node) {
  const std::int64_t dimensions = node.in(0).rank() - 2;
  const std::int64_t positions = node.in_numel(1) / dimensions;
  const std::int64_t neighbours = std::int64_t{1} << dimensions;
  const std::string_view mode = node.attrs<GridSampleAttrs>().mode;
  if (mode == "nearest") return {0, checked_mul(4 * dimensions, positions)};
  if (mode == "bilinear") {
    const std::int64_t per_position =
        4 * dimensions + 2 * dimensions + neighbours * (dimensions - 1);
    return {0, checked_add(checked_mul(2 * neighbours - 1, node.out_numel()),
                           checked_mul(per_position, positions))};
  }
  return {0, checked_add(checked_mul(35, node.out_numel()), checked_mul(66, positions))};
}

/// How many elements along an axis a filter of that support weighs at most: those within support x
/// step to both sides of a place, where the step is at least 1 (PyTorch's UpSampleKernel.cpp).
std::int64_t samples(const NodeView& node, std::int64_t axis, double support) {
  const auto& attrs = node.attrs<UpsampleAttrs>();
  const auto place = static_cast<std::size_t>(axis - 2);
  double step =
      static_cast<double>(node.in(0).dim(axis)) / static_cast<double>(node.out().dim(axis));
  if (attrs.factors.size() > place && attrs.factors[place] > 0) step = 1 / attrs.factors[place];
  const double reach = std::floor(2 * support * std::max(step, 1.0)) + 1;
  const auto length = static_cast<double>(node.in(0).dim(axis));
  return static_cast<std::int64_t>(std::min(reach, std::max(length, 1.0)));
}

/// The rows first, then the columns of what they gave; an axis whose size stays is left out.
template <int support>
Cost cost_antialias(const NodeView& node) {
  const Shape& x = node.in(0);
  const Shape& out = node.out();
  std::int64_t total = 0;
  const auto pass = [&](std::int64_t axis, std::int64_t elements) {
    if (x.dim(axis) == out.dim(axis)) return;
    const std::int64_t each = 2 * samples(node, axis, support) - 1;
    total = checked_add(total, checked_mul(each, elements));
  };
  const std::int64_t rows = checked_mul(checked_mul(x.dim(0), x.dim(1)), x.dim(2));
  pass(3, checked_mul(rows, out.dim(3)));
  pass(2, node.out_numel());
  return {0, total};
}

constexpr OpDef nearest(std::string_view name, void (*infer)(Inference&)) {
  return {.name = name,
          .summary = "Resizes to the nearest element.",
          .formula = "0: moves elements, computes nothing",
          .kind = OpKind::resampling,
          .inputs = input_x,
          .constraints = upsample_constraints,
          .attrs = AttrType::of<UpsampleAttrs>(),
          .backward = keeps_nothing,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = real_arithmetic,
          .coverage = Coverage::zero,
          .infer = infer};
}

constexpr OpDef interpolation(std::string_view name, std::string_view summary,
                              std::string_view formula, void (*infer)(Inference&),
                              Cost (*cost)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::resampling,
          .inputs = input_x,
          .constraints = upsample_constraints,
          .attrs = AttrType::of<UpsampleAttrs>(),
          .backward = keeps_nothing,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = additions,
          .infer = infer,
          .cost = cost};
}

}  // namespace

// The weights along each axis serve all channels and batches, so they are not counted.
constinit const OpDef upsample_nearest1d_op = nearest("upsample_nearest1d", infer_upsample<1>);
constinit const OpDef upsample_nearest2d_op = nearest("upsample_nearest2d", infer_upsample<2>);
constinit const OpDef upsample_nearest3d_op = nearest("upsample_nearest3d", infer_upsample<3>);
constinit const OpDef upsample_linear1d_op =
    interpolation("upsample_linear1d", "Resizes by linear interpolation.",
                  "3 per output element: two products and a sum", infer_upsample<1>, per_output<3>);
constinit const OpDef upsample_bilinear2d_op =
    interpolation("upsample_bilinear2d", "Resizes by bilinear interpolation.",
                  "9 per output element: three linear interpolations of two products and a sum",
                  infer_upsample<2>, per_output<9>);
constinit const OpDef upsample_trilinear3d_op =
    interpolation("upsample_trilinear3d", "Resizes by trilinear interpolation.",
                  "21 per output element: seven linear interpolations of two products and a sum",
                  infer_upsample<3>, per_output<21>);
constinit const OpDef upsample_bicubic2d_op = interpolation(
    "upsample_bicubic2d", "Resizes by bicubic interpolation.",
    "35 per output element: five cubic interpolations of four products and three sums",
    infer_upsample<2>, per_output<35>);
constexpr std::string_view antialias_formula =
    "2 n - 1 per element that each axis gives, the last axis first: n products and their sum; n is "
    "floor(2 r s) + 1, at most the axis's length, for the filter's reach r (linear 1, cubic 2) and "
    "the "
    "step s of the axis, at least 1; nothing for an axis whose size stays";
constinit const OpDef upsample_bilinear2d_aa_op = interpolation(
    "upsample_bilinear2d_aa", "Resizes by a triangle over all elements that it covers.",
    antialias_formula, infer_upsample<2>, cost_antialias<1>);
constinit const OpDef upsample_bicubic2d_aa_op = interpolation(
    "upsample_bicubic2d_aa", "Resizes by a cubic filter over all elements that it covers.",
    antialias_formula, infer_upsample<2>, cost_antialias<2>);
constinit const OpDef grid_sample_op = {
    .name = "grid_sample",
    .summary = "Interpolates at given positions.",
    .formula = "bilinear: 7 per output element (four products and three sums) + 16 per position "
               "(6 to find it, 2 to round, 8 for the weights), of volumes 15 and 34, of signals 3 "
               "and 6; nearest: 8 per position, of volumes 12, of signals 4; bicubic: "
               "35 per output element + 66 per position (6, 2, 2 differences, 8 weights of 7)",
    .kind = OpKind::resampling,
    .inputs = grid_inputs,
    .constraints = grid_constraints,
    .attrs = AttrType::of<GridSampleAttrs>(),
    .backward = keeps(first | second),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = additions,
    .infer = infer_grid_sample,
    .cost = cost_grid_sample};

namespace {

constexpr const OpDef* ops[] = {&upsample_nearest1d_op,    &upsample_nearest2d_op,
                                &upsample_nearest3d_op,    &upsample_linear1d_op,
                                &upsample_bilinear2d_op,   &upsample_trilinear3d_op,
                                &upsample_bicubic2d_op,    &upsample_bilinear2d_aa_op,
                                &upsample_bicubic2d_aa_op, &grid_sample_op};

constexpr const OpDef* nearest_ops[] = {&upsample_nearest1d_op, &upsample_nearest2d_op,
                                        &upsample_nearest3d_op};
constexpr const OpDef* linear_ops[] = {&upsample_linear1d_op, &upsample_bilinear2d_op,
                                       &upsample_trilinear3d_op};

Tensor upsample_by_rank(std::span<const OpDef* const> by_rank, Tensor x,
                        const UpsampleAttrs& attrs) {
  if (attrs.output_size.empty()) throw Error(ErrorCode::shape, "a resize without a size");
  return upsample(*by_rank[attrs.output_size.size() - std::size_t{1}], x, attrs);
}

}  // namespace

extern constinit const OpGroup resample_ops = {"resampling",
                                               "Values between the elements of tensors.", ops};

Tensor upsample(const OpDef& op, Tensor x, const UpsampleAttrs& attrs) {
  return apply(op, attrs, x);
}

Tensor resize_nearest(Tensor x, const UpsampleAttrs& attrs) {
  return upsample_by_rank(nearest_ops, x, attrs);
}

Tensor upsample_nearest(Tensor x, const Spatial& size) {
  return resize_nearest(x, UpsampleAttrs{.output_size = size});
}

Tensor resize_linear(Tensor x, const UpsampleAttrs& attrs) {
  return upsample_by_rank(linear_ops, x, attrs);
}

Tensor upsample_linear(Tensor x, const Spatial& size, bool align_corners) {
  return resize_linear(x, UpsampleAttrs{.output_size = size, .align_corners = align_corners});
}

Tensor upsample_bicubic(Tensor x, const Spatial& size, bool align_corners) {
  return upsample(upsample_bicubic2d_op, x, {.output_size = size, .align_corners = align_corners});
}

Tensor grid_sample(Tensor x, Tensor grid, const GridSampleAttrs& attrs) {
  return apply(grid_sample_op, attrs, x, grid);
}

}  // namespace zoometer
