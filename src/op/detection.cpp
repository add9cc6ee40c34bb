#include "op/detection.hpp"

#include <algorithm>
#include <array>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand decode_inputs[] = {{"offsets", Role::data}, {"anchors", Role::data}};
constexpr Operand distance_inputs[] = {{"distances", Role::data}, {"anchors", Role::data}};
constexpr Operand boxes_inputs[] = {{"boxes", Role::data}};
constexpr Operand mask_inputs[] = {{"mask", Role::mask}};
constexpr Operand nms_inputs[] = {
    {"boxes", Role::data}, {"scores", Role::data}, {"groups", Role::indices}};
constexpr Operand class_nms_inputs[] = {{"boxes", Role::data}, {"scores", Role::data}};
constexpr Operand roi_inputs[] = {{"regions", Role::data}, {"maps...", Role::data}};
constexpr Operand roi_pool_inputs[] = {{"map", Role::data}, {"regions", Role::data}};
constexpr std::string_view roi_pool_constraints[] = {
    "a map of rank 4", "regions (n, 5): an image and a box", "an output size of at least 1"};
constexpr Operand paste_inputs[] = {{"masks", Role::data}, {"boxes", Role::data}};
constexpr Operand heatmap_inputs[] = {{"heatmaps", Role::data}, {"boxes", Role::data}};

constexpr std::string_view normalize_constraints[] = {"x of rank 4",
                                                      "a mean and a deviation for each channel"};
constexpr std::string_view anchor_constraints[] = {
    "a grid and a stride of a height and a width, each at least 1", "at least one size and ratio"};
constexpr std::string_view default_constraints[] = {
    "a grid and an image size of a height and a width, each at least 1"};
constexpr std::string_view decode_constraints[] = {"anchors (n, 4)", "offsets (n, 4 k)",
                                                   "four weights"};
constexpr std::string_view distance_constraints[] = {"anchors (n, 4)", "distances (n, 4)"};
constexpr std::string_view clip_constraints[] = {"a last dimension of 4",
                                                 "an image size of a height and a width"};
constexpr std::string_view flatnonzero_constraints[] = {"a mask of rank 1"};
constexpr std::string_view nms_constraints[] = {"boxes (n, 4)", "scores (n,)",
                                                "groups (n,) or none"};
constexpr std::string_view class_nms_constraints[] = {"boxes (images, n, 4)",
                                                      "scores (images, classes, n)"};
constexpr std::string_view roi_constraints[] = {
    "regions (n, 5)", "at least one map (N, C, H, W), all of equal C",
    "an output size of a height and a width, each at least 1",
    "a sampling ratio of at least 1 and a scale for each map"};
constexpr std::string_view paste_constraints[] = {"masks (n, 1, M, M)", "boxes (n, 4)",
                                                  "an image size of a height and a width"};
constexpr std::string_view heatmap_constraints[] = {"heatmaps (n, k, M, M)", "boxes (n, 4)",
                                                    "an image size of a height and a width"};

bool is_size(const Spatial& size) { return size.size() == 2 && size[0] >= 1 && size[1] >= 1; }

bool are_boxes(const Shape& shape) { return shape.rank() == 2 && shape.dim(1) == 4; }

void infer_normalize(Inference& in) {
  const auto& attrs = in.attrs<NormalizeImageAttrs>();
  const Shape& x = in.shape(0);
  in.require(x.rank() == 4, 1);
  const auto channels = static_cast<std::size_t>(x.dim(1));
  in.require(attrs.mean.size() == channels && attrs.std.size() == channels, 2);
  infer_same(in);
}

void infer_anchors(Inference& in) {
  const auto& attrs = in.attrs<GridAnchorsAttrs>();
  in.require(is_size(attrs.grid) && is_size(attrs.stride), 1);
  in.require(!attrs.sizes.empty() && !attrs.ratios.empty(), 2);
  in.output({product(attrs.grid[0], attrs.grid[1], attrs.sizes.size(), attrs.ratios.size()), 4},
            DType::float32);
}

void infer_default_boxes(Inference& in) {
  const auto& attrs = in.attrs<DefaultBoxesAttrs>();
  in.require(is_size(attrs.grid) && is_size(attrs.image_size), 1);
  in.output({product(attrs.grid[0], attrs.grid[1], 2 + 2 * attrs.ratios.size()), 4},
            DType::float32);
}

void infer_decode(Inference& in) {
  const Shape& offsets = in.shape(0);
  const Shape& anchors = in.shape(1);
  in.require(are_boxes(anchors), 1);
  in.require(offsets.rank() == 2 && offsets.dim(0) == anchors.dim(0) && offsets.dim(1) % 4 == 0, 2);
  in.require(in.attrs<DecodeBoxesAttrs>().weights.size() == 4, 3);
  in.output({offsets.dim(0), offsets.dim(1) / 4, 4}, in.dtype(0));
}

void infer_distances(Inference& in) {
  in.require(are_boxes(in.shape(1)), 1);
  in.require(in.shape(0) == in.shape(1), 2);
  infer_same(in);
}

void infer_clip(Inference& in) {
  in.require(in.shape(0).rank() >= 1 && in.shape(0).dim(-1) == 4, 1);
  in.require(is_size(in.attrs<ImageSizeAttrs>().image_size), 2);
  infer_same(in);
}

void infer_flatnonzero(Inference& in) {
  in.require(in.shape(0).rank() == 1, 1);
  const std::int64_t most = in.attrs<FlatnonzeroAttrs>().most;
  const std::int64_t length = in.shape(0).dim(0);
  in.output({most < 0 ? length : std::min(length, most)}, DType::int64, true);
}

void infer_nms(Inference& in) {
  in.require(are_boxes(in.shape(0)), 1);
  const Shape per_box{in.shape(0).dim(0)};
  in.require(in.shape(1) == per_box, 2);
  in.require(!in.has(2) || in.shape(2) == per_box, 3);
  in.output(per_box, DType::int64, true);
}

void infer_class_nms(Inference& in) {
  const Shape& boxes = in.shape(0);
  const Shape& scores = in.shape(1);
  in.require(boxes.rank() == 3 && boxes.dim(2) == 4, 1);
  in.require(scores.rank() == 3 && scores.dim(0) == boxes.dim(0) && scores.dim(2) == boxes.dim(1),
             2);
  const std::int64_t most = in.attrs<ClassNmsAttrs>().most_per_class;
  const std::int64_t kept = most < 0 ? boxes.dim(1) : std::min(most, boxes.dim(1));
  in.output({checked_mul(checked_mul(scores.dim(0), scores.dim(1)), kept), 3}, DType::int64, true);
}

void infer_roi_align(Inference& in) {
  const auto& attrs = in.attrs<RoiAlignAttrs>();
  const Shape& regions = in.shape(0);
  in.require(regions.rank() == 2 && regions.dim(1) == 5, 1);
  in.require(in.input_count() >= 2, 2);
  for (std::size_t i = 1; i < in.input_count(); ++i) {
    in.require(in.shape(i).rank() == 4 && in.shape(i).dim(1) == in.shape(1).dim(1), 2);
  }
  in.require(is_size(attrs.output_size), 3);
  in.require(attrs.sampling_ratio >= 1 && attrs.scales.size() == in.input_count() - 1, 4);
  in.output({regions.dim(0), in.shape(1).dim(1), attrs.output_size[0], attrs.output_size[1]},
            in.dtype(1));
}

void infer_roi_pool(Inference& in) {
  const Spatial& size = in.attrs<RoiPoolAttrs>().output_size;
  const Shape& map = in.shape(0);
  const Shape& regions = in.shape(1);
  in.require(map.rank() == 4, 1);
  in.require(regions.rank() == 2 && regions.dim(1) == 5, 2);
  in.require(is_size(size), 3);
  in.output({regions.dim(0), map.dim(1), size[0], size[1]}, in.dtype(0));
}

/// Neighbouring bins share a row or a column where an edge is inside a pixel.
Cost cost_roi_pool(const NodeView& node) {
  const Spatial& size = node.attrs<RoiPoolAttrs>().output_size;
  const Shape& map = node.in(0);
  const std::int64_t pixels =
      checked_mul(checked_add(map.dim(2), size[0]), checked_add(map.dim(3), size[1]));
  return {0, product(node.in(1).dim(0), map.dim(1), pixels)};
}

void infer_paste(Inference& in) {
  const Shape& masks = in.shape(0);
  const Spatial& size = in.attrs<ImageSizeAttrs>().image_size;
  in.require(masks.rank() == 4 && masks.dim(1) == 1 && masks.dim(2) == masks.dim(3), 1);
  in.require(in.shape(1) == Shape({masks.dim(0), 4}), 2);
  in.require(is_size(size), 3);
  in.output({masks.dim(0), 1, size[0], size[1]}, in.dtype(0));
}

void infer_keypoints(Inference& in) {
  const Shape& maps = in.shape(0);
  in.require(maps.rank() == 4 && maps.dim(2) == maps.dim(3), 1);
  in.require(in.shape(1) == Shape({maps.dim(0), 4}), 2);
  in.require(is_size(in.attrs<ImageSizeAttrs>().image_size), 3);
  in.output({maps.dim(0), maps.dim(1), 3}, in.dtype(0));
  in.output({maps.dim(0), maps.dim(1)}, in.dtype(0));
}

Cost cost_decode(const NodeView& node) {
  const std::int64_t anchors = node.in(1).dim(0);
  return {0, checked_add(checked_mul(6, anchors), checked_mul(20, node.out_numel() / 4))};
}

Cost cost_nms(const NodeView& node) {
  const std::int64_t boxes = node.in(0).dim(0);
  const std::int64_t given = node.attrs<NmsAttrs>().group_size;
  const std::int64_t group = given < 0 || !node.has(2) ? boxes : std::min(boxes, given);
  const std::int64_t pairs = checked_mul(boxes, std::max<std::int64_t>(group - 1, 0)) / 2;
  return {0, checked_add(checked_mul(boxes, log2_ceil(boxes) + 3), checked_mul(13, pairs))};
}

Cost cost_class_nms(const NodeView& node) {
  const std::int64_t boxes = node.in(0).dim(1);
  const std::int64_t classes = checked_mul(node.in(1).dim(0), node.in(1).dim(1));
  const std::int64_t pairs = checked_mul(boxes, std::max<std::int64_t>(boxes - 1, 0)) / 2;
  const std::int64_t per_class =
      checked_add(checked_mul(boxes, log2_ceil(boxes) + 3), checked_mul(13, pairs));
  return {0, checked_mul(classes, per_class)};
}

Cost cost_roi_align(const NodeView& node) {
  const auto& attrs = node.attrs<RoiAlignAttrs>();
  const std::int64_t samples_per_bin = checked_mul(attrs.sampling_ratio, attrs.sampling_ratio);
  const std::int64_t samples =
      product(node.in(0).dim(0), attrs.output_size[0], attrs.output_size[1], samples_per_bin);
  const std::int64_t to_find_map = node.input_count() > 2 ? 9 : 0;
  return {0, checked_add(checked_mul(checked_mul(8, node.out_numel()), samples_per_bin),
                         checked_add(checked_mul(16, samples),
                                     checked_mul(to_find_map, node.in(0).dim(0))))};
}

/// A mask gets a border of one of its elements on every side, and its box grows with it.
Cost cost_paste(const NodeView& node) {
  const Spatial& size = node.attrs<ImageSizeAttrs>().image_size;
  const std::int64_t length = std::max<std::int64_t>(1, node.in(0).dim(2));
  const auto grown = [&](std::int64_t side) {
    return checked_add(1, ceil_div(checked_mul(side, length + 2), length));
  };
  const std::int64_t pixels = checked_mul(grown(size[0]), grown(size[1]));
  return {0, checked_mul(node.in(0).dim(0), checked_add(14, checked_mul(9, pixels)))};
}

Cost cost_keypoints(const NodeView& node) {
  const Spatial& size = node.attrs<ImageSizeAttrs>().image_size;
  const std::int64_t elements = product(node.in(0).dim(0), node.in(0).dim(1), size[0], size[1]);
  return {0, checked_add(checked_mul(36, elements), checked_mul(8, node.out_numel(1)))};
}

}  // namespace

constinit const OpDef normalize_image_op = {.name = "normalize_image",
                                            .summary = "(x - mean) / std per channel.",
                                            .formula = "2 per element",
                                            .kind = OpKind::pointwise,
                                            .inputs = input_x,
                                            .constraints = normalize_constraints,
                                            .attrs = AttrType::of<NormalizeImageAttrs>(),
                                            .backward = keeps_nothing,
                                            .fusion = Fuse::follows,
                                            .memory = new_memory,
                                            .arithmetic = real_arithmetic,
                                            .infer = infer_normalize,
                                            .cost = per_output<2>};
constinit const OpDef grid_anchors_op = {
    .name = "grid_anchors",
    .summary = "Boxes of given sizes and aspect ratios around every position of a map.",
    .formula = "4 per box: its corners moved to the position",
    .kind = OpKind::constant,
    .inputs = no_inputs,
    .constraints = anchor_constraints,
    .attrs = AttrType::of<GridAnchorsAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_anchors,
    .cost = per_output<1>};
constinit const OpDef default_boxes_op = {
    .name = "default_boxes",
    .summary = "SSD's boxes of given scales and aspect ratios around every position of a map.",
    .formula = "12 per box: 2 for half its size, 4 for its corners, 4 to scale them to pixels, "
               "2 for its centre",
    .kind = OpKind::constant,
    .inputs = no_inputs,
    .constraints = default_constraints,
    .attrs = AttrType::of<DefaultBoxesAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_default_boxes,
    .cost = per_output<3>};
constinit const OpDef decode_boxes_op = {
    .name = "decode_boxes",
    .summary = "Boxes from offsets of the centre and logarithms of the growth of anchors.",
    .formula = "6 per anchor (its size and centre) + 20 per box (4 weights, 2 limits, 4 for the "
               "centre, 2 exponentials, 2 for the size, 2 halves, 4 corners)",
    .kind = OpKind::boxes,
    .inputs = decode_inputs,
    .constraints = decode_constraints,
    .attrs = AttrType::of<DecodeBoxesAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_decode,
    .cost = cost_decode};
constinit const OpDef decode_distances_op = {
    .name = "decode_distances",
    .summary = "Boxes from the distances of their edges from the centres of anchors.",
    .formula = "14 per box: 4 for the anchor's centre, 2 for its size, 4 to scale the distances, "
               "4 for the edges",
    .kind = OpKind::boxes,
    .inputs = distance_inputs,
    .constraints = distance_constraints,
    .attrs = AttrType::of<NoAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_distances,
    .cost = [](const NodeView& node) -> Cost {
      return {0, 14 * (node.out_numel() / 4)};
    }};
constinit const OpDef clip_boxes_op = {.name = "clip_boxes",
                                       .summary = "Cuts boxes at the image's edges.",
                                       .formula = "2 per coordinate",
                                       .kind = OpKind::pointwise,
                                       .inputs = boxes_inputs,
                                       .constraints = clip_constraints,
                                       .attrs = AttrType::of<ImageSizeAttrs>(),
                                       .backward = keeps_nothing,
                                       .fusion = Fuse::follows,
                                       .memory = new_memory,
                                       .arithmetic = real_arithmetic,
                                       .infer = infer_clip,
                                       .cost = per_output<2>};
constinit const OpDef flatnonzero_op = {
    .name = "flatnonzero",
    .summary = "The indices at which a mask holds. How many is bounded by the mask's length.",
    .formula = "1 per element of the mask",
    .kind = OpKind::selection,
    .inputs = mask_inputs,
    .constraints = flatnonzero_constraints,
    .attrs = AttrType::of<FlatnonzeroAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_flatnonzero,
    .cost = per_input<1>};
constinit const OpDef nms_op = {
    .name = "nms",
    .summary = "Non-maximum suppression: the boxes that no better one of their group overlaps.",
    .formula = "at most ceil(log2 n) + 3 per box (sorting, area) + 13 per pair of boxes of one "
               "group (4 for the overlap's corners, 2 differences, 2 limits, 1 product, 2 for the "
               "union, 1 quotient, 1 comparison); with groups of at most g there are n (g - 1) / 2 "
               "pairs",
    .kind = OpKind::selection,
    .inputs = nms_inputs,
    .constraints = nms_constraints,
    .attrs = AttrType::of<NmsAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .cost_is_bound = true,
    .infer = infer_nms,
    .cost = cost_nms};
constinit const OpDef class_nms_op = {
    .name = "class_nms",
    .summary = "Non-maximum suppression for each class of each image: rows (image, class, box).",
    .formula = "at most, per image and class, ceil(log2 n) + 3 per box (sorting, area) + 13 per "
               "pair of boxes, as nms",
    .kind = OpKind::selection,
    .inputs = class_nms_inputs,
    .constraints = class_nms_constraints,
    .attrs = AttrType::of<ClassNmsAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .cost_is_bound = true,
    .infer = infer_class_nms,
    .cost = cost_class_nms};
constinit const OpDef roi_align_op = {
    .name = "roi_align",
    .summary = "Means of bilinear samples in the bins of regions of maps.",
    .formula = "8 per sample and channel (four products, three sums, one for the mean) + 16 per "
               "sample (its position and four weights) + 9 per region to choose one of several "
               "maps",
    .kind = OpKind::resampling,
    .inputs = roi_inputs,
    .constraints = roi_constraints,
    .attrs = AttrType::of<RoiAlignAttrs>(),
    .backward = keeps(first),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_roi_align,
    .cost = cost_roi_align};
constinit const OpDef roi_pool_op = {
    .name = "roi_pool",
    .summary = "Maxima of the bins of regions of a map.",
    .formula = "at most, per region and channel, 1 comparison for each pixel of the map, which has "
               "a row and a column more for each of the bins: they may overlap",
    .kind = OpKind::pooling,
    .inputs = roi_pool_inputs,
    .constraints = roi_pool_constraints,
    .attrs = AttrType::of<RoiPoolAttrs>(),
    .backward = keeps_nothing.with(index_of_each),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .cost_is_bound = true,
    .infer = infer_roi_pool,
    .cost = cost_roi_pool};
constinit const OpDef paste_masks_op = {
    .name = "paste_masks",
    .summary = "Resizes masks to their boxes within an empty image.",
    .formula = "14 per box + 9 per pixel of the box, which is at most the image, larger by a "
               "border of the mask: (M + 2) / M times and a pixel on each axis",
    .kind = OpKind::resampling,
    .inputs = paste_inputs,
    .constraints = paste_constraints,
    .attrs = AttrType::of<ImageSizeAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .cost_is_bound = true,
    .infer = infer_paste,
    .cost = cost_paste};
constinit const OpDef heatmaps_to_keypoints_op = {
    .name = "heatmaps_to_keypoints",
    .summary = "The highest points of heatmaps that are resized to their boxes.",
    .formula = "36 per element of the resized map (bicubic, and a comparison), which is at most "
               "the image + 8 per keypoint",
    .kind = OpKind::resampling,
    .inputs = heatmap_inputs,
    .constraints = heatmap_constraints,
    .attrs = AttrType::of<ImageSizeAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .cost_is_bound = true,
    .infer = infer_keypoints,
    .cost = cost_keypoints};

namespace {

constexpr const OpDef* ops[] = {&normalize_image_op,
                                &grid_anchors_op,
                                &default_boxes_op,
                                &decode_boxes_op,
                                &decode_distances_op,
                                &clip_boxes_op,
                                &flatnonzero_op,
                                &nms_op,
                                &class_nms_op,
                                &roi_align_op,
                                &roi_pool_op,
                                &paste_masks_op,
                                &heatmaps_to_keypoints_op};

}  // namespace

extern constinit const OpGroup detection_ops = {
    "detection", "Anchors, boxes, regions and operators on them.", ops};

Tensor normalize_image(Tensor x, const NormalizeImageAttrs& attrs) {
  return apply(normalize_image_op, attrs, x);
}

Tensor grid_anchors(Graph& graph, const GridAnchorsAttrs& attrs) {
  return apply_constant(graph, grid_anchors_op, attrs);
}

Tensor default_boxes(Graph& graph, const DefaultBoxesAttrs& attrs) {
  return apply_constant(graph, default_boxes_op, attrs);
}

Tensor decode_boxes(Tensor offsets, Tensor anchors, const DecodeBoxesAttrs& attrs) {
  return apply(decode_boxes_op, attrs, offsets, anchors);
}

Tensor decode_distances(Tensor distances, Tensor anchors) {
  return apply(decode_distances_op, NoAttrs{}, distances, anchors);
}

Tensor clip_boxes(Tensor boxes, const Spatial& image_size) {
  return apply(clip_boxes_op, ImageSizeAttrs{image_size}, boxes);
}

Tensor flatnonzero(Tensor mask, std::int64_t most) {
  return apply(flatnonzero_op, FlatnonzeroAttrs{most}, mask);
}

Tensor nms(Tensor boxes, Tensor scores, Tensor groups, const NmsAttrs& attrs) {
  return apply(nms_op, attrs, boxes, scores, groups);
}

Tensor roi_align(Tensor regions, std::span<const Tensor> maps, const RoiAlignAttrs& attrs) {
  std::array<ValueId, 9> inputs;
  if (maps.size() >= inputs.size()) throw_too_long(maps.size(), inputs.size() - 1);
  inputs[0] = regions.id;
  std::transform(maps.begin(), maps.end(), inputs.begin() + 1, [](Tensor map) { return map.id; });
  Graph& graph = *regions.graph;
  const NodeId node = graph.append(roi_align_op, attrs, std::span(inputs).first(maps.size() + 1));
  return {&graph, graph.nodes()[node].first_output};
}

Tensor paste_masks(Tensor masks, Tensor boxes, const Spatial& image_size) {
  return apply(paste_masks_op, ImageSizeAttrs{image_size}, masks, boxes);
}

Keypoints heatmaps_to_keypoints(Tensor heatmaps, Tensor boxes, const Spatial& image_size) {
  const Tensor positions =
      apply(heatmaps_to_keypoints_op, ImageSizeAttrs{image_size}, heatmaps, boxes);
  return {positions, sibling_output(positions, 1)};
}

}  // namespace zoometer
