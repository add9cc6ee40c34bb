// What handlers of OpenVINO's layers share.
#include "import/openvino/call.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <map>

#include "op/mobile.hpp"
#include "util/text.hpp"
#include "util/to_integer.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// Whether a list of words has the word.
bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view own = words.substr(0, words.find(' '));
    if (own == word) return true;
    words.remove_prefix(std::min(words.size(), own.size() + 1));
  }
  return false;
}

}  // namespace

const OpenvinoOperator* find_openvino_operator(std::string_view type) noexcept {
  static const std::map<std::string_view, const OpenvinoOperator*> by_type = [] {
    std::map<std::string_view, const OpenvinoOperator*> table;
    for (const OpenvinoOperators* group : openvino_operators())
      for (const OpenvinoOperator& row : group->rows) table.emplace(row.type, &row);
    return table;
  }();
  const auto found = by_type.find(type);
  return found == by_type.end() ? nullptr : found->second;
}

void OpenvinoCall::require(bool holds, std::string_view expected) const {
  if (holds) [[likely]]
    return;
  Error error(ErrorCode::shape, std::string(type()),
              {std::string(expected), "other operands or attributes"});
  error.place.byte_offset = layer_.at;
  throw error;
}

std::int64_t OpenvinoCall::axis(std::int64_t axis, std::int64_t rank) const {
  require(axis >= -rank && axis < rank, "an axis of its operand");
  return axis < 0 ? axis + rank : axis;
}

// -- inputs -----------------------------------------------------------------------------------

Tensor OpenvinoCall::in(std::size_t index, bool is_weight) {
  require(has(index), "an input " + std::to_string(index));
  return reader_.enter(frame_, layer_.sources[index], is_weight);
}

Tensor OpenvinoCall::optional_in(std::size_t index, bool is_weight) {
  return has(index) ? in(index, is_weight) : Tensor{&graph(), no_id};
}

std::vector<Tensor> OpenvinoCall::all_inputs(std::size_t most) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < std::min(most, input_count()); ++i) tensors.push_back(in(i));
  require(!tensors.empty(), "an input");
  return tensors;
}

OpenvinoValue& OpenvinoCall::value(std::size_t index) {
  require(has(index), "an input " + std::to_string(index));
  return reader_.value(frame_, layer_.sources[index]);
}

const OpenvinoLayer& OpenvinoCall::source(std::size_t index) const {
  require(has(index), "an input " + std::to_string(index));
  return frame_.net.layers[layer_.sources[index].layer];
}

bool OpenvinoCall::is_constant(std::size_t index) const {
  return source(index).type == "Const" || reader_.value(frame_, layer_.sources[index]).is_constant;
}

Shape OpenvinoCall::shape(std::size_t index) {
  const OpenvinoKnown* found = value(index).known;
  if (found != nullptr) return found->shape;
  if (source(index).type == "Const") return source(index).outputs[0].shape;
  if (value(index).id == no_id && value(index).integers != no_id)
    return graph().shape(value(index).integers);
  return in(index).shape();
}

DType OpenvinoCall::dtype(std::size_t index) const {
  return source(index).outputs[layer_.sources[index].port].dtype;
}

const OpenvinoKnown* OpenvinoCall::known(std::size_t index) {
  const OpenvinoKnown* found = has(index) ? reader_.known(frame_, layer_.sources[index]) : nullptr;
  guessed_ = guessed_ || (found != nullptr && found->guessed);
  return found;
}

std::optional<std::vector<std::int64_t>> OpenvinoCall::integers(std::size_t index) {
  const OpenvinoKnown* found = known(index);
  if (found == nullptr) return std::nullopt;
  std::vector<std::int64_t> result;
  for (const double element : found->elements) result.push_back(to_integer<std::int64_t>(element));
  return result;
}

std::optional<std::int64_t> OpenvinoCall::integer(std::size_t index) {
  const OpenvinoKnown* found = known(index);
  if (found == nullptr || found->elements.size() != 1) return std::nullopt;
  return to_integer<std::int64_t>(found->elements[0]);
}

std::optional<Ints> OpenvinoCall::axes(std::size_t index, std::int64_t rank) {
  const auto listed = integers(index);
  if (!listed) return std::nullopt;
  require(listed->size() <= most_dimensions, "at most 16 axes");
  Ints result;
  for (const std::int64_t each : *listed) {
    const std::int64_t own = axis(each, rank);
    if (std::find(result.begin(), result.end(), own) == result.end()) result.push_back(own);
  }
  return result;
}

std::optional<Shape> OpenvinoCall::stated(std::size_t index) {
  const OpenvinoPort& result = output();
  if (result.unknown == 0)
    return reader_.states_sizes() ? std::optional(result.shape) : std::nullopt;
  if (!has(index) || reader_.has_data()) return std::nullopt;
  const OpenvinoPort& from = source(index).outputs[layer_.sources[index].port];
  const Shape own = shape(index);
  if (own.size() != from.shape.size() ||
      std::popcount(result.unknown) != std::popcount(from.unknown))
    return std::nullopt;
  take_sizes_of(index);
  Shape sizes = result.shape;
  std::size_t at = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if ((result.unknown >> i & 1U) == 0) continue;
    while ((from.unknown >> at & 1U) == 0) ++at;
    sizes.set_dim(static_cast<std::int64_t>(i), own[at++]);
  }
  return sizes;
}

void OpenvinoCall::take_sizes_of(std::size_t index) {
  const OpenvinoValue& found = value(index);
  guessed_ = guessed_ || (found.id != no_id && graph().value(found.id).has(Value::assumed));
}

double OpenvinoCall::guess() {
  guessed_ = true;
  reader_.note("a size that data decides is taken as 1");
  return 1;
}

// -- attributes -------------------------------------------------------------------------------

const std::string_view* OpenvinoCall::read(std::string_view attribute) {
  read_.push_back(attribute);
  return layer_.find(attribute);
}

std::string_view OpenvinoCall::text(std::string_view attribute, std::string_view otherwise) {
  const std::string_view* found = read(attribute);
  return found == nullptr ? otherwise : *found;
}

std::int64_t OpenvinoCall::option(std::string_view attribute, std::int64_t otherwise) {
  const std::string_view* found = read(attribute);
  if (found == nullptr) return otherwise;
  const std::optional<std::int64_t> number = openvino_integer(*found);
  require(number.has_value(), "an integer as " + std::string(attribute));
  return *number;
}

double OpenvinoCall::real(std::string_view attribute, double otherwise) {
  const std::string_view* found = read(attribute);
  if (found == nullptr) return otherwise;
  double number = 0;
  const auto end = found->data() + found->size();
  const auto parsed = std::from_chars(found->data(), end, number);
  require(parsed.ec != std::errc::invalid_argument && parsed.ptr == end,
          "a number as " + std::string(attribute));
  return number;
}

bool OpenvinoCall::flag(std::string_view attribute, bool otherwise) {
  const std::string_view* found = read(attribute);
  if (found == nullptr) return otherwise;
  return *found == "true" || *found == "1" || *found == "True";
}

Ints OpenvinoCall::list(std::string_view attribute) {
  const std::string_view* found = read(attribute);
  Ints result;
  std::string_view rest = found == nullptr ? std::string_view{} : *found;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const std::optional<std::int64_t> number = openvino_integer(part);
    require(number.has_value() && result.size() < most_dimensions,
            "at most 16 integers as " + std::string(attribute));
    result.push_back(*number);
  }
  return result;
}

void OpenvinoCall::skip_defaults(std::string_view attribute, std::string_view words) {
  const std::string_view* found = layer_.find(attribute);
  if (found == nullptr) return;
  std::string plain(*found);
  std::erase(plain, ' ');
  if (has_word(words, plain)) read_.push_back(attribute);
}

void OpenvinoCall::note_unread() {
  for (const auto& [name, value] : layer_.attributes) {
    if (std::ranges::find(read_, name) != read_.end() || has_word(row_.no_effect, name)) continue;
    reader_.ignore(escape_controls(to_utf8(type())), escape_controls(to_utf8(name)),
                   escape_controls(to_utf8(value.substr(0, 60))));
  }
}

// -- outputs ----------------------------------------------------------------------------------

bool OpenvinoCall::out(Tensor value, std::size_t index) {
  if (index >= layer_.outputs.size()) return true;
  frame_.values[layer_.first_value + index] = {.id = value.id};
  const OpenvinoPort& declared = output(index);
  const Value& made = graph().value(value.id);
  const bool is_stored = made.has(Value::is_parameter) || made.has(Value::is_input);
  if (!is_stored && declared.dtype != DType::unknown) graph().set_dtype(value.id, declared.dtype);
  if (!is_stored && (guessed_ || made.has(Value::assumed))) mark_guessed(value, declared);
  reader_.modules().made(value.id);
  return true;
}

bool OpenvinoCall::out(OpenvinoValue value, std::size_t index) {
  if (index < layer_.outputs.size()) frame_.values[layer_.first_value + index] = value;
  if (value.id != no_id) reader_.modules().made(value.id);
  return true;
}

/// The sizes that are guesses are among those that the file does not know.
void OpenvinoCall::mark_guessed(Tensor value, const OpenvinoPort& declared) {
  UnknownSizes unknown = 0;
  const Shape& shape = value.shape();
  for (std::size_t i = 0; i < std::min(shape.size(), declared.shape.size()); ++i)
    if ((declared.unknown >> i & 1U) != 0 && shape[i] == 1) unknown |= UnknownSizes{1} << i;
  const bool is_stated = declared.unknown == 0 && shape == declared.shape;
  if (unknown != 0) {
    graph().mark_assumed(value.id, unknown);
  } else if (is_stated && reader_.states_sizes()) {
    graph().mark_exact(value.id);
  }
}

/// Outputs after the first that nothing reads are not made: runtimes leave them out.
bool OpenvinoCall::is_needed(std::size_t index) const {
  if (index >= layer_.outputs.size()) return false;
  return index == 0 || frame_.net.is_read[layer_.first_value + index];
}

bool OpenvinoCall::out_known(OpenvinoKnown known, std::size_t index) {
  known.guessed = guessed_;
  if (output(index).dtype != DType::unknown) known.dtype = output(index).dtype;
  frame_.values[layer_.first_value + index] = {.known = reader_.keep(std::move(known))};
  return true;
}

bool OpenvinoCall::out_moved(const Shape& sizes, std::size_t index, bool is_bounded) {
  if (!is_needed(index)) return true;
  // All operands for each of many results would be more than the file has.
  const std::vector<Tensor> operands = all_inputs(index == 0 ? SIZE_MAX : 1);
  const Tensor result = rearrange(operands, {graph().arena().copy(to_utf8(type())), sizes});
  if (is_bounded) graph().mark_bounded(result.id);
  return out(result, index);
}

bool OpenvinoCall::out_declared(std::size_t index) {
  if (!is_needed(index)) return true;
  out_moved(output(index).shape, index);
  const ValueId id = frame_.values[layer_.first_value + index].id;
  if (output(index).unknown != 0) graph().mark_assumed(id, output(index).unknown);
  return true;
}

bool OpenvinoCall::out_stored() {
  bool is_stated = reader_.states_sizes();
  for (const OpenvinoPort& port : layer_.outputs) is_stated = is_stated && port.unknown == 0;
  if (!is_stated) {
    reader_.note(std::string(type()) +
                 " has sizes that depend on data: its results have those that the file states");
  }
  for (std::size_t i = 0; i < output_count(); ++i) out_declared(i);
  return true;
}

bool OpenvinoCall::out_stand_in(Tensor value) {
  graph().mark_stand_in(graph().value(value.id).producer, graph().arena().copy(to_utf8(type())));
  return out(value);
}

}  // namespace zoometer
