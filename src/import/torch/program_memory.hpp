#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "zoometer/ir/graph.hpp"

// Writes into the memory of an exported program's tensors. A program says `y[0].mul_(5)` as an
// operator on a view; here the result goes back into the tensor that the view is of, and all other
// views of it are taken again before they are read.

namespace zoometer {

/// The tensors of a graph that share memory, by numbers that the caller chooses (slots).
class ProgramMemory {
 public:
  explicit ProgramMemory(Graph& graph) : graph_(graph) {}

  /// Declares that `slot` has the value `view`, which the graph's nodes made of the memory of
  /// `base` with the value `value`. Returns false if it is not such a view.
  bool add_view(std::uint32_t slot, ValueId view, std::uint32_t base, ValueId value);
  /// Declares that `slot` is the same tensor as `base`.
  void add_alias(std::uint32_t slot, std::uint32_t base);

  /// The place of a slot's value.
  using Values = std::function<ValueId&(std::uint32_t slot)>;

  /// Stores `value` as what `slot` has now, and in all tensors of which it is a view. Others of the
  /// memory are out of date from then on. Throws Error{limit} after very many writes, and then has
  /// stored nothing.
  void write(std::uint32_t slot, ValueId value, const Values& values);
  /// Takes a tensor that is out of date again from what it is a view of. Throws as `write`.
  void refresh(std::uint32_t slot, const Values& values);

  /// Whether anything was written.
  bool has_writes() const noexcept { return writes_ > 0; }

 private:
  static constexpr std::uint32_t no_base = 0xFFFFFFFF;
  struct View {
    std::uint32_t base = no_base;
    std::uint32_t root = no_base;  ///< the tensor whose memory it is
    std::uint32_t depth = 0;
    std::uint64_t seen = 0;      ///< the root's last write that its value has
    std::uint64_t written = 0;   ///< the last write, of a root
    std::vector<ValueId> steps;  ///< what the nodes between base and view gave, in order
  };

  bool is_stale(std::uint32_t slot) const noexcept;
  View& view_of(std::uint32_t slot);
  void attach(std::uint32_t slot, std::uint32_t base);
  ValueId take(const View& view, ValueId base);
  ValueId put_back(const View& view, ValueId base, ValueId piece);
  ValueId put_step(ValueId step, ValueId whole, ValueId piece);
  void spend();

  Graph& graph_;
  std::vector<View> views_;
  std::uint64_t writes_ = 0;
  std::int64_t steps_left_ = 200'000;
};

}  // namespace zoometer
