#include "import/importer.hpp"
#include "import/openvino/reader.hpp"

namespace zoometer {
namespace {

bool recognises_openvino(const MappedFile& file) { return looks_like_openvino(file.text()); }

void read_openvino(const MappedFile& file, const TraceOptions& options, Graph& graph,
                   ImportNotes& notes) {
  OpenvinoReader(file, options, graph, notes).read();
}

}  // namespace

extern constinit const Importer openvino_importer = {
    "openvino", "OpenVINO IR (.xml), without reading its weights.", recognises_openvino,
    read_openvino};

}  // namespace zoometer
