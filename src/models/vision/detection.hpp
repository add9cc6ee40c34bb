#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/vision/resnet.hpp"
#include "nn/features.hpp"
#include "op/detection.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"

// What torchvision's detectors share: how images become a batch, pyramids of maps, anchors,
// and how scored boxes become detections. Images of a batch are of one size here.
//
// How many boxes remain after a threshold or a suppression depends on the image. The graph has the
// most that the configuration permits, marked as bounded, unless the user gives the number.

namespace zoometer::detection {

/// COCO's 90 categories and the background.
inline constexpr std::int64_t coco_classes = 91;

/// How the user's images are prepared for the network.
struct TransformConfig {
  std::int64_t min_size = 800;   ///< of the shorter side
  std::int64_t max_size = 1333;  ///< of the longer side
  std::int64_t fixed_size = 0;   ///< of both sides, if not 0
  std::int64_t multiple = 32;    ///< sides are padded to one of this
  Reals mean{0.485, 0.456, 0.406};
  Reals std{0.229, 0.224, 0.225};
};

/// (height, width) of images (N, C, H, W).
inline Spatial size_of(Tensor images) { return {images.dim(2), images.dim(3)}; }

/// The size that an image is resized to, before padding. Scales in single precision, as
/// torchvision does: at 1333 pixels that decides between 799 and 800.
Spatial resized(const Spatial& size, const TransformConfig& config);

/// Throws Error{limit} for more than 1024 images: what follows the heads is traced for each.
void check_count(std::int64_t images);

/// Normalises, resizes and pads images (N, 3, H, W).
struct ImageTransform : Module<ImageTransform> {
  static constexpr auto kind = "GeneralizedRCNNTransform";
  TransformConfig config;

  Tensor forward(Tensor images) const {
    check_count(images.dim(0));
    const Spatial size = resized(size_of(images), config);
    const Tensor x = upsample_linear(normalize_image(images, {config.mean, config.std}), size);
    return pad_last(x, {0, to_multiple(size[1]) - size[1], 0, to_multiple(size[0]) - size[0]});
  }

 private:
  std::int64_t to_multiple(std::int64_t side) const {
    return ceil_div(side, config.multiple) * config.multiple;
  }
};

// -- pyramids -----------------------------------------------------------------------------------

/// Adds a map of every second element of the coarsest one.
struct LastLevelMaxPool : Module<LastLevelMaxPool> {
  static constexpr auto kind = "LastLevelMaxPool";

  Features forward(Features pyramid, const Features& /*body*/) const {
    pyramid.push_back(max_pool(pyramid.back(), pool_attrs({.kernel = 1, .stride = 2}, 2)));
    return pyramid;
  }
};

/// Adds two coarser maps, made from the pyramid's or the body's coarsest one.
template <bool from_body>
struct LastLevelP6P7 : Module<LastLevelP6P7<from_body>> {
  static constexpr auto kind = "LastLevelP6P7";
  using Module<LastLevelP6P7>::at;
  std::int64_t in = from_body ? 2048 : 256;
  Conv2d p6{at("p6"), in, 256, {.kernel = 3, .stride = 2, .padding = 1}};
  Conv2d p7{at("p7"), 256, 256, {.kernel = 3, .stride = 2, .padding = 1}};

  Features forward(Features pyramid, const Features& body) const {
    const Tensor x6 = p6(from_body ? body.back() : pyramid.back());
    pyramid.push_back(x6);
    pyramid.push_back(p7(unary(relu_op, x6)));
    return pyramid;
  }
};

/// Feature pyramid network (Lin et al. 2017): maps of 256 channels, each with the context of all
/// coarser ones.
template <class Extra, class Norm = void>
struct FeaturePyramid : Module<FeaturePyramid<Extra, Norm>> {
  static constexpr auto kind = "FeaturePyramidNetwork";
  static constexpr std::int64_t out_channels = 256;
  using Module<FeaturePyramid>::at;
  using Block = Conv2dNormActivation<void, Norm>;
  ModuleList<Block> inner_blocks{at("inner_blocks")};
  ModuleList<Block> layer_blocks{at("layer_blocks")};
  Extra extra_blocks{at("extra_blocks")};

  /// For the maps that a body with that configuration returns.
  template <class BodyConfig>
  FeaturePyramid(const Slot& slot, const BodyConfig& body) : Module<FeaturePyramid>(slot) {
    constexpr bool bias = std::is_void_v<Norm>;
    for (const std::int64_t map : body.returned) {
      const std::int64_t in = body.channels(map);
      inner_blocks.add(in, out_channels, ConvNormOptions{.kernel = 1, .bias = bias});
      layer_blocks.add(out_channels, out_channels, ConvNormOptions{.bias = bias});
    }
  }

  Features forward(const Features& body) const {
    std::array<Tensor, 4> merged;
    std::array<Tensor, 4> outputs;
    for (std::size_t level = body.size(); level-- > 0;) {
      merged[level] = inner_blocks[level](body[level]);
      if (level + 1 < body.size()) {
        const Tensor coarser = merged[level + 1];
        merged[level] = merged[level] + upsample_nearest(coarser, size_of(merged[level]));
      }
      outputs[level] = layer_blocks[level](merged[level]);
    }
    Features pyramid;
    for (std::size_t level = 0; level < body.size(); ++level) pyramid.push_back(outputs[level]);
    return extra_blocks(pyramid, body);
  }
};

/// images (N, 3, H, W) -> maps of 256 channels, the finest first.
template <class Body, class Extra, class Norm = void>
struct BackboneWithFpn : Module<BackboneWithFpn<Body, Extra, Norm>> {
  static constexpr auto kind = "BackboneWithFPN";
  using Module<BackboneWithFpn>::at;
  using Config = typename Body::Config;
  Config config;
  Body body{at("body"), config};
  FeaturePyramid<Extra, Norm> fpn{at("fpn"), config};

  Features forward(Tensor images) const { return fpn(body(images)); }
};

/// ResNet-50 as the first published detectors have it: they were trained with an epsilon of 0 in
/// their frozen normalisation.
constexpr resnet::Config published_resnet50() {
  resnet::Config config = resnet::depth50;
  config.norm_eps = 0;
  return config;
}

// -- anchors ------------------------------------------------------------------------------------

/// Boxes at every position of a pyramid; every aspect ratio with every size of the level.
struct AnchorConfig {
  std::array<Reals, 5> sizes;  ///< per level
  Reals ratios{0.5, 1, 2};

  std::int64_t per_position() const {
    return static_cast<std::int64_t>(sizes[0].size() * ratios.size());
  }
};

/// One tensor of each image, such as its boxes (n, 4).
using PerImage = std::vector<Tensor>;

/// The tensors of all images, concatenated; the tensor of a single image unchanged.
inline Tensor joined(const PerImage& tensors) {
  return tensors.size() == 1 ? tensors.front() : cat(tensors, 0);
}

/// The boxes of all levels, concatenated, for each image.
inline PerImage of_all_levels(const Features& levels, Tensor images) {
  PerImage boxes;
  for (std::int64_t i = 0; i < images.dim(0); ++i) boxes.push_back(cat(levels, 0));
  return boxes;
}

struct AnchorGenerator : Module<AnchorGenerator> {
  static constexpr auto kind = "AnchorGenerator";
  AnchorConfig config;

  PerImage forward(Tensor images, const Features& maps) const {
    Features levels;
    for (std::size_t i = 0; i < maps.size(); ++i) {
      const Spatial grid = size_of(maps[i]);
      const Spatial stride{images.dim(2) / grid[0], images.dim(3) / grid[1]};
      levels.push_back(grid_anchors(graph(), {grid, stride, config.sizes[i], config.ratios}));
    }
    return of_all_levels(levels, images);
  }
};

/// (N, A x columns, H, W) -> (N, H x W x A, columns): a row for each anchor.
inline Tensor rows_per_anchor(Tensor x, std::int64_t columns) {
  const std::int64_t batch = x.dim(0);
  const std::int64_t anchors = x.dim(1) / columns;
  x = reshape(x, {batch, anchors, columns, x.dim(2), x.dim(3)});
  x = permute(x, {0, 3, 4, 1, 2});
  return reshape(x, {batch, product(x.dim(1), x.dim(2), anchors), columns});
}

// -- from scored boxes to detections ------------------------------------------------------------

/// The most of something that the configuration permits, and the number of it that the user gave,
/// if any.
struct Limit {
  std::string_view what;
  std::int64_t most;
  std::optional<std::int64_t> given;
};

/// Boxes (n, 4) of one image with scores (n,) and labels (n,) or any other group.
struct Candidates {
  Tensor boxes;
  Tensor scores;
  Tensor labels;

  Candidates at(Tensor indices) const {
    return {index(boxes, indices), index(scores, indices), index(labels, indices)};
  }
};

/// Keeps boxes whose sides have that many pixels.
Candidates without_small(const Candidates& candidates, double min_side);

/// The best boxes that do not overlap a better one of their group. Their number is marked as
/// bounded, or as exact where the user gave it. Throws Error{usage} where that is more than there
/// can be.
Candidates suppress(const Candidates& candidates, const NmsAttrs& attrs, const Limit& limit);

/// One image's results in the order in which they are returned: boxes first.
using Detections = std::vector<Features>;

/// Boxes (n, 4) in pixels of an image of another size.
Tensor resize_boxes(Tensor boxes, const Spatial& from, const Spatial& to);

/// Adds the outputs "0.boxes", "0.labels", ... to the trace.
void output(Trace& trace, const Detections& detections, std::span<const std::string_view> names);

/// A detector's one input: a batch of images.
constexpr InputSpecs images(std::int64_t size) { return InputSpec{"images", {1, 3, size, size}}; }

}  // namespace zoometer::detection
