// The reader of ONNX files, on any bytes: it returns or throws Error, within a bound of memory. An
// input may end with sizes of its own: "\0dim=", one byte for the size "N" and one for "batch".
#include <cstddef>
#include <cstdint>
#include <string>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

// Reading may keep what loops and functions of the file make, up to a fixed number of nodes, and so
// many bytes for each of the file.
constexpr std::int64_t memory_base = std::int64_t{512} << 20;
constexpr std::int64_t memory_factor = 256;

void read(std::string_view bytes, const TraceOptions& options) {
  fuzz::is_taken([&] {
    const MappedFile file("input", std::as_bytes(std::span(bytes)));
    onnx_importer.recognises(file);
    Graph graph;
    ImportNotes notes;
    onnx_importer.read(file, options, graph, notes);
    verify(graph);
    profile(graph);
  });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view marker("\0dim=", 5);
  zoometer::TraceOptions options;
  if (size >= marker.size() + 2 &&
      bytes.substr(size - marker.size() - 2, marker.size()) == marker) {
    options.dims = {{"N", data[size - 2]}, {"batch", data[size - 1]}};
    bytes.remove_suffix(marker.size() + 2);
  }
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(bytes, options); });
  return 0;
}
