// What training keeps and computes for programs that say where gradients end, what runs again and
// what is cast; and recipes. The expected numbers are PyTorch's (saved_tensors_hooks,
// FlopCounterMode, torch.optim) for the same modules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "analysis/training.hpp"
#include "import/importer.hpp"

namespace zoometer {
namespace {

class TrainingProgram : public testing::Test {
 protected:
  Graph graph;

  TrainingProfile step(const std::string& name, const TrainingRecipe& recipe = {}) {
    graph.clear();
    import_file(ZOOMETER_SOURCE_DIR "/tests/data/pt2/training/" + name + ".pt2", {}, graph);
    return profile_training(graph, recipe);
  }
};

// Gradients end where the program says so, and what has none is neither computed nor stored.
TEST_F(TrainingProgram, EndsAtNoGradAndDetach) {
  for (const char* name : {"no_grad", "detach"}) {
    const TrainingProfile result = step(name);
    EXPECT_EQ(result.backward_macs, 32 * 256 * 64) << name;
    EXPECT_EQ(result.gradients, (256 * 64 + 64) * 4) << name;
    EXPECT_EQ(result.trainable, 256 * 64 + 64) << name;
  }
  EXPECT_EQ(step("trained").backward_macs, 1'572'864);
  EXPECT_EQ(step("trained").gradients, 132'352);
}

// A loss is one kernel that keeps the layer's result.
TEST_F(TrainingProgram, KeepsOneTensorForALoss) {
  for (const char* name : {"binary_cross_entropy_with_logits", "kl_div", "mse", "smooth_l1"})
    EXPECT_EQ(step(std::string("loss_") + name).saved, 128'000) << name;
  EXPECT_NEAR(static_cast<double>(step("loss_cross_entropy").saved), 128'004, 128);
}

// Backward through time needs the gates of every step.
TEST_F(TrainingProgram, KeepsTheGatesOfRecurrentLayers) {
  EXPECT_EQ(step("lstm").saved, 2 * 200 * 128 * 6 * 4);
  EXPECT_EQ(step("gru").saved, 200 * 128 * 5 * 4);
  EXPECT_EQ(step("rnn").saved, 200 * 128 * 4);
}

// Under autocast both products run in bfloat16, and the weights' copies are kept.
TEST_F(TrainingProgram, CastsUnderAutocast) {
  for (const char* name : {"autocast", "autocast_lowered"}) {
    EXPECT_EQ(step(name).saved, 65'536 + 4'096 + 32'768) << name;
    const Metrics total = profile(graph).total;
    EXPECT_EQ(total.bytes_read + total.bytes_written, 680'448) << name;
  }
}

// Only the inputs of the blocks are kept, and each block's first product runs again.
TEST_F(TrainingProgram, RunsCheckpointedModulesAgain) {
  const TrainingProfile plain = step("blocks");
  EXPECT_EQ(plain.saved, 155'648);
  EXPECT_EQ(plain.backward_macs, 3'932'160);
  EXPECT_EQ(plain.recomputed_macs, 0);
  for (const char* what : {"blocks.*", "blocks.?", "every=1"}) {
    const TrainingProfile again = step("blocks", {.checkpoint = what});
    EXPECT_EQ(again.saved, 24'576) << what;
    EXPECT_EQ(again.recomputed_macs, 4 * 262'144) << what;
    EXPECT_EQ(again.backward_macs, 4'980'736) << what;
    EXPECT_LT(again.peak_activations, plain.peak_activations) << what;
  }
}

// Two segments of two blocks: one boundary, and all products but the last one of each again.
TEST_F(TrainingProgram, RunsSegmentsOfBlocksAgain) {
  for (const char* what : {"sqrt", "every=2"}) {
    const TrainingProfile again = step("blocks", {.checkpoint = what});
    EXPECT_EQ(again.saved, 8'192) << what;
    EXPECT_EQ(again.recomputed_macs, 2 * 3 * 262'144) << what;
  }
}

TEST_F(TrainingProgram, RefusesACheckpointOfNothing) {
  EXPECT_THROW(step("blocks", {.checkpoint = "layers.*"}), Error);
  EXPECT_THROW(step("blocks", {.checkpoint = "every=0"}), Error);
  EXPECT_THROW(step("blocks", {.checkpoint = "every=two"}), Error);
  EXPECT_THROW(step("layer_bfloat16", {.checkpoint = "sqrt"}), Error);
}

constexpr std::int64_t elements = 256 * 256 + 256;

// torch.optim keeps its state in the parameters' type, and no copy.
TEST_F(TrainingProgram, HasTheStateOfPyTorchsOptimizers) {
  const auto state = [&](Optimizer optimizer) {
    const TrainingProfile result = step("layer_bfloat16", {.optimizer = optimizer});
    EXPECT_EQ(result.weights, 2 * elements);
    EXPECT_EQ(result.gradients, 2 * elements);
    EXPECT_EQ(result.master_weights, 0);
    return result.optimizer_state;
  };
  EXPECT_EQ(state(Optimizer::sgd), 0);
  EXPECT_EQ(state(Optimizer::momentum), 2 * elements);
  EXPECT_EQ(state(Optimizer::adamw), 4 * elements);
  EXPECT_EQ(state(Optimizer::lion), 2 * elements);
  EXPECT_EQ(state(Optimizer::adafactor), 2 * (256 + 256 + 256));
  // The bias is too small for 8 bits: 256 numbers, twice in float32.
  EXPECT_EQ(state(Optimizer::adam8bit), 2 * (65'536 + 256 * 4) + 2 * 256 * 4);
}

TEST_F(TrainingProgram, HasMasterWeightsAndAnotherStateOnDemand) {
  const TrainingProfile apex =
      step("layer_bfloat16", {.optimizer = Optimizer::adam, .has_master = true});
  EXPECT_EQ(apex.master_weights, 4 * elements);
  EXPECT_EQ(apex.optimizer_state, 8 * elements) << "in the type of what it updates";
  const TrainingProfile wide =
      step("layer_bfloat16", {.optimizer = Optimizer::adam, .state = DType::float32});
  EXPECT_EQ(wide.master_weights, 0);
  EXPECT_EQ(wide.optimizer_state, 8 * elements);
}

// ZeRO shares out state, then gradients, then weights; each stage also what the one before does.
TEST_F(TrainingProgram, SharesOutWhatTheStageSays) {
  for (std::int64_t stage = 0; stage <= 3; ++stage) {
    const TrainingProfile result =
        step("layer_bfloat16",
             {.optimizer = Optimizer::adam, .has_master = true, .zero = stage, .data_parallel = 4});
    EXPECT_EQ(result.optimizer_state, 8 * elements / (stage >= 1 ? 4 : 1)) << stage;
    EXPECT_EQ(result.master_weights, 4 * elements / (stage >= 1 ? 4 : 1)) << stage;
    EXPECT_EQ(result.gradients, 2 * elements / (stage >= 2 ? 4 : 1)) << stage;
    EXPECT_EQ(result.weights, 2 * elements / (stage >= 3 ? 4 : 1)) << stage;
    EXPECT_EQ(result.gathered, stage >= 3 ? 2 * elements : 0) << stage;
  }
  EXPECT_THROW(step("layer_bfloat16", {.zero = 4, .data_parallel = 4}), Error);
  EXPECT_THROW(step("layer_bfloat16", {.zero = 1}), Error);
}

TEST_F(TrainingProgram, PutsTheOptimizerIntoTheHostsMemory) {
  const TrainingRecipe adam{.optimizer = Optimizer::adam, .has_master = true};
  TrainingRecipe offloaded = adam;
  offloaded.offloads_optimizer = true;
  const std::int64_t all = step("layer_bfloat16", adam).total;
  const TrainingProfile result = step("layer_bfloat16", offloaded);
  EXPECT_EQ(result.host, 12 * elements);
  EXPECT_EQ(result.total, all - 12 * elements);
}

TEST_F(TrainingProgram, CountsAllPassesOfAnUpdate) {
  const TrainingProfile once = step("trained");
  const TrainingProfile four = step("trained", {.accumulate = 4});
  EXPECT_EQ(once.update_macs, once.macs + once.backward_macs);
  EXPECT_EQ(four.update_macs, 4 * once.update_macs);
  EXPECT_EQ(four.total, once.total);
  EXPECT_THROW(step("trained", {.accumulate = 0}), Error);
}

}  // namespace
}  // namespace zoometer
