// The live bridge's output, on any bytes, line by line as it comes: each line is read or refused
// with Error.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "analysis/profile.hpp"
#include "import/torch/fx.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{64} << 20;
constexpr std::int64_t memory_factor = 256;

void read(std::string_view text) {
  std::string buffer;
  Graph graph;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    fuzz::is_taken([&] {
      ImportNotes notes;
      if (read_fx_record(line, buffer, graph, notes).has_graph) profile(graph);
    });
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(text); });
  return 0;
}
