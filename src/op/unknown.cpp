#include "op/unknown.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"inputs...", Role::data}};

void infer_nothing(Inference&) {}

}  // namespace

constinit const OpDef unknown_op = {.name = "unknown",
                                    .summary =
                                        "An operator without a definition; its types are declared.",
                                    .formula = "unknown: listed with its count",
                                    .kind = OpKind::unknown,
                                    .inputs = inputs,
                                    .constraints = no_constraints,
                                    .attrs = AttrType::of<UnknownAttrs>(),
                                    .backward = keeps(all_operands),
                                    .fusion = Fuse::alone,
                                    .memory = new_memory,
                                    .arithmetic = real_arithmetic,
                                    .coverage = Coverage::unknown,
                                    .infer = infer_nothing};

namespace {

constexpr const OpDef* ops[] = {&unknown_op};

}  // namespace

extern constinit const OpGroup unknown_ops = {"unknown", "Operators without a definition.", ops};

}  // namespace zoometer
