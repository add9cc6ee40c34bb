#pragma once

#include <span>
#include <string>
#include <vector>

#include "import/importer.hpp"
#include "import/json.hpp"

namespace zoometer {

/// A call of a module, recorded while the model ran: its path and the shapes that it returned.
struct RecordedCall {
  std::string path;
  std::vector<Shape> outputs;
};

/// The parts of a program that torch.export or the live bridge wrote. They are needed until the
/// program is read, not as long as the graph.
struct ProgramParts {
  const Json* program = nullptr;    ///< an ExportedProgram of schema 1 to 8.x
  const Json* weights = nullptr;    ///< the archive's weights configuration, or null
  const Json* constants = nullptr;  ///< the archive's constants configuration, or null
  const Json* modules = nullptr;    ///< [[path, class], ...] of every module, or null
  std::span<const RecordedCall> module_calls =
      {};  ///< in the order in which they began; may be empty
};

/// Reads a program into `graph`, which must be empty, and fills `notes` except for the format.
/// Parameters have their names in the state dict; modules and their calls come from
/// `nn_module_stack`; nodes are translated by the tables of ATen's operators. An operator without
/// translation becomes an unknown one with the declared shapes. Throws Error with the node and its
/// module.
void read_exported_program(const ProgramParts& parts, const TraceOptions& options, Graph& graph,
                           ImportNotes& notes);

/// "8.20", or "2" for the older plain number.
std::string schema_version(const Json& program);

}  // namespace zoometer
