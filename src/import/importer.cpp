#include "import/importer.hpp"

#include "import/unsupported_formats.hpp"
#include "ir/verify.hpp"

namespace zoometer {

ImportNotes import_file(const MappedFile& file, const ImportOptions& options, Graph& graph) {
  try {
    for (const Importer* importer : importers()) {
      if (!importer->recognises(file)) continue;
      ImportNotes notes;
      graph.clear();
      importer->read(file, options, graph, notes);
      file.check();
      verify(graph);
      return notes;
    }
    file.check();
    refuse_unsupported(file);
  } catch (Error& error) {
    file.check();  // a file that could not be read explains every other error
    if (error.place.model.empty()) error.place.model = file.path();
    throw;
  }
}

ImportNotes import_file(const std::string& path, const ImportOptions& options, Graph& graph) {
  return import_file(MappedFile(path), options, graph);
}

}  // namespace zoometer
