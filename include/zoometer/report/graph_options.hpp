#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zoometer {

/// Which data the parameters of a written model have.
enum class WeightData : std::uint8_t {
  omitted,  ///< none: the parameters are inputs
  random,   ///< random numbers from a seed
  file,     ///< read from a safetensors file
};

/// How a graph is written. Which formats take which option is said with each.
struct GraphOptions {
  std::optional<int> depth = {};  ///< dot, svg, png, pdf: modules at this depth are single boxes
  WeightData weights = WeightData::omitted;     ///< onnx: what the parameters contain
  std::int64_t seed = 0;                        ///< onnx: of random weights
  std::string weight_file = {};                 ///< onnx: the safetensors file
  std::vector<std::string>* remarks = nullptr;  ///< if set, warnings about the result go here
  std::string external_data = {};               ///< onnx: the file for weights; empty: the model
  double drawing_seconds = 120;                 ///< svg, png, pdf: Graphviz's time limit
};

}  // namespace zoometer
