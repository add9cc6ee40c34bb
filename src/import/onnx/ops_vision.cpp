// Boxes and regions.
#include "import/onnx/context.hpp"
#include "import/torch/decompositions.hpp"
#include "op/detection.hpp"
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

using enum Meaning;

constexpr NoEffect affine_no_effect[] = {{"align_corners", "where the grid's points lie"}};

constexpr NoEffect nms_no_effect[] = {
    {"center_point_box", "how boxes are written"},
    {"input 3", "all boxes are compared, whatever the threshold"},
    {"input 4", "all boxes are compared, whatever the threshold"},
};

constexpr NoEffect roi_no_effect[] = {{"mode", "as many samples are summed or compared"}};

constexpr OnnxOperator vision_rows[] = {
    {"AffineGrid", same_cost, emit_affine_grid, {.no_effect = affine_no_effect}},
    {"NonMaxSuppression", same_values, emit_non_max_suppression, {.no_effect = nms_no_effect}},
    {"RoiAlign", same_values, emit_roi_align, {.no_effect = roi_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_vision_operators = {"", vision_rows};

}  // namespace zoometer
