// Documents of XML: elements, texts, entities, and what is refused.
#include "util/xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.hpp"

namespace zoometer {
namespace {

using testing::failure_of;
using ::testing::HasSubstr;

/// Reads all of a document, as "a(b c)".
std::string outline(std::string_view text) {
  XmlReader xml(text);
  std::string result;
  XmlElement element;
  xml.next(element);
  result += element.name;
  while (xml.depth() > 0) {
    if (xml.next(element)) {
      result.append("(").append(element.name);
    } else {
      result += xml.depth() > 0 ? ")" : "";
    }
  }
  return result;
}

TEST(Xml, ReadsElements) {
  EXPECT_EQ(outline("<?xml version='1.0'?><!-- <x> --><a><b/>text<c d='e'></c><![CDATA[<y>]]></a>"),
            "a(b)(c)");
  EXPECT_EQ(outline("\xEF\xBB\xBF <a\n>\n</a >"), "a");
}

TEST(Xml, ReadsAttributesAndTexts) {
  XmlReader xml("<a b = '1' c=\"x>y\"><d> 7 </d><e><f/></e></a>");
  XmlElement element;
  ASSERT_TRUE(xml.next(element));
  EXPECT_EQ(element.text("b"), "1");
  EXPECT_EQ(element.text("c"), "x>y");
  EXPECT_EQ(element.find("d"), nullptr);
  ASSERT_TRUE(xml.next(element));
  EXPECT_EQ(xml.content(), " 7 ");
  ASSERT_TRUE(xml.next(element));
  xml.skip();
  EXPECT_EQ(xml.depth(), 1U);
  EXPECT_FALSE(xml.next(element));
}

TEST(Xml, ReplacesEntities) {
  EXPECT_EQ(xml_text("a&lt;b&gt;&amp;&quot;&apos;&#65;&#x20ac;", 0), "a<b>&\"'A\xE2\x82\xAC");
  for (const char* text : {"&a;", "&", "&#0;", "&#xD800;", "&#x110000;", "&lt", "&#x;", "&#-1;"})
    EXPECT_THAT(failure_of([&] { xml_text(text, 7); }), HasSubstr("byte 7")) << text;
}

TEST(Xml, RefusesWhatIsNoXml) {
  struct Case {
    const char *text, *error;
  };
  constexpr Case cases[] = {
      {"", "an element"},
      {"<a>", "expected </a>"},
      {"<a></b>", "expected </a>"},
      {"<a", "the end of the file"},
      {"<a b>", "expected ="},
      {"<a b=c>", "a value in quotes"},
      {"<a b='c>", "the end of its value"},
      {"<a b='<'>", "without <"},
      {"<!-- ", "a comment"},
      {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "no document type"},
      {"< a/>", "a name"},
  };
  for (const Case& each : cases)
    EXPECT_THAT(failure_of([&] { outline(each.text); }), HasSubstr(each.error)) << each.text;
}

TEST(Xml, BoundsDepthAndAttributes) {
  std::string deep, wide = "<a";
  for (int i = 0; i < 300; ++i) deep += "<a>";
  EXPECT_THAT(failure_of([&] { outline(deep); }), HasSubstr("nested too deeply"));
  for (int i = 0; i < 2000; ++i) wide += " b='c'";
  EXPECT_THAT(failure_of([&] { outline(wide + "/>"); }), HasSubstr("at most 1024 attributes"));
}

TEST(Xml, RefusesElementsInATextOfSizes) {
  XmlReader xml("<a>1<b/></a>");
  XmlElement element;
  xml.next(element);
  EXPECT_THAT(failure_of([&] { xml.content(); }), HasSubstr("a text without elements"));
}

}  // namespace
}  // namespace zoometer
