// The reader of OpenVINO IR, on any bytes: it returns or throws Error, within a bound of memory.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memory_bound.hpp"
#include "read_model.hpp"

namespace zoometer {

extern const Importer openvino_importer;

namespace {

// Bodies may be read again, and each layer has sizes of 16 dimensions for a few letters.
constexpr std::int64_t memory_base = std::int64_t{64} << 20;
constexpr std::int64_t memory_factor = 2048;

void read(std::string_view bytes) { fuzz::read_model(openvino_importer, "input", bytes); }

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(bytes); });
  return 0;
}
