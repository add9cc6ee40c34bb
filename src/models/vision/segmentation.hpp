#pragma once

#include "models/vision/resnet.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/resample.hpp"

// What torchvision's segmentation models share: a backbone that returns one or two of its maps, a
// head that classifies every position, and an auxiliary head that only published weights have.

namespace zoometer::segmentation {

/// Pascal VOC's 20 classes and the background.
inline constexpr std::int64_t classes = 21;

/// Scores every position by a 3 x 3 and a 1 x 1 convolution: (N, in, H, W) -> (N, classes, H, W).
struct FcnHead : SequentialOf<FcnHead> {
  static constexpr auto kind = "FCNHead";
  FcnHead() = default;
  FcnHead(const Slot& slot, std::int64_t in) : SequentialOf(slot) {
    const std::int64_t middle = in / 4;
    add<Conv2d>(in, middle, ConvOptions{.kernel = 3, .padding = 1, .bias = false});
    add<BatchNorm2d>(middle);
    add<ReLU>(false);
    add<Dropout>();
    add<Conv2d>(middle, classes);
  }
};

inline Tensor resize_to(Tensor scores, Tensor image) {
  return upsample_linear(scores, {image.dim(2), image.dim(3)});
}

/// Backbone and heads: images (N, 3, H, W) -> scores (N, classes, H, W) of the head, which sees the
/// backbone's last map, and of the auxiliary head, which sees the first of two.
template <class Backbone, class Head>
struct Segmenter : Module<Segmenter<Backbone, Head>> {
  static constexpr auto kind = Head::model_kind;
  using Module<Segmenter>::at;
  typename Backbone::Config config;
  bool has_aux = config.returned.size() > 1;
  Backbone backbone{at("backbone"), config};
  Head classifier{at("classifier"), config.channels(config.returned.back())};
  FcnHead aux_classifier =
      has_aux ? FcnHead{at("aux_classifier"), config.channels(config.returned[0])} : FcnHead{};

  Features forward(Tensor image) const {
    const Features maps = backbone(image);
    Features scores{resize_to(classifier(maps.back()), image)};
    if (has_aux) scores.push_back(resize_to(aux_classifier(maps.front()), image));
    return scores;
  }
};

/// Traces a segmenter and names its outputs as torchvision's dictionary does.
template <class Backbone, class Head>
void run(Trace& trace, const typename Backbone::Config& config) {
  const Segmenter<Backbone, Head> net{trace.root(), config};
  const Features scores = net(trace.input());
  trace.output(scores.front(), "out");
  if (scores.size() > 1) trace.output(scores.back(), "aux");
}

/// A segmenter over a ResNet at an eighth of the image's size. Published weights have the auxiliary
/// head.
template <class Head, resnet::Config depths>
void build_resnet(Trace& trace) {
  resnet::Config dilated = depths;
  dilated.dilated = {false, true, true};
  run<resnet::Backbone<>, Head>(trace, {dilated, trace.published() ? Ints{3, 4} : Ints{4}});
}

}  // namespace zoometer::segmentation
