#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoometer {

/// A value of a configuration file, as JSON has them. Numbers that are integers keep 64 bits.
struct Setting {
  enum class Kind : std::uint8_t { null, flag, integer, real, text, list, object };

  Kind kind = Kind::null;
  mutable bool is_read = false;  ///< something asked for it
  std::int64_t integer = 0;      ///< of an integer; of a flag, 0 or 1
  double real = 0;               ///< of a real or an integer
  std::string text = {};
  std::vector<Setting> items = {};                            ///< of a list
  std::vector<std::pair<std::string, Setting>> members = {};  ///< of an object
  mutable std::vector<std::uint32_t> by_name = {};            ///< what `member` keeps

  /// The member of that name; null if there is none. Models ask for keys once per layer, so large
  /// objects have an index, which the first question makes.
  const Setting* member(std::string_view name) const;
};

/// The keys that may name one setting, in the order in which they are looked for.
using Keys = std::initializer_list<std::string_view>;

/// An object of a configuration file, `config.json` of a language model, or a part of it. Its
/// readers give the default of the class that transformers uses for the `model_type`, since files
/// leave out what equals it. Throws Error{malformed} with the key where a value is of another type
/// or out of range.
class Configuration {
 public:
  /// `outer` is where `outer_flag` looks, too; `defaults` are sizes for keys that are not there, as
  /// class_defaults() gives them.
  explicit Configuration(const Setting& object, const Setting* outer = nullptr,
                         std::string_view defaults = {})
      : object_(&object),
        outer_(outer),
        defaults_(defaults) {}
  /// The same object with the defaults of a class.
  Configuration with_defaults(std::string_view defaults) const {
    return Configuration(*object_, outer_, defaults);
  }

  /// The first of these keys that is there and not null; or null.
  const Setting* find(Keys keys) const;
  bool has(std::string_view key) const { return find({key}) != nullptr; }

  /// A size: an integer from 0 to 2^40.
  std::int64_t size(Keys keys, std::int64_t usual) const;
  /// The same where a class has no default: throws if the key is missing.
  std::int64_t size(Keys keys) const;
  std::optional<std::int64_t> size_if(Keys keys) const;
  double real(Keys keys, double usual) const;
  bool flag(Keys keys, bool usual) const;
  std::string_view text(Keys keys, std::string_view usual = {}) const;
  /// The texts or the sizes of a list; empty if it is missing. Throws Error{limit} for more than
  /// 65,536.
  std::vector<std::string_view> texts(Keys keys) const;
  std::vector<std::int64_t> sizes(Keys keys) const;

  /// The object of the first of these keys that is one; nothing if there is none.
  std::optional<Configuration> part(Keys keys) const;
  /// A setting of the outermost object or of this one: `tie_word_embeddings`.
  bool outer_flag(std::string_view key, bool usual) const;

  const Setting& object() const noexcept { return *object_; }

 private:
  const Setting* object_;
  const Setting* outer_;
  std::string_view defaults_;
};

}  // namespace zoometer
