#include "util/unique_names.hpp"

#include <gtest/gtest.h>

namespace zoometer {
namespace {

TEST(UniqueNames, NumbersWhatWasGivenBefore) {
  UniqueNames names;
  EXPECT_EQ(names.next("w"), "w");
  EXPECT_EQ(names.next("w_1"), "w_1");
  EXPECT_EQ(names.next("w"), "w_2");
  EXPECT_EQ(names.next("w"), "w_3");
  EXPECT_EQ(names.next("w_1"), "w_1_1");
  EXPECT_EQ(names.next(""), "tensor");
  EXPECT_EQ(names.next("\xFF"), "\xEF\xBF\xBD") << "names are UTF-8";
  names.clear();
  EXPECT_EQ(names.next("w"), "w");
}

}  // namespace
}  // namespace zoometer
