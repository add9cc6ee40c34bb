#include "zoometer/op/matmul.hpp"

#include "export/onnx/export_rule.hpp"
#include "export/onnx/quantize.hpp"

namespace zoometer {
namespace {

/// ONNX multiplies matrices of wide integers only.
void require_wide(const OnnxStep& step) {
  if (!is_floating(step.dtype()) && bits_of(step.dtype()) < 32)
    step.fail("on short integers has no ONNX equivalent");
}

/// An operand in the type of the result: under autocast, PyTorch's operands have several types.
std::string typed(OnnxStep& step, std::size_t input) {
  return step.cast(step.in(input), step.dtype(input), step.out_dtype());
}

void write_linear(OnnxStep& step) {
  if (is_quantised(step.dtype())) return write_integer_linear(step);
  require_wide(step);
  const std::string x = typed(step, 0);
  const std::string weight = typed(step, 1);
  if (step.shape(0).rank() == 2 && is_floating(step.out_dtype())) {
    std::vector<std::string> inputs{x, weight};
    if (step.has(2)) inputs.push_back(typed(step, 2));
    return step.make("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  const std::string columns = step.transposed(weight, 2);
  if (!step.has(2)) return step.make("MatMul", {x, columns});
  const std::string product = step.add("MatMul", {x, columns});
  step.make("Add", {product, typed(step, 2)});
}

void write_matmul(OnnxStep& step) {
  require_wide(step);
  const DType common = promote(step.dtype(0), step.dtype(1));
  const std::string a = step.cast(step.in(0), step.dtype(0), common);
  const std::string b = step.cast(step.in(1), step.dtype(1), common);
  step.make("MatMul", {a, b});
}

void write_addmm(OnnxStep& step) {
  require_wide(step);
  const std::string a = typed(step, 1);
  const std::string b = typed(step, 2);
  if (is_floating(step.out_dtype())) return step.make("Gemm", {a, b, typed(step, 0)});
  // ONNX Runtime has no Gemm of integers.
  step.make("Add", {step.add("MatMul", {a, b}), typed(step, 0)});
}

void write_einsum(OnnxStep& step) {
  step.make("Einsum", step.inputs(), {{"equation", step.attrs<EinsumAttrs>().equation}});
}

constexpr OnnxExportRule matmul_rules[] = {{&linear_op, {}, write_linear, on_integers},
                                           {&matmul_op, {}, write_matmul},
                                           {&bmm_op, {}, write_matmul},
                                           {&addmm_op, {}, write_addmm},
                                           {&einsum_op, {}, write_einsum}};

}  // namespace

extern constinit const OnnxExportRules matmul_onnx_export_rules = {matmul_rules};

}  // namespace zoometer
