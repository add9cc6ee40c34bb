#pragma once

#include <optional>
#include <string>

namespace zoometer {

/// $XDG_CONFIG_HOME/zoometer (~/.config/zoometer), or nothing where neither is set.
std::optional<std::string> config_folder();

/// $XDG_CACHE_HOME/zoometer (~/.cache/zoometer), or nothing where neither is set.
std::optional<std::string> cache_folder();

/// The file that a link leads to, or `path` itself.
std::string behind_links(const std::string& path);

/// What is at that path: false where nothing is, and where its name cannot even be looked up.
bool is_file(const std::string& path) noexcept;
bool is_folder(const std::string& path) noexcept;
/// Whether the path names anything, a link to nowhere included.
bool is_anything(const std::string& path) noexcept;

/// A file's content, or nothing where there is no such file. Throws Error{io} where it cannot be
/// read.
std::optional<std::string> read_file(const std::string& path);

}  // namespace zoometer
