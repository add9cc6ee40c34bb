#include "import/keras/hdf5.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view hdf5_signature = "\x89HDF\r\n\x1a\n";
constexpr std::size_t most_blocks = 64;
constexpr std::size_t most_messages = 4096;

enum Message : std::uint64_t { attribute_message = 12, continuation = 16, attribute_info = 21 };

/// Messages in the file: from a place to another.
struct Block {
  std::uint64_t at = 0;
  std::uint64_t end = 0;
};

[[noreturn]] void fail_hdf5(std::string_view what, std::uint64_t at, std::string expected,
                            std::string got) {
  Error error(ErrorCode::malformed, "HDF5: " + std::string(what),
              {std::move(expected), std::move(got)});
  error.place.byte_offset = at;
  throw error;
}

constexpr std::uint64_t padded(std::uint64_t size, bool pads) {
  return pads ? (size + 7) / 8 * 8 : size;
}

}  // namespace

std::optional<std::uint64_t> find_hdf5(std::string_view bytes) noexcept {
  const auto is_at = [&](std::size_t at) {
    return at < bytes.size() && bytes.substr(at).starts_with(hdf5_signature);
  };
  if (is_at(0)) return 0;
  for (std::size_t at = 512; at <= 4096; at *= 2)
    if (is_at(at)) return at;
  return std::nullopt;
}

void Hdf5File::need(std::string_view what, std::uint64_t at, std::uint64_t count) const {
  if (at <= bytes_.size() && count <= bytes_.size() - at) return;
  fail_hdf5(what, at, std::to_string(count) + " bytes within the file", "its end");
}

std::uint64_t Hdf5File::number(std::string_view what, std::uint64_t at, unsigned bytes) const {
  need(what, at, bytes);
  std::uint64_t result = 0;
  for (unsigned i = 0; i < bytes; ++i)
    result |= std::uint64_t{static_cast<unsigned char>(bytes_[at + i])} << (8 * i);
  return result;
}

std::uint64_t Hdf5File::place(std::string_view what, std::uint64_t at) const {
  const std::uint64_t address = number(what, at, 8);
  if (address >= bytes_.size() - base_)
    fail_hdf5(what, at, "an address within the file", std::to_string(address));
  return base_ + address;
}

Hdf5File::Hdf5File(std::string_view bytes) : bytes_(bytes) {
  const std::optional<std::uint64_t> found = find_hdf5(bytes);
  if (!found) fail_hdf5("the superblock", 0, "its signature", "other bytes");
  base_ = *found;
  const std::uint64_t version = number("the superblock", base_ + 8, 1);
  if (version > 3) {
    throw Error(ErrorCode::unsupported, "HDF5: the superblock's version",
                {"0 to 3", std::to_string(version)});
  }
  const std::uint64_t sizes = base_ + (version < 2 ? 13 : 9);
  const std::uint64_t width = number("the size of addresses", sizes, 1);
  if (width != 8 || number("the size of lengths", sizes + 1, 1) != 8)
    fail_hdf5("the size of addresses", sizes, "8 bytes", std::to_string(width));
  // Base, free space, end and driver, then the entry of the root group: its name and its header.
  const std::uint64_t addresses = base_ + (version == 0 ? 24 : version == 1 ? 28 : 12);
  root_ = place("the root group", addresses + (version < 2 ? 40 : 24));
}

std::optional<std::string_view> Hdf5File::attribute(std::string_view name) const {
  std::vector<Block> blocks;
  const bool is_new = bytes_.substr(root_).starts_with("OHDR");
  unsigned order = 0;
  if (is_new) {
    const std::uint64_t flags = number("an object header", root_ + 5, 1);
    const unsigned width = 1U << (flags & 3U);
    const std::uint64_t at =
        root_ + 6 + ((flags & 32U) != 0 ? 16 : 0) + ((flags & 16U) != 0 ? 4 : 0);
    const std::uint64_t size = number("an object header", at, width);
    order = (flags & 4U) != 0 ? 2 : 0;
    blocks.push_back({at + width, size});
  } else {
    if (const std::uint64_t version = number("an object header", root_, 1); version != 1)
      fail_hdf5("an object header", root_, "version 1 or 2", std::to_string(version));
    blocks.push_back({root_ + 16, number("an object header", root_ + 8, 4)});
  }
  const std::uint64_t head = is_new ? 4 + order : 8;
  std::size_t messages = 0;
  bool has_tree = false;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    need("messages of an object header", blocks[i].at, blocks[i].end);
    const std::uint64_t end = blocks[i].at + blocks[i].end;
    for (std::uint64_t at = blocks[i].at; at + head <= end;) {
      if (++messages > most_messages)
        fail_hdf5("messages of an object header", at, "at most 4096", "more");
      const std::uint64_t type = number("a message", at, is_new ? 1 : 2);
      const std::uint64_t size = number("a message", at + (is_new ? 1 : 2), 2);
      const std::uint64_t data = at + head;
      if (size > end - data) fail_hdf5("a message", at, "an end within its block", "more bytes");
      if (type == attribute_message) {
        if (const auto text = text_of(data, size, name)) return text;
      }
      if (type == attribute_info && size >= 18) {
        const std::uint64_t flags = number("attribute information", data + 1, 1);
        const std::uint64_t heap = data + 2 + ((flags & 1U) != 0 ? 2 : 0);
        has_tree = has_tree || number("attribute information", heap, 8) != UINT64_MAX;
      }
      if (type == continuation) {
        Block next{place("a continuation", data), number("a continuation", data + 8, 8)};
        need("a continuation", next.at, next.end);
        if (is_new) {
          if (next.end < 8 || !bytes_.substr(next.at).starts_with("OCHK"))
            fail_hdf5("a continuation", next.at, "the signature OCHK", "other bytes");
          next = {next.at + 4, next.end - 8};
        }
        const bool is_known =
            std::ranges::any_of(blocks, [&](const Block& block) { return block.at == next.at; });
        if (is_known || blocks.size() == most_blocks)
          fail_hdf5("a continuation", data, "a block that was not read, at most 64", "another");
        blocks.push_back(next);
      }
      at = data + size;
    }
  }
  if (has_tree) {
    throw Error(ErrorCode::unsupported,
                "HDF5: the root group's attributes are in a tree of their own, which is not read");
  }
  return std::nullopt;
}

std::optional<std::string_view> Hdf5File::text_of(std::uint64_t at, std::uint64_t size,
                                                  std::string_view name) const {
  if (size < 8) return std::nullopt;
  const std::uint64_t version = number("an attribute", at, 1);
  if (version < 1 || version > 3)
    fail_hdf5("an attribute", at, "version 1 to 3", std::to_string(version));
  const bool pads = version == 1;
  const std::uint64_t name_size = number("an attribute", at + 2, 2);
  const std::uint64_t type_size = number("an attribute", at + 4, 2);
  const std::uint64_t space_size = number("an attribute", at + 6, 2);
  const std::uint64_t first = at + (version == 3 ? 9 : 8);
  const std::uint64_t type = first + padded(name_size, pads);
  const std::uint64_t data = type + padded(type_size, pads) + padded(space_size, pads);
  if (data > at + size) fail_hdf5("an attribute", at, "sizes within its message", "larger ones");
  const std::string_view own = bytes_.substr(first, name_size);
  if (own.substr(0, own.find('\0')) != name) return std::nullopt;
  if (type_size < 8) fail_hdf5("a data type", type, "8 bytes or more", std::to_string(type_size));
  const std::uint64_t kind = number("a data type", type, 1) & 15U;
  constexpr std::uint64_t fixed_text = 3, variable = 9;
  if (kind == variable) {
    if (at + size - data < 16) fail_hdf5("an attribute", data, "a text's place", "its end");
    return heap_text(data);
  }
  if (kind != fixed_text)
    fail_hdf5("the attribute " + std::string(name), type, "a text", "type " + std::to_string(kind));
  const std::uint64_t length = number("a data type", type + 4, 4);
  if (length > at + size - data)
    fail_hdf5("an attribute", data, std::to_string(length) + " bytes", "its end");
  const std::string_view text = bytes_.substr(data, length);
  return text.substr(0, text.find('\0'));
}

/// The text in a global heap whose length, place and number are at `at`.
std::string_view Hdf5File::heap_text(std::uint64_t at) const {
  const std::uint64_t length = number("a text", at, 4);
  if (length == 0) return {};
  const std::uint64_t heap = place("a text", at + 4);
  const std::uint64_t index = number("a text", at + 12, 4);
  if (!bytes_.substr(heap).starts_with("GCOL"))
    fail_hdf5("a heap", heap, "the signature GCOL", "other bytes");
  const std::uint64_t size = number("a heap", heap + 8, 8);
  need("a heap", heap, size);
  const std::uint64_t end = heap + size;
  for (std::uint64_t object = heap + 16; object + 16 <= end;) {
    const std::uint64_t own_index = number("an object of a heap", object, 2);
    const std::uint64_t own_size = number("an object of a heap", object + 8, 8);
    if (own_index == 0) break;  // what is free
    if (own_size > end - object - 16)
      fail_hdf5("an object of a heap", object, "an end within its heap", "more bytes");
    if (own_index == index) {
      if (length > own_size)
        fail_hdf5("a text", at, "at most " + std::to_string(own_size) + " bytes",
                  std::to_string(length));
      const std::string_view text = bytes_.substr(object + 16, length);
      return text.substr(0, text.find('\0'));
    }
    object += 16 + padded(own_size, true);
  }
  fail_hdf5("a text", at, "an object of its heap", "number " + std::to_string(index));
}

}  // namespace zoometer
