#pragma once

#include <span>
#include <string_view>

namespace zoometer {

/// The lists in data/registry.toml. The build turns them into arrays.
std::span<const std::string_view> default_curated() noexcept;
std::span<const std::string_view> default_skip_patterns() noexcept;

}  // namespace zoometer
