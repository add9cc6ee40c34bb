#pragma once

#include <cstdint>
#include <vector>

#include "zoometer/analysis/results.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// What one training step needs: forward, backward and the update of the parameters, with the rules
/// of docs/memory.md. Sums are of bytes, on one device.
struct TrainingProfile {
  TrainingRecipe recipe;
  std::int64_t trainable = 0;         ///< parameters with a gradient, elements
  std::int64_t weights = 0;           ///< parameters and buffers
  std::int64_t gradients = 0;         ///< of the parameters
  std::int64_t master_weights = 0;    ///< a float32 copy of parameters stored in 16 bits
  std::int64_t optimizer_state = 0;   ///< in the recipe's type
  std::int64_t gathered = 0;          ///< of ZeRO's stage 3: the most weights of one operator
  std::int64_t host = 0;              ///< of master weights and state: in the host's memory
  std::int64_t saved = 0;             ///< activations kept for backward; inputs are the caller's
  std::int64_t peak_activations = 0;  ///< the most of activations and their gradients at one time
  NodeId peak_node = no_id;           ///< that runs then; no_id: before any
  bool peak_is_backward = false;
  std::int64_t total = 0;  ///< weights, gradients, both of the optimiser, and that peak, less host
  std::int64_t macs = 0;
  std::int64_t backward_macs = 0;           ///< those run again included
  std::int64_t recomputed_macs = 0;         ///< of them, what backward runs again
  std::int64_t update_macs = 0;             ///< forward and backward of all passes of one update
  std::vector<TrainingOperator> operators;  ///< most saved bytes first
  bool bounded = false;                     ///< depends on a size that is an upper bound
};

/// Throws Error{usage} for a recipe that does not fit together, Error{unknown_name} if nothing
/// matches what it recomputes, Error{overflow} if a sum exceeds 63 bits.
TrainingProfile profile_training(const Graph& graph, const TrainingRecipe& recipe);

/// The same with no more said than the optimizer.
TrainingProfile profile_training(const Graph& graph, Optimizer optimizer);

}  // namespace zoometer
