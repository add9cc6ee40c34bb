#pragma once

#include <span>
#include <string>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

class JsonWriter;

/// "1x3x224x224", "()" for a scalar; "?x20" where a size is not known, "?" where no size is.
std::string shape_text(const Graph& graph, ValueId value);

/// The same with "≤ " before it where a size is an upper bound.
std::string bounded_shape_text(const Graph& graph, ValueId value);

/// "x 1x3x224x224 float32, y 4 int64": the inputs or outputs of a model, and how many more it has
/// than fit in a few lines.
std::string ports_text(const Graph& graph, std::span<const Port> ports);

/// Writes a list of sizes, null for one that is not known; null instead where no size is.
void write_shape(JsonWriter& json, const Graph& graph, ValueId value);

/// The same of sizes, and of those among them that are not known.
void write_sizes(JsonWriter& json, const Shape& shape, UnknownSizes unknown);

/// Writes "bound" or "assumed" where the sizes of a value are not exact.
void write_certainty(JsonWriter& json, const Value& value);

}  // namespace zoometer
