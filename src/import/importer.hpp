#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/batch.hpp"
#include "util/mapped_file.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/models/trace_options.hpp"

namespace zoometer {

class StoredWeights;

/// A file that was read, for what needs more of it than the graph.
struct ModelFile {
  std::string path;      ///< or the name of bytes in memory
  TraceOptions options;  ///< how it was read; a batch is part of the inputs' shapes
  bool is_in_memory = false;
  /// What buffers and inputs contain after a program that writes into them, by their names.
  std::vector<Port> updates = {};
  /// The tensors of a file of weights (weights/stored_weights.hpp); null for other files.
  std::shared_ptr<const StoredWeights> weights = {};
};

/// What a reader reports in addition to the graph.
struct ImportNotes {
  std::string format;              ///< "ONNX, opset 17", "torch.export, schema 8.20"
  std::string producer;            ///< "pytorch 1.13.0", or empty
  std::vector<std::string> notes;  ///< assumptions: "the size batch is taken as 1"
  /// What the file asks for and the graph does not have: "Resize antialias=1 was not taken into
  /// account (2 nodes)". Shown with the notes; `--strict` refuses it.
  std::vector<std::string> ignored;
  /// Symbolic sizes with the values that were used.
  std::vector<std::pair<std::string, std::int64_t>> dims;
  /// The names of the sizes of each input of the graph; empty for a fixed size. None where the
  /// format has no symbolic sizes.
  std::vector<SizeNames> input_sizes;
  ModelFile file;  ///< where it was read from, and how

  /// What a report shows: the notes, and after them what was ignored.
  std::vector<std::string> all() const;
};

/// A file format, recognised by content and not by the file's name.
struct Importer {
  std::string_view name;     ///< "onnx"
  std::string_view summary;  ///< one sentence for `--help`
  /// Whether the bytes look like this format. Reads a few pages at most.
  bool (*recognises)(const MappedFile& file);
  /// Reads the file into `graph` (emptied first). Throws Error with the file's name and the place.
  void (*read)(const MappedFile& file, const TraceOptions& options, Graph& graph,
               ImportNotes& notes);
  /// The importer whose options of a trace it takes, too; empty: none.
  std::string_view takes_options_of = {};
  /// Whether `read` sets the batch of the options itself.
  bool sets_batch = false;
};

/// Every importer, by object name.
std::span<const Importer* const> importers() noexcept;

/// Reads the file with the first importer that recognises it. Where none does, throws
/// Error{unsupported}, which names well-known formats (unsupported_formats.hpp).
ImportNotes import_file(const std::string& path, const TraceOptions& options, Graph& graph);
/// The same for an open file.
ImportNotes import_file(const MappedFile& file, const TraceOptions& options, Graph& graph);

}  // namespace zoometer
