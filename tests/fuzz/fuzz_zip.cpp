// Zip archives, on any bytes: every entry is read or refused with Error, and none takes more memory
// than its expansion may.
#include <cstddef>
#include <cstdint>
#include <span>

#include "memory_bound.hpp"
#include "outcome.hpp"
#include "util/zip.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{16} << 20;
constexpr std::int64_t memory_factor = 2 * std::int64_t{ZipArchive::largest_expansion};

void read(std::span<const std::byte> bytes) {
  fuzz::is_taken([&] {
    ZipArchive::recognises(bytes);
    const ZipArchive archive(bytes);
    for (const ZipEntry& entry : archive.entries()) {
      archive.find(entry.name);
      fuzz::is_taken([&] { archive.read(entry); });
    }
  });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(std::as_bytes(std::span(data, size))); });
  return 0;
}
