#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "zoometer/ir/graph.hpp"
#include "zoometer/ir/tensor.hpp"

// ATen's operators, as torch.export and the live bridge write them, turned into those of src/op.

namespace zoometer {

/// One argument of a call, as the file gives it. Its lists live as long as the call.
struct Argument {
  enum class Kind : std::uint8_t {
    none,
    tensor,
    tensors,
    integer,
    integers,
    number,
    numbers,
    boolean,
    booleans,
    text,
    dtype,
    other,  ///< devices, layouts, memory formats, objects: nothing depends on them
  };

  std::string_view name;
  Kind kind = Kind::none;
  bool boolean = false;
  DType dtype = DType::unknown;
  ValueId tensor = no_id;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;
  std::span<const ValueId> tensors;  ///< no_id where a tensor was left out
  std::span<const std::int64_t> integers;
  std::span<const double> numbers;
};

/// What a program says of the results of one call.
class AtenResults {
 public:
  virtual ~AtenResults() = default;
  /// How many it names.
  virtual std::size_t count() const noexcept = 0;
  /// Whether anything reads that result.
  virtual bool uses(std::size_t output) const = 0;
  /// The declared type of a tensor, or nothing.
  virtual std::optional<OutputType> type(std::size_t output) const = 0;
};

/// A call of an ATen operator while it is translated. The accessors throw Error{malformed} for an
/// argument that is missing or of another kind.
class AtenCall {
 public:
  /// `results` receives what the translation gives.
  AtenCall(Graph& graph, std::string_view name, std::string_view overload,
           std::span<const Argument> arguments, const AtenResults& declared,
           std::vector<ValueId>& results)
      : graph_(graph),
        name_(name),
        overload_(overload),
        arguments_(arguments),
        declared_(declared),
        results_(results) {}

  Graph& graph() const noexcept { return graph_; }
  std::string_view name() const noexcept { return name_; }
  std::string_view overload() const noexcept { return overload_; }

  // -- arguments ----------------------------------------------------------------------------

  /// The argument of that name, or null where it is missing or None.
  const Argument* find(std::string_view name) const noexcept;
  /// The argument at a position, or null.
  const Argument* at(std::size_t position) const noexcept;
  bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  bool has_tensor(std::string_view name) const noexcept;

  Tensor tensor(std::string_view name) const;
  Tensor tensor(std::size_t position) const;
  /// An empty handle where the argument is missing or None.
  Tensor optional_tensor(std::string_view name) const;
  std::vector<Tensor> tensors(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::optional<std::int64_t> missing = {}) const;
  double number(std::string_view name, std::optional<double> missing = {}) const;
  bool boolean(std::string_view name, bool missing) const;
  /// A list of integers or one alone.
  std::span<const std::int64_t> integers(std::string_view name) const;
  std::string_view text(std::string_view name, std::string_view missing) const;
  std::optional<DType> dtype(std::string_view name) const;

  // -- results ------------------------------------------------------------------------------

  /// The next result.
  void output(Tensor tensor) { results_.push_back(tensor.id); }
  void outputs(Tensor first, std::size_t count);
  /// Results that the last node, which made `first`, makes on its way and of which the program
  /// tells the type: one for each name that has no result yet. Those that nothing reads are left
  /// out.
  void outputs_beside(Tensor first);
  /// Refuses more results than the program names: a few words could ask for millions.
  void expect_outputs(std::int64_t count) const;
  /// Whether anything reads that result.
  bool uses(std::size_t output) const { return declared_.uses(output); }
  /// The type that the program declares for a result, or Error{unsupported}.
  OutputType declared(std::size_t output) const;

  /// Throws Error{unsupported}: the call becomes an unknown operator with declared results.
  [[noreturn]] void refuse(std::string_view reason) const;

 private:
  [[noreturn]] void throw_argument(std::string_view name, std::string_view expected) const;
  const Argument& get(std::string_view name, std::string_view expected) const;

  Graph& graph_;
  std::string_view name_;
  std::string_view overload_;
  std::span<const Argument> arguments_;
  const AtenResults& declared_;
  std::vector<ValueId>& results_;
};

using AtenTranslation = void(AtenCall& call);

/// The translation of an operator, or null. ATen's own are named alone ("conv2d"), others with
/// their namespace ("torchvision::nms"). A trailing underscore (`relu_`) is not part of the name.
AtenTranslation* find_aten(std::string_view name) noexcept;

}  // namespace zoometer
