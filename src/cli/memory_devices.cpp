#include "cli/memory_devices.hpp"

#include "zoometer/util/error.hpp"

namespace zoometer {

std::vector<const Device*> devices_with_memory(std::string_view names,
                                               const std::vector<Device>& all) {
  std::vector<const Device*> devices;
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    const Device& device = find_device(all, names.substr(0, comma));
    if (device.capacity == 0)
      throw Error(ErrorCode::usage, "--on", {"a device with a known memory", device.name});
    devices.push_back(&device);
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return devices;
}

void write_devices(JsonWriter& json, std::span<const Device* const> devices, std::int64_t bytes) {
  json.array("devices", [&] {
    for (const Device* device : devices) {
      json.object([&] {
        json.field("device", device->name);
        json.field("capacity", device->capacity);
        json.field("fits", bytes <= device->capacity);
        json.field("left", device->capacity - bytes);
      });
    }
  });
}

}  // namespace zoometer
