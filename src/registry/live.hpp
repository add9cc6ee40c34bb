#pragma once

#include <optional>
#include <string>
#include <vector>

#include "import/torch/fx.hpp"
#include "registry/cache.hpp"
#include "registry/discovery.hpp"
#include "registry/interpreter.hpp"
#include "registry/live_listing.hpp"

namespace zoometer {

/// Which Python to ask, and for what.
struct LiveOptions {
  std::string python;      ///< an interpreter; empty: the first one that has what is needed
  std::string module;      ///< "package.module" or "package.module:function"; empty: torchvision
  double time_limit = 60;  ///< seconds for one model
};

/// A trace that is asked for.
struct LiveRequest {
  std::string name;
  Variant variant = Variant::untrained;
  std::vector<UserInput> inputs;  ///< empty: the source's own guess
};

/// Models as the user's own PyTorch builds and traces them: runs the embedded bridge script in that
/// Python and keeps what it answers in the cache, as soon as it answers. A model that crashes the
/// interpreter or takes too long is noted, and the others go on in a new one.
class LiveSource {
 public:
  LiveSource(LiveOptions options, const Registry& registry, Cache& cache, Tell tell);

  /// Tries every model. Throws Error where no Python can be taken.
  Discovery discover(const DiscoveryOptions& options, const Progress& progress);

  /// What was answered about one model.
  struct Answer {
    const Finding& finding;
    const FxRecord& record;  ///< empty where the interpreter died over the model
    const Graph& graph;      ///< of a traceable model
    std::size_t total;       ///< how many models will be answered
  };
  using Visit = std::function<void(const Answer& answer)>;

  /// Calls `visit` with every model that is wanted, whole: with its graph where there is one.
  /// Throws Error where no Python can be taken, or where it has none of the models.
  void visit(const DiscoveryOptions& options, const Visit& visit);

  /// What was found out about the Python in the last call: "/usr/bin/python3: Python 3.11.2, ...".
  std::string taken_text() const;
  /// The models that the source has, after a call.
  std::vector<LiveModel> models() const;

  /// The graph of one model. Throws Error with PyTorch's own words where it cannot be traced.
  FxRecord load(const LiveRequest& request, Graph& graph, ImportNotes& notes);

  /// A model as its built-in twin is traced by default, without weights.
  LiveRequest standard_request(const std::string& model) const;

  /// "torchvision" or "python:MODULE".
  std::string name() const;

 private:
  class Run;
  friend class Run;

  void choose_interpreter();
  /// Passes the chosen one over; throws where none is left.
  void pass_over(const std::string& problem);
  /// The chosen interpreter and the source, with nothing known of them yet.
  LiveListing blank_listing() const;
  /// What verdicts and graphs depend on beside the model itself.
  std::string scope() const;
  Finding blank_finding(const LiveModel& model) const;
  /// Has the models traced that are wanted; `is_whole`: a verdict without its graph is no answer.
  void ask(const DiscoveryOptions& options, bool is_whole, const Visit& visit);
  [[noreturn]] void throw_unknown(const std::string& model) const;
  void tell_changes(Discovery& discovery);

  LiveOptions options_;
  const Registry& registry_;
  Cache& cache_;
  Tell tell_;
  std::vector<std::string> candidates_;
  std::size_t candidate_ = 0;
  std::vector<std::string> passed_over_;
  Interpreter interpreter_;
  std::optional<LiveListing> listing_;
};

}  // namespace zoometer
