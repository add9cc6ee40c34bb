#include "import/tflite/bundle.hpp"

#include <algorithm>
#include <span>

#include "import/flatbuffer/flatbuffer.hpp"
#include "import/tflite/model.hpp"
#include "util/text.hpp"
#include "util/unique_names.hpp"
#include "util/zip.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view litertlm_magic = "LITERTLM";
constexpr std::uint64_t header_end_at = 24;
constexpr std::uint64_t header_at = 32;
constexpr std::uint8_t tflite_section = 3;
constexpr std::uint8_t text_value = 9;

bool looks_like_litertlm(std::string_view bytes) { return bytes.starts_with(litertlm_magic); }

/// MediaPipe names models so; nothing else of an archive is looked at.
bool has_name_of_model(std::string_view name) {
  return name.ends_with(".tflite") || name.starts_with("TF_LITE_");
}

/// The text of a section's item, or nothing.
std::string_view item_of(const FlatTable& section, std::string_view key) {
  for (const FlatTable& item : section.tables(0))
    if (item.text(0) == key && item.number<std::uint8_t>(1) == text_value)
      return item.table(2).text(0);
  return {};
}

std::vector<BundledModel> litertlm_models(std::string_view bytes) {
  const FlatBuffer whole(bytes);
  whole.need("the header of the bundle", 0, header_at);
  const auto end = whole.load<std::uint64_t>(header_end_at);
  if (end < header_at)
    FlatBuffer::fail("the end of the header", header_end_at, "32 at least", std::to_string(end));
  whole.need("the header of the bundle", header_at, end - header_at);
  const FlatBuffer header(bytes.substr(header_at, end - header_at));
  std::vector<BundledModel> models;
  UniqueNames names;
  for (const FlatTable& section : header.root().table(1).tables(0)) {
    if (section.number<std::uint8_t>(3) != tflite_section) continue;
    const auto from = section.number<std::uint64_t>(1), to = section.number<std::uint64_t>(2);
    if (to < from)
      FlatBuffer::fail("the end of a section", header_at + section.at(),
                       std::to_string(from) + " at least", std::to_string(to));
    whole.need("a section of the bundle", from, to - from);
    const std::string_view name = item_of(section, "model_type");
    models.push_back(
        {names.next(name.empty() ? "model" : to_utf8(name)), bytes.substr(from, to - from)});
  }
  return models;
}

std::vector<BundledModel> zipped_models(const MappedFile& file) {
  const ZipArchive archive(file.bytes());
  std::vector<BundledModel> models;
  UniqueNames names;
  for (const ZipEntry& entry : archive.entries()) {
    if (!has_name_of_model(entry.name)) continue;
    const std::span<const std::byte> bytes = archive.stored(entry);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (looks_like_tflite(text)) models.push_back({names.next(to_utf8(entry.name)), text});
  }
  return models;
}

}  // namespace

bool looks_like_tflite_bundle(const MappedFile& file) {
  if (looks_like_litertlm(file.text())) return true;
  if (!ZipArchive::recognises(file.bytes())) return false;
  try {
    const ZipArchive archive(file.bytes());
    return std::ranges::any_of(archive.entries(), [](const ZipEntry& entry) {
      return entry.method == 0 && has_name_of_model(entry.name);
    });
  } catch (const Error&) {
    return false;  // what reads archives says what is wrong
  }
}

std::vector<BundledModel> bundled_models(const MappedFile& file) {
  std::vector<BundledModel> models =
      looks_like_litertlm(file.text()) ? litertlm_models(file.text()) : zipped_models(file);
  if (models.empty())
    throw Error(ErrorCode::malformed, "the bundle has no TensorFlow Lite model",
                {"at least one", "none"});
  return models;
}

}  // namespace zoometer
