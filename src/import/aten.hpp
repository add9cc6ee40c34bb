#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ir/graph.hpp"
#include "ir/tensor.hpp"

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

/// A call of an ATen operator while it is translated. The accessors throw Error{malformed} for an
/// argument that is missing or of another kind.
class AtenCall {
 public:
  /// `results` receives what the translation gives.
  AtenCall(Graph& graph, std::string_view name, std::string_view overload,
           std::span<const Argument> arguments, std::span<const bool> used_outputs,
           std::vector<ValueId>& results)
      : graph_(graph),
        name_(name),
        overload_(overload),
        arguments_(arguments),
        used_outputs_(used_outputs),
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
  /// Refuses more results than the program names: a few words could ask for millions.
  void expect_outputs(std::int64_t count) const;
  /// Whether anything reads that result.
  bool uses(std::size_t output) const noexcept {
    return output < used_outputs_.size() && used_outputs_[output];
  }

  /// Throws Error{unsupported}: the call becomes an unknown operator with declared results.
  [[noreturn]] void refuse(std::string_view reason) const;

 private:
  [[noreturn]] void throw_argument(std::string_view name, std::string_view expected) const;
  const Argument& get(std::string_view name, std::string_view expected) const;

  Graph& graph_;
  std::string_view name_;
  std::string_view overload_;
  std::span<const Argument> arguments_;
  std::span<const bool> used_outputs_;
  std::vector<ValueId>& results_;
};

using AtenTranslation = void(AtenCall& call);

/// The translation of an operator, or null. ATen's own are named alone ("conv2d"), others with
/// their namespace ("torchvision::nms"). A trailing underscore (`relu_`) is not part of the name.
AtenTranslation* find_aten(std::string_view name) noexcept;

}  // namespace zoometer
