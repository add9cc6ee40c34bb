// Files that are recognised but cannot be read are refused after every importer was asked, whatever
// the importer's name.
#include <gtest/gtest.h>

#include "import/importer.hpp"

namespace zoometer {
namespace {

TEST(Importers, AreAskedBeforeUnsupportedFormats) {
  ASSERT_EQ(importers().back()->name, "numpy");
  const std::string_view text = "\x93NUMPY....";
  const MappedFile file("file", std::as_bytes(std::span(text)));
  Graph graph;
  EXPECT_EQ(import_file(file, {}, graph).format, "NumPy");
}

}  // namespace
}  // namespace zoometer
