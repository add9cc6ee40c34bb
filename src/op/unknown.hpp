#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// The name that a file gave to an operator without a definition.
struct UnknownAttrs {
  std::string_view domain;  ///< "com.example", lives as long as the graph
  std::string_view op_type;
  static constexpr std::tuple fields{field("domain", &UnknownAttrs::domain),
                                     field("op_type", &UnknownAttrs::op_type)};
};

/// Stands for every operator without a definition; appended with declared output types. Its cost
/// is unknown and reported as such.
extern const OpDef unknown_op;

}  // namespace zoometer
