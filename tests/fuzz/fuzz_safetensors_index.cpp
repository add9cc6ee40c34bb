// Indexes of safetensors files, on any bytes: they are read or refused with Error.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "import/weights/safetensors_index.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{1} << 20;
constexpr std::int64_t memory_factor = 256;

void read(std::string_view bytes) {
  fuzz::is_taken([&] {
    const MappedFile file("input", std::as_bytes(std::span(bytes)));
    if (!is_safetensors_index(file)) return;
    StoredWeights weights;
    read_safetensors_index(file, weights);
    count_stored(weights);
  });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(bytes); });
  return 0;
}
