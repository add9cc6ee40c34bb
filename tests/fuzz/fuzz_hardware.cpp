// The description of a device, on any bytes: it is read or refused with Error, and then answers to
// its own name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "memory_bound.hpp"
#include "outcome.hpp"
#include "zoometer/analysis/hardware.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{1} << 20;
constexpr std::int64_t memory_factor = 4096;

void read(std::string_view text) {
  fuzz::is_taken([&] {
    const std::vector<Device> devices = {parse_device(text, "device.toml")};
    const Device& device = find_device(devices, devices[0].name);
    if (!(device.highest_peak() > 0) || device.bandwidth <= 0 || device.largest_cache() < 0)
      std::abort();
    for (std::size_t i = 0; i < number_type_count; ++i) {
      const auto type = device.computes_in(static_cast<NumberType>(i));
      if (type && !(device.peak(*type) > 0)) std::abort();
    }
  });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(text); });
  return 0;
}
