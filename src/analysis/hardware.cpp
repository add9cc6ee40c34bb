#include "zoometer/analysis/hardware.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "util/embedded.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "util/toml.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::array<std::string_view, number_type_count> number_type_names = {
    "float64", "float32", "tf32", "bfloat16", "float16", "float8", "float4", "int8", "int4"};
constexpr std::string_view built_in_folder = "data/hardware/";

/// Checks a file as it is read, so that a message can name the line.
class DeviceReader {
 public:
  DeviceReader(std::string_view text, const std::string& path)
      : path_(path),
        file_(parse_toml(text, path)) {}

  Device read() {
    Device device;
    only_known(file_, {"name", "title", "kind", "aliases", "peak", "memory", "cache", "links",
                       "power", "source"});
    device.name = text(file_, "name", true);
    if (device.name.empty()) refuse(file_, "name must not be empty");
    device.title = text(file_, "title", false);
    if (device.title.empty()) device.title = device.name;
    device.kind = text(file_, "kind", false);
    read_aliases(device);
    read_peaks(device);
    const TomlValue& memory = section("memory", true);
    only_known(memory, {"bandwidth", "capacity", "on_chip"});
    device.bandwidth = positive(memory, "bandwidth", true);
    device.capacity = bytes(memory, "capacity");
    device.on_chip = bytes(memory, "on_chip");
    for (const auto& [level, value] : section("cache", false).members)
      device.caches.emplace_back(level, bytes_of_value(value, level));
    read_links(device);
    const TomlValue& power = section("power", false);
    only_known(power, {"tdp"});
    device.tdp = positive(power, "tdp", false);
    const TomlValue& source = section("source", false);
    for (const auto& [figure, value] : source.members)
      device.sources.emplace_back(figure, text(source, figure, true));
    return device;
  }

 private:
  [[noreturn]] void refuse(const TomlValue& value, const std::string& what,
                           Error::Detail detail = {}, std::string hint = {}) const {
    Error error(ErrorCode::malformed, "line " + std::to_string(value.line) + ": " + what,
                std::move(detail));
    error.place.model = path_;
    error.hint = std::move(hint);
    throw error;
  }

  void only_known(const TomlValue& table, std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : table.members) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      const std::vector<std::string_view> known(keys);
      refuse(value, "unknown key " + escape_controls(key), {}, did_you_mean(key, known));
    }
  }

  const TomlValue& section(std::string_view key, bool required) const {
    static const TomlValue none;
    const TomlValue* found = file_.find(key);
    if (found == nullptr) {
      if (required) refuse(file_, "no table [" + std::string(key) + "]");
      return none;
    }
    if (found->kind != TomlValue::Kind::table)
      refuse(*found, std::string(key), {"a table", std::string(name_of(found->kind))});
    return *found;
  }

  std::string text(const TomlValue& table, std::string_view key, bool required) const {
    const TomlValue* found = table.find(key);
    if (found == nullptr) {
      if (required) refuse(table, "no " + std::string(key));
      return {};
    }
    if (found->kind != TomlValue::Kind::string)
      refuse(*found, std::string(key), {"a string", std::string(name_of(found->kind))});
    return found->text;
  }

  double number(const TomlValue& value, std::string_view key) const {
    if (value.kind == TomlValue::Kind::integer) return static_cast<double>(value.integer);
    if (value.kind == TomlValue::Kind::real) return value.real;
    refuse(value, std::string(key), {"a number", std::string(name_of(value.kind))});
  }

  double positive(const TomlValue& table, std::string_view key, bool required) const {
    const TomlValue* found = table.find(key);
    if (found == nullptr) {
      if (required) refuse(table, "no " + std::string(key));
      return 0;
    }
    const double value = number(*found, key);
    if (!(value > 0) || value > 1e30)
      refuse(*found, std::string(key) + " must be greater than 0 and finite");
    return value;
  }

  std::int64_t bytes_of_value(const TomlValue& value, std::string_view key) const {
    if (value.kind != TomlValue::Kind::integer || value.integer <= 0)
      refuse(value, std::string(key) + " must be a whole number of bytes above 0");
    return value.integer;
  }

  std::int64_t bytes(const TomlValue& table, std::string_view key) const {
    const TomlValue* found = table.find(key);
    return found == nullptr ? 0 : bytes_of_value(*found, key);
  }

  void read_aliases(Device& device) const {
    const TomlValue* list = file_.find("aliases");
    if (list == nullptr) return;
    if (list->kind != TomlValue::Kind::array)
      refuse(*list, "aliases", {"an array of strings", std::string(name_of(list->kind))});
    for (const TomlValue& item : list->items) {
      if (item.kind != TomlValue::Kind::string)
        refuse(item, "aliases", {"an array of strings", std::string(name_of(item.kind))});
      device.aliases.push_back(item.text);
    }
  }

  void read_links(Device& device) const {
    const TomlValue& links = section("links", false);
    only_known(links, {"node", "network", "latency", "devices"});
    device.links.node = positive(links, "node", false);
    device.links.network = positive(links, "network", false);
    device.links.latency = positive(links, "latency", false);
    device.links.devices = bytes(links, "devices");
  }

  void read_peaks(Device& device) const {
    const TomlValue& table = section("peak", true);
    for (const auto& [key, value] : table.members) {
      const std::optional<NumberType> type = number_type_from_name(key);
      if (!type)
        refuse(value, "unknown type " + escape_controls(key), {},
               did_you_mean(key, number_type_names));
      device.peaks[static_cast<std::size_t>(*type)] = positive(table, key, true);
    }
    if (device.highest_peak() == 0) refuse(table, "no peak");
  }

  const std::string& path_;
  TomlValue file_;
};

/// The name in lower case without spaces, hyphens and underscores.
std::string plain_name(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

bool answers_to(const Device& device, const std::string& plain) {
  return plain_name(device.name) == plain ||
         std::any_of(device.aliases.begin(), device.aliases.end(),
                     [&](const std::string& alias) { return plain_name(alias) == plain; });
}

/// The user's files, by path.
std::vector<std::string> user_files() {
  std::vector<std::string> files;
  const std::optional<std::string> folder = config_folder();
  if (!folder) return files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(*folder + "/hardware", none)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void sort_by_name(std::vector<Device>& devices) {
  std::stable_sort(devices.begin(), devices.end(),
                   [](const Device& a, const Device& b) { return natural_less(a.name, b.name); });
}

}  // namespace

std::string_view name_of(NumberType type) noexcept {
  return number_type_names[static_cast<std::size_t>(type)];
}

std::optional<NumberType> number_type_from_name(std::string_view name) noexcept {
  const auto found = std::find(number_type_names.begin(), number_type_names.end(), name);
  if (found == number_type_names.end()) return std::nullopt;
  return static_cast<NumberType>(found - number_type_names.begin());
}

std::optional<NumberType> number_type_of(DType dtype) noexcept {
  switch (dtype) {
  case DType::float64:
  case DType::complex128: return NumberType::float64;
  case DType::float32:
  case DType::complex64: return NumberType::float32;
  case DType::bfloat16: return NumberType::bfloat16;
  case DType::float16: return NumberType::float16;
  case DType::float8_e4m3fn:
  case DType::float8_e5m2:
  case DType::float8_e4m3fnuz:
  case DType::float8_e5m2fnuz:
  case DType::float8_e8m0fnu: return NumberType::float8;
  case DType::float4_e2m1fn: return NumberType::float4;
  case DType::int8:
  case DType::uint8:
  case DType::qint8:
  case DType::quint8: return NumberType::int8;
  case DType::int4:
  case DType::uint4:
  case DType::int2:
  case DType::uint2: return NumberType::int4;
  default: return std::nullopt;
  }
}

DType dtype_of(NumberType type) noexcept {
  switch (type) {
  case NumberType::float64: return DType::float64;
  case NumberType::float32:
  case NumberType::tf32: return DType::float32;
  case NumberType::bfloat16: return DType::bfloat16;
  case NumberType::float16: return DType::float16;
  case NumberType::float8: return DType::float8_e4m3fn;
  case NumberType::float4: return DType::float4_e2m1fn;
  case NumberType::int8: return DType::int8;
  case NumberType::int4: return DType::int4;
  }
  return DType::unknown;
}

double Device::highest_peak() const noexcept {
  return *std::max_element(peaks.begin(), peaks.end());
}

std::int64_t Device::largest_cache() const noexcept {
  std::int64_t largest = 0;
  for (const auto& [level, size] : caches) largest = std::max(largest, size);
  return largest;
}

std::optional<NumberType> Device::computes_in(NumberType type) const noexcept {
  using enum NumberType;
  if (peak(type) > 0) return type;
  const auto first_of = [&](std::initializer_list<NumberType> wider) -> std::optional<NumberType> {
    const auto found = std::find_if(wider.begin(), wider.end(),
                                    [&](NumberType candidate) { return peak(candidate) > 0; });
    return found == wider.end() ? std::nullopt : std::optional(*found);
  };
  switch (type) {
  case int4: return first_of({int8, float16, bfloat16, float32, float64});
  case float4: return first_of({float8, float16, bfloat16, float32, float64});
  case int8:
  case float8: return first_of({float16, bfloat16, float32, float64});
  case float16:
  case bfloat16:
  case tf32: return first_of({float32, float64});
  case float32: return first_of({float64});
  case float64: return std::nullopt;
  }
  return std::nullopt;
}

Device parse_device(std::string_view text, const std::string& path) {
  return DeviceReader(text, path).read();
}

Device read_device(const std::string& path) {
  const std::optional<std::string> text = read_file(path);
  if (!text) throw Error(ErrorCode::io, "no such file: " + escape_controls(path));
  return parse_device(*text, path);
}

namespace {

std::vector<Device> read_builtin_devices() {
  std::vector<Device> devices;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.starts_with(built_in_folder))
      devices.push_back(parse_device(file.text, std::string(file.name)));
  }
  sort_by_name(devices);
  return devices;
}

}  // namespace

std::vector<Device> builtin_devices() {
  static const std::vector<Device> devices = read_builtin_devices();
  return devices;
}

std::vector<Device> all_devices() {
  std::vector<Device> devices = builtin_devices();
  for (const std::string& path : user_files()) {
    Device own = read_device(path);
    std::erase_if(devices, [&](const Device& device) { return device.name == own.name; });
    devices.push_back(std::move(own));
  }
  sort_by_name(devices);
  return devices;
}

const Device& find_device(std::span<const Device> devices, std::string_view name) {
  const std::string plain = plain_name(name);
  for (const Device& device : devices) {
    if (answers_to(device, plain)) return device;
  }
  std::vector<std::string_view> names;
  for (const Device& device : devices) {
    names.push_back(device.name);
    names.insert(names.end(), device.aliases.begin(), device.aliases.end());
  }
  Error error(ErrorCode::unknown_name, "no such device: " + escape_controls(name));
  error.hint = did_you_mean(name, names);
  if (error.hint.empty()) error.hint = "zoometer roofline --list names every device";
  throw error;
}

}  // namespace zoometer
