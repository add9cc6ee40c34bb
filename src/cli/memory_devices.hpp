#pragma once

#include <string_view>
#include <vector>

#include "zoometer/analysis/hardware.hpp"

namespace zoometer {

/// The devices of "H100,L4", whose memory is to hold something. Throws Error{unknown_name}, and
/// Error{usage} for one whose memory is not known.
std::vector<const Device*> devices_with_memory(std::string_view names,
                                               const std::vector<Device>& all);

}  // namespace zoometer
