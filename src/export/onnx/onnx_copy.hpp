#pragma once

#include <optional>
#include <string>

#include "import/importer.hpp"
#include "report/graph_writer.hpp"

namespace zoometer {

/// Writes an ONNX file again from its own nodes, functions and operator sets, with the sizes that
/// were inferred and with weights as `options` say. So every operator is written as itself, also
/// one whose nodes in the graph only cost the same. Nothing if the file is not an ONNX file.
std::optional<std::string> copy_onnx_file(const ModelFile& source, const GraphOptions& options);

}  // namespace zoometer
