// Sizes of an ONNX file: names and their values, and what is not exact.
#include <algorithm>

#include "import/onnx/reader.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t other_guess = 6;  // what is added to a guess to see what depends on it

/// Whether a size is computed from names: "past + new", "2*n", "floor(h/2)". A name may have a
/// minus or a slash of its own: "batch-size", "/model/Shape_dim_0".
bool is_expression(std::string_view name) {
  constexpr std::size_t longest = 256;
  constexpr std::string_view signs[] = {"+", "*", "(", " - ", " // ", " / "};
  if (name.size() > longest || name.starts_with('/')) return false;
  return std::any_of(std::begin(signs), std::end(signs), [&](std::string_view sign) {
    return name.find(sign) != std::string_view::npos;
  });
}

/// "10" -> 10, of a size whose name is a number.
std::optional<std::int64_t> number_named(std::string_view name) {
  constexpr std::size_t most_digits = 9;
  const bool is_number = !name.empty() && name.size() <= most_digits &&
                         name.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return std::nullopt;
  std::int64_t number = 0;
  for (const char digit : name) number = number * 10 + (digit - '0');
  return number > 0 ? std::optional(number) : std::nullopt;
}

}  // namespace

// -- names --------------------------------------------------------------------------------------

std::optional<std::int64_t> OnnxReader::size_named(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  const std::optional<std::int64_t> size = dims_.find(name);
  if (size || !is_expression(name)) return size;
  const std::optional<std::int64_t> computed = evaluate_size(name, dims_);
  return computed && *computed >= 0 ? computed : std::nullopt;
}

void OnnxReader::see_size(std::string_view name) {
  dims_seen_.insert(name);
  if (!is_expression(name)) return;
  for (const std::string_view symbol : symbols_in(name)) dims_seen_.insert(symbol);
}

/// The size of an input: a name without a value is taken as 1.
std::int64_t OnnxReader::size_of(const OnnxDimension& dimension) {
  if (dimension.value >= 0) return dimension.value;
  if (dimension.name.empty()) return 1;
  see_size(dimension.name);
  if (const auto size = size_named(dimension.name)) return *size;
  // PINTO's tools write sizes that they know as names.
  if (const auto number = number_named(dimension.name)) return *number;
  const auto assume = [&](std::string_view name) {
    if (dims_.find(name)) return;
    dims_.set(name, 1);
    assumed_.emplace_back(name);
  };
  if (is_expression(dimension.name)) {
    SymbolValues ones;
    for (const std::string_view symbol : symbols_in(dimension.name)) ones.set(symbol, 1);
    if (evaluate_size(dimension.name, ones)) {
      for (const std::string_view symbol : symbols_in(dimension.name)) assume(symbol);
    }
    if (const auto size = size_named(dimension.name)) return *size;
  }
  assume(dimension.name);
  return 1;
}

/// Names get the sizes of the shapes that the user gave, before any is taken as 1.
void OnnxReader::take_given_sizes(const OnnxGraph& graph) {
  if (options_.inputs.empty()) return;
  std::size_t position = 0;
  for (const OnnxValueInfo& info : graph.inputs) {
    const bool is_stored = std::ranges::any_of(
        stored_, [&](const StoredTensor* each) { return each->name == info.name; });
    if (is_stored) continue;
    const InputShape* given = given_shape(info.name, position++);
    const OnnxType type = records_.type(info.type);
    if (given == nullptr || type.rank != given->shape.size()) continue;
    for (std::size_t i = 0; i < type.rank; ++i) {
      const std::string_view name = type.dimensions[i].name;
      if (!name.empty() && !dims_.find(name)) dims_.set(name, given->shape[i]);
    }
  }
}

/// The names of sizes inside of the graph, which the user may set, too.
void OnnxReader::find_inner_names(const OnnxGraph& graph, int depth) {
  constexpr int deepest = 48;
  if (depth > deepest) return;
  const auto see_all = [&](std::string_view message) {
    const OnnxType type = records_.type(message);
    for (std::size_t i = 0; i < type.rank; ++i) {
      if (!type.dimensions[i].name.empty()) see_size(type.dimensions[i].name);
    }
  };
  for (const OnnxValueInfo& info : graph.outputs) see_all(info.type);
  for (const std::string_view message : graph.value_infos)
    see_all(records_.value_info(message).type);
  OnnxNode node;
  for (const std::string_view message : graph.nodes) {
    records_.node(message, node);
    for (const OnnxAttribute& attribute : node.attributes) {
      if (!attribute.graph.empty()) find_inner_names(records_.graph(attribute.graph), depth + 1);
    }
  }
}

/// Throws Error{unknown_name} if the user set a size that the file does not have.
void OnnxReader::check_dims(const OnnxGraph& graph) {
  const auto is_unseen = [&](const auto& dim) { return !dims_seen_.contains(dim.name); };
  if (std::ranges::none_of(options_.dims, is_unseen)) return;
  find_inner_names(graph, 0);
  const auto unseen = std::ranges::find_if(options_.dims, is_unseen);
  if (unseen == options_.dims.end()) return;
  Error error(ErrorCode::unknown_name, "the file has no symbolic size " + in_quotes(unseen->name));
  constexpr std::size_t most = 30;
  std::size_t count = 0;
  for (const std::string_view seen : dims_seen_) {
    if (count++ == most) break;
    error.detail.expected.append(count > 1 ? ", " : "").append(seen);
  }
  if (dims_seen_.size() > most) error.detail.expected += ", ...";
  throw error;
}

/// The batch is the first size of the inputs where it is not fixed.
void OnnxReader::find_batch(const OnnxType& type, const Shape& shape) {
  if (type.rank == 0 || shape.empty() || type.dimensions[0].value >= 0) return;
  has_batches_ |= batch_ && *batch_ != shape[0];
  batch_ = shape[0];
}

// -- guesses ------------------------------------------------------------------------------------

void OnnxReader::note_guess(OnnxContext& context, std::size_t output) {
  const std::string_view name = context.node().outputs[output];
  const OnnxType type = records_.type(context.frame().declared->at(name));
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    if (dimension.value >= 0 || size_named(dimension.name)) continue;
    if (!dimension.name.empty()) {
      const std::string text(dimension.name);
      note("the symbolic size " + text + " is not known, and figures take it as 1; set it with " +
           "--dim " + text + "=N");
    } else if (i == 0 && batch_ && !has_batches_) {
      if (following_batch_++ == 0) first_following_ = name;
    } else if (undeclared_++ == 0) {
      first_undeclared_ = name;
    }
  }
}

void OnnxReader::note_guesses() {
  const auto of_values = [](std::size_t count, std::string_view first) {
    return " of " + in_quotes(first) +
           (count > 1 ? " and " + std::to_string(count - 1) + " more" : std::string());
  };
  if (following_batch_ > 0) {
    note("the first size" + of_values(following_batch_, first_following_) +
         " is not declared and taken as the inputs' batch, " + std::to_string(*batch_));
  }
  if (undeclared_ > 0) {
    note("a size" + of_values(undeclared_, first_undeclared_) +
         " is not declared, and figures take it as 1");
  }
}

// -- what is not exact --------------------------------------------------------------------------

Shape OnnxReader::other_shape(ValueId value, const SharedShape& type) const {
  const auto found = others_.find(value);
  if (found != others_.end() && found->second.size() == type.shape.size()) return found->second;
  Shape other = type.shape;
  const bool is_guess = graph_.value(value).has(Value::assumed);
  const UnknownSizes unknown = graph_.unknown_sizes(value);
  for (std::size_t i = 0; i < other.size(); ++i) {
    if (!is_guess) other[i] = 0;
    if ((unknown >> i & 1U) != 0) other[i] += other_guess;
  }
  return other;
}

bool OnnxReader::is_open(const OnnxValue& value, std::int64_t axis) const {
  if (value.id == no_id || !is_inexact(value)) return false;
  const SharedShape& type = *graph_.value(value.id).type;
  return other_shape(value.id, type).dim(axis) != type.shape.dim(axis);
}

void OnnxReader::set_inexact(ValueId value, const Shape& other, UnknownSizes open, bool is_guess) {
  if (open == 0 && !is_guess) {
    graph_.mark_exact(value);
    others_.erase(value);
    return;
  }
  graph_.mark_exact(value);
  if (is_guess) {
    graph_.mark_assumed(value, open);
  } else {
    graph_.mark_bounded(value);
  }
  others_[value] = other;
  any_inexact_ = true;
}

/// Takes the declared sizes of an output where the inferred ones are not exact.
void OnnxReader::settle(OnnxContext& context, std::size_t index) {
  if (!options_.inputs.empty()) return;  // the declared sizes may be those of other inputs
  const ValueId id = context.outputs_[index].id;
  const std::optional<DeclaredType> type = context.declared(index);
  if (!type || id == no_id || type->shape.rank() != graph_.shape(id).rank()) return;
  const bool is_guess = graph_.value(id).has(Value::assumed);
  Shape shape = graph_.shape(id);
  Shape other = other_shape(id, *graph_.value(id).type);
  UnknownSizes open = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == other[i]) continue;
    const bool is_known = (type->unknown >> i & 1U) == 0 && !(i == 0 && type->follows_batch);
    if (is_known && (is_guess || type->shape[i] <= shape[i])) {
      shape[i] = other[i] = type->shape[i];
    } else {
      open |= UnknownSizes{1} << i;
    }
  }
  if (shape != graph_.shape(id)) graph_.set_shape(id, shape);
  set_inexact(id, other, open, is_guess && open != 0);
}

}  // namespace zoometer
