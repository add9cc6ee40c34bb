#pragma once

/// \file
/// How a shared library gives zoometer models: `ZOOMETER_PLUGIN(family)` at the end of a file that
/// defines them with zoometer/nn.hpp, linked with zoometer::zoometer. docs/plugins.md explains it;
/// the rest of this header is the interface between the two binaries.
///
/// A plug-in traces with its own copy of the library and sends the graph call by call. Only numbers
/// and borrowed text cross the interface: no exception, no allocation, no C++ object. So the two
/// binaries may be built with different compilers and standard libraries.

#include <cstddef>
#include <cstdint>

#include "zoometer/version.hpp"

namespace zoometer {

struct Family;

/// The version of everything below. Every change of a layout increases it.
inline constexpr std::uint32_t plugin_abi = 2;

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

/// A model of a plug-in.
struct PluginModel {
  PluginText name;                ///< as users type it
  PluginText family;              ///< as lists show it
  PluginText paper;               ///< authors, title, year
  PluginText task;                ///< "classification", ...
  const PluginTensor* inputs;     ///< its default inputs
  std::size_t input_count;        ///< how many there are
  const PluginTensor* untrained;  ///< the inputs of the untrained variant, where they differ
  std::size_t untrained_count;    ///< 0 where they are the same
  std::int64_t parameters;        ///< elements; 0 where that is unknown
  std::int64_t macs;              ///< at the default inputs; 0 where that is unknown
};

/// An option of a trace, as the command line has it.
struct PluginOption {
  PluginText name;   ///< "batch", "input-shape", ...
  PluginText value;  ///< "8", "x=1,3,224,224"; of a flag "true"
};

/// What the user asked of a trace. A plug-in refuses options that it does not know, so that a new
/// option needs no new version of the interface.
struct PluginRequest {
  const PluginOption* options;  ///< the options that have other values than their defaults
  std::size_t option_count;     ///< how many there are; an option that repeats counts each time
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
  PluginText expected;     ///< what was expected
  PluginText got;          ///< what was given
  PluginText hint;         ///< what the user could do
  PluginText module_path;  ///< "layer1.0.conv1"
  PluginText node;         ///< the operator
};

/// What receives the graph of a plug-in. Ids are assigned in the order of the calls, from 0. Where
/// a function returns another number than 0, the plug-in must return at once.
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
  /// A finished call of a module, with the nodes from `first_node` on, without `end_node`.
  int (*add_call)(void* host, std::uint32_t module, std::uint32_t first_node,
                  std::uint32_t end_node, const std::uint32_t* outputs, std::size_t count);
  /// The next output of the network.
  int (*add_output)(void* host, PluginText name, std::uint32_t value);
  /// The model cannot be traced; nothing may follow.
  void (*fail)(void* host, const PluginFailure* failure);
};

/// What a plug-in exports under the name `zoometer_plugin`. The first two members are the same in
/// every version.
struct PluginTable {
  std::uint32_t abi;         ///< zoometer::plugin_abi
  std::uint32_t size;        ///< of this struct, in bytes
  const char* version;       ///< of the zoometer that the plug-in was built with
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
