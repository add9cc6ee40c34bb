#include "cli/model_query.hpp"

#include <algorithm>
#include <charconv>

#include "cli/load.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Type = ExpressionField::Type;
using State = ExpressionValue::State;

template <auto member>
ExpressionValue row_text(const QueriedModel& model) {
  return ExpressionValue::of(model.model().*member);
}

ExpressionValue task(const QueriedModel& model) {
  return ExpressionValue::of(name_of(model.model().task));
}

/// The year that the family's paper ends with.
ExpressionValue year(const QueriedModel& model) {
  const std::string_view paper = model.model().paper;
  constexpr std::size_t digits = 4;
  if (paper.size() < digits) return {};
  int number = 0;
  const char* begin = paper.data() + paper.size() - digits;
  const auto [end, problem] = std::from_chars(begin, begin + digits, number);
  if (problem != std::errc{} || end != begin + digits) return {};
  return ExpressionValue::of(static_cast<long double>(number));
}

ExpressionValue weights(const QueriedModel& model) {
  const PublishedMetrics* published = model.published();
  return published == nullptr ? ExpressionValue{} : ExpressionValue::of(published->weights);
}

/// "IMAGENET1K" of "ResNet50_Weights.IMAGENET1K_V2".
std::string_view dataset_of(const QueriedModel& model) {
  const PublishedMetrics* published = model.published();
  if (published == nullptr) return {};
  std::string_view name = published->weights;
  name.remove_prefix(std::min(name.size(), name.find('.') + 1));
  return name.substr(0, name.find('_'));
}

ExpressionValue dataset(const QueriedModel& model) {
  const std::string_view name = dataset_of(model);
  return name.empty() ? ExpressionValue{} : ExpressionValue::of(name);
}

ExpressionValue metric(const QueriedModel& model) {
  const PublishedMetrics* published = model.published();
  if (published == nullptr || published->metric.empty()) return {};
  return ExpressionValue::of(published->metric);
}

/// The default weights' accuracy if it is published by that metric.
ExpressionValue accuracy(const QueriedModel& model, std::string_view wanted) {
  const PublishedMetrics* published = model.published();
  if (published == nullptr || published->metric != wanted) return {};
  return ExpressionValue::of(static_cast<long double>(published->accuracy));
}
ExpressionValue top1(const QueriedModel& model) { return accuracy(model, "top1"); }
ExpressionValue miou(const QueriedModel& model) { return accuracy(model, "miou"); }
ExpressionValue box_map(const QueriedModel& model) { return accuracy(model, "box_map"); }
ExpressionValue epe(const QueriedModel& model) { return accuracy(model, "epe"); }
ExpressionValue fl_all(const QueriedModel& model) { return accuracy(model, "fl_all"); }

constexpr MetricUnit any_unit = MetricUnit::count;

constexpr ModelField described[] = {
    {"name", Type::text, any_unit, "the model's name", false, false,
     row_text<&RegistryModel::name>},
    {"family", Type::text, any_unit, "the group in lists: MobileNet", false, false,
     row_text<&RegistryModel::family>},
    {"architecture", Type::text, any_unit, "the exact family: MobileNetV2", false, false,
     row_text<&RegistryModel::architecture>},
    {"task", Type::text, any_unit, "what it is for: classification", false, false, task},
    {"source", Type::text, any_unit, "builtin, or the model's origin", false, false,
     row_text<&RegistryModel::source>},
    {"year", Type::number, MetricUnit::ratio, "of the family's paper", true, false, year},
};

constexpr ModelField published[] = {
    {"weights", Type::text, any_unit, "name of the default weights", false, false, weights},
    {"dataset", Type::text, any_unit, "the data set of its training: IMAGENET1K", false, false,
     dataset},
    {"metric", Type::text, any_unit, "the metric of its accuracy: top1", false, false, metric},
    {"top1", Type::percent, MetricUnit::percent, "published accuracy, classification", true, true,
     top1},
    {"miou", Type::percent, MetricUnit::percent, "published accuracy, segmentation", true, true,
     miou},
    {"box_map", Type::percent, MetricUnit::percent, "published accuracy, detection", true, true,
     box_map},
    {"epe", Type::number, MetricUnit::ratio, "published error in pixels, optical flow", false, true,
     epe},
    {"fl_all", Type::percent, MetricUnit::percent, "published share of errors, optical flow", false,
     true, fl_all},
};

ExpressionField::Type type_of(MetricUnit unit) {
  return unit == MetricUnit::percent ? Type::percent : Type::number;
}

/// The value that is known without a trace.
std::optional<std::int64_t> declared_figure(const QueriedModel& model, std::string_view field) {
  if (field == "parameters") return model.parameters();
  if (field == "macs") return model.macs();
  return std::nullopt;
}

}  // namespace

// -- a model -------------------------------------------------------------------------------------

const PublishedMetrics* QueriedModel::published() const noexcept {
  if (model_->builtin == nullptr) return nullptr;
  for (const PublishedMetrics& row : published_metrics()) {
    if (row.is_default && row.model == model_->name) return &row;
  }
  return nullptr;
}

void QueriedModel::trace() {
  is_traced_ = true;
  Graph graph;
  if (model_->builtin != nullptr) {
    zoometer::trace(*model_->builtin, {}, graph);
  } else {
    ModelWords words;
    words.model = model_->name;
    words.live = live_;
    load_model(words, graph);
  }
  remember(traced_totals(graph, copies_views_));
}

Totals traced_totals(Graph& graph, bool copies_views) {
  if (copies_views) graph.copy_views();
  return totals_of(graph, profile(graph));
}

// -- fields --------------------------------------------------------------------------------------

std::vector<ModelField> model_fields() {
  std::vector<ModelField> fields(std::begin(described), std::end(described));
  for (const TotalsField& total : totals_fields()) {
    ModelField field;
    field.name = total.name;
    field.type = type_of(total.unit);
    field.unit = total.unit;
    field.summary = total.summary;
    field.higher_is_better = total.name == "intensity";
    field.total = &total;
    fields.push_back(field);
  }
  fields.insert(fields.end(), std::begin(published), std::end(published));
  return fields;
}

ModelQuery::ModelQuery() : fields_(model_fields()) {
  for (const ModelField& field : fields_) names_.push_back({field.name, field.type, field.summary});
  // Other names come last, so that messages suggest the usual ones first.
  constexpr std::pair<std::string_view, std::string_view> others[] = {{"params", "parameters"},
                                                                      {"mem", "memory"}};
  for (const auto& [other, name] : others) {
    const auto field = std::ranges::find(fields_, name, &ModelField::name);
    names_.push_back({other, field->type, field->summary});
    fields_.push_back(ModelField(*field));
  }
}

ExpressionValue ModelQuery::known(std::size_t index, const QueriedModel& model) const {
  const ModelField& field = fields_[index];
  if (field.total == nullptr) return field.value(model);
  if (const auto declared = declared_figure(model, field.name))
    return ExpressionValue::of(static_cast<long double>(*declared));
  if (const Totals* totals = model.totals())
    return ExpressionValue::of(field.total->value(*totals));
  return model.is_traced() ? ExpressionValue{} : ExpressionValue::pending();
}

ExpressionValue ModelQuery::known(const Expression& expression, const QueriedModel& model) const {
  std::vector<ExpressionValue> values;
  for (const std::size_t index : expression.fields()) values.push_back(known(index, model));
  return expression.evaluate(values);
}

ExpressionValue ModelQuery::value(const Expression& expression, QueriedModel& model) const {
  const ExpressionValue value = known(expression, model);
  if (value.state != State::pending) return value;
  try {
    model.trace();
  } catch (const Error& error) {
    write_note(std::string("not traced: ") + error.what());
  }
  return known(expression, model);
}

bool ModelQuery::holds(const Expression& condition, QueriedModel& model) const {
  const ExpressionValue result = value(condition, model);
  return result.is_known() && result.number != 0;
}

// -- keys ----------------------------------------------------------------------------------------

namespace {

/// The parts of `a,b,min(c, d)`; commas inside parentheses or quotes do not separate.
std::vector<std::string_view> split_keys(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == ',' && depth == 0) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Removes ":asc" or ":desc" from the end.
std::optional<bool> take_order(std::string_view& text, std::string_view option) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view word = trimmed(text.substr(colon + 1));
  if (word != "asc" && word != "desc") {
    Error error(ErrorCode::usage, std::string(option),
                {"asc or desc after the colon", escape_controls(word)});
    error.excerpt = {std::string(text), colon + 1, text.size()};
    throw error;
  }
  text = text.substr(0, colon);
  return word == "desc";
}

ModelKey parse_key(std::string_view text, const ModelQuery& query, bool best_first,
                   std::string_view option) {
  std::optional<bool> order = take_order(text, option);
  text = trimmed(text);
  // "-macs" is what other tools call downwards; "-macs / 2" is a figure.
  const auto is_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  };
  if (!order && text.size() > 1 && text[0] == '-' &&
      std::all_of(text.begin() + 1, text.end(), is_word)) {
    text.remove_prefix(1);
    order = true;
  }
  ModelKey key{Expression(text, query.names(), option), std::string(text)};
  if (key.expression.is_condition()) {
    throw Error(ErrorCode::usage, std::string(option), {"a figure", "a condition: " + key.title});
  }
  if (const auto lone = key.expression.lone_field()) {
    const ModelField& field = query.fields()[*lone];
    key.title = field.name;
    key.unit = field.unit;
    key.descending = best_first && field.higher_is_better;
  }
  for (const std::size_t field : key.expression.fields())
    key.is_accuracy = key.is_accuracy || query.fields()[field].is_accuracy;
  key.descending = order.value_or(key.descending);
  return key;
}

/// Negative if `a` comes first by that key alone.
int compare(const ModelKey& key, const ExpressionValue& a, const ExpressionValue& b) {
  if (!a.is_known() || !b.is_known())
    return static_cast<int>(b.is_known()) - static_cast<int>(a.is_known());
  const bool less = key.expression.is_text() ? natural_less(a.text, b.text) : a.number < b.number;
  const bool more = key.expression.is_text() ? natural_less(b.text, a.text) : b.number < a.number;
  const int order = static_cast<int>(more) - static_cast<int>(less);
  return key.descending ? -order : order;
}

/// A model with the values of all keys.
struct Ranked {
  std::vector<ExpressionValue> values;
  std::string_view dataset;
  std::size_t index = 0;

  bool is_complete() const {
    return std::all_of(values.begin(), values.end(),
                       [](const ExpressionValue& value) { return value.is_known(); });
  }
};

std::vector<Ranked> rank(const std::vector<ModelKey>& keys, const ModelQuery& query,
                         std::vector<QueriedModel>& models) {
  std::vector<Ranked> ranked(models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    ranked[i].index = i;
    ranked[i].dataset = dataset_of(models[i]);
    for (const ModelKey& key : keys)
      ranked[i].values.push_back(query.value(key.expression, models[i]));
  }
  return ranked;
}

void take_order(const std::vector<Ranked>& ranked, std::vector<QueriedModel>& models) {
  std::vector<QueriedModel> ordered;
  for (const Ranked& each : ranked) ordered.push_back(models[each.index]);
  models = std::move(ordered);
}

/// Whether `a` is at least as good in every key and better in one.
bool beats(const std::vector<ModelKey>& keys, const Ranked& a, const Ranked& b) {
  bool better = false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].is_accuracy && a.dataset != b.dataset) return false;
    const int order = compare(keys[i], a.values[i], b.values[i]);
    if (order > 0) return false;
    better = better || order < 0;
  }
  return better;
}

}  // namespace

std::vector<ModelKey> parse_keys(std::string_view text, const ModelQuery& query, bool best_first,
                                 std::string_view option) {
  std::vector<ModelKey> keys;
  for (const std::string_view part : split_keys(text))
    keys.push_back(parse_key(part, query, best_first, option));
  return keys;
}

void sort_by(const std::vector<ModelKey>& keys, const ModelQuery& query,
             std::vector<QueriedModel>& models) {
  std::vector<Ranked> ranked = rank(keys, query, models);
  std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const int order = compare(keys[i], a.values[i], b.values[i]);
      if (order != 0) return order < 0;
    }
    return false;
  });
  take_order(ranked, models);
}

std::size_t keep_pareto(const std::vector<ModelKey>& keys, const ModelQuery& query,
                        std::vector<QueriedModel>& models) {
  std::vector<Ranked> ranked = rank(keys, query, models);
  std::erase_if(ranked, [](const Ranked& each) { return !each.is_complete(); });
  const std::size_t lacking = models.size() - ranked.size();
  std::vector<Ranked> best;
  for (const Ranked& candidate : ranked) {
    const bool is_beaten = std::any_of(ranked.begin(), ranked.end(), [&](const Ranked& other) {
      return beats(keys, other, candidate);
    });
    if (!is_beaten) best.push_back(candidate);
  }
  take_order(best, models);
  return lacking;
}

}  // namespace zoometer
