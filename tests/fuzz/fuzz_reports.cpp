// From bytes to every report and every picture of a graph. The first byte chooses what the others
// are: an ONNX file, a program of torch.export, or decisions of which a whole one of these is made.
#include <cstddef>
#include <cstdint>
#include <string>

#include "import/importer.hpp"
#include "import/torch/exported_program.hpp"
#include "ir/verify.hpp"
#include "made_files.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"
#include "report/graph_writer.hpp"
#include "report/report.hpp"

namespace zoometer {
namespace {

// Reports write a line or a row per node, of which loops and functions of a small file may make
// some hundred thousand.
constexpr std::int64_t memory_base = std::int64_t{2} << 30;
constexpr std::int64_t memory_factor = 4096;

void read_onnx(std::string_view bytes, Graph& graph, ImportNotes& notes) {
  notes = import_file(MappedFile("input.onnx", std::as_bytes(std::span(bytes))), {}, graph);
}

void read_program(std::string text, Graph& graph, ImportNotes& notes) {
  const JsonDocument document(text);
  ProgramParts parts;
  parts.program = &document.root();
  read_exported_program(parts, {}, graph, notes);
  verify(graph);
}

/// Graphviz draws these, from what the writer of "dot" gives.
bool starts_a_program(std::string_view format) {
  return format == "svg" || format == "png" || format == "pdf";
}

void write_all(const Graph& graph, const ImportNotes& notes) {
  const Profile metrics = profile(graph);
  const ReportInput input{graph, metrics, "input", notes.format, {}, nullptr, notes.all()};
  for (const Report* report : reports()) fuzz::is_taken([&] { report->write(input, {}); });
  const GraphInput picture{graph, "input", notes.format, {}, notes.all()};
  for (const GraphWriter* writer : graph_writers()) {
    if (!starts_a_program(writer->name)) fuzz::is_taken([&] { writer->write(picture, {}); });
  }
}

void read_and_write(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  fuzz::Decisions decisions(data + 1, size - 1);
  Graph graph;
  ImportNotes notes;
  const bool is_taken = fuzz::is_taken([&] {
    switch (data[0] % 4) {
    case 0: return read_onnx(rest, graph, notes);
    case 1: return read_program(std::string(rest), graph, notes);
    case 2: return read_onnx(fuzz::OnnxMaker(decisions).model(), graph, notes);
    default: return read_program(fuzz::ProgramMaker(decisions).program(), graph, notes);
    }
  });
  // Figures of a model that was read may still exceed 63 bits.
  if (is_taken) fuzz::is_taken([&] { write_all(graph, notes); });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read_and_write(data, size); });
  return 0;
}
