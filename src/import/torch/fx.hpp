#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/torch/exported_program.hpp"

namespace zoometer {

/// What the live bridge (python/zoometer_bridge.py) reports about one model: a line of its output
/// with the event "model".
struct FxRecord {
  struct Input {
    Shape shape;
    std::string dtype;
  };
  /// An entry of the state dict.
  struct State {
    std::string name;
    std::string kind;  ///< "parameter" or "buffer"
    std::string dtype;
    Shape shape;
  };

  std::string event;  ///< other lines have no more: "begin", "start", "error", "end"
  std::string model;
  std::string family;
  std::string task;
  std::string variant;
  std::string status;         ///< "traceable" or "failed"
  std::string via;            ///< the tracer: "capture" or "fx"
  std::string reason_code;    ///< stable between releases; empty for a traceable model
  std::string message;        ///< PyTorch's error message
  std::string exception;      ///< the Python type of the failure
  std::string module;         ///< where it failed
  std::string operator_name;  ///< the operator that failed
  std::optional<std::int64_t> fx_nodes;
  std::optional<double> seconds;
  std::optional<std::int64_t> parameters;  ///< elements; shared ones count once
  std::optional<std::int64_t> buffers;
  std::vector<Input> inputs;
  std::vector<State> states;               ///< in the order of the state dict
  std::vector<RecordedCall> module_calls;  ///< in the order in which they began
  bool has_graph = false;                  ///< whether the line contains a program
};

/// Reads one line into the record. If it contains a program, also fills the graph (emptied first)
/// and its notes. `buffer` takes a copy of the line; reusing it saves memory. Throws
/// Error{malformed} for an incomplete line, or one that the bridge did not write.
FxRecord read_fx_record(std::string_view line, std::string& buffer, Graph& graph,
                        ImportNotes& notes);

}  // namespace zoometer
