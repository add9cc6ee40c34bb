// Operators on texts whose results have known sizes.
#include <algorithm>

#include "import/onnx/context.hpp"
#include "op/text.hpp"

namespace zoometer {
namespace {

OnnxOutcome out_text(OnnxContext& context, const TextAttrs& attrs) {
  const std::vector<Tensor> inputs = context.all_inputs();
  std::vector<ValueId> ids;
  for (const Tensor& input : inputs) ids.push_back(input.id);
  return context.out(context.append(text_op, attrs, ids, {}));
}

OnnxOutcome emit_string_concat(OnnxContext& context) {
  Shape shape;
  context.require(broadcast(context.shape(0), context.shape(1), shape), "shapes that broadcast");
  return out_text(context, {shape, DType::string, false});
}

OnnxOutcome emit_regex_match(OnnxContext& context) {
  return out_text(context, {context.shape(0), DType::boolean, false});
}

/// Without stop words there may be fewer texts, and none becomes an empty one.
OnnxOutcome emit_string_normalizer(OnnxContext& context) {
  Shape shape = context.shape(0);
  context.require(shape.rank() == 1 || shape.rank() == 2, "texts of rank 1 or 2");
  const OnnxAttribute* stopwords = context.attribute("stopwords");
  if (stopwords == nullptr) return out_text(context, {shape, DType::string, false});
  shape.set_dim(-1, std::max<std::int64_t>(1, shape.dim(-1)));
  return out_text(context, {shape, DType::string, true});
}

/// A count of each n-gram, whose places an attribute lists.
OnnxOutcome emit_tf_idf(OnnxContext& context) {
  const auto places = context.integers("ngram_indexes");
  context.require(places && !places->empty(), "indexes of n-grams");
  const std::int64_t width = checked_add(*std::max_element(places->begin(), places->end()), 1);
  Shape shape = context.shape(0);
  context.require(width >= 1 && shape.rank() >= 1, "a text of rank 1 or more");
  shape.set_dim(-1, width);
  return out_text(context, {shape, DType::float32, false});
}

using enum Meaning;

constexpr NoEffect string_no_effect[] = {
    {"case_change_action", "work that depends on the texts"},
    {"is_case_sensitive", "work that depends on the texts"},
    {"locale", "work that depends on the texts"},
    {"pattern", "work that depends on the texts"},
};

constexpr NoEffect tf_idf_no_effect[] = {
    {"max_gram_length", "work that depends on the texts"},
    {"max_skip_count", "work that depends on the texts"},
    {"min_gram_length", "work that depends on the texts"},
    {"mode", "work that depends on the texts"},
    {"ngram_counts", "which n-grams are counted"},
    {"pool_int64s", "which n-grams are counted"},
    {"pool_strings", "which n-grams are counted"},
    {"weights", "a factor of each count"},
};

constexpr OnnxOperator text_rows[] = {
    {"RegexFullMatch", same_cost, emit_regex_match, {.no_effect = string_no_effect}},
    {"StringConcat", same_cost, emit_string_concat},
    {"StringNormalizer", same_cost, emit_string_normalizer, {.no_effect = string_no_effect}},
    {"TfIdfVectorizer", same_cost, emit_tf_idf, {.no_effect = tf_idf_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_text_operators = {"", text_rows};

}  // namespace zoometer
