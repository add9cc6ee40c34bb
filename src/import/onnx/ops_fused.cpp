// Products and convolutions with what ONNX Runtime's optimiser merged into them.
#include <string_view>
#include <vector>

#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// The activations without attributes, by ONNX's name.
struct PlainActivation {
  std::string_view name;
  const OpDef* op;
};

constexpr PlainActivation plain_activations[] = {
    {"Relu", &relu_op},         {"Tanh", &tanh_op},
    {"Sigmoid", &sigmoid_op},   {"HardSwish", &hardswish_op},
    {"Softplus", &softplus_op}, {"Softsign", &softsign_op},
    {"Silu", &silu_op},         {"Mish", &mish_op},
    {"Selu", &selu_op},         {"ThresholdedRelu", &relu_op},
};

}  // namespace

Tensor onnx_activated(OnnxContext& context, Tensor x) {
  const std::string_view name = context.text("activation", "");
  if (name.empty()) return x;
  for (const PlainActivation& activation : plain_activations) {
    if (activation.name == name) return unary(*activation.op, x);
  }
  const std::vector<double> listed =
      context.reals("activation_params").value_or(std::vector<double>{});
  const auto parameter = [&](std::size_t index, double otherwise) {
    return index < listed.size() ? listed[index] : otherwise;
  };
  if (name == "Elu" || name == "Celu") {
    const double alpha = parameter(0, context.real("activation_alpha", 1));
    return apply(name == "Elu" ? elu_op : celu_op, SlopeAttrs{alpha}, x);
  }
  if (name == "LeakyRelu")
    return leaky_relu(x, parameter(0, context.real("activation_alpha", 0.01)));
  if (name == "HardSigmoid") {
    const double alpha = parameter(0, context.real("activation_alpha", 0.2));
    return clamp(x * alpha + parameter(1, context.real("activation_beta", 0.5)), 0, 1);
  }
  if (name == "Clip") return clamp(x, parameter(0, 0), parameter(1, 6));
  if (name == "Gelu" || name == "FastGelu") return gelu(x, name == "FastGelu");
  if (name == "QuickGelu") return x * unary(sigmoid_op, x * 1.702);
  if (name == "Softmax" || name == "LogSoftmax") {
    const std::int64_t axis = context.axis(context.integer("activation_axis", -1), x.rank());
    return name == "Softmax" ? softmax(x, axis) : log_softmax(x, axis);
  }
  return {&context.graph(), no_id};
}

namespace {

OnnxOutcome out_activated(OnnxContext& context, Tensor x) {
  const Tensor result = onnx_activated(context, x);
  return result ? context.out(result) : OnnxOutcome::depends_on_data;
}

OnnxOutcome emit_fused_conv(OnnxContext& context) {
  const Tensor result = onnx_convolution(context, 1, 2);
  if (!result) return OnnxOutcome::depends_on_data;
  return out_activated(context, context.has(3) ? result + context.in(3) : result);
}

OnnxOutcome emit_fused_gemm(OnnxContext& context) {
  return out_activated(context, onnx_gemm(context));
}

OnnxOutcome emit_gemm_fast_gelu(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor product = matmul(x, context.in(1));
  return context.out(gelu(context.has(2) ? product + context.in(2) : product, true));
}

/// An operand of FusedMatMul: its first dimension after all batch dimensions where `batch` is set,
/// then its last two swapped where `last` is. Vectors stay as they are.
Tensor rearranged(OnnxContext& context, std::size_t input, std::string_view batch,
                  std::string_view last) {
  Tensor x = context.in(input);
  const bool moves_first = context.integer(batch, 0) != 0;
  const bool swaps_last = context.integer(last, 0) != 0;
  if (moves_first && x.rank() > 2) {
    Ints order;
    for (std::int64_t i = 1; i + 1 < x.rank(); ++i) order.push_back(i);
    order.push_back(0);
    order.push_back(x.rank() - 1);
    x = permute(x, order);
  }
  return swaps_last && x.rank() >= 2 ? transpose(x, -2, -1) : x;
}

Tensor fused_matmul(OnnxContext& context) {
  const Tensor a = rearranged(context, 0, "transBatchA", "transA");
  const Tensor product = matmul(a, rearranged(context, 1, "transBatchB", "transB"));
  const double alpha = context.real("alpha", 1);
  return alpha == 1 ? product : product * alpha;
}

OnnxOutcome emit_fused_matmul(OnnxContext& context) { return context.out(fused_matmul(context)); }

OnnxOutcome emit_fused_matmul_activation(OnnxContext& context) {
  return out_activated(context, fused_matmul(context));
}

using enum Meaning;

constexpr NoEffect fused_activation_no_effect[] = {
    {"activation_alpha", "a constant of the activation"},
    {"activation_beta", "a constant of the activation"},
    {"activation_gamma", "a constant of the activation"},
};

constexpr OnnxOperator fused_rows[] = {
    {"FusedConv", same_values, emit_fused_conv, {.weights = {1, 2}}},
    {"FusedGemm",
     same_cost,
     emit_fused_gemm,
     {.weights = {1, 2}, .no_effect = fused_activation_no_effect}},
    {"FusedMatMul", same_values, emit_fused_matmul},
    {"FusedMatMulActivation",
     same_cost,
     emit_fused_matmul_activation,
     {.no_effect = fused_activation_no_effect}},
    {"GemmFastGelu", same_values, emit_gemm_fast_gelu, {.weights = {1, 2}}},
    {"TransposeMatMul", same_values, emit_fused_matmul},
};

}  // namespace

extern constinit const OnnxOperators onnx_fused_operators = {"com.microsoft", fused_rows};

}  // namespace zoometer
