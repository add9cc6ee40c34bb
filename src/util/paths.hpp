#pragma once

#include <optional>
#include <string>

namespace zoometer {

/// $XDG_CONFIG_HOME/zoometer (~/.config/zoometer); nothing if neither variable is set.
std::optional<std::string> config_folder();

/// $XDG_CACHE_HOME/zoometer (~/.cache/zoometer); nothing if neither variable is set.
std::optional<std::string> cache_folder();

/// The target of a link, or `path` itself.
std::string resolve_links(const std::string& path);

/// What is at the path. False if there is nothing, or if the path cannot be looked up.
bool is_file(const std::string& path) noexcept;
bool is_folder(const std::string& path) noexcept;
/// Whether there is anything at the path, including a dangling link.
bool is_anything(const std::string& path) noexcept;

/// The content of a file, or nothing if it does not exist. Throws Error{io} if it cannot be read.
std::optional<std::string> read_file(const std::string& path);

}  // namespace zoometer
