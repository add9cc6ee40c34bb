// The header of a safetensors file, on any bytes: it is read or refused with Error, and every
// tensor is inside the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "import/safetensors.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{1} << 20;
constexpr std::int64_t memory_factor = 256;

void read(std::string_view bytes) {
  fuzz::is_taken([&] {
    const Safetensors file{MappedFile("input", std::as_bytes(std::span(bytes)))};
    const SafeTensor* tensor = file.find("a");
    if (tensor == nullptr) return;
    const bool lies_inside =
        tensor->bytes.empty() ||
        (tensor->bytes.data() >= bytes.data() &&
         tensor->bytes.data() + tensor->bytes.size() <= bytes.data() + bytes.size());
    if (!lies_inside) std::abort();
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
