#include "import/onnx/ignored.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "import/onnx/reader.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_entries = 1000;  // that are counted separately
constexpr std::size_t most_text = 60;       // of an attribute's name and value
constexpr std::size_t most_items = 32;      // of a list that are read
constexpr std::size_t most_bytes = 256;     // that distinguish attributes

/// An attribute of the first versions that no figure of any operator depends on.
constexpr NoEffect of_every_operator[] = {
    {"consumed_inputs", "whether an input's memory may be written over"},
};

std::string list_text(const std::vector<std::string>& items) {
  return "[" + fmt::format("{}", fmt::join(items, ",")) + "]";
}

template <class T>
std::vector<std::string> as_texts(const std::vector<T>& numbers) {
  std::vector<std::string> texts;
  for (const T number : std::span(numbers).first(std::min(numbers.size(), most_items)))
    texts.push_back(fmt::format("{}", number));
  return texts;
}

/// The value of an attribute as text, by the type that it states.
std::string value_text(const OnnxRecords& records, const OnnxAttribute& attribute) {
  if (!attribute.tensor.empty()) return "a tensor";
  if (!attribute.graph.empty()) return "a graph";
  if (!attribute.type.empty()) return "a type";
  if (!attribute.text.empty()) return std::string(attribute.text);
  if (attribute.real != 0) return fmt::format("{}", attribute.real);
  if (const auto list = records.integers(attribute); !list.empty())
    return list_text(as_texts(list));
  if (const auto list = records.texts(attribute); !list.empty())
    return list_text(std::vector<std::string>(list.begin(), list.end()));
  if (const auto list = records.reals(attribute); !list.empty()) {
    return list_text(as_texts(std::vector<float>(list.begin(), list.end())));
  }
  return fmt::format("{}", attribute.integer);
}

/// Whether a list has this word: "name" or "name=value".
bool has_word(std::span<const NoEffect> list, std::string_view word) {
  return std::ranges::find(list, word, &NoEffect::what) != list.end();
}

/// Whether a list has "inputs", "input INDEX" or "input INDEX=" with the input's one number.
bool has_input(const OnnxContext& context, std::span<const NoEffect> list, std::size_t index) {
  return std::ranges::any_of(list, [&](const NoEffect& item) {
    std::string_view rest = item.what;
    if (rest == "inputs") return true;
    if (!rest.starts_with("input ")) return false;
    rest.remove_prefix(6);
    std::size_t listed = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), listed);
    if (problem != std::errc{} || listed != index) return false;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.empty()) return true;
    const KnownTensor* number = context.known(index);
    return number != nullptr && number->count() == 1 &&
           fmt::format("{}", number->real(0)) == rest.substr(1);
  });
}

std::string shortened(const std::string& text) {
  if (text.size() <= most_text) return text;
  return fmt::format("{}...", std::string_view(text).substr(0, most_text));
}

}  // namespace

void OnnxIgnored::add(OnnxContext& context, const OnnxOperator& row) {
  const OnnxNode& node = context.node();
  for (std::size_t i = 0; i < node.attributes.size(); ++i) {
    if (context.read_attribute(i)) continue;
    const OnnxAttribute* attribute = context.resolved(node.attributes[i]);
    if (attribute != nullptr) add_attribute(context, row, *attribute);
  }
  for (std::size_t i = 0; i < context.input_count(); ++i) {
    if (context.has(i) && !context.read_input(i)) add_input(context, row, i);
  }
}

template <class Describe>
void OnnxIgnored::count(const Key& key, Describe describe) {
  auto found = places_.find(key);
  if (found == places_.end()) {
    if (entries_.size() == most_entries) {
      has_others_ = true;
      return;
    }
    found = places_.emplace(key, entries_.size()).first;
    entries_.push_back({describe(), 0});
  }
  ++entries_[found->second].nodes;
}

void OnnxIgnored::add_attribute(OnnxContext& context, const OnnxOperator& row,
                                const OnnxAttribute& attribute) {
  if (has_word(row.rest.no_effect, attribute.name) || has_word(of_every_operator, attribute.name))
    return;
  count({&row, attribute.message.substr(0, most_bytes), 0}, [&]() -> std::string {
    const std::string word =
        fmt::format("{}={}", attribute.name, value_text(context.reader().records(), attribute));
    if (has_word(row.rest.no_effect, word)) return {};
    return fmt::format("{} {}", row.name, shortened(word));
  });
}

void OnnxIgnored::add_input(OnnxContext& context, const OnnxOperator& row, std::size_t index) {
  if (has_input(context, row.rest.no_effect, index)) return;
  count({&row, {}, index}, [&] { return fmt::format("{} input {}", row.name, index); });
}

std::vector<std::string> OnnxIgnored::notes() const {
  std::vector<std::string> notes;
  std::size_t more = has_others_ ? 1 : 0;
  for (const Entry& entry : entries_) {
    if (entry.text.empty() || entry.nodes == 0) continue;
    if (notes.size() == most_ignored_notes) {
      ++more;
      continue;
    }
    notes.push_back(ignored_note(entry.text, static_cast<std::size_t>(entry.nodes)));
  }
  if (more > 0)
    notes.push_back(more_ignored_note(fmt::format("{}{}", has_others_ ? "at least " : "", more)));
  return notes;
}

std::vector<std::int64_t> OnnxIgnored::counts() const {
  std::vector<std::int64_t> counts;
  for (const Entry& entry : entries_) counts.push_back(entry.nodes);
  return counts;
}

void OnnxIgnored::restore(const std::vector<std::int64_t>& counts) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].nodes = i < counts.size() ? counts[i] : 0;
  }
}

}  // namespace zoometer
