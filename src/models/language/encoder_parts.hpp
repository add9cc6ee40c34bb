#pragma once

#include <string_view>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"

// What the files of encoders share: the head that the class of a configuration has, and the layers
// of BERT.

namespace zoometer {

/// What follows the layers, by the first of `architectures`.
struct EncoderHead {
  bool masked = false;       ///< words for masked ones
  bool pooled = false;       ///< a layer of the first token
  std::int64_t outputs = 0;  ///< of a classifier; 0: none
  bool each_token = false;   ///< it runs for all tokens
};

/// The first of `architectures`, or nothing.
std::string_view first_class(const Configuration& config);
/// Throws Error{unsupported} for a class without such a head.
EncoderHead encoder_head(const Configuration& config);
ActivationKind encoder_activation(const Configuration& config);

/// An encoder without a decoder.
ModelPlan encoder_alone(StackBuilder stack, std::int64_t features, std::string_view output);

/// The layers of BERT: norms of the sums.
LayerPlan bert_layer(const Configuration& config, std::int64_t features);

/// Names of the layers before the words of masked tokens.
struct MaskedHead {
  std::string_view dense;
  std::string_view norm;
  std::string_view bias;     ///< empty: none
  std::string_view decoder;  ///< where the head does not share the embedding's table
};

/// A layer from `features` to `inner`, its activation and norm, and words by the table of the
/// embedding or one of their own.
void add_masked_head(StackBuilder& stack, std::int64_t features, std::int64_t inner,
                     std::int64_t vocabulary, const MaskedHead& names, bool shares_table,
                     ActivationKind activation);

/// Whether the head shares the embedding's table: it does where the file does not say.
bool shares_table(const Configuration& config);

}  // namespace zoometer
