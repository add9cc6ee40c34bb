#pragma once

#include <span>
#include <string_view>

#include "export/onnx/builder.hpp"

namespace zoometer {

/// How one operator is written as ONNX.
struct OnnxForm {
  const OpDef* op = nullptr;
  /// The ONNX operator that takes the same inputs and needs no attributes, or nothing and `write`.
  std::string_view same_as;
  void (*write)(OnnxStep& step) = nullptr;
  /// Whether quantised inputs may stay the integers that they are.
  bool takes_integers = false;
};

/// For rows of `OnnxForm`.
inline constexpr bool on_integers = true;

/// The forms of one operator group.
struct OnnxForms {
  std::span<const OnnxForm> forms;
};

/// Every group's forms, by object name.
std::span<const OnnxForms* const> onnx_forms() noexcept;

/// Writes a node by that form.
void write_form(OnnxStep& step, const OnnxForm& form);

/// Writes a node of the builder's graph, and notes which axis of its outputs depends on data.
/// What the standard has no form for goes into our own domain; element types that the opset lacks
/// are refused with Error{unsupported}.
void write_onnx_node(OnnxBuilder& builder, NodeId id);

}  // namespace zoometer
