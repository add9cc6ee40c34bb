#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of text.
struct TextAttrs {
  Ints sizes;                   ///< of the result
  DType dtype = DType::string;  ///< of the result
  bool is_bound = false;        ///< whether data decides a size, which is then at most this
  static constexpr std::tuple fields{field("sizes", &TextAttrs::sizes),
                                     field("dtype", &TextAttrs::dtype),
                                     field("is_bound", &TextAttrs::is_bound)};
};

/// ONNX's operators on text, whose work depends on its length.
extern const OpDef text_op;

}  // namespace zoometer
