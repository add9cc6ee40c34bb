// Files with StableHLO: its portable bytecode, alone or in what jax.export wrote, and its text.
#include "import/importer.hpp"

#include <algorithm>

#include "import/flatbuffer/flatbuffer.hpp"
#include "import/stablehlo/assembly.hpp"
#include "import/stablehlo/bytecode.hpp"
#include "import/stablehlo/reader.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

// Fields of jax.export's root table (jax/_src/export/serialization.fbs).
constexpr unsigned function_name_field = 1;
constexpr unsigned module_field = 13;

/// The bytecode within a file of jax.export, or nothing. The format has no identifier.
std::string_view exported_module(std::string_view bytes) {
  if (bytes.size() < 64) return {};
  try {
    const FlatBuffer buffer(bytes);
    const std::string_view module = buffer.root().bytes(module_field);
    return looks_like_mlir_bytecode(module) ? module : std::string_view{};
  } catch (const Error&) {
    return {};
  }
}

bool recognises_stablehlo(const MappedFile& file) {
  const std::string_view bytes = file.text();
  return looks_like_mlir_bytecode(bytes) || looks_like_stablehlo_text(bytes) ||
         !exported_module(bytes).empty();
}

void read_stablehlo(const MappedFile& file, const TraceOptions& options, Graph& graph,
                    ImportNotes& notes) {
  const std::string_view bytes = file.text();
  if (looks_like_stablehlo_text(bytes)) {
    HloReader(read_stablehlo_text(bytes), {}, options, graph, notes).read();
    notes.format = "StableHLO as text";
    return;
  }
  const bool is_bare = looks_like_mlir_bytecode(bytes);
  const std::string_view module = is_bare ? bytes : exported_module(bytes);
  std::string root;
  if (!is_bare) root = to_utf8(FlatBuffer(bytes).root().text(function_name_field));
  const auto offset = static_cast<std::uint64_t>(module.data() - bytes.data());
  HloReader(read_mlir_bytecode(module, offset), std::move(root), options, graph, notes).read();
  if (!is_bare) notes.format = "StableHLO in a jax.export file";
}

}  // namespace

extern constinit const Importer stablehlo_importer = {
    "stablehlo", "StableHLO programs in MLIR bytecode or as text, and jax.export files.",
    recognises_stablehlo, read_stablehlo};

}  // namespace zoometer
