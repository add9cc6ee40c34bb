#include "nn/int8.hpp"

#include <algorithm>
#include <cstring>

#include "op/quantize.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/norm.hpp"

namespace zoometer {
namespace {

/// What becomes of a module.
struct ModulePlan {
  std::string_view kind;
  bool folded = false;     ///< its work moved into the convolution before it
  bool packs = false;      ///< its weight becomes qint8
  bool has_scale = false;  ///< it gets a scale and a zero point
  bool has_norm = false;   ///< a normalisation was folded into it, so it has a bias
};

/// What becomes of a node.
struct NodePlan {
  bool folded = false;         ///< its result is that of the operator before it
  bool relu = false;           ///< the ReLU after it is folded
  ModuleId scaled_by = no_id;  ///< the module whose scale its result takes
};

struct Plan {
  std::vector<ModulePlan> modules;
  std::vector<NodePlan> nodes;
};

/// Decides what is folded and where numbers take a new scale.
class Planner {
 public:
  explicit Planner(const Graph& source) : source_(source) {
    plan_.nodes.resize(source.nodes().size());
    plan_.modules.resize(source.modules().size());
    find_users();
  }

  Plan make() {
    plan_modules();
    plan_nodes();
    plan_joins();
    plan_uncalled();
    return std::move(plan_);
  }

 private:
  const Node& node(NodeId id) const { return source_.nodes()[id]; }
  std::string_view kind_of(ModuleId id) const { return source_.modules()[id].kind; }

  void find_users() {
    only_user_.assign(source_.values().size(), no_id);
    std::vector<bool> used(source_.values().size(), false);
    for (NodeId id = 0; id < source_.nodes().size(); ++id) {
      for (const ValueId input : source_.inputs_of(node(id))) {
        if (input == no_id) continue;
        only_user_[input] = used[input] ? no_id : id;
        used[input] = true;
      }
    }
  }

  void plan_modules() {
    for (ModuleId id = 0; id < plan_.modules.size(); ++id) {
      ModulePlan& plan = plan_.modules[id];
      plan.kind = kind_of(id);
      if (plan.kind == "Conv2d" || plan.kind == "Linear") plan.packs = plan.has_scale = true;
      if (plan.kind == "Hardswish") plan.has_scale = true;
      if (plan.kind == "FloatFunctional") plan = {.kind = "QFunctional", .has_scale = true};
      if (plan.kind == "QuantStub") plan = {.kind = "Quantize", .has_scale = true};
      if (plan.kind == "DeQuantStub") plan.kind = "DeQuantize";
    }
  }

  void fold_module(ModuleId id) {
    plan_.modules[id].kind = "Identity";
    plan_.modules[id].folded = true;
  }

  /// The node of that operator and kind of module that alone uses a value, or no_id.
  NodeId next(ValueId value, const OpDef& op, std::string_view kind) const {
    const NodeId user = only_user_[value];
    if (user == no_id || node(user).op != &op || kind_of(node(user).module) != kind) return no_id;
    return user;
  }

  void fold_node(NodeId id) {
    plan_.nodes[id].folded = true;
    fold_module(node(id).module);
  }

  void plan_convolution(NodeId id) {
    ModulePlan& convolution = plan_.modules[node(id).module];
    ValueId result = node(id).first_output;
    if (const NodeId norm = next(result, batch_norm_op, "BatchNorm2d"); norm != no_id) {
      fold_node(norm);
      convolution.has_norm = true;
      result = node(norm).first_output;
    }
    if (const NodeId relu = next(result, relu_op, "ReLU"); relu != no_id) {
      fold_node(relu);
      convolution.kind = "ConvReLU2d";
      plan_.nodes[id].relu = true;
    }
  }

  void plan_nodes() {
    for (NodeId id = 0; id < plan_.nodes.size(); ++id) {
      const ModuleId owner = node(id).module;
      const OpDef* op = node(id).op;
      const bool rescales = op->kind == OpKind::product || op == &hardswish_op;
      if (!rescales || !plan_.modules[owner].has_scale) continue;
      plan_.nodes[id].scaled_by = owner;
      if (kind_of(owner) == "Conv2d") plan_convolution(id);
    }
  }

  /// A FloatFunctional's child sees the result that takes the FloatFunctional's scale.
  void plan_joins() {
    for (const ModuleCall& call : source_.calls()) {
      const ModuleId parent = source_.modules()[call.module].parent;
      if (parent == no_id || kind_of(parent) != "FloatFunctional") continue;
      NodeId join = source_.value(source_.outputs_of(call)[0]).producer;
      if (node(join).op == &relu_op) {
        plan_.nodes[join].folded = true;
        join = source_.value(source_.view(join).input(0)).producer;
        plan_.nodes[join].relu = true;
      }
      plan_.nodes[join].scaled_by = parent;
    }
  }

  /// Layers that never run have no nodes that show their order: that of their declaration is used.
  void plan_uncalled() {
    std::vector<bool> called(plan_.modules.size(), false);
    for (const ModuleCall& call : source_.calls()) called[call.module] = true;
    std::vector<ModuleId> before(plan_.modules.size(), no_id);  // by parent: the child before
    for (ModuleId id = 1; id < plan_.modules.size(); ++id) {
      ModuleId& last = before[source_.modules()[id].parent];
      const bool norm = kind_of(id) == "BatchNorm2d";
      const bool follows = last != no_id && !called[id] && !called[last];
      const bool folds = follows && kind_of(last) == "Conv2d" &&
                         (norm || (kind_of(id) == "ReLU" && plan_.modules[last].has_norm));
      if (!folds) {
        last = id;
        continue;
      }
      fold_module(id);
      if (norm) plan_.modules[last].has_norm = true;
      if (!norm) plan_.modules[last].kind = "ConvReLU2d";
    }
  }

  const Graph& source_;
  Plan plan_;
  std::vector<NodeId> only_user_;  // by value; no_id for none or several
};

/// Rebuilds the graph by the plan.
class Converter {
 public:
  Converter(const Graph& source, Graph& target)
      : source_(source),
        target_(target),
        plan_(Planner(source).make()),
        mapped_(source.values().size(), no_id),
        owned_(source.modules().size()) {}

  void run() {
    add_modules();
    for (const Port& input : source_.inputs()) {
      const Value& value = source_.value(input.value);
      mapped_[input.value] = target_.add_input(copy(input.name), value.type->shape, value.dtype);
    }
    add_parameters();
    replay();
    for (const Port& output : source_.outputs()) {
      target_.add_output(copy(output.name), mapped_[output.value]);
    }
  }

 private:
  /// What a module has in the new graph.
  struct Owned {
    ValueId bias = no_id;
    ValueId scale = no_id;
    ValueId zero_point = no_id;
    ModuleId packed = no_id;
    std::int64_t channels = 0;  ///< of a weight's output
  };
  struct OpenCall {
    std::uint32_t target;
    const ModuleCall* call;
  };

  std::string_view copy(std::string_view text) { return target_.arena().copy(text); }

  void add_modules() {
    for (ModuleId id = 0; id < plan_.modules.size(); ++id) {
      const ModuleInfo& module = source_.modules()[id];
      target_.add_module(module.parent, copy(module.name), copy(plan_.modules[id].kind));
    }
    for (ModuleId id = 0; id < plan_.modules.size(); ++id) {
      if (plan_.modules[id].kind == "Linear")
        owned_[id].packed = target_.add_module(id, "_packed_params", "LinearPackedParams");
    }
  }

  void add_parameters() {
    for (const Parameter& parameter : source_.parameters()) {
      const ModulePlan& plan = plan_.modules[parameter.module];
      if (plan.folded) continue;
      const Value& value = source_.value(parameter.value);
      const Shape& shape = value.type->shape;
      Owned& owned = owned_[parameter.module];
      const ModuleId owner = owned.packed == no_id ? parameter.module : owned.packed;
      const bool packs = plan.packs && parameter.name == "weight";
      mapped_[parameter.value] = target_.add_parameter(
          owner, copy(parameter.name), shape, packs ? DType::qint8 : value.dtype, parameter.kind);
      if (packs) owned.channels = shape[0];
      if (parameter.name == "bias") owned.bias = mapped_[parameter.value];
    }
    for (ModuleId id = 0; id < plan_.modules.size(); ++id) {
      if (!plan_.modules[id].has_norm || owned_[id].bias != no_id) continue;
      owned_[id].bias = target_.add_parameter(id, "bias", {owned_[id].channels}, DType::float32,
                                              ParameterKind::parameter);
    }
    for (ModuleId id = 0; id < plan_.modules.size(); ++id) {
      if (!plan_.modules[id].has_scale) continue;
      const std::string_view kind = plan_.modules[id].kind;
      const Shape shape = kind == "Quantize" ? Shape{1} : Shape{};
      const auto stored =
          kind == "Hardswish" ? ParameterKind::transient_buffer : ParameterKind::buffer;
      owned_[id].scale = target_.add_parameter(id, "scale", shape, DType::float32, stored);
      owned_[id].zero_point = target_.add_parameter(id, "zero_point", shape, DType::int64, stored);
    }
  }

  /// Nodes and calls in their order. Of the calls that end where another begins, those stay open
  /// that the other belongs to: a stub at its network's end.
  void replay() {
    auto call = source_.calls().begin();
    for (NodeId id = 0; id <= source_.nodes().size(); ++id) {
      for (; call != source_.calls().end() && call->first_node == id; ++call) {
        close_calls(id, call->module);
        open_call(*call);
      }
      close_calls(id, no_id);
      if (id < source_.nodes().size()) add_node(id);
    }
  }

  void close_calls(NodeId id, ModuleId next) {
    while (!open_.empty() && open_.back().call->end_node <= id &&
           !is_inside(next, open_.back().call->module)) {
      close_call();
    }
  }

  /// Whether `ancestor` is above the module; both may be none.
  bool is_inside(ModuleId module, ModuleId ancestor) const {
    while (module != no_id) {
      module = source_.modules()[module].parent;
      if (module == ancestor) return module != no_id;
    }
    return false;
  }

  void open_call(const ModuleCall& call) {
    target_.set_current_module(call.module);
    open_.push_back({target_.begin_call(call.module), &call});
  }

  void close_call() {
    const OpenCall closing = open_.back();
    open_.pop_back();
    const ModuleId module = closing.call->module;
    const auto outputs = source_.outputs_of(*closing.call);
    target_.set_current_module(module);
    if (plan_.modules[module].kind == "Quantize") quantize(module, outputs[0]);
    if (plan_.modules[module].kind == "DeQuantize") {
      mapped_[outputs[0]] = append(dequantize_op, NoAttrs{}, {mapped_[outputs[0]]});
    }
    results_.clear();
    for (const ValueId output : outputs) results_.push_back(mapped_[output]);
    target_.end_call(closing.target, results_);
  }

  void quantize(ModuleId module, ValueId value) {
    const Owned& owned = owned_[module];
    mapped_[value] = append(quantize_per_tensor_op, QuantizeAttrs{},
                            {mapped_[value], owned.scale, owned.zero_point});
  }

  template <class Attrs>
  ValueId append(const OpDef& op, const Attrs& attrs, std::initializer_list<ValueId> inputs) {
    const NodeId node = target_.append(op, attrs, std::span(inputs.begin(), inputs.size()));
    return target_.nodes()[node].first_output;
  }

  void add_node(NodeId id) {
    const Node& node = source_.nodes()[id];
    const NodePlan& plan = plan_.nodes[id];
    const auto inputs = source_.inputs_of(node);
    if (plan.folded) {
      mapped_[node.first_output] = mapped_[inputs[0]];
      return;
    }
    operands_.clear();
    for (const ValueId input : inputs) operands_.push_back(input == no_id ? no_id : mapped_[input]);
    const ValueId bias = owned_[node.module].bias;
    if (node.op->kind == OpKind::product && bias != no_id) {
      operands_.resize(2);
      operands_.push_back(bias);
    }
    target_.set_current_module(node.module);
    const NodeId added = target_.append_raw(*node.op, copy_attrs(node), operands_);
    const ValueId first = target_.nodes()[added].first_output;
    for (std::size_t i = 0; i < node.output_count; ++i) {
      const auto offset = static_cast<ValueId>(i);
      mapped_[node.first_output + offset] = first + offset;
    }
    const bool in_place = node.op->memory->storage == Storage::fresh &&
                          source_.value(node.first_output).has(Value::shares);
    if (in_place) target_.mark_in_place(first);
    if (plan.scaled_by == no_id) return;
    const Owned& owned = owned_[plan.scaled_by];
    mapped_[node.first_output] =
        append(requantize_op, RequantizeAttrs{plan.relu}, {first, owned.scale, owned.zero_point});
  }

  const void* copy_attrs(const Node& node) {
    const std::size_t size = node.op->attrs.size;
    if (size == 0 || node.attrs == nullptr) return nullptr;
    void* attrs = target_.arena().allocate(size, alignof(std::max_align_t));
    std::memcpy(attrs, node.attrs, size);
    return attrs;
  }

  const Graph& source_;
  Graph& target_;
  Plan plan_;
  std::vector<ValueId> mapped_;  // by value of the source
  std::vector<Owned> owned_;     // by module
  std::vector<OpenCall> open_;
  std::vector<ValueId> operands_;  // scratch
  std::vector<ValueId> results_;   // scratch
};

bool has_stubs(const Graph& graph) {
  const auto calls = graph.calls();
  return std::any_of(calls.begin(), calls.end(), [&](const ModuleCall& call) {
    return graph.modules()[call.module].kind == "QuantStub";
  });
}

}  // namespace

void convert_to_int8(const Graph& source, Graph& target) {
  target.clear();
  if (!has_stubs(source)) {
    throw Error(ErrorCode::usage, "this model has no int8 form",
                {"a quantizable model, such as quantized_resnet18", "a model without QuantStub"});
  }
  Converter(source, target).run();
}

}  // namespace zoometer
