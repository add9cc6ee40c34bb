#pragma once

#include <span>
#include <string_view>

#include "export/onnx/builder.hpp"

namespace zoometer {

/// How one operator is written as ONNX.
struct OnnxExportRule {
  const OpDef* op = nullptr;
  /// The ONNX operator that takes the same inputs and needs no attributes, or nothing and `write`.
  std::string_view same_as;
  void (*write)(OnnxStep& step) = nullptr;
  /// Whether quantised inputs may stay the integers that they are.
  bool takes_integers = false;
};

/// For rows of `OnnxExportRule`.
inline constexpr bool on_integers = true;

/// The rules of one operator group.
struct OnnxExportRules {
  std::span<const OnnxExportRule> rules;
};

/// Every group's rules, by object name.
std::span<const OnnxExportRules* const> onnx_export_rules() noexcept;

/// Writes a node by that rule.
void write_by_rule(OnnxStep& step, const OnnxExportRule& rule);

/// Writes a node of the builder's graph, and notes which axis of its outputs depends on data.
/// What the standard has no form for goes into our own domain; element types that the opset lacks
/// are refused with Error{unsupported}.
void write_onnx_node(OnnxBuilder& builder, NodeId id);

}  // namespace zoometer
