#include "import/input_sizes.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "import/torch/symbolic.hpp"
#include "util/text.hpp"

namespace zoometer {

InputSizes::InputSizes(const TraceOptions& options, ImportNotes& notes)
    : options_(options),
      notes_(notes) {
  for (const NamedSize& dim : options.dims) sizes_[dim.name] = dim.size;
}

/// The size that has the name: an option's, an earlier input's, or 1.
std::int64_t InputSizes::size_of(const std::string& name) {
  const auto found = sizes_.find(name);
  if (found != sizes_.end()) return found->second;
  assumed_.push_back(name);
  return 1;
}

void InputSizes::declare(const std::string& name, std::int64_t size) {
  sizes_[name] = size;
  const auto is_same = [&](const auto& dim) { return dim.first == name; };
  if (std::ranges::none_of(notes_.dims, is_same)) notes_.dims.emplace_back(name, size);
}

/// The value of an expression of sizes; 1 where it has none.
std::int64_t InputSizes::computed_size(const std::string& expression) {
  SymbolValues values;
  for (const std::string_view symbol : symbols_in(expression)) {
    const std::string name(symbol);
    const std::int64_t size = size_of(name);
    declare(name, size);
    values.set(name, size);
  }
  const std::optional<std::int64_t> size = evaluate_size(expression, values);
  if (size && *size >= 0) return *size;
  assumed_.push_back(expression);
  return 1;
}

Shape InputSizes::next(const DeclaredInput& input) {
  const std::size_t index = count_++;
  const InputShape* given = nullptr;
  for (std::size_t i = 0; i < options_.inputs.size(); ++i) {
    const InputShape& option = options_.inputs[i];
    if (option.name.empty() ? i == index : option.name == input.name) given = &option;
  }
  if (given != nullptr && input.has_rank && given->shape.size() != input.shape.size()) {
    throw Error(ErrorCode::usage, "the input " + escape_controls(input.name) + ": wrong rank",
                {std::to_string(input.shape.size()) + " dimensions", to_string(given->shape)});
  }
  Shape shape = given != nullptr ? given->shape : input.shape;
  is_changed_ = is_changed_ || (given != nullptr && !(shape == input.shape));
  SizeNames names(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if ((input.unknown >> i & 1U) == 0) continue;
    const bool is_written = i < input.expressions.size() && !input.expressions[i].empty();
    const std::string size_name = is_written ? input.expressions[i]
                                  : i == 0   ? "batch"
                                             : fmt::format("{}_dim_{}", input.name, i);
    names[i] = size_name;
    if (is_written && lone_symbol(size_name).empty()) {
      if (given == nullptr) shape[i] = computed_size(size_name);
      continue;
    }
    if (given == nullptr) shape[i] = size_of(size_name);
    declare(size_name, shape[i]);
  }
  notes_.input_sizes.push_back(std::move(names));
  return shape;
}

void InputSizes::finish(const Graph& graph) const {
  for (const NamedSize& dim : options_.dims) {
    const auto is_same = [&](const auto& each) { return each.first == dim.name; };
    if (std::ranges::any_of(notes_.dims, is_same)) continue;
    Error error(ErrorCode::unknown_name,
                "the file has no size of that name: " + escape_controls(dim.name));
    for (const auto& [name, size] : notes_.dims)
      error.detail.expected.append(error.detail.expected.empty() ? "" : ", ").append(name);
    throw error;
  }
  for (const InputShape& wanted : options_.inputs) {
    const auto is_named = [&](const Port& port) { return port.name == wanted.name; };
    if (!wanted.name.empty() && std::ranges::none_of(graph.inputs(), is_named)) {
      throw Error(ErrorCode::unknown_name,
                  "the model has no input " + escape_controls(wanted.name));
    }
  }
}

std::vector<std::string> InputSizes::notes() const {
  std::vector<std::string> notes;
  for (const std::string& name : assumed_) {
    notes.push_back(
        fmt::format("the symbolic size {0} is taken as 1; set it with --dim {0}=N", name));
  }
  return notes;
}

}  // namespace zoometer
