// Losses, which training graphs end in.
#include "import/onnx/context.hpp"
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
  const Tensor weights = context.optional_in(2);
  return negative_likelihood(x, target, weights, options);
}

OnnxOutcome emit_negative_likelihood(OnnxContext& context) {
  return context.out(negative_likelihood(context, context.in(0)));
}

OnnxOutcome emit_cross_entropy(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() >= 2, "an input of rank 2 or more");
  const Tensor likelihood = log_softmax(x, 1);
  context.out(0, negative_likelihood(context, likelihood));
  return context.out(1, likelihood);
}

using enum Meaning;

constexpr OnnxOperator loss_rows[] = {
    {"NegativeLogLikelihoodLoss", same_values, emit_negative_likelihood},
    {"SoftmaxCrossEntropyLoss", same_values, emit_cross_entropy},
};

}  // namespace

extern constinit const OnnxOperators onnx_loss_operators = {"", loss_rows};

}  // namespace zoometer
