#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/totals.hpp"
#include "registry/discovery.hpp"
#include "registry/live.hpp"
#include "registry/published_metrics.hpp"
#include "registry/registry.hpp"
#include "util/expression.hpp"

namespace zoometer {

/// A model with the values of expressions. It is traced once, when the first figure is needed that
/// only a trace gives.
class QueriedModel {
 public:
  /// `live`: for a model that the user's Python makes.
  explicit QueriedModel(const RegistryModel& model, bool copies_views = false,
                        LiveOptions live = {}) noexcept
      : model_(&model),
        live_(std::move(live)),
        copies_views_(copies_views) {}

  const RegistryModel& model() const noexcept { return *model_; }
  /// The default weights' figures, or null.
  const PublishedMetrics* published() const noexcept;

  /// Sets the figures that an earlier trace left in the cache.
  void remember(const Finding& finding) {
    parameters_ = finding.parameters;
    macs_ = finding.macs;
  }
  /// Sets the figures of a trace that was made elsewhere.
  void remember(const Totals& totals) {
    totals_ = totals;
    is_traced_ = true;
  }
  /// Those of the registry's row, or else remembered ones: known without a trace.
  std::optional<std::int64_t> parameters() const noexcept {
    return model_->parameters ? model_->parameters : parameters_;
  }
  std::optional<std::int64_t> macs() const noexcept { return model_->macs ? model_->macs : macs_; }

  /// Traces the model at its default input; counts views as copies if asked to. Throws Error.
  void trace();
  /// Whether a trace was tried.
  bool is_traced() const noexcept { return is_traced_; }
  /// The result of the trace, or null.
  const Totals* totals() const noexcept { return totals_ ? &*totals_ : nullptr; }

 private:
  const RegistryModel* model_;
  LiveOptions live_;
  std::optional<Totals> totals_;
  std::optional<std::int64_t> parameters_, macs_;
  bool copies_views_ = false;
  bool is_traced_ = false;
};

/// The figures of a graph, whose views become copies if asked to.
Totals traced_totals(Graph& graph, bool copies_views);

/// A named field of a model.
struct ModelField {
  std::string_view name;
  ExpressionField::Type type = ExpressionField::Type::number;
  MetricUnit unit = MetricUnit::count;  ///< of a number
  std::string_view summary;
  bool higher_is_better = false;
  bool is_accuracy = false;  ///< comparable only within one data set
  /// The value if it is known; pending if a trace would give it.
  ExpressionValue (*value)(const QueriedModel& model) = nullptr;
  const TotalsField* total = nullptr;  ///< of a figure: its value in a trace
};

/// Every field: names, figures, published accuracy.
std::vector<ModelField> model_fields();

/// The fields of expressions over models.
class ModelQuery {
 public:
  ModelQuery();

  const std::vector<ModelField>& fields() const noexcept { return fields_; }
  std::span<const ExpressionField> names() const noexcept { return names_; }

  /// The value of an expression (of a condition 1 or 0); traces if necessary. A model that cannot
  /// be traced is reported on standard error, and the values of its trace are missing.
  ExpressionValue value(const Expression& expression, QueriedModel& model) const;
  /// Whether a condition holds; traces only if the known values do not decide it.
  bool holds(const Expression& condition, QueriedModel& model) const;

 private:
  ExpressionValue known(std::size_t index, const QueriedModel& model) const;
  ExpressionValue known(const Expression& expression, const QueriedModel& model) const;

  std::vector<ModelField> fields_;
  std::vector<ExpressionField> names_;
};

/// A key to sort by or to compare models by: `macs`, `top1:desc`, `macs / parameters`.
struct ModelKey {
  Expression expression;
  std::string title;  ///< a field's name, else the expression
  bool descending = false;
  bool is_accuracy = false;
  MetricUnit unit = MetricUnit::ratio;
};

/// Reads `KEY[:asc|:desc],KEY...`. Without an order, `best_first` takes that of the field,
/// otherwise the lowest comes first. Throws Error{usage} that begins with `option`.
std::vector<ModelKey> parse_keys(std::string_view text, const ModelQuery& query, bool best_first,
                                 std::string_view option);

/// Orders models; those without a value come last in either order.
void sort_by(const std::vector<ModelKey>& keys, const ModelQuery& query,
             std::vector<QueriedModel>& models);

/// Keeps the models that no other model beats in every key, and drops those that lack a key.
/// Accuracy is compared within one data set. Returns how many lacked a key.
std::size_t keep_pareto(const std::vector<ModelKey>& keys, const ModelQuery& query,
                        std::vector<QueriedModel>& models);

}  // namespace zoometer
