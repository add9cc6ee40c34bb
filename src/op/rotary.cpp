#include "zoometer/op/rotary.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"x", Role::data},
                              {"cosines", Role::data},
                              {"sines", Role::data},
                              {"positions", Role::indices}};
constexpr std::string_view constraints[] = {"x of rank 2 or more and tables of rank 2 or more",
                                            "cosines and sines of the same shape"};

void infer_rotary(Inference& in) {
  in.require(in.shape(0).rank() >= 2 && in.shape(1).rank() >= 2, 1);
  in.require(in.shape(1) == in.shape(2), 2);
  infer_same(in);
}

}  // namespace

constinit const OpDef rotary_embedding_op = {
    .name = "rotary_embedding",
    .summary = "Pairs of features rotated by an angle that grows with the position.",
    .formula = "3 per element: two products and a sum",
    .kind = OpKind::pointwise,
    .inputs = inputs,
    .constraints = constraints,
    .attrs = AttrType::of<RotaryAttrs>(),
    .backward = keeps(second | third),
    .fusion = Fuse::alone,
    .memory = over_first,
    .arithmetic = real_arithmetic,
    .infer = infer_rotary,
    .cost = per_output<3>};

namespace {

constexpr const OpDef* ops[] = {&rotary_embedding_op};

}  // namespace

extern constinit const OpGroup rotary_ops = {"positions", "Positions of features in a sequence.",
                                             ops};

Tensor rotary_embedding(Tensor x, Tensor cosines, Tensor sines, Tensor positions,
                        const RotaryAttrs& attrs) {
  return apply(rotary_embedding_op, attrs, x, cosines, sines, positions);
}

}  // namespace zoometer
