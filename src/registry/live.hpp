#pragma once

#include <optional>
#include <string>
#include <vector>

#include "import/torch/fx.hpp"
#include "registry/cache.hpp"
#include "registry/discovery.hpp"
#include "registry/interpreter.hpp"
#include "registry/live_answers.hpp"
#include "registry/live_listing.hpp"

namespace zoometer {

/// Which Python and which source to use.
struct LiveOptions {
  std::string python;      ///< an interpreter; empty: the first suitable one
  std::string source;      ///< "timm", "python:package.module", ...; empty: torchvision
  double time_limit = 60;  ///< seconds for one model
  std::optional<std::int64_t> jobs =
      {};                          ///< processes at once; nothing: as many as there are cores
  bool no_cache = false;           ///< ask again, and keep nothing
  bool is_offline = false;         ///< for hf: nothing is fetched
  std::string tracer = "capture";  ///< or "fx": the verdict of torch.fx, and no graph
};

/// A model to trace.
struct LiveRequest {
  std::string name;
  Variant variant = Variant::untrained;
  std::vector<UserInput> inputs;  ///< empty: the bridge guesses
};

/// Models as the user's own PyTorch builds and traces them. Runs the embedded bridge script in that
/// Python and keeps each answer in the cache at once. If a model crashes the interpreter or takes
/// too long, this is its answer, and a new interpreter continues with the next model.
class LiveSource {
 public:
  LiveSource(LiveOptions options, const Registry& registry, Cache& cache, Notify notify);

  /// Called with the graph of each traceable model, which it may change.
  using TakeGraph = std::function<void(const Finding& finding, Graph& graph)>;

  /// Tries every model. Throws Error if no Python is usable. Without `take_graph`, the cache's
  /// verdicts are enough.
  Discovery discover(const DiscoveryOptions& options, const Progress& progress,
                     const TakeGraph& take_graph = {});

  /// The answer about one model.
  struct Answer {
    const Finding& finding;
    const FxRecord& record;  ///< empty if the interpreter died
    Graph& graph;            ///< of a traceable model
    std::size_t total;       ///< the number of models that will be answered
  };
  using Visit = std::function<void(const Answer& answer)>;

  /// Calls `visit` with every chosen model and its graph, if it has one. Throws Error if no Python
  /// is usable, or if it has none of the models.
  void visit(const DiscoveryOptions& options, const Visit& visit);

  /// The Python that the last call used: "/usr/bin/python3: Python 3.11.2, ...".
  std::string taken_text() const;
  /// The models of the source, after a call.
  std::vector<LiveModel> models() const;

  /// The graph of one model. Throws Error with PyTorch's message if it cannot be traced.
  FxRecord load(const LiveRequest& request, Graph& graph, ImportNotes& notes);

  /// What the cache has of a model, without running it; nothing where that is out of date. Throws
  /// Error if there is no usable Python.
  std::optional<Finding> remembered(const LiveRequest& request);

  /// A request for a model with the default inputs of the built-in model of the same name.
  LiveRequest standard_request(const std::string& model) const;

  /// "torchvision", "timm", "transformers", "torch.hub:FOLDER" or "python:MODULE".
  std::string name() const;

 private:
  class Run;
  friend class Run;

  bool is_torchvision() const;
  bool asks_fx() const;
  std::string advice_for_interpreters() const;
  void choose_interpreter();
  /// Chooses the next interpreter; throws if none is left.
  void pass_over(const std::string& problem);
  /// A listing of the source in the chosen interpreter, without models.
  LiveListing blank_listing() const;
  /// The versions that answers depend on.
  std::string scope() const;
  Finding blank_finding(const LiveModel& model) const;
  /// Traces the chosen models, unless the cache has an answer that is enough.
  void ask(const DiscoveryOptions& options, Needs needs, const Visit& visit);
  [[noreturn]] void throw_unknown(const std::string& model) const;

  LiveOptions options_;
  const Registry& registry_;
  Cache& cache_;
  Notify notify_;
  std::vector<std::string> candidates_;
  std::size_t candidate_ = 0;
  std::vector<std::string> passed_over_;
  Interpreter interpreter_;
  std::optional<LiveListing> listing_;
};

}  // namespace zoometer
