#include <utility>

#include "import/importer.hpp"
#include "import/onnx/reader.hpp"

namespace zoometer {
namespace {

bool recognises(const MappedFile& file) { return looks_like_onnx(file.text()); }

void read(const MappedFile& file, const TraceOptions& options, Graph& graph, ImportNotes& notes) {
  try {
    return OnnxReader(file, options, graph, notes).read();
  } catch (const OnnxOutOfOrder&) {
    graph.clear();
    ModelFile own = std::move(notes.file);
    notes = {};
    notes.file = std::move(own);
  }
  OnnxReader(file, options, graph, notes, OnnxOrder::sorted).read();
}

}  // namespace

extern constinit const Importer onnx_importer = {
    "onnx", "ONNX models of any opset, without reading their weights.", recognises, read};

}  // namespace zoometer
