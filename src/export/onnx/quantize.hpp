#pragma once

#include <string>
#include <vector>

#include "export/onnx/builder.hpp"

namespace zoometer {

struct OnnxExportRule;

/// Writes a node that has quantised inputs or outputs. A rule that works on integers is taken as it
/// is, and its results keep the scale of what they are made of; any other is given the real numbers
/// that the integers stand for, and its result is quantised.
void write_quantised(OnnxStep& step, const OnnxExportRule& rule);

/// The inputs of a QLinearConv in the place of a convolution's x, weight and bias. Throws
/// OnnxMissing where the result has no scale.
std::vector<std::string> integer_convolution_inputs(OnnxStep& step);

/// x W^T + b with a product of integers.
void write_integer_linear(OnnxStep& step);

}  // namespace zoometer
