#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "zoometer/ir/tensor.hpp"

// Einstein's summation in every form that ONNX and PyTorch take: ellipses, outputs that are left
// out, labels twice in a term, any number of tensors.

namespace zoometer {

struct EinsumReading {
  std::string_view equation;
  /// Pairs of places in the list of tensors to contract next, whose result is appended to the list;
  /// empty: from left to right.
  std::span<const std::int64_t> path = {};
  /// Throws if the first argument is false; the second one says what was expected.
  std::function<void(bool holds, std::string_view expected)> require;
};

/// Appends the equation as products of two tensors each.
Tensor read_einsum(std::vector<Tensor> operands, const EinsumReading& reading);

}  // namespace zoometer
