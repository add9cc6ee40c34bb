#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/sweep_row.hpp"
#include "registry/user_model.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {

/// A model of a sweep: built in, or from elsewhere.
struct SweepModel {
  std::string name;                ///< or the file's path
  const Model* builtin = nullptr;  ///< null: from `origin`
  Origin origin = {};              ///< a file without a target: `name` is its path
};

/// Every combination of models and sizes, in the order of `compare_combinations`. One job is one
/// trace: a model at one batch and one resolution, in all dtypes.
class SweepPlan {
 public:
  /// Sorts the models and sizes, and removes duplicates. Reads files once for their inputs. Throws
  /// Error{limit} for more than 100 million rows.
  SweepPlan(std::vector<SweepModel> models, SweepAxes axes);

  /// Keeps every `count`-th job, beginning with `index` (from 1): the part of one of several
  /// machines.
  void take_shard(std::int64_t index, std::int64_t count);

  std::size_t jobs() const noexcept { return jobs_.size(); }
  std::size_t rows() const noexcept;

  /// The results of a job. A combination that the model refuses has the reason. `graph` is emptied;
  /// nothing else is written to, so threads may share the plan.
  std::vector<SweepResult> results(std::size_t job, Graph& graph) const;

  /// What identifies the rows of a job: the first four columns.
  std::vector<SweepRow> combinations(std::size_t job) const;

  /// The same results as rows.
  std::vector<SweepRow> run(std::size_t job, const SweepColumns& columns, Graph& graph) const;

 private:
  struct Input {
    std::string name;
    Shape shape;
    DType dtype = DType::float32;
  };
  struct Entry {
    SweepModel model;
    std::vector<Input> inputs;
    std::string problem;  ///< why the file could not be read, or empty
  };
  struct Job {
    std::size_t entry = 0;
    std::optional<std::int64_t> batch;
    std::optional<Resolution> resolution;
  };

  static Entry entry_of(SweepModel model);
  void add_jobs(std::size_t entry);
  std::vector<Input> sized_inputs(const Job& job) const;
  void trace_job(const Job& job, Graph& graph) const;
  // As the job has them, else as the model's inputs are.
  std::optional<std::int64_t> batch_of(const Job& job) const;
  std::optional<Resolution> resolution_of(const Job& job) const;
  std::vector<std::string> dtypes_of(const Job& job) const;
  /// The job's combinations, without figures.
  std::vector<SweepResult> cases(std::size_t job) const;

  std::vector<Entry> entries_;
  SweepAxes axes_;
  std::vector<Job> jobs_;
};

}  // namespace zoometer
