// The zip reader on archives of every supported kind, and on every inconsistency that it must find.
#include "util/zip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "zip_writer.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using testing::bytes_of;
using ::testing::HasSubstr;
using testing::put;
using testing::ZipWriter;

std::string read(const std::string& archive, std::string_view name) {
  const ZipArchive zip(bytes_of(archive));
  const ZipEntry* entry = zip.find(name);
  if (entry == nullptr) return "(none)";
  return std::string(zip.read(*entry).view());
}

void expect_error(const std::string& archive, ErrorCode code, const char* message) {
  try {
    const ZipArchive zip(bytes_of(archive));
    for (const ZipEntry& entry : zip.entries()) {
      if (zip.find(entry.name) != nullptr) zip.read(entry);
    }
    ADD_FAILURE() << "no error, expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(name_of(error.code), name_of(code)) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_TRUE(error.place.byte_offset.has_value());
  }
}

/// Two stored entries; the offsets of their headers are known.
std::string two_entries() {
  ZipWriter writer;
  writer.add("a", "first");
  writer.add("b", "second");
  return writer.finish();
}
constexpr std::size_t first_size = 30 + 1 + 4 + 5;
constexpr std::size_t second_size = 30 + 1 + 4 + 6;
constexpr std::size_t directory_at = first_size + second_size;
constexpr std::size_t end_at = directory_at + 2 * 47;

TEST(Zip, ReadsStoredAndDeflatedEntries) {
  const std::string text(100'000, 'x');
  ZipWriter writer;
  writer.add("folder/stored", "some text");
  writer.add("folder/deflated", text, {.deflate = true});
  writer.add("empty", "");
  writer.add("deflated empty", "", {.deflate = true});
  const std::string archive = writer.finish("with a comment PK\5\6");
  EXPECT_TRUE(ZipArchive::recognises(bytes_of(archive)));
  EXPECT_EQ(ZipArchive(bytes_of(archive)).entries().size(), 4U);
  EXPECT_EQ(read(archive, "folder/stored"), "some text");
  EXPECT_EQ(read(archive, "folder/deflated"), text);
  EXPECT_EQ(read(archive, "empty"), "");
  EXPECT_EQ(read(archive, "deflated empty"), "");
  EXPECT_EQ(read(archive, "missing"), "(none)");
}

TEST(Zip, ReadsZip64) {
  ZipWriter writer;
  writer.add("a", "first", {.zip64 = true});
  writer.add("b", "second", {.deflate = true, .zip64 = true});
  for (const bool wide_end : {false, true}) {
    EXPECT_EQ(read(writer.finish("", wide_end), "a"), "first");
    EXPECT_EQ(read(writer.finish("comment", wide_end), "b"), "second");
  }
}

TEST(Zip, EndsTheTextWithAZero) {
  ZipWriter writer;
  writer.add("a", "text");
  const std::string archive = writer.finish();
  const ZipArchive zip(bytes_of(archive));
  EXPECT_EQ(zip.read(zip.entries()[0]).data()[4], '\0');
}

TEST(Zip, ReadsAnArchiveWithoutEntries) {
  const std::string archive = ZipWriter().finish();
  EXPECT_TRUE(ZipArchive::recognises(bytes_of(archive)));
  EXPECT_TRUE(ZipArchive(bytes_of(archive)).entries().empty());
}

TEST(Zip, DoesNotRecogniseOtherFiles) {
  EXPECT_FALSE(ZipArchive::recognises(bytes_of("")));
  EXPECT_FALSE(ZipArchive::recognises(bytes_of("PK\3\4")));
  EXPECT_FALSE(ZipArchive::recognises(bytes_of("some other file, long enough")));
}

TEST(Zip, RefusesShortFiles) { expect_error("PK\3\4", ErrorCode::malformed, "too short"); }

TEST(Zip, RefusesAMissingEnd) {
  expect_error(two_entries().substr(0, end_at) + std::string(40, 'x'), ErrorCode::malformed,
               "missing end record");
  std::string archive = two_entries();
  archive += "more than the comment says";
  expect_error(archive, ErrorCode::malformed, "missing end record");
}

TEST(Zip, RefusesADirectoryBeyondTheEnd) {
  std::string archive = two_entries();
  put(archive, end_at + 16, archive.size() + 1, 4);
  expect_error(archive, ErrorCode::malformed, "beyond the end");
  archive = two_entries();
  put(archive, end_at + 12, 0xFFFFFF, 4);
  expect_error(archive, ErrorCode::malformed, "beyond the end");
}

TEST(Zip, RefusesMoreEntriesThanTheDirectoryHas) {
  std::string archive = two_entries();
  put(archive, end_at + 10, 3, 2);
  expect_error(archive, ErrorCode::malformed, "too small for its entries");
  archive = two_entries();
  put(archive, end_at + 10, 0xFFFF, 2);
  expect_error(archive, ErrorCode::malformed, "too small for its entries");
}

TEST(Zip, RefusesATruncatedDirectory) {
  std::string archive = two_entries();
  put(archive, directory_at + 47, 0, 4);
  expect_error(archive, ErrorCode::malformed, "missing entry in its directory");
  archive = two_entries();
  put(archive, directory_at + 28, 0xFFFF, 2);  // a name that is longer than the directory
  expect_error(archive, ErrorCode::malformed, "beyond the end");
}

TEST(Zip, RefusesDamagedZip64Records) {
  ZipWriter writer;
  writer.add("a", "first", {.zip64 = true});
  const std::string good = writer.finish("", true);
  const std::size_t extra = good.find("PK\1\2") + 46 + 1;

  std::string archive = good;
  put(archive, extra + 2, 200, 2);
  expect_error(archive, ErrorCode::malformed, "extra field is too long");
  archive = good;
  put(archive, extra + 2, 8, 2);
  expect_error(archive, ErrorCode::malformed, "too short");
  archive = good;
  put(archive, good.find("PK\6\7") + 8, 0, 8);
  expect_error(archive, ErrorCode::malformed, "missing ZIP64 end record");
  archive = good;
  put(archive, good.find("PK\6\7") + 8, 0xFFFFFFFFFFFFFFF0, 8);
  expect_error(archive, ErrorCode::malformed, "beyond the end");
  archive = good;
  put(archive, good.find("PK\6\6") + 40, 0xFFFFFFFFFFFFFFF0, 8);
  expect_error(archive, ErrorCode::malformed, "beyond the end");
  archive = good;
  put(archive, good.find("PK\6\6") + 32, 0xFFFFFFFFFFFFFFF0, 8);
  expect_error(archive, ErrorCode::malformed, "too small for its entries");
  archive = good;
  put(archive, extra + 4 + 16, 0xFFFFFFFFFFFFFFF0, 8);  // the header's offset
  expect_error(archive, ErrorCode::malformed, "overlaps the next one");
  archive = good;
  put(archive, extra + 4 + 8, 0xFFFFFFFFFFFFFFF0, 8);  // the compressed size
  expect_error(archive, ErrorCode::malformed, "overlaps the next one");
}

TEST(Zip, RefusesEntriesThatOverlap) {
  std::string archive = two_entries();
  put(archive, directory_at + 47 + 42, 0, 4);  // both at the first one's position
  expect_error(archive, ErrorCode::malformed, "overlaps the next one");
  archive = two_entries();
  put(archive, directory_at + 20, 60, 4);  // the first one reaches into the second
  expect_error(archive, ErrorCode::malformed, "overlaps the next one");
  archive = two_entries();
  put(archive, directory_at + 42, directory_at + 1, 4);
  expect_error(archive, ErrorCode::malformed, "overlaps the next one");
}

TEST(Zip, RefusesHeadersThatDisagreeWithTheDirectory) {
  std::string archive = two_entries();
  put(archive, 0, 0, 4);
  expect_error(archive, ErrorCode::malformed, "missing entry");
  archive = two_entries();
  archive[30] = 'z';
  expect_error(archive, ErrorCode::malformed, "differs from the directory");
  archive = two_entries();
  put(archive, first_size + 28, 0xFFFF, 2);  // its extra field ends after the file
  expect_error(archive, ErrorCode::malformed, "beyond the end");
}

TEST(Zip, RefusesEncryptionAndOtherMethods) {
  for (const auto flag : std::array<std::uint16_t, 3>{0x0001, 0x0040, 0x2000}) {
    ZipWriter writer;
    writer.add("a", "first", {.flags = flag});
    expect_error(writer.finish(), ErrorCode::unsupported, "is encrypted");
  }
  ZipWriter writer;
  writer.add("a", "first", {.method = 12});
  expect_error(writer.finish(), ErrorCode::unsupported, "compressed by method 12");
}

TEST(Zip, RefusesWrongSizes) {
  std::string archive = two_entries();
  put(archive, directory_at + 24, 4, 4);
  expect_error(archive, ErrorCode::malformed, "two sizes");

  ZipWriter writer;
  writer.add("a", "some text that is deflated", {.deflate = true});
  const std::string good = writer.finish();
  const std::size_t size = good.find("PK\1\2") + 24;
  for (const std::uint64_t wrong : {0U, 25U, 27U, 1000U}) {
    archive = good;
    put(archive, size, wrong, 4);
    expect_error(archive, ErrorCode::malformed, "does not inflate to its size");
  }
}

TEST(Zip, RefusesDamagedContent) {
  std::string archive = two_entries();
  archive[35] = 'F';
  expect_error(archive, ErrorCode::malformed, "wrong checksum");

  ZipWriter writer;
  writer.add("a", std::string(1000, 'a'), {.deflate = true});
  archive = writer.finish();
  archive[36] = static_cast<char>(~archive[36]);
  expect_error(archive, ErrorCode::malformed, "invalid zip archive");
}

TEST(Zip, BoundsTheSizeOfAnEntry) {
  ZipWriter writer;
  writer.add("bomb", std::string(32 << 20, '\0'), {.deflate = true});
  expect_error(writer.finish(), ErrorCode::limit, "grow more than 200 times");
}

TEST(Zip, RefusesDuplicateEntries) {
  ZipWriter writer;
  writer.add("a", "first");
  writer.add("a", "second");
  expect_error(writer.finish(), ErrorCode::malformed, "duplicate entry a");
}

}  // namespace
}  // namespace zoometer
