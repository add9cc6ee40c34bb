#include "cli/gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "util/output.hpp"

namespace zoometer {
namespace {

/// "macs is 4089184256 (4.089 G)".
std::string stated(const GateField& field) {
  if (!field.stand.empty()) return field.stand;
  std::string text(field.field.name);
  if (!field.value.is_known()) return text + " is unknown";
  if (field.field.type == ExpressionField::Type::text)
    return text.append(" is ").append(field.value.text);
  const std::string exact = exact_figure(field.unit, field.value.number);
  const std::string rounded = format_figure(field.unit, field.value.number);
  text += " is " + exact;
  return exact == rounded || field.unit == MetricUnit::ratio ? text : text + " (" + rounded + ")";
}

/// The short names of figures, which expressions over models know, too.
void add_short_names(std::vector<GateField>& fields) {
  constexpr std::tuple<std::string_view, std::string_view, std::string_view> names[] = {
      {"params", "parameters", "the same as parameters"}, {"mem", "memory", "the same as memory"}};
  for (const auto& [name, of, summary] : names) {
    GateField field = *std::ranges::find_if(
        fields, [&, wanted = of](const GateField& each) { return each.field.name == wanted; });
    field.field.name = name;
    field.field.summary = summary;
    fields.push_back(field);
  }
}

}  // namespace

std::vector<GateField> gate_fields(const Totals& totals, bool has_cost) {
  std::vector<GateField> fields;
  for (const TotalsField& total : totals_fields()) {
    fields.push_back({{total.name, ExpressionField::Type::number, total.summary},
                      total.unit,
                      ExpressionValue::of(total.value(totals))});
  }
  GateField cost{{"cost", ExpressionField::Type::number, "by the rules of --convention"},
                 MetricUnit::count,
                 {}};
  if (has_cost) cost.value = ExpressionValue::of(static_cast<long double>(totals.metrics.cost));
  fields.push_back(cost);
  add_short_names(fields);
  return fields;
}

ChangeFields::ChangeFields(const Totals& before, const Totals& after, const DiffCounts& counts) {
  for (const TotalsField& total : totals_fields())
    add_figure(total, total.value(before), total.value(after));
  const auto add_count = [&](std::string_view name, std::string_view summary, std::int64_t value) {
    fields_.push_back({{name, ExpressionField::Type::number, summary},
                       MetricUnit::count,
                       ExpressionValue::of(static_cast<long double>(value))});
  };
  add_count("added", "modules that only the second model has", counts.added);
  add_count("removed", "modules that only the first model has", counts.removed);
  add_count("changed", "modules with another type, shape, parameter, attribute or figure",
            counts.changed);
  add_count("renamed", "modules with another name", counts.renamed);
  add_count("moved", "modules with another parent", counts.moved);
  add_short_names(fields_);
}

void ChangeFields::add(std::string_view prefix, const TotalsField& total, MetricUnit unit,
                       ExpressionValue value) {
  const std::string& name = names_.emplace_back(std::string(prefix).append(total.name));
  fields_.push_back({{name, ExpressionField::Type::number, total.summary}, unit, value});
}

void ChangeFields::add_figure(const TotalsField& total, long double before, long double after) {
  const std::size_t first = fields_.size();
  const std::optional<double> relative = relative_change(before, after);
  constexpr long double beyond_all = std::numeric_limits<long double>::infinity();
  add("", total, total.unit, ExpressionValue::of(after));
  fields_.back().change = first + 2;
  fields_.back().relative_change = first + 3;
  add("before.", total, total.unit, ExpressionValue::of(before));
  add("change.", total, total.unit, ExpressionValue::of(after - before));
  add("relative.", total, MetricUnit::ratio,
      ExpressionValue::of(relative ? *relative : beyond_all));
  const std::string change = exact_figure(total.unit, after - before);
  const std::string stand =
      fmt::format("{} {} -> {}: {}{}{}", total.name, exact_figure(total.unit, before),
                  exact_figure(total.unit, after), after >= before ? "+" : "", change,
                  relative ? fmt::format(" ({:+.3g}%)", *relative * 100) : " (from 0)");
  for (std::size_t i = first; i < fields_.size(); ++i) fields_[i].stand = stand;
}

Gates::Gates(const std::vector<std::string>& conditions, std::span<const GateField> fields,
             Kind kind, std::string_view option)
    : kind_(kind),
      option_(option) {
  std::vector<ExpressionField> names;
  for (const GateField& field : fields) names.push_back(field.field);
  const auto choose = [&](std::size_t field, LiteralForm form) {
    const GateField& figure = fields[field];
    return (form == LiteralForm::percent ? figure.relative_change : figure.change).value_or(field);
  };
  for (const std::string& condition : conditions)
    conditions_.push_back(Expression::condition(condition, names, option, choose));
}

bool Gates::pass(std::span<const GateField> fields) const {
  bool all = true;
  for (const Expression& condition : conditions_) {
    std::vector<ExpressionValue> values;
    std::vector<std::string> stands;
    for (const std::size_t index : condition.fields()) {
      values.push_back(fields[index].value);
      std::string one = stated(fields[index]);
      if (std::find(stands.begin(), stands.end(), one) == stands.end())
        stands.push_back(std::move(one));
    }
    const std::string stand = fmt::format("{}", fmt::join(stands, ", "));
    const std::optional<bool> holds = condition.holds(values);
    if (holds == (kind_ == Kind::must_hold)) continue;
    all = false;
    const char* verdict = !holds ? "cannot be decided" : (*holds ? "holds" : "does not hold");
    write_note(option_ + " " + condition.text() + ": " + verdict +
               (stand.empty() ? "" : ": " + stand));
  }
  return all;
}

}  // namespace zoometer
