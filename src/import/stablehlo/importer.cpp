// Files with StableHLO: its portable bytecode, alone or in what jax.export wrote, and its text.
#include "import/importer.hpp"

#include <algorithm>

#include "import/flatbuffer/flatbuffer.hpp"
#include "import/stablehlo/assembly.hpp"
#include "import/stablehlo/bytecode.hpp"
#include "import/stablehlo/reader.hpp"
#include "import/stablehlo/torch_xla.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

// Fields of jax.export's root table (jax/_src/export/serialization.fbs).
constexpr unsigned function_name_field = 1;
constexpr unsigned input_types_field = 3;
constexpr unsigned module_field = 13;
constexpr unsigned kept_inputs_field = 15;
constexpr unsigned types_field = 19;  // from version 10 on, each once
constexpr unsigned input_places_field = 22;
// Of a type.
constexpr unsigned shape_field = 1;

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

/// What jax.export writes for the sizes of the inputs that its program takes: "b", "2*b", "16".
std::vector<std::vector<std::string>> input_sizes(const FlatTable& exported) {
  std::vector<FlatTable> types = exported.tables(input_types_field);
  if (types.empty()) {
    const std::vector<FlatTable> each_once = exported.tables(types_field);
    for (const auto place : exported.numbers<std::uint32_t>(input_places_field))
      if (place < each_once.size()) types.push_back(each_once[place]);
  }
  std::vector<std::vector<std::string>> sizes;
  for (const auto kept : exported.numbers<std::uint16_t>(kept_inputs_field)) {
    std::vector<std::string>& shape = sizes.emplace_back();
    if (kept >= types.size()) continue;
    for (const std::string_view size : types[kept].texts(shape_field))
      shape.push_back(escape_controls(to_utf8(size)));
  }
  return sizes;
}

bool recognises_stablehlo(const MappedFile& file) {
  const std::string_view bytes = file.text();
  return looks_like_mlir_bytecode(bytes) || looks_like_stablehlo_text(bytes) ||
         !exported_module(bytes).empty();
}

void read_stablehlo(const MappedFile& file, const TraceOptions& options, Graph& graph,
                    ImportNotes& notes) {
  const std::string_view bytes = file.text();
  HloFile beside;
  beside.arguments = torch_xla_arguments(file.path());
  if (looks_like_stablehlo_text(bytes)) {
    HloReader(read_stablehlo_text(bytes), std::move(beside), options, graph, notes).read();
    notes.format = "StableHLO as text";
    return;
  }
  if (looks_like_mlir_bytecode(bytes))
    return HloReader(read_mlir_bytecode(bytes, 0), std::move(beside), options, graph, notes).read();
  const std::string_view module = exported_module(bytes);
  const FlatBuffer buffer(bytes);
  const FlatTable exported = buffer.root();
  HloFile facts{to_utf8(exported.text(function_name_field)), input_sizes(exported)};
  const auto offset = static_cast<std::uint64_t>(module.data() - bytes.data());
  HloReader(read_mlir_bytecode(module, offset), std::move(facts), options, graph, notes).read();
  notes.format = "StableHLO in a jax.export file";
}

}  // namespace

extern constinit const Importer stablehlo_importer = {
    "stablehlo", "StableHLO programs in MLIR bytecode or as text, and jax.export files.",
    recognises_stablehlo, read_stablehlo};

}  // namespace zoometer
