#include "util/expression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using ::testing::HasSubstr;
using Value = ExpressionValue;
using Type = ExpressionField::Type;

constexpr ExpressionField fields[] = {
    {"macs", Type::number, ""},
    {"parameters", Type::number, ""},
    {"top1", Type::percent, ""},
    {"name", Type::text, ""},
    {"task", Type::text, ""},
    {"absent", Type::number, ""},
    {"costly", Type::number, ""},
    {"change.macs", Type::number, ""},
    {"relative.macs", Type::percent, ""},
};

const Value values[] = {
    Value::of(4'089'184'256.0L),
    Value::of(25'557'032.0L),
    Value::of(80.858L),
    Value::of("resnet50"),
    Value::of("classification"),
    {},
    Value::pending(),
    Value::of(-1000.0L),
    Value::of(0.5L),
};

/// The fields with the change and the relative change of macs.
std::size_t choose(std::size_t field, LiteralForm form) {
  if (field != 0) return field;
  return form == LiteralForm::percent ? 8 : 7;
}

std::vector<Value> values_of(const Expression& expression) {
  std::vector<Value> used;
  for (const std::size_t field : expression.fields()) used.push_back(values[field]);
  return used;
}

std::optional<bool> holds(std::string_view text) {
  const Expression expression = Expression::condition(text, fields, "--where", choose);
  return expression.holds(values_of(expression));
}

long double number(std::string_view text) {
  const Expression expression(text, fields, "--sort");
  const Value value = expression.evaluate(values_of(expression));
  EXPECT_EQ(value.state, Value::State::known) << text;
  return value.number;
}

/// The message and, below, the words with the marks.
std::string message(std::string_view text) {
  try {
    Expression::condition(text, fields, "--where", choose);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code == ErrorCode::usage || error.code == ErrorCode::limit);
    return std::string(error.what()) + "\n" +
           point_at(error.excerpt.text, error.excerpt.begin, error.excerpt.end);
  }
  return "no error";
}

TEST(Expression, Numbers) {
  EXPECT_EQ(number("42"), 42);
  EXPECT_EQ(number("4.2M"), 4'200'000);
  EXPECT_EQ(number("1G"), 1e9L);
  EXPECT_EQ(number("5k + 5K"), 10'000);
  EXPECT_EQ(number("3MiB"), 3 * 1024 * 1024);
  EXPECT_EQ(number("3MB"), 3'000'000);
  EXPECT_EQ(number("1_000_000"), 1'000'000);
  EXPECT_EQ(number("1e3"), 1000);
  EXPECT_EQ(number("2.5e-1"), 0.25L);
  EXPECT_EQ(number("1E"), 1e18L);
  EXPECT_EQ(number(".5"), 0.5L);
  EXPECT_EQ(number("4.089 G"), 4.089L * 1e9L) << "as figures are printed";
  EXPECT_EQ(number("97.5 MiB"), 97.5L * 1024 * 1024);
}

TEST(Expression, ArithmeticBindsAsUsual) {
  EXPECT_EQ(number("1 + 2 * 3"), 7);
  EXPECT_EQ(number("(1 + 2) * 3"), 9);
  EXPECT_EQ(number("10 - 3 - 2"), 5);
  EXPECT_EQ(number("12 / 3 / 2"), 2);
  EXPECT_EQ(number("-2 * -3"), 6);
  EXPECT_EQ(number("2 * 50%"), 1);
  EXPECT_EQ(number("macs / parameters"), 4'089'184'256.0L / 25'557'032.0L);
}

TEST(Expression, Comparisons) {
  EXPECT_EQ(holds("macs < 4.1G"), true);
  EXPECT_EQ(holds("macs == 4089184256"), true);
  EXPECT_EQ(holds("macs = 4089184256"), true);
  EXPECT_EQ(holds("macs != 4089184257"), true);
  EXPECT_EQ(holds("macs <= 4089184255"), false);
  EXPECT_EQ(holds("4G < macs < 5G"), true);
  EXPECT_EQ(holds("4G < macs < 4.05G"), false);
  EXPECT_EQ(holds("macs in (1, 4089184256)"), true);
  EXPECT_EQ(holds("macs not in (1, 4089184256)"), false);
}

TEST(Expression, EveryIntegerFigureIsExact) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  const Value value[] = {Value::of(static_cast<long double>(largest))};
  EXPECT_EQ(Expression::condition("macs == 9223372036854775807", fields, "").holds(value), true);
  EXPECT_EQ(Expression::condition("macs == 9223372036854775806", fields, "").holds(value), false);
}

TEST(Expression, Texts) {
  EXPECT_EQ(holds("name == \"resnet50\""), true);
  EXPECT_EQ(holds("name == 'ResNet50'"), true) << "case does not matter";
  EXPECT_EQ(holds("name ~ 'RES*50'"), true);
  EXPECT_EQ(holds("name !~ 'vgg*'"), true);
  EXPECT_EQ(holds("name < 'resnet101'"), true) << "numbers in names are ordered as numbers";
  EXPECT_EQ(holds("task in ('video', 'classification')"), true);
  EXPECT_EQ(holds(R"(name == 'it\'s')"), false);
}

TEST(Expression, Logic) {
  EXPECT_EQ(holds("macs < 1 or parameters < 26M and name ~ 'r*'"), true);
  EXPECT_EQ(holds("not macs < 1 and not (parameters > 26M)"), true);
  EXPECT_EQ(holds("macs < 1 || !(macs < 1) && name ~ '*'"), true);
  EXPECT_EQ(holds("MACS > 1 AND Parameters > 1"), true) << "case does not matter";
}

TEST(Expression, PercentagesOfAccuracies) {
  EXPECT_EQ(holds("top1 > 80"), true);
  EXPECT_EQ(holds("top1 > 80%"), true);
  EXPECT_EQ(holds("top1 > 81%"), false);
  EXPECT_EQ(holds("macs > 110% * parameters"), true);
}

TEST(Expression, SignsAndPercentagesMayChooseAnotherField) {
  EXPECT_EQ(holds("macs > +49%"), true);
  EXPECT_EQ(holds("macs > 51%"), false);
  EXPECT_EQ(holds("macs < -999"), true);
  EXPECT_EQ(holds("macs < -1k"), false);
  EXPECT_EQ(holds("+0 != macs"), true);
  EXPECT_EQ(holds("macs > 4G"), true) << "without a sign, the figure itself";
  EXPECT_EQ(holds("macs > (-1000)"), true) << "so does a sign in parentheses";
  const Expression expression = Expression::condition("macs > +1%", fields, "--fail-on", choose);
  ASSERT_EQ(expression.fields().size(), 1u) << "the figure itself is not read";
  EXPECT_EQ(expression.fields()[0], 8u);
}

TEST(Expression, MissingValuesDecideNothing) {
  EXPECT_EQ(holds("absent > 1"), std::nullopt);
  EXPECT_EQ(holds("not absent > 1"), std::nullopt);
  EXPECT_EQ(holds("absent > 1 or macs > 1"), true);
  EXPECT_EQ(holds("absent > 1 and macs < 1"), false);
  EXPECT_EQ(holds("absent == none"), true);
  EXPECT_EQ(holds("none != macs"), true);
  EXPECT_EQ(holds("macs / 0 > 1"), std::nullopt);
}

TEST(Expression, PendingValuesArePropagated) {
  EXPECT_EQ(holds("costly == none"), std::nullopt);
  EXPECT_EQ(holds("costly > 1 and macs < 1"), false) << "the pending value is not needed";
  const Expression expression("costly + absent", fields, "--sort");
  EXPECT_EQ(expression.evaluate(values_of(expression)).state, Value::State::pending);
}

TEST(Expression, LoneFields) {
  EXPECT_EQ(Expression("top1", fields, "").lone_field(), 2u);
  EXPECT_EQ(Expression("top1 + 1", fields, "").lone_field(), std::nullopt);
  EXPECT_TRUE(Expression("name", fields, "").is_text());
}

/// The comparisons of fields with what is written there, as "field text" or "field number".
std::vector<std::string> literals(std::string_view text) {
  const Expression expression = Expression::condition(text, fields, "--where", choose);
  std::vector<std::string> found;
  for (const LiteralComparison& each : expression.literal_comparisons()) {
    std::string words(fields[each.field].name);
    words += each.is_pattern ? " ~ " : " ";
    words += each.text.empty() ? std::to_string(each.number) : std::string(each.text);
    found.push_back(std::move(words));
  }
  return found;
}

TEST(Expression, ComparisonsWithLiterals) {
  using ::testing::ElementsAre;
  EXPECT_THAT(literals("top1 > 0.75"), ElementsAre("top1 0.750000"));
  EXPECT_THAT(literals("0.75 < top1 < 0.9"), ElementsAre("top1 0.750000", "top1 0.900000"));
  EXPECT_THAT(literals("top1 in (1, 2)"), ElementsAre("top1 1.000000", "top1 2.000000"));
  EXPECT_THAT(literals("name !~ 'res*' or \"top1 < 0.5\" == name"),
              ElementsAre("name ~ res*", "name top1 < 0.5"));
  EXPECT_THAT(literals("top1 > 75% and macs < parameters and macs < 2 * 3 and top1 != none"),
              ElementsAre());
}

TEST(Expression, ErrorsPointAtTheirPlace) {
  EXPECT_EQ(message("mac < 1G"), "--where: no such figure: mac (did you mean macs?)\n"
                                 "  mac < 1G\n"
                                 "  ^^^\n");
  EXPECT_EQ(message("macs < 1G and task == detection"),
            "--where: no such figure: detection (write a text in quotes: \"detection\")\n"
            "  macs < 1G and task == detection\n"
            "                        ^^^^^^^^^\n");
  EXPECT_EQ(message("macs <"),
            "--where: expected a figure, a number or a text in quotes at the end\n"
            "  macs <\n"
            "        ^\n");
  EXPECT_EQ(message("(macs < 1"), "--where: unclosed parenthesis\n"
                                  "  (macs < 1\n"
                                  "  ^\n");
  EXPECT_EQ(message("macs < 1Q"),
            "--where: no such unit: Q (k, M, G, T, P, E; KiB, MiB, GiB, TiB; %)\n"
            "  macs < 1Q\n"
            "          ^\n");
  EXPECT_EQ(message("name > 5"), "--where: cannot compare a text with a number\n"
                                 "  name > 5\n"
                                 "       ^\n");
  EXPECT_EQ(message("größe < 1"), "--where: unexpected character: ö\n"
                                  "  größe < 1\n"
                                  "    ^\n")
      << "columns are characters, not bytes";
}

TEST(Expression, ErrorsOfMeaning) {
  EXPECT_THAT(message("macs"), HasSubstr("expected a condition (as in macs < 1G)"));
  EXPECT_THAT(message("macs + 1"), HasSubstr("expected a condition"));
  EXPECT_THAT(message("macs and name"), HasSubstr("expected a condition, got a number"));
  EXPECT_THAT(message("not macs"), HasSubstr("expected a condition, got a number"));
  EXPECT_THAT(message("name + 1 > 2"), HasSubstr("expected a number, got a text"));
  EXPECT_THAT(message("-name > 2"), HasSubstr("expected a number, got a text"));
  EXPECT_THAT(message("macs ~ 'x'"), HasSubstr("expected a text, got a number"));
  EXPECT_THAT(message("parameters > 5%"), HasSubstr("cannot compare this with a percentage"));
  EXPECT_THAT(message("macs + 5% > 1"), HasSubstr("can only be compared or multiplied"));
  EXPECT_THAT(message("macs < none"), HasSubstr("none can only be compared with == or !="));
  EXPECT_THAT(message("none == none"), HasSubstr("cannot compare none with none"));
  EXPECT_THAT(message("none"), HasSubstr("none must be compared with a figure"));
  EXPECT_THAT(message("(macs < 1) < 1"), HasSubstr("expected a figure, got a condition"));
  EXPECT_THAT(message("macs in ()"), HasSubstr("expected a figure"));
  EXPECT_THAT(message("macs in (1"), HasSubstr("expected , or )"));
  EXPECT_THAT(message("macs in 1"), HasSubstr("expected ( and a list"));
  EXPECT_THAT(message("macs not 1"), HasSubstr("expected in after not"));
  EXPECT_THAT(message("macs < 1 2"), HasSubstr("expected an operator or the end, got 2"));
  EXPECT_THAT(message("macs < 'a"), HasSubstr("missing closing quote"));
  EXPECT_THAT(message(" "), HasSubstr("empty expression"));
  EXPECT_THAT(message(""), HasSubstr("empty expression"));
}

TEST(Expression, HostileInput) {
  EXPECT_THAT(message(std::string(4000, '(')), HasSubstr("nested more than 100 deep"));
  EXPECT_THAT(message(std::string(4000, '-')), HasSubstr("nested more than 100 deep"));
  EXPECT_THAT(message(std::string(4000, '!')), HasSubstr("nested more than 100 deep"));
  EXPECT_THAT(message(std::string(5000, '(')), HasSubstr("at most 4096 bytes"));
  EXPECT_THAT(message("macs < " + std::string(4000, '9') + "." + "9"), HasSubstr("no error"));
  EXPECT_THAT(message("macs < 1e999999999999"), HasSubstr("number too large"));
  EXPECT_THAT(message("macs < 1e4930T"), HasSubstr("number too large"));
  EXPECT_THAT(message(std::string("macs\0< 1", 8)), HasSubstr("unexpected character: \\x00"));
  EXPECT_THAT(message("macs < 1\x1b[2J"), HasSubstr("unexpected character: \\x1b"));
  std::string sum = "macs < 1";
  while (sum.size() < 4000) sum += " + 1";
  EXPECT_EQ(holds(sum), false) << "a long sum is not a deep one";
  std::string chain = "1";
  while (chain.size() < 4000) chain += "<2";
  EXPECT_NE(message(chain), "") << "nor does a long chain exhaust the stack";
}

TEST(Expression, AnyTextIsParsedOrRefused) {
  const std::string_view words[] = {"macs", "name", "top1", "absent", "none", "1",   "2.5G", "3%",
                                    "'a'",  "(",    ")",    ",",      "+",    "-",   "*",    "/",
                                    "<",    ">=",   "==",   "~",      "in",   "not", "and",  "or",
                                    "!",    "\"",   "1e",   "\xff",   "."};
  std::mt19937 random(1);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t length = random() % 12 + 1; length > 0; --length) {
      text.append(words[random() % std::size(words)]).append(random() % 4 == 0 ? "" : " ");
    }
    try {
      const Expression expression(text, fields, "--where");
      expression.evaluate(values_of(expression));
      ++taken;
    } catch (const Error& error) {
      EXPECT_LE(error.excerpt.begin, error.excerpt.end) << text;
      EXPECT_LE(error.excerpt.end, text.size()) << text;
    }
  }
  EXPECT_GT(taken, 100);
}

TEST(PointAt, CutsLongTexts) {
  const std::string text = std::string(100, 'a') + "?" + std::string(100, 'b');
  EXPECT_EQ(point_at(text, 100, 101), "  ..." + std::string(40, 'a') + "?" + std::string(29, 'b') +
                                          "...\n" + std::string(45, ' ') + "^\n");
}

}  // namespace
}  // namespace zoometer
