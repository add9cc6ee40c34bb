#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "import/foreign.hpp"
#include "import/importer.hpp"
#include "import/input_sizes.hpp"
#include "import/keras/model.hpp"
#include "util/unique_names.hpp"
#include "zoometer/ir/tensor.hpp"

namespace zoometer {

/// A result of a layer, by its number in the reader.
using KerasHandle = std::uint32_t;
inline constexpr KerasHandle no_keras_value = UINT32_MAX;

/// What a layer is called with.
struct KerasOperand {
  KerasHandle value = no_keras_value;
  const Json* constant = nullptr;  ///< in its place: a number, a list, a slice
  std::string_view name;           ///< of an operand by name
};

/// What is known of one layer between its calls.
struct KerasState {
  ModuleId module = no_id;
  /// By their module and name.
  std::map<std::pair<ModuleId, std::string>, ValueId> weights;
};

/// Parameters as Keras counts them.
struct KerasCounts {
  std::int64_t trained = 0, others = 0;
};

/// A weight as a layer declares it.
struct KerasWeight {
  std::string_view name;
  Shape shape;
  DType dtype = DType::float32;
  ParameterKind kind = ParameterKind::parameter;
  bool is_trained = true;      ///< in Keras's count
  std::int64_t elements = -1;  ///< in Keras's count, where several are packed into one; -1: all
};

/// One call of a layer.
struct KerasApplication {
  const KerasLayer& layer;
  std::vector<KerasOperand> operands;
  /// What the file states of the results' sizes, and how many of them others read.
  std::vector<const Json*> declared = {};
  std::size_t results = 1;
  /// Distinguishes layers that are made of one configuration, as the two of Bidirectional.
  unsigned variant = 0;
  std::string_view name = {};  ///< instead of the layer's own
};

/// Reads one file into a graph.
class KerasReader {
 public:
  KerasReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
              ImportNotes& notes);

  void read();

  Graph& graph() noexcept { return graph_; }

  // -- values: with the channels last as in the file, with them named first, or both ------------

  Tensor last(KerasHandle value);
  Tensor planar(KerasHandle value);
  bool is_planar(KerasHandle value) const { return values_[value].planar != no_id; }
  KerasHandle keep(Tensor value);
  KerasHandle keep_planar(Tensor value);

  // -- layers -----------------------------------------------------------------------------------

  /// Calls a layer. Throws Error{limit} for too many calls or levels.
  std::vector<KerasHandle> apply(const KerasApplication& application);
  /// The layer that a wrapper has under that name. Lives as long as the reader.
  const KerasLayer& inner(const Json& json);
  Tensor weight(KerasState& state, const KerasWeight& weight);
  /// Opens a module below the current one; returns what `close` takes.
  std::uint32_t open(std::string_view name, std::string_view kind);
  void close(std::uint32_t call, Tensor result);

  void note(std::string text);
  void count_idle(std::string_view class_name) { ++idle_[std::string(class_name)]; }
  void ignore(std::string_view op, std::string_view name, std::string_view value) {
    ignored_.add(op, name, value);
  }
  void spend(std::size_t units);

 private:
  struct Value {
    ValueId last = no_id;
    ValueId planar = no_id;
  };
  struct Mark {
    Graph::Mark graph;
    ModuleId module = 0;
    std::size_t weights = 0;
    std::size_t named = 0;
    std::size_t values = 0;
    KerasCounts counts;
  };

  DeclaredInput input_of(const KerasLayer& layer) const;
  const KerasLayer* first_layer(const KerasLayer& model);
  KerasHandle add_input(const KerasLayer* layer, const DeclaredInput& input);
  std::vector<KerasHandle> run_model(const KerasLayer& model,
                                     const std::vector<KerasOperand>& inputs);
  std::vector<KerasHandle> run_functional(const KerasLayer& model,
                                          const std::vector<KerasHandle>& inputs);
  std::vector<KerasHandle> run_sequential(const KerasLayer& model, KerasHandle input);
  const KerasPlan& plan_of(const KerasLayer& model);
  std::vector<KerasHandle> apply_layer(const KerasApplication& application, KerasState& state);
  std::vector<KerasHandle> append_unknown(const KerasApplication& application);
  void compare(const std::vector<const Json*>& declared, const std::vector<KerasHandle>& results);
  Mark mark() const;
  void rewind(const Mark& mark);
  void add_outputs(const std::vector<KerasHandle>& results, const KerasLayer& root);
  void add_notes();

  const TraceOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  KerasFile file_;
  InputSizes sizes_;
  IgnoredSettings ignored_;
  std::deque<Value> values_;
  std::vector<std::pair<KerasHandle, bool>> named_;  ///< forms made later; true: planar
  std::map<std::pair<const Json*, unsigned>, KerasState> states_;
  std::vector<std::pair<KerasState*, std::pair<ModuleId, std::string>>> made_weights_;
  std::map<const Json*, KerasLayer> inner_;
  std::map<const Json*, KerasPlan> plans_;
  std::map<std::pair<ModuleId, std::string>, ModuleId> modules_;
  UniqueNames names_;
  std::set<std::string> seen_notes_;
  std::map<std::string, std::size_t, std::less<>> classes_, idle_;
  std::set<std::pair<const Json*, unsigned>> counted_;
  std::size_t calls_left_ = 0, units_left_ = 0, depth_ = 0;
  StatedSizes stated_;
  Misfits misfits_;
  KerasCounts counts_;
};

}  // namespace zoometer
