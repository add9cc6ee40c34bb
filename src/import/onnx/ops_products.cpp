// Matrix products and what is made of them.
#include <string>

#include "import/einsum.hpp"
#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "op/linalg.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

OnnxOutcome emit_matmul(OnnxContext& context) {
  // A constant factor is learnt; a mask is added, so no elements need to be read to find out.
  const Tensor a = context.in(0, OnnxRole::weight);
  return context.out(matmul(a, context.in(1, OnnxRole::weight)));
}

}  // namespace

Tensor onnx_gemm(OnnxContext& context) {
  const double alpha = context.real("alpha", 1);
  const double beta = context.real("beta", 1);
  const bool flips_b = context.integer("transB", 0) != 0;
  context.require(context.rank(0) == 2 && context.rank(1) == 2, "matrices of rank 2");
  Tensor a = context.in(0);
  if (context.integer("transA", 0) != 0) a = transpose(a, 0, 1);
  const Tensor weight = context.in(1);
  const Tensor bias = context.optional_in(2);
  const std::int64_t columns = weight.dim(flips_b ? 0 : 1);
  const bool is_plain = alpha == 1 && (!bias || beta == 1);
  const bool is_vector = bias && bias.shape() == Shape{columns};
  if (is_plain && flips_b && (!bias || is_vector)) return linear(a, weight, bias);

  const Tensor b = flips_b ? transpose(weight, 0, 1) : weight;
  if (is_plain && bias) return addmm(bias, a, b);
  Tensor product = matmul(a, b);
  if (alpha != 1) product = product * alpha;
  if (!bias || beta == 0) return product;
  return product + (beta == 1 ? bias : bias * beta);
}

namespace {

OnnxOutcome emit_gemm(OnnxContext& context) { return context.out(onnx_gemm(context)); }

OnnxOutcome emit_einsum(OnnxContext& context) {
  const EinsumReading reading{
      context.text("equation", ""), {}, [&](bool holds, std::string_view what) {
        context.require(holds, what);
      }};
  return context.out(read_einsum(context.all_inputs(), reading));
}

OnnxOutcome emit_determinant(OnnxContext& context) {
  return context.out(unary(determinant_op, context.in(0)));
}

using enum Meaning;

constexpr NoEffect gemm_no_effect[] = {{"broadcast", "the shape of C says it"}};

constexpr OnnxOperator products_rows[] = {
    {"Det", same_values, emit_determinant},
    {"Einsum", same_values, emit_einsum},
    {"Gemm",
     same_values,
     emit_gemm,
     {.fit = OnnxFit::product, .weights = {1, 2}, .no_effect = gemm_no_effect}},
    {"MatMul", same_values, emit_matmul, {.fit = OnnxFit::product}},
};

}  // namespace

extern constinit const OnnxOperators onnx_product_operators = {"", products_rows};

}  // namespace zoometer
