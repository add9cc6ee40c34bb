#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "util/json_writer.hpp"
#include "zoometer/analysis/hardware.hpp"

namespace zoometer {

/// The devices of "H100,L4", whose memory is to hold something. Throws Error{unknown_name}, and
/// Error{usage} for one whose memory is not known.
std::vector<const Device*> devices_with_memory(std::string_view names,
                                               const std::vector<Device>& all);

/// The field `devices`: for each of them whether so many bytes fit, and how many are left.
void write_devices(JsonWriter& json, std::span<const Device* const> devices, std::int64_t bytes);

}  // namespace zoometer
