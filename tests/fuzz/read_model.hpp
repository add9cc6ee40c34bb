#pragma once

#include <span>
#include <string_view>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "outcome.hpp"

namespace zoometer::fuzz {

/// Reads the bytes of a file of that name, if the importer recognises them: the graph keeps the
/// rules and can be profiled, or the reader throws Error. `then` gets what was read beside the
/// graph.
template <class Then>
void read_model(const Importer& importer, const char* name, std::string_view bytes, Then&& then) {
  is_taken([&] {
    const MappedFile file(name, std::as_bytes(std::span(bytes)));
    if (!importer.recognises(file)) return;
    Graph graph;
    ImportNotes notes;
    importer.read(file, {}, graph, notes);
    verify(graph);
    profile(graph);
    then(notes);
  });
}

inline void read_model(const Importer& importer, const char* name, std::string_view bytes) {
  read_model(importer, name, bytes, [](const ImportNotes&) {});
}

}  // namespace zoometer::fuzz
