#pragma once

#include <string>

namespace zoometer {

/// The path of config.json in a folder of a language model, or empty: the path is no folder, has no
/// such file, or has a model's graph (.onnx, .pt2), which says more.
std::string configuration_in(const std::string& path);

}  // namespace zoometer
