// JsonWriter and JsonReader: turn a struct into a JSON object and back, through one function that
// names its fields. For the .cpp files of this folder.
//
// Give the struct `template <class F> void fields(F& f, T& value)` that calls f("name",
// value.member) for each. Members may be bool, int, int64_t, uint64_t, double, std::string, other
// such structs, and vectors and pairs of all these. Doubles keep their bits: a value that is not
// finite becomes the text "bits:" and 16 hexadecimal digits. Bytes that are not UTF-8 become
// U+FFFD.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/text.hpp"

namespace aesweep::json {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kBits = "bits:";

class Writer {
 public:
  template <class T>
  void operator()(const char* name, T& value) {
    object_[name] = json(value);
  }
  // Left out where it is not set, as by programs that did not know it.
  void flag(const char* name, bool value) {
    if (value) object_[name] = true;
  }
  void optional(const char* name, const std::string& value) {
    if (!value.empty()) object_[name] = value;
  }
  void refuse(const char*, const char*) {}
  [[nodiscard]] Json& object() { return object_; }

 private:
  static Json json(double value) {
    if (std::isfinite(value)) return value;
    std::string digits(16, '0');
    auto bits = std::bit_cast<std::uint64_t>(value);
    for (std::size_t i = 16; i-- > 0; bits >>= 4) digits[i] = "0123456789abcdef"[bits & 15];
    return std::string(kBits) + digits;
  }
  template <class T>
  static Json json(std::vector<T>& list) {
    Json array = Json::array();
    for (T& entry : list) array.push_back(json(entry));
    return array;
  }
  template <class A, class B>
  static Json json(std::pair<A, B>& both) {
    Json array = Json::array();
    array.push_back(json(both.first));
    array.push_back(json(both.second));
    return array;
  }
  template <class T>
  static Json json(T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else {
      Writer inner;
      fields(inner, value);
      return std::move(inner.object_);
    }
  }

  Json object_ = Json::object();
};

// After the first field that is missing or misshapen, fault() says which; nothing is thrown.
class Reader {
 public:
  explicit Reader(const Json& object, std::string where = {})
      : object_(object), where_(std::move(where)) {}

  template <class T>
  void operator()(const char* name, T& value) {
    if (!fault_.empty()) return;
    const auto entry = object_.find(name);
    if (entry == object_.end()) {
      fault_ = text("field ", where_, name, " is missing");
    } else {
      take(*entry, value, where_ + name);
    }
  }
  void flag(const char* name, bool& value) {
    const auto entry = object_.find(name);
    value = false;
    if (entry != object_.end() && fault_.empty()) take(*entry, value, where_ + name);
  }
  void optional(const char* name, std::string& value) {
    const auto entry = object_.find(name);
    value.clear();
    if (entry != object_.end() && fault_.empty()) take(*entry, value, where_ + name);
  }
  // For a value that its type allows and its meaning does not.
  void refuse(const char* name, const char* expected) { wrong(where_ + name, expected); }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  void wrong(const std::string& name, const char* expected) {
    if (fault_.empty()) fault_ = text("field ", name, " is not ", expected);
  }

  void take(const Json& json, std::string& value, const std::string& name) {
    if (!json.is_string()) return wrong(name, "a text");
    value = json.get_ref<const std::string&>();
  }
  void take(const Json& json, bool& value, const std::string& name) {
    if (!json.is_boolean()) return wrong(name, "true or false");
    value = json.get<bool>();
  }
  void take(const Json& json, std::uint64_t& value, const std::string& name) {
    if (!json.is_number_unsigned()) return wrong(name, "a whole number from 0 to 2^64 - 1");
    value = json.get<std::uint64_t>();
  }
  void take(const Json& json, std::int64_t& value, const std::string& name) {
    const bool fits =
        json.is_number_integer() &&
        (!json.is_number_unsigned() ||
         json.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    if (!fits) return wrong(name, "a whole number of 64 bits");
    value = json.get<std::int64_t>();
  }
  void take(const Json& json, int& value, const std::string& name) {
    std::int64_t wide = 0;
    take(json, wide, name);
    if (wide != static_cast<int>(wide)) return wrong(name, "a whole number of 32 bits");
    value = static_cast<int>(wide);
  }
  void take(const Json& json, double& value, const std::string& name) {
    if (json.is_number()) {
      value = json.get<double>();
      return;
    }
    std::uint64_t bits = 0;
    const auto* written = json.get_ptr<const std::string*>();
    if (written == nullptr || written->size() != kBits.size() + 16 || !written->starts_with(kBits))
      return wrong(name, "a number");
    const char* end = written->data() + written->size();
    const auto [stop, error] = std::from_chars(written->data() + kBits.size(), end, bits, 16);
    if (error != std::errc() || stop != end) return wrong(name, "a number");
    value = std::bit_cast<double>(bits);
  }
  template <class T>
  void take(const Json& json, std::vector<T>& list, const std::string& name) {
    if (!json.is_array()) return wrong(name, "a list");
    list.clear();
    list.reserve(json.size());
    for (const Json& entry : json) {
      const std::string at = text(name, "[", list.size(), "]");
      take(entry, list.emplace_back(), at);
      if (!fault_.empty()) return;
    }
  }
  template <class A, class B>
  void take(const Json& json, std::pair<A, B>& both, const std::string& name) {
    if (!json.is_array() || json.size() != 2) return wrong(name, "a pair");
    take(json[0], both.first, name);
    take(json[1], both.second, name);
  }
  template <class T>
  void take(const Json& json, T& value, const std::string& name) {
    if (!json.is_object()) return wrong(name, "an object");
    Reader inner(json, name + ".");
    fields(inner, value);
    if (fault_.empty()) fault_ = inner.fault_;
  }

  const Json& object_;
  std::string where_;  // "file.": what stands before the names of fields in messages.
  std::string fault_;
};

// One line, without a line break.
[[nodiscard]] inline std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace aesweep::json
