#include "import/onnx/ops.hpp"

namespace zoometer {

namespace {

/// The standard domain has two names.
std::string_view standard_name(std::string_view domain) noexcept {
  return domain == "ai.onnx" ? std::string_view{} : domain;
}

}  // namespace

const OnnxOperator* find_onnx_operator(std::string_view domain, std::string_view name) noexcept {
  for (const OnnxOperators* group : onnx_operators()) {
    if (group->domain != standard_name(domain)) continue;
    for (const OnnxOperator& row : group->rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace zoometer
