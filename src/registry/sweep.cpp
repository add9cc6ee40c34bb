#include "registry/sweep.hpp"

#include <algorithm>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "models/parametrised.hpp"
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

/// The graph of a model that is not built in. Throws Error{unsupported} for one that Python runs.
void read_model(const SweepModel& model, const TraceOptions& options, Graph& graph) {
  const Origin& origin = model.origin;
  switch (origin.kind) {
  case OriginKind::file:
    import_file(origin.target.empty() ? model.name : origin.target, options, graph);
    return;
  case OriginKind::family: return trace_family(origin.target, options, graph);
  default:
    throw Error(ErrorCode::unsupported,
                "a sweep runs no Python: zoometer profile " + model.name + " does");
  }
}

}  // namespace

SweepPlan::SweepPlan(std::vector<SweepModel> models, SweepAxes axes) : axes_(std::move(axes)) {
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
  for (SweepModel& model : models) {
    entries_.push_back(entry_of(std::move(model)));
    add_jobs(entries_.size() - 1);
  }
}

SweepPlan::Entry SweepPlan::entry_of(SweepModel model) {
  Entry entry{std::move(model), {}, {}};
  if (entry.model.builtin != nullptr) {
    for (const InputSpec& input : default_inputs(*entry.model.builtin, Variant::published).list())
      entry.inputs.push_back({std::string(input.name), input.shape, input.dtype});
    return entry;
  }
  try {
    Graph graph;
    read_model(entry.model, {}, graph);
    for (const Port& input : graph.inputs()) {
      entry.inputs.push_back(
          {std::string(input.name), graph.shape(input.value), graph.dtype(input.value)});
    }
  } catch (const Error& error) {
    entry.problem = error.what();
  }
  return entry;
}

void SweepPlan::add_jobs(std::size_t entry) {
  for (const auto& batch : values_of(axes_.batches)) {
    for (const auto& resolution : values_of(axes_.resolutions))
      jobs_.push_back({entry, batch, resolution});
  }
}

void SweepPlan::take_shard(std::int64_t index, std::int64_t count) {
  std::vector<Job> mine;
  const auto step = static_cast<std::size_t>(count);
  for (auto i = static_cast<std::size_t>(index - 1); i < jobs_.size(); i += step)
    mine.push_back(jobs_[i]);
  jobs_ = std::move(mine);
}

std::size_t SweepPlan::rows() const noexcept {
  return jobs_.size() * std::max<std::size_t>(1, axes_.dtypes.size());
}

std::optional<std::int64_t> SweepPlan::batch_of(const Job& job) const {
  if (job.batch) return job.batch;
  const std::vector<Input>& inputs = entries_[job.entry].inputs;
  if (inputs.empty() || inputs[0].shape.empty()) return std::nullopt;
  return inputs[0].shape[0];
}

std::optional<Resolution> SweepPlan::resolution_of(const Job& job) const {
  if (job.resolution) return job.resolution;
  for (const Input& input : entries_[job.entry].inputs) {
    const Shape& shape = input.shape;
    if (has_resolution(shape)) return Resolution{shape[shape.size() - 2], shape[shape.size() - 1]};
  }
  return std::nullopt;
}

std::vector<std::string> SweepPlan::dtypes_of(const Job& job) const {
  std::vector<std::string> names;
  for (const DType dtype : axes_.dtypes) names.emplace_back(name_of(dtype));
  if (!names.empty()) return names;
  const std::vector<Input>& inputs = entries_[job.entry].inputs;
  names.emplace_back(inputs.empty() ? std::string_view{} : name_of(inputs[0].dtype));
  return names;
}

std::vector<SweepResult> SweepPlan::cases(std::size_t job) const {
  const Job& one = jobs_[job];
  std::vector<SweepResult> results;
  for (std::string& dtype : dtypes_of(one)) {
    results.push_back({entries_[one.entry].model.name,
                       batch_of(one),
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

std::vector<SweepPlan::Input> SweepPlan::sized_inputs(const Job& job) const {
  std::vector<Input> inputs = entries_[job.entry].inputs;
  bool has_any = false;
  for (Input& input : inputs) {
    if (job.batch && !input.shape.empty()) input.shape[0] = *job.batch;
    if (!job.resolution || !has_resolution(input.shape)) continue;
    input.shape[input.shape.size() - 2] = job.resolution->height;
    input.shape[input.shape.size() - 1] = job.resolution->width;
    has_any = true;
  }
  if (job.resolution && !has_any)
    throw Error(ErrorCode::shape, "no input is an image or a clip: there is no resolution to set");
  return inputs;
}

void SweepPlan::trace_job(const Job& job, Graph& graph) const {
  const Entry& entry = entries_[job.entry];
  if (!entry.problem.empty()) throw Error(ErrorCode::io, entry.problem);
  std::vector<Input> inputs = sized_inputs(job);
  if (entry.model.builtin != nullptr) {
    TraceOptions options;
    for (Input& input : inputs) options.inputs.push_back({std::move(input.name), input.shape});
    trace(*entry.model.builtin, options, graph);
    return;
  }
  TraceOptions options;
  if (job.batch || job.resolution) {
    for (Input& input : inputs) options.inputs.push_back({std::move(input.name), input.shape});
  }
  read_model(entry.model, options, graph);
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
    for (; done < results.size(); ++done) results[done].reason = error.what();
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
