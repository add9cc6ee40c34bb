#pragma once

/// \file
/// What a program needs to ask what a neural network costs: models by name, from a file or from
/// bytes, their modules, their figures. Value types only; everything else of the library stays
/// behind them. zoometer/analysis.hpp has memory, training, devices and more. To write a model of
/// your own include zoometer/nn.hpp, too.
///
/// Every function throws zoometer::Error where it cannot do its work, and nothing else but
/// std::bad_alloc. The functions have no state: they may be called from any thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zoometer/analysis/metrics.hpp"
#include "zoometer/ir/dtype.hpp"
#include "zoometer/ir/shape.hpp"
#include "zoometer/models/trace_options.hpp"
#include "zoometer/report/report_options.hpp"
#include "zoometer/util/error.hpp"

/// Everything that the library offers. zoometer/zoometer.hpp and zoometer/analysis.hpp are for
/// programs that analyse models, zoometer/nn.hpp is for writing models, zoometer/plugin.hpp for
/// sharing them.
namespace zoometer {

class Graph;
struct Family;

/// The library's version, as "0.1.0".
std::string_view version() noexcept;

/// A named tensor: an input or an output of a network.
struct TensorInfo {
  std::string name;   ///< "x"
  Shape shape;        ///< the size of each dimension, as (N, C, H, W)
  std::string dtype;  ///< PyTorch's name of the element type: "float32"
};

/// A tensor of the state dict.
struct StateEntry {
  std::string name;        ///< "layer1.0.conv1.weight"
  Shape shape;             ///< the size of each dimension
  std::string dtype;       ///< "float32"
  bool is_buffer = false;  ///< stored, but not learnt
};

/// What is known about a model without tracing it.
struct ModelInfo {
  std::string name;                        ///< torchvision's: "resnet50"
  std::string family;                      ///< "ResNet"
  std::string task;                        ///< "classification"
  std::string source;                      ///< "builtin", or what added it
  std::vector<TensorInfo> inputs;          ///< the inputs that its figures were counted at
  std::optional<std::int64_t> parameters;  ///< elements of learnt tensors
  std::optional<std::int64_t> macs;        ///< multiply-accumulates at those inputs
};

/// A module of a network.
struct NetworkModule {
  std::string path;                   ///< "layer1.0.conv1"; empty for the root
  std::string type;                   ///< its class: "Conv2d"
  std::size_t depth = 0;              ///< 0 for the root
  std::optional<std::size_t> parent;  ///< its index in Network::modules(); nothing for the root
  std::vector<std::size_t> children;  ///< their indices, in the order of their registration
  std::int64_t calls = 0;             ///< 0 for a module that only owns parameters
  std::vector<Shape> output_shapes;   ///< of all its calls, in order
};

/// An operator of a network.
struct NetworkOperator {
  std::string name;                  ///< "conv2d"; one without a definition as "domain::type"
  std::string module;                ///< path of the module that it runs in
  std::vector<Shape> output_shapes;  ///< of its outputs, in order
};

/// A model that was traced, or a file that was read: which operators run on which shapes.
/// Immutable; copies share their contents.
class Network {
 public:
  /// The contents; known to the library only.
  struct State;
  /// For the library.
  explicit Network(std::shared_ptr<const State> state) noexcept;

  /// The model's name, or the file's path.
  const std::string& name() const noexcept;
  /// "builtin", the format of the file, or what added the model.
  const std::string& source() const noexcept;
  /// "published" or "untrained"; empty for a file.
  const std::string& variant() const noexcept;
  /// The assumptions of its figures, one sentence each.
  const std::vector<std::string>& notes() const noexcept;

  /// The tensors that go in.
  std::vector<TensorInfo> inputs() const;
  /// The tensors that come out.
  std::vector<TensorInfo> outputs() const;
  /// The module tree in the order of registration, a parent before its children: torchvision's
  /// `named_modules()`.
  std::vector<NetworkModule> modules() const;
  /// Learnt and stored tensors in the order of PyTorch's `state_dict()`.
  std::vector<StateEntry> state_dict() const;
  /// The operators in the order in which they run.
  std::vector<NetworkOperator> operators() const;
  /// How many operators run.
  std::size_t operator_count() const noexcept;

  /// The graph itself, for those who include zoometer/nn.hpp.
  const Graph& graph() const noexcept;

  /// For the library.
  const std::shared_ptr<const State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// A module with its figures, children included.
struct ModuleProfile : NetworkModule, Metrics {};

/// What one kind of operator costs in a network: the figures of all its runs.
struct OperatorProfile : Metrics {
  std::string name;        ///< "conv2d"; one without a definition as "domain::type"
  std::int64_t count = 0;  ///< how often it runs
};

/// What a network costs. docs/operators.md has each operator's formula and its source.
struct NetworkProfile {
  Metrics total;                           ///< of the whole network
  std::int64_t peak_activation_bytes = 0;  ///< the most bytes of activations alive at one time
  std::vector<ModuleProfile> modules;      ///< in the order of Network::modules()
  std::vector<OperatorProfile> operators;  ///< most FLOPs first
  CoverageLedger coverage;                 ///< what was counted and what is unknown
};

/// The built-in models, by name: the 121 of torchvision.
std::vector<ModelInfo> models();

/// Traces a built-in model. Throws Error{unknown_name} for an unknown name, Error{usage} or
/// Error{shape} for inputs that the model cannot take.
Network trace(std::string_view model, const TraceOptions& options = {});

/// Reads a model's file: ONNX, torch.export's .pt2, or what the PyTorch bridge wrote, recognised by
/// its contents. Throws Error{io}, Error{unsupported} or Error{malformed}.
Network read_model(const std::string& path, const TraceOptions& options = {});

/// Reads the bytes of such a file, which are needed during the call only. `name` is the network's
/// name and stands for the path in messages. Throws Error{unsupported} or Error{malformed}.
Network read_model(std::span<const std::byte> bytes, std::string name,
                   const TraceOptions& options = {});

/// The network with every real floating-point tensor stored in another type: bytes change, MACs and
/// FLOPs do not. Adds a note.
Network stored_as(const Network& network, DType dtype);

/// Counts. `convention` is whose rules fill Metrics::cost: "native" (which leaves it 0), "fvcore",
/// "torchvision", "torch", "thop", "ptflops" or, for StableHLO programs, "xla";
/// docs/conventions.md has the rules and their sources. Throws Error{unknown_name}, Error{usage}
/// where the network has nothing that the convention counts, or Error{overflow} if a sum exceeds 63
/// bits.
NetworkProfile profile(const Network& network, std::string_view convention = "native");

/// The profile as a document: "text", "json" (schema zoometer.profile/1), "csv", "table" (fvcore's,
/// with fvcore's figures) or "html" (one page). Throws Error{unknown_name} for another word, and
/// what `profile` throws.
std::string write_report(const Network& network, std::string_view format,
                         std::string_view convention = "native", const ReportOptions& options = {});

/// The built-in models and those that a program adds.
class Catalogue {
 public:
  /// The contents; known to the library only.
  struct State;

  /// Has the built-in models.
  Catalogue();
  /// Unloads its plug-ins.
  ~Catalogue();
  /// Moves; the source may only be assigned to afterwards.
  Catalogue(Catalogue&&) noexcept;
  /// Moves; the source may only be assigned to afterwards.
  Catalogue& operator=(Catalogue&&) noexcept;

  /// Adds the models of a family (see zoometer/nn.hpp), which must outlive the catalogue. `source`
  /// becomes their ModelInfo::source. Throws Error{usage} for a name that is taken, and adds none
  /// then.
  void add(const Family& family, std::string_view source = "program");

  /// Loads a plug-in (see zoometer/plugin.hpp) and adds its models. It stays loaded as long as the
  /// catalogue lives. Throws Error{io} or Error{unsupported} if it cannot be loaded, and
  /// Error{usage} for a name that is taken.
  void load_plugin(const std::string& path);

  /// Every model, by name.
  std::vector<ModelInfo> models() const;

  /// Traces one of its models. Throws as zoometer::trace does.
  Network trace(std::string_view model, const TraceOptions& options = {}) const;

  /// For the library.
  const State& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace zoometer
