// What holds for the bounds of every graph.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "analysis/liveness.hpp"
#include "analysis/profile.hpp"
#include "analysis/roofline.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

using Step = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>;

/// A random graph on tensors of 4 x 6 x 6.
class RandomGraph {
 public:
  explicit RandomGraph(const std::vector<Step>& steps) {
    graph.add_module(no_id, "", "Net");
    for (int i = 0; i < 2; ++i)
      known_.push_back({&graph, graph.add_input("x", Shape{4, 6, 6}, DType::float32)});
    for (const auto& [kind, first, second] : steps)
      known_.push_back(made(kind, known_[first % known_.size()], known_[second % known_.size()]));
    graph.add_output("y", known_.back().id);
  }
  Graph graph;

 private:
  Tensor made(std::uint8_t kind, Tensor a, Tensor b) {
    switch (kind % 11) {
    case 0: return a + b;
    case 1: return a * b;
    case 2: return unary(sigmoid_op, a);
    case 3: return unary(relu_op, a, true);
    case 4: return a - apply(mean_op, ReduceAttrs{{2}, true}, b);
    case 5: return matmul(a, transpose(b, 1, 2));
    case 6: return softmax(a, 2);
    case 7: return reshape(transpose(a, 0, 2), {4, 6, 6});
    case 8: return a + expand(slice(b, 0, 1, 2, 1), {4, 6, 6});
    case 9: {
      const Chunks halves = chunk(a, 2, 0);
      const Tensor pieces[] = {halves[1], halves[0]};
      return cat(pieces, 0);
    }
    default: {
      const ValueId weight =
          graph.add_parameter(0, "weight", Shape{6, 6}, DType::float32, ParameterKind::parameter);
      return linear(a, {&graph, weight}, {});
    }
    }
  }
  std::vector<Tensor> known_;
};

Device device() {
  Device device;
  device.name = "Toy";
  device.peaks[static_cast<std::size_t>(NumberType::float32)] = 1e12;
  device.bandwidth = 1e11;
  return device;
}

RC_GTEST_PROP(Bounds, OverlappedIsAtMostTheFusedBoundIsAtMostTheBound,
              (const std::vector<Step>& steps)) {
  RandomGraph random(steps);
  const Device toy = device();
  const Workload apart = workload_of(random.graph, {});
  const Workload fused = workload_of(random.graph, {.fuse = true});
  const Roofline bound = roofline_of(random.graph, apart, toy);
  const Roofline least = roofline_of(random.graph, fused, toy);
  constexpr double rounding = 1 + 1e-9;
  RC_ASSERT(least.total.seconds <= bound.total.seconds * rounding);
  RC_ASSERT(bound.least_seconds <= bound.total.seconds * rounding);
  RC_ASSERT(least.least_seconds <= least.total.seconds * rounding);
  std::vector<bool> is_grouped(random.graph.nodes().size(), false);
  for (const Work& work : fused.works) {
    for (const NodeId node : work.group.nodes) {
      RC_ASSERT(!is_grouped[node]);
      is_grouped[node] = true;
    }
  }
  RC_ASSERT(std::ranges::count(is_grouped, false) == 0);
}

RC_GTEST_PROP(Bounds, WithoutViewsMoreMovesAndMoreIsAlive, (const std::vector<Step>& steps)) {
  RandomGraph random(steps);
  const Metrics with_views = profile(random.graph).total;
  random.graph.copy_views();
  const Metrics without = profile(random.graph).total;
  RC_ASSERT(without.bytes_written >= with_views.bytes_written ||
            without.bytes_read >= with_views.bytes_read);
  std::int64_t all = 0;
  for (ValueId id = 0; id < random.graph.values().size(); ++id) {
    if (!random.graph.value(id).has(Value::is_parameter)) all += random.graph.bytes(id);
  }
  RC_ASSERT(activations_of(random.graph).peak_bytes <= all);
}

RC_GTEST_PROP(Bounds, FusedTrafficHasInputsOutputsAndWeightsOnce,
              (const std::vector<Step>& steps)) {
  RandomGraph random(steps);
  const Workload fused = workload_of(random.graph, {.fuse = true});
  Traffic sum;
  for (const Work& work : fused.works) sum += work.bytes;
  RC_ASSERT(sum.weights >= fused.compulsory.weights);
  RC_ASSERT(sum.boundary >= fused.compulsory.boundary);
}

}  // namespace
}  // namespace zoometer
