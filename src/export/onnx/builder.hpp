#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "report/graph_writer.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// The version of ONNX that is written where it suffices: the newest that onnx 1.12 checks.
inline constexpr std::int64_t onnx_opset = 17;
/// The one that is written for antialiased resizes and bitwise operators of integers.
inline constexpr std::int64_t newer_onnx_opset = 18;
inline constexpr std::int64_t onnx_ir_version = 8;

/// TensorProto.DataType of an element type. Throws Error{unsupported} if the opset has none.
int onnx_type_of(DType dtype);
/// The same for any version of ONNX; 0 if there is none.
int find_onnx_type(DType dtype) noexcept;

/// Whether integers of that type represent real numbers with the scale of their tensor.
bool is_quantised(DType dtype) noexcept;

/// The domain and version of operators that the standard lacks (see docs/export.md).
inline constexpr std::string_view own_domain = "zoometer";
inline constexpr std::int64_t own_opset = 1;

/// Thrown and caught within the writer: why the standard has no equivalent of an operator.
struct OnnxMissing {
  std::string reason;
};

/// Thrown and caught within the writer: an operator of the graph needs this version.
struct OnnxNeedsOpset {
  std::int64_t version = 0;
};

/// A named attribute of an ONNX node.
struct OnnxArgument {
  std::string_view name;
  std::variant<std::int64_t, double, std::string_view, Ints, DType, std::span<const std::int64_t>,
               std::span<const double>>
      value;
};
using OnnxArguments = std::initializer_list<OnnxArgument>;
using OnnxNames = std::initializer_list<std::string_view>;

/// A ValueInfoProto. A size of -1 depends on data and is left open.
std::string onnx_value_info(std::string_view name, DType dtype, const Ints& sizes);
/// The same for a type in TensorProto.DataType.
std::string onnx_value_info(std::string_view name, int type, const Ints& sizes);

/// The graph within a node such as Loop, as encoded messages.
struct OnnxBody {
  std::string name;
  std::string nodes;                 ///< node fields of a GraphProto
  std::vector<std::string> inputs;   ///< ValueInfoProto each
  std::vector<std::string> outputs;  ///< ValueInfoProto each
};

/// A NodeProto.
struct OnnxNodeFields {
  std::string_view op_type;
  std::string_view name;
  std::span<const std::string> inputs;
  std::span<const std::string> outputs;
  std::span<const OnnxArgument> arguments{};
  const OnnxBody* body = nullptr;
  std::string_view domain{};
};

/// The names of a value's scale and zero point: real number = scale x (integer - zero point).
struct OnnxScale {
  std::string scale;
  std::string zero_point;
};

/// The scale of a weight's integers, which the graph does not contain: a float32 number for each
/// index of the weight's first axis.
struct OnnxWeightScale {
  std::string name;  ///< the weight's with "_scale"
  ParameterId weight = no_id;
};

/// Writes the fields of a GraphProto: ONNX nodes with unique names, in the scope of the
/// current module.
class OnnxBuilder {
 public:
  explicit OnnxBuilder(const Graph& graph, std::int64_t opset = onnx_opset);

  /// The version of ONNX that is written.
  std::int64_t opset() const noexcept { return opset_; }

  const Graph& graph() const noexcept { return graph_; }
  /// The ONNX name of a value; empty for an absent value. A node's outputs are named when it is
  /// written.
  const std::string& name_of(ValueId value) const noexcept;

  /// Moves on to a node of the graph: the next nodes are named after its module.
  void enter(NodeId node);
  /// Names an output of the current node after the ONNX node that makes it.
  const std::string& name_output(ValueId value, std::string_view node_name, std::size_t index);
  /// An unused name for an ONNX node of that type.
  std::string fresh_name(std::string_view op_type);
  void add_node(const OnnxNodeFields& fields);
  /// A Constant node; returns its output's name.
  std::string add_constant(DType dtype, std::span<const std::int64_t> sizes,
                           std::string_view bytes);
  /// Names the outputs of the file: the graph's, and after them `further` ones. Makes an Identity
  /// node for each that has no node of its own.
  void add_outputs(std::span<const Port> further);
  /// The names of the graph's outputs, after `add_outputs`.
  std::span<const std::string> outputs() const noexcept { return outputs_; }

  /// Runs `write` with a separate list of nodes, and returns that list's node fields.
  std::string nodes_of(const std::function<void()>& write);

  const std::string& nodes() const noexcept { return nodes_; }
  /// The operators written in our own domain with the reason, and how often.
  const std::map<std::string, std::size_t>& own_nodes() const noexcept { return own_nodes_; }
  void count_own(const std::string& what) { ++own_nodes_[what]; }
  /// Removes the nodes after the first `size` bytes.
  void rewind(std::size_t size) { nodes_.resize(size); }

  // -- integers instead of real numbers -----------------------------------------------------------

  /// The scale of a value's integers, or null.
  const OnnxScale* scale_of(ValueId value) const noexcept;
  void set_scale(ValueId value, OnnxScale scale) { scales_[value] = std::move(scale); }
  /// The name of a weight's scale, which becomes a tensor of the file.
  std::string weight_scale(ParameterId weight);
  std::span<const OnnxWeightScale> weight_scales() const noexcept { return weight_scales_; }

  // -- sizes that depend on data ----------------------------------------------------------------

  /// The axis of a value whose size depends on data, if any.
  std::optional<std::int64_t> open_axis(ValueId value) const noexcept;
  void set_open_axis(ValueId value, std::int64_t axis) { open_axes_[value] = axis; }

 private:
  void name_ports();
  void add_output(const Port& port);
  std::string unique(std::string_view name);
  const std::string& scope_of(std::size_t place);

  const Graph& graph_;
  std::int64_t opset_;
  ModulePlaces places_;
  std::vector<std::string> scopes_;     // by place, "/layer1/layer1.0_1"
  std::vector<std::string> raw_names_;  // by place, "layer1.0"
  std::vector<std::string> names_;      // by value
  std::vector<std::string> outputs_;
  TextSet taken_;
  TextMap<std::size_t> counts_;  // of names for nodes
  std::map<ValueId, std::int64_t> open_axes_;
  std::map<ValueId, OnnxScale> scales_;
  std::vector<OnnxWeightScale> weight_scales_;
  std::map<std::string, std::size_t> own_nodes_;
  std::string nodes_;
  std::string scope_;
  TextMap<int> suffixes_;  // the last one of each name of a tensor that was taken
};

/// Writes one node of a graph as ONNX nodes.
class OnnxStep {
 public:
  OnnxStep(OnnxBuilder& builder, const NodeView& node) : builder_(builder), node_(node) {}
  /// The same node on real numbers instead of its quantised inputs; `reals` are their names. Its
  /// result is then `result`, which is not a value of the graph.
  OnnxStep(OnnxBuilder& builder, const NodeView& node, std::vector<std::string> reals)
      : builder_(builder),
        node_(node),
        reals_(std::move(reals)) {}

  /// The type of the operands that the constructor took instead of the node's inputs.
  void set_operand_type(DType dtype) noexcept { operand_type_ = dtype; }

  const NodeView& node() const noexcept { return node_; }
  template <class Attrs>
  const Attrs& attrs() const noexcept {
    return node_.attrs<Attrs>();
  }
  bool has(std::size_t index) const noexcept { return node_.has(index); }
  const std::string& in(std::size_t index) const {
    return reals_ ? (*reals_)[index] : builder_.name_of(node_.input(index));
  }
  std::vector<std::string> inputs() const;
  const Shape& shape(std::size_t index) const noexcept { return node_.in(index); }
  DType dtype(std::size_t index = 0) const noexcept;
  DType out_dtype(std::size_t index = 0) const noexcept;
  /// An axis counted from the start, for x of that rank.
  std::int64_t axis(std::int64_t axis, std::size_t input = 0) const noexcept;

  /// Adds an ONNX node and returns the name of its output.
  std::string add(std::string_view op_type, OnnxNames inputs, OnnxArguments arguments = {});
  std::string add(std::string_view op_type, std::span<const std::string> inputs,
                  OnnxArguments arguments = {});
  /// Adds the ONNX node that makes the output of this node, or all of its outputs.
  void make(std::string_view op_type, OnnxNames inputs, OnnxArguments arguments = {});
  void make(std::string_view op_type, std::span<const std::string> inputs,
            OnnxArguments arguments = {});
  /// The same for one of several outputs.
  void make_output(std::size_t index, std::string_view op_type, OnnxNames inputs,
                   OnnxArguments arguments = {});

  /// A node of several outputs; returns their names.
  std::vector<std::string> add_several(std::string_view op_type, OnnxNames inputs,
                                       std::size_t outputs, OnnxArguments arguments);

  /// A node with a graph of its own as `body`; returns the names of its outputs.
  std::vector<std::string> add_body(std::string_view op_type, OnnxNames inputs, std::size_t outputs,
                                    const OnnxBody& body);

  /// A reduction over axes, which versions before 18 take as an attribute.
  std::string add_reduce(std::string_view op_type, std::string_view x, const Ints& axes,
                         bool keepdims = true);
  void make_reduce(std::string_view op_type, std::string_view x, const Ints& axes,
                   bool keepdims = true);
  /// The file is written in at least that version.
  void require_opset(std::int64_t version) const {
    if (builder_.opset() < version) throw OnnxNeedsOpset{version};
  }

  // -- constants --------------------------------------------------------------------------------

  std::string integers(std::span<const std::int64_t> values);
  std::string integers(std::initializer_list<std::int64_t> values) {
    return integers(std::span(values.begin(), values.size()));
  }
  /// Of rank 0.
  std::string integer(std::int64_t value);
  std::string number(double value, DType dtype = DType::float32);
  std::string reals(std::span<const double> values, const Shape& sizes);

  // -- helpers ----------------------------------------------------------------------------------

  std::string cast(std::string_view x, DType from, DType to);
  std::string reshape(std::string_view x, const Ints& sizes);
  std::string unsqueeze(std::string_view x, std::int64_t axis);
  /// x of that rank with its last two dimensions swapped.
  std::string transposed(std::string_view x, std::int64_t rank);
  /// x[..., start:end, ...].
  std::string slice(std::string_view x, std::int64_t axis, std::int64_t start, std::int64_t end,
                    std::int64_t step = 1);
  /// The last axis of x, one tensor for each index.
  std::string column(std::string_view x, std::int64_t axis, std::int64_t index);
  /// An int64 tensor of one element: the real size of an axis.
  std::string size_of(std::string_view x, std::int64_t axis);

  /// The operands in one type and, if one has fewer elements than its bound, cut to the same
  /// length. A missing second one is the attribute's number.
  std::pair<std::string, std::string> operands(DType common);
  /// The type in which PyTorch compares them: a number or a tensor without dimensions does not
  /// change the type of the other unless it is of a higher kind.
  DType compared_type() const;
  /// An input in another element type, with the real length of the input `like`.
  std::string operand(std::size_t index, DType dtype);

  OnnxBuilder& builder() noexcept { return builder_; }
  const std::string& result() const noexcept { return result_; }
  /// Adds the node as an operator of our own domain, with the attributes of its declaration.
  void make_own();

  /// Throws OnnxMissing: with these attributes, the operator has no equivalent in the standard.
  [[noreturn]] void fail(std::string reason) const;

 private:
  DType seen(DType dtype) const noexcept;
  std::string name_result(std::string_view node_name, std::size_t output, std::size_t index);

  OnnxBuilder& builder_;
  NodeView node_;
  std::optional<std::vector<std::string>> reals_;
  std::string result_;
  std::optional<DType> operand_type_;
};

}  // namespace zoometer
