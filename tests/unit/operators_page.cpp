#include "operators_page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include "zoometer/op/op.hpp"

namespace zoometer::testing {
namespace {

/// Collects the names and kinds of an operator's attributes.
class AttributeNames : public AttrVisitor {
 public:
  void visit(std::string_view name, std::int64_t) override { add(name, "integer"); }
  void visit(std::string_view name, double) override { add(name, "number"); }
  void visit(std::string_view name, bool) override { add(name, "truth value"); }
  void visit(std::string_view name, std::span<const std::int64_t>) override {
    add(name, "integers");
  }
  void visit(std::string_view name, std::span<const double>) override { add(name, "numbers"); }
  void visit(std::string_view name, std::string_view) override { add(name, "text"); }
  void visit(std::string_view name, DType) override { add(name, "dtype"); }

  std::string text;

 private:
  void add(std::string_view name, std::string_view kind) {
    if (!text.empty()) text += ", ";
    text.append("`").append(name).append("` (").append(kind).append(")");
  }
};

std::string attributes_of(const OpDef& op) {
  alignas(16) static const char zeros[4096] = {};
  AttributeNames names;
  EXPECT_LE(op.attrs.size, sizeof zeros);
  op.attrs.visit(zeros, names);
  return names.text;
}

std::string_view coverage_text(const OpDef& op) {
  switch (op.coverage) {
  case Coverage::counted:
    return op.cost_is_bound ? "counted, at most: it depends on data" : "counted";
  case Coverage::zero: return "zero by definition";
  case Coverage::unknown: return "unknown";
  }
  return "";
}

std::string_view storage_text(const OpDef& op) {
  switch (op.memory->storage) {
  case Storage::fresh: return "new memory";
  case Storage::alias: return "the input itself: no traffic";
  case Storage::view: return "a view: no traffic";
  case Storage::reshaped: return "a view where the input's strides allow it, else a copy";
  case Storage::packed: return "the input itself where it is contiguous, else a copy";
  case Storage::updated: return "the input's memory, of which it writes a part";
  }
  return "";
}

std::string_view role_text(Role role) {
  switch (role) {
  case Role::data: return "";
  case Role::weight: return " (weight)";
  case Role::bias: return " (bias)";
  case Role::scale: return " (scale)";
  case Role::shift: return " (shift)";
  case Role::mean: return " (running mean)";
  case Role::variance: return " (running variance)";
  case Role::quantisation: return " (quantisation scale)";
  case Role::zero_point: return " (zero point)";
  case Role::indices: return " (indices)";
  case Role::mask: return " (mask)";
  }
  return "";
}

std::string_view fusion_text(Fuse fusion) {
  switch (fusion) {
  case Fuse::alone: return "a kernel of its own";
  case Fuse::leads: return "leads a fused kernel";
  case Fuse::follows: return "follows in a fused kernel";
  case Fuse::absorbs: return "leads a fused kernel; two of them absorb a softmax";
  case Fuse::absorbed: return "absorbed between two products";
  }
  return "";
}

/// The names of the operands in a set.
std::string names_of(const OpDef& op, OperandSet set) {
  std::string text;
  for (std::size_t i = 0; i < op.inputs->size(); ++i) {
    if (!set.has(i)) continue;
    if (!text.empty()) text += ", ";
    text.append("`").append(op.inputs[i].name).append("`");
  }
  return text;
}

std::string memory_text(const OpDef& op) {
  const Memory memory = op.memory;
  std::string text(storage_text(op));
  if (memory.storage == Storage::fresh && memory.update != nullptr)
    text += ", or the input's, of which it writes a part, if nothing else needs it";
  if (memory.by_expert.bits != 0)
    text += "; reads the experts that the rows choose of " + names_of(op, memory.by_expert);
  if (memory.parts.bits != 0)
    text += "; reads as many elements of " + names_of(op, memory.parts) + " as it writes";
  if (memory.rows.bits != 0)
    text += "; reads as many rows of " + names_of(op, memory.rows) + " as it writes";
  if (memory.in_place.bits != 0) text += "; may write over " + names_of(op, memory.in_place);
  if (memory.workspace != nullptr) text += "; needs workspace";
  return text;
}

/// What is kept if the second operand wants a gradient, in words.
std::string kept_for_second(const OpDef& op) {
  using namespace declaring;
  const OperandSet kept = op.backward->for_second;
  std::string text = names_of(op, kept);
  if (kept.has(result)) text += text.empty() ? "the result" : ", the result";
  return text + " if " + names_of(op, second) + " needs a gradient";
}

std::string kept_text(const OpDef& op) {
  using namespace declaring;
  const Backward backward = op.backward;
  std::string text = names_of(op, backward.keeps);
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (backward.keeps_factors) {
    const OperandSet kept{backward.factors.bits & backward.keeps.bits};
    const OperandSet others{backward.factors.bits & ~backward.keeps.bits};
    add(kept.bits == 0 ? "each of " + names_of(op, others) + " if the other one needs a gradient"
                       : names_of(op, others) + " if " + names_of(op, kept) + " needs a gradient");
  }
  if (backward.keeps.has(first_or_result))
    add(names_of(op, first) + ", or the result if it takes its place in memory");
  if (backward.keeps.has(result)) add("the result");
  if (backward.for_second.bits != 0) add(kept_for_second(op));
  if (backward.extra != nullptr) add(std::string(backward.extra->what));
  if (backward.when != nullptr) text.append(", ").append(backward.when->what);
  return text.empty() ? "nothing" : text;
}

std::string complex_text(const Arithmetic& arithmetic) {
  return std::to_string(arithmetic.macs) + " MACs for each MAC, " +
         std::to_string(arithmetic.other) + " operations for each other one";
}

void write_operator(std::ostream& out, const OpDef& op) {
  out << "\n### " << op.name << "\n\n" << op.summary << "\n\n";
  out << "- FLOPs: " << op.formula << "\n";
  out << "- kind: " << name_of(op.kind) << "; " << fusion_text(op.fusion) << "\n";
  out << "- coverage: " << coverage_text(op) << "; result: " << memory_text(op) << "\n";
  if (!op.inputs->empty()) {
    out << "- inputs:";
    for (std::size_t i = 0; i < op.inputs->size(); ++i) {
      const Operand& input = op.inputs[i];
      out << (i > 0 ? ", `" : " `") << input.name << "`" << role_text(input.role);
    }
    out << "\n";
  }
  const std::string attributes = attributes_of(op);
  if (!attributes.empty()) out << "- attributes: " << attributes << "\n";
  const Backward backward = op.backward;
  const bool multiplies = op.kind != OpKind::pointwise && backward.factors.bits != 0;
  out << "- backward keeps: " << kept_text(op);
  if (multiplies) out << "; products for " << names_of(op, backward.factors);
  out << "\n";
  const Arithmetic arithmetic = op.arithmetic;
  if (arithmetic.macs != 1 || arithmetic.other != 1)
    out << "- on complex numbers: " << complex_text(arithmetic) << "\n";
  if (op.constraints.data() == no_constraints) return;
  for (std::size_t i = 0; i < op.constraints.size(); ++i)
    out << "- C" << i + 1 << ": " << op.constraints[i] << "\n";
}

}  // namespace

std::string operators_page() {
  std::ostringstream out;
  out << "# Operators\n\n"
         "Every operator that a graph is made of, from its declaration in `src/op/`: what it "
         "costs, what it\n"
         "checks, what it reads, where its result lives, what its backward keeps and how it joins "
         "others in one\n"
         "kernel. This page is written by the test `OperatorsDoc`.\n\n"
         "FLOPs are 2 x MACs plus all other operations. One operation is an addition, "
         "multiplication,\n"
         "division, comparison, rounding or one call of a transcendental function (exp, log, erf, "
         "tanh, sin,\n"
         "a square root). An operator is *counted* by its formula, *zero by definition* (it moves "
         "or renames\n"
         "elements and computes nothing), or *unknown*; what is unknown is always reported.\n"
         "A formula counts the steps of the operator's definition in PyTorch's documentation, as "
         "[counting.md](counting.md)\n"
         "explains.\n"
         "A failed check is cited by the operator's name and the number, as in `conv2d C4`.\n";
  for (const OpGroup* group : op_groups()) {
    out << "\n## " << group->name << "\n\n" << group->summary << "\n";
    for (const OpDef* op : group->ops) write_operator(out, *op);
  }
  return out.str();
}

std::string kept_table() {
  std::vector<std::pair<std::string, std::string>> rows;  // what, operators
  for (const OpGroup* group : op_groups()) {
    for (const OpDef* op : group->ops) {
      const std::string kept = kept_text(*op);
      if (kept == "nothing") continue;
      const auto found = std::find_if(rows.begin(), rows.end(),
                                      [&](const auto& row) { return row.first == kept; });
      const std::string name = "`" + std::string(op->name) + "`";
      if (found == rows.end()) {
        rows.emplace_back(kept, name);
      } else {
        found->second += ", " + name;
      }
    }
  }
  std::string text;
  for (const auto& [kept, names] : rows) text += "| " + names + " | " + kept + " |\n";
  return text + "| every other operator | nothing; a graph does not have dropout's rate |\n";
}

}  // namespace zoometer::testing
