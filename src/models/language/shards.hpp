#pragma once

#include <cstdint>

#include "models/language/plan.hpp"

namespace zoometer {

/// Devices that share each layer of a model.
struct Shards {
  std::int64_t layers = 1;   ///< a part of the heads and of the widths each
  std::int64_t experts = 1;  ///< a part of the width of each expert
};

/// Makes the plan that of one device (Megatron's tensor parallelism): heads, widths of feed-forward
/// networks, channels of states and rows of the vocabulary are divided; key heads that are fewer
/// than the devices are on several. Norms, routers, the vectors of latent attention, indexes of
/// keys, short convolutions and towers are on all. Throws Error{usage} where something cannot be
/// divided into equal parts.
void shard_plan(const Shards& shards, ModelPlan& plan);

}  // namespace zoometer
