#pragma once

#include <string>

namespace zoometer {

/// The file to read of a folder of a language model: its weights (an index of safetensors files, or
/// the only such file), which are read with config.json beside them, or config.json. Empty: the
/// path is no folder, has neither, or has a model's graph (.onnx, .pt2), which says more.
std::string model_in(const std::string& path);

}  // namespace zoometer
