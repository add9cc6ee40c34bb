// Losses, which training graphs end in.
#include "import/onnx/ops.hpp"
#include "import/torch/decompositions.hpp"
#include "zoometer/op/elementwise.hpp"

namespace zoometer {
namespace {

Reduction reduction_of(const OnnxContext& context) {
  const std::string_view word = context.text("reduction", "mean");
  return word == "none" ? Reduction::none : word == "sum" ? Reduction::sum : Reduction::mean;
}

Tensor negative_likelihood(OnnxContext& context, Tensor x) {
  const Tensor target = context.in(1);
  context.require(x.rank() >= 2 && target.rank() == x.rank() - 1,
                  "an input of rank 2 or more and a target of one rank less");
  LikelihoodOptions options;
  options.reduction = reduction_of(context);
  if (context.attribute("ignore_index") != nullptr)
    options.ignored = context.integer("ignore_index", 0);
  const Tensor none{&context.graph(), no_id};
  const Tensor weights = context.has(2) ? context.weight(2) : none;
  return negative_likelihood(x, target, weights, options);
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
