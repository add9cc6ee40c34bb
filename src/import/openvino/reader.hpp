#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "import/foreign.hpp"
#include "import/importer.hpp"
#include "import/input_sizes.hpp"
#include "import/openvino/model.hpp"
#include "import/scoped_modules.hpp"
#include "util/unique_names.hpp"
#include "zoometer/ir/tensor.hpp"

namespace zoometer {

/// Numbers that are known while the graph is built: constants, sizes, and what is computed from
/// them. All are kept as doubles: sizes are below 2^53.
struct OpenvinoKnown {
  Shape shape;
  DType dtype = DType::int64;
  std::vector<double> elements;
  bool guessed = false;  ///< an element depends on data and has 1 in its place
};

/// What an output of a layer is in the graph.
struct OpenvinoValue {
  ValueId id = no_id;
  const OpenvinoKnown* known = nullptr;
  /// Integers that a Convert makes real: with a zero point and a scale they are one operator, else
  /// `id` gets what the Convert does.
  ValueId integers = no_id;
  ValueId zero_point = no_id;
  DType dtype = DType::float32;  ///< of the real numbers
  bool is_constant = false;      ///< computed of constants only
};

/// One reading of a net.
struct OpenvinoFrame {
  const OpenvinoNet& net;
  std::vector<OpenvinoValue> values;  ///< by layer and output
};

/// Reads one file into a graph.
class OpenvinoReader {
 public:
  OpenvinoReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
                 ImportNotes& notes);

  void read();

  Graph& graph() noexcept { return graph_; }
  const OpenvinoModel& model() const noexcept { return model_; }
  ScopedModules& modules() noexcept { return modules_; }

  OpenvinoValue& value(OpenvinoFrame& frame, const OpenvinoSource& source) const;
  /// An output of a layer as a value of the graph. Integers become parameters if `is_weight`.
  Tensor enter(OpenvinoFrame& frame, const OpenvinoSource& source, bool is_weight = false);
  const OpenvinoKnown* known(OpenvinoFrame& frame, const OpenvinoSource& source);
  const OpenvinoKnown* keep(OpenvinoKnown known) { return &known_.emplace_back(std::move(known)); }
  /// The kind of a parameter, maybe in other sizes or another type, becomes that of scales and
  /// zero points.
  void mark_quantisation(Tensor operand);

  /// Runs a body on the values of its Parameters, by layer; returns the frame. Throws Error{limit}.
  OpenvinoFrame run(const OpenvinoNet& body,
                    const std::vector<std::pair<std::uint32_t, OpenvinoValue>>& inputs);

  /// What `rewind` returns to.
  struct Mark {
    Graph::Mark graph;
    std::size_t entered = 0, updates = 0;
  };
  Mark mark() const noexcept { return {graph_.mark(), entered_.size(), updates_.size()}; }
  void rewind(const Mark& mark);

  void note(std::string text);
  void ignore(std::string_view op, std::string_view name, std::string_view value) {
    ignored_.add(op, name, value);
  }
  /// The input that has the value of a variable; nothing where there is none.
  std::optional<Tensor> state(std::string_view variable) const;
  /// The model has that value of a variable at its end.
  void add_update(std::string_view variable, Tensor value);
  /// Whether the sizes that the file states are those of the results: no input has others.
  bool states_sizes() const noexcept { return states_sizes_; }
  /// Whether the file of constants is there.
  bool has_data() const noexcept { return model_.has_data(); }
  void note_rounded_products() noexcept { has_fake_quantisation_ = true; }

 private:
  void add_inputs(OpenvinoFrame& frame);
  ValueId add_input(const OpenvinoLayer& layer, std::string_view name);
  void find_decided_sizes(const OpenvinoNet& net);
  void add_outputs(OpenvinoFrame& frame);
  void run_layers(OpenvinoFrame& frame);
  void emit(OpenvinoFrame& frame, const OpenvinoLayer& layer);
  void mark_constants(OpenvinoFrame& frame, const OpenvinoLayer& layer) const;
  void emit_unknown(OpenvinoFrame& frame, const OpenvinoLayer& layer);
  void forget(OpenvinoFrame& frame, const OpenvinoLayer& layer, const Mark& mark);
  void compare(const OpenvinoFrame& frame, const OpenvinoLayer& layer);
  ValueId add_constant(const OpenvinoLayer& layer, bool is_weight);
  void add_notes();
  void enter_module(std::string_view name);
  std::string parameter_name(std::string_view name);

  const TraceOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  OpenvinoModel model_;
  ScopedModules modules_;
  std::vector<ModuleScope> path_;
  IgnoredSettings ignored_;
  std::deque<OpenvinoKnown> known_;
  struct Constant {
    ValueId id = no_id;
    std::string_view name;
  };
  std::map<const OpenvinoLayer*, Constant> constants_;
  /// By place in the file of constants: those that several layers have are one.
  std::map<std::pair<std::string_view, std::string_view>, ParameterId> by_place_;
  struct Entered {
    const OpenvinoLayer* constant;
    bool is_first_of_place;
  };
  std::vector<Entered> entered_;
  struct DecidedSize {
    std::size_t axis;
    std::int64_t size;
  };
  std::map<const OpenvinoLayer*, DecidedSize> decided_;  ///< of Parameters
  std::map<std::string_view, ValueId> states_;
  std::vector<std::pair<std::string_view, ValueId>> updates_;  ///< of states
  UniqueNames names_;
  InputSizes sizes_;
  NameCounts types_;  ///< layers of the model
  std::set<std::string> seen_notes_;
  std::size_t units_left_ = 0;
  StatedSizes stated_;
  Misfits misfits_;
  bool states_sizes_ = true, needs_data_ = false, has_fake_quantisation_ = false;
};

}  // namespace zoometer
