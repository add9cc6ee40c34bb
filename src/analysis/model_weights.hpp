#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// What a stored weight is to schemes of quantisation.
enum class WeightKind : std::uint8_t {
  embedding,
  head,
  linear,  ///< the matrix of a linear layer
  expert,  ///< the matrices of a layer's experts
  router,  ///< chooses experts, or scales the shared ones
  other,   ///< norms, biases, convolutions, states, and all of towers for pictures and sound
};

/// A parameter or buffer that checkpoints store.
struct ModelWeight {
  std::string path;  ///< with a `*` where files have a tensor for each expert
  WeightKind kind = WeightKind::other;
  std::int64_t elements = 0;
  std::int64_t matrices = 1;  ///< experts
  std::int64_t rows = 0;      ///< outputs of a matrix; 0 where there is none
  std::int64_t columns = 0;   ///< inputs
  std::int64_t rank = 0;
  std::int64_t layer = -1;  ///< the first number in the path; -1: outside of layers
  ValueId value = no_id;    ///< of the graph
  DType dtype = DType::float32;
  bool is_parameter = true;
  bool is_tied = false;   ///< an embedding that is the head, too
  bool is_tower = false;  ///< of a tower for pictures and sound
};

/// The stored weights of a language model's graph, in the order of its modules.
std::vector<ModelWeight> model_weights(const Graph& graph);

}  // namespace zoometer
