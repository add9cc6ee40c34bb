#include "models/input_dtype.hpp"

#include <algorithm>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

std::optional<DType> given_dtype(const TraceOptions& options, std::size_t position,
                                 std::string_view name) {
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    const InputShape& input = options.inputs[i];
    const bool is_this = input.name.empty() ? i == position : input.name == name;
    if (is_this && input.dtype) return input.dtype;
  }
  std::size_t nameless = 0;
  for (const InputType& type : options.dtypes) {
    if (type.name.empty() ? nameless++ == position : type.name == name) return type.dtype;
  }
  return {};
}

namespace {

/// Throws for an --input-dtype of an input that is not there; shapes are checked where they are
/// used.
void check_inputs(const TraceOptions& options, const Graph& graph) {
  std::size_t nameless = 0;
  for (const InputType& type : options.dtypes) {
    const auto is_named = [&](const Port& port) { return port.name == type.name; };
    if (type.name.empty() ? nameless++ < graph.inputs().size()
                          : std::ranges::any_of(graph.inputs(), is_named))
      continue;
    std::string names;
    for (const Port& port : graph.inputs())
      names.append(names.empty() ? "" : ", ").append(port.name.substr(0, 100));
    throw Error(
        ErrorCode::unknown_name, "--input-dtype",
        {"one of the inputs " + escape_controls(names),
         type.name.empty() ? std::to_string(nameless) + " types" : escape_controls(type.name)});
  }
}

}  // namespace

void check_dtypes(const TraceOptions& options, const Graph& graph, std::string_view hint) {
  const bool has_some =
      !options.dtypes.empty() || std::ranges::any_of(options.inputs, [](const InputShape& input) {
        return input.dtype.has_value();
      });
  if (!has_some) return;
  check_inputs(options, graph);
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Port& port = graph.inputs()[i];
    const DType declared = graph.dtype(port.value);
    const std::optional<DType> given = given_dtype(options, i, port.name);
    if (!given || *given == declared) continue;
    Error error(ErrorCode::usage,
                "the element type of the input " + escape_controls(port.name) + " is fixed",
                {std::string(name_of(declared)), std::string(name_of(*given))});
    error.hint = hint;
    throw error;
  }
}

}  // namespace zoometer
