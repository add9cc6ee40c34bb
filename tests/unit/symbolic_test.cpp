// Sizes as expressions, in both spellings that torch.export has used.
#include "import/torch/symbolic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoometer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::optional<std::int64_t> evaluate(std::string_view expression) {
  SymbolValues symbols;
  symbols.set("s0", 4);
  symbols.set("s1", 7);
  symbols.set("u0", -3);
  return evaluate_size(expression, symbols);
}

TEST(Symbolic, EvaluatesSympysRepresentation) {
  EXPECT_EQ(evaluate("Symbol('s0', integer=True, positive=True)"), 4);
  EXPECT_EQ(evaluate("Symbol(\"s0\")"), 4);
  EXPECT_EQ(evaluate("Integer(12)"), 12);
  EXPECT_EQ(evaluate("Integer(-12)"), -12);
  EXPECT_EQ(evaluate("Add(Symbol('s0', integer=True), Integer(1))"), 5);
  EXPECT_EQ(evaluate("Mul(Integer(2), Symbol('s0'), Symbol('s1'))"), 56);
  EXPECT_EQ(evaluate("Mul(Rational(1, 2), Symbol('s0'))"), 2);
  EXPECT_EQ(evaluate("Pow(Symbol('s0'), Integer(2))"), 16);
  EXPECT_EQ(evaluate("Mul(Symbol('s0'), Pow(Integer(2), Integer(-1)))"), 2);
  EXPECT_EQ(evaluate("FloorDiv(Symbol('s1'), Integer(2))"), 3);
  EXPECT_EQ(evaluate("FloorDiv(Symbol('u0'), Integer(2))"), -2);
  EXPECT_EQ(evaluate("CeilDiv(Symbol('s1'), Integer(2))"), 4);
  EXPECT_EQ(evaluate("Mod(Symbol('s1'), Symbol('s0'))"), 3);
  EXPECT_EQ(evaluate("PythonMod(Symbol('u0'), Integer(2))"), 1);
  EXPECT_EQ(evaluate("ModularIndexing(Symbol('s1'), Integer(2), Integer(2))"), 1);
  EXPECT_EQ(evaluate("Max(Integer(1), Symbol('u0'), Integer(2))"), 2);
  EXPECT_EQ(evaluate("Min(Integer(1), Symbol('u0'))"), -3);
  EXPECT_EQ(evaluate("TruncToInt(IntTrueDiv(Symbol('u0'), Integer(2)))"), -1);
  EXPECT_EQ(evaluate("floor(Mul(Float('1.5', precision=53), Symbol('s1')))"), 10);
  EXPECT_EQ(evaluate("ceiling(Mul(Float('1.5'), Symbol('s1')))"), 11);
  EXPECT_EQ(evaluate("RoundToInt(Rational(5, 2))"), 2);
  EXPECT_EQ(evaluate("RoundToInt(Rational(7, 2))"), 4);
  EXPECT_EQ(evaluate("RoundToInt(Rational(8, 3))"), 3);
  EXPECT_EQ(evaluate("Abs(Symbol('u0'))"), 3);
}

TEST(Symbolic, EvaluatesPlainText) {
  EXPECT_EQ(evaluate("s0"), 4);
  EXPECT_EQ(evaluate("2*s0 + 1"), 9);
  EXPECT_EQ(evaluate("s0*s1 - s0**2"), 12);
  EXPECT_EQ(evaluate("((s1//2)) * -1"), -3);
  EXPECT_EQ(evaluate("s0/2 + 1/2*2"), 3);
  EXPECT_EQ(evaluate("Mod(s1, 4)"), 3);
  EXPECT_EQ(evaluate("s1 % 4"), 3);
  EXPECT_EQ(evaluate("-(s0 - 10)"), 6);
  EXPECT_EQ(evaluate("+s0"), 4);
  EXPECT_EQ(evaluate("2**-1*s0"), 2);
}

TEST(Symbolic, GivesNothingIfUnknown) {
  EXPECT_EQ(evaluate(""), std::nullopt);
  EXPECT_EQ(evaluate("s9"), std::nullopt);
  EXPECT_EQ(evaluate("Symbol('s9')"), std::nullopt);
  EXPECT_EQ(evaluate("Symbol('s0"), std::nullopt);
  EXPECT_EQ(evaluate("s0/3"), std::nullopt);
  EXPECT_EQ(evaluate("s0/0"), std::nullopt);
  EXPECT_EQ(evaluate("s0//0"), std::nullopt);
  EXPECT_EQ(evaluate("s0 % 0"), std::nullopt);
  EXPECT_EQ(evaluate("0**-1"), std::nullopt);
  EXPECT_EQ(evaluate("s0 +"), std::nullopt);
  EXPECT_EQ(evaluate("(s0"), std::nullopt);
  EXPECT_EQ(evaluate("s0)"), std::nullopt);
  EXPECT_EQ(evaluate("Foo(s0)"), std::nullopt);
  EXPECT_EQ(evaluate("FloorDiv(s0)"), std::nullopt);
  EXPECT_EQ(evaluate("Add()"), std::nullopt);
  EXPECT_EQ(evaluate("int_oo"), std::nullopt);
  EXPECT_EQ(evaluate("Symbol('s0', integer)"), std::nullopt);
  EXPECT_EQ(evaluate("Foo('s0')"), std::nullopt);
  EXPECT_EQ(evaluate("9223372036854775807 + 1"), std::nullopt);
  EXPECT_EQ(evaluate("10**40"), std::nullopt);
  EXPECT_EQ(evaluate("99999999999999999999999999999999999999999999999999"), std::nullopt);
  EXPECT_EQ(evaluate(std::string(10'000, '(')), std::nullopt);
  EXPECT_EQ(evaluate(std::string(10'000, '-') + "1"), std::nullopt);
}

TEST(Symbolic, KnowsASingleSymbol) {
  EXPECT_EQ(lone_symbol("s0"), "s0");
  EXPECT_EQ(lone_symbol("Symbol('s0')"), "s0");
  EXPECT_EQ(lone_symbol("Symbol('s0', integer=True, positive=True)"), "s0");
  EXPECT_EQ(lone_symbol("Add(Symbol('s0'), Integer(1))"), "");
  EXPECT_EQ(lone_symbol("s0 + 1"), "");
  EXPECT_EQ(lone_symbol("4"), "");
  EXPECT_EQ(lone_symbol(""), "");
}

TEST(Symbolic, FindsSymbols) {
  EXPECT_THAT(symbols_in("Add(Symbol('s0', integer=True), Mul(Symbol('u1'), Symbol('s0')))"),
              ElementsAre("s0", "u1"));
  EXPECT_THAT(symbols_in("2*s0 + Mod(s1, s0)"), ElementsAre("s0", "s1"));
  EXPECT_THAT(symbols_in("2 + 3"), IsEmpty());
}

TEST(Symbolic, EvaluatesFractionsAsNumbers) {
  EXPECT_EQ(evaluate_number("1/2 + 1/4", {}), 0.75);
  EXPECT_EQ(evaluate_number("x", {}), std::nullopt);
}

}  // namespace
}  // namespace zoometer
