#include "import/onnx_ops.hpp"

namespace zoometer {

const OnnxOperator* find_onnx_operator(std::string_view domain, std::string_view name) noexcept {
  static constexpr const OnnxOperators* groups[] = {
      &onnx_control_operators, &onnx_elementwise_operators, &onnx_movement_operators,
      &onnx_neural_operators,  &onnx_product_operators,     &onnx_reduction_operators};
  for (const OnnxOperators* group : groups) {
    if (group->domain != domain) continue;
    for (const OnnxOperator& row : group->rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace zoometer
