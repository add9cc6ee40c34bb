#pragma once

#include <cstdint>
#include <string_view>

#include "import/json.hpp"
#include "import/torch/program_sizes.hpp"
#include "zoometer/ir/graph.hpp"

// The values of an exported program's JSON: torch/_export/serde/schema.py of PyTorch 2.1 to 2.12.

namespace zoometer {

constexpr int deepest_graph = 16;  ///< levels of graphs within graphs

/// PyTorch's code of an element type.
DType dtype_of(std::int64_t code) noexcept;

/// The one member of a union that is set; schema 1 and 2 list the others with nulls.
struct Choice {
  std::string_view name;
  const Json* value = nullptr;
};

Choice choice_of(const Json& value);

std::int64_t get_integer(const Json& value, std::string_view what);
/// Newer writers put non-finite numbers into texts.
double get_number(const Json& value);

/// Visits the names of the tensors in an argument, in order; empty ones for everything else.
template <class Visitor>
void for_each_output(const Json& argument, const Visitor& visit) {
  const Choice choice = choice_of(argument);
  if (choice.name == "as_tensor") {
    visit(get_text(*choice.value, "name"));
  } else if (choice.name == "as_tensors" && choice.value->IsArray()) {
    for (const Json& tensor : choice.value->GetArray()) visit(get_text(tensor, "name"));
  } else if (choice.name == "as_optional_tensor") {
    for_each_output(*choice.value, visit);
  } else if (choice.name == "as_optional_tensors" && choice.value->IsArray()) {
    for (const Json& tensor : choice.value->GetArray()) {
      const Json* present = find_member(tensor, "as_tensor");
      visit(present == nullptr ? std::string_view() : get_text(*present, "name"));
    }
  } else {
    visit(std::string_view());
  }
}

template <class Visitor>
void for_each_tensor_name(const Json& argument, const Visitor& visit) {
  for_each_output(argument, [&](std::string_view name) {
    if (!name.empty()) visit(name);
  });
}

/// The type that a TensorMeta declares.
OutputType read_type(const Json& meta, ProgramSizes& sizes);

/// The TensorMeta of a value, which older writers wrapped in {"meta": ...}.
const Json& unwrap(const Json& value);

/// The graph of an argument, or null.
const Json* graph_in(const Json& argument);

/// How many values a JSON value consists of.
std::int64_t values_in(const Json& value);

/// The node's name; without one, the name of its first result.
std::string_view node_name(const Json& node);

/// The module calls around a node, as ModuleScopes reads them.
std::string_view module_stack(const Json& node);

/// The padding that the convolution module around a node of a live model has by name ("same");
/// empty where it has numbers.
std::string_view padding_name(const Json& node);

}  // namespace zoometer
