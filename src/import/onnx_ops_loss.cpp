// Losses, which training graphs end in.
#include "import/onnx_ops.hpp"
#include "op/elementwise.hpp"
#include "op/movement.hpp"
#include "op/reduce.hpp"

namespace zoometer {
namespace {

/// The negated elements of `x` (N, C, ...) at the classes `target` (N, ...), weighted by class and
/// reduced as the node says.
Tensor negative_likelihood(OnnxContext& context, Tensor x) {
  const Tensor target = context.in(1);
  context.require(x.rank() >= 2 && target.rank() == x.rank() - 1,
                  "an input of rank 2 or more and a target of one rank less");
  Tensor loss = unary(neg_op, squeeze(gather(x, 1, unsqueeze(target, 1)), 1));
  Tensor weights{&context.graph(), no_id};
  if (context.has(2)) weights = index(context.weight(2), target);
  if (context.attribute("ignore_index") != nullptr) {
    const double ignored = static_cast<double>(context.integer("ignore_index", 0));
    const Tensor counts = to(binary(ne_op, target, ignored), x.dtype());
    weights = weights ? weights * counts : counts;
  }
  if (weights) loss = loss * weights;
  const std::string_view reduction = context.text("reduction", "mean");
  if (reduction == "none") return loss;
  const Tensor total = sum(loss, {});
  if (reduction == "sum") return total;
  return weights ? total / sum(weights, {}) : mean(loss, {});
}

void emit_negative_likelihood(OnnxContext& context) {
  context.out(negative_likelihood(context, context.in(0)));
}

void emit_cross_entropy(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() >= 2, "an input of rank 2 or more");
  const Tensor likelihood = log_softmax(x, 1);
  context.out(0, negative_likelihood(context, likelihood));
  context.out(1, likelihood);
}

constexpr OnnxOperator rows[] = {
    {"NegativeLogLikelihoodLoss", emit_negative_likelihood},
    {"SoftmaxCrossEntropyLoss", emit_cross_entropy},
};

}  // namespace

extern constinit const OnnxOperators onnx_loss_operators = {"", rows};

}  // namespace zoometer
