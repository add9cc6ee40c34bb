#include "op/detection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t zero = 0;
constexpr std::int64_t one = 1;

/// Reals as one number for each channel of (N, C, H, W).
std::string per_channel(OnnxStep& step, const Reals& values) {
  return step.reals(values, {static_cast<std::int64_t>(values.size()), 1, 1});
}

void write_normalize(OnnxStep& step) {
  const auto& attrs = step.attrs<NormalizeImageAttrs>();
  const std::string centred = step.add("Sub", {step.in(0), per_channel(step, attrs.mean)});
  step.make("Div", {centred, per_channel(step, attrs.std)});
}

// -- anchors ------------------------------------------------------------------------------------

/// The corners of boxes: around (0, 0), and moved to every position of a grid.
struct BoxGrid {
  std::vector<double> corners;  ///< (boxes, 4)
  std::vector<double> columns;  ///< x of each column
  std::vector<double> rows;     ///< y of each row
};

/// -> (rows x columns x boxes, 4).
void make_boxes(OnnxStep& step, const BoxGrid& grid) {
  std::vector<double> across;
  std::vector<double> down;
  for (const double x : grid.columns) across.insert(across.end(), {x, 0, x, 0});
  for (const double y : grid.rows) down.insert(down.end(), {0, y, 0, y});
  const auto count = [](const std::vector<double>& items) {
    return static_cast<std::int64_t>(items.size());
  };
  const std::string boxes = step.reals(grid.corners, {1, 1, count(grid.corners) / 4, 4});
  const std::string xs = step.reals(across, {1, count(grid.columns), 1, 4});
  const std::string ys = step.reals(down, {count(grid.rows), 1, 1, 4});
  const std::string positions = step.add("Add", {xs, ys});
  const std::string moved = step.add("Add", {positions, boxes});
  step.make("Reshape", {moved, step.integers({-1, 4})});
}

void write_grid_anchors(OnnxStep& step) {
  const auto& attrs = step.attrs<GridAnchorsAttrs>();
  BoxGrid grid;
  for (const double ratio : attrs.ratios) {
    // In single precision, because the rounding may depend on it.
    const float height_ratio = std::sqrt(static_cast<float>(ratio));
    const float width_ratio = 1 / height_ratio;
    for (const double size : attrs.sizes) {
      const float x = std::nearbyint(width_ratio * static_cast<float>(size) / 2);
      const float y = std::nearbyint(height_ratio * static_cast<float>(size) / 2);
      grid.corners.insert(grid.corners.end(), {-x, -y, x, y});
    }
  }
  for (std::int64_t i = 0; i < attrs.grid[1]; ++i)
    grid.columns.push_back(static_cast<double>(i * attrs.stride[1]));
  for (std::int64_t i = 0; i < attrs.grid[0]; ++i)
    grid.rows.push_back(static_cast<double>(i * attrs.stride[0]));
  make_boxes(step, grid);
}

void write_default_boxes(OnnxStep& step) {
  const auto& attrs = step.attrs<DefaultBoxesAttrs>();
  const double mean_scale = std::sqrt(attrs.scale * attrs.next_scale);
  std::vector<std::pair<double, double>> sizes{{attrs.scale, attrs.scale},
                                               {mean_scale, mean_scale}};
  for (const double ratio : attrs.ratios) {
    const double longer = attrs.scale * std::sqrt(ratio);
    const double shorter = attrs.scale / std::sqrt(ratio);
    sizes.emplace_back(longer, shorter);
    sizes.emplace_back(shorter, longer);
  }
  const auto image_height = static_cast<double>(attrs.image_size[0]);
  const auto image_width = static_cast<double>(attrs.image_size[1]);
  BoxGrid grid;
  for (const auto& [width, height] : sizes) {
    const double x = std::clamp(width, 0.0, 1.0) * image_width / 2;
    const double y = std::clamp(height, 0.0, 1.0) * image_height / 2;
    grid.corners.insert(grid.corners.end(), {-x, -y, x, y});
  }
  const auto position = [&](std::int64_t i, double pixels, std::int64_t count) {
    const double middle = static_cast<double>(i) + 0.5;
    return attrs.step > 0 ? middle * attrs.step : middle * pixels / static_cast<double>(count);
  };
  for (std::int64_t i = 0; i < attrs.grid[1]; ++i)
    grid.columns.push_back(position(i, image_width, attrs.grid[1]));
  for (std::int64_t i = 0; i < attrs.grid[0]; ++i)
    grid.rows.push_back(position(i, image_height, attrs.grid[0]));
  make_boxes(step, grid);
}

// -- boxes --------------------------------------------------------------------------------------

/// The sizes and centres of anchors (n, 4) -> (n, 2) each, x before y.
struct Centred {
  std::string size;
  std::string centre;
};

Centred centred(OnnxStep& step, std::string_view anchors) {
  const std::string first = step.slice(anchors, 1, 0, 2);
  const std::string last = step.slice(anchors, 1, 2, 4);
  Centred result;
  result.size = step.add("Sub", {last, first});
  result.centre = step.add("Mul", {step.add("Add", {first, last}), step.number(0.5)});
  return result;
}

void write_decode_boxes(OnnxStep& step) {
  const auto& attrs = step.attrs<DecodeBoxesAttrs>();
  const Centred anchors = centred(step, step.operand(1, step.dtype(1)));
  const std::string size = step.unsqueeze(anchors.size, 1);
  const std::string centre = step.unsqueeze(anchors.centre, 1);
  const std::string offsets = step.reshape(step.in(0), {-1, step.shape(0).dim(1) / 4, 4});
  const std::string scaled = step.add("Div", {offsets, step.reals(attrs.weights, {4})});

  const std::string moved = step.add("Mul", {step.slice(scaled, 2, 0, 2), size});
  const std::string middle = step.add("Add", {moved, centre});
  const std::string growth =
      step.add("Min", {step.slice(scaled, 2, 2, 4), step.number(attrs.most)});
  const std::string grown = step.add("Mul", {step.add("Exp", {growth}), size});
  const std::string half = step.add("Mul", {grown, step.number(0.5)});
  const std::string first = step.add("Sub", {middle, half});
  step.make("Concat", {first, step.add("Add", {middle, half})}, {{"axis", std::int64_t{2}}});
}

void write_decode_distances(OnnxStep& step) {
  const Centred anchors = centred(step, step.operand(1, step.dtype(1)));
  const std::string before = step.slice(step.operand(0, step.dtype(0)), 1, 0, 2);
  const std::string after = step.slice(step.operand(0, step.dtype(0)), 1, 2, 4);
  const std::string first =
      step.add("Sub", {anchors.centre, step.add("Mul", {before, anchors.size})});
  const std::string last =
      step.add("Add", {anchors.centre, step.add("Mul", {after, anchors.size})});
  step.make("Concat", {first, last}, {{"axis", one}});
}

void write_clip(OnnxStep& step) {
  const Spatial& size = step.attrs<ImageSizeAttrs>().image_size;
  const auto height = static_cast<double>(size[0]);
  const auto width = static_cast<double>(size[1]);
  const std::string inside = step.add("Max", {step.in(0), step.number(0)});
  const double limits[] = {width, height, width, height};
  step.make("Min", {inside, step.reals(limits, {4})});
}

void write_flatnonzero(OnnxStep& step) {
  step.make("Reshape", {step.add("NonZero", {step.in(0)}), step.integers({-1})});
}

/// Groups do not overlap if each is moved by more than the extent of all boxes.
std::string apart(OnnxStep& step) {
  const std::string flat = step.reshape(step.in(0), {-1});
  const double nothing[] = {0};
  const std::string coordinates =
      step.add("Concat", {flat, step.reals(nothing, {1})}, {{"axis", zero}});
  const std::string reach = step.add("ReduceMax", {coordinates}, {{"keepdims", zero}});
  const std::string distance = step.add("Add", {reach, step.number(1)});
  const std::string group =
      step.cast(step.operand(2, step.dtype(2)), step.dtype(2), DType::float32);
  const std::string offsets = step.add("Mul", {group, distance});
  return step.add("Add", {step.in(0), step.unsqueeze(offsets, 1)});
}

void write_nms(OnnxStep& step) {
  const std::string boxes = step.unsqueeze(step.has(2) ? apart(step) : step.in(0), 0);
  const std::string scores =
      step.add("Unsqueeze", {step.operand(1, step.dtype(1)), step.integers({0, 1})});
  const std::string most = step.integer(step.shape(0).dim(0));
  const std::string threshold = step.number(step.attrs<NmsAttrs>().iou_threshold);
  const std::string selected = step.add("NonMaxSuppression", {boxes, scores, most, threshold});
  step.make("Gather", {selected, step.integer(2)}, {{"axis", one}});
}

// -- regions ------------------------------------------------------------------------------------

/// The map that each region (n, 4) is pooled from, as a level of the pyramid.
std::string levels_of(OnnxStep& step, std::string_view boxes) {
  const auto& attrs = step.attrs<RoiAlignAttrs>();
  const std::string size =
      step.add("Sub", {step.slice(boxes, 1, 2, 4), step.slice(boxes, 1, 0, 2)});
  const std::string area = step.add_reduce("ReduceProd", size, {1}, false);
  const std::string relative =
      step.add("Div", {step.add("Sqrt", {area}), step.number(attrs.canonical_scale)});
  const std::string doublings =
      step.add("Div", {step.add("Log", {relative}), step.number(std::log(2.0))});
  const double canonical = static_cast<double>(attrs.canonical_level) + 1e-6;
  const std::string level =
      step.add("Floor", {step.add("Add", {doublings, step.number(canonical)})});
  const double finest = -std::log2(attrs.scales[0]);
  const double coarsest = -std::log2(attrs.scales.back());
  return step.add("Clip", {level, step.number(finest), step.number(coarsest)});
}

void write_roi_align(OnnxStep& step) {
  const auto& attrs = step.attrs<RoiAlignAttrs>();
  const std::string image = step.reshape(step.slice(step.in(0), 1, 0, 1), {-1});
  const std::string images = step.cast(image, DType::float32, DType::int64);
  const std::string boxes = step.slice(step.in(0), 1, 1, 5);
  const auto pooled = [&](std::size_t map) {
    return step.add("RoiAlign", {step.in(map + 1), boxes, images},
                    {{"output_height", attrs.output_size[0]},
                     {"output_width", attrs.output_size[1]},
                     {"sampling_ratio", attrs.sampling_ratio},
                     {"spatial_scale", attrs.scales[map]},
                     {"coordinate_transformation_mode",
                      std::string_view(attrs.aligned ? "half_pixel" : "output_half_pixel")}});
  };
  std::string result = pooled(0);
  if (attrs.scales.size() > 1) {
    // Every map pools every region, and each region takes the result of its own map.
    const std::string level = step.reshape(levels_of(step, boxes), {-1, 1, 1, 1});
    for (std::size_t map = 1; map < attrs.scales.size(); ++map) {
      // Maps may have one scale in common; torchvision then takes the first.
      const std::string own = step.number(-std::log2(attrs.scales[0]) + static_cast<double>(map));
      const std::string is_own = step.add("Equal", {level, own});
      result = step.add("Where", {is_own, pooled(map), result});
    }
  }
  step.make("Identity", {result});
}

// -- masks and keypoints ------------------------------------------------------------------------

/// The positions of the centres of `count` pixels within boxes from `first` to `last` (n,), as
/// GridSample expects them: -1 to 1. -> (n, count).
std::string relative_positions(OnnxStep& step, std::string_view first, std::string_view last,
                               std::int64_t count) {
  std::vector<double> middles;
  for (std::int64_t i = 0; i < count; ++i) middles.push_back(static_cast<double>(i) + 0.5);
  const std::string pixels = step.reals(middles, {1, count});
  const std::string span = step.add("Add", {step.add("Sub", {last, first}), step.number(1)});
  const std::string length = step.unsqueeze(step.add("Max", {span, step.number(1)}), 1);
  const std::string inside = step.add("Sub", {pixels, step.unsqueeze(first, 1)});
  const std::string part = step.add("Div", {inside, length});
  return step.add("Sub", {step.add("Mul", {part, step.number(2)}), step.number(1)});
}

/// Resizing a mask to its box and pasting it is sampling it at the pixels of the image. A border
/// of zeros around the mask sets pixels outside of the box to zero.
void write_paste_masks(OnnxStep& step) {
  const Spatial& size = step.attrs<ImageSizeAttrs>().image_size;
  const auto length = static_cast<double>(step.shape(0).dim(2));
  const std::string padded = step.add("Pad", {step.in(0), step.integers({0, 0, 1, 1, 0, 0, 1, 1})});
  const Centred boxes = centred(step, step.operand(1, step.dtype(1)));
  const std::string half = step.add("Mul", {boxes.size, step.number((length + 2) / length / 2)});
  const auto whole = [&](std::string_view op_type) {
    const std::string edge = step.add(op_type, {boxes.centre, half});
    const std::string pixel = step.cast(edge, DType::float32, DType::int64);
    return step.cast(pixel, DType::int64, DType::float32);
  };
  const std::string first = whole("Sub");
  const std::string last = whole("Add");
  const auto positions = [&](std::int64_t i, std::int64_t count) {
    return relative_positions(step, step.column(first, 1, i), step.column(last, 1, i), count);
  };
  const std::string xs = step.add("Unsqueeze", {positions(0, size[1]), step.integers({1, 3})});
  const std::string ys = step.add("Unsqueeze", {positions(1, size[0]), step.integers({2, 3})});
  const std::string zeros = step.number(0);
  const std::string all_x = step.add("Add", {xs, step.add("Mul", {ys, zeros})});
  const std::string all_y = step.add("Add", {ys, step.add("Mul", {xs, zeros})});
  const std::string grid = step.add("Concat", {all_x, all_y}, {{"axis", std::int64_t{3}}});
  step.make("GridSample", {padded, grid},
            {{"mode", std::string_view("bilinear")},
             {"padding_mode", std::string_view("zeros")},
             {"align_corners", zero}});
}

/// The keypoints of one detection: `index` is a scalar of the surrounding loop.
struct KeypointNames {
  std::string positions;  ///< (k, 3)
  std::string scores;     ///< (k,)
};

KeypointNames write_keypoints_of(OnnxStep& step, std::string_view index) {
  const std::int64_t keypoints = step.shape(0).dim(1);
  const std::string box = step.add("Gather", {step.in(1), index}, {{"axis", zero}});
  const std::string first = step.slice(box, 0, 0, 2);  // x, y
  const std::string span = step.add("Sub", {step.slice(box, 0, 2, 4), first});
  const std::string size = step.add("Max", {span, step.number(1)});
  const std::string pixels = step.add("Ceil", {size});
  const std::string counts = step.cast(pixels, DType::float32, DType::int64);
  const std::string width = step.slice(counts, 0, 0, 1);
  const std::string height = step.slice(counts, 0, 1, 2);

  const std::string map = step.add("Gather", {step.in(0), index}, {{"axis", zero}});
  const std::string leading = step.integers({1, keypoints});
  const std::string sizes = step.add("Concat", {leading, height, width}, {{"axis", zero}});
  const std::string resized =
      step.add("Resize", {step.unsqueeze(map, 0), "", "", sizes},
               {{"mode", std::string_view("cubic")},
                {"coordinate_transformation_mode", std::string_view("half_pixel")},
                {"cubic_coeff_a", -0.75}});
  const std::string flat = step.reshape(resized, {keypoints, -1});
  const std::string best = step.add("ArgMax", {flat}, {{"axis", one}, {"keepdims", one}});
  const std::string column = step.add("Mod", {best, width});
  const std::string row = step.add("Div", {step.add("Sub", {best, column}), width});
  const std::string place = step.add("Concat", {column, row}, {{"axis", one}});
  const std::string middle =
      step.add("Add", {step.cast(place, DType::int64, DType::float32), step.number(0.5)});
  const std::string scaled = step.add("Mul", {middle, step.add("Div", {size, pixels})});
  const std::vector<double> seen(static_cast<std::size_t>(keypoints), 1.0);
  const std::string ones = step.reals(seen, {keypoints, 1});
  KeypointNames result;
  result.positions = step.add("Concat", {step.add("Add", {scaled, first}), ones}, {{"axis", one}});
  result.scores = step.add_reduce("ReduceMax", flat, {1}, false);
  return result;
}

/// Every heatmap is resized to the size of its own box, which needs a loop.
void write_keypoints(OnnxStep& step) {
  const std::string count = step.reshape(step.size_of(step.in(0), 0), {});
  const std::string always = step.number(1, DType::boolean);
  const std::string prefix = step.builder().fresh_name("keypoint");
  const std::string index = prefix + "_index";
  const std::string goes_on = prefix + "_goes_on";
  const std::string still = prefix + "_still";
  KeypointNames made;
  OnnxBody body;
  body.name = prefix;
  body.nodes = step.builder().nodes_of([&] {
    step.builder().add_node({.op_type = "Identity",
                             .name = step.builder().fresh_name("Identity"),
                             .inputs = {&goes_on, 1},
                             .outputs = {&still, 1}});
    made = write_keypoints_of(step, index);
  });
  body.inputs = {onnx_value_info(index, DType::int64, {}),
                 onnx_value_info(goes_on, DType::boolean, {})};
  body.outputs = {onnx_value_info(still, DType::boolean, {}),
                  onnx_value_info(made.positions, DType::float32, {step.shape(0).dim(1), 3}),
                  onnx_value_info(made.scores, DType::float32, {step.shape(0).dim(1)})};
  const std::vector<std::string> all = step.add_body("Loop", {count, always}, 2, body);
  step.make_output(0, "Identity", {all[0]});
  step.make_output(1, "Identity", {all[1]});
}

constexpr OnnxExportRule detection_rules[] = {{&normalize_image_op, {}, write_normalize},
                                              {&grid_anchors_op, {}, write_grid_anchors},
                                              {&default_boxes_op, {}, write_default_boxes},
                                              {&decode_boxes_op, {}, write_decode_boxes},
                                              {&decode_distances_op, {}, write_decode_distances},
                                              {&clip_boxes_op, {}, write_clip},
                                              {&flatnonzero_op, {}, write_flatnonzero},
                                              {&nms_op, {}, write_nms},
                                              {&roi_align_op, {}, write_roi_align},
                                              {&paste_masks_op, {}, write_paste_masks},
                                              {&heatmaps_to_keypoints_op, {}, write_keypoints}};

}  // namespace

extern constinit const OnnxExportRules detection_onnx_export_rules = {detection_rules};

}  // namespace zoometer
