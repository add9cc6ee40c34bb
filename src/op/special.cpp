#include "op/special.hpp"

namespace zoometer {
namespace {

constexpr OpDef special(std::string_view name, std::string_view summary) {
  return {.name = name,
          .summary = summary,
          .formula = "1 per element",
          .inputs = input_x,
          .constraints = no_constraints,
          .attrs = AttrType::of<NoAttrs>(),
          .infer = infer_same,
          .cost = per_output<1>};
}

}  // namespace

constinit const OpDef digamma_op = special("digamma", "Derivative of the logarithm of gamma.");
constinit const OpDef erfinv_op = special("erfinv", "Inverse of the error function.");
constinit const OpDef i0_op = special("i0", "Modified Bessel function of the first kind, order 0.");
constinit const OpDef lgamma_op = special("lgamma", "Logarithm of the gamma function.");

namespace {

constexpr const OpDef* ops[] = {&digamma_op, &erfinv_op, &i0_op, &lgamma_op};

}  // namespace

extern constinit const OpGroup special_ops = {
    "special functions", "Transcendental functions that few networks need.", ops};

}  // namespace zoometer
