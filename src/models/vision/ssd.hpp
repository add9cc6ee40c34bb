#pragma once

#include "models/vision/detection.hpp"

// SSD (Liu et al. 2016): predictors of their own for each of six maps of an image of fixed size.
// SSDlite is the same over MobileNet, with separable convolutions. A `Form` gives
//   Backbone                       images -> six maps
//   Predictor(slot, in, out)       the layers that predict from one map
//   head_kind, classification_kind, regression_kind

namespace zoometer::ssd {

using namespace detection;

inline constexpr std::size_t levels = 6;

/// SSD's boxes on one map: scales relative to the image, pixels between positions (0: what fills
/// the image).
struct LevelBoxes {
  double scale;
  double next_scale;
  double step;
  Reals ratios;

  std::int64_t per_position() const { return 2 + 2 * static_cast<std::int64_t>(ratios.size()); }
};

struct Config {
  TransformConfig transform;
  std::array<std::int64_t, levels> channels;
  std::array<LevelBoxes, levels> boxes;
  double threshold;
  double nms_threshold;
  std::int64_t candidates;  ///< per class, before suppression
  std::int64_t detections;  ///< per image, after it
};

struct DefaultBoxGenerator : Module<DefaultBoxGenerator> {
  static constexpr auto kind = "DefaultBoxGenerator";
  std::array<LevelBoxes, levels> boxes;

  PerImage forward(Tensor images, const Features& maps) const {
    Features of_level;
    for (std::size_t i = 0; i < maps.size(); ++i) {
      const LevelBoxes& level = boxes[i];
      of_level.push_back(default_boxes(graph(), {size_of(maps[i]), size_of(images), level.step,
                                                 level.scale, level.next_scale, level.ratios}));
    }
    return of_all_levels(of_level, images);
  }
};

/// Predicts `columns` numbers for every box: maps -> (N, boxes, columns).
template <class Form, bool classifies>
struct ScoringHead : Module<ScoringHead<Form, classifies>> {
  static constexpr auto kind = classifies ? Form::classification_kind : Form::regression_kind;
  static constexpr std::int64_t columns = classifies ? coco_classes : 4;
  using Module<ScoringHead>::at;
  ModuleList<typename Form::Predictor> module_list{at("module_list")};

  ScoringHead(const Slot& slot, const Config& config) : Module<ScoringHead>(slot) {
    for (std::size_t i = 0; i < levels; ++i) {
      module_list.add(config.channels[i], columns * config.boxes[i].per_position());
    }
  }

  Tensor forward(const Features& maps) const {
    Features rows;
    for (std::size_t i = 0; i < maps.size(); ++i) {
      rows.push_back(rows_per_anchor(module_list[i](maps[i]), columns));
    }
    return cat(rows, 1);
  }
};

/// Offsets (N, boxes, 4) and logits (N, boxes, classes).
template <class Form>
struct SsdHead : Module<SsdHead<Form>> {
  static constexpr auto kind = Form::head_kind;
  using Module<SsdHead>::at;
  const Config& config;
  ScoringHead<Form, true> classification_head{at("classification_head"), config};
  ScoringHead<Form, false> regression_head{at("regression_head"), config};

  Features forward(const Features& maps) const {
    const Tensor offsets = regression_head(maps);
    return {offsets, classification_head(maps)};
  }
};

/// The detections of an image: boxes (n, 4) with the scores (n, classes) of each. Suppression is
/// per class, of which each gets its best boxes.
Candidates detect(Tensor boxes, Tensor scores, const Config& config,
                  std::optional<std::int64_t> given_detections);

template <class Form>
struct Ssd : Module<Ssd<Form>> {
  static constexpr auto kind = "SSD";
  using Module<Ssd>::at;
  Config config;
  std::optional<std::int64_t> given_detections;
  typename Form::Backbone backbone{at("backbone")};
  DefaultBoxGenerator anchor_generator{at("anchor_generator"), config.boxes};
  SsdHead<Form> head{at("head"), config};
  ImageTransform transform{at("transform"), config.transform};

  /// images (N, 3, H, W) of 0 to 1 -> boxes (n, 4), scores (n,), labels (n,) for each of them.
  Detections forward(Tensor images) const {
    const Spatial original = size_of(images);
    const Spatial size = resized(original, config.transform);
    const Tensor batch = transform(images);
    const Features maps = backbone(batch);
    const Features rows = head(maps);
    const PerImage anchors = anchor_generator(batch, maps);
    const Tensor scores = softmax(rows[1], -1);

    Detections found;
    for (std::size_t image = 0; image < anchors.size(); ++image) {
      const auto i = static_cast<std::int64_t>(image);
      const DecodeBoxesAttrs coding{.weights = {10, 10, 5, 5}};
      const Tensor decoded = decode_boxes(select(rows[0], 0, i), anchors[image], coding);
      const Tensor boxes = clip_boxes(squeeze(decoded, 1), size);
      const Candidates kept = detect(boxes, select(scores, 0, i), config, given_detections);
      found.push_back({resize_boxes(kept.boxes, size, original), kept.scores, kept.labels});
    }
    return found;
  }
};

template <class Form>
void run(Trace& trace, const Config& config) {
  constexpr std::string_view names[] = {"boxes", "scores", "labels"};
  const Ssd<Form> net{trace.root(), config, trace.options().detections};
  output(trace, net(trace.input()), names);
}

}  // namespace zoometer::ssd
