#include "analysis/explanation.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "analysis/profile.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::array<std::string_view, 7> usual_order = {"native", "torchvision", "torch", "fvcore",
                                                         "thop",   "ptflops",     "xla"};

std::vector<const Convention*> ordered_conventions(const Graph& graph) {
  std::vector<const Convention*> columns(conventions().begin(), conventions().end());
  std::erase_if(columns, [&](const Convention* each) {
    return each->applies != nullptr && !each->applies(graph);
  });
  const auto place = [](const Convention* convention) {
    return std::find(usual_order.begin(), usual_order.end(), convention->name) -
           usual_order.begin();
  };
  std::stable_sort(columns.begin(), columns.end(),
                   [&](auto* a, auto* b) { return place(a) < place(b); });
  return columns;
}

ExplainedOperator& entry_of(Explanation& explanation, TextMap<std::size_t>& places,
                            const std::string& name) {
  const auto [place, is_new] = places.try_emplace(name, explanation.operators.size());
  if (is_new) {
    explanation.operators.push_back(
        {name, 0, 0, 0, 0, std::vector<std::int64_t>(explanation.columns.size(), 0)});
  }
  return explanation.operators[place->second];
}

void add(ExplainedOperator& entry, const NodeView& node,
         const std::vector<const Convention*>& columns) {
  const std::int64_t times = node.graph().runs_of(node.node()).times;
  const auto add_runs = [&](std::int64_t& sum, std::int64_t each) {
    sum = checked_add(sum, checked_mul(each, times));
  };
  add_runs(entry.count, 1);
  add_runs(entry.macs, cost_of(node).macs);
  if (node.has(0)) add_runs(entry.input_elements, node.in_numel(0));
  if (node.output_count() > 0) add_runs(entry.output_elements, node.out_numel());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::int64_t cost = columns[i]->cost(node);
    if (columns[i]->counts_loops_once)
      entry.costs[i] = checked_add(entry.costs[i], cost);
    else
      add_runs(entry.costs[i], cost);
  }
}

/// "2 per element", "1 per output element", or nothing if it is not a whole multiple of either.
std::string rate(std::int64_t amount, const ExplainedOperator& entry) {
  const auto whole = [&](std::int64_t elements) {
    return elements > 0 && amount % elements == 0 && amount / elements < 1000;
  };
  if (whole(entry.input_elements) && entry.input_elements == entry.output_elements) {
    return fmt::format("{} per element", amount / entry.input_elements);
  }
  if (whole(entry.output_elements))
    return fmt::format("{} per output element", amount / entry.output_elements);
  if (whole(entry.input_elements))
    return fmt::format("{} per input element", amount / entry.input_elements);
  return {};
}

std::string difference(const Convention& convention, const ExplainedOperator& entry,
                       std::int64_t delta) {
  const std::string size = format_count(delta < 0 ? -delta : delta);
  if (delta < 0) {
    const bool all = -delta == checked_mul(convention.per_mac, entry.macs);
    return fmt::format("leaves out {} of {} x {}: -{}", all ? "the products" : "some products",
                       entry.count, entry.name, size);
  }
  const std::string each = rate(delta, entry);
  return fmt::format("adds {}{} x {}: +{}", each.empty() ? "" : each + " of ", entry.count,
                     entry.name, size);
}

std::vector<std::string> differences_of(const Explanation& explanation, std::size_t column) {
  struct Item {
    std::int64_t size;
    std::string text;
  };
  const Convention& convention = *explanation.columns[column];
  std::vector<Item> items;
  for (const ExplainedOperator& entry : explanation.operators) {
    const std::int64_t delta = entry.costs[column] - checked_mul(convention.per_mac, entry.macs);
    if (delta != 0)
      items.push_back({delta < 0 ? -delta : delta, difference(convention, entry, delta)});
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.size > b.size; });
  std::vector<std::string> texts;
  for (Item& item : items) texts.push_back(std::move(item.text));
  return texts;
}

}  // namespace

Explanation explain(const Graph& graph) {
  Explanation explanation;
  explanation.columns = ordered_conventions(graph);
  explanation.total = {"total", 0, 0,
                       0,       0, std::vector<std::int64_t>(explanation.columns.size(), 0)};
  TextMap<std::size_t> places;
  for (const Node& node : graph.nodes()) {
    const NodeView view(graph, node);
    add(entry_of(explanation, places, operator_name(node)), view, explanation.columns);
    add(explanation.total, view, explanation.columns);
  }
  std::stable_sort(explanation.operators.begin(), explanation.operators.end(),
                   [](const auto& a, const auto& b) {
                     return std::pair(a.macs, a.costs.front()) > std::pair(b.macs, b.costs.front());
                   });
  for (std::size_t i = 0; i < explanation.columns.size(); ++i) {
    explanation.differences.push_back(differences_of(explanation, i));
  }
  return explanation;
}

}  // namespace zoometer
