#pragma once

#include <span>
#include <string_view>

#include "import/onnx/reader.hpp"

namespace zoometer {

/// How one operator of the file becomes nodes of the graph. Differences between the versions of an
/// operator are the handler's business.
struct OnnxOperator {
  std::string_view name;
  void (*emit)(OnnxContext& context) = nullptr;
  /// Takes inputs whose shapes are unknown.
  bool takes_anything = false;
  /// Where the output's shape depends on data but is declared: makes an output of that shape; false
  /// where it cannot be one.
  bool (*emit_declared)(OnnxContext& context, const OutputType& type) = nullptr;
};

/// The operators that one onnx_ops_*.cpp file handles.
struct OnnxOperators {
  std::string_view domain;  ///< empty: the standard one
  std::span<const OnnxOperator> rows;
};

/// Every file's operators, by object name.
std::span<const OnnxOperators* const> onnx_operators() noexcept;

/// The handler of an operator, or null.
const OnnxOperator* find_onnx_operator(std::string_view domain, std::string_view name) noexcept;

/// How an operator that shapes are made with computes its outputs of its inputs' elements (false
/// where it cannot), or null.
OnnxFold find_onnx_fold(std::string_view domain, std::string_view name) noexcept;

/// Computes the node's outputs if its inputs' elements are known.
bool fold_onnx_node(OnnxContext& context, OnnxFold fold);

}  // namespace zoometer
