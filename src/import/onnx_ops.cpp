#include "import/onnx_ops.hpp"

namespace zoometer {

namespace {

/// The standard domain has two names.
std::string_view standard_name(std::string_view domain) noexcept {
  return domain == "ai.onnx" ? std::string_view{} : domain;
}

}  // namespace

const OnnxOperator* find_onnx_operator(std::string_view domain, std::string_view name) noexcept {
  static constexpr const OnnxOperators* groups[] = {
      &onnx_control_operators,
      &onnx_elementwise_operators,
      &onnx_movement_operators,
      &onnx_neural_operators,
      &onnx_product_operators,
      &onnx_reduction_operators,
      &onnx_attention_operators,
      &onnx_loss_operators,
      &onnx_quantized_operators,
      &onnx_recurrent_operators,
      &onnx_vision_operators,
      &onnx_microsoft_operators,
      &onnx_microsoft_quantized_operators,
  };
  for (const OnnxOperators* group : groups) {
    if (group->domain != standard_name(domain)) continue;
    for (const OnnxOperator& row : group->rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace zoometer
