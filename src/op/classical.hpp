#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of tree_ensemble.
struct TreeEnsembleAttrs {
  std::int64_t trees = 0;
  std::int64_t depth = 0;    ///< comparisons on the longest path of each tree, added up
  std::int64_t outputs = 1;  ///< classes or targets
  DType dtype = DType::float32;
  static constexpr std::tuple fields{
      field("trees", &TreeEnsembleAttrs::trees), field("depth", &TreeEnsembleAttrs::depth),
      field("outputs", &TreeEnsembleAttrs::outputs), field("dtype", &TreeEnsembleAttrs::dtype)};
};

/// Of support_vectors.
struct SupportVectorsAttrs {
  std::int64_t operations = 0;  ///< of the kernel, for each pair of a row and a vector
  std::int64_t outputs = 1;     ///< decisions for each row
  static constexpr std::tuple fields{field("operations", &SupportVectorsAttrs::operations),
                                     field("outputs", &SupportVectorsAttrs::outputs)};
};

/// Of feature_transform.
struct FeatureTransformAttrs {
  std::int64_t operations = 1;  ///< per element
  DType dtype = DType::float32;
  static constexpr std::tuple fields{field("operations", &FeatureTransformAttrs::operations),
                                     field("dtype", &FeatureTransformAttrs::dtype)};
};

/// Of class_label.
struct ClassLabelAttrs {
  DType dtype = DType::int64;
  static constexpr std::tuple fields{field("dtype", &ClassLabelAttrs::dtype)};
};

/// x (rows, features), thresholds of all inner nodes, values of all leaves -> (rows, outputs).
extern const OpDef tree_ensemble_op;
/// x (rows, features), vectors (n, features), coefficients (any, n) -> (rows, outputs).
extern const OpDef support_vectors_op;
/// Each element by itself or with the others of its row.
extern const OpDef feature_transform_op;
/// scores (rows, classes) -> (rows).
extern const OpDef class_label_op;

}  // namespace zoometer
