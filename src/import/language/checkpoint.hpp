#pragma once

#include <cstdint>

#include "models/language/configuration.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Elements that the files of a model have, as its configuration foresees them.
struct CheckpointCounts {
  std::int64_t stored = 0;      ///< all of them
  std::int64_t learned = 0;     ///< without scales of blocks
  std::int64_t prediction = 0;  ///< of `learned`: layers that predict further tokens
};

/// Of a configuration, whose graph is `graph`. Throws Error as tracing it does.
CheckpointCounts foreseen_checkpoint(const Setting& settings, const Graph& graph);

}  // namespace zoometer
