#pragma once

#include <span>
#include <string_view>

namespace zoometer {

/// The lists of data/registry.toml, which the build made arrays of.
std::span<const std::string_view> default_curated() noexcept;
std::span<const std::string_view> default_skip_patterns() noexcept;

}  // namespace zoometer
