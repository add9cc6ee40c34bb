#include "import/importer.hpp"
#include "import/keras/reader.hpp"

namespace zoometer {
namespace {

bool recognises_keras(const MappedFile& file) {
  return keras_container(file) != KerasContainer::none;
}

void read_keras(const MappedFile& file, const TraceOptions& options, Graph& graph,
                ImportNotes& notes) {
  KerasReader(file, options, graph, notes).read();
}

}  // namespace

extern constinit const Importer keras_importer = {
    "keras", "Keras models (.keras, .h5, and to_json()), without reading their weights.",
    recognises_keras, read_keras};

}  // namespace zoometer
