#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/torch/exported_program.hpp"

namespace zoometer {

/// What the live bridge (python/zoometer_bridge.py) found out about one model: a line of its output
/// whose event is "model".
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

  std::string event;  ///< of other lines only this is read: "begin", "start", "error", "end"
  std::string model;
  std::string family;
  std::string task;
  std::string variant;
  std::string status;         ///< "traceable" or "failed"
  std::string via;            ///< "fx" or "export": what traced it
  std::string reason_code;    ///< stable; empty where it is traceable
  std::string message;        ///< PyTorch's own words
  std::string exception;      ///< the Python type of the failure
  std::string module;         ///< where it failed
  std::string operator_name;  ///< at what it failed
  std::optional<std::int64_t> fx_nodes;
  std::optional<double> seconds;
  std::optional<std::int64_t> parameters;  ///< elements, shared ones once
  std::optional<std::int64_t> buffers;
  std::vector<Input> inputs;
  std::vector<State> states;            ///< in the state dict's order
  std::vector<HeardCall> module_calls;  ///< in the order in which they began
  bool has_graph = false;               ///< whether the line holds a program
};

/// Reads one line into the record and, where it holds a program, the graph (emptied first) and its
/// notes. `buffer` takes a copy of the line; reusing it saves memory. Throws Error{malformed} for a
/// line that is torn or none of the bridge's.
FxRecord read_fx_record(std::string_view line, std::string& buffer, Graph& graph,
                        ImportNotes& notes);

}  // namespace zoometer
