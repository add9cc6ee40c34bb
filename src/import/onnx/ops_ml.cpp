// ai.onnx.ml: trees, support vector machines, linear models, and what prepares their features.
#include <algorithm>
#include <map>
#include <set>

#include "import/onnx/reader.hpp"
#include "op/classical.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// Learnt numbers that are a list of the node: a parameter like any other.
Tensor learnt(OnnxContext& context, std::string_view name, const Shape& shape) {
  const std::string_view owner =
      context.node().name.empty() ? context.node().outputs[0] : context.node().name;
  const std::string path = std::string(owner) + "." + std::string(name);
  OnnxTensor tensor;
  tensor.name = context.graph().arena().copy(path);
  tensor.shape = shape;
  tensor.dtype = DType::float32;
  const OnnxValue value = OnnxValue::of(context.reader().store(tensor, false));
  return {&context.graph(), context.reader().enter(value, OnnxReader::Role::weight, tensor.name)};
}

/// The elements of a list of numbers, which may be a tensor: nodes_values, nodes_values_as_tensor.
std::int64_t count_of(OnnxContext& context, std::string_view name) {
  const OnnxAttribute* found = context.attribute(name);
  if (found == nullptr) return 0;
  if (!found->tensor.empty()) return numel(context.reader().records().tensor(found->tensor).shape);
  const auto reals = context.reader().records().reals(*found);
  if (!reals.empty()) return static_cast<std::int64_t>(reals.size());
  const auto integers = context.reader().records().integers(*found);
  if (!integers.empty()) return static_cast<std::int64_t>(integers.size());
  return static_cast<std::int64_t>(context.reader().records().texts(*found).size());
}

/// Of the lists of which a node has one.
std::int64_t count_of(OnnxContext& context, std::span<const std::string_view> names) {
  std::int64_t most = 0;
  for (const std::string_view name : names) most = std::max(most, count_of(context, name));
  return most;
}

constexpr std::string_view label_lists[] = {"classlabels_strings", "classlabels_int64s",
                                            "classlabels_ints", "class_labels"};
constexpr std::string_view class_weight_lists[] = {"class_weights", "class_weights_as_tensor"};
constexpr std::string_view target_weight_lists[] = {"target_weights", "target_weights_as_tensor"};
constexpr std::string_view category_lists[] = {"cats_int64s", "cats_strings"};
constexpr std::string_view vocabularies[] = {"string_vocabulary", "int64_vocabulary"};

Tensor post_transform(OnnxContext& context, Tensor scores) {
  const std::string_view name = context.text("post_transform", "NONE");
  if (name == "SOFTMAX" || name == "SOFTMAX_ZERO") return softmax(scores, 1);
  if (name == "NONE") return scores;
  const ValueId inputs[] = {scores.id};
  return context.append(feature_transform_op, FeatureTransformAttrs{1, DType::float32}, inputs, {});
}

/// Labels and scores. `scores` has one column where there are two classes and one decision.
OnnxOutcome out_classes(OnnxContext& context, Tensor scores, std::int64_t classes) {
  scores = post_transform(context, scores);
  if (scores.dim(1) == 1 && classes == 2) {
    const Tensor both[] = {scores, scores};
    scores = cat(both, 1);
  }
  const bool has_texts = count_of(context, "classlabels_strings") > 0;
  const ClassLabelAttrs attrs{has_texts ? DType::string : DType::int64};
  const ValueId inputs[] = {scores.id};
  context.out(0, context.append(class_label_op, attrs, inputs, {}));
  return context.out(1, scores);
}

/// Features in float, as rows.
Tensor rows_in(OnnxContext& context) {
  Tensor x = context.in(0);
  context.require(x.rank() == 1 || x.rank() == 2, "features of rank 1 or 2");
  if (x.rank() == 1) x = unsqueeze(x, 0);
  if (x.dtype() == DType::float32) return x;
  const ValueId inputs[] = {x.id};
  return context.append(feature_transform_op, FeatureTransformAttrs{0, DType::float32}, inputs, {});
}

// -- linear models --------------------------------------------------------------------------------

Tensor linear_model(OnnxContext& context, std::int64_t least_rows) {
  const Tensor x = rows_in(context);
  const std::int64_t features = x.dim(1);
  const std::int64_t coefficients = count_of(context, "coefficients");
  context.require(features > 0 && coefficients % features == 0 && coefficients > 0,
                  "as many coefficients for each class as there are features");
  const std::int64_t rows = std::max(least_rows, coefficients / features);
  context.require(rows * features == coefficients, "coefficients for each target");
  const Tensor weight = learnt(context, "coefficients", {rows, features});
  const bool has_bias = count_of(context, "intercepts") > 0;
  return linear(x, weight,
                has_bias ? learnt(context, "intercepts", {rows}) : Tensor{&context.graph(), no_id});
}

OnnxOutcome emit_linear_classifier(OnnxContext& context) {
  const Tensor scores = linear_model(context, 1);
  return out_classes(context, scores, count_of(context, label_lists));
}

OnnxOutcome emit_linear_regressor(OnnxContext& context) {
  const std::int64_t targets = context.integer("targets", 1);
  return context.out(post_transform(context, linear_model(context, targets)));
}

// -- support vectors ------------------------------------------------------------------------------

/// Operations of the kernel beside its product: RBF takes a difference of each feature and an
/// exponential; a polynomial scales, adds and raises; a sigmoid scales, adds and takes tanh.
std::int64_t kernel_operations(OnnxContext& context, std::int64_t features) {
  const std::string_view kernel = context.text("kernel_type", "LINEAR");
  if (kernel == "RBF") return checked_add(features, 2);
  return kernel == "LINEAR" ? 0 : 3;
}

Tensor support_vectors(OnnxContext& context, Tensor x, std::int64_t vectors, std::int64_t outputs) {
  const std::int64_t features = x.dim(1);
  const std::int64_t coefficients = count_of(context, "coefficients");
  context.require(vectors > 0 && coefficients > 0, "support vectors with coefficients");
  const Tensor weight = learnt(context, "support_vectors", {vectors, features});
  const Tensor factors = learnt(context, "coefficients", {coefficients});
  const ValueId inputs[] = {x.id, weight.id, factors.id};
  const SupportVectorsAttrs attrs{kernel_operations(context, features), outputs};
  return context.append(support_vectors_op, attrs, inputs, {});
}

OnnxOutcome emit_svm_classifier(OnnxContext& context) {
  const Tensor x = rows_in(context);
  const std::int64_t classes = count_of(context, label_lists);
  const auto per_class =
      context.integers("vectors_per_class").value_or(std::vector<std::int64_t>());
  std::int64_t vectors = 0;
  for (const std::int64_t count : per_class) vectors = checked_add(vectors, count);
  if (vectors == 0) return out_classes(context, linear_model(context, 1), classes);
  context.require(classes >= 1 && classes < 65536, "labels of 1 to 65535 classes");
  // One decision for each pair of classes. Probabilities are of the classes.
  const bool has_probabilities = count_of(context, "prob_a") > 0;
  const std::int64_t pairs = std::max<std::int64_t>(1, classes * (classes - 1) / 2);
  const Tensor scores = support_vectors(context, x, vectors, has_probabilities ? classes : pairs);
  return out_classes(context, scores, classes);
}

OnnxOutcome emit_svm_regressor(OnnxContext& context) {
  const std::int64_t vectors = context.integer("n_supports", 0);
  if (vectors == 0) return context.out(post_transform(context, linear_model(context, 1)));
  return context.out(
      post_transform(context, support_vectors(context, rows_in(context), vectors, 1)));
}

// -- trees
// ------------------------------------------------------------------------------------------

/// The inner nodes of trees: by position, the positions of both children; -1 for a leaf.
using Children = std::vector<std::array<std::int64_t, 2>>;

/// The comparisons on the longest path from a root. Each node is visited once, so nodes that form a
/// cycle do no harm.
std::int64_t longest_path(const Children& children, std::int64_t root,
                          std::vector<std::int64_t>& depths) {
  std::vector<std::int64_t> open = {root};
  std::int64_t longest = 0;
  depths[static_cast<std::size_t>(root)] = 1;
  while (!open.empty()) {
    const std::int64_t node = open.back();
    open.pop_back();
    const std::int64_t depth = depths[static_cast<std::size_t>(node)];
    longest = std::max(longest, depth);
    for (const std::int64_t child : children[static_cast<std::size_t>(node)]) {
      if (child < 0 || depths[static_cast<std::size_t>(child)] != 0) continue;
      depths[static_cast<std::size_t>(child)] = depth + 1;
      open.push_back(child);
    }
  }
  return longest;
}

struct Trees {
  std::int64_t count = 0;
  std::int64_t depth = 0;  ///< longest paths added up
  std::int64_t inner = 0;
};

Trees measure(const Children& children, const std::vector<std::int64_t>& roots) {
  Trees trees;
  trees.count = static_cast<std::int64_t>(roots.size());
  trees.inner = static_cast<std::int64_t>(children.size());
  std::vector<std::int64_t> depths(children.size(), 0);
  for (const std::int64_t root : roots) {
    if (root >= 0 && root < trees.inner && depths[static_cast<std::size_t>(root)] == 0)
      trees.depth += longest_path(children, root, depths);
  }
  return trees;
}

/// The trees of versions 1 to 3: nodes with a tree, a number within it and a mode.
Trees numbered_trees(OnnxContext& context) {
  const auto list = [&](std::string_view name) {
    return context.integers(name).value_or(std::vector<std::int64_t>());
  };
  const auto trees = list("nodes_treeids");
  const auto numbers = list("nodes_nodeids");
  const auto yes = list("nodes_truenodeids");
  const auto no = list("nodes_falsenodeids");
  const OnnxAttribute* modes = context.attribute("nodes_modes");
  const auto words =
      modes != nullptr ? context.reader().records().texts(*modes) : std::vector<std::string_view>();
  const std::size_t count = trees.size();
  context.require(count > 0 && numbers.size() == count && yes.size() == count &&
                      no.size() == count && words.size() == count,
                  "lists of equal length that describe the trees' nodes");
  using Key = std::pair<std::int64_t, std::int64_t>;  // of a tree's number and a node's
  std::map<Key, std::int64_t> inner;                  // positions among inner nodes
  for (std::size_t i = 0; i < count; ++i) {
    if (words[i] != "LEAF")
      inner.emplace(Key(trees[i], numbers[i]), static_cast<std::int64_t>(inner.size()));
  }
  Children children(inner.size(), {-1, -1});
  std::vector<bool> is_child(inner.size(), false);
  for (std::size_t i = 0; i < count; ++i) {
    if (words[i] == "LEAF") continue;
    const auto own = static_cast<std::size_t>(inner.at(Key(trees[i], numbers[i])));
    for (const std::size_t side : {0U, 1U}) {
      const auto found = inner.find(Key(trees[i], side == 0 ? yes[i] : no[i]));
      if (found == inner.end()) continue;
      children[own][side] = found->second;
      is_child[static_cast<std::size_t>(found->second)] = true;
    }
  }
  std::vector<std::int64_t> roots;
  for (std::size_t i = 0; i < is_child.size(); ++i) {
    if (!is_child[i]) roots.push_back(static_cast<std::int64_t>(i));
  }
  Trees result = measure(children, roots);
  const std::set<std::int64_t> distinct(trees.begin(), trees.end());
  result.count = static_cast<std::int64_t>(distinct.size());
  return result;
}

Tensor trees_of(OnnxContext& context, const Trees& trees, std::int64_t leaves, std::int64_t outputs,
                DType dtype = DType::float32) {
  const Tensor x = context.in(0);
  context.require(x.rank() == 1 || x.rank() == 2, "features of rank 1 or 2");
  const Tensor thresholds = learnt(context, "thresholds", {trees.inner});
  const Tensor values = learnt(context, "leaves", {leaves});
  const ValueId inputs[] = {x.id, thresholds.id, values.id};
  const TreeEnsembleAttrs attrs{trees.count, trees.depth, outputs, dtype};
  return context.append(tree_ensemble_op, attrs, inputs, {});
}

OnnxOutcome emit_tree_classifier(OnnxContext& context) {
  const std::int64_t classes = std::max<std::int64_t>(1, count_of(context, label_lists));
  const std::int64_t leaves = count_of(context, class_weight_lists);
  const auto ids = context.integers("class_ids").value_or(std::vector<std::int64_t>());
  const bool has_one_decision =
      classes == 2 && std::ranges::all_of(ids, [&](std::int64_t id) { return id == ids[0]; });
  const Tensor scores =
      trees_of(context, numbered_trees(context), leaves, has_one_decision ? 1 : classes);
  return out_classes(context, scores, classes);
}

OnnxOutcome emit_tree_regressor(OnnxContext& context) {
  const std::int64_t targets = context.integer("n_targets", 1);
  const std::int64_t leaves = count_of(context, target_weight_lists);
  context.require(targets >= 1, "at least one target");
  return context.out(
      post_transform(context, trees_of(context, numbered_trees(context), leaves, targets)));
}

/// Version 5: inner nodes and leaves have lists of their own.
OnnxOutcome emit_tree_ensemble(OnnxContext& context) {
  const auto list = [&](std::string_view name) {
    return context.integers(name).value_or(std::vector<std::int64_t>());
  };
  const auto yes = list("nodes_truenodeids");
  const auto no = list("nodes_falsenodeids");
  const auto yes_leaves = list("nodes_trueleafs");
  const auto no_leaves = list("nodes_falseleafs");
  const std::size_t count = yes.size();
  context.require(no.size() == count && yes_leaves.size() == count && no_leaves.size() == count,
                  "lists of equal length that describe the trees' nodes");
  Children children(count, {-1, -1});
  for (std::size_t i = 0; i < count; ++i) {
    const auto child = [&](std::int64_t number, std::int64_t is_leaf) {
      const bool is_inner =
          is_leaf == 0 && number >= 0 && number < static_cast<std::int64_t>(count);
      return is_inner ? number : -1;
    };
    children[i] = {child(yes[i], yes_leaves[i]), child(no[i], no_leaves[i])};
  }
  const std::int64_t targets = context.integer("n_targets", 1);
  const std::int64_t leaves = count_of(context, "leaf_weights");
  context.require(targets >= 1, "at least one target");
  return context.out(
      post_transform(context, trees_of(context, measure(children, list("tree_roots")), leaves,
                                       targets, context.dtype(0))));
}

// -- features
// ---------------------------------------------------------------------------------------

Tensor transform(OnnxContext& context, std::int64_t operations, DType dtype) {
  const ValueId inputs[] = {context.in(0).id};
  return context.append(feature_transform_op, FeatureTransformAttrs{operations, dtype}, inputs, {});
}

OnnxOutcome emit_scaler(OnnxContext& context) {
  return context.out(transform(context, 2, DType::float32));
}

/// Absolute values or squares, their sum and a division; MAX compares and divides.
OnnxOutcome emit_normalizer(OnnxContext& context) {
  const bool is_max = context.text("norm", "MAX") == "MAX";
  return context.out(transform(context, is_max ? 2 : 3, DType::float32));
}

OnnxOutcome emit_compare(OnnxContext& context) {
  return context.out(transform(context, 1, context.dtype(0)));
}

OnnxOutcome emit_category_mapper(OnnxContext& context) {
  const bool has_texts = context.dtype(0) == DType::string;
  return context.out(transform(context, 1, has_texts ? DType::int64 : DType::string));
}

OnnxOutcome emit_label_encoder(OnnxContext& context) {
  DType dtype = context.dtype(0) == DType::string ? DType::int64 : DType::string;
  if (const OnnxAttribute* values = context.attribute("values_tensor"))
    dtype = context.reader().records().tensor(values->tensor).dtype;
  if (context.attribute("values_int64s") != nullptr) dtype = DType::int64;
  if (context.attribute("values_floats") != nullptr) dtype = DType::float32;
  if (context.attribute("values_strings") != nullptr) dtype = DType::string;
  return context.out(transform(context, 1, dtype));
}

OnnxOutcome emit_one_hot_encoder(OnnxContext& context) {
  const std::int64_t categories = count_of(context, category_lists);
  const Tensor x = context.in(0);
  Shape shape = x.shape();
  shape.push_back(categories);
  const Tensor encoded = transform(context, 1, DType::float32);
  return context.out(expand(unsqueeze(encoded, x.rank()), Ints(shape)));
}

OnnxOutcome emit_feature_extractor(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor indices = context.in(1);
  context.require(x.rank() >= 1, "features of rank 1 or more");
  const Tensor rows = x.rank() == 1 ? unsqueeze(x, 0) : x;
  const Tensor flat = reshape(indices, {numel(indices.shape())});
  return context.out(index_select(rows, rows.rank() - 1, flat));
}

OnnxOutcome emit_feature_vectorizer(OnnxContext& context) {
  std::vector<Tensor> features;
  for (const Tensor feature : context.all_inputs()) {
    context.require(feature.rank() >= 1, "features of rank 1 or more");
    const bool is_row = feature.rank() == 1;
    features.push_back(is_row                ? unsqueeze(feature, 0)
                       : feature.rank() == 2 ? feature
                                             : flatten(feature, 1));
  }
  context.require(!features.empty(), "at least one input");
  const Tensor joined = cat(features, 1);
  const ValueId inputs[] = {joined.id};
  return context.out(
      context.append(feature_transform_op, FeatureTransformAttrs{0, DType::float32}, inputs, {}));
}

OnnxOutcome emit_dict_vectorizer(OnnxContext& context) {
  const std::int64_t words = count_of(context, vocabularies);
  context.take_unknown(0);
  return context.out(full(context.graph(), {1, words}, 0, DType::float32));
}

OnnxOutcome emit_cast_map(OnnxContext& context) {
  if (context.text("map_form", "DENSE") != "SPARSE") return OnnxOutcome::depends_on_data;
  const std::string_view to = context.text("cast_to", "TO_FLOAT");
  const DType dtype = to == "TO_FLOAT"   ? DType::float32
                      : to == "TO_INT64" ? DType::int64
                                         : DType::string;
  context.take_unknown(0);
  return context.out(full(context.graph(), {1, context.integer("max_map", 1)}, 0, dtype));
}

/// Maps with the scores of each row: the scores stand for them.
OnnxOutcome emit_zip_map(OnnxContext& context) { return context.out_value(0, context.value(0)); }

using enum Meaning;

constexpr NoEffect linear_no_effect[] = {{"multi_class", "how scores are compared"}};

constexpr NoEffect svm_no_effect[] = {
    {"kernel_params", "numbers of the kernel"},
    {"kernel_type=LINEAR", "a product without more"},
    {"support_vectors", "as many rows of features as the other lists say"},
    {"prob_b", "numbers of the probabilities"},
    {"rho", "a number that is added to each decision"},
    {"one_class", "the sign instead of the decision"},
};

constexpr NoEffect tree_no_effect[] = {
    {"aggregate_function", "how leaves are joined: one operation each"},
    {"base_values", "numbers that are added to the sums"},
    {"base_values_as_tensor", "numbers that are added to the sums"},
    {"class_nodeids", "which leaf a weight is of"},
    {"class_treeids", "which tree a weight is of"},
    {"leaf_targetids", "which target a leaf is of"},
    {"membership_values", "sets that nodes compare with"},
    {"nodes_featureids", "which feature a node compares"},
    {"nodes_hitrates", "how often a node is visited"},
    {"nodes_hitrates_as_tensor", "how often a node is visited"},
    {"nodes_missing_value_tracks_true", "where missing values go"},
    {"nodes_modes", "how a node compares"},
    {"nodes_splits", "what a node compares with"},
    {"nodes_values", "what a node compares with"},
    {"nodes_values_as_tensor", "what a node compares with"},
    {"target_ids", "which target a leaf is of"},
    {"target_nodeids", "which leaf a weight is of"},
    {"target_treeids", "which tree a weight is of"},
};

constexpr NoEffect value_no_effect[] = {
    {"cast_to", "the type, which the output declares"},
    {"cats_int64s", "the values that are replaced"},
    {"cats_strings", "the values that are replaced"},
    {"classes_strings", "the values that are replaced"},
    {"classlabels_int64s", "the keys of the maps"},
    {"classlabels_strings", "the keys of the maps"},
    {"default_float", "the value of what is not listed"},
    {"default_int64", "the value of what is not listed"},
    {"default_string", "the value of what is not listed"},
    {"default_tensor", "the value of what is not listed"},
    {"imputed_value_floats", "what takes the place of missing values"},
    {"imputed_value_int64s", "what takes the place of missing values"},
    {"inputdimensions", "the sizes of the inputs, which they have"},
    {"keys_floats", "the values that are replaced"},
    {"keys_int64s", "the values that are replaced"},
    {"keys_strings", "the values that are replaced"},
    {"keys_tensor", "the values that are replaced"},
    {"offset", "numbers that are subtracted"},
    {"replaced_value_float", "which value counts as missing"},
    {"replaced_value_int64", "which value counts as missing"},
    {"scale", "numbers that are multiplied"},
    {"threshold", "what elements are compared with"},
    {"zeros", "what stands for unknown categories"},
};

constexpr OnnxOperator ml_rows[] = {
    {"ArrayFeatureExtractor", same_values, emit_feature_extractor},
    {"Binarizer", same_cost, emit_compare, {.no_effect = value_no_effect}},
    {"CastMap", same_cost, emit_cast_map, {.takes_anything = true, .no_effect = value_no_effect}},
    {"CategoryMapper", same_cost, emit_category_mapper, {.no_effect = value_no_effect}},
    {"DictVectorizer", same_cost, emit_dict_vectorizer, {.takes_anything = true}},
    {"FeatureVectorizer", same_cost, emit_feature_vectorizer, {.no_effect = value_no_effect}},
    {"Imputer", same_cost, emit_compare, {.no_effect = value_no_effect}},
    {"LabelEncoder", same_cost, emit_label_encoder, {.no_effect = value_no_effect}},
    {"LinearClassifier", same_cost, emit_linear_classifier, {.no_effect = linear_no_effect}},
    {"LinearRegressor", same_cost, emit_linear_regressor, {.no_effect = linear_no_effect}},
    {"Normalizer", same_cost, emit_normalizer},
    {"OneHotEncoder", same_cost, emit_one_hot_encoder, {.no_effect = value_no_effect}},
    {"SVMClassifier", same_cost, emit_svm_classifier, {.no_effect = svm_no_effect}},
    {"SVMRegressor", same_cost, emit_svm_regressor, {.no_effect = svm_no_effect}},
    {"Scaler", same_cost, emit_scaler, {.no_effect = value_no_effect}},
    {"TreeEnsemble", same_cost, emit_tree_ensemble, {.no_effect = tree_no_effect}},
    {"TreeEnsembleClassifier", same_cost, emit_tree_classifier, {.no_effect = tree_no_effect}},
    {"TreeEnsembleRegressor", same_cost, emit_tree_regressor, {.no_effect = tree_no_effect}},
    {"ZipMap", same_cost, emit_zip_map, {.takes_anything = true, .no_effect = value_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_ml_operators = {"ai.onnx.ml", ml_rows};

}  // namespace zoometer
