#include "models/language/passage.hpp"

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_tokens = std::int64_t{1} << 40;

/// Which of the words the text is; 0 where it is empty.
std::size_t word_of(std::string_view option, const std::string& text,
                    std::initializer_list<std::string_view> words) {
  if (text.empty()) return 0;
  std::string list;
  std::size_t index = 0;
  for (const std::string_view word : words) {
    if (word == text) return index;
    list.append(list.empty() ? "" : ", ").append(word);
    ++index;
  }
  refuse_option(option, "one of " + list, text);
}

void check_tokens(std::string_view option, std::int64_t number) {
  if (number > most_tokens) refuse_option(option, "at most 2^40 tokens", std::to_string(number));
}

}  // namespace

void refuse_option(std::string_view option, std::string expected, std::string found) {
  throw Error(ErrorCode::usage, "--" + std::string(option),
              {std::move(expected), std::move(found)});
}

Passage passage_of(const TraceOptions& options) {
  Passage passage;
  if (options.decode) {
    if (options.tokens) refuse_option("decode", "no --tokens, since one token passes", "both");
    if (options.past && options.context) refuse_option("context", "--context or --past", "both");
    passage.tokens = 1;
    passage.has_tokens = true;
    const std::int64_t past = options.past.value_or(127);
    passage.past = options.context.value_or(past + 1) - 1;
  } else {
    if (options.context) refuse_option("context", "--decode with it", "no --decode");
    passage.tokens = options.tokens.value_or(128);
    passage.has_tokens = options.tokens.has_value();
    passage.past = options.past.value_or(0);
  }
  if (!options.batch_axes.empty())
    refuse_option("batch-axis", "a model with inputs of its own", "a language model");
  if (options.batch) passage.batch = *options.batch;
  for (const InputShape& input : options.inputs)
    if (!input.name.starts_with("past.")) passage.inputs.push_back(input);
  check_tokens("tokens", passage.tokens);
  check_tokens("past", passage.past);
  check_tokens("encoder-tokens", options.encoder_tokens.value_or(0));
  passage.encoder_tokens = options.encoder_tokens;
  passage.has_all_logits = word_of("logits", options.logits, {"last", "all"}) == 1;
  passage.counts_seen = word_of("attention", options.attention, {"whole", "causal"}) == 1;
  passage.latent =
      options.mla.empty() && options.decode
          ? LatentForm::absorbed
          : LatentForm(options.mla.empty()
                           ? 1
                           : word_of("mla", options.mla, {"absorbed", "expanded", "re-expanded"}));
  return passage;
}

const RotaryTables& PassageContext::tables_of(std::int64_t features) const {
  for (const auto& [width, table] : tables) {
    if (width == features) return table;
  }
  throw Error(ErrorCode::internal, "no rotary tables of " + std::to_string(features) + " features");
}

Tensor PassageContext::past(std::string_view name, const Shape& shape, DType dtype) const {
  if (passage.past == 0) return {};
  const std::string path = "past." + std::to_string(layer) + "." + std::string(name);
  return {&graph, graph.add_input(graph.arena().copy(path), shape, dtype)};
}

}  // namespace zoometer
