#include "import/importer.hpp"
#include "import/tflite/reader.hpp"

namespace zoometer {
namespace {

bool recognises_tflite(const MappedFile& file) { return looks_like_tflite(file.text()); }

void read_tflite(const MappedFile& file, const TraceOptions& options, Graph& graph,
                 ImportNotes& notes) {
  TfliteReader(file, options, graph, notes).read();
}

}  // namespace

extern constinit const Importer tflite_importer = {
    "tflite", "TensorFlow Lite models (LiteRT), without reading their weights.", recognises_tflite,
    read_tflite};

}  // namespace zoometer
