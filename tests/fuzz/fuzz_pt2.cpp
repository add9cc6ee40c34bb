// The reader of torch.export archives, on any bytes: it returns or throws Error, within a bound of
// memory. An input that begins with a brace is the program in such an archive, since a mutated
// archive fails at its checksums.
#include <cstddef>
#include <cstdint>
#include <string>

#include "analysis/profile.hpp"
#include "import/torch/exported_program.hpp"
#include "ir/verify.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"
#include "util/zip.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{64} << 20;
constexpr std::int64_t program_factor = 512;
constexpr std::int64_t archive_factor =
    program_factor * std::int64_t{ZipArchive::largest_expansion};

void read_archive(std::string_view bytes) {
  const std::span<const char> text(bytes);
  const MappedFile file("input", std::as_bytes(text));
  Graph graph;
  import_file(file, {}, graph);
  profile(graph);
}

void read_program(std::string_view bytes) {
  std::string text(bytes);
  const JsonDocument document(text);
  ProgramParts parts;
  parts.program = &document.root();
  Graph graph;
  ImportNotes notes;
  read_exported_program(parts, {}, graph, notes);
  verify(graph);
  profile(graph);
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool is_program = bytes.starts_with('{');
  using namespace zoometer;
  fuzz::within_memory(size, memory_base, is_program ? program_factor : archive_factor, [&] {
    fuzz::is_taken([&] { is_program ? read_program(bytes) : read_archive(bytes); });
  });
  return 0;
}
