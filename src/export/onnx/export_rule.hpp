#pragma once

#include <span>
#include <string_view>

#include "export/onnx/builder.hpp"

namespace zoometer {

/// An export rule: how one operator is written as ONNX.
struct OnnxExportRule {
  const OpDef* op = nullptr;
  /// The ONNX operator that takes the same inputs and no attributes; empty if `write` is set.
  std::string_view same_as;
  void (*write)(OnnxStep& step) = nullptr;
  /// Whether quantised inputs may stay integers.
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
/// An operator without an equivalent is written in our own domain; element types that the opset
/// lacks throw Error{unsupported}.
void write_onnx_node(OnnxBuilder& builder, NodeId id);

}  // namespace zoometer
