// What single operators keep for their backward, and what that computes, beside PyTorch's
// derivatives.yaml: kinds that once kept what autograd does not.
#include <gmock/gmock.h>

#include "analysis/training.hpp"
#include "import/importer.hpp"
#include "op/indexing.hpp"
#include "op/linalg.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

class TrainingKept : public testing::Test {
 protected:
  Graph graph;
  Tensor x;  ///< the result of a layer: (4, 8), 128 bytes

  TrainingKept() { begin(); }

  void begin() {
    graph.clear();
    graph.add_module(no_id, "", "Net");
    x = layer();
  }
  Tensor parameter(const Shape& shape) {
    return {&graph,
            graph.add_parameter(0, "weight", shape, DType::float32, ParameterKind::parameter)};
  }
  Tensor layer() {
    return linear({&graph, graph.add_input("x", {4, 8}, DType::float32)}, parameter({8, 8}), {});
  }
  /// Numbers without a gradient that are not the caller's.
  Tensor numbers(const Shape& shape) { return full(graph, shape, 1, DType::float32); }

  TrainingProfile step(Tensor y) {
    graph.add_output("y", y.id);
    return profile_training(graph, TrainingRecipe{});
  }
  std::int64_t saved(Tensor y) {
    const std::int64_t result = step(y).saved;
    begin();
    return result;
  }
};

// The result is needed for the exponent's gradient alone.
TEST_F(TrainingKept, PowersOfTensors) {
  EXPECT_EQ(saved(binary(pow_op, x, 3.0)), 128);
  EXPECT_EQ(saved(binary(pow_op, x, numbers({4, 8}))), 2 * 128);
  EXPECT_EQ(saved(binary(pow_op, numbers({4, 8}), x)), 3 * 128);
  EXPECT_EQ(saved(binary(pow_op, x, layer())), 3 * 128);
}

// Both operands are needed for the divisor's gradient alone.
TEST_F(TrainingKept, Remainders) {
  for (const OpDef* op : {&remainder_op, &fmod_op}) {
    EXPECT_EQ(saved(binary(*op, x, numbers({4, 8}))), 0) << op->name;
    EXPECT_EQ(saved(binary(*op, x, layer())), 2 * 128) << op->name;
  }
}

// PyTorch keeps what it gathers from, for its size; indices that are a result are kept once.
TEST_F(TrainingKept, LookupsAndScans) {
  const Tensor places = full(graph, {4, 3}, 0, DType::int64);
  EXPECT_EQ(saved(gather(x, 1, places)), 128 + 12 * 8);
  EXPECT_EQ(saved(apply(cummax_op, CumulativeAttrs{1}, x)), 128 + 32 * 8);
  const Selection largest = topk(x, 2, 1);
  EXPECT_EQ(saved(gather(largest.values, 1, largest.indices)), 8 * 8 + 8 * 4);
}

TEST_F(TrainingKept, ReflectedPadding) {
  EXPECT_EQ(saved(pad(x, {{0, 1}, {0, 1}})), 0);
  EXPECT_EQ(saved(pad(x, {{0, 1}, {0, 1}, "reflect"})), 128);
  EXPECT_EQ(saved(pad(x, {{0, 1}, {0, 1}, "replicate"})), 128);
}

// PyTorch's copies of the weight for each sample, beside mean and deviation.
TEST_F(TrainingKept, InstanceNormsWeights) {
  const Tensor maps = reshape(x, {4, 2, 4});
  EXPECT_EQ(saved(instance_norm(maps, parameter({2}), parameter({2}))), 128 + 3 * 8 * 4);
}

TEST_F(TrainingKept, MasksOfAttention) {
  const Tensor heads = reshape(x, {1, 1, 4, 8});
  EXPECT_EQ(saved(scaled_dot_product_attention(heads, heads, heads, numbers({4, 4}), {})),
            2 * 128 + 4 * 4 + 64);
}

// The gradient of A^-1 has two products, that of a solution one, if the matrix needs one.
TEST_F(TrainingKept, ProductsOfLinearAlgebra) {
  const Tensor square = matmul(transpose(x, 0, 1), x);
  EXPECT_EQ(step(apply(inverse_op, NoAttrs{}, square)).backward_macs, 4 * 64 + 2 * 256 + 2 * 512);
  begin();
  EXPECT_EQ(step(solve(solve_op, numbers({8, 8}), transpose(x, 0, 1))).backward_macs, 4 * 64);
  begin();
  const Tensor factors = matmul(transpose(x, 0, 1), x);
  EXPECT_EQ(step(solve(solve_op, factors, numbers({8, 3}))).backward_macs, 4 * 64 + 2 * 256 + 192);
}

// Programs whose operators become several nodes, or that PyTorch runs otherwise. The numbers are
// those of saved_tensors_hooks for the same modules.
TEST(TrainingPrograms, KeepWhatAutogradKeeps) {
  struct Program {
    const char* name;
    std::int64_t saved;
  };
  constexpr Program programs[] = {
      {"max_dim", 4 * 8},     {"median", 4 * 8},        {"kthvalue", 4 * 8},    {"hardshrink", 128},
      {"softshrink", 128},    {"channel_dropout", 128}, {"alpha_dropout", 128}, {"no_dropout", 128},
      {"cross_entropy", 132}, {"cosine_embedding", 344}};
  Graph graph;
  for (const Program& program : programs) {
    graph.clear();
    import_file(std::string(ZOOMETER_SOURCE_DIR "/tests/data/pt2/training/kept_") + program.name +
                    ".pt2",
                {}, graph);
    EXPECT_EQ(profile_training(graph, TrainingRecipe{}).saved, program.saved) << program.name;
  }
}

// A record of the bridge says which parameters are frozen, and what ran under no_grad.
TEST(TrainingPrograms, FrozenParametersOfThePythonModel) {
  Graph graph;
  import_file(ZOOMETER_SOURCE_DIR "/tests/data/pt2/training/adapted.pt2", {}, graph);
  const TrainingProfile result = profile_training(graph, Optimizer::adam);
  EXPECT_EQ(result.trainable, 32);
  EXPECT_EQ(result.gradients, 128);
  EXPECT_EQ(result.optimizer_state, 256);
  EXPECT_EQ(result.saved, 2 * 8 * 4 + 2 * 2 * 4);
}

}  // namespace
}  // namespace zoometer
