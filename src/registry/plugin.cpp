#include "registry/plugin.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <filesystem>

#include "models/trace_option.hpp"
#include "op/indexing.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {
namespace {

constexpr const char* symbol = "zoometer_plugin";

std::string_view text_of(const PluginText& text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}

Shape shape_of(const PluginTensor& tensor) { return Shape(std::span(tensor.sizes, tensor.rank)); }

[[noreturn]] void refuse_version(const std::string& expected, const std::string& got) {
  Error error(ErrorCode::unsupported, "the plug-in was built with another version of zoometer",
              {expected, got});
  error.hint = "rebuild the plug-in with this version";
  throw error;
}

DType dtype_of(const PluginTensor& tensor) {
  const auto dtype = dtype_from_name(text_of(tensor.dtype));
  if (!dtype) refuse_version("a known dtype", std::string(text_of(tensor.dtype)));
  return *dtype;
}

/// Runs a function that a plug-in calls. An exception is kept until the plug-in has returned.
template <class Function>
int guarded(std::exception_ptr& thrown, const Function& function) noexcept {
  try {
    function();
    return 0;
  } catch (...) {
    thrown = std::current_exception();
    return 1;
  }
}

/// Receives the graph of a plug-in. Every type is inferred again and compared with the plug-in's.
class GraphReceiver {
 public:
  explicit GraphReceiver(Graph& graph) : graph_(graph) {}

  PluginSink sink() {
    return {this, add_module, add_input, add_parameter, add_node, add_call, add_output, fail};
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  static GraphReceiver& self(void* host) { return *static_cast<GraphReceiver*>(host); }
  template <class Function>
  int guard(const Function& function) noexcept {
    return guarded(thrown_, function);
  }

  static int add_module(void* host, std::uint32_t parent, PluginText name, PluginText kind) {
    Graph& graph = self(host).graph_;
    return self(host).guard([&] {
      graph.add_module(parent, graph.arena().copy(text_of(name)),
                       graph.arena().copy(text_of(kind)));
    });
  }

  static int add_input(void* host, const PluginTensor* tensor) {
    Graph& graph = self(host).graph_;
    return self(host).guard([&] {
      graph.add_input(graph.arena().copy(text_of(tensor->name)), shape_of(*tensor),
                      dtype_of(*tensor), (tensor->flags & Value::bounded) != 0);
    });
  }

  static int add_parameter(void* host, std::uint32_t module, const PluginTensor* tensor,
                           std::uint32_t kind, std::uint32_t shared_with) {
    Graph& graph = self(host).graph_;
    return self(host).guard([&] {
      const auto index = static_cast<ParameterId>(graph.parameters().size());
      const ValueId value =
          graph.add_parameter(module, graph.arena().copy(text_of(tensor->name)), shape_of(*tensor),
                              dtype_of(*tensor), static_cast<ParameterKind>(kind));
      if ((tensor->flags & Value::detached) != 0) graph.mark_detached(value);
      if (shared_with != no_id) graph.share_parameter(index, shared_with);
    });
  }

  static int add_node(void* host, const PluginNode* node) {
    return self(host).guard([&] { self(host).take_node(*node); });
  }

  static int add_call(void* host, std::uint32_t module, std::uint32_t first_node,
                      std::uint32_t end_node, const std::uint32_t* outputs, std::size_t count) {
    return self(host).guard([&] {
      self(host).graph_.add_call(module, first_node, end_node, std::span(outputs, count));
    });
  }

  static int add_output(void* host, PluginText name, std::uint32_t value) {
    Graph& graph = self(host).graph_;
    return self(host).guard([&] { graph.add_output(graph.arena().copy(text_of(name)), value); });
  }

  static void fail(void* host, const PluginFailure* failure) {
    self(host).guard([&] {
      const auto last = static_cast<std::uint32_t>(ErrorCode::internal);
      Error error(static_cast<ErrorCode>(std::min(failure->code, last)),
                  std::string(text_of(failure->message)),
                  {std::string(text_of(failure->expected)), std::string(text_of(failure->got))});
      error.hint = text_of(failure->hint);
      error.place.module_path = text_of(failure->module_path);
      error.place.node = text_of(failure->node);
      throw error;
    });
  }

  const void* take_attrs(const OpDef& op, const PluginNode& node) {
    if (op.attrs.layout != node.attrs_layout || op.attrs.size != node.attrs_size)
      refuse_version("the attributes of this version's " + std::string(op.name), "others");
    if (op.attrs.size == 0) return nullptr;
    void* attrs = graph_.arena().allocate(op.attrs.size, alignof(std::max_align_t));
    std::memcpy(attrs, node.attrs, op.attrs.size);
    op.attrs.keep_texts(attrs, graph_.arena());
    if (&op == &split_op) keep(static_cast<SplitAttrs*>(attrs)->sizes);
    return attrs;
  }

  /// Copies a list that is not part of the attributes' bytes and still belongs to the plug-in.
  void keep(SizeList& sizes) { sizes = SizeList::copied(sizes.items, graph_.arena()); }

  void take_node(const PluginNode& node) {
    const OpDef* op = find_op(text_of(node.op));
    if (op == nullptr) refuse_version("a known operator", std::string(text_of(node.op)));
    const std::span inputs(node.inputs, node.input_count);
    for (const ValueId input : inputs) {
      if (input != no_id && input >= graph_.values().size())
        refuse_version("inputs that exist before they are used", std::string(op->name));
    }
    graph_.set_current_module(node.module);
    const void* attrs = take_attrs(*op, node);
    const std::span outputs(node.outputs, node.output_count);
    const NodeId id = op->coverage == Coverage::unknown
                          ? graph_.append_declared(*op, attrs, inputs, declared(outputs))
                          : graph_.append_raw(*op, attrs, inputs);
    take_more_outputs(id, outputs);
    check_outputs(id, outputs);
    if (node.name.size > 0) graph_.set_node_name(id, graph_.arena().copy(text_of(node.name)));
  }

  static std::vector<OutputType> declared(std::span<const PluginTensor> outputs) {
    std::vector<OutputType> types;
    for (const PluginTensor& output : outputs)
      types.push_back({shape_of(output), dtype_of(output), (output.flags & Value::bounded) != 0});
    return types;
  }

  void take_more_outputs(NodeId id, std::span<const PluginTensor> outputs) {
    const std::size_t inferred = graph_.nodes()[id].output_count;
    if (outputs.size() > inferred)
      graph_.add_declared_outputs(id, declared(outputs.subspan(inferred)));
  }

  /// Checks that the plug-in inferred the same, and copies the marks of the model.
  void check_outputs(NodeId id, std::span<const PluginTensor> outputs) {
    const Node node = graph_.nodes()[id];
    const std::string op(node.op->name);
    if (node.output_count != outputs.size())
      refuse_version(std::to_string(outputs.size()) + " outputs of " + op,
                     std::to_string(node.output_count));
    for (std::uint32_t i = 0; i < node.output_count; ++i) {
      const ValueId value = node.first_output + i;
      const PluginTensor& output = outputs[i];
      if (!(graph_.shape(value) == shape_of(output)))
        refuse_version(op + " to make " + to_string(shape_of(output)),
                       to_string(graph_.shape(value)));
      graph_.set_dtype(value, dtype_of(output));
      if ((output.flags & Value::shares) != 0 && !graph_.value(value).has(Value::shares))
        graph_.mark_in_place(value);
      if ((output.flags & Value::detached) != 0) graph_.mark_detached(value);
      if ((output.flags & Value::bounded) != 0) {
        graph_.mark_bounded(value);
      } else {
        graph_.mark_exact(value);
      }
    }
  }

  Graph& graph_;
  std::exception_ptr thrown_;
};

PluginText borrow(std::string_view text) { return {text.data(), text.size()}; }

/// The request that asks a plug-in for these options.
class Request {
 public:
  explicit Request(const TraceOptions& options) {
    for (const TraceOption& option : trace_options()) {
      for (std::string& value : option.format(options)) {
        values_.push_back(std::move(value));
        options_.push_back({borrow(option.name), borrow(values_.back())});
      }
    }
    request_ = {options_.data(), options_.size()};
  }
  const PluginRequest* get() const noexcept { return &request_; }

 private:
  std::deque<std::string> values_;
  std::vector<PluginOption> options_;
  PluginRequest request_{};
};

}  // namespace

Plugin::Plugin(const std::string& path) : path_(path), source_("plugin:" + path) {
  try {
    const PluginTable& table = open();
    check(table);
    take_models(table);
  } catch (Error& error) {
    if (error.place.model.empty()) error.place.model = path_;
    if (library_ != nullptr) dlclose(library_);
    throw;
  }
}

Plugin::Plugin(const PluginTable& table, const std::string& name) : path_(name), source_(name) {
  check(table);
  take_models(table);
}

Plugin::~Plugin() {
  if (library_ != nullptr) dlclose(library_);
}

const PluginTable& Plugin::open() {
  std::error_code problem;
  const auto file = std::filesystem::canonical(path_, problem);
  if (problem) throw Error(ErrorCode::io, "cannot open the plug-in: " + problem.message());
  if (!is_file(file)) throw Error(ErrorCode::io, "cannot open the plug-in: not a regular file");
  library_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr)
    throw Error(ErrorCode::unsupported, std::string("not a plug-in: ") + dlerror());
  const void* table = dlsym(library_, symbol);
  if (table == nullptr) {
    throw Error(ErrorCode::unsupported, "not a plug-in",
                {"a shared library that exports zoometer_plugin", "none of that name"});
  }
  return *static_cast<const PluginTable*>(table);
}

void Plugin::check(const PluginTable& table) const {
  if (table.abi != plugin_abi) {
    refuse_version("plug-in interface " + std::to_string(plugin_abi),
                   "interface " + std::to_string(table.abi));
  }
  if (table.size != sizeof(PluginTable)) {
    refuse_version("a table of " + std::to_string(sizeof(PluginTable)) + " bytes",
                   std::to_string(table.size) + " bytes");
  }
}

void Plugin::take_models(const PluginTable& table) {
  struct Host {
    Plugin* plugin;
    const PluginTable* table;
    std::exception_ptr thrown;
  };
  Host host{this, &table, {}};
  const int status = table.list(&table, &host, [](void* pointer, const PluginModel* model) {
    Host& self = *static_cast<Host*>(pointer);
    return guarded(self.thrown, [&] { self.plugin->take_model(*self.table, *model); });
  });
  if (host.thrown) std::rethrow_exception(host.thrown);
  if (status != 0) throw std::bad_alloc();
}

InputSpecs Plugin::specs_of(const PluginTensor* tensors, std::size_t count) {
  std::vector<InputSpec>& specs = inputs_.emplace_back();
  for (const PluginTensor& tensor : std::span(tensors, count))
    specs.push_back({texts_.copy(text_of(tensor.name)), shape_of(tensor), dtype_of(tensor)});
  return std::span<const InputSpec>(specs);
}

void Plugin::take_model(const PluginTable& table, const PluginModel& model) {
  Row& row = rows_.emplace_back();
  row.name = texts_.copy(text_of(model.name));
  row.inputs = specs_of(model.inputs, model.input_count);
  if (model.untrained_count > 0)
    row.untrained_inputs = specs_of(model.untrained, model.untrained_count);
  row.parameters = model.parameters;
  row.macs = model.macs;
  row.build = build;
  row.builds_int8 = true;
  row.table = &table;
  row.index = rows_.size() - 1;
  families_.push_back({texts_.copy(text_of(model.family)), texts_.copy(text_of(model.paper)),
                       task_from_name(text_of(model.task)).value_or(Task::other),
                       std::span(static_cast<const Model*>(&row), 1)});
}

void Plugin::build(Trace& trace) {
  const Row& row = static_cast<const Row&>(trace.model());
  const Request request(trace.options());
  GraphReceiver receiver(trace.graph());
  const PluginSink sink = receiver.sink();
  row.table->trace(row.table, row.index, request.get(), &sink);
  receiver.rethrow();
}

}  // namespace zoometer
