#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "import/foreign.hpp"
#include "import/importer.hpp"
#include "import/input_sizes.hpp"
#include "import/scoped_modules.hpp"
#include "import/tflite/model.hpp"
#include "util/unique_names.hpp"
#include "zoometer/ir/tensor.hpp"

namespace zoometer {

struct TfliteOperator;

/// Integers that are known while the graph is built: constants, sizes, and what is computed from
/// them.
struct TfliteKnown {
  Shape shape;
  DType dtype = DType::int32;
  std::vector<std::int64_t> elements;
  bool guessed = false;  ///< an element depends on data and has 1 in its place
};

/// What a tensor of a subgraph is in the graph.
struct TfliteValue {
  ValueId id = no_id;
  ValueId planar = no_id;  ///< the same with the channels named first, where something has it so
  const TfliteKnown* known = nullptr;
};

/// One reading of a subgraph.
struct TfliteFrame {
  const TfliteSubgraph& subgraph;
  std::uint32_t index;
  std::vector<TfliteValue> values;  ///< by tensor
};

/// What a constant is to its operator.
enum class TfliteRole : std::uint8_t {
  data,
  weight,  ///< a parameter whatever its type: the weight or bias of a product
};

/// Reads one file into a graph.
class TfliteReader {
 public:
  /// `bundled` is the name of the model in its bundle, which its entries begin with.
  TfliteReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
               ImportNotes& notes, std::string bundled = {});

  void read();

  Graph& graph() noexcept { return graph_; }
  TfliteModel& model() noexcept { return model_; }
  ScopedModules& modules() noexcept { return modules_; }

  /// A tensor of the frame as a value of the graph. Throws Error{malformed} where nothing makes it.
  Tensor enter(TfliteFrame& frame, std::int32_t tensor, TfliteRole role);
  /// A scale that the file stores beside a tensor.
  Tensor scale_of(TfliteFrame& frame, std::int32_t tensor);
  const TfliteKnown* known(TfliteFrame& frame, std::int32_t tensor);
  const TfliteKnown* keep(TfliteKnown known);
  /// Runs a subgraph on values; returns those of its outputs. Throws Error{limit}, and
  /// Error{malformed} for a recursion.
  std::vector<TfliteValue> run(std::uint32_t subgraph, const std::vector<TfliteValue>& inputs,
                               std::uint64_t at);

  /// What `rewind` returns to.
  struct Mark {
    Graph::Mark graph;
    std::size_t entered = 0;
  };
  Mark mark() const noexcept { return {graph_.mark(), entered_.size()}; }
  void rewind(const Mark& mark);

  void note(std::string text);
  void ignore(std::string_view op, std::string_view name, std::string_view value) {
    ignored_.add(op, name, value);
  }
  void note_hybrid() noexcept { ++hybrid_; }
  void note_fused() noexcept { ++fused_; }
  /// Whether a size of the file is not known or was changed, so that stored sizes say nothing.
  bool is_dynamic() const noexcept { return is_dynamic_; }

 private:
  const TfliteEntry& choose_entry() const;
  std::string name_of(const TfliteEntry& entry) const;
  void add_inputs(const TfliteEntry& entry, TfliteFrame& frame);
  void add_outputs(const TfliteEntry& entry, TfliteFrame& frame);
  void run_nodes(TfliteFrame& frame);
  void emit(TfliteFrame& frame, const TfliteNode& node);
  void forget(TfliteFrame& frame, const TfliteNode& node, const Mark& before);
  void enter_module(std::string_view tensor);
  void emit_unknown(TfliteFrame& frame, const TfliteNode& node, std::string_view name);
  void compare(const TfliteFrame& frame, const TfliteNode& node);
  void add_notes();

  const TraceOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  std::string bundled_;
  TfliteModel model_;
  ScopedModules modules_;
  std::vector<ModuleScope> path_;
  IgnoredSettings ignored_;
  std::deque<TfliteKnown> known_;
  /// By subgraph and tensor: the value of a constant.
  std::map<std::pair<std::uint32_t, std::int32_t>, ValueId> constants_;
  std::map<std::uint32_t, ParameterId> by_buffer_;
  struct Entered {
    std::pair<std::uint32_t, std::int32_t> constant;
    std::uint32_t buffer;
  };
  std::vector<Entered> entered_;
  UniqueNames names_;
  std::vector<std::uint32_t> running_;
  InputSizes sizes_;
  NameCounts operators_;  ///< of the entry, by name
  std::map<std::string, std::size_t, std::less<>> compiled_;
  std::set<std::string> seen_notes_;
  std::size_t units_left_ = 0;
  StatedSizes stated_;
  Misfits misfits_;
  std::size_t hybrid_ = 0, fused_ = 0;
  bool is_dynamic_ = false;
};

}  // namespace zoometer
