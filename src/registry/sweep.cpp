#include "registry/sweep.hpp"

#include <algorithm>

#include "analysis/profile.hpp"
#include "import/hub/model.hpp"
#include "models/trace_option.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_rows = 100'000'000;

template <class List>
void sort_and_drop_twice(List& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

bool comes_before(const SweepModel& a, const SweepModel& b) {
  if (natural_less(a.name, b.name)) return true;
  return !natural_less(b.name, a.name) && a.name < b.name;
}

/// Images and clips: (N, C, H, W) and (N, C, T, H, W).
bool has_resolution(const Shape& shape) { return shape.rank() == 4 || shape.rank() == 5; }

/// The values of an axis, or one empty value for the model's default.
template <class Value>
std::vector<std::optional<Value>> values_of(const std::vector<Value>& axis) {
  if (axis.empty()) return {std::nullopt};
  return {axis.begin(), axis.end()};
}

/// An error that names the row's model, and not the path of the file that it comes from.
Error named_error(const Error& error, const SweepModel& model) {
  Error named = error;
  if (!model.origin.target.empty() && named.place.model == model.origin.target)
    named.place.model = model.name;
  return named;
}

void trace_builtin(const Model& model, const TraceOptions& options, Graph& graph) {
  refuse_file_options(options);
  trace(model, options, graph);
}

/// The inputs of a built-in model, without building it.
void add_builtin_inputs(const Model& model, const TraceOptions& options, Graph& graph) {
  refuse_file_options(options);
  Trace trace(graph, model, options);
  for (std::size_t i = 0; i < default_inputs(model, options.variant).list().size(); ++i)
    trace.input(i);
}

/// What floating-point tensors are stored in: the first such input's type, else the first such
/// parameter's; without any the first input's, and `unknown` without inputs.
DType stored_type_of(const Graph& graph) {
  for (const Port& input : graph.inputs())
    if (is_floating(graph.dtype(input.value))) return graph.dtype(input.value);
  for (const Parameter& parameter : graph.parameters())
    if (is_floating(graph.dtype(parameter.value))) return graph.dtype(parameter.value);
  return graph.inputs().empty() ? DType::unknown : graph.dtype(graph.inputs().front().value);
}

}  // namespace

SweepPlan::SweepPlan(std::vector<SweepModel> models, SweepAxes axes, SweepSetup setup)
    : axes_(std::move(axes)),
      setup_(std::move(setup)) {
  std::sort(models.begin(), models.end(), comes_before);
  models.erase(std::unique(models.begin(), models.end(),
                           [](const auto& a, const auto& b) { return a.name == b.name; }),
               models.end());
  sort_and_drop_twice(axes_.batches);
  sort_and_drop_twice(axes_.resolutions);
  sort_and_drop_twice(axes_.dtypes);
  const auto length = [](const auto& axis) {
    return static_cast<std::int64_t>(std::max<std::size_t>(1, axis.size()));
  };
  const std::int64_t count =
      product(static_cast<std::int64_t>(models.size()), length(axes_.batches),
              length(axes_.resolutions), length(axes_.dtypes));
  if (count > most_rows) {
    throw Error(ErrorCode::limit, "a sweep",
                {"at most " + std::to_string(most_rows) + " rows", std::to_string(count)});
  }
  const auto jobs_of_model =
      static_cast<std::size_t>(length(axes_.batches) * length(axes_.resolutions));
  for (std::size_t i = 0; i < models.size(); ++i) add_jobs(std::move(models[i]), i * jobs_of_model);
}

std::vector<SizeNames> SweepPlan::read_model(const Entry& entry, const TraceOptions& options,
                                             Graph& graph) const {
  const SweepModel& model = entry.model;
  OriginRequest request{model.origin, options, model.inputs, setup_.live};
  if (request.origin.target.empty()) request.origin.target = model.name;
  if (!request.origin.runs_python()) return load_origin(request, graph).input_sizes;
  if (request.inputs.empty() && (options.batch || !options.inputs.empty())) {
    for (std::size_t i = 0; i < entry.inputs.size(); ++i)
      request.inputs.push_back({entry.inputs[i].name, entry.inputs[i].shape, entry.dtypes[i]});
  }
  if (setup_.registry == nullptr) {
    throw Error(ErrorCode::unsupported,
                "this sweep runs no Python: zoometer sweep " + model.name + " does");
  }
  const std::lock_guard lock(python_turn_);
  return load_origin(request, *setup_.registry, setup_.notify, graph).input_sizes;
}

SweepPlan::Entry SweepPlan::entry_of(SweepModel model) const {
  Entry entry{std::move(model)};
  try {
    // It is fetched once, and not for each row.
    Origin& origin = entry.model.origin;
    if (origin.kind == OriginKind::hugging_face)
      origin = {OriginKind::file, hub_model(origin.target, setup_.live.is_offline).path};
    Graph graph;
    std::vector<SizeNames> sizes;
    if (entry.model.builtin != nullptr) {
      add_builtin_inputs(*entry.model.builtin, setup_.options, graph);
    } else {
      sizes = read_model(entry, setup_.options, graph);
    }
    for (const Port& input : graph.inputs()) {
      const std::size_t index = entry.inputs.size();
      entry.inputs.push_back({std::string(input.name), graph.shape(input.value),
                              index < sizes.size() ? sizes[index] : SizeNames()});
      entry.dtypes.push_back(graph.dtype(input.value));
    }
    entry.stored = stored_type_of(graph);
    entry.batch = batch_of(entry.inputs, setup_.options);
  } catch (const Error& error) {
    entry.problem = named_error(error, entry.model).what();
  }
  return entry;
}

std::vector<std::string> SweepPlan::notes() const {
  std::vector<std::string> notes;
  if (axes_.batches.empty()) return notes;
  for (const Entry& entry : entries_) {
    if (!entry.batch) continue;
    const BatchAxes axes = find_batch(entry.inputs, setup_.options);
    if (std::ranges::all_of(axes, [](const auto& axis) { return axis == std::size_t{0}; }))
      continue;
    notes.push_back(escape_controls(entry.model.name) + ": " +
                    batch_note(entry.inputs, axes, "--batch"));
  }
  return notes;
}

void SweepPlan::add_jobs(SweepModel model, std::size_t first) {
  const auto parts = static_cast<std::size_t>(setup_.shard.parts);
  const auto mine = static_cast<std::size_t>(setup_.shard.part - 1);
  const std::size_t jobs_before = jobs_.size();
  std::size_t position = first;
  for (const auto& batch : values_of(axes_.batches)) {
    for (const auto& resolution : values_of(axes_.resolutions)) {
      if (position++ % parts == mine) jobs_.push_back({entries_.size(), batch, resolution});
    }
  }
  if (jobs_.size() > jobs_before) entries_.push_back(entry_of(std::move(model)));
}

std::size_t SweepPlan::rows() const noexcept {
  return jobs_.size() * std::max<std::size_t>(1, axes_.dtypes.size());
}

std::optional<std::int64_t> SweepPlan::batch_of_job(const Job& job) const {
  return job.batch ? job.batch : entries_[job.entry].batch;
}

std::optional<Resolution> SweepPlan::resolution_of(const Job& job) const {
  if (job.resolution) return job.resolution;
  for (const BatchInput& input : entries_[job.entry].inputs) {
    const Shape& shape = input.shape;
    if (has_resolution(shape)) return Resolution{shape[shape.size() - 2], shape[shape.size() - 1]};
  }
  return std::nullopt;
}

std::vector<std::string> SweepPlan::dtypes_of(const Job& job) const {
  std::vector<std::string> names;
  for (const DType dtype : axes_.dtypes) names.emplace_back(name_of(dtype));
  if (!names.empty()) return names;
  const DType stored = entries_[job.entry].stored;
  names.emplace_back(stored == DType::unknown ? std::string_view{} : name_of(stored));
  return names;
}

std::vector<SweepResult> SweepPlan::cases(std::size_t job) const {
  const Job& one = jobs_[job];
  std::vector<SweepResult> results;
  for (std::string& dtype : dtypes_of(one)) {
    results.push_back({entries_[one.entry].model.name,
                       batch_of_job(one),
                       resolution_of(one),
                       std::move(dtype),
                       {},
                       {}});
  }
  return results;
}

std::vector<SweepRow> SweepPlan::combinations(std::size_t job) const {
  std::vector<SweepRow> rows;
  for (const SweepResult& each : cases(job)) rows.push_back(combination_row(each));
  return rows;
}

TraceOptions SweepPlan::options_of(const Job& job) const {
  TraceOptions options = setup_.options;
  options.batch = job.batch;
  if (!job.resolution) return options;
  options.inputs.clear();
  bool has_any = false;
  for (const BatchInput& input : entries_[job.entry].inputs) {
    Shape shape = input.shape;
    if (has_resolution(shape)) {
      shape.set_dim(-2, job.resolution->height);
      shape.set_dim(-1, job.resolution->width);
      has_any = true;
    }
    options.inputs.push_back({input.name, shape});
  }
  if (!has_any)
    throw Error(ErrorCode::shape, "no input is an image or a clip: there is no resolution to set");
  return options;
}

void SweepPlan::trace_job(const Job& job, Graph& graph) const {
  const Entry& entry = entries_[job.entry];
  if (!entry.problem.empty()) throw Error(ErrorCode::io, entry.problem);
  const TraceOptions options = options_of(job);
  if (entry.model.builtin != nullptr) {
    trace_builtin(*entry.model.builtin, options, graph);
  } else {
    read_model(entry, options, graph);
  }
  if (setup_.copies_views) graph.copy_views();
}

std::vector<SweepResult> SweepPlan::results(std::size_t job, Graph& graph) const {
  std::vector<SweepResult> results = cases(job);
  std::size_t done = 0;
  try {
    graph.count_floating_as(std::nullopt);
    trace_job(jobs_[job], graph);
    for (; done < results.size(); ++done) {
      if (!axes_.dtypes.empty()) graph.count_floating_as(axes_.dtypes[done]);
      results[done].totals = totals_of(graph, profile(graph));
    }
  } catch (const Error& error) {
    const std::string reason = named_error(error, entries_[jobs_[job].entry].model).what();
    for (; done < results.size(); ++done) results[done].reason = reason;
  }
  return results;
}

std::vector<SweepRow> SweepPlan::run(std::size_t job, const SweepColumns& columns,
                                     Graph& graph) const {
  std::vector<SweepRow> rows;
  for (const SweepResult& each : results(job, graph)) rows.push_back(sweep_row(columns, each));
  return rows;
}

}  // namespace zoometer
