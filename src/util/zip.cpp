#include "util/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <string>

#include "zoometer/util/error.hpp"

// The format is PKWARE's APPNOTE.TXT, 6.3.10.

namespace zoometer {
namespace {

constexpr std::uint32_t entry_signature = 0x04034B50;      // PK\3\4
constexpr std::uint32_t directory_signature = 0x02014B50;  // PK\1\2
constexpr std::uint32_t end_signature = 0x06054B50;        // PK\5\6
constexpr std::uint32_t end64_signature = 0x06064B50;      // PK\6\6
constexpr std::uint32_t locator_signature = 0x07064B50;    // PK\6\7

constexpr std::size_t entry_size = 30;
constexpr std::size_t directory_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::size_t end64_size = 56;
constexpr std::size_t locator_size = 20;
constexpr std::size_t longest_comment = 0xFFFF;

constexpr std::uint16_t encrypted = 0x0001;
constexpr std::uint16_t strongly_encrypted = 0x0040;
constexpr std::uint16_t masked = 0x2000;
constexpr std::uint16_t zip64_field = 0x0001;

[[noreturn]] void malformed(const std::string& message, std::uint64_t offset) {
  Error error(ErrorCode::malformed, "invalid zip archive: " + message);
  error.place.byte_offset = offset;
  throw error;
}

/// Little-endian fields of a record in the archive.
class Record {
 public:
  Record(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t size)
      : offset_(offset) {
    if (offset > bytes.size() || size > bytes.size() - offset)
      malformed("a record extends beyond the end", offset);
    data_ = bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }

  std::uint64_t offset() const noexcept { return offset_; }
  std::span<const std::byte> bytes() const noexcept { return data_; }
  std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(little(at, 2)); }
  std::uint32_t u32(std::size_t at) const { return static_cast<std::uint32_t>(little(at, 4)); }
  std::uint64_t u64(std::size_t at) const { return little(at, 8); }

 private:
  std::uint64_t little(std::size_t at, std::size_t width) const {
    if (at + width > data_.size()) malformed("a record is too short", offset_);
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
      value = value << 8 | std::to_integer<std::uint64_t>(data_[at + i]);
    }
    return value;
  }

  std::span<const std::byte> data_;
  std::uint64_t offset_;
};

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The location of the central directory.
struct Directory {
  std::uint64_t offset;
  std::uint64_t size;
  std::uint64_t entries;
};

/// The end record is the last record whose comment ends at the end of the file.
std::uint64_t find_end(std::span<const std::byte> bytes) {
  if (bytes.size() < end_size) malformed("it is too short", 0);
  const std::size_t last = bytes.size() - end_size;
  const std::size_t first = last > longest_comment ? last - longest_comment : 0;
  for (std::size_t at = last;; --at) {
    const Record record(bytes, at, end_size);
    if (record.u32(0) == end_signature && record.u16(20) == last - at) return at;
    if (at == first) malformed("missing end record", bytes.size());
  }
}

std::optional<Directory> find_directory64(std::span<const std::byte> bytes, std::uint64_t end) {
  if (end < locator_size) return std::nullopt;
  const Record locator(bytes, end - locator_size, locator_size);
  if (locator.u32(0) != locator_signature) return std::nullopt;
  const Record end64(bytes, locator.u64(8), end64_size);
  if (end64.u32(0) != end64_signature) malformed("missing ZIP64 end record", end64.offset());
  return Directory{end64.u64(48), end64.u64(40), end64.u64(32)};
}

Directory find_directory(std::span<const std::byte> bytes) {
  const std::uint64_t end = find_end(bytes);
  const Record record(bytes, end, end_size);
  Directory directory{record.u32(16), record.u32(12), record.u16(10)};
  if (const auto wide = find_directory64(bytes, end)) directory = *wide;
  if (directory.offset > end || directory.size > end - directory.offset)
    malformed("its directory extends beyond the end", end);
  if (directory.entries > directory.size / directory_size)
    malformed("its directory is too small for its entries", end);
  return directory;
}

/// An extra field has the 64-bit values of the fields that overflowed.
void read_zip64(std::span<const std::byte> bytes, std::uint64_t at, std::size_t length,
                ZipEntry& entry) {
  constexpr std::uint64_t overflowed = 0xFFFFFFFF;
  while (length >= 4) {
    const Record header(bytes, at, 4);
    const std::size_t field_length = header.u16(2);
    if (field_length > length - 4) malformed("an extra field is too long", at);
    if (header.u16(0) == zip64_field) {
      const Record fields(bytes, at + 4, field_length);
      std::size_t next = 0;
      for (std::uint64_t* value : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
        if (*value != overflowed) continue;
        *value = fields.u64(next);
        next += 8;
      }
      return;
    }
    at += 4 + field_length;
    length -= 4 + field_length;
  }
}

/// Reads the entry at `at` and moves `at` after it.
ZipEntry read_entry(std::span<const std::byte> bytes, std::uint64_t& at, std::uint64_t end) {
  const Record fixed(bytes.first(static_cast<std::size_t>(end)), at, directory_size);
  if (fixed.u32(0) != directory_signature) malformed("missing entry in its directory", at);
  ZipEntry entry;
  entry.flags = fixed.u16(8);
  entry.method = fixed.u16(10);
  entry.checksum = fixed.u32(16);
  entry.compressed_size = fixed.u32(20);
  entry.size = fixed.u32(24);
  entry.header_offset = fixed.u32(42);
  const std::size_t name_length = fixed.u16(28);
  const std::size_t extra_length = fixed.u16(30);
  const std::size_t length = name_length + extra_length + fixed.u16(32);
  const Record variable(bytes.first(static_cast<std::size_t>(end)), at + directory_size, length);
  entry.name = text_of(variable.bytes().first(name_length));
  read_zip64(bytes, variable.offset() + name_length, extra_length, entry);
  at += directory_size + length;
  return entry;
}

/// Refuses entries that share bytes: such archives are made to expand without limit.
void refuse_overlaps(std::span<const ZipEntry> entries, std::uint64_t directory_offset) {
  std::vector<const ZipEntry*> sorted(entries.size());
  std::transform(entries.begin(), entries.end(), sorted.begin(),
                 [](const ZipEntry& entry) { return &entry; });
  const auto starts_before = [](const ZipEntry* a, const ZipEntry* b) {
    return a->header_offset < b->header_offset;
  };
  if (!std::is_sorted(sorted.begin(), sorted.end(), starts_before))
    std::sort(sorted.begin(), sorted.end(), starts_before);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const ZipEntry& entry = *sorted[i];
    const std::uint64_t limit =
        i + 1 < sorted.size() ? sorted[i + 1]->header_offset : directory_offset;
    const std::uint64_t header = entry_size + entry.name.size();
    if (entry.header_offset > limit || header > limit - entry.header_offset ||
        entry.compressed_size > limit - entry.header_offset - header) {
      malformed("the entry " + std::string(entry.name) + " overlaps the next one",
                entry.header_offset);
    }
  }
}

/// Ends the inflater at the end of the scope.
struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

void inflate_all(std::span<const std::byte> packed, ZipText& text, std::uint64_t offset) {
  constexpr std::size_t most = std::numeric_limits<uInt>::max();
  Inflater inflater;
  z_stream& stream = inflater.stream;
  // zlib's input is not const, but it is never written.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  std::size_t in_left = packed.size();
  std::size_t out_left = text.size();
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t in = std::min(in_left, most);
    const std::size_t out = std::min(out_left, most);
    stream.avail_in = static_cast<uInt>(in);
    stream.avail_out = static_cast<uInt>(out);
    status = inflate(&stream, Z_NO_FLUSH);
    in_left -= in - stream.avail_in;
    out_left -= out - stream.avail_out;
  }
  if (status == Z_MEM_ERROR) throw std::bad_alloc();
  if (status != Z_STREAM_END || in_left != 0 || out_left != 0)
    malformed("an entry does not inflate to its size", offset);
}

std::uint32_t checksum_of(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

}  // namespace

ZipText::ZipText(std::size_t size, std::size_t packed_size)
    : data_(new char[size + zeros]),
      size_(size),
      packed_size_(packed_size) {
  std::fill_n(data_.get() + size, zeros, '\0');
}

bool ZipArchive::recognises(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < end_size) return false;
  return text_of(bytes.first(4)) == "PK\3\4" || text_of(bytes.first(4)) == "PK\5\6";
}

ZipArchive::ZipArchive(std::span<const std::byte> bytes) : bytes_(bytes) {
  const Directory directory = find_directory(bytes);
  const std::uint64_t end = directory.offset + directory.size;
  entries_.reserve(static_cast<std::size_t>(directory.entries));
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    entries_.push_back(read_entry(bytes, at, end));
  }
  refuse_overlaps(entries_, directory.offset);
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const ZipEntry* found = nullptr;
  for (const ZipEntry& entry : entries_) {
    if (entry.name != name) continue;
    if (found != nullptr) malformed("duplicate entry " + std::string(name), entry.header_offset);
    found = &entry;
  }
  return found;
}

std::span<const std::byte> ZipArchive::content(const ZipEntry& entry) const {
  const Record header(bytes_, entry.header_offset, entry_size);
  if (header.u32(0) != entry_signature) malformed("missing entry", header.offset());
  const std::uint64_t name_at = entry.header_offset + entry_size;
  const Record name(bytes_, name_at, header.u16(26));
  if (text_of(name.bytes()) != entry.name)
    malformed("the name of an entry differs from the directory", name_at);
  // Only this header has the length of the extra field, so the content may still overlap the next
  // entry.
  return Record(bytes_, name_at + header.u16(26) + header.u16(28), entry.compressed_size).bytes();
}

namespace {

[[noreturn]] void refuse_entry(const ZipEntry& entry, ErrorCode code, const std::string& reason) {
  Error error(code, "the entry " + std::string(entry.name) + " of the zip archive " + reason);
  error.place.byte_offset = entry.header_offset;
  throw error;
}

void refuse_encrypted(const ZipEntry& entry) {
  if ((entry.flags & (encrypted | strongly_encrypted | masked)) != 0)
    refuse_entry(entry, ErrorCode::unsupported, "is encrypted");
}

}  // namespace

std::span<const std::byte> ZipArchive::stored(const ZipEntry& entry) const {
  refuse_encrypted(entry);
  if (entry.method != 0) refuse_entry(entry, ErrorCode::unsupported, "is compressed");
  return content(entry);
}

ZipText ZipArchive::read(const ZipEntry& entry) const {
  refuse_encrypted(entry);
  if (entry.method != 0 && entry.method != 8) {
    refuse_entry(entry, ErrorCode::unsupported,
                 "is compressed by method " + std::to_string(entry.method));
  }
  constexpr std::uint64_t first_mib = 1U << 20;
  if (entry.size > first_mib && entry.size / largest_expansion > entry.compressed_size)
    refuse_entry(entry, ErrorCode::limit,
                 "would grow more than " + std::to_string(largest_expansion) + " times");

  const std::span<const std::byte> packed = content(entry);
  if (entry.method == 0 && entry.size != entry.compressed_size)
    malformed("the two sizes of a stored entry differ", entry.header_offset);
  ZipText text(static_cast<std::size_t>(entry.size),
               static_cast<std::size_t>(entry.compressed_size));
  if (entry.method == 8) {
    inflate_all(packed, text, entry.header_offset);
  } else if (!packed.empty()) {
    std::memcpy(text.data(), packed.data(), packed.size());
  }
  if (checksum_of(text.view()) != entry.checksum)
    malformed("the entry " + std::string(entry.name) + " has a wrong checksum",
              entry.header_offset);
  return text;
}

}  // namespace zoometer
