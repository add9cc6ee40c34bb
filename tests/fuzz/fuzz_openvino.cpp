// The reader of OpenVINO IR, on any bytes: it returns or throws Error, within a bound of memory.
#include "read_model.hpp"

namespace zoometer {

extern const Importer openvino_importer;

}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Bodies may be read again, and each layer has sizes of 16 dimensions for a few letters.
  constexpr std::int64_t memory_base = std::int64_t{64} << 20;
  constexpr std::int64_t memory_factor = 2048;
  return zoometer::fuzz::read_within(memory_base, memory_factor, zoometer::openvino_importer,
                                     "input", data, size);
}
