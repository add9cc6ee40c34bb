#include "import/weights/tokenizer.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <vector>

#include "import/weights/json_scanner.hpp"
#include "util/mapped_file.hpp"
#include "util/paths.hpp"
#include "util/protobuf.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_tokens = 1 << 24;
constexpr std::string_view space = "\xe2\x96\x81";  // U+2581 stands for a space in vocabularies

std::int64_t bytes_in(std::string_view text) { return static_cast<std::int64_t>(text.size()); }

/// Whether llama.cpp takes an added token for one of control by its looks.
bool looks_special(std::string_view token) {
  constexpr std::string_view wide_bar = "\xef\xbd\x9c";
  const auto is_between = [&](std::string_view begin, std::string_view end) {
    return token.starts_with(begin) && token.ends_with(end);
  };
  return token == "<pad>" || token == "<mask>" || token == "<2mass>" || token == "[@BOS@]" ||
         is_between("<|", "|>") || is_between(std::string("<").append(wide_bar), ">") ||
         is_between("<unused", ">");
}

/// The lengths of a vocabulary's tokens.
class Vocabulary {
 public:
  explicit Vocabulary(std::int64_t size) : tokens_(static_cast<std::size_t>(size)) {}

  void add(std::int64_t id, std::string_view text) {
    if (Token* token = find(id)) *token = {bytes_in(text), text.starts_with("##"), false};
  }
  /// A token that was added to the vocabulary. Others than those of control have spaces as such.
  void add_further(std::int64_t id, std::string_view text, bool is_special) {
    Token* token = find(id);
    if (token == nullptr) return;
    *token = {bytes_in(text), text.starts_with("##"), is_special || looks_special(text)};
    if (token->is_control) return;
    for (std::size_t at = text.find(space); at != std::string_view::npos;
         at = text.find(space, at + space.size()))
      token->length -= bytes_in(space) - 1;
  }
  std::int64_t bytes(bool is_word_piece) const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      // "[PAD7]" where there is none; "##s" becomes "s", and other pieces of words get a space.
      sum += token.length >= 0 ? token.length : 5 + bytes_in(std::to_string(i));
      if (!is_word_piece || token.is_control) continue;
      sum += token.is_continued ? -2 : bytes_in(space);
    }
    return sum;
  }
  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }

 private:
  struct Token {
    std::int64_t length = -1;
    bool is_continued = false;
    bool is_control = false;
  };
  Token* find(std::int64_t id) {
    return id >= 0 && id < size() ? &tokens_[static_cast<std::size_t>(id)] : nullptr;
  }
  std::vector<Token> tokens_;
};

/// Calls `take` for each entry of an object, at its value.
template <class Take>
void each_entry(JsonScanner& json, Take take) {
  json.open('{');
  for (bool is_first = true; json.next('}', is_first); is_first = false)
    take(std::string(json.key()));
}
template <class Take>
void each_item(JsonScanner& json, Take take) {
  json.open('[');
  for (bool is_first = true; json.next(']', is_first); is_first = false) take();
}

/// The members of an added token: {"id": 5, "content": "<s>", "special": true}.
void read_added(JsonScanner& json, std::int64_t id, Vocabulary& vocabulary) {
  std::string text;
  bool is_special = false;
  each_entry(json, [&](const std::string& key) {
    if (key == "id" && !json.is_at('n')) {
      id = json.size();
    } else if (key == "content" && json.is_at('"')) {
      text = json.text();
    } else if (key == "special") {
      is_special = json.scalar() == "true";
    } else {
      json.skip();
    }
  });
  vocabulary.add_further(id, text, is_special);
}

/// tokenizer.json of the library tokenizers.
class TokenizerReader {
 public:
  TokenizerReader(std::string_view text, TokenizerTexts& texts, Vocabulary& vocabulary)
      : text_(text),
        texts_(texts),
        vocabulary_(vocabulary) {}

  /// Whether it has a vocabulary of pieces of words.
  bool read() {
    JsonScanner json(text_);
    each_entry(json, [&](const std::string& key) {
      if (key == "model" && json.is_at('{')) {
        read_model(json);
      } else {
        json.skip();
      }
    });
    JsonScanner again(text_);  // added tokens replace those of the model, which follows them
    each_entry(again, [&](const std::string& key) {
      if (key != "added_tokens" || !again.is_at('[')) return again.skip();
      each_item(again, [&] { read_added(again, -1, vocabulary_); });
    });
    texts_.has_scores = type_ == "Unigram" || has_bytes_;
    if (texts_.has_scores) texts_.merges = texts_.merge_bytes = 0;
    return type_ == "WordPiece";
  }

 private:
  void read_model(JsonScanner& json) {
    each_entry(json, [&](const std::string& key) {
      if (key == "type" && json.is_at('"')) {
        type_ = json.text();
      } else if (key == "byte_fallback") {
        has_bytes_ = json.scalar() == "true";
      } else if (key == "vocab" && json.is_at('{')) {
        each_entry(json, [&](const std::string& token) { vocabulary_.add(json.size(), token); });
      } else if (key == "vocab" && json.is_at('[')) {
        read_pairs(json);
      } else if (key == "merges" && json.is_at('[')) {
        each_item(json, [&] { read_merge(json); });
      } else {
        json.skip();
      }
    });
  }
  /// [["<unk>", 0.0], ...]
  void read_pairs(JsonScanner& json) {
    std::int64_t id = 0;
    each_item(json, [&] {
      bool is_text = true;
      each_item(json, [&] {
        if (is_text) {
          vocabulary_.add(id, json.text());
        } else {
          json.skip();
        }
        is_text = false;
      });
      ++id;
    });
  }
  /// "a b", or ["a", "b"], where a space becomes a letter of two bytes.
  void read_merge(JsonScanner& json) {
    ++texts_.merges;
    if (!json.is_at('[')) {
      texts_.merge_bytes += bytes_in(json.text());
      return;
    }
    texts_.merge_bytes += 1;
    each_item(json, [&] {
      const std::string_view part = json.text();
      texts_.merge_bytes += bytes_in(part) + std::ranges::count(part, ' ');
    });
  }

  std::string_view text_;
  TokenizerTexts& texts_;
  Vocabulary& vocabulary_;
  std::string type_;
  bool has_bytes_ = false;
};

/// The pieces of a SentencePiece model: its field 1, whose field 1 is the text.
void read_pieces(const MappedFile& file, Vocabulary& vocabulary) {
  const char* begin = file.text().data();
  ProtobufFields model(file.text(), begin, "ModelProto");
  std::int64_t id = 0;
  while (model.next()) {
    if (model.number() != 1) continue;
    ProtobufFields piece(model.bytes(), begin, "SentencePiece");
    while (piece.next())
      if (piece.number() == 1) vocabulary.add(id, piece.bytes());
    ++id;
  }
}

/// {"token": 5, ...}
void read_token_map(const MappedFile& file, bool is_further, Vocabulary& vocabulary) {
  JsonScanner json(file.text());
  each_entry(json, [&](const std::string& token) {
    if (is_further) {
      vocabulary.add_further(json.size(), token, false);
    } else {
      vocabulary.add(json.size(), token);
    }
  });
}

/// Calls `take` for each line that is not empty.
template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) take(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// "a b" in each line, after a line that begins with '#'.
void read_merges(const MappedFile& file, TokenizerTexts& texts) {
  bool is_first = true;
  each_line(file.text(), [&](std::string_view line) {
    const bool is_title = is_first && line.starts_with('#');
    is_first = false;
    if (is_title) return;
    ++texts.merges;
    texts.merge_bytes += bytes_in(line);
  });
}

class FolderReader {
 public:
  FolderReader(const std::string& folder, std::int64_t rows) : folder_(folder), vocabulary_(rows) {}

  std::optional<TokenizerTexts> read() {
    bool is_word_piece = false;
    if (is_sentence_piece()) {
      texts_.file = "tokenizer.model";
      texts_.has_scores = true;
      read_pieces(MappedFile(path("tokenizer.model")), vocabulary_);
      if (has("added_tokens.json"))
        read_token_map(MappedFile(path("added_tokens.json")), true, vocabulary_);
      read_settings(true);
    } else if (has("tokenizer.json")) {
      texts_.file = "tokenizer.json";
      const MappedFile file(path(texts_.file));
      is_word_piece = TokenizerReader(file.text(), texts_, vocabulary_).read();
      read_settings(false);
    } else if (has("vocab.json")) {
      texts_.file = "vocab.json";
      read_token_map(MappedFile(path(texts_.file)), false, vocabulary_);
      if (has("added_tokens.json"))
        read_token_map(MappedFile(path("added_tokens.json")), true, vocabulary_);
      if (has("merges.txt")) read_merges(MappedFile(path("merges.txt")), texts_);
      read_settings(false);
    } else if (has("vocab.txt")) {
      texts_.file = "vocab.txt";
      is_word_piece = true;
      read_words();
    } else {
      return {};
    }
    texts_.tokens = vocabulary_.size();
    texts_.token_bytes = vocabulary_.bytes(is_word_piece);
    return std::move(texts_);
  }

 private:
  std::string path(std::string_view name) const { return (fs::path(folder_) / name).string(); }
  bool has(std::string_view name) const { return is_file(path(name)); }
  /// Other libraries give a list of tokens in base64 that name.
  bool is_sentence_piece() const {
    return has("tokenizer.model") && MappedFile(path("tokenizer.model")).text().starts_with('\n');
  }
  void read_words() {
    std::int64_t id = 0;
    const MappedFile file(path("vocab.txt"));
    each_line(file.text(), [&](std::string_view word) {
      const bool is_control = word.starts_with('[') && word.ends_with(']') && word.size() > 3;
      if (is_control) {
        vocabulary_.add_further(id, word, true);
      } else {
        vocabulary_.add(id, word);
      }
      ++id;
    });
  }
  /// Tokens that are added and the template of a chat, in tokenizer_config.json or beside it.
  void read_settings(bool takes_tokens) {
    bool has_template = false;
    if (has("tokenizer_config.json")) {
      const MappedFile file(path("tokenizer_config.json"));
      JsonScanner json(file.text());
      each_entry(json, [&](const std::string& key) {
        if (key == "chat_template" && json.is_at('"')) {
          texts_.template_bytes = bytes_in(json.text());
          has_template = true;
        } else if (takes_tokens && key == "added_tokens_decoder" && json.is_at('{')) {
          each_entry(json, [&](const std::string& number) {
            std::int64_t id = -1;
            std::from_chars(number.data(), number.data() + number.size(), id);
            read_added(json, id, vocabulary_);
          });
        } else {
          json.skip();
        }
      });
    }
    if (!has_template && has("chat_template.jinja"))
      texts_.template_bytes = bytes_in(MappedFile(path("chat_template.jinja")).text());
  }

  const std::string& folder_;
  Vocabulary vocabulary_;
  TokenizerTexts texts_;
};

}  // namespace

std::optional<TokenizerTexts> tokenizer_texts(const std::string& folder, std::int64_t vocabulary) {
  if (vocabulary < 1 || vocabulary > most_tokens) return {};
  try {
    return FolderReader(folder, vocabulary).read();
  } catch (const Error&) {  // it is not what was asked for
    return {};
  }
}

}  // namespace zoometer
