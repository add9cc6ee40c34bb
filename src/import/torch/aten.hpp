#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/foreign.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/ir/tensor.hpp"

// ATen's operators, as torch.export and the live bridge write them, translated into those of
// src/op.

namespace zoometer {

/// One argument of a call, as the program gives it. Its lists live as long as the call.
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
    text,
    dtype,
    other,  ///< devices, layouts, memory formats, objects: no cost depends on them
  };

  std::string_view name;
  Kind kind = Kind::none;
  bool boolean = false;
  DType dtype = DType::unknown;
  ValueId tensor = no_id;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;
  std::span<const ValueId> tensors;  ///< no_id for a missing tensor
  std::span<const std::int64_t> integers;
  std::span<const double> numbers;
};

/// The value as Python writes it: "True", "0.5", "[1, 2]"; "tensor" and "tensors" for those.
std::string text_of(const Argument& argument);

/// What a program declares about the results of one call.
class AtenResults {
 public:
  virtual ~AtenResults() = default;
  /// How many there are.
  virtual std::size_t count() const noexcept = 0;
  /// Whether a node or the program reads that result.
  virtual bool uses(std::size_t output) const = 0;
  /// The declared type of a tensor, or nothing.
  virtual std::optional<OutputType> type(std::size_t output) const = 0;
};

/// In what a kernel keeps: an index (8 bytes) for each element of the first result.
inline constexpr OperandSet index_of_result{1U << 29};

/// What the backward of a kernel keeps.
struct KernelMemory {
  OperandSet operands;     ///< the arguments, by their place, the first result, index_of_result
  std::int64_t bytes = 0;  ///< and what else
};

/// A call of an ATen operator while it is translated. The accessors remember which arguments were
/// read; they throw Error{malformed} for an argument that is missing or of another kind.
class AtenCall {
 public:
  /// `results` receives the results of the translation.
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

  /// Whether an accessor returned the argument at that position.
  bool was_read(std::size_t position) const noexcept {
    return position >= most_marks || (read_ >> position & 1U) != 0;
  }
  /// Whether this holds for all of them.
  bool all_read() const noexcept;

  // -- results ------------------------------------------------------------------------------

  /// The next result.
  void output(Tensor tensor) { results_.push_back(tensor.id); }
  void outputs(Tensor first, std::size_t count);
  /// Further results of the node that made `first`, with the types that the program declares: one
  /// for each name that has no result yet. Unused ones are left out.
  void further_outputs(Tensor first);
  /// Refuses more results than the program names: a short program could ask for millions.
  void expect_outputs(std::int64_t count) const;
  /// Whether a node or the program reads that result.
  bool uses(std::size_t output) const { return declared_.uses(output); }
  /// The type that the program declares for a result, or Error{unsupported}.
  OutputType declared(std::size_t output) const;

  /// Says what the backward of all the call's nodes keeps, where that depends on its arguments:
  /// instead of what the row says.
  void keeps(OperandSet operands, std::int64_t bytes = 0) { kept_ = {operands, bytes}; }
  /// What was said, or nothing.
  const std::optional<KernelMemory>& kept() const noexcept { return kept_; }
  /// The same of the nodes that were appended since `first_node`.
  void keeps(std::size_t first_node, std::initializer_list<Tensor> kept, std::int64_t bytes = 0);

  /// Throws Error{unsupported}: the call becomes an unknown operator with declared results.
  [[noreturn]] void refuse(std::string_view reason) const;

 private:
  [[noreturn]] void throw_argument(std::string_view name, std::string_view expected) const;
  const Argument& get(std::string_view name, std::string_view expected) const;

  static constexpr std::size_t most_marks = 64;  ///< arguments beyond count as read

  Graph& graph_;
  std::string_view name_;
  std::string_view overload_;
  std::span<const Argument> arguments_;
  const AtenResults& declared_;
  std::vector<ValueId>& results_;
  mutable std::uint64_t read_ = 0;  ///< a bit for each argument
  std::optional<KernelMemory> kept_;
};

using AtenTranslation = void(AtenCall& call);
using enum Meaning;

/// All that is known of one operator of ATen.
struct AtenOperator {
  /// Its names, separated by spaces. ATen's own operators are named alone ("conv2d"), others with
  /// their namespace ("torchvision::nms"). A trailing underscore (`relu_`) is not part of a name.
  std::string_view names;
  AtenTranslation* translate;
  Meaning meaning;
  /// Arguments that no cost depends on. Devices, layouts, memory formats and element types are
  /// among them for every operator: the program declares the element types of all results.
  std::span<const NoEffect> no_effect = {};
  /// For an operator that PyTorch runs as one kernel and that becomes several nodes: what its
  /// backward keeps (KernelMemory::operands). Nothing: each node keeps what its own operator does.
  std::optional<OperandSet> kept = {};
};

struct AtenName {
  std::string_view name;
  const AtenOperator* row = nullptr;
};

/// The operators of one file, sorted by name.
struct AtenOperators {
  std::span<const AtenName> names;
};

template <const auto& rows>
constexpr auto sort_aten_names() {
  std::array<AtenName,
             [] {
               std::size_t count = 0;
               for (const AtenOperator& row : rows)
                 count += static_cast<std::size_t>(std::ranges::count(row.names, ' ')) + 1;
               return count;
             }()>
      names;
  auto next = names.begin();
  for (const AtenOperator& row : rows) {
    for (std::string_view rest = row.names; !rest.empty(); ++next) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      *next = {rest.substr(0, end), &row};
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::ranges::sort(names, std::less<>(), &AtenName::name);
  return names;
}

/// The names in a table of rows, for AtenOperators.
template <const auto& rows>
inline constexpr auto aten_names = sort_aten_names<rows>();

/// Every file's operators, by object name.
std::span<const AtenOperators* const> aten_operators() noexcept;

/// The row of an operator, or null.
const AtenOperator* find_aten(std::string_view name) noexcept;

}  // namespace zoometer
