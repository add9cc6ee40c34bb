#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// The figures that torchvision publishes for a set of weights.
struct PublishedMetrics {
  std::string_view weights;  ///< "ResNet50_Weights.IMAGENET1K_V2"
  std::string_view model;    ///< "resnet50"
  bool is_default;           ///< whether weights="DEFAULT" means these
  std::int64_t parameters;   ///< num_params
  double giga_macs;          ///< _ops: multiply-accumulates in 1e9, three decimals
  double file_mebibytes;     ///< _file_size, three decimals
  Shape input;               ///< the input of _ops; the same for each of several inputs
  std::string_view metric;   ///< "top1", "miou", "box_map", "epe", "fl_all"; empty if there is none
  double accuracy;           ///< the value of the metric
};

/// All published weights, by name.
std::span<const PublishedMetrics> published_metrics() noexcept;

}  // namespace zoometer
