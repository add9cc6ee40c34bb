// The reader of Keras files, on any bytes: it returns or throws Error, within a bound of
// memory.
#include "read_model.hpp"

namespace zoometer {

extern const Importer keras_importer;

}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Models may be called from many places.
  constexpr std::int64_t memory_base = std::int64_t{256} << 20;
  constexpr std::int64_t memory_factor = 2048;
  return zoometer::fuzz::read_within(memory_base, memory_factor, zoometer::keras_importer, "input",
                                     data, size);
}
