// Boxes and regions.
#include "import/onnx/context.hpp"
#include "import/torch/decompositions.hpp"
#include "op/detection.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// Boxes (batch, n, 4) and scores (batch, classes, n).
OnnxOutcome emit_non_max_suppression(OnnxContext& context) {
  const Tensor boxes = context.in(0);
  const Tensor scores = context.in(1);
  ClassNmsAttrs attrs;
  attrs.most_per_class = 0;
  if (context.has(2)) {  // what data decides is at most all of them
    attrs.most_per_class = context.integer(2).value_or(-1);
  }
  attrs.iou_threshold = context.constant_number(3).value_or(0);
  attrs.score_threshold = context.constant_number(4).value_or(0);
  context.at_most(0, apply(class_nms_op, attrs, boxes, scores), 0);
  return OnnxOutcome::done;
}

/// Regions (n, 4) and the image of each (n,) as rows (image, box).
OnnxOutcome emit_roi_align(OnnxContext& context) {
  const Tensor map = context.in(0);
  const Tensor boxes = context.in(1);
  context.require(boxes.rank() == 2 && boxes.dim(1) == 4 && context.rank(2) == 1,
                  "boxes (n, 4) and their images (n,)");
  const Tensor images = to(unsqueeze(context.in(2), 1), boxes.dtype());
  RoiAlignAttrs attrs;
  attrs.output_size = {context.integer("output_height", 1), context.integer("output_width", 1)};
  attrs.sampling_ratio = context.integer("sampling_ratio", 0);
  if (attrs.sampling_ratio <= 0) {
    attrs.sampling_ratio = 2;
    context.note("a RoiAlign whose samples depend on the regions is counted with 2 x 2 per bin");
  }
  attrs.scales = {context.real("spatial_scale", 1)};
  attrs.aligned = context.opset() >= 16 &&
                  context.text("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const Tensor maps[] = {map};
  return context.out(roi_align(cat({images, boxes}, 1), maps, attrs));
}

OnnxOutcome emit_affine_grid(OnnxContext& context) {
  const Tensor theta = context.in(0);
  const auto size = context.integers(1);
  if (!size) return OnnxOutcome::depends_on_data;
  const std::int64_t dimensions = theta.rank() == 3 ? theta.dim(1) : 0;
  context.require((dimensions == 2 || dimensions == 3) && theta.dim(2) == dimensions + 1 &&
                      static_cast<std::int64_t>(size->size()) == dimensions + 2,
                  "maps (batch, 2, 3) or (batch, 3, 4), and the size of such a batch");
  return context.out(affine_grid(theta, *size));
}

bool declare_affine_grid(OnnxContext& context, const DeclaredType& type) {
  const Tensor theta = context.in(0);
  const std::int64_t dimensions = type.shape.rank() - 2;
  if (dimensions < 2 || dimensions > 3 ||
      theta.shape() != Shape{type.shape[0], dimensions, dimensions + 1} ||
      type.shape.dim(-1) != dimensions)
    return false;
  std::vector<std::int64_t> size{type.shape[0], 1};  // the grid does not depend on the channels
  for (std::int64_t i = 1; i <= dimensions; ++i) size.push_back(type.shape.dim(i));
  context.take_unknown(1);
  context.out(affine_grid(theta, size));
  return true;
}

/// The maximum of each bin of regions (n, 5) = (image, box).
OnnxOutcome emit_max_roi_pool(OnnxContext& context) {
  const auto size = context.integers("pooled_shape");
  context.require(size && size->size() == 2, "a pooled_shape of height and width");
  const Tensor map = context.in(0), boxes = context.in(1);
  return context.out(apply(roi_pool_op, RoiPoolAttrs{Spatial(*size)}, map, boxes));
}

/// What an image's sizes, its blocks and their steps say: of each spatial dimension.
struct Blocks {
  Ints image, block, before, padded;
};

Blocks blocks_of(const OnnxContext& context, std::span<const std::int64_t> image,
                 std::span<const std::int64_t> block) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  const auto pads = context.integers("pads");
  const std::size_t count = image.size();
  context.require(count >= 1 && block.size() == count && count + 2 <= most_dimensions &&
                      (!pads || pads->empty() || pads->size() == 2 * count),
                  "a size of the image and of a block, and two pads, per spatial dimension");
  Blocks blocks{context.short_list(image), context.short_list(block), {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t before = pads && !pads->empty() ? (*pads)[i] : 0;
    const std::int64_t after = pads && !pads->empty() ? (*pads)[i + count] : 0;
    context.require(image[i] >= 0 && block[i] >= 1 && before >= 0 && before < most && after >= 0 &&
                        after < most,
                    "sizes and pads of at least 0");
    blocks.before.push_back(before);
    blocks.padded.push_back(checked_add(image[i], before + after));
  }
  return blocks;
}

/// Blocks (batch, channels x block elements, blocks) added up to the image (batch, channels, ...):
/// 1 addition for each of their elements.
OnnxOutcome emit_col2im(OnnxContext& context) {
  const auto image = context.integers(1), block = context.integers(2);
  if (!image || !block) return OnnxOutcome::depends_on_data;
  const Tensor x = context.in(0);
  const Blocks blocks = blocks_of(context, *image, *block);
  const std::int64_t elements = numel(blocks.block);
  context.require(x.rank() == 3 && x.dim(1) % elements == 0, "whole blocks of channels");
  const std::int64_t channels = x.dim(1) / elements;
  Graph& graph = context.graph();
  const Tensor pieces = reshape(x, {x.dim(0), channels, checked_mul(elements, x.dim(2))});
  const Tensor empty = full(graph, {x.dim(0), channels, numel(blocks.padded)}, 0, x.dtype());
  const Tensor places = full(graph, pieces.shape(), 0, DType::int64);
  Ints sizes{x.dim(0), channels};
  for (const std::int64_t size : blocks.padded) sizes.push_back(size);
  Tensor result = reshape(apply(scatter_op, ScatterAttrs{2, "sum"}, empty, places, pieces), sizes);
  for (std::size_t i = 0; i < blocks.image.size(); ++i) {
    if (blocks.padded[i] == blocks.image[i]) continue;
    result = slice(result, static_cast<std::int64_t>(i) + 2, blocks.before[i],
                   checked_add(blocks.before[i], blocks.image[i]));
  }
  return context.out(result);
}

using enum Meaning;

constexpr NoEffect affine_no_effect[] = {{"align_corners", "where the grid's points lie"}};

constexpr NoEffect nms_no_effect[] = {
    {"center_point_box", "how boxes are written"},
    {"input 3", "all boxes are compared, whatever the threshold"},
    {"input 4", "all boxes are compared, whatever the threshold"},
};

constexpr NoEffect blocks_no_effect[] = {
    {"dilations", "where the elements of a block lie"},
    {"strides", "where the blocks lie"},
};

constexpr NoEffect max_roi_no_effect[] = {
    {"spatial_scale", "where the regions lie"},
};

constexpr NoEffect roi_no_effect[] = {{"mode", "as many samples are summed or compared"}};

constexpr OnnxOperator vision_rows[] = {
    {"AffineGrid",
     same_cost,
     emit_affine_grid,
     {.settings = {1}, .emit_declared = declare_affine_grid, .no_effect = affine_no_effect}},
    {"Col2Im", same_cost, emit_col2im, {.settings = {1, 2}, .no_effect = blocks_no_effect}},
    {"MaxRoiPool", same_cost, emit_max_roi_pool, {.no_effect = max_roi_no_effect}},
    {"NonMaxSuppression", same_values, emit_non_max_suppression, {.no_effect = nms_no_effect}},
    {"RoiAlign", same_values, emit_roi_align, {.no_effect = roi_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_vision_operators = {"", vision_rows};

}  // namespace zoometer
