#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "analysis/sweep_row.hpp"
#include "models/batch.hpp"
#include "registry/origin.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {

/// A model of a sweep: built in or of a plug-in, or from elsewhere.
struct SweepModel {
  std::string name;                    ///< of its rows: the model's name, or what the user typed
  const Model* builtin = nullptr;      ///< null: from `origin`
  Origin origin = {};                  ///< a file without a target: `name` is its path
  std::vector<UserInput> inputs = {};  ///< those that registry.toml declares
};

/// Every `parts`-th job of a plan, beginning with `part` (from 1): what one of several machines
/// does.
struct SweepShard {
  std::int64_t part = 1;
  std::int64_t parts = 1;
};

/// What holds for all rows of a sweep.
struct SweepSetup {
  TraceOptions options = {};           ///< without a batch, which is an axis of the sweep
  bool copies_views = false;           ///< count views as copies
  LiveOptions live = {};               ///< for models that the user's Python traces
  const Registry* registry = nullptr;  ///< for these; null: they are refused
  Notify notify = {};
  SweepShard shard = {};
};

/// Every combination of models and sizes, in the order of `compare_combinations`. One job is one
/// trace: a model at one batch and one resolution, in all dtypes.
class SweepPlan {
 public:
  /// Sorts the models and sizes, and removes duplicates. Reads the files and traces the models of
  /// the user's Python that the shard has jobs of, once for their inputs. Throws Error{limit} for
  /// more than 100 million rows.
  SweepPlan(std::vector<SweepModel> models, SweepAxes axes, SweepSetup setup = {});

  std::size_t jobs() const noexcept { return jobs_.size(); }
  std::size_t rows() const noexcept;
  /// Where models have their batch, of those that do not have it first in every input.
  std::vector<std::string> notes() const;

  /// The results of a job. A combination that the model refuses has the reason. `graph` is emptied;
  /// nothing else is written to, so threads may share the plan.
  std::vector<SweepResult> results(std::size_t job, Graph& graph) const;

  /// What identifies the rows of a job: the first four columns.
  std::vector<SweepRow> combinations(std::size_t job) const;

  /// The same results as rows.
  std::vector<SweepRow> run(std::size_t job, const SweepColumns& columns, Graph& graph) const;

 private:
  struct Entry {
    SweepModel model;
    std::vector<BatchInput> inputs = {};
    std::vector<DType> dtypes = {};          ///< of the inputs
    DType stored = DType::unknown;           ///< of floating-point tensors, unless the sweep says
    std::optional<std::int64_t> batch = {};  ///< that the inputs have
    std::string problem = {};                ///< why the model could not be read, or empty
  };
  struct Job {
    std::size_t entry = 0;
    std::optional<std::int64_t> batch;
    std::optional<Resolution> resolution;
  };

  Entry entry_of(SweepModel model) const;
  /// Adds the jobs of the shard among those of a model, whose first is the plan's `first`. Reads
  /// the model where there are any.
  void add_jobs(SweepModel model, std::size_t first);
  /// The sizes of each input in the model's graph.
  std::vector<SizeNames> read_model(const Entry& entry, const TraceOptions& options,
                                    Graph& graph) const;
  TraceOptions options_of(const Job& job) const;
  void trace_job(const Job& job, Graph& graph) const;
  // As the job has them, else as the model's inputs are.
  std::optional<std::int64_t> batch_of_job(const Job& job) const;
  std::optional<Resolution> resolution_of(const Job& job) const;
  std::vector<std::string> dtypes_of(const Job& job) const;
  /// The job's combinations, without figures.
  std::vector<SweepResult> cases(std::size_t job) const;

  std::vector<Entry> entries_;
  SweepAxes axes_;
  SweepSetup setup_;
  mutable std::mutex python_turn_;  ///< Python traces one model at a time
  std::vector<Job> jobs_;
};

}  // namespace zoometer
