// The operators of detection and of resampling: shapes, bounds, costs, and each numbered constraint
// of docs/operators.md.
#include <gtest/gtest.h>

#include <functional>

#include "op/detection.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer {
namespace {

class Ops : public ::testing::Test {
 protected:
  Tensor input(const Shape& shape, DType dtype = DType::float32) {
    return {&graph, graph.add_input("x", shape, dtype)};
  }

  /// The cost of the last node, which must not have MACs.
  std::int64_t cost() const {
    const NodeView node = graph.view(static_cast<NodeId>(graph.nodes().size() - 1));
    const Cost cost = node.op().cost(node);
    EXPECT_EQ(cost.macs, 0);
    return cost.other;
  }

  static bool is_bounded(Tensor x) { return x.graph->value(x.id).has(Value::bounded); }

  Graph graph;
};

/// Expects the error of a numbered constraint.
void expect_constraint(const std::string& name, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error: " << name;
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::shape);
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
}

using DetectionOps = Ops;
using ResampleOps = Ops;

TEST_F(DetectionOps, normalize_image) {
  const Tensor x = input({2, 3, 5, 7});
  EXPECT_EQ(normalize_image(x, {{0, 0, 0}, {1, 1, 1}}).shape(), x.shape());
  EXPECT_EQ(cost(), 2 * 2 * 3 * 5 * 7);
  expect_constraint("normalize_image C1", [&] {
    normalize_image(input({3, 5, 7}), {{0, 0, 0}, {1, 1, 1}});
  });
  expect_constraint("normalize_image C2", [&] { normalize_image(x, {{0, 0}, {1, 1, 1}}); });
}

TEST_F(DetectionOps, grid_anchors) {
  EXPECT_EQ(grid_anchors(graph, {{4, 5}, {16, 16}, {32, 64}, {0.5, 1, 2}}).shape(),
            (Shape{4 * 5 * 6, 4}));
  EXPECT_EQ(cost(), 4 * (4 * 5 * 6));
  expect_constraint("grid_anchors C1", [&] { grid_anchors(graph, {{4}, {16, 16}, {32}, {1}}); });
  expect_constraint("grid_anchors C1", [&] { grid_anchors(graph, {{4, 5}, {0, 1}, {32}, {1}}); });
  expect_constraint("grid_anchors C2", [&] { grid_anchors(graph, {{4, 5}, {1, 1}, {}, {1}}); });
}

TEST_F(DetectionOps, default_boxes) {
  EXPECT_EQ(default_boxes(graph, {{3, 3}, {300, 300}, 100, 0.6, 0.7, {2, 3}}).shape(),
            (Shape{3 * 3 * 6, 4}));
  EXPECT_EQ(cost(), 12 * (3 * 3 * 6));
  expect_constraint("default_boxes C1", [&] {
    default_boxes(graph, {{3, 0}, {300, 300}, 100, 0.6, 0.7, {2}});
  });
}

TEST_F(DetectionOps, decode_boxes) {
  EXPECT_EQ(decode_boxes(input({10, 8}), input({10, 4}), {}).shape(), (Shape{10, 2, 4}));
  EXPECT_EQ(cost(), 6 * 10 + 20 * 20);
  expect_constraint("decode_boxes C1", [&] { decode_boxes(input({10, 8}), input({10, 5}), {}); });
  expect_constraint("decode_boxes C2", [&] { decode_boxes(input({9, 8}), input({10, 4}), {}); });
  expect_constraint("decode_boxes C2", [&] { decode_boxes(input({10, 7}), input({10, 4}), {}); });
  expect_constraint("decode_boxes C3", [&] {
    decode_boxes(input({10, 8}), input({10, 4}), {.weights = {1}});
  });
}

TEST_F(DetectionOps, decode_distances) {
  EXPECT_EQ(decode_distances(input({10, 4}), input({10, 4})).shape(), (Shape{10, 4}));
  EXPECT_EQ(cost(), 14 * 10);
  expect_constraint("decode_distances C1", [&] {
    decode_distances(input({10, 4}), input({10, 1, 4}));
  });
  expect_constraint("decode_distances C2", [&] {
    decode_distances(input({9, 4}), input({10, 4}));
  });
}

TEST_F(DetectionOps, clip_boxes) {
  EXPECT_EQ(clip_boxes(input({10, 3, 4}), {480, 640}).shape(), (Shape{10, 3, 4}));
  EXPECT_EQ(cost(), 2 * 10 * 3 * 4);
  expect_constraint("clip_boxes C1", [&] { clip_boxes(input({10, 3}), {480, 640}); });
  expect_constraint("clip_boxes C2", [&] { clip_boxes(input({10, 4}), {480}); });
}

TEST_F(DetectionOps, flatnonzero) {
  const Tensor all = flatnonzero(input({100}, DType::boolean));
  EXPECT_EQ(all.shape(), (Shape{100}));
  EXPECT_EQ(all.dtype(), DType::int64);
  EXPECT_TRUE(is_bounded(all));
  EXPECT_EQ(cost(), 100);
  EXPECT_EQ(flatnonzero(input({100}, DType::boolean), 7).shape(), (Shape{7}));
  EXPECT_EQ(flatnonzero(input({5}, DType::boolean), 7).shape(), (Shape{5}));
  expect_constraint("flatnonzero C1", [&] { flatnonzero(input({10, 4}, DType::boolean)); });
}

TEST_F(DetectionOps, nms) {
  const Tensor kept = nms(input({100, 4}), input({100}), input({100}), {.group_size = 10});
  EXPECT_EQ(kept.shape(), (Shape{100}));
  EXPECT_TRUE(is_bounded(kept));
  EXPECT_EQ(cost(), (7 + 3) * 100 + 13 * (100 * 9 / 2));
  nms(input({100, 4}), input({100}), {&graph, no_id}, {.group_size = 10});
  EXPECT_EQ(cost(), (7 + 3) * 100 + 13 * (100 * 99 / 2)) << "without groups there is but one";
  nms(input({0, 4}), input({0}), input({0}), {});
  EXPECT_EQ(cost(), 0);
  expect_constraint("nms C1", [&] { nms(input({9, 5}), input({9}), input({9}), {}); });
  expect_constraint("nms C2", [&] { nms(input({9, 4}), input({8}), input({9}), {}); });
  expect_constraint("nms C3", [&] { nms(input({9, 4}), input({9}), input({8}), {}); });
}

TEST_F(DetectionOps, roi_align) {
  const Tensor fine = input({1, 16, 40, 40});
  const Tensor coarse = input({1, 16, 20, 20});
  const Tensor regions = input({30, 5});
  RoiAlignAttrs attrs{.output_size = {7, 7}, .scales = {0.25, 0.125}};
  const Tensor both[] = {fine, coarse};
  EXPECT_EQ(roi_align(regions, both, attrs).shape(), (Shape{30, 16, 7, 7}));
  const std::int64_t samples = 30 * 7 * 7 * 4;
  EXPECT_EQ(cost(), 8 * 16 * samples + 16 * samples + 9 * 30);
  expect_constraint("roi_align C1", [&] { roi_align(input({30, 4}), both, attrs); });
  const Tensor unlike[] = {fine, input({1, 8, 20, 20})};
  expect_constraint("roi_align C2", [&] { roi_align(regions, unlike, attrs); });
  expect_constraint("roi_align C2", [&] { roi_align(regions, {}, attrs); });
  attrs.output_size = {7};
  expect_constraint("roi_align C3", [&] { roi_align(regions, both, attrs); });
  attrs.output_size = {7, 7};
  attrs.scales = {0.25};
  expect_constraint("roi_align C4", [&] { roi_align(regions, both, attrs); });
  const Tensor one[] = {fine};
  roi_align(regions, one, attrs);
  EXPECT_EQ(cost(), 8 * 16 * samples + 16 * samples) << "one map needs no choice";
}

TEST_F(DetectionOps, paste_masks) {
  EXPECT_EQ(paste_masks(input({5, 1, 28, 28}), input({5, 4}), {280, 560}).shape(),
            (Shape{5, 1, 280, 560}));
  EXPECT_EQ(cost(), 5 * (14 + 9 * (280 + 20 + 1) * (560 + 40 + 1)));
  expect_constraint("paste_masks C1", [&] {
    paste_masks(input({5, 2, 28, 28}), input({5, 4}), {280, 560});
  });
  expect_constraint("paste_masks C2", [&] {
    paste_masks(input({5, 1, 28, 28}), input({4, 4}), {280, 560});
  });
  expect_constraint("paste_masks C3", [&] {
    paste_masks(input({5, 1, 28, 28}), input({5, 4}), {280, 0});
  });
}

TEST_F(DetectionOps, heatmaps_to_keypoints) {
  const Keypoints found = heatmaps_to_keypoints(input({5, 17, 56, 56}), input({5, 4}), {100, 200});
  EXPECT_EQ(found.positions.shape(), (Shape{5, 17, 3}));
  EXPECT_EQ(found.scores.shape(), (Shape{5, 17}));
  EXPECT_EQ(cost(), 36 * 5 * 17 * 100 * 200 + 8 * 5 * 17);
  expect_constraint("heatmaps_to_keypoints C1", [&] {
    heatmaps_to_keypoints(input({5, 17, 56, 57}), input({5, 4}), {100, 200});
  });
  expect_constraint("heatmaps_to_keypoints C2", [&] {
    heatmaps_to_keypoints(input({5, 17, 56, 56}), input({5, 5}), {100, 200});
  });
  expect_constraint("heatmaps_to_keypoints C3", [&] {
    heatmaps_to_keypoints(input({5, 17, 56, 56}), input({5, 4}), {});
  });
}

TEST_F(ResampleOps, upsample) {
  EXPECT_EQ(upsample_nearest(input({2, 3, 4, 5}), {8, 3}).shape(), (Shape{2, 3, 8, 3}));
  EXPECT_EQ(upsample_linear(input({2, 3, 4}), {8}).shape(), (Shape{2, 3, 8}));
  EXPECT_EQ(cost(), 3 * 2 * 3 * 8);
  EXPECT_EQ(upsample_linear(input({2, 3, 4, 5}), {8, 9}, true).shape(), (Shape{2, 3, 8, 9}));
  EXPECT_EQ(cost(), 9 * 2 * 3 * 8 * 9);
  EXPECT_EQ(upsample_linear(input({2, 3, 4, 5, 6}), {8, 9, 2}).shape(), (Shape{2, 3, 8, 9, 2}));
  EXPECT_EQ(cost(), 21 * 2 * 3 * 8 * 9 * 2);
  EXPECT_EQ(upsample_bicubic(input({2, 3, 4, 5}), {8, 9}).shape(), (Shape{2, 3, 8, 9}));
  EXPECT_EQ(cost(), 35 * 2 * 3 * 8 * 9);
  // 4 -> 2: at most the 4 elements of a row for each of 5 x 2; 5 -> 3: floor(2 x 5/3) + 1 = 4 of a
  // column for each of 3 x 2.
  upsample(upsample_bilinear2d_aa_op, input({1, 1, 5, 4}), {.output_size = {3, 2}});
  EXPECT_EQ(cost(), 7 * 5 * 2 + 7 * 3 * 2);
  // The cubic filter reaches twice as far: floor(4 x 5/4) + 1 = 6 of 10; the rows stay.
  upsample(upsample_bicubic2d_aa_op, input({1, 1, 3, 10}), {.output_size = {3, 8}});
  EXPECT_EQ(cost(), 11 * 3 * 8);
  expect_constraint("upsample_nearest2d C1", [&] { upsample_nearest(input({3, 4, 5}), {8, 9}); });
  expect_constraint("upsample_bilinear2d C2", [&] {
    upsample_linear(input({1, 3, 4, 5}), {8, 0});
  });
  expect_constraint("upsample_bicubic2d C2", [&] { upsample_bicubic(input({1, 3, 4, 5}), {8}); });
  EXPECT_THROW(upsample_linear(input({1, 3, 4, 5}), {}), Error);
}

TEST_F(ResampleOps, grid_sample) {
  const Tensor x = input({2, 3, 4, 5});
  const Tensor grid = input({2, 6, 7, 2});
  EXPECT_EQ(grid_sample(x, grid).shape(), (Shape{2, 3, 6, 7}));
  const std::int64_t positions = 2 * 6 * 7;
  EXPECT_EQ(cost(), 7 * 3 * positions + 16 * positions);
  grid_sample(x, grid, {.mode = "nearest"});
  EXPECT_EQ(cost(), 8 * positions);
  grid_sample(x, grid, {.mode = "bicubic"});
  EXPECT_EQ(cost(), 35 * 3 * positions + 66 * positions);
  expect_constraint("grid_sample C1", [&] { grid_sample(input({3, 4, 5}), grid); });
  expect_constraint("grid_sample C2", [&] { grid_sample(x, input({1, 6, 7, 2})); });
  expect_constraint("grid_sample C3", [&] { grid_sample(x, grid, {.mode = "cubic"}); });
}

}  // namespace
}  // namespace zoometer
