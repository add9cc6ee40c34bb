#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/module_tree.hpp"
#include "import/torch/aten.hpp"
#include "import/torch/program_memory.hpp"
#include "import/torch/program_schema.hpp"
#include "util/seeded_hash.hpp"

// The graphs of an exported program: nodes, module calls and values.

namespace zoometer {

/// The parts of "torch.ops.aten.add_.Tensor", and the operator that they name.
struct OperatorTarget {
  std::string_view space;             ///< "aten"
  std::string_view name;              ///< "add"
  std::string_view overload;          ///< "Tensor"
  bool in_place = false;              ///< writes its first operand
  const AtenOperator* row = nullptr;  ///< null for an unknown operator
};

/// What all graphs of one program share while it is read.
struct ProgramSession {
  Graph& graph;
  ImportNotes& notes;
  ProgramSizes& sizes;
  ModuleTree& tree;
  ModuleScopes& scopes;
  NameMap<OperatorTarget> targets = {};
  Arena scratch = {};                  ///< for the node being read
  IgnoredSettings ignored = {};        ///< arguments that no translation read
  std::optional<DType> autocast = {};  ///< the type of products, where autocast is on
  std::size_t node_notes = 0;          ///< notes on single nodes, which may be many
  /// JSON values of inner graphs that may still be read, about 80 for each node: a few loops within
  /// loops could ask for billions.
  std::int64_t values_left = 5'000'000;

  bool affords(std::int64_t values, std::int64_t times) const noexcept {
    return values <= values_left / std::max<std::int64_t>(1, times);
  }
  void spend(std::int64_t values);

  /// Adds a note on a single node. After 19 of them one says that there are more.
  void note(std::string text);

  /// The state to which a failed attempt to read an inner graph goes back.
  struct Checkpoint {
    Graph::Mark mark;
    IgnoredSettings ignored;
  };
  Checkpoint checkpoint() const { return {graph.mark(), ignored}; }
  void rewind(const Checkpoint& before);
};

/// Reads one graph: the program's own, or one inside a higher-order operator.
class GraphReader {
 public:
  /// `outer`: the module calls that are open around the graph; empty for the program's own.
  GraphReader(ProgramSession& session, const Json& graph,
              std::span<const ModuleScopes::Level> outer, int depth);

  /// The names of the graph's tensor inputs and outputs.
  const std::vector<std::string_view>& inputs() const noexcept { return inputs_; }
  const std::vector<std::string_view>& outputs() const noexcept { return outputs_; }
  /// The declared sizes of a value, or null.
  const Json* declared_sizes(std::string_view name) const noexcept;
  OutputType declared_type(std::string_view name) const;
  /// Whether the graph says that a value requires a gradient.
  bool has_gradient(std::string_view name) const noexcept;

  /// Whether a node reads a value, or a result is it.
  bool is_read(std::string_view name) const noexcept;
  /// Gives an input its value.
  void bind(std::string_view name, ValueId value);
  /// Counts a value as used after the last node.
  void keep(std::string_view name);
  void read_nodes();
  /// The value of a name, or no_id.
  ValueId find(std::string_view name) const noexcept;

 private:
  struct Slot {
    ValueId value = no_id;
    std::uint32_t last_use = 0;  ///< 1 + the index of the last node that reads it; 0: none
  };
  struct OpenCall {
    std::string_view text;
    std::uint32_t call = 0;
    std::uint32_t first_slot = 0;
  };

  void collect_slots();
  void add_slot(std::string_view name);
  Slot& get_slot(std::string_view name);
  ValueId get_value(std::string_view name);

  void read_node(const Json& node, std::uint32_t index);
  void refresh(std::string_view name);
  void store(std::string_view name, ValueId value);
  void follow_memory(const Json& node, const OperatorTarget& target);
  void call_operator(const Json& node, const OperatorTarget& target);
  void spell_products(const Json& node, const OperatorTarget& target, std::size_t first_node);
  bool note_ignored(const AtenCall& call, const AtenOperator& row);
  void mark_stand_ins(std::size_t first_node, std::string_view name);
  void cast_operands(const OperatorTarget& target, const std::optional<OutputType>& declared);
  void add_kernel(const KernelMemory& memory, std::size_t first_node);
  struct Inlined;
  Inlined parse_inlined(const Json& node);
  std::optional<std::vector<ValueId>> run_graph(const Json& graph,
                                                std::span<const ModuleScopes::Level> around,
                                                std::span<const ValueId> operands);
  bool inline_once(const OperatorTarget& target, const Inlined& inlined,
                   std::span<const ModuleScopes::Level> around);
  bool inline_branches(const Json& node, const Inlined& inlined,
                       std::span<const ModuleScopes::Level> around);
  bool inline_while(const Json& node, const Inlined& inlined,
                    std::span<const ModuleScopes::Level> around);
  bool inline_scan(const Json& node, const Inlined& inlined, std::size_t state_lists,
                   std::span<const ModuleScopes::Level> around);
  void keep_written(const Json& node);
  bool inline_graph(const Json& node, const OperatorTarget& target,
                    std::span<const ModuleScopes::Level> levels);
  void append_unknown(const OperatorTarget& target);
  void append_wrapped(const Json& node);
  class DeclaredResults;
  void append_missing(const OperatorTarget& target, std::size_t output);
  void bind_results(const Json& node, const OperatorTarget& target, std::size_t first_value);
  void check_declared(std::string_view name, ValueId value, const Json& node);
  void name_node(const Json& node, const OperatorTarget& target, std::size_t first_value);

  void enter(std::span<const ModuleScopes::Level> levels, std::uint32_t node);
  void leave(std::size_t depth, std::uint32_t node);

  void parse_arguments(const Json& node, rapidjson::SizeType first = 0);
  void parse_argument(const Json& union_value, Argument& result);
  template <class T, class Convert>
  std::span<const T> parse_list(const Json& list, const Convert& convert);
  std::int64_t parse_symbolic_integer(const Json& argument);
  void parse_symbolic_number(const Json& argument, Argument& result);

  ProgramSession& session_;
  const Json& json_;
  std::vector<ModuleScopes::Level> outer_;
  int depth_;
  NameMap<std::uint32_t> slot_of_;
  NameMap<const Json*> meta_of_;
  NameMap<const Json*> symbol_of_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> first_slot_;  ///< the first of each node, and the end
  std::vector<std::string_view> inputs_;
  std::vector<std::string_view> outputs_;
  std::vector<OpenCall> open_;
  ProgramMemory memory_;
  bool may_write_ = false;  ///< some operator's name says that it writes to an operand
  // Of the node being read:
  std::vector<Argument> arguments_;
  std::vector<std::string_view> output_names_;
  std::vector<ValueId> results_;
  std::vector<std::pair<std::size_t, ValueId>> written_;  ///< operands that an inner graph wrote
  std::vector<std::pair<std::string_view, ValueId>> stored_;  ///< by an inner graph in its operands
};

}  // namespace zoometer
