#include "zip_writer.hpp"

#include <zlib.h>

#include <stdexcept>

namespace zoometer::testing {
namespace {

void append(std::string& bytes, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::string deflate_raw(std::string_view content) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i)
    bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xFF);
}

void ZipWriter::add(std::string_view name, std::string_view content, const Options& options) {
  const std::string packed = options.deflate ? deflate_raw(content) : std::string(content);
  Entry entry;
  entry.name = name;
  entry.options = options;
  entry.offset = bytes_.size();
  entry.compressed_size = packed.size();
  entry.size = content.size();
  entry.checksum = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  entry.method = options.deflate ? 8 : 0;
  if (options.method != 0xFFFF) entry.method = options.method;
  entries_.push_back(entry);

  append(bytes_, 0x04034B50, 4);
  append(bytes_, 20, 2);
  append(bytes_, options.flags, 2);
  append(bytes_, entry.method, 2);
  append(bytes_, 0, 4);
  append(bytes_, entry.checksum, 4);
  append(bytes_, entry.compressed_size, 4);
  append(bytes_, entry.size, 4);
  append(bytes_, name.size(), 2);
  append(bytes_, 4, 2);  // PyTorch pads with an extra field, so the reader must not assume none
  bytes_ += name;
  append(bytes_, 0x4246, 2);
  append(bytes_, 0, 2);
  bytes_ += packed;
}

std::string ZipWriter::finish(std::string_view comment, bool zip64) const {
  std::string bytes = bytes_;
  const std::uint64_t directory = bytes.size();
  for (const Entry& entry : entries_) {
    const bool wide = entry.options.zip64;
    append(bytes, 0x02014B50, 4);
    append(bytes, 45, 2);
    append(bytes, 45, 2);
    append(bytes, entry.options.flags, 2);
    append(bytes, entry.method, 2);
    append(bytes, 0, 4);
    append(bytes, entry.checksum, 4);
    append(bytes, wide ? 0xFFFFFFFF : entry.compressed_size, 4);
    append(bytes, wide ? 0xFFFFFFFF : entry.size, 4);
    append(bytes, entry.name.size(), 2);
    append(bytes, wide ? 28 : 0, 2);
    append(bytes, 0, 2);
    append(bytes, 0, 8);
    append(bytes, wide ? 0xFFFFFFFF : entry.offset, 4);
    bytes += entry.name;
    if (!wide) continue;
    append(bytes, 1, 2);
    append(bytes, 24, 2);
    append(bytes, entry.size, 8);
    append(bytes, entry.compressed_size, 8);
    append(bytes, entry.offset, 8);
  }
  const std::uint64_t end = bytes.size();
  if (zip64) {
    append(bytes, 0x06064B50, 4);
    append(bytes, 44, 8);
    append(bytes, 45, 2);
    append(bytes, 45, 2);
    append(bytes, 0, 8);
    append(bytes, entries_.size(), 8);
    append(bytes, entries_.size(), 8);
    append(bytes, end - directory, 8);
    append(bytes, directory, 8);
    append(bytes, 0x07064B50, 4);
    append(bytes, 0, 4);
    append(bytes, end, 8);
    append(bytes, 1, 4);
  }
  append(bytes, 0x06054B50, 4);
  append(bytes, 0, 4);
  append(bytes, zip64 ? 0xFFFF : entries_.size(), 2);
  append(bytes, zip64 ? 0xFFFF : entries_.size(), 2);
  append(bytes, zip64 ? 0xFFFFFFFF : end - directory, 4);
  append(bytes, zip64 ? 0xFFFFFFFF : directory, 4);
  append(bytes, comment.size(), 2);
  bytes += comment;
  return bytes;
}

}  // namespace zoometer::testing
