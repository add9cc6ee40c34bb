#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace zoometer {

/// What a GGUF file takes over of a tokenizer's files.
struct TokenizerTexts {
  std::string file;  ///< the name of the one with the vocabulary
  std::int64_t tokens = 0;
  std::int64_t token_bytes = 0;  ///< of all their texts
  std::int64_t merges = 0;
  std::int64_t merge_bytes = 0;
  std::int64_t template_bytes = 0;  ///< of the template of a chat; 0: none
  bool has_scores = false;          ///< of each token
};

/// Of tokenizer.model (SentencePiece), tokenizer.json, vocab.json with merges.txt, or vocab.txt in
/// this folder, the first that there is, for an embedding of `vocabulary` rows: rows that no token
/// has are filled up, as llama.cpp's converter does. Nothing if there is none or it cannot be read.
std::optional<TokenizerTexts> tokenizer_texts(const std::string& folder, std::int64_t vocabulary);

}  // namespace zoometer
