#include "import/importer.hpp"

#include <algorithm>

#include "import/entry.hpp"
#include "import/tflite/bundle.hpp"
#include "import/tflite/reader.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

bool recognises_tflite(const MappedFile& file) {
  return looks_like_tflite(file.text()) || looks_like_tflite_bundle(file);
}

std::vector<std::string> names_of(const std::vector<BundledModel>& models) {
  std::vector<std::string> names;
  for (const BundledModel& model : models) names.emplace_back(model.name);
  return names;
}

/// The model that an entry names: MODEL, or MODEL/SIGNATURE.
const BundledModel& choose_model(const std::vector<BundledModel>& models,
                                 const std::string& entry) {
  if (entry.empty() && models.size() == 1) return models[0];
  for (const BundledModel& model : models) {
    const bool is_named = entry.starts_with(model.name) && !entry.empty();
    if (is_named && (entry.size() == model.name.size() || entry[model.name.size()] == '/'))
      return model;
  }
  throw entry_error("the bundle", "model", entry, names_of(models));
}

void read_bundle(const MappedFile& file, const TraceOptions& options, Graph& graph,
                 ImportNotes& notes) {
  const std::vector<BundledModel> models = bundled_models(file);
  const BundledModel& model = choose_model(models, options.entry);
  const MappedFile part(file.path(), std::as_bytes(std::span(model.bytes)));
  try {
    TfliteReader(part, options, graph, notes, model.name).read();
  } catch (Error& error) {
    if (error.place.byte_offset)
      *error.place.byte_offset +=
          static_cast<std::uint64_t>(model.bytes.data() - file.text().data());
    throw;
  }
  notes.format += ", " + escape_controls(model.name) + " of a bundle";
  if (models.size() > 1)
    notes.notes.insert(notes.notes.begin(),
                       "models of the bundle: " + entry_list(names_of(models)));
}

void read_tflite(const MappedFile& file, const TraceOptions& options, Graph& graph,
                 ImportNotes& notes) {
  if (!looks_like_tflite(file.text())) return read_bundle(file, options, graph, notes);
  TfliteReader(file, options, graph, notes).read();
}

}  // namespace

extern constinit const Importer tflite_importer = {
    "tflite", "TensorFlow Lite models (LiteRT) and bundles of them, without reading their weights.",
    recognises_tflite, read_tflite};

}  // namespace zoometer
