#include "op/text.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"texts...", Role::data}};
constexpr std::string_view constraints[] = {"sizes of at least 0"};

void infer_text(Inference& in) {
  const auto& attrs = in.attrs<TextAttrs>();
  for (const std::int64_t size : attrs.sizes) in.require(size >= 0, 1);
  in.output(Shape(attrs.sizes), attrs.dtype, attrs.is_bound);
}

}  // namespace

constinit const OpDef text_op = {.name = "text",
                                 .summary = "Joins, matches, normalises or counts texts.",
                                 .formula = "1 per element of the first input, however long it is",
                                 .kind = OpKind::pointwise,
                                 .inputs = inputs,
                                 .constraints = constraints,
                                 .attrs = AttrType::of<TextAttrs>(),
                                 .backward = keeps_nothing,
                                 .fusion = Fuse::alone,
                                 .memory = new_memory,
                                 .arithmetic = real_arithmetic,
                                 .infer = infer_text,
                                 .cost = per_input<1>};

namespace {

constexpr const OpDef* ops[] = {&text_op};

}  // namespace

extern constinit const OpGroup text_ops = {"text", "Operators on texts.", ops};

}  // namespace zoometer
