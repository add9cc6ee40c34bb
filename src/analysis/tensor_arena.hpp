#pragma once

#include <cstdint>
#include <optional>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// The bytes of one block of memory in which every activation has a fixed place, as on
/// microcontrollers: the largest tensors get theirs first, at the lowest multiple of 16 bytes that
/// no tensor has at the same time. This is GreedyMemoryPlanner of TensorFlow Lite for
/// Microcontrollers, without the buffers that its kernels ask for. Inputs are freed after their
/// last reader, outputs are held. Nothing for a graph of more than 16,384 activations. Throws
/// Error{overflow}.
std::optional<std::int64_t> tensor_arena_bytes(const Graph& graph);

}  // namespace zoometer
