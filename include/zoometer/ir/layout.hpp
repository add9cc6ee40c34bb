#pragma once

#include <cstdint>
#include <vector>

#include "zoometer/ir/graph.hpp"
#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// Where the elements of a value are, in elements of the memory that it shares.
struct Layout {
  std::int64_t offset = 0;  ///< the place of the first element
  Ints strides;             ///< from index to index of each dimension; 0 where it is expanded
  bool is_known = true;     ///< false: somewhere in that memory
  bool overlaps = false;    ///< whether some elements may be at one place

  /// a x b; if that exceeds 63 bits, the layout is no longer known.
  std::int64_t times(std::int64_t a, std::int64_t b) noexcept;
  /// Begins that many indices later along a dimension.
  void skip(std::size_t dim, std::int64_t count) noexcept;
};

/// Elements one after the other, the last dimension's neighbours first.
Layout contiguous_layout(const Shape& shape);

/// Whether elements of that shape are one after the other. Dimensions of size 1 do not matter, as
/// in PyTorch's `is_contiguous`.
bool is_contiguous(const Shape& shape, const Layout& layout);

/// Turns the layout of a node's first input into that of an output that shares its memory. Returns
/// false if there is none: a reshape by PyTorch's rule for `view` needs dimensions that are
/// contiguous to each other where it joins them.
bool place_output(const NodeView& node, std::size_t output, Layout& layout);

/// The value whose memory a computed value shares directly: its node's first input. `no_id` if it
/// has memory of its own.
ValueId source_of(const Graph& graph, ValueId value);

/// The value whose memory a value uses: itself, or that of the source of a view or an in-place
/// result. A parameter that shares its memory uses that of the first one.
ValueId owner_of(const Graph& graph, ValueId value);

/// By value: its owner (`owner_of`).
std::vector<ValueId> owners_of(const Graph& graph);

/// Where the elements of a value are in its owner's memory. Unknown after many views of views.
Layout layout_of(const Graph& graph, ValueId value);

/// What a value takes of its owner's memory, in elements.
struct Extent {
  std::int64_t first = 0;     ///< the lowest place
  std::int64_t end = 0;       ///< after the highest place
  std::int64_t elements = 0;  ///< different ones: those along an expanded dimension count once
};

/// What a value takes of the memory of `owner`, which is its owner; all of it where that is not
/// known.
Extent extent_of(const Graph& graph, ValueId value, ValueId owner);

}  // namespace zoometer
