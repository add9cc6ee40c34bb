#include "models/batch.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

// -- names --------------------------------------------------------------------------------------

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// "2*batch", "past + new": computed from other sizes.
bool is_computed_size(std::string_view name) {
  constexpr std::string_view signs[] = {"+", "*", "(", " - ", "//", " / "};
  return std::ranges::any_of(
      signs, [&](std::string_view sign) { return name.find(sign) != std::string_view::npos; });
}

/// A name that an exporter made up for an open size: each input has others.
bool is_generated_size(std::string_view name) {
  return name.empty() || name == "?" || name == "None" || name.starts_with("unk__") ||
         name.find("_dynamic_axes_") != std::string_view::npos;
}

/// Whether the size is named after something else than a batch.
bool names_other_size(std::string_view name) {
  constexpr std::string_view words[] = {
      "seq",   "len",   "time",  "step",   "height",  "width",  "token", "past",   "frame",
      "patch", "chan",  "feat",  "box",    "point",   "node",   "edge",  "anchor", "pixel",
      "head",  "vocab", "class", "hidden", "context", "prompt", "freq"};
  constexpr std::string_view letters[] = {"t", "l", "s", "h", "w", "c", "d"};
  const std::string lower = lower_case(name);
  return std::ranges::find(letters, lower) != std::end(letters) ||
         std::ranges::any_of(
             words, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// How clearly the size is named after a batch, from 3 to 1; 0: it is not.
int batch_likeness(std::string_view name) {
  const std::string lower = lower_case(name);
  if (is_computed_size(name)) return 0;
  if (lower.find("batch") != std::string::npos) {
    const bool is_length =
        lower.find("seq") != std::string::npos || lower.find("len") != std::string::npos;
    return is_length ? 0 : 3;
  }
  if (lower == "b" || lower == "bs" || lower == "bsz") return 2;
  return lower == "n" || lower == "nb" ? 1 : 0;
}

// -- inputs -------------------------------------------------------------------------------------

bool is_number_at(const BatchInput& input, std::size_t axis, std::int64_t size) {
  return axis < input.shape.size() && size_name(input, axis) == nullptr &&
         input.shape[axis] == size;
}

/// A scale, a threshold: one number in a vector.
bool is_lone_number(const BatchInput& input) {
  return input.shape.size() == 1 && is_number_at(input, 0, 1);
}

/// (1, S): positions, which are broadcast over the batch.
bool is_one_row(const BatchInput& input) {
  return input.shape.size() == 2 && is_number_at(input, 0, 1);
}

/// Whether a size follows from others, maybe from the batch.
bool has_computed_size(const BatchInput& input) {
  return std::ranges::any_of(input.sizes,
                             [](const auto& name) { return name && is_computed_size(*name); });
}

/// "x (time, batch, 32)".
std::string described_input(const BatchInput& input) {
  std::string text = escape_controls(input.name) + " (";
  for (std::size_t i = 0; i < input.shape.size(); ++i) {
    const std::string* name = size_name(input, i);
    text.append(i == 0 ? "" : ", ");
    if (name == nullptr) {
      text += std::to_string(input.shape[i]);
    } else {
      text += name->empty() ? "?" : escape_controls(*name);
    }
  }
  return text + ")";
}

/// The texts with commas between them; of many only the first ones.
std::string joined_texts(const std::vector<std::string>& texts) {
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i < texts.size() && i < most; ++i)
    text.append(i == 0 ? "" : ", ").append(texts[i]);
  if (texts.size() > most) text += " and " + std::to_string(texts.size() - most) + " more";
  return text;
}

// -- the rule -----------------------------------------------------------------------------------

class BatchFinder {
 public:
  BatchFinder(const std::vector<BatchInput>& inputs, const TraceOptions& options)
      : inputs_(inputs),
        options_(options),
        axes_(inputs.size()) {
    for (const BatchInput& input : inputs) {
      std::set<std::string_view> names;
      for (const auto& name : input.sizes) {
        if (name && !names.insert(*name).second) twice_.insert(*name);
      }
    }
  }

  /// Returns whether any input has a batch.
  bool find() {
    if (!options_.batch_axes.empty()) {
      take_given();
    } else if (!take_named()) {
      take_shared();
    }
    return std::ranges::any_of(axes_, [](const auto& axis) { return axis.has_value(); });
  }

  BatchAxes take_axes() { return std::move(axes_); }

 private:
  // -- 1: the user's axes -----------------------------------------------------------------------

  void take_given() {
    for (const InputAxis& given : options_.batch_axes) {
      const std::size_t input = find_input(given.name);
      const auto rank = static_cast<std::int64_t>(inputs_[input].shape.size());
      if (given.axis < -rank || given.axis >= rank) {
        throw Error(ErrorCode::usage, "--batch-axis",
                    {"an axis of " + described_input(inputs_[input]), std::to_string(given.axis)});
      }
      const auto axis = static_cast<std::size_t>(given.axis < 0 ? given.axis + rank : given.axis);
      axes_[input] = axis;
    }
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::string* name = axes_[i] ? size_name(inputs_[i], *axes_[i]) : nullptr;
      if (name != nullptr && !name->empty()) names.insert(*name);
    }
    take_names(names);
  }

  std::size_t find_input(const std::string& name) const {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].name == name) return i;
      names.push_back(inputs_[i].name);
    }
    Error error(ErrorCode::unknown_name,
                "--batch-axis: the model has no input " + escape_controls(name));
    error.hint = did_you_mean(name, names);
    if (error.hint.empty()) {
      std::vector<std::string> texts;
      for (const BatchInput& input : inputs_) texts.push_back(described_input(input));
      error.hint = texts.empty() ? "it has no inputs" : "it has " + joined_texts(texts);
    }
    throw error;
  }

  /// Every input that has a size of such a name has its batch there.
  void take_names(const std::set<std::string_view>& names) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      for (std::size_t axis = 0; axis < inputs_[i].shape.size() && !axes_[i]; ++axis) {
        const std::string* own = size_name(inputs_[i], axis);
        if (own != nullptr && names.contains(*own)) axes_[i] = axis;
      }
    }
  }

  // -- 2: names ---------------------------------------------------------------------------------

  /// (1, N, 3) is one cloud of N points, and (T, N, C) has a batch of N.
  int likeness_at(const BatchInput& input, std::size_t axis) const {
    const std::string* name = size_name(input, axis);
    const int likeness = name == nullptr ? 0 : batch_likeness(*name);
    return likeness < 3 && axis > 0 && is_number_at(input, 0, 1) ? 0 : likeness;
  }

  bool take_named() {
    int best = 0;
    for (const BatchInput& input : inputs_) {
      for (std::size_t axis = 0; axis < input.shape.size(); ++axis)
        best = std::max(best, likeness_at(input, axis));
    }
    if (best == 0) return false;
    std::set<std::string_view> names;
    for (const BatchInput& input : inputs_) {
      for (std::size_t axis = 0; axis < input.shape.size(); ++axis) {
        if (likeness_at(input, axis) == best) names.insert(*size_name(input, axis));
      }
    }
    take_names(names);
    return true;
  }

  // -- 3: what inputs share ---------------------------------------------------------------------

  bool can_be_batch(const BatchInput& input, std::size_t axis) const {
    if (axis >= input.shape.size()) return false;
    const std::string* name = size_name(input, axis);
    if (name == nullptr) return axis == 0 || input.shape.size() == 3;
    if (is_generated_size(*name)) return true;
    const bool is_set =
        std::ranges::any_of(options_.dims, [&](const auto& dim) { return dim.name == *name; });
    return !is_set && !is_computed_size(*name) && !names_other_size(*name) &&
           !twice_.contains(*name);
  }

  /// Whether the other input has the same size on that axis.
  static bool agrees(const BatchInput& input, const BatchInput& other, std::size_t axis) {
    if (axis >= other.shape.size()) return false;
    const std::string* name = size_name(input, axis);
    const std::string* others = size_name(other, axis);
    if ((name == nullptr) != (others == nullptr)) return false;
    if (name != nullptr) {
      const bool is_generated = is_generated_size(*name);
      return is_generated ? is_generated_size(*others) : *name == *others;
    }
    return input.shape[axis] == other.shape[axis] && (axis == 0 || other.shape.size() == 3) &&
           (!is_lone_number(other) || input.shape.size() == 1);
  }

  /// Whether the other input has the same number on the other of the first two axes, as a batch is
  /// first in sequences, and second in the states of a recurrent layer and the caches of all
  /// layers: (layers, batch, ...).
  static bool crosses(const BatchInput& input, const BatchInput& other, std::size_t axis) {
    const std::size_t rank = other.shape.size();
    if (rank != 3 && (axis == 1 || rank < 5)) return false;
    const std::size_t across = 1 - axis;
    return size_name(input, axis) == nullptr && size_name(other, axis) == nullptr &&
           !is_number_at(input, across, input.shape[axis]) &&
           is_number_at(other, across, input.shape[axis]);
  }

  std::size_t count_agreeing(const BatchInput& input, std::size_t axis) const {
    return static_cast<std::size_t>(std::ranges::count_if(inputs_, [&](const BatchInput& other) {
      return crosses(input, other, axis) ||
             (agrees(input, other, axis) && (axis == 0 || !is_one_row(other)));
    }));
  }

  /// The axis of the batch of an input that has one.
  std::optional<std::size_t> axis_of(const BatchInput& input) const {
    const bool first = can_be_batch(input, 0);
    const bool second = can_be_batch(input, 1) && !is_one_row(input);
    if (!first && !second) return std::nullopt;
    if (!first || !second) return first ? 0 : 1;
    // A first size of 1 is a batch rather than time, unless the second is one, too, is open, or is
    // that of a state, which has other features.
    const bool may_be_second = size_name(input, 1) != nullptr || input.shape[1] == 1 ||
                               !is_number_at(input, 0, 1) ||
                               std::ranges::any_of(inputs_, [&](const BatchInput& other) {
                                 return agrees(input, other, 1) && input.shape[2] != other.shape[2];
                               });
    return may_be_second && count_agreeing(input, 1) > count_agreeing(input, 0) ? 1 : 0;
  }

  /// Inputs whose first size is open or 1 show best where the batch is; then those with more axes,
  /// since tables have fewer.
  bool comes_before(const BatchInput& a, const BatchInput& b) const {
    const auto is_open = [&](const BatchInput& input) {
      return size_name(input, 0) != nullptr && can_be_batch(input, 0);
    };
    const auto is_usual = [&](const BatchInput& input) {
      return is_open(input) || (is_number_at(input, 0, 1) && !is_lone_number(input));
    };
    if (is_usual(a) != is_usual(b)) return is_usual(a);
    if (a.shape.size() != b.shape.size()) return a.shape.size() > b.shape.size();
    return is_open(a) && !is_open(b);
  }

  void take_shared() {
    std::vector<const BatchInput*> order;
    for (const BatchInput& input : inputs_) order.push_back(&input);
    std::ranges::stable_sort(order,
                             [&](const auto* a, const auto* b) { return comes_before(*a, *b); });
    for (const BatchInput* input : order) {
      const std::optional<std::size_t> axis = axis_of(*input);
      if (!axis) continue;
      for (std::size_t i = 0; i < inputs_.size(); ++i) take_agreeing(*input, *axis, i);
      const std::string* name = size_name(*input, *axis);
      if (name != nullptr && !is_generated_size(*name)) take_names({*name});
      return;
    }
  }

  void take_agreeing(const BatchInput& input, std::size_t axis, std::size_t index) {
    const BatchInput& other = inputs_[index];
    if (agrees(input, other, axis)) {
      axes_[index] = axis;
    } else if (crosses(input, other, axis)) {
      axes_[index] = 1 - axis;
    }
  }

  const std::vector<BatchInput>& inputs_;
  const TraceOptions& options_;
  std::set<std::string_view> twice_;  ///< names of sizes that an input has twice
  BatchAxes axes_;
};

}  // namespace

const std::string* size_name(const BatchInput& input, std::size_t axis) noexcept {
  if (axis >= input.sizes.size() || !input.sizes[axis]) return nullptr;
  return &*input.sizes[axis];
}

BatchAxes find_batch(const std::vector<BatchInput>& inputs, const TraceOptions& options) {
  BatchFinder finder(inputs, options);
  if (finder.find()) return finder.take_axes();
  std::vector<std::string> texts;
  for (const BatchInput& input : inputs) texts.push_back(described_input(input));
  Error error(ErrorCode::usage, "--batch: no input has an axis that is a batch" +
                                    (texts.empty() ? std::string() : ": " + joined_texts(texts)));
  if (!texts.empty()) error.hint = "name it with --batch-axis INPUT=AXIS";
  throw error;
}

std::optional<std::int64_t> batch_of(const std::vector<BatchInput>& inputs,
                                     const TraceOptions& options) {
  BatchFinder finder(inputs, options);
  if (!finder.find()) return std::nullopt;
  const BatchAxes axes = finder.take_axes();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i]) return inputs[i].shape[*axes[i]];
  }
  return std::nullopt;
}

std::string batch_note(const std::vector<BatchInput>& inputs, const BatchAxes& axes,
                       std::string_view option) {
  std::vector<std::string> set;
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (axes[i]) {
      set.push_back("axis " + std::to_string(*axes[i]) + " of " + described_input(inputs[i]));
    } else if (!has_computed_size(inputs[i])) {
      kept.push_back(described_input(inputs[i]));
    }
  }
  std::string text = std::string(option) + " sets " + joined_texts(set);
  if (!kept.empty()) text += "; unchanged: " + joined_texts(kept);
  return text;
}

}  // namespace zoometer
