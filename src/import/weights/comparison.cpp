#include "import/weights/comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "models/language/split.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view embedding_endings[] = {
    "embed_tokens.weight",   "wte.weight",        "word_embeddings.weight", "embed_in.weight",
    "tok_embeddings.weight", "embeddings.weight", "embedding.weight",
};

/// The embedding of tokens: a matrix with a row for each.
const StoredTensor* embedding_of(const StoredWeights& weights) {
  for (const StoredTensor& tensor : weights.tensors()) {
    if (tensor.shape.size() != 2 || tensor.name.find("visual") != std::string_view::npos ||
        tensor.name.find("vision") != std::string_view::npos)
      continue;
    for (const std::string_view ending : embedding_endings) {
      if (tensor.name.ends_with(ending)) return &tensor;
    }
  }
  return nullptr;
}

Setting* member(Setting& object, std::string_view key) {
  for (auto& [name, value] : object.members) {
    if (name == key) return &value;
  }
  return nullptr;
}

/// The object that describes the language model.
Setting& language_part(Setting& settings) {
  for (const std::string_view key : {"text_config", "language_config", "llm_config"}) {
    Setting* part = member(settings, key);
    if (part != nullptr && part->kind == Setting::Kind::object) return *part;
  }
  return settings;
}

/// Names that packed weights have instead: GPTQ and AWQ, compressed-tensors, MXFP4.
const StoredTensor* find_packed(const StoredWeights& weights, const std::string& name) {
  std::string stem = name;
  if (stem.ends_with(".weight")) stem.resize(stem.size() - std::string_view("weight").size());
  for (const std::string_view ending : {"qweight", "weight_packed"}) {
    if (const StoredTensor* found = weights.find(stem + std::string(ending))) return found;
  }
  return weights.find(name + "_blocks");
}

/// Files of a part of a model leave its outermost module out, and those of a whole have more of
/// them than the configuration of its part.
const StoredTensor* find_stored(const StoredWeights& weights, const std::string& name) {
  if (const StoredTensor* found = weights.find(name)) return found;
  const std::size_t dot = name.find('.');
  if (!name.starts_with("model.") && !name.starts_with("transformer.")) return nullptr;
  const std::string inner = name.substr(dot + 1);
  if (const StoredTensor* found = weights.find(inner)) return found;
  for (const std::string_view outer : {"model.language_model.", "language_model.model."}) {
    if (const StoredTensor* found = weights.find(std::string(outer) + inner)) return found;
  }
  return nullptr;
}

/// Names that were counted, with the first of them.
struct Difference {
  std::size_t count = 0;
  std::string first;
  void add(std::string_view name) {
    if (count++ == 0) first = escape_controls(name);
  }
  void note(std::string_view what, std::vector<std::string>& notes) const {
    if (count > 0)
      notes.push_back(
          fmt::format("{} tensor{} {}, such as {}", count, count == 1 ? "" : "s", what, first));
  }
};

bool is_same(const Shape& shape, std::span<const std::int64_t> sizes) {
  return std::ranges::equal(std::span<const std::int64_t>(shape), sizes);
}

class Comparison {
 public:
  Comparison(const StoredWeights& weights, Graph& graph)
      : weights_(weights),
        graph_(graph),
        is_matched_(weights.tensors().size()) {}

  void run() {
    check_split(graph_);
    for (const Parameter& parameter : graph_.parameters()) {
      if (!is_in_state_dict(parameter.kind) || parameter.shared_with != no_id) continue;
      if (is_split(graph_, parameter)) {
        match_split(parameter);
      } else {
        match(parameter, graph_.parameter_path(parameter), graph_.shape(parameter.value));
      }
    }
    for (std::size_t i = 0; i < is_matched_.size(); ++i) {
      const StoredTensor& tensor = weights_.tensors()[i];
      if (!is_matched_[i] && tensor.kind() == StoredKind::parameter) extra_.add(tensor.name);
    }
  }

  void note(std::vector<std::string>& notes) const {
    missing_.note("of the configuration missing in the files", notes);
    extra_.note("of the files missing in the graph", notes);
    resized_.note("of the files with another shape than by the configuration", notes);
  }

 private:
  void match_split(const Parameter& parameter) {
    const std::string path = graph_.parameter_path(parameter);
    const std::size_t star = path.rfind('*');
    const Shape& whole = graph_.shape(parameter.value);
    const Shape each(std::span<const std::int64_t>(whole).subspan(1));
    std::string name;
    for (std::int64_t i = 0; i < whole.dim(0); ++i) {
      name.assign(path, 0, star).append(std::to_string(i)).append(path, star + 1);
      match(parameter, name, each);
    }
  }

  void match(const Parameter& parameter, const std::string& name, const Shape& shape) {
    const StoredTensor* stored = find_stored(weights_, name);
    const bool is_packed = stored == nullptr;
    if (is_packed) stored = find_packed(weights_, name);
    if (stored == nullptr) return missing_.add(name);
    is_matched_[static_cast<std::size_t>(stored - weights_.tensors().data())] = true;
    if (is_packed || !stored->is_known()) return;
    if (is_same(shape, stored->shape)) {
      if (stored->type->dtype != DType::unknown)
        graph_.set_dtype(parameter.value, stored->type->dtype);
      return;
    }
    // Integers of another shape are packed weights under the plain name.
    if (is_floating(stored->type->dtype)) resized_.add(stored->name);
  }

  const StoredWeights& weights_;
  Graph& graph_;
  std::vector<bool> is_matched_;
  Difference missing_, extra_, resized_;
};

}  // namespace

void take_sizes(const StoredWeights& weights, Setting& settings, std::vector<std::string>& notes) {
  const StoredTensor* embedding = embedding_of(weights);
  if (embedding == nullptr) return;
  const std::int64_t rows = embedding->shape[0];
  Setting& part = language_part(settings);
  for (const std::string_view key : {"padded_vocab_size", "vocab_size"}) {
    Setting* size = member(part, key);
    if (size == nullptr || size->kind != Setting::Kind::integer) continue;
    if (size->integer != rows) {
      notes.push_back(fmt::format("{} is {}; the files' embedding has {} rows, which are taken",
                                  key, size->integer, rows));
      size->integer = rows;
      size->real = static_cast<double>(rows);
    }
    return;
  }
}

void tie_embedding(Setting& settings) {
  Setting tie{.kind = Setting::Kind::flag};
  tie.integer = 1;
  tie.real = 1;
  if (Setting* known = member(settings, "tie_word_embeddings")) {
    *known = tie;
  } else {
    settings.members.emplace_back("tie_word_embeddings", tie);
  }
}

bool take_tie(const StoredWeights& weights, const Graph& graph, Setting& settings,
              std::vector<std::string>& notes) {
  if (weights.has_unknown()) return false;
  for (const Parameter& parameter : graph.parameters()) {
    const std::string path = graph.parameter_path(parameter);
    const bool is_head = path.ends_with("lm_head.weight") || path == "embed_out.weight";
    if (!is_head || parameter.shared_with != no_id) continue;
    if (find_stored(weights, path) != nullptr || find_packed(weights, path) != nullptr) continue;
    tie_embedding(settings);
    notes.push_back(fmt::format("the files have no {}: the embedding is taken as the head", path));
    return true;
  }
  return false;
}

void compare_weights(const StoredWeights& weights, Graph& graph, std::vector<std::string>& notes) {
  Comparison comparison(weights, graph);
  comparison.run();
  comparison.note(notes);
}

}  // namespace zoometer
