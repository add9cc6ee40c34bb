#pragma once

#include <cstdint>
#include <vector>

#include "analysis/cache_size.hpp"
#include "analysis/model_weights.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// The experts of a mixture that its tokens choose from.
struct MixtureSize {
  std::int64_t experts = 0;  ///< 0: no mixture
  std::int64_t chosen = 0;   ///< for each token
};

/// The work of one operator with those that fuse with it, of one sequence.
struct StepWork {
  std::int64_t layer = -1;  ///< of the model's layers; -1: before or after all of them
  bool is_after = false;    ///< after them
  std::int64_t macs = 0;
  std::int64_t macs_masked = 0;  ///< without the pairs of tokens that masks hide
  std::int64_t flops = 0;
  std::int64_t activations = 0;             ///< bytes read and written but for weights and cache
  CacheLayer cache = {};                    ///< elements of the cache that are read
  NumberType type = NumberType::bfloat16;   ///< of its first factor
  std::vector<std::uint32_t> weights = {};  ///< that are read as a whole, or those of some experts
  std::vector<std::uint32_t> tables = {};   ///< embeddings, of which a few rows are read
  MixtureSize mixture = {};
};

/// What passes a model at once, a part of a prompt or one token of each sequence: works that are
/// proportional to the sequences, and weights that are read once. Made from a graph of one sequence
/// with the tokens that pass.
struct ServingStep {
  std::vector<StepWork> works;
  std::vector<ModelWeight> weights;  ///< of the graph
  std::vector<CacheLayer> cache;     ///< of a graph with earlier tokens
  std::int64_t layers = 0;
  std::int64_t tokens = 1;            ///< of the sequence that pass
  std::int64_t peak_activations = 0;  ///< bytes alive at once, earlier tokens' included
};

/// Throws Error{overflow}.
ServingStep serving_step(const Graph& graph, std::int64_t tokens);

}  // namespace zoometer
