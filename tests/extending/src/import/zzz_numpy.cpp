// An importer whose name sorts after all others, for a format that unsupported_formats.cpp names: a
// NumPy array as a model that returns it.
#include "import/importer.hpp"

namespace zoometer {
namespace {

bool recognises(const MappedFile& file) { return file.text().starts_with("\x93NUMPY"); }

void read(const MappedFile&, const TraceOptions&, Graph& graph, ImportNotes& notes) {
  graph.add_module(no_id, {}, "Array");
  graph.add_output("array", graph.add_input("array", {4}, DType::float32));
  notes.format = "NumPy";
}

}  // namespace

extern constinit const Importer zzz_numpy_importer = {"numpy", "NumPy arrays, for tests.",
                                                      recognises, read};

}  // namespace zoometer
