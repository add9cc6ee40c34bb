#pragma once

#include <span>
#include <string_view>

#include "import/weights/stored_weights.hpp"

namespace zoometer {

/// Every type of ggml that files have, by blocks.
std::span<const StorageType> ggml_types() noexcept;

/// The type with that name, in any case: "q4_k"; null if there is none.
const StorageType* ggml_type(std::string_view name) noexcept;

/// The type with that number in GGUF files, or null.
const StorageType* ggml_type(std::uint32_t number) noexcept;

}  // namespace zoometer
