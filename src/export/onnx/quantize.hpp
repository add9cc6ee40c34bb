#pragma once

#include <string>
#include <vector>

#include "export/onnx/builder.hpp"

namespace zoometer {

struct OnnxExportRule;

/// Writes a node with quantised inputs or outputs. A rule that works on integers is applied as it
/// is, and its results keep the scale of the inputs; other rules get the real numbers
/// of the integers, and their result is quantised.
void write_quantised(OnnxStep& step, const OnnxExportRule& rule);

/// The inputs of a QLinearConv instead of a convolution's x, weight and bias. Throws
/// OnnxMissing if the result has no scale.
std::vector<std::string> integer_convolution_inputs(OnnxStep& step);

/// x W^T + b with a product of integers.
void write_integer_linear(OnnxStep& step);

}  // namespace zoometer
