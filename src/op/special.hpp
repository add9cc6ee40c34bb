#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// @{
/// Functions of one input, element by element, each PyTorch's of that name: digamma, the inverse of
/// the error function, the modified Bessel function of order 0, the logarithm of gamma.
extern const OpDef digamma_op, erfinv_op, i0_op, lgamma_op;
/// @}

}  // namespace zoometer
