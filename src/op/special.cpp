#include "op/special.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr OpDef special(std::string_view name, std::string_view summary, OperandSet kept) {
  return {.name = name,
          .summary = summary,
          .formula = "1 per element",
          .kind = OpKind::pointwise,
          .inputs = input_x,
          .constraints = no_constraints,
          .attrs = AttrType::of<NoAttrs>(),
          .backward = keeps(kept),
          .fusion = Fuse::follows,
          .memory = over_first,
          .arithmetic = real_arithmetic,
          .infer = infer_same,
          .cost = per_output<1>};
}

}  // namespace

constinit const OpDef digamma_op =
    special("digamma", "Derivative of the logarithm of gamma.", first);
constinit const OpDef erfinv_op = special("erfinv", "Inverse of the error function.", result);
constinit const OpDef i0_op =
    special("i0", "Modified Bessel function of the first kind, order 0.", first);
constinit const OpDef lgamma_op = special("lgamma", "Logarithm of the gamma function.", first);

namespace {

constexpr const OpDef* ops[] = {&digamma_op, &erfinv_op, &i0_op, &lgamma_op};

}  // namespace

extern constinit const OpGroup special_ops = {
    "special functions", "Transcendental functions that few networks need.", ops};

}  // namespace zoometer
