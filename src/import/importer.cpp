#include "import/importer.hpp"

#include "ir/verify.hpp"

namespace zoometer {

ImportNotes import_file(const std::string& path, const ImportOptions& options, Graph& graph) {
  try {
    const MappedFile file(path);
    for (const Importer* importer : importers()) {
      if (!importer->recognises(file)) continue;
      ImportNotes notes;
      graph.clear();
      importer->read(file, options, graph, notes);
      verify(graph);
      return notes;
    }
    throw Error(ErrorCode::unsupported, "the file's format is not one that is read");
  } catch (Error& error) {
    if (error.place.model.empty()) error.place.model = path;
    throw;
  }
}

}  // namespace zoometer
