#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// What torchvision publishes about one set of weights.
struct PublishedMetrics {
  std::string_view weights;  ///< "ResNet50_Weights.IMAGENET1K_V2"
  std::string_view model;    ///< "resnet50"
  bool is_default;           ///< what weights="DEFAULT" means
  std::int64_t parameters;   ///< num_params
  double giga_macs;          ///< _ops: multiply-accumulates in 1e9, three decimals
  double file_mebibytes;     ///< _file_size, three decimals
  Shape input;               ///< what _ops was counted at; the same for each input of several
  std::string_view
      metric;       ///< "top1", "miou", "box_map", "epe", "fl_all"; empty where none is told
  double accuracy;  ///< of that metric
};

/// All published weights, by name.
std::span<const PublishedMetrics> published_metrics() noexcept;

}  // namespace zoometer
