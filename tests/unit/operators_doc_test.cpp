// docs/operators.md is written from the operators' own declarations: run with
// ZOOMETER_UPDATE_DOCS=1 to rewrite it after a change.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "zoometer/op/op.hpp"

namespace zoometer {
namespace {

const std::string path = ZOOMETER_SOURCE_DIR "/docs/operators.md";

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
  switch (op.storage) {
  case Storage::fresh:
    return op.reads == Reads::outputs ? "new memory; reads what it writes" : "new memory";
  case Storage::alias: return "the input itself: no traffic";
  case Storage::view: return "a view: no traffic";
  case Storage::reshaped: return "a view where the input is contiguous, else a copy";
  }
  return "";
}

std::string document() {
  std::ostringstream out;
  out << "# Operators\n\n"
         "Every operator that a graph is made of, from its declaration in `src/op/`: what it "
         "costs, what it\n"
         "checks, where its result lives. This page is written by the test `OperatorsDoc`.\n\n"
         "FLOPs are 2 x MACs plus all other operations. One operation is an addition, "
         "multiplication,\n"
         "division, comparison, rounding or one call of a transcendental function (exp, log, erf, "
         "tanh, sin,\n"
         "a square root). An operator is *counted* by its formula, *zero by definition* (it moves "
         "or renames\n"
         "elements and computes nothing), or *unknown*; what is unknown is always reported.\n"
         "A formula counts the steps of the operator's definition in PyTorch's documentation, as "
         "[counting.md](counting.md)\n"
         "tells.\n"
         "A failed check is cited by the operator's name and the number, as in `conv2d C4`.\n";
  for (const OpGroup* group : op_groups()) {
    out << "\n## " << group->name << "\n\n" << group->summary << "\n";
    for (const OpDef* op : group->ops) {
      out << "\n### " << op->name << "\n\n" << op->summary << "\n\n";
      out << "- FLOPs: " << op->formula << "\n";
      out << "- coverage: " << coverage_text(*op) << "; result: " << storage_text(*op) << "\n";
      if (!op->inputs.empty()) {
        out << "- inputs:";
        for (std::size_t i = 0; i < op->inputs.size(); ++i)
          out << (i > 0 ? ", `" : " `") << op->inputs[i] << "`";
        out << "\n";
      }
      const std::string attributes = attributes_of(*op);
      if (!attributes.empty()) out << "- attributes: " << attributes << "\n";
      if (op->constraints.data() == no_constraints) continue;
      for (std::size_t i = 0; i < op->constraints.size(); ++i) {
        out << "- C" << i + 1 << ": " << op->constraints[i] << "\n";
      }
    }
  }
  return out.str();
}

TEST(OperatorsDoc, IsWhatTheDeclarationsSay) {
  const std::string expected = document();
  if (std::getenv("ZOOMETER_UPDATE_DOCS") != nullptr) std::ofstream(path) << expected;
  std::ifstream file(path);
  std::stringstream found;
  found << file.rdbuf();
  EXPECT_EQ(found.str(), expected) << "run unit_tests with ZOOMETER_UPDATE_DOCS=1";
}

TEST(Operators, AreDeclaredOnceAndWhole) {
  std::set<std::string_view> names;
  for (const OpGroup* group : op_groups()) {
    for (const OpDef* op : group->ops) {
      EXPECT_TRUE(names.insert(op->name).second) << op->name << " is declared twice";
      EXPECT_EQ(find_op(op->name), op);
      EXPECT_FALSE(op->summary.empty()) << op->name;
      EXPECT_FALSE(op->formula.empty()) << op->name;
      EXPECT_NE(op->infer, nullptr) << op->name;
      EXPECT_NE(op->attrs.visit, nullptr) << op->name;
      EXPECT_EQ(op->cost != nullptr, op->coverage == Coverage::counted) << op->name;
    }
  }
}

}  // namespace
}  // namespace zoometer
