#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/mapped_file.hpp"
#include "zoometer/import/import_options.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// What the reader tells beside the graph.
struct ImportNotes {
  std::string format;              ///< "ONNX, opset 17", "torch.export, schema 8.20"
  std::string producer;            ///< "pytorch 1.13.0", or empty
  std::vector<std::string> notes;  ///< assumptions: "the size batch is taken as 1"
  /// Symbolic sizes with the value that was used.
  std::vector<std::pair<std::string, std::int64_t>> dims;
};

/// One file format. Recognised by content, not by name.
struct Importer {
  std::string_view name;     ///< "onnx"
  std::string_view summary;  ///< one sentence for `--help`
  /// Whether the bytes look like this format. Reads a few pages at most.
  bool (*recognises)(const MappedFile& file);
  /// Reads the file into `graph` (emptied first). Throws Error with the file's name and the place.
  void (*read)(const MappedFile& file, const ImportOptions& options, Graph& graph,
               ImportNotes& notes);
};

/// Every importer, by object name.
std::span<const Importer* const> importers() noexcept;

/// Recognises the file's format and reads it; throws Error{unsupported} that says what the file is
/// and what to do where no importer takes it.
ImportNotes import_file(const std::string& path, const ImportOptions& options, Graph& graph);
/// The same for a file that is open already.
ImportNotes import_file(const MappedFile& file, const ImportOptions& options, Graph& graph);

}  // namespace zoometer
