#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// Joins texts into one value, and splits it again; nothing if the value is invalid.
std::string pack(const std::vector<std::string>& texts);
std::optional<std::vector<std::string>> unpack(std::string_view value);

/// Compresses a text, and decompresses it; nothing if the value is invalid.
std::string deflate_text(std::string_view text);
std::optional<std::string> inflate_text(std::string_view value);

}  // namespace zoometer
