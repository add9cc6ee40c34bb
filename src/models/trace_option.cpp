#include "models/trace_option.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr TraceOption table[] = {
    {.name = "variant",
     .value = "published|untrained",
     .help = "The structure of the published weights, or that of weights=None",
     .member = &TraceOptions::variant},
    {.name = "entry",
     .value = "NAME",
     .help = "The model to read of a file that contains several",
     .member = &TraceOptions::entry},
    {.name = "dim",
     .value = "NAME=N",
     .help = "Set a symbolic size of a file, as batch=8; repeatable",
     .member = &TraceOptions::dims,
     .least = 1,
     .only_files = TraceOption::any_file},
    {.name = "trips",
     .value = "NAME=N",
     .help = "How often a loop of an ONNX file runs, or a decoder is called; repeatable",
     .member = &TraceOptions::trips,
     .only_files = "onnx"},
    {.name = "value",
     .value = "NAME=NUMBERS",
     .help = "The elements of an input or constant of an ONNX file, as sr=16000; repeatable",
     .member = &TraceOptions::values,
     .only_files = "onnx"},
    {.name = "quantize",
     .value = {},
     .help = "The int8 graph of a quantized model",
     .member = &TraceOptions::quantize,
     .only = Task::quantization,
     .only_name = "a quantized model"},
    {.name = "input-shape",
     .value = "[NAME=]N,C,H,W[:TYPE]",
     .help = "The input's sizes, as 1,3,224,224 or 3,224,224, or 224 for a square image, or "
             "ids=2,20:int64; repeatable for several inputs",
     .member = &TraceOptions::inputs,
     .sizes_inputs = true},
    {.name = "batch",
     .value = "N",
     .help = "The batch size, on the axis of each input that is the batch",
     .member = &TraceOptions::batch,
     .least = 1,
     .sizes_inputs = true,
     .other_names = ",--batch-size,-b"},
    {.name = "batch-axis",
     .value = "INPUT=AXIS",
     .help = "For --batch: the axis that is the batch, as x=1; repeatable",
     .member = &TraceOptions::batch_axes,
     .sizes_inputs = true},
    {.name = "input-dtype",
     .value = "[NAME=]TYPE",
     .help = "The input's element type, as int64 or ids=int64; repeatable for several inputs",
     .member = &TraceOptions::dtypes,
     .sizes_inputs = true},
    {.name = "proposals",
     .value = "N",
     .help = "Detectors: the real number of proposals, instead of its bound",
     .member = &TraceOptions::proposals,
     .sizes_inputs = true,
     .only = Task::detection,
     .only_name = "a detector"},
    {.name = "detections",
     .value = "N",
     .help = "Detectors: the real number of detections, instead of its bound",
     .member = &TraceOptions::detections,
     .sizes_inputs = true,
     .only = Task::detection,
     .only_name = "a detector"},
    {.name = "tokens",
     .value = "N",
     .help = "Language models: the tokens of each sequence that pass, 128 by default",
     .member = &TraceOptions::tokens,
     .least = 1,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "past",
     .value = "N",
     .help = "Language models: the tokens of each sequence that are in the cache",
     .member = &TraceOptions::past,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "decode",
     .value = {},
     .help = "Language models: one token, the last of --context",
     .member = &TraceOptions::decode,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "context",
     .value = "N",
     .help = "Language models: the length of a sequence with the token that --decode computes",
     .member = &TraceOptions::context,
     .least = 1,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "encoder-tokens",
     .value = "N",
     .help = "Language models: the length of the encoder's sequence",
     .member = &TraceOptions::encoder_tokens,
     .least = 1,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "logits",
     .value = "last|all",
     .help = "Language models: the tokens that get logits",
     .member = &TraceOptions::logits,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "attention",
     .value = "whole|causal",
     .help = "Language models: count all pairs of tokens, or those that masks leave",
     .member = &TraceOptions::attention,
     .sizes_inputs = true,
     .only_files = "language"},
    {.name = "mla",
     .value = "absorbed|expanded|re-expanded",
     .help = "Language models: how latent attention runs; absorbed in --decode, else expanded",
     .member = &TraceOptions::mla,
     .sizes_inputs = true,
     .only_files = "language"},
};

constexpr std::string_view variants[] = {"published", "untrained"};
constexpr std::string_view booleans[] = {"false", "true"};

// -- reading ------------------------------------------------------------------------------------

/// A value that is read: of which option, and what was given.
struct Given {
  const TraceOption& option;
  std::string_view text;

  Error error(ErrorCode code, const std::string& expected) const {
    return {code, "--" + std::string(option.name), {expected, escape_controls(text)}};
  }
  [[noreturn]] void refuse(ErrorCode code, const std::string& expected) const {
    throw error(code, expected);
  }
};

std::int64_t read_number(std::string_view text, const Given& given, const std::string& expected) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc::result_out_of_range)
    given.refuse(ErrorCode::overflow, "sizes below 2^63");
  if (problem != std::errc{} || end != text.data() + text.size())
    given.refuse(ErrorCode::usage, expected);
  return number;
}

std::int64_t read_size(std::string_view text, const Given& given, const std::string& expected,
                       std::int64_t least = 1) {
  const std::int64_t size = read_number(text, given, expected);
  if (size < least) given.refuse(ErrorCode::shape, "sizes of at least " + std::to_string(least));
  return size;
}

/// Integers of 64 bits are exact: the fraction of a long double has as many.
long double read_real(std::string_view text, const Given& given) {
  static const std::string expected = "NAME=NUMBERS like sr=16000 or sizes=1,2";
  if (text == "true") return 1;
  if (text == "false") return 0;
  long double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size())
    given.refuse(ErrorCode::usage, expected);
  return number;
}

std::size_t read_word(const Given& given, std::span<const std::string_view> words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == given.text) return i;
    list.append(list.empty() ? "" : ", ").append(words[i]);
  }
  Error error = given.error(ErrorCode::usage, "one of " + list);
  error.hint = did_you_mean(given.text, words);
  throw error;
}

/// The sizes as one of the usual separators each, without the brackets of Python's tuples and
/// lists: "1,3,224,224" of "(1, 3, 224, 224)", "5" of "(5,)".
std::string plain_sizes(std::string_view text) {
  const auto trim = [&] {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
  };
  trim();
  const bool has_brackets = (text.starts_with('(') && text.ends_with(')')) ||
                            (text.starts_with('[') && text.ends_with(']'));
  if (has_brackets && text.size() > 2) {
    text = text.substr(1, text.size() - 2);
    trim();
    if (text.ends_with(',')) text.remove_suffix(1);
    trim();
  }
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_beside_comma =
        text[i] == ' ' && (plain.ends_with(',') || plain.ends_with(' ') || text[i + 1] == ',');
    if (!is_beside_comma) plain += text[i];
  }
  return plain;
}

Shape read_shape(std::string_view word, const Given& given) {
  static const std::string expected =
      "sizes like 1,3,224,224 or 1x3x224x224, named ones as NAME=1,3,224,224";
  Shape shape;
  if (word == "()" || word == "[]") return shape;
  const std::string plain = plain_sizes(word);
  std::string_view text = plain;
  for (;;) {
    const std::size_t separator = text.find_first_of(",xX ");
    if (shape.size() == most_dimensions) given.refuse(ErrorCode::shape, "at most 16 sizes");
    shape.push_back(read_size(text.substr(0, separator), given, expected));
    if (separator == std::string_view::npos) return shape;
    text.remove_prefix(separator + 1);
  }
}

void read(const Given& given, bool& target) { target = read_word(given, booleans) == 1; }

void read(const Given& given, std::optional<std::int64_t>& target) {
  const std::int64_t number = read_number(given.text, given, "a number");
  if (number < given.option.least)
    given.refuse(ErrorCode::usage, "at least " + std::to_string(given.option.least));
  target = number;
}

void read(const Given& given, Variant& target) {
  target = static_cast<Variant>(read_word(given, variants));
}

void read(const Given& given, std::string& target) { target = given.text; }

/// PyTorch's names and its short ones, as "torch.long" of a program.
DType read_dtype(std::string_view text, const Given& given) {
  constexpr std::pair<std::string_view, DType> others[] = {
      {"fp32", DType::float32},   {"float", DType::float32},  {"fp64", DType::float64},
      {"double", DType::float64}, {"fp16", DType::float16},   {"half", DType::float16},
      {"bf16", DType::bfloat16},  {"long", DType::int64},     {"int", DType::int32},
      {"short", DType::int16},    {"boolean", DType::boolean}};
  constexpr std::string_view module = "torch.";
  if (text.starts_with(module)) text.remove_prefix(module.size());
  for (const auto& [word, dtype] : others) {
    if (word == text) return dtype;
  }
  const auto dtype = dtype_from_name(text);
  if (!dtype || bits_of(*dtype) == 0)
    given.refuse(ErrorCode::usage, "an element type like float32, int64 or bool");
  return *dtype;
}

/// The name before the last "=" of an option's value, and what is after it.
std::pair<std::string, std::string_view> split_name(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) return {{}, text};
  return {std::string(text.substr(0, equals)), text.substr(equals + 1)};
}

void read(const Given& given, std::vector<InputShape>& target) {
  auto [name, sizes] = split_name(given.text);
  InputShape input{std::move(name), {}};
  const std::size_t colon = sizes.find(':');
  if (colon != std::string_view::npos) input.dtype = read_dtype(sizes.substr(colon + 1), given);
  input.shape = read_shape(sizes.substr(0, colon), given);
  target.push_back(std::move(input));
}

void read(const Given& given, std::vector<InputType>& target) {
  auto [name, type] = split_name(given.text);
  target.push_back({std::move(name), read_dtype(type, given)});
}

void read(const Given& given, std::vector<NamedSize>& target) {
  static const std::string expected = "NAME=SIZE like batch=8";
  const std::size_t equals = given.text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) given.refuse(ErrorCode::usage, expected);
  target.push_back({std::string(given.text.substr(0, equals)),
                    read_size(given.text.substr(equals + 1), given, expected, given.option.least)});
}

void read(const Given& given, std::vector<InputAxis>& target) {
  static const std::string expected = "INPUT=AXIS like x=1";
  const std::size_t equals = given.text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) given.refuse(ErrorCode::usage, expected);
  target.push_back({std::string(given.text.substr(0, equals)),
                    read_number(given.text.substr(equals + 1), given, expected)});
}

void read(const Given& given, std::vector<NamedValue>& target) {
  constexpr std::size_t most = 4096;
  const std::size_t equals = given.text.rfind('=');
  if (equals == std::string_view::npos || equals == 0)
    given.refuse(ErrorCode::usage, "NAME=NUMBERS like sr=16000 or sizes=1,2");
  NamedValue value{std::string(given.text.substr(0, equals)), {}};
  std::string_view rest = given.text.substr(equals + 1);
  while (!rest.empty()) {
    const std::string_view number = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), number.size() + 1));
    if (value.numbers.size() == most)
      given.refuse(ErrorCode::limit, "at most " + std::to_string(most) + " numbers");
    value.numbers.push_back(read_real(number, given));
  }
  target.push_back(std::move(value));
}

// -- writing ------------------------------------------------------------------------------------

std::vector<std::string> written(bool value) {
  return value ? std::vector<std::string>{"true"} : std::vector<std::string>{};
}

std::vector<std::string> written(std::optional<std::int64_t> value) {
  return value ? std::vector{std::to_string(*value)} : std::vector<std::string>{};
}

std::vector<std::string> written(Variant value) {
  return value == Variant::published ? std::vector<std::string>{}
                                     : std::vector{std::string(name_of(value))};
}

std::vector<std::string> written(const std::string& value) {
  return value.empty() ? std::vector<std::string>{} : std::vector{value};
}

std::vector<std::string> written(const std::vector<InputShape>& inputs) {
  std::vector<std::string> texts;
  for (const InputShape& input : inputs) {
    std::string& text = texts.emplace_back(input.name);
    if (!text.empty()) text += '=';
    text += to_short_string(input.shape);
    if (input.dtype) text.append(":").append(name_of(*input.dtype));
  }
  return texts;
}

std::vector<std::string> written(const std::vector<InputType>& types) {
  std::vector<std::string> texts;
  for (const InputType& type : types) {
    std::string& text = texts.emplace_back(type.name);
    if (!text.empty()) text += '=';
    text += name_of(type.dtype);
  }
  return texts;
}

std::vector<std::string> written(const std::vector<NamedSize>& sizes) {
  std::vector<std::string> texts;
  for (const NamedSize& size : sizes) texts.push_back(size.name + "=" + std::to_string(size.size));
  return texts;
}

std::vector<std::string> written(const std::vector<InputAxis>& axes) {
  std::vector<std::string> texts;
  for (const InputAxis& each : axes) texts.push_back(each.name + "=" + std::to_string(each.axis));
  return texts;
}

std::vector<std::string> written(const std::vector<NamedValue>& values) {
  std::vector<std::string> texts;
  for (const NamedValue& value : values) {
    std::string& text = texts.emplace_back(value.name);
    for (std::size_t i = 0; i < value.numbers.size(); ++i) {
      char digits[64];
      const auto end = std::to_chars(digits, digits + sizeof digits, value.numbers[i]).ptr;
      text.append(i == 0 ? "=" : ",").append(digits, end);
    }
    if (value.numbers.empty()) text += '=';
  }
  return texts;
}

}  // namespace

bool TraceOption::is_flag() const noexcept {
  return std::holds_alternative<bool TraceOptions::*>(member);
}

bool TraceOption::repeats() const noexcept {
  return std::holds_alternative<std::vector<InputShape> TraceOptions::*>(member) ||
         std::holds_alternative<std::vector<NamedSize> TraceOptions::*>(member) ||
         std::holds_alternative<std::vector<InputType> TraceOptions::*>(member) ||
         std::holds_alternative<std::vector<InputAxis> TraceOptions::*>(member) ||
         std::holds_alternative<std::vector<NamedValue> TraceOptions::*>(member);
}

std::span<const std::string_view> TraceOption::words() const noexcept {
  if (std::holds_alternative<Variant TraceOptions::*>(member)) return variants;
  return {};
}

void TraceOption::parse(std::string_view text, TraceOptions& options) const {
  std::visit([&](const auto& place) { read({*this, text}, options.*place); }, member);
}

std::vector<std::string> TraceOption::format(const TraceOptions& options) const {
  return std::visit([&](const auto& place) { return written(options.*place); }, member);
}

void TraceOption::reset(TraceOptions& options) const {
  static const TraceOptions defaults;
  std::visit([&](const auto& place) { options.*place = defaults.*place; }, member);
}

std::span<const TraceOption> trace_options() noexcept { return table; }

void refuse_file_options(const TraceOptions& options) {
  for (const TraceOption& option : table) {
    if (option.only_files.empty() || option.format(options).empty()) continue;
    throw Error(ErrorCode::usage,
                "--" + std::string(option.name) +
                    " is for files; the inputs of other models are set with --input-shape");
  }
}

const TraceOption* find_trace_option(std::string_view name) noexcept {
  for (const TraceOption& option : table) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

}  // namespace zoometer
