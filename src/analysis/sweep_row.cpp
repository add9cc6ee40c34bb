#include "analysis/sweep_row.hpp"

#include <algorithm>
#include <charconv>

#include "util/text.hpp"
#include "zoometer/ir/dtype.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Type = SweepColumn::Type;

constexpr std::string_view usual_metrics[] = {"parameters",  "macs",      "flops",
                                              "activations", "peak",      "memory",
                                              "traffic",     "intensity", "unknown"};

const TotalsField* find_total(std::string_view name) {
  for (const TotalsField& field : totals_fields()) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

SweepColumn figure(const TotalsField& field) {
  const bool is_integer = field.unit == MetricUnit::count || field.unit == MetricUnit::bytes;
  return {field.name, is_integer ? Type::integer : Type::real, field.summary, &field};
}

std::optional<std::int64_t> number_from(std::string_view text) noexcept {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <class Value>
int order_of(const Value& a, const Value& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

}  // namespace

SweepColumns::SweepColumns() {
  open();
  for (const std::string_view name : usual_metrics) list_.push_back(figure(*find_total(name)));
  close();
}

SweepColumns::SweepColumns(const std::vector<std::string>& metrics, std::string_view option) {
  open();
  for (const std::string& name : metrics) {
    const TotalsField* field = find_total(name);
    const auto is_it = [&](const SweepColumn& column) { return column.name == name; };
    if (field == nullptr) {
      std::vector<std::string_view> names;
      for (const TotalsField& each : totals_fields()) names.push_back(each.name);
      Error error(ErrorCode::usage,
                  std::string(option) + ": no such figure: " + escape_controls(name));
      error.hint = did_you_mean(name, names);
      throw error;
    }
    if (std::any_of(list_.begin(), list_.end(), is_it))
      throw Error(ErrorCode::usage, std::string(option) + ": " + name + " comes twice");
    list_.push_back(figure(*field));
  }
  close();
}

void SweepColumns::open() {
  list_ = {{"model", Type::text, "a built-in model's name, or a file's path"},
           {"batch", Type::integer, "the first size of every input"},
           {"resolution", Type::text, "height and width of the inputs, as 224 or 520x960"},
           {"dtype", Type::text, "that floating-point tensors count as stored in"}};
}

void SweepColumns::close() {
  list_.push_back(
      {"bounded", Type::integer, "1: a figure depends on a size that is an upper bound"});
  list_.push_back({"reason", Type::text, "why there are no figures"});
}

std::string SweepColumns::names() const {
  std::string names;
  for (const SweepColumn& column : list_)
    names.append(names.empty() ? "" : ",").append(column.name);
  return names;
}

std::optional<SweepColumns> sweep_columns_of(const std::vector<std::string>& names) {
  if (names.size() < SweepColumns::first_metric + 2) return std::nullopt;
  const std::vector<std::string> metrics(names.begin() + SweepColumns::first_metric,
                                         names.end() - 2);
  try {
    SweepColumns columns(metrics, "");
    std::string given;
    for (const std::string& name : names) given.append(given.empty() ? "" : ",").append(name);
    if (columns.names() == given) return columns;
  } catch (const Error&) {
    // The caller reports what it has read instead of a sweep.
  }
  return std::nullopt;
}

std::string to_string(Resolution resolution) {
  const std::string height = std::to_string(resolution.height);
  return resolution.height == resolution.width ? height
                                               : height + "x" + std::to_string(resolution.width);
}

std::optional<Resolution> resolution_from(std::string_view text) noexcept {
  const std::size_t cross = text.find_first_of("xX");
  const auto height = number_from(text.substr(0, cross));
  const auto width = cross == std::string_view::npos ? height : number_from(text.substr(cross + 1));
  if (!height || !width || *height < 1 || *width < 1) return std::nullopt;
  return Resolution{*height, *width};
}

SweepRow combination_row(const SweepResult& result) {
  return {result.model, result.batch ? std::to_string(*result.batch) : "",
          result.resolution ? to_string(*result.resolution) : "", result.dtype};
}

SweepRow sweep_row(const SweepColumns& columns, const SweepResult& result) {
  SweepRow row = combination_row(result);
  row.resize(columns.size());
  row[columns.reason()] = result.reason;
  if (!result.reason.empty()) return row;
  for (std::size_t i = SweepColumns::first_metric; i < columns.bounded(); ++i) {
    const TotalsField& field = *columns.list()[i].total;
    row[i] = exact_figure(field.unit, field.value(result.totals));
  }
  row[columns.bounded()] = result.totals.metrics.bounded ? "1" : "0";
  return row;
}

int compare_combinations(const SweepRow& a, const SweepRow& b) {
  using Columns = SweepColumns;
  const std::string& left = a[Columns::model];
  const std::string& right = b[Columns::model];
  if (left != right) {
    if (natural_less(left, right)) return -1;
    return natural_less(right, left) ? 1 : order_of(left, right);
  }
  const auto batch = [](const SweepRow& row) {
    return number_from(row[Columns::batch]).value_or(0);
  };
  if (const int order = order_of(batch(a), batch(b)); order != 0) return order;
  const auto resolution = [](const SweepRow& row) {
    return resolution_from(row[Columns::resolution]).value_or(Resolution{});
  };
  if (const int order = order_of(resolution(a), resolution(b)); order != 0) return order;
  const auto dtype = [](const SweepRow& row) {
    return dtype_from_name(row[Columns::dtype]).value_or(DType::unknown);
  };
  return order_of(dtype(a), dtype(b));
}

std::string combination_text(const SweepRow& row) {
  using Columns = SweepColumns;
  return escape_controls(row[Columns::model]) + ", batch " + row[Columns::batch] + ", resolution " +
         row[Columns::resolution] + ", " + row[Columns::dtype];
}

}  // namespace zoometer
