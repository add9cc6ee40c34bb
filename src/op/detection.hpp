#pragma once

#include <span>

#include "zoometer/op/op.hpp"

namespace zoometer {

// Boxes are rows (x1, y1, x2, y2) in pixels, with x1 <= x2 and y1 <= y2. Spatial lists are
// (height, width).

struct NormalizeImageAttrs {
  Reals mean;  ///< per channel
  Reals std;
  static constexpr std::tuple fields{field("mean", &NormalizeImageAttrs::mean),
                                     field("std", &NormalizeImageAttrs::std)};
};

/// Every size with every aspect ratio (height / width) at every position of a map.
struct GridAnchorsAttrs {
  Spatial grid;    ///< positions
  Spatial stride;  ///< pixels between them
  Reals sizes;     ///< roots of the anchors' areas
  Reals ratios;
  static constexpr std::tuple fields{
      field("grid", &GridAnchorsAttrs::grid), field("stride", &GridAnchorsAttrs::stride),
      field("sizes", &GridAnchorsAttrs::sizes), field("ratios", &GridAnchorsAttrs::ratios)};
};

/// SSD's boxes: two squares, of `scale` and of the mean of it and `next_scale`, and two boxes for
/// every ratio, each at every position of a map.
struct DefaultBoxesAttrs {
  Spatial grid;
  Spatial image_size;
  double step = 0;  ///< pixels between positions; 0: what fills the image
  double scale = 0;
  double next_scale = 0;
  Reals ratios;
  static constexpr std::tuple fields{field("grid", &DefaultBoxesAttrs::grid),
                                     field("image_size", &DefaultBoxesAttrs::image_size),
                                     field("step", &DefaultBoxesAttrs::step),
                                     field("scale", &DefaultBoxesAttrs::scale),
                                     field("next_scale", &DefaultBoxesAttrs::next_scale),
                                     field("ratios", &DefaultBoxesAttrs::ratios)};
};

struct DecodeBoxesAttrs {
  Reals weights{1, 1, 1, 1};        ///< the offsets x, y, width and height are divided by these
  double most = 4.135166556742356;  ///< of the logarithm of the growth: log(1000 / 16)
  static constexpr std::tuple fields{field("weights", &DecodeBoxesAttrs::weights),
                                     field("most", &DecodeBoxesAttrs::most)};
};

struct ImageSizeAttrs {
  Spatial image_size;
  static constexpr std::tuple fields{field("image_size", &ImageSizeAttrs::image_size)};
};

struct FlatnonzeroAttrs {
  std::int64_t most = -1;  ///< no more than this can hold; -1: all may
  static constexpr std::tuple fields{field("most", &FlatnonzeroAttrs::most)};
};

struct NmsAttrs {
  double iou_threshold = 0.5;
  std::int64_t group_size = -1;  ///< no more boxes than this have one group; -1: all may
  static constexpr std::tuple fields{field("iou_threshold", &NmsAttrs::iou_threshold),
                                     field("group_size", &NmsAttrs::group_size)};
};

struct ClassNmsAttrs {
  std::int64_t most_per_class = -1;  ///< -1: no limit
  double iou_threshold = 0;
  double score_threshold = 0;
  static constexpr std::tuple fields{field("most_per_class", &ClassNmsAttrs::most_per_class),
                                     field("iou_threshold", &ClassNmsAttrs::iou_threshold),
                                     field("score_threshold", &ClassNmsAttrs::score_threshold)};
};

struct RoiAlignAttrs {
  Spatial output_size;
  std::int64_t sampling_ratio = 2;  ///< samples per bin and axis
  Reals scales;                     ///< per map: its size divided by the image's
  double canonical_scale = 224;     ///< a region of that size is pooled from `canonical_level`
  std::int64_t canonical_level = 4;
  bool aligned = false;  ///< shift by half a pixel
  static constexpr std::tuple fields{field("output_size", &RoiAlignAttrs::output_size),
                                     field("sampling_ratio", &RoiAlignAttrs::sampling_ratio),
                                     field("scales", &RoiAlignAttrs::scales),
                                     field("canonical_scale", &RoiAlignAttrs::canonical_scale),
                                     field("canonical_level", &RoiAlignAttrs::canonical_level),
                                     field("aligned", &RoiAlignAttrs::aligned)};
};

struct RoiPoolAttrs {
  Spatial output_size;
  static constexpr std::tuple fields{field("output_size", &RoiPoolAttrs::output_size)};
};

/// ONNX's MaxRoiPool and torchvision.ops.roi_pool: regions (n, 5) of a map (N, C, H, W).
extern const OpDef roi_pool_op;

extern const OpDef normalize_image_op, grid_anchors_op, default_boxes_op, decode_boxes_op,
    decode_distances_op, clip_boxes_op, flatnonzero_op, nms_op, class_nms_op, roi_align_op,
    paste_masks_op, heatmaps_to_keypoints_op;

/// (x - mean) / std per channel of x (N, C, H, W).
Tensor normalize_image(Tensor x, const NormalizeImageAttrs& attrs);

/// -> (positions x sizes x ratios, 4), the anchors of a position together.
Tensor grid_anchors(Graph& graph, const GridAnchorsAttrs& attrs);

/// -> (positions x (2 + 2 ratios), 4), the boxes of a position together.
Tensor default_boxes(Graph& graph, const DefaultBoxesAttrs& attrs);

/// R-CNN's decoding: offsets (n, 4 k) from anchors (n, 4) -> (n, k, 4).
Tensor decode_boxes(Tensor offsets, Tensor anchors, const DecodeBoxesAttrs& attrs);

/// FCOS's decoding: distances (n, 4) of the edges from the anchors' centres, in anchor sizes
/// -> (n, 4).
Tensor decode_distances(Tensor distances, Tensor anchors);

/// Boxes (..., 4) cut at the image's edges.
Tensor clip_boxes(Tensor boxes, const Spatial& image_size);

/// The indices at which a mask (n,) holds; bounded by n, or by `most`.
Tensor flatnonzero(Tensor mask, std::int64_t most = -1);

/// Non-maximum suppression among boxes (n, 4) of one group: the indices of the boxes that no
/// better box of their group overlaps, by falling scores (n,). Groups (n,) may be empty: one
/// group. Bounded by n.
Tensor nms(Tensor boxes, Tensor scores, Tensor groups, const NmsAttrs& attrs);

/// Regions (n, 5) = (image, box) of one or several maps (N, C, H, W) -> (n, C, output size...).
/// With several maps each region is pooled from the one that fits its size.
Tensor roi_align(Tensor regions, std::span<const Tensor> maps, const RoiAlignAttrs& attrs);

/// Masks (n, 1, M, M), each resized to its box (n, 4) in an empty image -> (n, 1, H, W).
Tensor paste_masks(Tensor masks, Tensor boxes, const Spatial& image_size);

struct Keypoints {
  Tensor positions;  ///< (n, k, 3): x, y, 1
  Tensor scores;     ///< (n, k)
};
/// The highest point of each heatmap (n, k, M, M) resized to its box (n, 4).
Keypoints heatmaps_to_keypoints(Tensor heatmaps, Tensor boxes, const Spatial& image_size);

}  // namespace zoometer
