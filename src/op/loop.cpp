#include "op/loop.hpp"

#include "op/moving_op.hpp"

namespace zoometer {
namespace {

using namespace moving;

constexpr std::string_view state_constraints[] = {"as many sizes as x has, of at least 0"};
constexpr std::string_view collect_constraints[] = {"an axis of the result",
                                                    "a count of at least 0"};

void infer_loop_state(Inference& in) {
  const Ints& sizes = in.attrs<LoopStateAttrs>().sizes;
  in.require(sizes.size() == in.shape(0).size(), 1);
  for (const std::int64_t size : sizes) in.require(size >= 0, 1);
  in.output(Shape(sizes), in.dtype(0));
}

void infer_collect(Inference& in) {
  const auto& attrs = in.attrs<CollectAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank() + 1, 1);
  in.require(attrs.count >= 0, 2);
  out.insert(static_cast<std::size_t>(axis), attrs.count);
  in.output(out, in.dtype(0));
}

constexpr Traits collects{OpKind::movement, keeps_nothing, picks_elements};

}  // namespace

constinit const OpDef loop_state_op =
    move<LoopStateAttrs>("loop_state", "What an iteration of a loop takes of the one before it.",
                         infer_loop_state, state_constraints, aliases);
constinit const OpDef collect_op =
    move<CollectAttrs>("collect", "What all iterations of a loop make, along a new axis.",
                       infer_collect, collect_constraints, collects);

namespace {

constexpr const OpDef* ops[] = {&loop_state_op, &collect_op};

}  // namespace

extern constinit const OpGroup loop_ops = {
    "loops", "What stands around nodes that run several times and are in the graph once.", ops};

Tensor loop_state(Tensor x, const Ints& sizes) {
  return apply(loop_state_op, LoopStateAttrs{sizes}, x);
}

Tensor collect(Tensor x, std::int64_t dim, std::int64_t count) {
  return apply(collect_op, CollectAttrs{dim, count}, x);
}

}  // namespace zoometer
