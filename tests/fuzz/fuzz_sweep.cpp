// A file of a sweep that is to be resumed, on any bytes: CSV, JSON lines or SQLite. It is read or
// refused with Error, and every row has a cell for each column.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "memory_bound.hpp"
#include "outcome.hpp"
#include "report/sweep_file.hpp"
#include "scratch_folder.hpp"

namespace zoometer {
namespace {

// As for the cache, SQLite lists the pages that an entry claims: at most 72 MB.
constexpr std::int64_t memory_base = std::int64_t{80} << 20;
constexpr std::int64_t memory_factor = 512;

/// SQLite reads a file itself.
std::optional<SweepTable> read_database(std::string_view bytes) {
  static const fuzz::ScratchFolder folder;
  static const std::string path = folder.path() + "/sweep.sqlite";
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return read_sweep(path);
}

void read(std::string_view bytes) {
  fuzz::is_taken([&] {
    const std::optional<SweepTable> table =
        bytes.starts_with("SQLite") ? read_database(bytes) : read_sweep_text(bytes, "sweep");
    if (!table) return;
    if (table->whole_bytes > bytes.size()) std::abort();
    for (const SweepRow& row : table->rows) {
      if (row.size() != table->columns.size()) std::abort();
    }
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
