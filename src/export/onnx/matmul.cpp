#include "zoometer/op/matmul.hpp"

#include <cmath>
#include <limits>

#include "export/onnx/export_rule.hpp"
#include "export/onnx/quantize.hpp"

namespace zoometer {
namespace {

/// Swaps the last two dimensions.
std::string transposed(OnnxStep& step, std::string_view x, std::int64_t rank) {
  Ints order;
  for (std::int64_t i = 0; i < rank; ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(rank - 1)], order[static_cast<std::size_t>(rank - 2)]);
  return step.add("Transpose", {x}, {{"perm", order}});
}

/// ONNX multiplies matrices of wide integers only.
void require_wide(const OnnxStep& step) {
  if (!is_floating(step.dtype()) && bits_of(step.dtype()) < 32)
    step.fail("on short integers has no ONNX equivalent");
}

void write_linear(OnnxStep& step) {
  if (is_quantised(step.dtype())) return write_integer_linear(step);
  require_wide(step);
  if (step.shape(0).rank() == 2) {
    return step.make("Gemm", step.inputs(), {{"transB", std::int64_t{1}}});
  }
  const std::string weight = transposed(step, step.in(1), 2);
  if (!step.has(2)) return step.make("MatMul", {step.in(0), weight});
  const std::string product = step.add("MatMul", {step.in(0), weight});
  step.make("Add", {product, step.in(2)});
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
  step.make("Gemm", {step.in(1), step.in(2), step.in(0)});
}

void write_einsum(OnnxStep& step) {
  step.make("Einsum", step.inputs(), {{"equation", step.attrs<EinsumAttrs>().equation}});
}

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A mask (queries, keys) that is -infinity above the diagonal and 0 elsewhere.
std::string causal_mask(OnnxStep& step, std::int64_t queries, std::int64_t keys) {
  const std::string sizes = step.integers({queries, keys});
  const std::string zeros = step.add("ConstantOfShape", {sizes});
  const std::string ones = step.add("Add", {zeros, step.number(1)});
  const std::string below = step.add("Trilu", {ones}, {{"upper", std::int64_t{0}}});
  const std::string is_seen = step.add("Cast", {below}, {{"to", DType::boolean}});
  return step.add("Where", {is_seen, step.number(0), step.number(-infinity)});
}

/// softmax(query key^T scale + mask) value.
void write_attention(OnnxStep& step) {
  const auto& attrs = step.attrs<AttentionAttrs>();
  const Shape& query = step.shape(0);
  const double scale =
      attrs.scale != 0 ? attrs.scale : 1 / std::sqrt(static_cast<double>(query.dim(-1)));
  const std::string scaled = step.add("Mul", {step.in(0), step.number(scale, step.dtype())});
  const std::string keys = transposed(step, step.in(1), step.shape(1).rank());
  std::string scores = step.add("MatMul", {scaled, keys});
  if (attrs.is_causal) {
    const std::string mask = causal_mask(step, query.dim(-2), step.shape(1).dim(-2));
    scores = step.add("Add", {scores, step.cast(mask, DType::float32, step.dtype())});
  }
  if (step.has(3) && step.dtype(3) == DType::boolean) {
    scores = step.add("Where", {step.in(3), scores, step.number(-infinity, step.dtype())});
  } else if (step.has(3)) {
    scores = step.add("Add", {scores, step.in(3)});
  }
  const std::string weights = step.add("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  step.make("MatMul", {weights, step.in(2)});
}

constexpr OnnxExportRule rules[] = {{&linear_op, {}, write_linear, on_integers},
                                    {&matmul_op, {}, write_matmul},
                                    {&bmm_op, {}, write_matmul},
                                    {&addmm_op, {}, write_addmm},
                                    {&einsum_op, {}, write_einsum},
                                    {&scaled_dot_product_attention_op, {}, write_attention}};

}  // namespace

extern constinit const OnnxExportRules matmul_onnx_export_rules = {rules};

}  // namespace zoometer
