#pragma once

#include <optional>
#include <string_view>

#include "zoometer/ir/graph.hpp"
#include "zoometer/models/trace_options.hpp"

namespace zoometer {

/// The element type that the options give a model's input, by its name or else by its position;
/// nothing where they give none.
std::optional<DType> given_dtype(const TraceOptions& options, std::size_t position,
                                 std::string_view name);

/// Holds the element types that the options give against those of a graph whose inputs have fixed
/// ones. Throws Error{usage} with both and `hint`, and Error{unknown_name} for an input
/// that is not there.
void check_dtypes(const TraceOptions& options, const Graph& graph, std::string_view hint);

}  // namespace zoometer
