#pragma once

#include <cstdint>

#include "models/language/plan.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {

/// The ranks of an adapter by the paths of the layers that it changes:
/// "model.layers.0.self_attn.q_proj".
using Adapters = TextMap<std::int64_t>;

/// Adds an adapter to a decoder: its attention, the layers in and out of states, its networks,
/// shared experts and its head. Other layers stay: experts, routers, the layer from the short
/// vector of latent attention to keys and values, which is not a product of its own where it is
/// absorbed, and towers.
void add_adapters(const Adapters& adapters, ModelPlan& plan);

}  // namespace zoometer
