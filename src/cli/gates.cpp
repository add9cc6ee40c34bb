#include "cli/gates.hpp"

#include "util/output.hpp"

namespace zoometer {
namespace {

bool is_known(const ExpressionValue& value) { return value.state == ExpressionValue::State::known; }

/// "macs is 4089184256 (4.089 G)".
std::string stated(const GateField& field) {
  std::string text(field.field.name);
  if (!is_known(field.value)) return text + " is not known";
  if (field.field.type == ExpressionField::Type::text)
    return text.append(" is ").append(field.value.text);
  const std::string exact = exact_figure(field.unit, field.value.number);
  const std::string rounded = format_figure(field.unit, field.value.number);
  text += " is " + exact;
  return exact == rounded || field.unit == FigureUnit::ratio ? text : text + " (" + rounded + ")";
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
                 FigureUnit::count,
                 {}};
  if (has_cost) cost.value = ExpressionValue::of(static_cast<long double>(totals.figures.cost));
  fields.push_back(cost);
  return fields;
}

Gates::Gates(const std::vector<std::string>& conditions, std::span<const GateField> fields,
             Kind kind, std::string_view option)
    : kind_(kind),
      option_(option) {
  std::vector<ExpressionField> names;
  for (const GateField& field : fields) names.push_back(field.field);
  for (const std::string& condition : conditions)
    conditions_.push_back(Expression::condition(condition, names, option));
}

bool Gates::pass(std::span<const GateField> fields) const {
  bool all = true;
  for (const Expression& condition : conditions_) {
    std::vector<ExpressionValue> values;
    std::string stand;
    for (const std::size_t index : condition.fields()) {
      values.push_back(fields[index].value);
      stand += (stand.empty() ? "" : ", ") + stated(fields[index]);
    }
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
