// The readers of torch.export archives and of the live bridge's lines, on any bytes: they return or
// throw Error. An input that begins with a brace is JSON, since a mutated archive fails at its
// checksums: a program, or a line of the bridge.
#include <cstddef>
#include <cstdint>
#include <string>

#include "analysis/profile.hpp"
#include "import/exported_program.hpp"
#include "import/fx.hpp"
#include "ir/verify.hpp"

namespace zoometer {
namespace {

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

void read_line(std::string_view bytes) {
  std::string buffer;
  Graph graph;
  ImportNotes notes;
  if (read_fx_record(bytes, buffer, graph, notes).has_graph) profile(graph);
}

void ignore_errors(void (*read)(std::string_view), std::string_view bytes) {
  try {
    read(bytes);
  } catch (const Error& error) {
    // A broken rule of the graph is a bug of ours, whatever the input.
    if (error.code == ErrorCode::internal) throw;
  }
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with('{')) {
    zoometer::ignore_errors(zoometer::read_program, bytes);
    zoometer::ignore_errors(zoometer::read_line, bytes);
  } else {
    zoometer::ignore_errors(zoometer::read_archive, bytes);
  }
  return 0;
}
