// The reader of language models' config.json, on any bytes: it returns or throws Error, within a
// bound of memory.
#include "read_model.hpp"

namespace zoometer {

extern const Importer language_importer;

}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A few bytes describe a graph of up to 4,096 layers.
  constexpr std::int64_t memory_base = std::int64_t{512} << 20;
  constexpr std::int64_t memory_factor = 512;
  return zoometer::fuzz::read_within(memory_base, memory_factor, zoometer::language_importer,
                                     "config.json", data, size);
}
