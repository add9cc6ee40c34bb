#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "import/stablehlo/reader.hpp"

namespace zoometer {

class HloCall;

/// All that is known of one operation of StableHLO.
struct HloOperator {
  std::string_view name;
  void (*emit)(HloCall& call) = nullptr;
  /// The operator of zoometer that it is, for handlers of many.
  const OpDef* op = nullptr;
};

/// The operations that one file of this folder handles.
struct HloOperators {
  std::span<const HloOperator> rows;
};

/// Every file's operations, by object name.
std::span<const HloOperators* const> hlo_operators() noexcept;
/// The row of an operation, or null.
const HloOperator* find_hlo_operator(std::string_view name) noexcept;

/// One operation as its handler sees it.
class HloCall {
 public:
  HloCall(HloReader& reader, HloFrame& frame, const HloOperation& operation, const HloOperator& row)
      : reader_(reader),
        frame_(frame),
        operation_(operation),
        row_(row) {}

  HloReader& reader() noexcept { return reader_; }
  HloFrame& frame() noexcept { return frame_; }
  Graph& graph() noexcept { return reader_.graph(); }
  const HloProgram& program() const noexcept { return reader_.program(); }
  const HloOperation& operation() const noexcept { return operation_; }
  const HloOperator& row() const noexcept { return row_; }

  std::size_t input_count() const noexcept { return operation_.operands.size(); }
  Tensor in(std::size_t index);
  std::vector<Tensor> all_inputs();
  /// The operands from `first` on as they are, known or not.
  std::vector<HloValue> values(std::size_t first = 0);
  const HloType& input_type(std::size_t index) const;
  const HloKnown* known(std::size_t index) const;

  /// The integers of an attribute. Throws Error{shape} where it has none of them.
  std::vector<std::int64_t> integers(std::string_view attribute) const;
  std::vector<std::int64_t> integers_or(std::string_view attribute,
                                        std::vector<std::int64_t> otherwise) const;
  std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  std::string_view text(std::string_view attribute) const;
  const HloRegion& region(std::size_t index) const;

  std::size_t output_count() const noexcept { return operation_.types.size(); }
  const HloType& output_type(std::size_t index = 0) const;
  /// Sets a result. Throws Error{shape} where the file states other sizes.
  void out(Tensor value, std::size_t index = 0);
  void out(HloValue value, std::size_t index);
  void out_known(HloKnown known);
  /// A movement of the operands into the stated sizes; those that are not stated are guesses.
  void out_declared(std::size_t index = 0);
  void out_declared(std::span<const Tensor> operands, std::size_t index = 0);

  void require(bool holds, std::string_view expected) const;

 private:
  HloReader& reader_;
  HloFrame& frame_;
  const HloOperation& operation_;
  const HloOperator& row_;
};

}  // namespace zoometer
