#include "report/shape_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "util/json_writer.hpp"
#include "util/text.hpp"

namespace zoometer {

std::string shape_text(const Graph& graph, ValueId value) {
  const UnknownSizes unknown = graph.unknown_sizes(value);
  const Shape& shape = graph.shape(value);
  if (unknown == 0) return to_short_string(shape);
  if ((unknown & unknown_rank) != 0) return "?";
  std::string text;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += 'x';
    text += (unknown >> i & 1U) != 0 ? "?" : std::to_string(shape[i]);
  }
  return text;
}

std::string bounded_shape_text(const Graph& graph, ValueId value) {
  std::string text = shape_text(graph, value);
  if (graph.value(value).has(Value::bounded)) text.insert(0, "≤ ");
  return text;
}

std::string ports_text(const Graph& graph, std::span<const Port> ports) {
  constexpr std::size_t most = 6;
  std::string text;
  for (const Port& port : ports.first(std::min(ports.size(), most))) {
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", escape_controls(port.name),
                        bounded_shape_text(graph, port.value), name_of(graph.dtype(port.value)));
  }
  if (ports.size() > most) text += fmt::format(", and {} more", ports.size() - most);
  return text;
}

void write_shape(JsonWriter& json, const Graph& graph, ValueId value) {
  write_sizes(json, graph.shape(value), graph.unknown_sizes(value));
}

void write_sizes(JsonWriter& json, const Shape& shape, UnknownSizes unknown) {
  if (unknown == 0) return json.value(std::span<const std::int64_t>(shape));
  if ((unknown & unknown_rank) != 0) return json.null();
  json.array([&] {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if ((unknown >> i & 1U) != 0) {
        json.null();
      } else {
        json.value(shape[i]);
      }
    }
  });
}

void write_certainty(JsonWriter& json, const Value& value) {
  if (value.has(Value::bounded)) json.field("bound", true);
  if (value.has(Value::assumed)) json.field("assumed", true);
}

}  // namespace zoometer
