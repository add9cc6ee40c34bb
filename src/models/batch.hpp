#pragma once

#include <optional>
#include <string>
#include <vector>

#include "zoometer/models/trace_options.hpp"

namespace zoometer {

/// The names of an input's sizes, in the order of its axes: none where the size is a number, an
/// empty one where it is open without a name. A name may be an expression: "2*batch".
using SizeNames = std::vector<std::optional<std::string>>;

/// An input, as the rule that finds its batch sees it.
struct BatchInput {
  std::string name;
  Shape shape;
  SizeNames sizes = {};  ///< empty: all are numbers
};

/// The name of a size, or null where it is a number.
const std::string* size_name(const BatchInput& input, std::size_t axis) noexcept;

/// The axis of each input that is its batch; none for an input without one.
using BatchAxes = std::vector<std::optional<std::size_t>>;

/// Finds the batch of a model's inputs. This is the one rule for `--batch`, whatever the model is:
///
/// 1. `options.batch_axes` names the axes; an input that it does not name has a batch only where a
///    size of the same name is one.
/// 2. A size with a name such as batch, batch_size, bs, B or N is the batch, on any axis.
/// 3. Otherwise it is the first axis, or the second if more inputs agree on that one: inputs agree
///    on an axis whose size has the same name, or is the same number, or is open without a name.
///    Sizes that are named after something else (time, height), that `options.dims` sets or that an
///    input has twice are no batch.
///
/// Inputs that do not agree with the others keep their shape. Throws Error{usage} where there is
/// no such axis, or for one that does not exist, and Error{unknown_name} for an unknown input.
BatchAxes find_batch(const std::vector<BatchInput>& inputs, const TraceOptions& options);

/// The batch that the inputs have; none where no axis is one.
std::optional<std::int64_t> batch_of(const std::vector<BatchInput>& inputs,
                                     const TraceOptions& options);

/// "--batch 8 sets axis 1 of x (time, batch, 32); unchanged: positions (16, 32)".
std::string batch_note(const std::vector<BatchInput>& inputs, const BatchAxes& axes,
                       std::string_view option);

}  // namespace zoometer
