#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "memory_bound.hpp"
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

/// One input of a fuzz target: the bytes of a file of that name, within base + factor x size bytes
/// of memory.
inline int read_within(std::int64_t base, std::int64_t factor, const Importer& importer,
                       const char* name, const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  within_memory(size, base, factor, [&] { read_model(importer, name, bytes); });
  return 0;
}

}  // namespace zoometer::fuzz
