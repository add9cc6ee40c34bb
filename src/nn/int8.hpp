#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Writes the int8 form of a quantizable network into `target`, which is emptied first. It is the
/// result of PyTorch's eager conversion.
///
/// - Between QuantStub and DeQuantStub, activations are quint8, and weights of convolutions and
///   linear layers qint8; biases stay float32. A linear layer's weight and bias move into its child
///   `_packed_params`.
/// - A batch normalisation after a convolution is folded into its weight and bias, the ReLU after
///   it into the clamping of its result; the modules stay, as identities.
/// - Every module whose result has a new scale (convolution, linear, hard swish, sum, product,
///   concatenation, stub) has the buffers `scale` and `zero_point` (a hard swish keeps its own out
///   of the state dict, as PyTorch 1.13 does); weights contain theirs.
///
/// Attributes are copied as bytes: text that they refer to must outlive both graphs. Throws
/// Error{usage} for a network without stubs.
void convert_to_int8(const Graph& source, Graph& target);

}  // namespace zoometer
