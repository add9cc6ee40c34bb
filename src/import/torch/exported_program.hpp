#pragma once

#include <span>
#include <string>
#include <vector>

#include "import/importer.hpp"
#include "import/json.hpp"

namespace zoometer {

/// A call of a module that was heard while a model ran: its path and the shapes that it returned.
struct HeardCall {
  std::string path;
  std::vector<Shape> outputs;
};

/// The parts of a program that torch.export or the live bridge wrote. The documents outlive the
/// reading, not the graph.
struct ProgramParts {
  const Json* program = nullptr;                 ///< an ExportedProgram of schema 1 to 8.x
  const Json* weights = nullptr;                 ///< the archive's weights configuration, or null
  const Json* constants = nullptr;               ///< the archive's constants configuration, or null
  const Json* modules = nullptr;                 ///< [[path, class], ...] of every module, or null
  std::span<const HeardCall> module_calls = {};  ///< all in the order in which they began, or none
};

/// Reads a program into `graph`, which is empty, and fills `notes` but for the format's name:
/// parameters by their names in the state dict, modules and their calls by `nn_module_stack`,
/// nodes by the table of ATen's operators. An operator that has no translation becomes an unknown
/// one with the program's declared shapes. Throws Error with the node and its module.
void read_exported_program(const ProgramParts& parts, const ImportOptions& options, Graph& graph,
                           ImportNotes& notes);

/// "8.20", or "2" for the older plain number.
std::string schema_version(const Json& program);

}  // namespace zoometer
