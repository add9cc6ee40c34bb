#include "models/parametrised.hpp"

#include <algorithm>

#include "ir/verify.hpp"
#include "util/text.hpp"
#include "util/toml.hpp"

namespace zoometer {
namespace {

struct Call {
  std::string_view name, arguments;
};

Call split(std::string_view call) {
  const std::size_t open = call.find('(');
  return {call.substr(0, open), call.substr(open + 1, call.size() - open - 2)};
}

const Parametrised& family_of(std::string_view call) {
  const std::string_view name = split(call).name;
  std::vector<std::string_view> names;
  std::string list;
  for (const Parametrised* family : parametrised_families()) {
    if (family->name == name) return *family;
    names.push_back(family->name);
    list.append(list.empty() ? "" : ", ").append(family->name);
  }
  Error error(ErrorCode::unknown_name,
              "no family of that name takes parameters: " + escape_controls(name));
  error.hint = did_you_mean(name, names);
  if (error.hint.empty()) error.hint = "there are " + list;
  throw error;
}

const FamilyParameter& parameter_of(const Parametrised& family, std::string_view name) {
  std::vector<std::string_view> names;
  std::string list;
  for (const FamilyParameter& parameter : family.parameters) {
    if (parameter.name == name) return parameter;
    names.push_back(parameter.name);
    list.append(list.empty() ? "" : ", ").append(parameter.name);
  }
  Error error(ErrorCode::usage,
              std::string(family.name) + " has no parameter " + escape_controls(name));
  error.hint = did_you_mean(name, names);
  if (error.hint.empty()) error.hint = "it has " + list;
  throw error;
}

[[noreturn]] void refuse(const FamilyParameter& parameter, const std::string& expected,
                         const TomlValue& value) {
  std::string got(name_of(value.kind));
  if (value.kind == TomlValue::Kind::integer) got = std::to_string(value.integer);
  if (value.kind == TomlValue::Kind::string) got = toml_string(value.text);
  if (value.kind == TomlValue::Kind::array) got = std::to_string(value.items.size()) + " values";
  throw Error(ErrorCode::usage, std::string(parameter.name), {expected, got});
}

std::int64_t integer_of(const FamilyParameter& parameter, const TomlValue& value) {
  if (value.kind != TomlValue::Kind::integer || value.integer < 1 || value.integer > parameter.most)
    refuse(parameter, "an integer from 1 to " + std::to_string(parameter.most), value);
  return value.integer;
}

std::vector<std::int64_t> integers_of(const FamilyParameter& parameter, const TomlValue& value) {
  if (parameter.kind == FamilyParameter::Kind::integer) return {integer_of(parameter, value)};
  if (value.kind != TomlValue::Kind::array || value.items.size() != parameter.count)
    refuse(parameter, "a list of " + std::to_string(parameter.count) + " integers", value);
  std::vector<std::int64_t> result;
  for (const TomlValue& item : value.items) result.push_back(integer_of(parameter, item));
  return result;
}

std::string word_of(const FamilyParameter& parameter, const TomlValue& value) {
  std::string list;
  for (const std::string_view word : parameter.words) {
    if (value.kind == TomlValue::Kind::string && value.text == word) return value.text;
    list.append(list.empty() ? "" : " or ").append(toml_string(word));
  }
  refuse(parameter, list, value);
}

}  // namespace

FamilyValues::FamilyValues(const Parametrised& family, std::string_view text) {
  for (const FamilyParameter& parameter : family.parameters) {
    values_.push_back({parameter.name, {}, {}});
    take(family, std::string(parameter.name) + " = " + std::string(parameter.standard));
  }
  take(family, text);
}

void FamilyValues::take(const Parametrised& family, std::string_view text) {
  TomlValue given;
  try {
    given = parse_toml("given = {" + std::string(text) + "}", std::string(family.name));
  } catch (const Error&) {
    throw Error(
        ErrorCode::usage, std::string(family.name),
        {"parameters like layers = [2, 2, 2, 2], block = \"basic\"", escape_controls(text)});
  }
  for (const auto& [name, value] : given.find("given")->members) {
    const FamilyParameter& parameter = parameter_of(family, name);
    const auto place = std::find_if(values_.begin(), values_.end(),
                                    [&](const Value& each) { return each.name == parameter.name; });
    if (parameter.kind == FamilyParameter::Kind::word) {
      place->word = word_of(parameter, value);
    } else {
      place->integers = integers_of(parameter, value);
    }
  }
}

const FamilyValues::Value& FamilyValues::find(std::string_view name) const noexcept {
  return *std::find_if(values_.begin(), values_.end(),
                       [&](const Value& value) { return value.name == name; });
}

std::int64_t FamilyValues::integer(std::string_view name) const noexcept {
  return find(name).integers.front();
}
const std::vector<std::int64_t>& FamilyValues::integers(std::string_view name) const noexcept {
  return find(name).integers;
}
std::string_view FamilyValues::word(std::string_view name) const noexcept {
  return find(name).word;
}

bool is_family_call(std::string_view word) noexcept {
  const std::size_t open = word.find('(');
  return open != std::string_view::npos && open > 0 && word.ends_with(')') &&
         word.substr(0, open).find_first_of("/.: ") == std::string_view::npos;
}

const InputSpecs& inputs_of_family(std::string_view call) { return family_of(call).inputs; }

void trace_family(std::string_view call, const TraceOptions& options, Graph& graph) {
  graph.clear();
  const Parametrised& family = family_of(call);
  const FamilyValues values(family, split(call).arguments);
  const Model model{family.name, family.inputs, 0, 0, nullptr};
  try {
    Trace context(graph, model, options);
    family.build(context, values);
    verify(graph);
  } catch (Error& error) {
    if (error.place.model.empty()) error.place.model = call;
    throw;
  }
}

}  // namespace zoometer
