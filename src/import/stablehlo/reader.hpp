#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "import/foreign.hpp"
#include "import/importer.hpp"
#include "import/input_sizes.hpp"
#include "import/scoped_modules.hpp"
#include "import/stablehlo/program.hpp"
#include "import/stablehlo/xla_folding.hpp"
#include "util/unique_names.hpp"
#include "zoometer/ir/tensor.hpp"

namespace zoometer {

/// Integers that are known while the graph is built: constants, sizes, and what is computed from
/// sizes.
struct HloKnown {
  std::vector<std::int64_t> elements;
  bool is_size = false;  ///< computed from sizes, so that more can be
};

/// What a value of a function is in the graph.
struct HloValue {
  ValueId id = no_id;
  const HloKnown* known = nullptr;
  std::uint32_t type = hlo_none;
};

/// One call of a function.
struct HloFrame {
  explicit HloFrame(std::size_t count = 0) : values(count), constants(count) {}

  std::vector<HloValue> values;
  std::vector<XlaConstant> constants;  ///< of each value, as XLA's front end sees it
};

/// What an argument of the entry is, where the file says so.
struct HloArgument {
  enum class Kind : std::uint8_t { input, parameter, buffer };
  std::string name;
  Kind kind = Kind::input;
};

/// What a file has beside its program.
struct HloFile {
  std::string root = {};  ///< the name of the model; empty: that of its entry
  /// What is written for the sizes of the last arguments of `main`: "b", "2*b".
  std::vector<std::vector<std::string>> sizes = {};
  /// The arguments of its entry; none: their locations say what they are.
  std::vector<HloArgument> arguments = {};
};

/// Reads one program into a graph.
class HloReader {
 public:
  HloReader(HloProgram program, HloFile file, const TraceOptions& options, Graph& graph,
            ImportNotes& notes);

  void read();

  Graph& graph() noexcept { return graph_; }
  const HloProgram& program() const noexcept { return program_; }
  ScopedModules& modules() noexcept { return modules_; }

  /// A value as a tensor of the graph. Throws Error{malformed} where nothing made it.
  Tensor enter(HloFrame& frame, std::uint32_t value, std::uint64_t at);
  /// The same for a value of no frame.
  Tensor tensor_of(const HloValue& value, std::uint64_t at);
  const HloKnown* keep(HloKnown known) { return &known_.emplace_back(std::move(known)); }
  /// A constant of the program.
  Tensor add_constant(const HloOperation& operation, const HloAttribute& constant);

  /// Runs a function on values. Throws Error{malformed} for an unknown one and for a recursion,
  /// Error{limit} where functions call each other too often.
  std::vector<HloValue> call(std::string_view function, const std::vector<HloValue>& arguments,
                             std::uint64_t at);
  /// Runs a region within its function; returns what it returns.
  std::vector<HloValue> run(HloFrame& frame, const HloRegion& region,
                            const std::vector<HloValue>& arguments, std::uint64_t at);

  /// What `rewind` returns to.
  struct Mark {
    Graph::Mark graph;
    std::size_t constants = 0, entered = 0;
    std::int64_t xla_flops_left = 0;
  };
  Mark mark() const noexcept {
    return {graph_.mark(), constant_order_.size(), entered_.size(), xla_flops_left_};
  }
  /// Forgets the nodes since then, and the values that they made of what is known.
  void rewind(const Mark& mark);

  void note(std::string text);

 private:
  const HloFunction& choose_entry() const;
  void add_arguments(const HloFunction& entry, HloFrame& frame);
  std::string name_of_argument(const HloFunction& entry, std::size_t index) const;
  std::vector<HloArgument> arguments_of(const HloFunction& entry) const;
  Shape input_shape(const std::string& name, const HloType& type,
                    std::span<const std::string> expressions);
  std::vector<HloValue> run_block(HloFrame& frame, const HloBlock& block);
  void emit(HloFrame& frame, const HloOperation& operation);
  void emit_operation(HloFrame& frame, const HloOperation& operation);
  void count_for_xla(HloFrame& frame, const HloOperation& operation, std::size_t first_node);
  bool is_folded_for_xla(HloFrame& frame, const HloOperation& operation);
  const Shape& shape_of(const HloFrame& frame, std::uint32_t value, std::uint32_t type) const;
  void emit_unknown(HloFrame& frame, const HloOperation& operation);
  void enter_module(std::uint32_t location);
  void spend(std::uint64_t units);

  const TraceOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  HloProgram program_;
  HloFile file_;
  std::vector<HloFunction> functions_;
  std::map<std::string_view, std::size_t> by_name_;
  ScopedModules modules_;
  std::vector<ModuleScope> path_;
  std::deque<HloKnown> known_;
  std::map<std::uint32_t, ValueId> constants_;  ///< by attribute
  std::vector<std::uint32_t> constant_order_;
  std::vector<HloValue*> entered_;  ///< values of open frames that were known and got a node
  UniqueNames names_;
  std::vector<std::string_view> running_;
  InputSizes sizes_;
  Misfits misfits_;
  std::set<std::string> seen_notes_;
  NameCounts operators_;
  std::uint64_t units_left_ = 0;
  std::int64_t xla_flops_left_ = 0;  ///< of operations without a node, until the next one
  std::size_t element_regions_ = 0;  ///< that are open: their operation counts for them
};

}  // namespace zoometer
