#include "import/safetensors.hpp"

#include <cstring>
#include <optional>
#include <utility>

#include "import/json.hpp"
#include "util/text.hpp"
#include "zoometer/ir/shape.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;  // what the format's own reader allows

struct TypeName {
  std::string_view name;
  DType dtype;
};
constexpr TypeName type_names[] = {
    {"F32", DType::float32},
    {"F64", DType::float64},
    {"F16", DType::float16},
    {"BF16", DType::bfloat16},
    {"F8_E4M3", DType::float8_e4m3fn},
    {"F8_E5M2", DType::float8_e5m2},
    {"I64", DType::int64},
    {"I32", DType::int32},
    {"I16", DType::int16},
    {"I8", DType::int8},
    {"U64", DType::uint64},
    {"U32", DType::uint32},
    {"U16", DType::uint16},
    {"U8", DType::uint8},
    {"BOOL", DType::boolean},
    {"C64", DType::complex64},
};

std::optional<DType> type_of(const Json& name) {
  if (!name.IsString()) return std::nullopt;
  for (const TypeName& type : type_names) {
    if (type.name == std::string_view(name.GetString(), name.GetStringLength())) return type.dtype;
  }
  return std::nullopt;
}

/// The entry of an object, or null.
const Json* entry(const Json& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

/// A list of numbers of at least 0, or nothing.
std::optional<std::vector<std::int64_t>> sizes_of(const Json* list) {
  if (list == nullptr || !list->IsArray()) return std::nullopt;
  std::vector<std::int64_t> sizes;
  for (const Json& size : list->GetArray()) {
    if (!size.IsInt64() || size.GetInt64() < 0) return std::nullopt;
    sizes.push_back(size.GetInt64());
  }
  return sizes;
}

}  // namespace

Safetensors::Safetensors(const std::string& path) : Safetensors(MappedFile(path)) {}

Safetensors::Safetensors(MappedFile file) : file_(std::move(file)) {
  const std::string_view text = file_.text();
  std::uint64_t length = 0;
  if (text.size() < length_bytes) fail("the file is too short for the length of its header");
  std::memcpy(&length, text.data(), length_bytes);
  if (length > longest_header || length > text.size() - length_bytes) {
    fail("the header would have " + std::to_string(length) + " bytes; is it a safetensors file?");
  }
  read_header(text.substr(length_bytes, length), text.substr(length_bytes + length));
}

void Safetensors::read_header(std::string_view header, std::string_view data) {
  JsonTree document;
  document.Parse<rapidjson::kParseIterativeFlag>(header.data(), header.size());
  if (document.HasParseError() || !document.IsObject()) fail("the header is not a JSON object");
  for (const auto& member : std::as_const(document).GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    if (name == "__metadata__") continue;
    const std::string which = "the tensor " + escape_controls(name);
    if (!member.value.IsObject()) fail(which + " is not an object");
    const Json* type = entry(member.value, "dtype");
    const auto dtype = type == nullptr ? std::nullopt : type_of(*type);
    if (!dtype) fail(which + " has an unknown dtype");
    auto shape = sizes_of(entry(member.value, "shape"));
    if (!shape) fail(which + " has no shape");
    const auto range = sizes_of(entry(member.value, "data_offsets"));
    const bool is_inside = range && range->size() == 2 && (*range)[0] <= (*range)[1] &&
                           static_cast<std::uint64_t>((*range)[1]) <= data.size();
    if (!is_inside) fail(which + " is outside of the file");
    const auto begin = static_cast<std::size_t>((*range)[0]);
    const auto length = static_cast<std::size_t>((*range)[1]) - begin;
    if (static_cast<std::size_t>(numel(*shape) * bits_of(*dtype) / 8) != length)
      fail(which + " has a size that does not match its shape");
    const SafeTensor tensor{*dtype, std::move(*shape), data.substr(begin, length)};
    if (!tensors_.emplace(name, tensor).second) fail("duplicate tensor " + escape_controls(name));
  }
}

const SafeTensor* Safetensors::find(std::string_view name) const {
  const auto found = tensors_.find(std::string(name));
  return found == tensors_.end() ? nullptr : &found->second;
}

void Safetensors::fail(const std::string& reason) const {
  file_.check();
  Error error(ErrorCode::malformed, reason);
  error.place.model = file_.path();
  throw error;
}

}  // namespace zoometer
