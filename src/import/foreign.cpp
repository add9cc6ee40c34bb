#include "import/foreign.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "util/text.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {

std::string ignored_note(std::string_view setting, std::size_t nodes) {
  std::string note(setting);
  return note.append(" was not taken into account (").append(counted(nodes, "node")).append(")");
}

std::string more_ignored_note(std::string_view count) {
  return std::string("and ").append(count).append(" more were not taken into account");
}

std::optional<std::string> training_note(const Graph& graph) {
  constexpr std::size_t running_mean = 3;  // the place among a batch norm's inputs
  std::size_t norms = 0;
  std::size_t dropouts = 0;
  for (const Node& node : graph.nodes()) {
    // Without running statistics it is the same in inference, as where it scales weights (NFNet).
    const std::span<const ValueId> inputs = graph.inputs_of(node);
    const bool has_mean = inputs.size() > running_mean && inputs[running_mean] != no_id;
    norms += node.op == &batch_norm_training_op && has_mean ? 1 : 0;
    dropouts += node.op == &dropout_training_op ? 1 : 0;
  }
  if (norms + dropouts == 0) return std::nullopt;
  std::string text = norms > 0 ? counted(norms, "batch norm") : std::string();
  if (dropouts > 0) text.append(norms > 0 ? " and " : "").append(counted(dropouts, "dropout"));
  return text.append(norms + dropouts == 1 ? " runs" : " run")
      .append(" in training mode: export the model after .eval() if inference is meant");
}

void IgnoredSettings::add(std::string_view op, std::string_view name, std::string_view value) {
  constexpr std::size_t most_others = 1000;
  constexpr std::size_t longest_text = 60;  // checkpoints copy the entries
  name = name.substr(0, longest_text);
  value = value.substr(0, longest_text);
  for (Entry& entry : entries_) {
    if (entry.op != op || entry.name != name || entry.value != value) continue;
    ++entry.nodes;
    return;
  }
  if (entries_.size() < most_ignored_notes) {
    entries_.push_back({std::string(op), std::string(name), std::string(value), 1});
    return;
  }
  std::string text(op);
  text.append(" ").append(name).append("=").append(value);
  const std::size_t hash = std::hash<std::string>{}(text);
  if (others_.size() < most_others && std::ranges::find(others_, hash) == others_.end())
    others_.push_back(hash);
}

std::vector<std::string> IgnoredSettings::notes() const {
  std::vector<std::string> notes;
  for (const Entry& entry : entries_) {
    std::string setting = entry.op;
    setting.append(" ").append(entry.name).append("=").append(entry.value);
    notes.push_back(ignored_note(setting, entry.nodes));
  }
  if (!others_.empty()) notes.push_back(more_ignored_note(std::to_string(others_.size())));
  return notes;
}

std::string names_with_counts(const NameCounts& counts) {
  constexpr std::size_t longest = 2000;
  std::string list;
  for (const auto& [name, count] : counts)
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, name);
  if (list.size() > longest) list.replace(longest, std::string::npos, "...");
  return list.empty() ? "none" : list;
}

std::optional<std::string> StatedSizes::note() const {
  if (compared_ == 0) return std::nullopt;
  if (differing_ == 0)
    return fmt::format("all {} sizes of results are as the file states them", compared_);
  return fmt::format(
      "{} of {} results have other sizes than the file states; the inferred ones count", differing_,
      compared_);
}

void Misfits::add(std::string_view kind, std::string_view place, std::string_view why) {
  Kind& own = kinds_[std::string(kind)];
  if (own.places.empty()) {
    own.first = fmt::format("{} {} does not fit its operands and counts as unknown: {}", kind,
                            place, first_sentence(why));
  }
  own.places.emplace(place);
}

std::vector<std::string> Misfits::notes() const {
  std::vector<std::string> notes;
  for (const auto& [kind, own] : kinds_) {
    const std::size_t others = own.places.size() - 1;
    notes.push_back(others == 0 ? own.first
                                : fmt::format("{} (and {} more {})", own.first, others, kind));
  }
  return notes;
}

bool grow_with_operand(std::int64_t elements, std::vector<std::int64_t>& target) {
  if (target.empty() || std::ranges::count(target, -1) > 0) return false;
  std::int64_t wanted = 1;
  for (const std::int64_t size : target) {
    if (size <= 0) return false;
    wanted = checked_mul(wanted, size);
  }
  if (wanted == elements || elements % wanted != 0) return false;
  target[0] = checked_mul(target[0], elements / wanted);
  return true;
}

}  // namespace zoometer
