#pragma once

#include <string>
#include <string_view>

#include "registry/discovery.hpp"

namespace zoometer {

/// The traceable models of a discovery as source code, grouped by family:
/// "python" (a dict of torchvision's builders), "cpp" (an array of names) or "toml" (the key
/// `curated` of registry.toml).
std::string generate_code(const Discovery& discovery, std::string_view language);

}  // namespace zoometer
