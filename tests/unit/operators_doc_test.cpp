// docs/operators.md and a table of docs/memory.md are written from the operators' declarations: run
// with ZOOMETER_UPDATE_DOCS=1 to rewrite them after a change.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <type_traits>

#include "operators_page.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {
namespace {

const std::string operators_path = ZOOMETER_SOURCE_DIR "/docs/operators.md";
const std::string memory_path = ZOOMETER_SOURCE_DIR "/docs/memory.md";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_page(const std::string& path, const std::string& expected) {
  if (std::getenv("ZOOMETER_UPDATE_DOCS") != nullptr) std::ofstream(path) << expected;
  EXPECT_EQ(read_file(path), expected) << "run unit_tests with ZOOMETER_UPDATE_DOCS=1";
}

TEST(OperatorsDoc, FollowsTheDeclarations) {
  expect_page(operators_path, testing::operators_page());
}

TEST(OperatorsDoc, MemoryPageListsWhatBackwardKeeps) {
  const std::string heading = "| operator | keeps |\n|---|---|\n";
  std::string page = read_file(memory_path);
  const std::size_t start = page.find(heading);
  ASSERT_NE(start, std::string::npos);
  const std::size_t begin = start + heading.size();
  page.replace(begin, page.find("\n\n", begin) + 1 - begin, testing::kept_table());
  expect_page(memory_path, page);
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

// A member that a declaration omits cannot be default-constructed.
static_assert(!std::is_default_constructible_v<decltype(OpDef::kind)>);
static_assert(!std::is_default_constructible_v<decltype(OpDef::inputs)>);
static_assert(!std::is_default_constructible_v<decltype(OpDef::backward)>);
static_assert(!std::is_default_constructible_v<decltype(OpDef::fusion)>);
static_assert(!std::is_default_constructible_v<decltype(OpDef::memory)>);
static_assert(!std::is_default_constructible_v<decltype(OpDef::arithmetic)>);
static_assert(!std::is_default_constructible_v<decltype(Operand::role)>);

TEST(Operators, DeclareWhatTheirKindNeeds) {
  for (const OpGroup* group : op_groups()) {
    for (const OpDef* op : group->ops) {
      if (op->kind == OpKind::product) {
        EXPECT_NE(op->backward->factors.bits, 0U) << op->name;
        EXPECT_TRUE(op->fusion == Fuse::leads || op->fusion == Fuse::absorbs) << op->name;
      }
      if (op->kind == OpKind::lookup) {
        EXPECT_NE((op->memory->parts | op->memory->rows).bits, 0U) << op->name;
      }
      if (op->memory->storage != Storage::fresh) {
        EXPECT_EQ(op->memory->in_place.bits, 0U) << op->name << " has no memory of its own";
      }
    }
  }
}

}  // namespace
}  // namespace zoometer
