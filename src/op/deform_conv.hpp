#pragma once

#include "zoometer/op/conv.hpp"

namespace zoometer {

/// torchvision.ops.deform_conv2d.
extern const OpDef deform_conv2d_op;

/// A convolution of samples at learnt offsets from the kernel's taps. x (N, C, H, W),
/// weight (out, C / groups, kH, kW), offset (N, 2 x G x kH x kW, H', W') for G groups of channels
/// with offsets of their own, bias (out,) or empty, mask (N, G x kH x kW, H', W') or empty
/// -> (N, out, H', W').
Tensor deform_conv2d(Tensor x, Tensor weight, Tensor offset, Tensor bias, Tensor mask,
                     const ConvAttrs& attrs);

}  // namespace zoometer
