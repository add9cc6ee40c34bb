#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "import/importer.hpp"
#include "import/onnx/model.hpp"
#include "import/onnx/modules.hpp"
#include "import/onnx/values.hpp"
#include "zoometer/ir/tensor.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

class OnnxContext;
class OnnxReader;
struct OnnxOperator;
using OnnxFold = bool (*)(OnnxContext& context);

/// Thrown by a handler whose output shapes depend on elements that are not known. The node then
/// becomes an unknown one with the shapes that the file declares.
struct OnnxDataDependent {};

/// One graph, subgraph or function call that is being read.
struct OnnxFrame {
  OnnxFrame(OnnxFrame* outer_frame, std::size_t expected_names)
      : outer(outer_frame),
        scope(outer_frame != nullptr ? &outer_frame->scope : nullptr, expected_names) {}

  const OnnxFrame* outer = nullptr;  ///< whose names are visible; null for functions
  OnnxScope scope;
  std::span<const std::pair<std::string_view, std::int64_t>> opsets;
  std::int64_t default_opset = 1;
  const OnnxContext* call = nullptr;  ///< the call of a function, which its attributes are of
  const OnnxFunction* function = nullptr;
  std::span<const std::string_view> value_infos;
  std::span<const OnnxValueInfo> outputs;
  std::optional<std::unordered_map<std::string_view, std::string_view>>
      declared;  ///< made when asked

  // Of the node that is being read; their memory serves for all.
  std::vector<OnnxValue> node_inputs;
  std::vector<OnnxValue> node_outputs;
  std::vector<ValueId> node_weights;
};

/// What the handler of an operator sees of one node: its inputs, known elements and attributes in,
/// its outputs out. Everything that a file may get wrong is checked here.
class OnnxContext {
 public:
  OnnxContext(OnnxReader& reader, OnnxFrame& frame, const OnnxNode& node);

  OnnxReader& reader() noexcept { return reader_; }
  const OnnxFrame& frame() const noexcept { return frame_; }
  OnnxFrame& frame() noexcept { return frame_; }
  const OnnxNode& node() const noexcept { return node_; }
  /// The version of the operator's domain.
  std::int64_t opset() const noexcept { return opset_; }
  Graph& graph() noexcept;

  // -- inputs -------------------------------------------------------------------------------

  std::size_t input_count() const noexcept { return inputs_.size(); }
  bool has(std::size_t index) const noexcept {
    return index < inputs_.size() && inputs_[index].kind != OnnxValue::Kind::absent;
  }
  /// Throws Error{malformed} where the input is absent.
  const OnnxValue& value(std::size_t index) const;
  const Shape& shape(std::size_t index) const;
  std::int64_t rank(std::size_t index) const { return shape(index).rank(); }
  DType dtype(std::size_t index) const;

  /// The input as a tensor of the graph.
  Tensor in(std::size_t index);
  /// The same, or an empty handle where the input is absent.
  Tensor optional_in(std::size_t index);
  /// The same for an input that is a weight wherever it comes from the file.
  Tensor weight(std::size_t index);
  Tensor optional_weight(std::size_t index);
  Tensor statistic(std::size_t index);
  std::vector<Tensor> all_inputs(std::size_t from = 0);

  /// The input's elements, or null where they are not known (or are many).
  const KnownTensor* known(std::size_t index) const;
  /// The input's elements; throws OnnxDataDependent where they are not known.
  const KnownTensor& elements(std::size_t index) const;
  std::vector<std::int64_t> integers(std::size_t index) const;
  std::int64_t integer(std::size_t index) const;
  /// The one number that a constant input holds; nothing for weights.
  std::optional<double> constant_number(std::size_t index) const;

  // -- attributes ---------------------------------------------------------------------------

  const OnnxAttribute* attribute(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double real(std::string_view name, double otherwise) const;
  std::string_view text(std::string_view name, std::string_view otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::optional<std::vector<double>> reals(std::string_view name) const;
  /// A size that is an attribute in old versions and an input in new ones; nothing where it is
  /// neither. Throws OnnxDataDependent for an input that is not known.
  std::optional<std::vector<std::int64_t>> integers(std::string_view name, std::size_t input) const;

  // -- outputs ------------------------------------------------------------------------------

  std::size_t output_count() const noexcept { return node_.outputs.size(); }
  bool wants(std::size_t index) const noexcept {
    return index < node_.outputs.size() && !node_.outputs[index].empty();
  }
  void out(Tensor tensor) { out(0, tensor); }
  void out(std::size_t index, Tensor tensor);
  void out(std::size_t index, const KnownTensor* known);
  void out_value(std::size_t index, const OnnxValue& value);
  std::span<const OnnxValue> outputs() const noexcept { return outputs_; }
  /// The declared type of an output, with symbolic sizes filled in (bounded where nothing else says
  /// what they are); nothing where there is none.
  std::optional<OutputType> declared(std::size_t index);

  // -- making values ------------------------------------------------------------------------

  const KnownTensor* make_integers(DType dtype, const Shape& shape,
                                   std::span<const std::int64_t> elements);
  const KnownTensor* make_reals(DType dtype, const Shape& shape, std::span<const double> elements);
  const KnownTensor* make_uniform(DType dtype, const Shape& shape, double value);
  /// Appends a node of which the first output's type is inferred and the others' are given.
  template <class Attrs>
  Tensor append(const OpDef& op, const Attrs& attrs, std::span<const ValueId> inputs,
                std::span<const OutputType> more);
  template <class Attrs>
  Tensor append(const OpDef& op, const Attrs& attrs, std::initializer_list<Tensor> inputs);

  // -- checks -------------------------------------------------------------------------------

  /// An axis that may count from the end, as one from the start. Throws Error{malformed}.
  std::int64_t axis(std::int64_t axis, std::int64_t rank) const;
  /// A list of at most 8 sizes or axes. Throws Error{malformed}.
  Ints short_list(std::span<const std::int64_t> list) const;
  Ints axes(std::span<const std::int64_t> list, std::int64_t rank) const;
  void require(bool holds, std::string_view expected) const {
    if (!holds) [[unlikely]]
      fail(expected);
  }
  [[noreturn]] void fail(std::string_view expected) const;
  void note(std::string text);

 private:
  friend class OnnxReader;

  OnnxReader& reader_;
  OnnxFrame& frame_;
  const OnnxNode& node_;
  std::int64_t opset_ = 1;
  std::vector<OnnxValue>& inputs_;
  std::vector<OnnxValue>& outputs_;
};

/// Reads one model into a graph.
class OnnxReader {
 public:
  OnnxReader(const MappedFile& file, const ImportOptions& options, Graph& graph,
             ImportNotes& notes);

  void read();

  // -- for handlers and control flow ----------------------------------------------------------

  Graph& graph() noexcept { return graph_; }
  const OnnxRecords& records() const noexcept { return records_; }
  OnnxModules& modules() noexcept { return modules_; }
  void note(std::string text);

  const Shape& shape_of(const OnnxValue& value) const;
  DType dtype_of(const OnnxValue& value) const;
  /// The value's elements, or null where they are not known or are many.
  const KnownTensor* known(const OnnxValue& value);
  /// The value in the graph, which it enters now if it was stored or known only.
  enum class Role : std::uint8_t {
    data,
    weight,     ///< learnt, even if nodes make it
    statistic,  ///< gathered in training
  };
  ValueId enter(const OnnxValue& value, Role role, std::string_view name);
  StoredTensor* store(const OnnxTensor& tensor, bool is_constant);
  const std::vector<OnnxValue>* keep_sequence(std::vector<OnnxValue> elements);
  /// A weight that shares its storage with another one, under a name of its own.
  OnnxValue alias(const OnnxValue& weight, std::string_view name);

  /// Reads the nodes of a subgraph with these values for its inputs, and returns its outputs.
  std::vector<OnnxValue> run_subgraph(const OnnxGraph& body, OnnxFrame& outer,
                                      std::span<const OnnxValue> inputs);
  /// What reading a subgraph once costs of the budget.
  std::int64_t units(const OnnxGraph& body) const;
  /// Whether that many units are left beyond what the file itself needs.
  bool affordable(std::int64_t units, std::int64_t times) const noexcept;
  /// Takes units from the budget; throws Error{limit} where it is used up.
  void spend(std::int64_t units);
  /// Gives back the nodes that were appended since; see `Graph::Mark`.
  struct Mark {
    Graph::Mark graph;
    std::size_t entered = 0;
  };
  Mark mark() const;
  void rewind(const Mark& mark);

  /// The declared type of a name of this frame, with symbolic sizes filled in.
  std::optional<OutputType> declared(OnnxFrame& frame, std::string_view name);
  const KnownTensor* keep(KnownTensor known, std::span<const std::int64_t> integers,
                          std::span<const double> reals);

 private:
  friend class OnnxContext;

  void read_opsets();
  void read_graph();
  void read_metadata(const OnnxGraph& graph);
  void enter_declared(OnnxFrame& frame);
  void add_inputs(const OnnxGraph& graph, OnnxFrame& frame);
  void add_input(const OnnxValueInfo& info, std::size_t index, OnnxFrame& frame);
  Shape input_shape(const OnnxValueInfo& info, const OnnxType& type, std::size_t index);
  OnnxValue sequence_input(const OnnxValueInfo& info, const OnnxType& type);
  void add_initializers(const OnnxGraph& graph, OnnxFrame& frame);
  std::vector<bool> find_weight_inputs(const OnnxGraph& graph) const;
  void add_outputs(const OnnxGraph& graph, OnnxFrame& frame);
  void add_unused_weights();
  void check_declared(OnnxFrame& frame);
  void check_external(const OnnxTensor& tensor);
  StoredTensor* add_stored(const StoredTensor& stored);

  void run_nodes(std::span<const std::string_view> nodes, OnnxFrame& frame);
  void run_node(const OnnxNode& node, OnnxFrame& frame, std::span<const std::string_view> later);
  void locate(Error& error, const OnnxNode& node) const;
  void call_function(OnnxContext& context, const OnnxFunction& function);
  void append_unknown(OnnxContext& context);
  /// Reads a node, and tells whether it makes a value of that name.
  bool makes(std::string_view message, std::string_view name, OnnxNode& node) const;
  [[noreturn]] void undefined_name(const OnnxNode& node, std::string_view name,
                                   std::span<const std::string_view> later);
  [[noreturn]] void refuse_duplicate_name(std::string_view name,
                                          std::span<const std::string_view> nodes);
  /// What an operator or a function is called.
  struct OperatorKey {
    std::string_view domain;
    std::string_view op_type;
    std::string_view overload;
    friend bool operator==(const OperatorKey&, const OperatorKey&) = default;
  };
  struct OperatorHash {
    std::size_t operator()(const OperatorKey& key) const noexcept {
      constexpr std::hash<std::string_view> hash;
      return (hash(key.domain) * 31 + hash(key.overload)) * 31 + hash(key.op_type);
    }
  };
  /// What reads a node, by its operator.
  struct Handlers {
    const OnnxFunction* function = nullptr;
    const OnnxOperator* row = nullptr;
    OnnxFold fold = nullptr;
  };
  const Handlers& handlers_for(const OnnxNode& node);
  bool emit(OnnxContext& context, const OnnxOperator& row);
  ParameterKind parameter_kind(const OnnxValue& value, Role role, std::string_view name) const;
  std::int64_t size_of(const OnnxDimension& dimension);

  const MappedFile& file_;
  const ImportOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  OnnxRecords records_;
  OnnxModules modules_;
  OnnxModel model_;
  Arena stored_arena_;
  std::vector<StoredTensor*> stored_;
  std::deque<std::vector<OnnxValue>> sequences_;
  std::unordered_map<std::string_view, std::int64_t> dims_;
  std::set<std::string_view> dims_seen_;  // in the inputs
  std::unordered_set<std::string> noted_;
  std::unordered_map<OperatorKey, Handlers, OperatorHash> handlers_;
  std::array<std::pair<OperatorKey, const Handlers*>, 128> recent_handlers_ = {};
  std::unordered_map<const char*, StoredTensor*> stored_by_place_;  // of subgraphs read repeatedly
  std::vector<ValueId*> entered_;  // where `enter` left ids, so that they can be taken back
  std::vector<std::string_view> declared_names_;  // of parameters, in the state dict's order
  std::unordered_map<std::string_view, ParameterKind> declared_kinds_;
  std::vector<std::string> assumed_;  // symbolic sizes that were taken as 1
  std::int64_t units_left_ = 0;
  std::int64_t known_left_ = 0;
  int depth_ = 0;
  std::size_t shapes_declared_ = 0;
  std::size_t shapes_differing_ = 0;
};

// -- inline parts -----------------------------------------------------------------------------

inline Graph& OnnxContext::graph() noexcept { return reader_.graph(); }

template <class Attrs>
Tensor OnnxContext::append(const OpDef& op, const Attrs& attrs, std::span<const ValueId> inputs,
                           std::span<const OutputType> more) {
  Graph& target = graph();
  const NodeId node = target.append(op, attrs, inputs);
  if (!more.empty()) target.add_declared_outputs(node, more);
  return {&target, target.nodes()[node].first_output};
}

template <class Attrs>
Tensor OnnxContext::append(const OpDef& op, const Attrs& attrs,
                           std::initializer_list<Tensor> inputs) {
  std::array<ValueId, 16> ids{};
  std::size_t count = 0;
  for (const Tensor& tensor : inputs) ids[count++] = tensor.id;
  return append(op, attrs, std::span<const ValueId>(ids.data(), count), {});
}

}  // namespace zoometer
