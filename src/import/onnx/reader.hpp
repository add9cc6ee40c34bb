#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "import/importer.hpp"
#include "import/onnx/context.hpp"
#include "import/onnx/given.hpp"
#include "import/onnx/ignored.hpp"
#include "import/onnx/model.hpp"
#include "import/onnx/modules.hpp"
#include "import/onnx/values.hpp"
#include "import/torch/symbolic.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

/// "domain::Conv 'name'", or "Conv of 'output'".
std::string node_title(const OnnxNode& node);

inline std::string in_quotes(std::string_view name) { return "'" + std::string(name) + "'"; }

/// The key of the metadata that lists the inputs which are weights, a line each.
inline constexpr std::string_view onnx_weights_key = "zoometer.weights";

/// The values of a file's graph by their names in the file.
using OnnxValues = NameMap<OnnxValue>;

/// One graph, subgraph or function call that is being read.
struct OnnxFrame {
  OnnxFrame(OnnxFrame* outer_frame, std::size_t expected_names)
      : outer(outer_frame),
        scope(outer_frame != nullptr ? &outer_frame->scope : nullptr, expected_names) {}

  const OnnxFrame* outer = nullptr;  ///< whose names are visible; null for functions
  OnnxScope scope;
  std::span<const std::pair<std::string_view, std::int64_t>> opsets;
  std::int64_t default_opset = 1;
  const OnnxContext* call = nullptr;  ///< of a function: has its attributes
  const OnnxFunction* function = nullptr;
  std::span<const std::string_view> value_infos;
  std::span<const OnnxValueInfo> outputs;
  std::span<const std::string_view> nodes;
  /// By name, the channels without padding of values in blocks of channels; made when asked.
  std::optional<NameMap<std::int64_t>> channels_in_blocks;
  std::optional<NameMap<std::string_view>> declared;  ///< made when asked

  // Of the node that is being read. The memory is reused from node to node.
  std::vector<OnnxValue> node_inputs;
  std::vector<OnnxValue> node_outputs;
  std::vector<ValueId> node_weights;
};

/// In which order the nodes of graphs, subgraphs and functions are read.
enum class OnnxOrder : std::uint8_t {
  as_written,  ///< nearly all files have a topological order
  sorted,
};

/// Thrown where a file has no topological order: it has to be read again, sorted.
struct OnnxOutOfOrder {};

/// Reads one model into a graph.
class OnnxReader {
 public:
  static constexpr std::size_t most_known = 4096;  ///< elements of a tensor that are worth knowing

  OnnxReader(const MappedFile& file, const TraceOptions& options, Graph& graph, ImportNotes& notes,
             OnnxOrder order = OnnxOrder::as_written);

  /// Reads the file. `names` receives the values by name, which are valid as long as the reader.
  /// Throws OnnxOutOfOrder where a name is undefined in a file that is read as it is written.
  void read(OnnxValues* names = nullptr);

  // -- for handlers and control flow ----------------------------------------------------------

  Graph& graph() noexcept { return graph_; }
  const OnnxRecords& records() const noexcept { return records_; }
  OnnxModules& modules() noexcept { return modules_; }
  OnnxGiven& given() noexcept { return given_; }
  void note(std::string text);
  /// The same for notes of which a file may cause many: after a few of a kind, `rest` is noted.
  void note_some(std::string_view kind, std::string text, std::string rest);

  const Shape& shape_of(const OnnxValue& value) const;
  DType dtype_of(const OnnxValue& value) const;
  /// The value's elements, or null where they are not known or are many.
  const KnownTensor* known(const OnnxValue& value);
  /// Whether it is a constant that may be learnt, by its type and size, or computed from one.
  bool is_learnt(const OnnxValue& value) const;
  /// Whether it may be learnt, but all its elements are this number.
  bool is_filled(const OnnxValue& value, double number) const;
  using Role = OnnxRole;
  /// The value in the graph, which it enters now if it was stored or known only.
  ValueId enter(const OnnxValue& value, Role role, std::string_view name);
  /// Keeps a tensor of the file. One that loops and functions read repeatedly is the same each
  /// time, by its place in the file.
  StoredTensor* store(const OnnxTensor& tensor, bool is_constant) {
    return store(tensor, is_constant, tensor.message);
  }
  StoredTensor* store(const OnnxTensor& tensor, bool is_constant, std::string_view place);
  /// An empty sequence whose elements would be of this type.
  OnnxValue empty_sequence(const Shape& shape, DType dtype);
  const std::vector<OnnxValue>* keep_sequence(std::vector<OnnxValue> elements);
  /// A weight that shares its storage with another one, under a name of its own.
  OnnxValue alias(const OnnxValue& weight, std::string_view name);
  /// A stored tensor whose elements are packed into bytes, or padded, with the shape and the type
  /// that they have without. A computed one stays as it is.
  OnnxValue unpacked(const OnnxValue& value, const Shape& shape, DType dtype);

  /// Reads the nodes of a subgraph with these values for its inputs, and returns its outputs.
  std::vector<OnnxValue> run_subgraph(const OnnxGraph& body, OnnxFrame& outer,
                                      std::span<const OnnxValue> inputs);
  /// How many units of the budget it takes to read a subgraph once.
  std::int64_t units(const OnnxGraph& body) const;
  /// Whether that many units are left beyond what the file itself needs.
  bool affordable(std::int64_t units, std::int64_t times) const noexcept;
  /// Takes units from the budget. Throws Error{limit} when it is used up.
  void spend(std::int64_t units);
  /// What it takes to repeat a name in the graph, and in the reports: a usual one is free.
  static std::int64_t name_units(std::string_view name) noexcept {
    constexpr std::size_t usual = 256;
    return name.size() <= usual ? 0 : static_cast<std::int64_t>(name.size() / 8);
  }
  static std::int64_t repeated_units(const OnnxNode& node);
  /// Takes from what may be unrolled of all loops together; false where less is left.
  bool unroll(std::int64_t units) noexcept {
    if (units > unrolled_left_) return false;
    unrolled_left_ -= units;
    return true;
  }
  /// How often the nodes are repeated that are being read now.
  std::int64_t repeated() const noexcept { return repeated_; }
  /// Sets that as long as it lives.
  class Repeated {
   public:
    Repeated(OnnxReader& reader, std::int64_t times) : reader_(reader), before_(reader.repeated_) {
      reader.repeated_ = times;
    }
    ~Repeated() { reader_.repeated_ = before_; }
    Repeated(const Repeated&) = delete;
    Repeated& operator=(const Repeated&) = delete;

   private:
    OnnxReader& reader_;
    std::int64_t before_;
  };
  /// Gives back the nodes that were appended since; see `Graph::Mark`.
  struct Mark {
    Graph::Mark graph;
    std::size_t entered = 0;
    std::vector<std::int64_t> ignored;
    OnnxModules::Mark modules;
    int depth = 0;
  };
  Mark mark() const;
  void rewind(const Mark& mark);

  /// The declared type of a name of this frame, with symbolic sizes filled in.
  std::optional<DeclaredType> declared(OnnxFrame& frame, std::string_view name);

  /// Whether a symbolic size of an input is taken as 1.
  bool assumes_sizes() const noexcept { return !assumed_.empty(); }

  // -- what is not exact ------------------------------------------------------------------------

  /// Whether a size or an element is an upper bound or a guess.
  bool is_inexact(const OnnxValue& value) const {
    if (value.id != no_id)
      return (graph_.value(value.id).flags & (Value::bounded | Value::assumed)) != 0;
    return value.known != nullptr && (value.known->bounded || value.known->assumed);
  }
  /// Whether a size is an upper bound or a guess.
  bool is_open(const OnnxValue& value, std::int64_t axis) const;
  /// The shape of an inexact value if its bounds were at their least, and its guesses other ones.
  Shape other_shape(ValueId value, const SharedShape& type) const;
  /// Says which sizes of a value are inexact, and what they might be else.
  void set_inexact(ValueId value, const Shape& other, UnknownSizes open, bool is_guess);
  const KnownTensor* keep(KnownTensor known, std::span<const std::int64_t> integers,
                          std::span<const double> reals);

  /// The nodes in the order in which they run: as written, or in a topological order. Throws
  /// Error{malformed} that names the nodes of a cycle.
  std::span<const std::string_view> in_order(std::span<const std::string_view> nodes);

 private:
  friend class OnnxContext;
  friend class OnnxInexact;

  void read_opsets();
  void read_graph(OnnxValues* names);
  void read_metadata(const OnnxGraph& graph);
  void enter_declared(OnnxFrame& frame);
  void add_inputs(const OnnxGraph& graph, OnnxFrame& frame);
  void add_input(const OnnxValueInfo& info, std::size_t index, OnnxFrame& frame);
  Shape input_shape(const OnnxValueInfo& info, const OnnxType& type, std::size_t index);
  void add_unsized(std::string_view name, const OnnxType& type);
  OnnxValue sequence_input(const OnnxValueInfo& info, const OnnxType& type);
  void add_initializers(const OnnxGraph& graph, OnnxFrame& frame);
  std::vector<bool> find_weight_inputs(const OnnxGraph& graph);
  void take_torch_weights(const OnnxGraph& graph, std::vector<bool>& is_weight);
  void add_outputs(const OnnxGraph& graph, OnnxFrame& frame);
  void add_unused_weights();
  void check_declared(OnnxFrame& frame);
  /// The file that has the tensor's data, inside the model's folder; empty where it is missing.
  std::string external_file(const OnnxTensor& tensor, const OnnxRecords::External& place);
  /// A file of weights beside the model.
  struct DataFile {
    std::string path;  ///< empty where it is missing
    std::int64_t size = 0;
    bool has_end = false;   ///< a regular file
    bool is_inside = true;  ///< of the model's folder, also through links
  };
  const DataFile& data_file(std::string_view location);
  void check_external(const OnnxTensor& tensor);
  /// Reads the few elements of a tensor that is stored outside of the file; false where it cannot.
  bool read_external(OnnxTensor& tensor, std::string& data);
  /// Replaces the elements of a value by those that the user gave.
  void replace_elements(std::string_view name, OnnxValue& value);
  void add_size_hint(Error& error) const;
  StoredTensor* add_stored(const StoredTensor& stored);

  void run_nodes(std::span<const std::string_view> nodes, OnnxFrame& frame);
  void run_node(const OnnxNode& node, OnnxFrame& frame);
  /// Records that a norm was folded into the products from this node on.
  void spell_folded_norm(NodeId first_node);
  void locate(Error& error, const OnnxNode& node) const;
  void call_function(OnnxContext& context, const OnnxFunction& function);
  void append_unknown(OnnxContext& context);
  /// Reads a node, and returns whether it makes a value of that name.
  bool makes(std::string_view message, std::string_view name, OnnxNode& node) const;
  [[noreturn]] void undefined_name(const OnnxNode& node, std::string_view name);
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
      const std::uint64_t owner = seeded_hash(key.domain) ^ hash_seed.first;
      return folded_product(owner ^ seeded_hash(key.overload) * 31,
                            seeded_hash(key.op_type) ^ hash_seed.second);
    }
  };
  /// What reads a node, by its operator.
  struct Handlers {
    const OnnxFunction* function = nullptr;
    const OnnxOperator* row = nullptr;
  };
  const Handlers& handlers_for(const OnnxNode& node);
  void read_operator(OnnxContext& context, const OnnxOperator& row,
                     std::span<const ValueId> weights, bool takes_shapeless);
  bool fold(OnnxContext& context, const OnnxOperator& row);
  bool emit(OnnxContext& context, const OnnxOperator& row);
  bool emit_otherwise(OnnxContext& context, const OnnxOperator& row);
  bool emit_guessed(OnnxContext& context, const OnnxOperator& row, const DeclaredType& type);
  void label_bounds(OnnxContext& context);
  void label_all(OnnxContext& context, ValueId first_value);
  bool take_ranges(OnnxContext& context);
  void keep_range(OnnxContext& context, const OnnxOperator& row);
  void settle(OnnxContext& context, std::size_t index);
  void note_guess(OnnxContext& context, std::size_t output);
  void note_guesses();
  bool may_skip(const OnnxContext& context) const;
  void skip(OnnxContext& context, const OnnxOperator& row);
  void name_nodes(NodeId first_node, std::string_view name);
  ValueId append_skipped(const KnownTensor& wanted);
  void append_node(const OnnxSkipped& skipped);
  bool is_learnt(const StoredTensor& stored) const;
  template <class Test>
  bool all_elements(const StoredTensor& stored, Test test) const;
  bool is_mask(const StoredTensor& stored) const;
  void enter_quantisation(OnnxContext& context, const OnnxOperator& row);
  ParameterKind parameter_kind(const OnnxValue& value, Role role, std::string_view name) const;
  void find_quantised_weights();
  void find_quantised_scales();
  std::int64_t size_of(const OnnxDimension& dimension);
  std::optional<std::int64_t> size_named(std::string_view name) const;
  void see_size(std::string_view name);
  void take_given_sizes(const OnnxGraph& graph);
  const InputShape* given_shape(std::string_view name, std::size_t index) const;
  void find_inner_names(const OnnxGraph& graph, int depth);
  void check_dims(const OnnxGraph& graph);
  void find_batch(const OnnxType& type, const Shape& shape);
  void note_size_names(const OnnxType& type);

  const MappedFile& file_;
  const TraceOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  OnnxRecords records_;
  OnnxModules modules_;
  OnnxModel model_;
  Arena stored_arena_;
  std::vector<StoredTensor*> stored_;
  std::deque<std::vector<OnnxValue>> sequences_;
  SymbolValues dims_;
  std::set<std::string_view> dims_seen_;  // in the inputs, and where an option names another one
  std::optional<std::int64_t> batch_;     // the first size of all inputs where it is not fixed
  bool has_batches_ = false;              // inputs differ in it
  std::map<ValueId, Shape> others_;       // see `other_shape`
  bool any_inexact_ = false;
  std::size_t undeclared_ = 0;  // values with a guessed size without a name
  std::size_t following_batch_ = 0;
  std::string_view first_undeclared_;
  std::string_view first_following_;
  TextSet noted_;
  NameMap<int> noted_of_kind_;
  OnnxIgnored ignored_;
  std::unordered_map<OperatorKey, Handlers, OperatorHash> handlers_;
  std::array<std::pair<OperatorKey, const Handlers*>, 128> recent_handlers_ = {};
  std::unordered_map<const char*, StoredTensor*> stored_by_place_;  // of subgraphs read repeatedly
  std::vector<ValueId> integers_;  // parameters that may be quantised weights
  std::vector<ValueId*> entered_;  // where `enter` left ids, so that they can be taken back
  std::vector<std::string_view> declared_names_;  // of parameters, in the state dict's order
  NameMap<ParameterKind> declared_kinds_;
  NameSet weight_inputs_;             // as a copy of a file lists them
  std::vector<std::string> assumed_;  // symbolic sizes that were taken as 1
  std::vector<std::string> unsized_;  // inputs with sizes without a name: "x=1,N"
  OnnxGiven given_;
  OnnxOrder order_;
  std::unordered_map<const char*, std::vector<std::string_view>> sorted_;  // by the first node
  NameMap<DataFile> data_files_;  // by their names in the file: nearly all tensors share one
  std::set<std::string, std::less<>> missing_files_;
  std::set<std::string, std::less<>> missing_tensors_;  // whose elements would have been of use
  std::int64_t units_left_ = 0;
  std::int64_t known_left_ = 0;
  std::vector<std::int64_t> read_integers_;  // scratch of known
  std::vector<double> read_reals_;           // scratch of known
  int depth_ = 0;
  std::int64_t repeated_ = 1;
  std::int64_t unrolled_left_ = 200'000;
  std::size_t shapes_declared_ = 0;
  std::size_t shapes_differing_ = 0;
};

// -- inline parts -----------------------------------------------------------------------------

inline const Shape& OnnxReader::shape_of(const OnnxValue& value) const {
  static constexpr Shape scalar;
  if (value.id != no_id) return graph_.shape(value.id);
  if (value.known != nullptr) return value.known->shape;
  return value.stored != nullptr ? value.stored->type->shape : scalar;
}

inline DType OnnxReader::dtype_of(const OnnxValue& value) const {
  if (value.id != no_id) return graph_.value(value.id).dtype;
  if (value.known != nullptr) return value.known->dtype;
  return value.stored != nullptr ? value.stored->dtype : DType::unknown;
}

}  // namespace zoometer
