#pragma once

/// \file
/// How a shared library gives zoometer models: `ZOOMETER_PLUGIN(family)` at the end of a file that
/// defines them with zoometer/nn.hpp, linked with zoometer::zoometer. docs/plugins.md has the whole
/// of it; the rest of this header is the interface between the two binaries.
///
/// A plug-in traces with its own copy of the library and tells the graph call by call. Nothing but
/// numbers and borrowed text crosses: no exception, no allocation, no C++ object, so that the two
/// may be built with different compilers and standard libraries.

#include <cstddef>
#include <cstdint>

#include "zoometer/version.hpp"

namespace zoometer {

struct Family;

/// The layout of everything below. It is counted up with every change of it.
inline constexpr std::uint32_t plugin_abi = 1;

extern "C" {

/// Text that the callee may read during the call; not terminated.
struct PluginText {
  const char* data;  ///< null where the text is empty
  std::size_t size;  ///< in bytes
};

/// A tensor's type.
struct PluginTensor {
  PluginText name;            ///< of an input; empty elsewhere
  const std::int64_t* sizes;  ///< the size of each dimension
  std::size_t rank;           ///< how many there are
  PluginText dtype;           ///< PyTorch's name: "float32"
  std::uint32_t flags;        ///< as zoometer::Value::Flag
};

/// What a plug-in tells of a model.
struct PluginModel {
  PluginText name;                ///< as users type it
  PluginText family;              ///< what lists count it under
  PluginText paper;               ///< authors, title, year
  PluginText task;                ///< "classification", ...
  const PluginTensor* inputs;     ///< its default inputs
  std::size_t input_count;        ///< how many there are
  const PluginTensor* untrained;  ///< those of the untrained variant, where they are others
  std::size_t untrained_count;    ///< 0 where they are the same
  std::int64_t parameters;        ///< elements; 0 where that is not told
  std::int64_t macs;              ///< at the default inputs; 0 where that is not told
};

/// What the user asked of a trace.
struct PluginRequest {
  const PluginTensor* inputs;  ///< in place of the default inputs
  std::size_t input_count;     ///< 0: the model's defaults
  std::int64_t batch;          ///< 0: not given
  std::int64_t proposals;      ///< -1: not given
  std::int64_t detections;     ///< -1: not given
  std::uint32_t untrained;     ///< 1: the structure of weights=None
};

/// One application of an operator.
struct PluginNode {
  PluginText op;                ///< the operator's name: "conv2d"
  PluginText name;              ///< the node's own, or empty
  const void* attrs;            ///< the attributes, or null
  std::size_t attrs_size;       ///< in bytes
  std::uint64_t attrs_layout;   ///< zoometer::AttrType::layout
  std::uint32_t module;         ///< where it runs
  const std::uint32_t* inputs;  ///< values
  std::size_t input_count;      ///< how many there are
  const PluginTensor* outputs;  ///< what the plug-in inferred
  std::size_t output_count;     ///< how many there are
};

/// Why a model cannot be traced: the members of zoometer::Error.
struct PluginFailure {
  std::uint32_t code;      ///< as zoometer::ErrorCode
  PluginText message;      ///< what went wrong
  PluginText expected;     ///< what was wanted
  PluginText got;          ///< what came
  PluginText hint;         ///< what the user could do
  PluginText module_path;  ///< "layer1.0.conv1"
  PluginText node;         ///< the operator
};

/// Where a plug-in tells a graph. Ids are given in the order of the calls, from 0. A function that
/// returns other than 0 wants the plug-in to return at once.
struct PluginSink {
  void* host;  ///< the first argument of every function
  /// The root comes first, with the parent zoometer::no_id.
  int (*add_module)(void* host, std::uint32_t parent, PluginText name, PluginText kind);
  /// The next input of the network.
  int (*add_input)(void* host, const PluginTensor* tensor);
  /// `kind` as zoometer::ParameterKind; `shared_with` a parameter before it, or zoometer::no_id.
  int (*add_parameter)(void* host, std::uint32_t module, const PluginTensor* tensor,
                       std::uint32_t kind, std::uint32_t shared_with);
  /// The next operator; its outputs take the next ids of values.
  int (*add_node)(void* host, const PluginNode* node);
  /// A finished call of a module, with the nodes from `first_node` to before `end_node`.
  int (*add_call)(void* host, std::uint32_t module, std::uint32_t first_node,
                  std::uint32_t end_node, const std::uint32_t* outputs, std::size_t count);
  /// The next output of the network.
  int (*add_output)(void* host, PluginText name, std::uint32_t value);
  /// The model cannot be traced; nothing may follow.
  void (*fail)(void* host, const PluginFailure* failure);
};

/// What a plug-in exports under the name `zoometer_plugin`. The first two members stay what they
/// are in every version.
struct PluginTable {
  std::uint32_t abi;         ///< zoometer::plugin_abi
  std::uint32_t size;        ///< of this struct, in bytes
  const char* version;       ///< of the zoometer that it was built with
  const void* families;      ///< the plug-in's own
  std::size_t family_count;  ///< the plug-in's own
  /// Calls `add` with each model, in order.
  int (*list)(const PluginTable* table, void* host,
              int (*add)(void* host, const PluginModel* model));
  /// Traces the n-th model of the list.
  void (*trace)(const PluginTable* table, std::size_t number, const PluginRequest* request,
                const PluginSink* sink);
};

/// PluginTable::list of every plug-in.
int list_plugin_models(const PluginTable* table, void* host,
                       int (*add)(void* host, const PluginModel* model));
/// PluginTable::trace of every plug-in.
void trace_plugin_model(const PluginTable* table, std::size_t number, const PluginRequest* request,
                        const PluginSink* sink);

}  // extern "C"

}  // namespace zoometer

/// Makes the shared library a plug-in with the models of these families (pointers to
/// zoometer::Family objects that live as long as the library).
#define ZOOMETER_PLUGIN(...)                                                                       \
  namespace {                                                                                      \
  constexpr const zoometer::Family* zoometer_plugin_families[] = {__VA_ARGS__};                    \
  }                                                                                                \
  extern "C" __attribute__((visibility("default"))) const zoometer::PluginTable zoometer_plugin;   \
  constinit const zoometer::PluginTable zoometer_plugin = {zoometer::plugin_abi,                   \
                                                           sizeof(zoometer::PluginTable),          \
                                                           ZOOMETER_VERSION,                       \
                                                           zoometer_plugin_families,               \
                                                           sizeof zoometer_plugin_families /       \
                                                               sizeof *zoometer_plugin_families,   \
                                                           zoometer::list_plugin_models,           \
                                                           zoometer::trace_plugin_model}
