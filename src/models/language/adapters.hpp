#pragma once

#include <cstdint>

#include "models/language/plan.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {

/// The ranks of an adapter by the paths of the layers that it changes:
/// "model.layers.0.self_attn.q_proj".
using Adapters = TextMap<std::int64_t>;

/// Adds an adapter to the attention and the networks of a decoder. Other layers stay: those of
/// experts, of latent attention and of towers.
void add_adapters(const Adapters& adapters, ModelPlan& plan);

}  // namespace zoometer
