#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "import/json.hpp"
#include "registry/rests.hpp"
#include "util/subprocess.hpp"
#include "zoometer/models/trace_options.hpp"

namespace zoometer {

/// What the bridge script is asked to trace, and in which Python.
struct BridgeRequest {
  std::string python;                 ///< the interpreter
  std::string source;                 ///< "torchvision", "timm", "python:MODULE", ...
  std::vector<std::string> models;    ///< empty: every model of the source
  std::vector<std::string> patterns;  ///< of those, only models that fit one; empty: all
  Variant variant = Variant::untrained;
  std::string inputs;              ///< JSON: input sizes by model
  double time_limit = 60;          ///< seconds for one model
  std::string tracer = "capture";  ///< or "fx": the verdict of torch.fx alone
};

/// A model's answer.
struct BridgeAnswer {
  std::string model;
  std::string_view line;  ///< the JSON line, see FxRecord
  std::string printed;    ///< what the process printed while it traced the model
};

/// Called while the bridge runs.
struct BridgeListener {
  /// Called with the versions and the models of the source. Returns whether to continue.
  std::function<bool(const Json& begin)> on_begin;
  std::function<void(const BridgeAnswer& answer)> on_answer;
  /// Called before a model is built. Returns whether to continue.
  std::function<bool(const std::string& model)> on_start;
  /// Called with what was read since the last call.
  std::function<void(const Rests& rests)> on_reads;
};

/// How a run of the bridge ended.
struct BridgeRun {
  Ending ending;
  bool has_begun = false;
  bool is_complete = false;  ///< the bridge has answered everything
  bool was_stopped = false;  ///< by the listener
  std::string failure;       ///< why the source cannot be used: "reason: message"
  std::string current;       ///< the model that was being traced
  std::string printed;       ///< what the process printed since then
};

/// Runs the embedded bridge script (python/zoometer_bridge.py) once.
BridgeRun run_bridge(const BridgeRequest& request, const BridgeListener& listener);

/// The printed text in one line of a message: "3 lines printed, the last: ..."; empty for no text.
std::string summary_of_print(std::string_view printed);

}  // namespace zoometer
