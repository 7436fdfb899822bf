/*
    Copyright 2024 Google LLC

    Use of this source code is governed by an MIT-style
    license that can be found in the LICENSE file or at
    https://opensource.org/licenses/MIT.
*/
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

using json = nlohmann::ordered_json;

namespace minja {

// sftbench: limits against hostile templates, per thread and render.
struct Limits {
  static constexpr int kMaxDepth = 250;
  static constexpr int64_t kMaxSteps = 2'000'000;
  static constexpr size_t kMaxBytes = size_t{64} << 20;
  static constexpr size_t kMaxItems = 1'000'000;
  int depth = 0;
  int64_t steps = 0;
  static Limits& Get() {
    thread_local Limits limits;
    return limits;
  }
  static void CheckBytes(size_t bytes) {
    if (bytes > kMaxBytes) throw std::runtime_error("string is larger than 64 MiB");
  }
  static void CheckItems(size_t items) {
    if (items > kMaxItems) throw std::runtime_error("list has more than 1000000 items");
  }
};
inline void ResetLimits() { Limits::Get() = Limits(); }

// sftbench: byte ranges that {% generation %} blocks wrote into `out`, the text
// of the render; what one writes elsewhere (a macro, a set block) has no place.
struct Generated {
  std::ostringstream * out = nullptr;
  std::vector<std::pair<size_t, size_t>> ranges;
  static Generated *& Get() {
    thread_local Generated * generated = nullptr;
    return generated;
  }
};
class LimitsGuard {
public:
  LimitsGuard() {
    Limits& limits = Limits::Get();
    if (limits.depth >= Limits::kMaxDepth) throw std::runtime_error("nested deeper than 250 levels");
    if (++limits.steps > Limits::kMaxSteps) throw std::runtime_error("more than 2000000 steps");
    ++limits.depth;
  }
  ~LimitsGuard() { --Limits::Get().depth; }
};
// sftbench: only the innermost error says where it is.
inline bool HasLocation(const std::string & message) { return message.find(" (row ") != std::string::npos; }

// sftbench: strings are counted, cut and stripped by code points, as in Python.
inline size_t CharBytes(const std::string & s, size_t i) {
  size_t n = 1;
  while (i + n < s.size() && (static_cast<unsigned char>(s[i + n]) & 0xC0) == 0x80) ++n;
  return n;
}
inline std::vector<std::string> Chars(const std::string & s) {
  std::vector<std::string> out;
  for (size_t i = 0, n; i < s.size(); i += n) {
    n = CharBytes(s, i);
    out.push_back(s.substr(i, n));
  }
  return out;
}
inline size_t CountChars(const std::string & s) {
  return static_cast<size_t>(std::count_if(s.begin(), s.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}
inline uint32_t CodePoint(const std::string & c) {
  const auto lead = static_cast<unsigned char>(c[0]);
  uint32_t code = c.size() == 1 ? lead : c.size() == 2 ? lead & 0x1Fu : c.size() == 3 ? lead & 0x0Fu : lead & 0x07u;
  for (size_t i = 1; i < c.size(); ++i) code = (code << 6) | (static_cast<unsigned char>(c[i]) & 0x3Fu);
  return code;
}
inline void AppendCodePoint(uint32_t u, std::string & out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((u >> shift) & 0x3F)); };
  if (u < 0x80) { out += static_cast<char>(u); }
  else if (u < 0x800) { out += static_cast<char>(0xC0 | (u >> 6)); tail(0); }
  else if (u < 0x10000) { out += static_cast<char>(0xE0 | (u >> 12)); tail(6); tail(0); }
  else { out += static_cast<char>(0xF0 | (u >> 18)); tail(12); tail(6); tail(0); }
}
inline bool IsPythonSpace(const std::string & c) {
  const uint32_t u = CodePoint(c);
  return (u >= 9 && u <= 13) || (u >= 0x1C && u <= 0x20) || u == 0x85 || u == 0xA0 || u == 0x1680 ||
      (u >= 0x2000 && u <= 0x200A) || u == 0x2028 || u == 0x2029 || u == 0x202F || u == 0x205F || u == 0x3000;
}

class Context;

struct Options {
    bool trim_blocks;  // removes the first newline after a block
    bool lstrip_blocks;  // removes leading whitespace on the line of the block
    bool keep_trailing_newline;  // don't remove last newline
};

struct ArgumentsValue;

inline std::string normalize_newlines(const std::string & s) {
#ifdef _WIN32
  static const std::regex nl_regex("\r\n");
  return std::regex_replace(s, nl_regex, "\n");
#else
  return s;
#endif
}

/* Values that behave roughly like in Python. */
class Value : public std::enable_shared_from_this<Value> {
public:
  using CallableType = std::function<Value(const std::shared_ptr<Context> &, ArgumentsValue &)>;
  using FilterType = std::function<Value(const std::shared_ptr<Context> &, ArgumentsValue &)>;

private:
  using ObjectType = nlohmann::ordered_map<json, Value>;  // Only contains primitive keys
  using ArrayType = std::vector<Value>;

  std::shared_ptr<ArrayType> array_;
  std::shared_ptr<ObjectType> object_;
  std::shared_ptr<CallableType> callable_;
  json primitive_;
  // sftbench: a name or item that is not there, which is not None; and tuples.
  bool undefined_ = false;
  bool tuple_ = false;

  Value(const std::shared_ptr<ArrayType> & array) : array_(array) {}
  Value(const std::shared_ptr<ObjectType> & object) : object_(object) {}
  Value(const std::shared_ptr<CallableType> & callable) : object_(std::make_shared<ObjectType>()), callable_(callable) {}

  /* Python-style string repr */
  static void dump_string(const json & primitive, std::ostringstream & out, char string_quote = '\'') {
    if (!primitive.is_string()) throw std::runtime_error("Value is not a string: " + primitive.dump());
    if (string_quote == '"') {
      out << primitive.dump();
      return;
    }
    // sftbench: as Python's repr, not as JSON with other quotes.
    const auto s = primitive.get<std::string>();
    const char quote = s.find('\'') != std::string::npos && s.find('"') == std::string::npos ? '"' : '\'';
    out << quote;
    for (const auto & c : Chars(s)) {
      const uint32_t u = CodePoint(c);
      if (c[0] == quote || c[0] == '\\') out << '\\' << c;
      else if (u == '\n') out << "\\n";
      else if (u == '\r') out << "\\r";
      else if (u == '\t') out << "\\t";
      else if (u < 0x20 || (u >= 0x7F && u <= 0xA0) || u == 0xAD) {
        const char * digits = "0123456789abcdef";
        out << "\\x" << digits[u >> 4] << digits[u & 15];
      } else out << c;
    }
    out << quote;
  }
  void dump(std::ostringstream & out, int indent = -1, int level = 0, bool to_json = false) const {
    // sftbench: lists can hold themselves.
    if (level > Limits::kMaxDepth) throw std::runtime_error("nested deeper than 250 levels");
    if (indent > 64) throw std::runtime_error("indent is larger than 64");
    Limits::CheckBytes(static_cast<size_t>(out.tellp()));
    auto print_indent = [&](int level) {
      if (indent > 0) {
          out << "\n";
          for (int i = 0, n = level * indent; i < n; ++i) out << ' ';
      }
    };
    auto print_sub_sep = [&]() {
      out << ',';
      if (indent < 0) out << ' ';
      else print_indent(level + 1);
    };

    auto string_quote = to_json ? '"' : '\'';

    // sftbench: what is not there, None, tuples and what is empty as in Python.
    if (is_undefined() && to_json) throw std::runtime_error("undefined is not JSON serializable");
    if (is_null()) out << (to_json ? "null" : undefined_ ? "Undefined" : "None");
    else if (array_ && array_->empty()) out << (tuple_ && !to_json ? "()" : "[]");
    else if (object_ && !callable_ && object_->empty()) out << "{}";
    else if (array_) {
      const bool tuple = tuple_ && !to_json;
      out << (tuple ? "(" : "[");
      print_indent(level + 1);
      for (size_t i = 0; i < array_->size(); ++i) {
        if (i) print_sub_sep();
        (*array_)[i].dump(out, indent, level + 1, to_json);
      }
      print_indent(level);
      if (tuple && array_->size() == 1) out << ",";
      out << (tuple ? ")" : "]");
    } else if (object_) {
      out << "{";
      print_indent(level + 1);
      for (auto begin = object_->begin(), it = begin; it != object_->end(); ++it) {
        if (it != begin) print_sub_sep();
        if (it->first.is_string()) {
          dump_string(it->first, out, string_quote);
        } else if (to_json) {
          out << string_quote << it->first.dump() << string_quote;
        } else {
          out << Value(it->first).to_str();
        }
        out << ": ";
        it->second.dump(out, indent, level + 1, to_json);
      }
      print_indent(level);
      out << "}";
    } else if (callable_) {
      throw std::runtime_error("Cannot dump callable to JSON");
    } else if (is_boolean() && !to_json) {
      out << (this->to_bool() ? "True" : "False");
    } else if (is_string() && !to_json) {
      dump_string(primitive_, out, string_quote);
    } else {
      out << primitive_.dump();
    }
  }

public:
  Value() {}
  Value(const bool& v) : primitive_(v) {}
  Value(const int64_t & v) : primitive_(v) {}
  Value(const double& v) : primitive_(v) {}
  Value(const std::nullptr_t &) {}
  Value(const std::string & v) : primitive_(v) {}
  Value(const char * v) : primitive_(std::string(v)) {}

  Value(const json & v) {
    if (v.is_object()) {
      auto object = std::make_shared<ObjectType>();
      for (auto it = v.begin(); it != v.end(); ++it) {
        (*object)[it.key()] = it.value();
      }
      object_ = std::move(object);
    } else if (v.is_array()) {
      auto array = std::make_shared<ArrayType>();
      for (const auto& item : v) {
        array->push_back(Value(item));
      }
      array_ = array;
    } else {
      primitive_ = v;
    }
  }

  std::vector<Value> keys() {
    if (!object_) throw std::runtime_error("Value is not an object: " + dump());
    std::vector<Value> res;
    for (const auto& item : *object_) {
      res.push_back(item.first);
    }
    return res;
  }

  size_t size() const {
    if (is_object()) return object_->size();
    if (is_array()) return array_->size();
    if (is_string()) return CountChars(primitive_.get_ref<const std::string &>());
    if (is_undefined()) return 0;
    throw std::runtime_error("Value is not an array or object: " + dump());
  }

  static Value array(const std::vector<Value> values = {}) {
    auto array = std::make_shared<ArrayType>();
    for (const auto& item : values) {
      array->push_back(item);
    }
    return Value(array);
  }
  static Value tuple(const std::vector<Value> values) {
    Value out = array(values);
    out.tuple_ = true;
    return out;
  }
  static Value undefined() {
    Value out;
    out.undefined_ = true;
    return out;
  }
  static Value object(const std::shared_ptr<ObjectType> object = std::make_shared<ObjectType>()) {
    return Value(object);
  }
  static Value callable(const CallableType & callable) {
    return Value(std::make_shared<CallableType>(callable));
  }

  void insert(size_t index, const Value& v) {
    if (!array_)
      throw std::runtime_error("Value is not an array: " + dump());
    array_->insert(array_->begin() + index, v);
  }
  void push_back(const Value& v) {
    if (!array_)
      throw std::runtime_error("Value is not an array: " + dump());
    array_->push_back(v);
  }
  Value pop(const Value& index) {
    if (is_array()) {
      if (array_->empty())
        throw std::runtime_error("pop from empty list");
      if (index.is_null()) {
        auto ret = array_->back();
        array_->pop_back();
        return ret;
      } else if (!index.is_number_integer()) {
        throw std::runtime_error("pop index must be an integer: " + index.dump());
      } else {
        auto i = index.get<int>();
        if (i < 0 || i >= static_cast<int>(array_->size()))
          throw std::runtime_error("pop index out of range: " + index.dump());
        auto it = array_->begin() + (i < 0 ? array_->size() + i : i);
        auto ret = *it;
        array_->erase(it);
        return ret;
      }
    } else if (is_object()) {
      if (!index.is_hashable())
        throw std::runtime_error("Unhashable type: " + index.dump());
      auto it = object_->find(index.primitive_);
      if (it == object_->end())
        throw std::runtime_error("Key not found: " + index.dump());
      auto ret = it->second;
      object_->erase(it);
      return ret;
    } else {
      throw std::runtime_error("Value is not an array or object: " + dump());
    }
  }
  Value get(const Value& key) {
    if (array_) {
      if (!key.is_number_integer()) {
        return undefined();
      }
      const auto size = static_cast<int64_t>(array_->size());
      auto index = key.get<int64_t>();
      if (index < 0) index += size;
      return index >= 0 && index < size ? array_->at(static_cast<size_t>(index)) : undefined();
    } else if (object_) {
      if (!key.is_hashable()) throw std::runtime_error("Unhashable type: " + dump());
      auto it = object_->find(key.primitive_);
      if (it == object_->end()) return undefined();
      return it->second;
    } else if (is_string() && key.is_number_integer()) {
      const auto chars = Chars(primitive_.get<std::string>());
      const auto size = static_cast<int64_t>(chars.size());
      auto index = key.get<int64_t>();
      if (index < 0) index += size;
      return index >= 0 && index < size ? Value(chars[static_cast<size_t>(index)]) : undefined();
    }
    return undefined();
  }
  void set(const Value& key, const Value& value) {
    if (!object_) throw std::runtime_error("Value is not an object: " + dump());
    if (!key.is_hashable()) throw std::runtime_error("Unhashable type: " + dump());
    (*object_)[key.primitive_] = value;
  }
  Value call(const std::shared_ptr<Context> & context, ArgumentsValue & args) const {
    if (!callable_) throw std::runtime_error("Value is not callable: " + dump());
    return (*callable_)(context, args);
  }

  bool is_object() const { return !!object_; }
  bool is_array() const { return !!array_; }
  bool is_callable() const { return !!callable_; }
  bool is_undefined() const { return undefined_; }
  bool is_none() const { return is_null() && !undefined_; }
  bool is_tuple() const { return tuple_; }
  bool is_null() const { return !object_ && !array_ && primitive_.is_null() && !callable_; }
  bool is_boolean() const { return primitive_.is_boolean(); }
  bool is_number_integer() const { return primitive_.is_number_integer(); }
  bool is_number_float() const { return primitive_.is_number_float(); }
  bool is_number() const { return primitive_.is_number(); }
  bool is_string() const { return primitive_.is_string(); }
  bool is_iterable() const { return is_array() || is_object() || is_string(); }

  bool is_primitive() const { return !array_ && !object_ && !callable_; }
  bool is_hashable() const { return is_primitive(); }

  bool empty() const {
    if (is_null())
      throw std::runtime_error("Undefined value or reference");
    if (is_string()) return primitive_.get_ref<const std::string &>().empty();  // sftbench: json's empty() is false
    if (is_array()) return array_->empty();
    if (is_object()) return object_->empty();
    return false;
  }

  void for_each(const std::function<void(Value &)> & callback) const {
    if (is_undefined()) return;
    if (is_null())
      throw std::runtime_error("None is not iterable");
    if (array_) {
      for (auto& item : *array_) {
        callback(item);
      }
    } else if (object_) {
      for (auto & item : *object_) {
        Value key(item.first);
        callback(key);
      }
    } else if (is_string()) {
      for (const auto & c : Chars(primitive_.get<std::string>())) {
        auto val = Value(c);
        callback(val);
      }
    } else {
      throw std::runtime_error("Value is not iterable: " + dump());
    }
  }

  bool to_bool() const {
    if (is_null()) return false;
    if (is_boolean()) return get<bool>();
    if (is_number()) return get<double>() != 0;
    if (is_string()) return !get<std::string>().empty();
    if (is_array()) return !empty();
    if (is_object() && !is_callable()) return !empty();  // sftbench
    return true;
  }

  int64_t to_int() const {
    if (is_null()) return 0;
    if (is_boolean()) return get<bool>() ? 1 : 0;
    if (is_number()) return static_cast<int64_t>(get<double>());
    if (is_string()) {
      try {
        return std::stol(get<std::string>());
      } catch (const std::exception &) {
        return 0;
      }
    }
    return 0;
  }

  // sftbench: lists by their items, and None by nothing, as in Python.
  bool operator<(const Value & other) const {
    LimitsGuard guard;
    if (is_numeric() && other.is_numeric()) return number() < other.number();
    if (is_string() && other.is_string()) return get<std::string>() < other.get<std::string>();
    if (is_array() && other.is_array() && tuple_ == other.tuple_) {
      for (size_t i = 0; i < std::min(array_->size(), other.array_->size()); ++i) {
        if ((*array_)[i] != (*other.array_)[i]) return (*array_)[i] < (*other.array_)[i];
      }
      return array_->size() < other.array_->size();
    }
    throw std::runtime_error("cannot compare " + type_name() + " and " + other.type_name());
  }
  bool operator>(const Value & other) const { return other < *this; }
  bool operator>=(const Value & other) const { return !(*this < other); }
  bool operator<=(const Value & other) const { return !(other < *this); }

  // sftbench: as Python: items that are false are equal too, and 1 == 1.0 == True.
  bool operator==(const Value & other) const {
    LimitsGuard guard;
    if (callable_ || other.callable_) return callable_.get() == other.callable_.get();
    if (is_null() || other.is_null()) return is_null() && other.is_null() && undefined_ == other.undefined_;
    if (array_ || other.array_) {
      if (!array_ || !other.array_ || tuple_ != other.tuple_) return false;
      return std::equal(array_->begin(), array_->end(), other.array_->begin(), other.array_->end());
    }
    if (object_ || other.object_) {
      if (!object_ || !other.object_ || object_->size() != other.object_->size()) return false;
      for (const auto& item : *object_) {
        auto it = other.object_->find(item.first);
        if (it == other.object_->end() || item.second != it->second) return false;
      }
      return true;
    }
    if (is_boolean() != other.is_boolean() && (is_number() || other.is_number())) {
      return number() == other.number();
    }
    return primitive_ == other.primitive_;
  }
  // sftbench: Python's `is`, of the constants and of what is shared.
  bool is_same(const Value & other) const {
    if (array_ || object_ || callable_ || other.array_ || other.object_ || other.callable_) {
      return array_ == other.array_ && object_ == other.object_ && callable_ == other.callable_;
    }
    return primitive_.type() == other.primitive_.type() && undefined_ == other.undefined_ && primitive_ == other.primitive_;
  }
  double number() const { return is_boolean() ? (get<bool>() ? 1.0 : 0.0) : get<double>(); }
  bool operator!=(const Value & other) const { return !(*this == other); }

  bool contains(const char * key) const { return contains(std::string(key)); }
  bool contains(const std::string & key) const {
    if (array_) {
      return false;
    } else if (object_) {
      return object_->find(key) != object_->end();
    } else {
      throw std::runtime_error("contains can only be called on arrays and objects: " + dump());
    }
  }
  bool contains(const Value & value) const {
    if (is_null())
      throw std::runtime_error("Undefined value or reference");
    if (array_) {
      for (const auto& item : *array_) {
        if (item == value) return true;
      }
      return false;
    } else if (object_) {
      if (!value.is_hashable()) throw std::runtime_error("Unhashable type: " + value.dump());
      return object_->find(value.primitive_) != object_->end();
    } else {
      throw std::runtime_error("contains can only be called on arrays and objects: " + dump());
    }
  }
  void erase(size_t index) {
    if (!array_) throw std::runtime_error("Value is not an array: " + dump());
    array_->erase(array_->begin() + index);
  }
  void erase(const std::string & key) {
    if (!object_) throw std::runtime_error("Value is not an object: " + dump());
    object_->erase(key);
  }
  const Value& at(const Value & index) const {
    return const_cast<Value*>(this)->at(index);
  }
  Value& at(const Value & index) {
    if (!index.is_hashable()) throw std::runtime_error("Unhashable type: " + dump());
    if (is_array()) return array_->at(index.get<int>());
    if (is_object()) return object_->at(index.primitive_);
    throw std::runtime_error("Value is not an array or object: " + dump());
  }
  const Value& at(size_t index) const {
    return const_cast<Value*>(this)->at(index);
  }
  Value& at(size_t index) {
    if (is_null())
      throw std::runtime_error("Undefined value or reference");
    if (is_array()) return array_->at(index);
    if (is_object()) return object_->at(index);
    throw std::runtime_error("Value is not an array or object: " + dump());
  }

  template <typename T>
  T get(const std::string & key, T default_value) const {
    if (!contains(key)) return default_value;
    return at(key).get<T>();
  }

  template <typename T>
  T get() const {
    if (is_primitive()) return primitive_.get<T>();
    throw std::runtime_error("get<T> not defined for this value type: " + dump());
  }

  std::string dump(int indent=-1, bool to_json=false) const {
    std::ostringstream out;
    dump(out, indent, 0, to_json);
    return out.str();
  }

  Value operator-() const {
      if (is_number_integer())
        return -get<int64_t>();
      else
        return -get<double>();
  }
  // sftbench: True counts as a number, as in Python.
  bool is_numeric() const { return is_number() || is_boolean(); }
  bool is_whole() const { return is_number_integer() || is_boolean(); }
  int64_t whole() const { return is_boolean() ? (get<bool>() ? 1 : 0) : get<int64_t>(); }
  // An argument of the function or filter `name`.
  std::string text(const std::string & name) const {
    if (!is_string()) throw std::runtime_error(name + " needs text, not " + type_name());
    return get<std::string>();
  }
  int64_t integer(const std::string & name) const {
    if (!is_whole()) throw std::runtime_error(name + " needs a whole number, not " + type_name());
    return whole();
  }
  std::string type_name() const {
    return is_undefined() ? "undefined" : is_null() ? "None" : is_string() ? "text" : is_callable() ? "a function" :
        is_tuple() ? "a tuple" : is_array() ? "a list" : is_object() ? "a mapping" : is_boolean() ? "a truth value" : "a number";
  }
  std::string to_str() const {
    if (is_string()) return get<std::string>();
    if (is_number_integer()) return std::to_string(get<int64_t>());
    if (is_number_float()) return primitive_.dump();  // sftbench
    if (is_boolean()) return get<bool>() ? "True" : "False";
    if (is_undefined()) return "";  // sftbench
    if (is_null()) return "None";
    return dump();
  }
  Value operator+(const Value& rhs) const {
      // sftbench: Python refuses to add text to anything else.
      if (is_string() && rhs.is_string()) {
        return to_str() + rhs.to_str();
      } else if (!(is_array() && rhs.is_array()) && !(is_numeric() && rhs.is_numeric())) {
        throw std::runtime_error("cannot add " + type_name() + " and " + rhs.type_name());
      } else if (is_whole() && rhs.is_whole()) {
        return Wrapped(static_cast<uint64_t>(whole()) + static_cast<uint64_t>(rhs.whole()));
      } else if (is_array() && rhs.is_array()) {
        auto res = Value::array();
        for (const auto& item : *array_) res.push_back(item);
        for (const auto& item : *rhs.array_) res.push_back(item);
        res.tuple_ = tuple_ && rhs.tuple_;
        return res;
      } else {
        return number() + rhs.number();
      }
  }
  // sftbench: a signed overflow would be undefined.
  static Value Wrapped(uint64_t bits) { return static_cast<int64_t>(bits); }
  Value operator-(const Value& rhs) const {
      CheckNumbers(rhs, "-");
      if (is_whole() && rhs.is_whole()) return Wrapped(static_cast<uint64_t>(whole()) - static_cast<uint64_t>(rhs.whole()));
      return number() - rhs.number();
  }
  Value operator*(const Value& rhs) const {
      if ((rhs.is_string() || rhs.is_array()) && is_whole()) return rhs * *this;
      if ((is_string() || is_array()) && rhs.is_whole()) {
        // sftbench
        const int64_t n = std::max<int64_t>(rhs.whole(), 0);
        const auto times = std::min<size_t>(static_cast<size_t>(n), Limits::kMaxBytes + 1);
        if (is_array()) {
          Limits::CheckItems(times * std::max<size_t>(1, size()));
          auto res = Value::array();
          for (int64_t i = 0; i < n; ++i) for (const auto & item : *array_) res.push_back(item);
          res.tuple_ = tuple_;
          return res;
        }
        Limits::CheckBytes(times * std::max<size_t>(1, to_str().size()));
        std::ostringstream out;
        for (int64_t i = 0; i < n; ++i) out << to_str();
        return out.str();
      }
      CheckNumbers(rhs, "*");
      if (is_whole() && rhs.is_whole()) return Wrapped(static_cast<uint64_t>(whole()) * static_cast<uint64_t>(rhs.whole()));
      return number() * rhs.number();
  }
  // sftbench: true division, and // and % that round down, as in Python.
  void CheckNumbers(const Value& rhs, const char * op) const {
    if (!is_numeric() || !rhs.is_numeric()) throw std::runtime_error("cannot compute " + type_name() + " " + op + " " + rhs.type_name());
  }
  void CheckDivisor(const Value& rhs) const {
    if (rhs.number() == 0) throw std::runtime_error("division by zero");
    if (is_whole() && rhs.is_whole() && rhs.whole() == -1 && whole() == std::numeric_limits<int64_t>::min()) throw std::runtime_error("division overflows");
  }
  Value operator/(const Value& rhs) const {
      CheckNumbers(rhs, "/");
      CheckDivisor(rhs);
      return number() / rhs.number();
  }
  Value FloorDiv(const Value& rhs) const {
      CheckNumbers(rhs, "//");
      CheckDivisor(rhs);
      if (!is_whole() || !rhs.is_whole()) return std::floor(number() / rhs.number());
      const int64_t a = whole(), b = rhs.whole(), q = a / b;
      return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
  }
  Value Power(const Value& rhs) const {
      CheckNumbers(rhs, "**");
      const double power = std::pow(number(), rhs.number());
      if (is_whole() && rhs.is_whole() && rhs.whole() >= 0 && std::abs(power) < 9e15) return static_cast<int64_t>(power);
      return power;
  }
  Value operator%(const Value& rhs) const {
      CheckNumbers(rhs, "%");
      CheckDivisor(rhs);
      if (!is_whole() || !rhs.is_whole()) return number() - rhs.number() * std::floor(number() / rhs.number());
      const int64_t b = rhs.whole(), m = whole() % b;
      return m != 0 && (m < 0) != (b < 0) ? m + b : m;
  }
};

struct ArgumentsValue {
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;

  bool has_named(const std::string & name) {
    for (const auto & p : kwargs) {
      if (p.first == name) return true;
    }
    return false;
  }

  Value get_named(const std::string & name) {
    for (const auto & [key, value] : kwargs) {
      if (key == name) return value;
    }
    return Value();
  }

  bool empty() {
    return args.empty() && kwargs.empty();
  }

  void expectArgs(const std::string & method_name, const std::pair<size_t, size_t> & pos_count, const std::pair<size_t, size_t> & kw_count) {
    if (args.size() < pos_count.first || args.size() > pos_count.second || kwargs.size() < kw_count.first || kwargs.size() > kw_count.second) {
      std::ostringstream out;
      out << method_name << " must have between " << pos_count.first << " and " << pos_count.second << " positional arguments and between " << kw_count.first << " and " << kw_count.second << " keyword arguments";
      throw std::runtime_error(out.str());
    }
  }
};

template <>
inline json Value::get<json>() const {
  if (is_primitive()) return primitive_;
  if (is_null()) return json();
  if (array_) {
    std::vector<json> res;
    for (const auto& item : *array_) {
      res.push_back(item.get<json>());
    }
    return res;
  }
  if (object_) {
    json res = json::object();
    for (const auto& [key, value] : *object_) {
      if (key.is_string()) {
        res[key.get<std::string>()] = value.get<json>();
      } else if (key.is_primitive()) {
        res[key.dump()] = value.get<json>();
      } else {
        throw std::runtime_error("Invalid key type for conversion to JSON: " + key.dump());
      }
    }
    if (is_callable()) {
      res["__callable__"] = true;
    }
    return res;
  }
  throw std::runtime_error("get<json> not defined for this value type: " + dump());
}

} // namespace minja

namespace std {
  template <>
  struct hash<minja::Value> {
    size_t operator()(const minja::Value & v) const {
      if (!v.is_hashable())
        throw std::runtime_error("Unsupported type for hashing: " + v.dump());
      return std::hash<json>()(v.get<json>());
    }
  };
} // namespace std

namespace minja {

static std::string error_location_suffix(const std::string & source, size_t pos) {
  auto get_line = [&](size_t line) {
    auto start = source.begin();
    for (size_t i = 1; i < line; ++i) {
      start = std::find(start, source.end(), '\n') + 1;
    }
    auto end = std::find(start, source.end(), '\n');
    return std::string(start, end);
  };
  auto start = source.begin();
  auto end = source.end();
  auto it = start + pos;
  auto line = std::count(start, it, '\n') + 1;
  auto max_line = std::count(start, end, '\n') + 1;
  auto col = pos - std::string(start, it).rfind('\n');
  std::ostringstream out;
  // sftbench: a column is a character.
  out << " (row " << line << ", column " << CountChars(std::string(it - static_cast<std::ptrdiff_t>(col - 1), it)) + 1 << ")\n";
  if (line > 1) out << get_line(line - 1) << "\n";
  out << get_line(line) << "\n";
  out << std::string(col - 1, ' ') << "^\n";
  if (line < max_line) out << get_line(line + 1) << "\n";

  return out.str();
}

inline const std::unordered_map<std::string, Value> & Filters();

class Context : public std::enable_shared_from_this<Context> {
  protected:
    Value values_;
    std::shared_ptr<Context> parent_;
  public:
    Context(Value && values, const std::shared_ptr<Context> & parent = nullptr) : values_(std::move(values)), parent_(parent) {
        if (!values_.is_object()) throw std::runtime_error("Context values must be an object: " + values_.dump());
    }
    virtual ~Context() {}

    static std::shared_ptr<Context> builtins();
    static std::shared_ptr<Context> make(Value && values, const std::shared_ptr<Context> & parent = builtins());

    std::vector<Value> keys() {
        return values_.keys();
    }
    virtual Value get(const Value & key) {
        if (values_.contains(key)) return values_.at(key);
        if (parent_) return parent_->get(key);
        return Value::undefined();
    }
    virtual Value & at(const Value & key) {
        if (values_.contains(key)) return values_.at(key);
        if (parent_) return parent_->at(key);
        throw std::runtime_error("Undefined variable: " + key.dump());
    }
    virtual bool contains(const Value & key) {
        if (values_.contains(key)) return true;
        if (parent_) return parent_->contains(key);
        return false;
    }
    virtual void set(const Value & key, const Value & value) {
        values_.set(key, value);
    }
};

struct Location {
    std::shared_ptr<std::string> source;
    size_t pos;
};

class Expression {
protected:
    virtual Value do_evaluate(const std::shared_ptr<Context> & context) const = 0;
public:
    using Parameters = std::vector<std::pair<std::string, std::shared_ptr<Expression>>>;

    Location location;

    Expression(const Location & location) : location(location) {}
    virtual ~Expression() = default;

    Value evaluate(const std::shared_ptr<Context> & context) const {
        LimitsGuard guard;  // sftbench
        try {
            auto result = do_evaluate(context);
            if (result.is_string()) Limits::CheckBytes(result.size());  // sftbench
            else if (result.is_array()) Limits::CheckItems(result.size());  // sftbench
            return result;
        } catch (const std::exception & e) {
            std::ostringstream out;
            out << e.what();
            if (location.source && !HasLocation(e.what())) out << error_location_suffix(*location.source, location.pos);
            throw std::runtime_error(out.str());
        }
    }
};

class VariableExpr : public Expression {
    std::string name;
public:
    VariableExpr(const Location & loc, const std::string& n)
      : Expression(loc), name(n) {}
    std::string get_name() const { return name; }
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        if (!context->contains(name)) {
            return Value::undefined();  // sftbench
        }
        return context->at(name);
    }
};

static void destructuring_assign(const std::vector<std::string> & var_names, const std::shared_ptr<Context> & context, Value& item) {
  if (var_names.size() == 1) {
      Value name(var_names[0]);
      context->set(name, item);
  } else {
      if (!item.is_array() || item.size() != var_names.size()) {
          throw std::runtime_error("Mismatched number of variables and items in destructuring assignment");
      }
      for (size_t i = 0; i < var_names.size(); ++i) {
          context->set(var_names[i], item.at(i));
      }
  }
}

enum SpaceHandling { Keep, Strip, StripSpaces, StripNewline, KeepAll };  // sftbench: KeepAll, of {%+ and +%}

class TemplateToken {
public:
    enum class Type { Text, Expression, If, Else, Elif, EndIf, For, EndFor, Generation, EndGeneration, Set, EndSet, Comment, Macro, EndMacro, Filter, EndFilter, Break, Continue, With, EndWith, Call, EndCall };

    static std::string typeToString(Type t) {
        switch (t) {
            case Type::Text: return "text";
            case Type::Expression: return "expression";
            case Type::If: return "if";
            case Type::Else: return "else";
            case Type::Elif: return "elif";
            case Type::EndIf: return "endif";
            case Type::For: return "for";
            case Type::EndFor: return "endfor";
            case Type::Set: return "set";
            case Type::EndSet: return "endset";
            case Type::Comment: return "comment";
            case Type::Macro: return "macro";
            case Type::EndMacro: return "endmacro";
            case Type::Filter: return "filter";
            case Type::EndFilter: return "endfilter";
            case Type::Generation: return "generation";
            case Type::EndGeneration: return "endgeneration";
            case Type::Break: return "break";
            case Type::Continue: return "continue";
            case Type::With: return "with";
            case Type::EndWith: return "endwith";
            case Type::Call: return "call";
            case Type::EndCall: return "endcall";
        }
        return "Unknown";
    }

    TemplateToken(Type type, const Location & location, SpaceHandling pre, SpaceHandling post) : type(type), location(location), pre_space(pre), post_space(post) {}
    virtual ~TemplateToken() = default;

    Type type;
    Location location;
    SpaceHandling pre_space = SpaceHandling::Keep;
    SpaceHandling post_space = SpaceHandling::Keep;
};

struct TextTemplateToken : public TemplateToken {
    std::string text;
    TextTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, const std::string& t) : TemplateToken(Type::Text, loc, pre, post), text(t) {}
};

struct ExpressionTemplateToken : public TemplateToken {
    std::shared_ptr<Expression> expr;
    ExpressionTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, std::shared_ptr<Expression> && e) : TemplateToken(Type::Expression, loc, pre, post), expr(std::move(e)) {}
};

struct IfTemplateToken : public TemplateToken {
    std::shared_ptr<Expression> condition;
    IfTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, std::shared_ptr<Expression> && c) : TemplateToken(Type::If, loc, pre, post), condition(std::move(c)) {}
};

struct ElifTemplateToken : public TemplateToken {
    std::shared_ptr<Expression> condition;
    ElifTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, std::shared_ptr<Expression> && c) : TemplateToken(Type::Elif, loc, pre, post), condition(std::move(c)) {}
};

struct ElseTemplateToken : public TemplateToken {
    ElseTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::Else, loc, pre, post) {}
};

struct EndIfTemplateToken : public TemplateToken {
    EndIfTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::EndIf, loc, pre, post) {}
};

struct MacroTemplateToken : public TemplateToken {
    std::shared_ptr<VariableExpr> name;
    Expression::Parameters params;
    MacroTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, std::shared_ptr<VariableExpr> && n, Expression::Parameters && p)
      : TemplateToken(Type::Macro, loc, pre, post), name(std::move(n)), params(std::move(p)) {}
};

struct EndMacroTemplateToken : public TemplateToken {
    EndMacroTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::EndMacro, loc, pre, post) {}
};

struct FilterTemplateToken : public TemplateToken {
    std::shared_ptr<Expression> filter;
    FilterTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, std::shared_ptr<Expression> && filter)
      : TemplateToken(Type::Filter, loc, pre, post), filter(std::move(filter)) {}
};

// sftbench
struct WithTemplateToken : public TemplateToken {
    Expression::Parameters values;
    WithTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, Expression::Parameters && v)
      : TemplateToken(Type::With, loc, pre, post), values(std::move(v)) {}
};
struct CallTemplateToken : public TemplateToken {
    Expression::Parameters params;
    std::shared_ptr<Expression> call;
    CallTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, Expression::Parameters && p, std::shared_ptr<Expression> && c)
      : TemplateToken(Type::Call, loc, pre, post), params(std::move(p)), call(std::move(c)) {}
};
struct PlainTemplateToken : public TemplateToken {
    PlainTemplateToken(Type type, const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(type, loc, pre, post) {}
};

struct EndFilterTemplateToken : public TemplateToken {
    EndFilterTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::EndFilter, loc, pre, post) {}
};

struct ForTemplateToken : public TemplateToken {
    std::vector<std::string> var_names;
    std::shared_ptr<Expression> iterable;
    std::shared_ptr<Expression> condition;
    bool recursive;
    ForTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, const std::vector<std::string> & vns, std::shared_ptr<Expression> && iter,
      std::shared_ptr<Expression> && c, bool r)
      : TemplateToken(Type::For, loc, pre, post), var_names(vns), iterable(std::move(iter)), condition(std::move(c)), recursive(r) {}
};

struct EndForTemplateToken : public TemplateToken {
    EndForTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::EndFor, loc, pre, post) {}
};

struct GenerationTemplateToken : public TemplateToken {
    GenerationTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::Generation, loc, pre, post) {}
};

struct EndGenerationTemplateToken : public TemplateToken {
    EndGenerationTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::EndGeneration, loc, pre, post) {}
};

struct SetTemplateToken : public TemplateToken {
    std::string ns;
    std::vector<std::string> var_names;
    std::shared_ptr<Expression> value;
    SetTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, const std::string & ns, const std::vector<std::string> & vns, std::shared_ptr<Expression> && v)
      : TemplateToken(Type::Set, loc, pre, post), ns(ns), var_names(vns), value(std::move(v)) {}
};

struct EndSetTemplateToken : public TemplateToken {
    EndSetTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post) : TemplateToken(Type::EndSet, loc, pre, post) {}
};

struct CommentTemplateToken : public TemplateToken {
    std::string text;
    CommentTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, const std::string& t) : TemplateToken(Type::Comment, loc, pre, post), text(t) {}
};

enum class LoopControlType { Break, Continue };

class LoopControlException : public std::runtime_error {
public:
    LoopControlType control_type;
    LoopControlException(const std::string & message, LoopControlType control_type) : std::runtime_error(message), control_type(control_type) {}
    LoopControlException(LoopControlType control_type)
      : std::runtime_error((control_type == LoopControlType::Continue ? "continue" : "break") + std::string(" outside of a loop")),
        control_type(control_type) {}
};

struct LoopControlTemplateToken : public TemplateToken {
    LoopControlType control_type;
    LoopControlTemplateToken(const Location & loc, SpaceHandling pre, SpaceHandling post, LoopControlType control_type) : TemplateToken(Type::Break, loc, pre, post), control_type(control_type) {}
};

class TemplateNode {
    Location location_;
protected:
    virtual void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const = 0;

public:
    TemplateNode(const Location & location) : location_(location) {}
    void render(std::ostringstream & out, const std::shared_ptr<Context> & context) const {
        LimitsGuard guard;  // sftbench
        try {
            do_render(out, context);
            Limits::CheckBytes(static_cast<size_t>(out.tellp()));  // sftbench
        } catch (const LoopControlException & e) {
            // TODO: make stack creation lazy. Only needed if it was thrown outside of a loop.
            std::ostringstream err;
            err << e.what();
            if (location_.source && !HasLocation(e.what())) err << error_location_suffix(*location_.source, location_.pos);
            throw LoopControlException(err.str(), e.control_type);
        } catch (const std::exception & e) {
            std::ostringstream err;
            err << e.what();
            if (location_.source && !HasLocation(e.what())) err << error_location_suffix(*location_.source, location_.pos);
            throw std::runtime_error(err.str());
        }
    }
    const Location & location() const { return location_; }
    virtual ~TemplateNode() = default;
    std::string render(const std::shared_ptr<Context> & context) const {
        std::ostringstream out;
        render(out, context);
        return out.str();
    }
};

class SequenceNode : public TemplateNode {
    std::vector<std::shared_ptr<TemplateNode>> children;
public:
    SequenceNode(const Location & loc, std::vector<std::shared_ptr<TemplateNode>> && c)
      : TemplateNode(loc), children(std::move(c)) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
        for (const auto& child : children) child->render(out, context);
    }
};

// sftbench
class GenerationNode : public TemplateNode {
    std::shared_ptr<TemplateNode> body;
public:
    GenerationNode(const Location & loc, std::shared_ptr<TemplateNode> && b) : TemplateNode(loc), body(std::move(b)) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
        Generated * generated = Generated::Get();
        const auto begin = static_cast<size_t>(out.tellp());
        // A scope of its own, as a call block has.
        body->render(out, Context::make(Value::object(), context));
        if (generated && generated->out == &out) generated->ranges.emplace_back(begin, static_cast<size_t>(out.tellp()));
    }
};

class TextNode : public TemplateNode {
    std::string text;
public:
    TextNode(const Location & loc, const std::string& t) : TemplateNode(loc), text(t) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> &) const override {
      out << text;
    }
};

class ExpressionNode : public TemplateNode {
    std::shared_ptr<Expression> expr;
public:
    ExpressionNode(const Location & loc, std::shared_ptr<Expression> && e) : TemplateNode(loc), expr(std::move(e)) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
      if (!expr) throw std::runtime_error("ExpressionNode.expr is null");
      auto result = expr->evaluate(context);
      out << result.to_str();  // sftbench: None too
  }
};

class IfNode : public TemplateNode {
    std::vector<std::pair<std::shared_ptr<Expression>, std::shared_ptr<TemplateNode>>> cascade;
public:
    IfNode(const Location & loc, std::vector<std::pair<std::shared_ptr<Expression>, std::shared_ptr<TemplateNode>>> && c)
        : TemplateNode(loc), cascade(std::move(c)) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
      for (const auto& branch : cascade) {
          auto enter_branch = true;
          if (branch.first) {
            enter_branch = branch.first->evaluate(context).to_bool();
          }
          if (enter_branch) {
            if (!branch.second) throw std::runtime_error("IfNode.cascade.second is null");
              branch.second->render(out, context);
              return;
          }
      }
    }
};

class LoopControlNode : public TemplateNode {
    LoopControlType control_type_;
  public:
    LoopControlNode(const Location & loc, LoopControlType control_type) : TemplateNode(loc), control_type_(control_type) {}
    void do_render(std::ostringstream &, const std::shared_ptr<Context> &) const override {
      throw LoopControlException(control_type_);
    }
};

class ForNode : public TemplateNode {
    std::vector<std::string> var_names;
    std::shared_ptr<Expression> iterable;
    std::shared_ptr<Expression> condition;
    std::shared_ptr<TemplateNode> body;
    bool recursive;
    std::shared_ptr<TemplateNode> else_body;
public:
    ForNode(const Location & loc, std::vector<std::string> && var_names, std::shared_ptr<Expression> && iterable,
      std::shared_ptr<Expression> && condition, std::shared_ptr<TemplateNode> && body, bool recursive, std::shared_ptr<TemplateNode> && else_body)
            : TemplateNode(loc), var_names(var_names), iterable(std::move(iterable)), condition(std::move(condition)), body(std::move(body)), recursive(recursive), else_body(std::move(else_body)) {}

    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
      // https://jinja.palletsprojects.com/en/3.0.x/templates/#for
      if (!iterable) throw std::runtime_error("ForNode.iterable is null");
      if (!body) throw std::runtime_error("ForNode.body is null");

      auto iterable_value = iterable->evaluate(context);
      Value::CallableType loop_function;

      std::function<void(Value&)> visit = [&](Value& iter) {
          auto filtered_items = Value::array();
          if (!iter.is_undefined()) {  // sftbench: None is an error
            if (!iterable_value.is_iterable()) {
              throw std::runtime_error("For loop iterable must be iterable: " + iterable_value.dump());
            }
            // sftbench: the loop's names are its own.
            auto filter_context = Context::make(Value::object(), context);
            iterable_value.for_each([&](Value & item) {
                destructuring_assign(var_names, filter_context, item);
                if (!condition || condition->evaluate(filter_context).to_bool()) {
                  filtered_items.push_back(item);
                }
            });
          }
          if (filtered_items.empty()) {
            if (else_body) {
              else_body->render(out, context);
            }
          } else {
              auto loop = recursive ? Value::callable(loop_function) : Value::object();
              loop.set("length", (int64_t) filtered_items.size());
              loop.set("depth", (int64_t) 1);
              loop.set("depth0", (int64_t) 0);

              auto pass = std::make_shared<size_t>(0);  // sftbench: may outlive the loop
              loop.set("cycle", Value::callable([pass](const std::shared_ptr<Context> &, ArgumentsValue & args) {
                  if (args.args.empty() || !args.kwargs.empty()) {
                      throw std::runtime_error("cycle() expects at least 1 positional argument and no named arg");
                  }
                  return args.args[*pass % args.args.size()];
              }));
              for (size_t i = 0, n = filtered_items.size(); i < n; ++i) {
                  // sftbench: what one pass sets is not there in the next.
                  auto loop_context = Context::make(Value::object(), context);
                  loop_context->set("loop", loop);
                  auto & item = filtered_items.at(i);
                  destructuring_assign(var_names, loop_context, item);
                  *pass = i;
                  loop.set("index", (int64_t) i + 1);
                  loop.set("index0", (int64_t) i);
                  loop.set("revindex", (int64_t) (n - i));
                  loop.set("revindex0", (int64_t) (n - i - 1));
                  loop.set("length", (int64_t) n);
                  loop.set("first", i == 0);
                  loop.set("last", i == (n - 1));
                  loop.set("previtem", i > 0 ? filtered_items.at(i - 1) : Value::undefined());
                  loop.set("nextitem", i < n - 1 ? filtered_items.at(i + 1) : Value::undefined());
                  try {
                      body->render(out, loop_context);
                  } catch (const LoopControlException & e) {
                      if (e.control_type == LoopControlType::Break) break;
                      if (e.control_type == LoopControlType::Continue) continue;
                  }
              }
          }
      };

      if (recursive) {
        loop_function = [&](const std::shared_ptr<Context> &, ArgumentsValue & args) {
            if (args.args.size() != 1 || !args.kwargs.empty() || !args.args[0].is_array()) {
                throw std::runtime_error("loop() expects exactly 1 positional iterable argument");
            }
            auto & items = args.args[0];
            visit(items);
            return Value();
        };
      }

      visit(iterable_value);
  }
};

class MacroNode : public TemplateNode {
    std::shared_ptr<VariableExpr> name;
    Expression::Parameters params;
    std::shared_ptr<TemplateNode> body;
    std::unordered_map<std::string, size_t> named_param_positions;
public:
    MacroNode(const Location & loc, std::shared_ptr<VariableExpr> && n, Expression::Parameters && p, std::shared_ptr<TemplateNode> && b)
        : TemplateNode(loc), name(std::move(n)), params(std::move(p)), body(std::move(b)) {
        for (size_t i = 0; i < params.size(); ++i) {
          const auto & name = params[i].first;
          if (!name.empty()) {
            named_param_positions[name] = i;
          }
        }
    }
    // sftbench: parameters are the call's own; a macro may outlive its scope.
    Value callable_in(const std::shared_ptr<Context> & macro_context) const {
        std::weak_ptr<Context> weak = macro_context;
        return Value::callable([this, weak](const std::shared_ptr<Context> &, ArgumentsValue & args) {
            auto parent = weak.lock();
            if (!parent) throw std::runtime_error("macro " + name->get_name() + " is called outside of its scope");
            auto call_context = Context::make(Value::object(), parent);
            std::vector<bool> param_set(params.size(), false);
            for (size_t i = 0, n = args.args.size(); i < n; i++) {
                auto & arg = args.args[i];
                if (i >= params.size()) throw std::runtime_error("Too many positional arguments for macro " + name->get_name());
                param_set[i] = true;
                auto & param_name = params[i].first;
                call_context->set(param_name, arg);
            }
            for (auto & [arg_name, value] : args.kwargs) {
                auto it = named_param_positions.find(arg_name);
                if (it == named_param_positions.end()) {
                    if (arg_name != "caller") throw std::runtime_error("Unknown parameter name for macro " + name->get_name() + ": " + arg_name);
                    call_context->set(arg_name, value);
                    continue;
                }

                call_context->set(arg_name, value);
                param_set[it->second] = true;
            }
            // Set default values for parameters that were not passed
            for (size_t i = 0, n = params.size(); i < n; i++) {
                if (!param_set[i]) {
                    call_context->set(params[i].first, params[i].second ? params[i].second->evaluate(call_context) : Value::undefined());
                }
            }
            return body->render(call_context);
        });
    }
    void do_render(std::ostringstream &, const std::shared_ptr<Context> & macro_context) const override {
        if (!name) throw std::runtime_error("MacroNode.name is null");
        if (!body) throw std::runtime_error("MacroNode.body is null");
        macro_context->set(name->get_name(), callable_in(macro_context));
    }
};

// sftbench
class WithNode : public TemplateNode {
    Expression::Parameters values;
    std::shared_ptr<TemplateNode> body;
public:
    WithNode(const Location & loc, Expression::Parameters && v, std::shared_ptr<TemplateNode> && b)
        : TemplateNode(loc), values(std::move(v)), body(std::move(b)) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
        auto inner = Context::make(Value::object(), context);
        // Each value sees what is outside.
        for (const auto & [name, value] : values) inner->set(name, value->evaluate(context));
        body->render(out, inner);
    }
};

class FilterNode : public TemplateNode {
    std::shared_ptr<Expression> filter;
    std::shared_ptr<TemplateNode> body;

public:
    FilterNode(const Location & loc, std::shared_ptr<Expression> && f, std::shared_ptr<TemplateNode> && b)
        : TemplateNode(loc), filter(std::move(f)), body(std::move(b)) {}

    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
        if (!filter) throw std::runtime_error("FilterNode.filter is null");
        if (!body) throw std::runtime_error("FilterNode.body is null");
        // sftbench: the filters stand behind a name that holds the block's text.
        auto filter_context = Context::make(Value::object(), context);
        filter_context->set("{body}", Value(body->render(context)));
        out << filter->evaluate(filter_context).to_str();
    }
};

class SetNode : public TemplateNode {
    std::string ns;
    std::vector<std::string> var_names;
    std::shared_ptr<Expression> value;
public:
    SetNode(const Location & loc, const std::string & ns, const std::vector<std::string> & vns, std::shared_ptr<Expression> && v)
        : TemplateNode(loc), ns(ns), var_names(vns), value(std::move(v)) {}
    void do_render(std::ostringstream &, const std::shared_ptr<Context> & context) const override {
      if (!value) throw std::runtime_error("SetNode.value is null");
      if (!ns.empty()) {
        if (var_names.size() != 1) {
          throw std::runtime_error("Namespaced set only supports a single variable name");
        }
        auto & name = var_names[0];
        auto ns_value = context->get(ns);
        if (!ns_value.is_object()) throw std::runtime_error("Namespace '" + ns + "' is not an object");
        ns_value.set(name, this->value->evaluate(context));
      } else {
        auto val = value->evaluate(context);
        destructuring_assign(var_names, context, val);
      }
    }
};

class SetTemplateNode : public TemplateNode {
    std::string name;
    std::shared_ptr<TemplateNode> template_value;
public:
    SetTemplateNode(const Location & loc, const std::string & name, std::shared_ptr<TemplateNode> && tv)
        : TemplateNode(loc), name(name), template_value(std::move(tv)) {}
    void do_render(std::ostringstream &, const std::shared_ptr<Context> & context) const override {
      if (!template_value) throw std::runtime_error("SetTemplateNode.template_value is null");
      Value value { template_value->render(context) };
      context->set(name, value);
    }
};

class IfExpr : public Expression {
    std::shared_ptr<Expression> condition;
    std::shared_ptr<Expression> then_expr;
    std::shared_ptr<Expression> else_expr;
public:
    IfExpr(const Location & loc, std::shared_ptr<Expression> && c, std::shared_ptr<Expression> && t, std::shared_ptr<Expression> && e)
        : Expression(loc), condition(std::move(c)), then_expr(std::move(t)), else_expr(std::move(e)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
      if (!condition) throw std::runtime_error("IfExpr.condition is null");
      if (!then_expr) throw std::runtime_error("IfExpr.then_expr is null");
      if (condition->evaluate(context).to_bool()) {
        return then_expr->evaluate(context);
      }
      if (else_expr) {
        return else_expr->evaluate(context);
      }
      return Value::undefined();  // sftbench
    }
};

class LiteralExpr : public Expression {
    Value value;
public:
    const Value & get_value() const { return value; }  // sftbench
    LiteralExpr(const Location & loc, const Value& v)
      : Expression(loc), value(v) {}
    Value do_evaluate(const std::shared_ptr<Context> &) const override { return value; }
};

class ArrayExpr : public Expression {
    std::vector<std::shared_ptr<Expression>> elements;
public:
    bool tuple;  // sftbench
    ArrayExpr(const Location & loc, std::vector<std::shared_ptr<Expression>> && e, bool tuple = false)
      : Expression(loc), elements(std::move(e)), tuple(tuple) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        auto result = Value::array();
        for (const auto& e : elements) {
            if (!e) throw std::runtime_error("Array element is null");
            result.push_back(e->evaluate(context));
        }
        if (tuple) {
          std::vector<Value> items;
          result.for_each([&](Value & item) { items.push_back(item); });
          return Value::tuple(items);
        }
        return result;
    }
};

class DictExpr : public Expression {
    std::vector<std::pair<std::shared_ptr<Expression>, std::shared_ptr<Expression>>> elements;
public:
    DictExpr(const Location & loc, std::vector<std::pair<std::shared_ptr<Expression>, std::shared_ptr<Expression>>> && e)
      : Expression(loc), elements(std::move(e)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        auto result = Value::object();
        for (const auto& [key, value] : elements) {
            if (!key) throw std::runtime_error("Dict key is null");
            if (!value) throw std::runtime_error("Dict value is null");
            result.set(key->evaluate(context), value->evaluate(context));
        }
        return result;
    }
};

class SliceExpr : public Expression {
public:
    std::shared_ptr<Expression> start, end, step;
    SliceExpr(const Location & loc, std::shared_ptr<Expression> && s, std::shared_ptr<Expression> && e, std::shared_ptr<Expression> && st = nullptr)
      : Expression(loc), start(std::move(s)), end(std::move(e)), step(std::move(st)) {}
    Value do_evaluate(const std::shared_ptr<Context> &) const override {
        throw std::runtime_error("SliceExpr not implemented");
    }
};

class SubscriptExpr : public Expression {
    std::shared_ptr<Expression> base;
    std::shared_ptr<Expression> index;
public:
    SubscriptExpr(const Location & loc, std::shared_ptr<Expression> && b, std::shared_ptr<Expression> && i)
        : Expression(loc), base(std::move(b)), index(std::move(i)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        if (!base) throw std::runtime_error("SubscriptExpr.base is null");
        if (!index) throw std::runtime_error("SubscriptExpr.index is null");
        auto target_value = base->evaluate(context);
        if (auto slice = dynamic_cast<SliceExpr*>(index.get())) {
          auto len = target_value.size();
          auto wrap = [len](int64_t i) -> int64_t {
            if (i < 0) {
              return i + len;
            }
            return i;
          };
          int64_t step = slice->step ? slice->step->evaluate(context).get<int64_t>() : 1;
          if (!step) {
            throw std::runtime_error("slice step cannot be zero");
          }
          int64_t start = slice->start && !slice->start->evaluate(context).is_none() ? wrap(slice->start->evaluate(context).get<int64_t>()) : (step < 0 ? len - 1 : 0);
          int64_t end = slice->end && !slice->end->evaluate(context).is_none() ? wrap(slice->end->evaluate(context).get<int64_t>()) : (step < 0 ? -1 : len);
          // sftbench: clamped as Python does; a step beyond the length is the length.
          const int64_t size = static_cast<int64_t>(len);
          start = std::clamp<int64_t>(start, step < 0 ? -1 : 0, step < 0 ? size - 1 : size);
          end = std::clamp<int64_t>(end, step < 0 ? -1 : 0, step < 0 ? size - 1 : size);
          step = std::clamp<int64_t>(step, -(size + 1), size + 1);
          if (target_value.is_string()) {
            // sftbench: by code points
            const auto chars = Chars(target_value.get<std::string>());
            std::string result;
            for (int64_t i = start; step > 0 ? i < end : i > end; i += step) {
              result += chars[static_cast<size_t>(i)];
            }
            return result;

          } else if (target_value.is_array()) {
            auto result = Value::array();
            for (int64_t i = start; step > 0 ? i < end : i > end; i += step) {
              result.push_back(target_value.at(i));
            }
            return result;
          } else {
            throw std::runtime_error(target_value.is_null() ? "Cannot subscript null" : "Subscripting only supported on arrays and strings");
          }
        } else {
          auto index_value = index->evaluate(context);
          if (target_value.is_null() && (target_value.is_undefined() || !index_value.is_string())) {  // sftbench: an attribute of None is undefined
            if (auto t = dynamic_cast<VariableExpr*>(base.get())) {
              throw std::runtime_error("'" + t->get_name() + "' is " + (context->contains(t->get_name()) ? "null" : "not defined"));
            }
            throw std::runtime_error("Trying to access property '" +  index_value.dump() + "' on null!");
          }
          return target_value.get(index_value);
        }
    }
};

class UnaryOpExpr : public Expression {
public:
    enum class Op { Plus, Minus, LogicalNot, Expansion, ExpansionDict };
    std::shared_ptr<Expression> expr;
    Op op;
    UnaryOpExpr(const Location & loc, std::shared_ptr<Expression> && e, Op o)
      : Expression(loc), expr(std::move(e)), op(o) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        if (!expr) throw std::runtime_error("UnaryOpExpr.expr is null");
        auto e = expr->evaluate(context);
        switch (op) {
            case Op::Plus: return e;
            case Op::Minus: return -e;
            case Op::LogicalNot: return !e.to_bool();
            case Op::Expansion:
            case Op::ExpansionDict:
                throw std::runtime_error("Expansion operator is only supported in function calls and collections");

        }
        throw std::runtime_error("Unknown unary operator");
    }
};

static bool in(const Value & value, const Value & container) {
  // sftbench: as Python, which refuses to look into None or a number.
  if (!container.is_iterable() && !container.is_undefined()) throw std::runtime_error("cannot look for an item in " + container.type_name());
  return (((container.is_array() || container.is_object()) && container.contains(value)) ||
      (value.is_string() && container.is_string() &&
        container.to_str().find(value.to_str()) != std::string::npos));
}

class BinaryOpExpr : public Expression {
public:
    enum class Op { StrConcat, Add, Sub, Mul, MulMul, Div, DivDiv, Mod, Eq, Ne, Lt, Gt, Le, Ge, And, Or, In, NotIn };
private:
    std::shared_ptr<Expression> left;
    std::shared_ptr<Expression> right;
    Op op;
public:
    BinaryOpExpr(const Location & loc, std::shared_ptr<Expression> && l, std::shared_ptr<Expression> && r, Op o)
        : Expression(loc), left(std::move(l)), right(std::move(r)), op(o) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        if (!left) throw std::runtime_error("BinaryOpExpr.left is null");
        if (!right) throw std::runtime_error("BinaryOpExpr.right is null");
        auto l = left->evaluate(context);

        auto do_eval = [&](const Value & l) -> Value {
          if (op == Op::And) {
            if (!l.to_bool()) return l;  // sftbench: the operand, as in Python
            return right->evaluate(context);
          } else if (op == Op::Or) {
            if (l.to_bool()) return l;
            return right->evaluate(context);
          }

          return Apply(op, l, right->evaluate(context));
        };
        return do_eval(l);
    }
    // sftbench: apart, for comparisons in a chain.
    static Value Apply(Op op, const Value & l, const Value & r) {
          switch (op) {
              case Op::StrConcat: return l.to_str() + r.to_str();
              case Op::Add:       return l + r;
              case Op::Sub:       return l - r;
              case Op::Mul:       return l * r;
              case Op::Div:       return l / r;
              case Op::MulMul:    return l.Power(r);
              case Op::DivDiv:    return l.FloorDiv(r);
              case Op::Mod:       return l.is_string() ? Format(l, r) : l % r;
              case Op::Eq:        return l == r;
              case Op::Ne:        return l != r;
              case Op::Lt:        return l < r;
              case Op::Gt:        return l > r;
              case Op::Le:        return l <= r;
              case Op::Ge:        return l >= r;
              case Op::In:        return in(l, r);
              case Op::NotIn:     return !in(l, r);
              default:            break;
          }
          throw std::runtime_error("Unknown binary operator");
    }
    static Value Format(const Value & l, const Value & r);
};

// sftbench: a < b < c compares each with its neighbour.
class CompareExpr : public Expression {
    std::shared_ptr<Expression> first;
    std::vector<std::pair<BinaryOpExpr::Op, std::shared_ptr<Expression>>> rest;
public:
    CompareExpr(const Location & loc, std::shared_ptr<Expression> && f, std::vector<std::pair<BinaryOpExpr::Op, std::shared_ptr<Expression>>> && r)
      : Expression(loc), first(std::move(f)), rest(std::move(r)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        Value left = first->evaluate(context);
        for (const auto & [op, expr] : rest) {
          const Value right = expr->evaluate(context);
          if (!BinaryOpExpr::Apply(op, left, right).to_bool()) return false;
          left = right;
        }
        return true;
    }
};

struct ArgumentsExpression {
    std::vector<std::shared_ptr<Expression>> args;
    std::vector<std::pair<std::string, std::shared_ptr<Expression>>> kwargs;

    ArgumentsValue evaluate(const std::shared_ptr<Context> & context) const {
        ArgumentsValue vargs;
        for (const auto& arg : this->args) {
            if (auto un_expr = std::dynamic_pointer_cast<UnaryOpExpr>(arg)) {
                if (un_expr->op == UnaryOpExpr::Op::Expansion) {
                    auto array = un_expr->expr->evaluate(context);
                    if (!array.is_array()) {
                        throw std::runtime_error("Expansion operator only supported on arrays");
                    }
                    array.for_each([&](Value & value) {
                        vargs.args.push_back(value);
                    });
                    continue;
                } else if (un_expr->op == UnaryOpExpr::Op::ExpansionDict) {
                    auto dict = un_expr->expr->evaluate(context);
                    if (!dict.is_object()) {
                        throw std::runtime_error("ExpansionDict operator only supported on objects");
                    }
                    dict.for_each([&](const Value & key) {
                        vargs.kwargs.push_back({key.get<std::string>(), dict.at(key)});
                    });
                    continue;
                }
            }
            vargs.args.push_back(arg->evaluate(context));
        }
        for (const auto& [name, value] : this->kwargs) {
            vargs.kwargs.push_back({name, value->evaluate(context)});
        }
        return vargs;
    }
};

// sftbench: by code points, of Python's white space where no characters are given.
static std::string strip(const std::string & s, const std::string & chars = "", bool left = true, bool right = true) {
  const auto set = Chars(chars);
  const auto drops = [&](const std::string & c) {
    return chars.empty() ? IsPythonSpace(c) : std::find(set.begin(), set.end(), c) != set.end();
  };
  size_t begin = 0, end = s.size();
  while (left && begin < end) {
    const size_t n = CharBytes(s, begin);
    if (!drops(s.substr(begin, n))) break;
    begin += n;
  }
  while (right && begin < end) {
    size_t last = end - 1;
    while (last > begin && (static_cast<unsigned char>(s[last]) & 0xC0) == 0x80) --last;
    if (!drops(s.substr(last, end - last))) break;
    end = last;
  }
  return s.substr(begin, end - begin);
}

static std::vector<std::string> split(const std::string & s, const std::string & sep) {
  std::vector<std::string> result;
  size_t start = 0;
  size_t end = s.find(sep);
  while (end != std::string::npos) {
    result.push_back(s.substr(start, end - start));
    start = end + sep.length();
    end = s.find(sep, start);
  }
  result.push_back(s.substr(start));
  return result;
}

// sftbench: text as Python has it; case by ICU.
static std::string Upper(const std::string & s) {
  std::string out;
  icu::UnicodeString::fromUTF8(s).toUpper(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}
static std::string Lower(const std::string & s) {
  std::string out;
  icu::UnicodeString::fromUTF8(s).toLower(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}
static std::string TitleChar(const std::string & c) {
  std::string out;
  icu::UnicodeString(static_cast<UChar32>(u_totitle(static_cast<UChar32>(CodePoint(c))))).toUTF8String(out);
  return out;
}
static std::string Capitalize(const std::string & s) {
  if (s.empty()) return s;
  const size_t n = CharBytes(s, 0);
  return TitleChar(s.substr(0, n)) + Lower(s.substr(n));
}
// str.title(): a letter behind another that has case is lower.
static std::string TitleMethod(const std::string & s) {
  std::string out;
  bool cased = false;
  for (const auto & c : Chars(s)) {
    out += cased ? Lower(c) : TitleChar(c);
    cased = u_hasBinaryProperty(static_cast<UChar32>(CodePoint(c)), UCHAR_CASED);
  }
  return out;
}
// Jinja's filter "title": words end at white space and -({[<.
static std::string TitleFilter(const std::string & s) {
  std::string out;
  bool inside = false;
  for (const auto & c : Chars(s)) {
    const bool ends = IsPythonSpace(c) || (c.size() == 1 && std::string("-({[<").find(c) != std::string::npos);
    out += ends ? c : inside ? Lower(c) : Upper(c);
    inside = !ends;
  }
  return out;
}
static Value ListOf(const std::vector<std::string> & texts) {
  auto out = Value::array();
  for (const auto & text : texts) out.push_back(text);
  return out;
}
static std::vector<std::string> SplitText(const std::string & s, const Value & sep, int64_t max, bool from_right) {
  std::vector<std::string> out;
  if (max < 0) max = std::numeric_limits<int64_t>::max();
  if (sep.is_null()) {
    std::vector<std::pair<size_t, size_t>> words;
    bool inside = false;
    for (size_t i = 0, n; i < s.size(); i += n) {
      n = CharBytes(s, i);
      const bool space = IsPythonSpace(s.substr(i, n));
      if (!space && !inside) words.emplace_back(i, i);
      if (!space) words.back().second = i + n;
      inside = !space;
    }
    const auto count = static_cast<int64_t>(words.size());
    if (count == 0) return out;
    if (max >= count) max = count;
    if (from_right) {
      const int64_t rest = count - max;  // words of the first part
      if (rest > 0) out.push_back(strip(s.substr(0, words[static_cast<size_t>(rest - 1)].second), "", false, true));
      for (int64_t i = std::max<int64_t>(rest, 0); i < count; ++i) out.push_back(s.substr(words[static_cast<size_t>(i)].first, words[static_cast<size_t>(i)].second - words[static_cast<size_t>(i)].first));
      if (rest > 0) out[0] = s.substr(0, words[static_cast<size_t>(rest - 1)].second);
      return out;
    }
    for (int64_t i = 0; i < count; ++i) {
      const auto [begin, end] = words[static_cast<size_t>(i)];
      if (i == max) {
        out.push_back(s.substr(begin));
        break;
      }
      out.push_back(s.substr(begin, end - begin));
    }
    return out;
  }
  const auto by = sep.text("split");
  if (by.empty()) throw std::runtime_error("empty separator");
  if (from_right) {
    size_t end = s.size();
    for (; max > 0; --max) {
      const size_t at = end < by.size() ? std::string::npos : s.rfind(by, end - by.size());
      if (at == std::string::npos) break;
      out.insert(out.begin(), s.substr(at + by.size(), end - at - by.size()));
      end = at;
    }
    out.insert(out.begin(), s.substr(0, end));
    return out;
  }
  size_t start = 0;
  for (; max > 0; --max) {
    const size_t at = s.find(by, start);
    if (at == std::string::npos) break;
    out.push_back(s.substr(start, at - start));
    start = at + by.size();
  }
  out.push_back(s.substr(start));
  return out;
}
static std::string ReplaceText(const std::string & s, const std::string & before, const std::string & after, int64_t count) {
  if (count < 0) count = std::numeric_limits<int64_t>::max();
  std::string out;
  for (size_t i = 0; i < s.size();) {
    Limits::CheckBytes(out.size());
    if (before.empty() ? count > 0 : count > 0 && s.compare(i, before.size(), before) == 0) {
      out += after;
      --count;
      if (!before.empty()) {
        i += before.size();
        continue;
      }
    }
    const size_t n = CharBytes(s, i);
    out.append(s, i, n);
    i += n;
  }
  if (before.empty() && count > 0) out += after;
  return out;
}
static std::string PercentFormat(const std::string & format, const std::vector<Value> & args, const Value & names) {
  static const std::regex spec_regex(R"(%(?:\((\w+)\))?([-+ 0#]*)(\d{0,3})(?:\.(\d{1,3}))?([a-zA-Z%]))");
  std::string out;
  size_t used = 0;
  auto it = format.begin();
  while (it != format.end()) {
    if (*it != '%') {
      out += *it++;
      continue;
    }
    std::smatch match;
    if (!std::regex_search(it, format.end(), match, spec_regex, std::regex_constants::match_continuous)) throw std::runtime_error("broken % format");
    it += match[0].length();
    const char kind = match[5].str()[0];
    if (kind == '%') {
      out += '%';
      continue;
    }
    Value value;
    if (match[1].matched) {
      if (!names.is_object()) throw std::runtime_error("% format needs a mapping");
      value = Value(names).get(Value(match[1].str()));
    } else {
      if (used >= args.size()) throw std::runtime_error("too few values for a % format");
      value = args[used++];
    }
    const std::string flags = match[2].str() + match[3].str(), precision = match[4].matched ? "." + match[4].str() : "";
    char text[1400];
    if (kind == 's' || kind == 'r') {
      std::string s = kind == 's' ? value.to_str() : value.dump();
      if (match[4].matched) {
        const auto chars = Chars(s);
        s.clear();
        for (size_t i = 0; i < chars.size() && i < std::stoul(match[4].str()); ++i) s += chars[i];
      }
      const size_t width = match[3].str().empty() ? 0 : std::stoul(match[3].str()), size = CountChars(s);
      const std::string pad(width > size ? width - size : 0, ' ');
      out += flags.find('-') != std::string::npos ? s + pad : pad + s;
    } else if (std::string("dixXo").find(kind) != std::string::npos && value.is_numeric()) {
      const int64_t n = value.is_whole() ? value.whole() : static_cast<int64_t>(value.number());
      if (kind != 'd' && kind != 'i' && n < 0) throw std::runtime_error("% format of a number below zero");
      std::snprintf(text, sizeof(text), ("%" + flags + precision + "ll" + kind).c_str(), static_cast<long long>(n));
      out += text;
    } else if (std::string("fFeEgG").find(kind) != std::string::npos && value.is_numeric()) {
      std::snprintf(text, sizeof(text), ("%" + flags + precision + kind).c_str(), value.number());
      out += text;
    } else {
      throw std::runtime_error(std::string("% format cannot write ") + value.type_name() + " as %" + kind);
    }
    Limits::CheckBytes(out.size());
  }
  if (used < args.size() && !names.is_object()) throw std::runtime_error("too many values for a % format");
  return out;
}
// str.format with {}, {0} and {name}.
static std::string BraceFormat(const std::string & format, const ArgumentsValue & args) {
  std::string out;
  size_t next = 0;
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if ((c == '{' || c == '}') && i + 1 < format.size() && format[i + 1] == c) {
      out += c;
      ++i;
    } else if (c == '{') {
      const size_t end = format.find('}', i);
      if (end == std::string::npos) throw std::runtime_error("broken format string");
      const auto field = format.substr(i + 1, end - i - 1);
      if (field.find_first_not_of("0123456789") == std::string::npos && field.size() < 6) {
        const size_t index = field.empty() ? next++ : std::stoul(field);
        if (index >= args.args.size()) throw std::runtime_error("too few values for a format");
        out += args.args[index].to_str();
      } else {
        auto it = std::find_if(args.kwargs.begin(), args.kwargs.end(), [&](const auto & p) { return p.first == field; });
        if (it == args.kwargs.end()) throw std::runtime_error("no value for the format field '" + field + "'");
        out += it->second.to_str();
      }
      i = end;
    } else if (c == '}') {
      throw std::runtime_error("broken format string");
    } else {
      out += c;
    }
    Limits::CheckBytes(out.size());
  }
  return out;
}

static const std::unordered_set<std::string> & MethodNames() {
  static const std::unordered_set<std::string> names = {
      "append", "pop", "insert", "items", "keys", "values", "get", "cycle", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines",
      "capitalize", "upper", "lower", "title", "startswith", "endswith", "replace", "find", "rfind", "index", "count", "format", "join",
      "removeprefix", "removesuffix", "isdigit", "isspace", "isalpha", "isalnum", "isnumeric", "isdecimal", "isupper", "islower", "swapcase",
      "casefold", "ljust", "rjust", "center", "zfill", "partition", "rpartition", "copy"};
  return names;
}

static Value StringMethod(const std::string & name, const std::string & str, ArgumentsValue & vargs) {
  const auto arg = [&](size_t i, const char * key) { return i < vargs.args.size() ? vargs.args[i] : vargs.get_named(key); };
  const auto limit = [&](size_t i, const char * key) { const Value v = arg(i, key); return v.is_null() ? int64_t{-1} : v.integer(name); };
  const auto affix = [&](bool end) {
    vargs.expectArgs(name, {1, 1}, {0, 0});
    const auto one = [&](const Value & v) {
      const auto s = v.text(name);
      return s.size() <= str.size() && str.compare(end ? str.size() - s.size() : 0, s.size(), s) == 0;
    };
    if (!vargs.args[0].is_tuple()) return one(vargs.args[0]);
    bool any = false;
    vargs.args[0].for_each([&](Value & v) { any = any || one(v); });
    return any;
  };
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    vargs.expectArgs(name, {0, 1}, {0, 0});
    if (!vargs.args.empty() && !vargs.args[0].is_none() && vargs.args[0].text(name).empty()) return str;
    return strip(str, vargs.args.empty() || vargs.args[0].is_none() ? "" : vargs.args[0].text(name), name != "rstrip", name != "lstrip");
  }
  if (name == "split" || name == "rsplit") {
    vargs.expectArgs(name, {0, 2}, {0, 2});
    return ListOf(SplitText(str, arg(0, "sep"), limit(1, "maxsplit"), name == "rsplit"));
  }
  if (name == "startswith") return affix(false);
  if (name == "endswith") return affix(true);
  if (name == "replace") {
    vargs.expectArgs(name, {2, 3}, {0, 1});
    return ReplaceText(str, vargs.args[0].text(name), vargs.args[1].text(name), limit(2, "count"));
  }
  if (name == "find" || name == "rfind" || name == "index" || name == "count") {
    vargs.expectArgs(name, {1, 1}, {0, 0});
    const auto part = vargs.args[0].text(name);
    if (name == "count") return part.empty() ? static_cast<int64_t>(CountChars(str)) + 1 : static_cast<int64_t>(SplitText(str, part, -1, false).size()) - 1;
    const size_t at = name == "rfind" ? str.rfind(part) : str.find(part);
    if (at == std::string::npos && name == "index") throw std::runtime_error("substring not found");
    return at == std::string::npos ? int64_t{-1} : static_cast<int64_t>(CountChars(str.substr(0, at)));
  }
  if (name == "format") return BraceFormat(str, vargs);
  if (name == "join") {
    vargs.expectArgs(name, {1, 1}, {0, 0});
    std::string out;
    bool first = true;
    vargs.args[0].for_each([&](Value & v) {
      if (!first) out += str;
      first = false;
      out += v.text(name);
      Limits::CheckBytes(out.size());
    });
    return out;
  }
  if (name == "removeprefix" || name == "removesuffix") {
    if (!affix(name == "removesuffix") || vargs.args[0].is_tuple()) return str;
    const size_t n = vargs.args[0].text(name).size();
    return name == "removeprefix" ? str.substr(n) : str.substr(0, str.size() - n);
  }
  if (name == "ljust" || name == "rjust" || name == "center" || name == "zfill") {
    vargs.expectArgs(name, {1, name == "zfill" ? 1u : 2u}, {0, 0});
    const int64_t missing = vargs.args[0].integer(name) - static_cast<int64_t>(CountChars(str));
    if (missing <= 0) return str;
    Limits::CheckItems(static_cast<size_t>(missing));
    const std::string fill = name == "zfill" ? "0" : vargs.args.size() > 1 ? vargs.args[1].text(name) : " ";
    if (CountChars(fill) != 1) throw std::runtime_error(name + " needs one character");
    if (name == "zfill") {
      const size_t sign = !str.empty() && (str[0] == '+' || str[0] == '-') ? 1 : 0;
      return str.substr(0, sign) + std::string(static_cast<size_t>(missing), '0') + str.substr(sign);
    }
    // As CPython halves it.
    const int64_t odd = missing & vargs.args[0].integer(name) & 1;
    const int64_t left = name == "ljust" ? 0 : name == "rjust" ? missing : missing / 2 + odd;
    std::string out;
    for (int64_t i = 0; i < left; ++i) out += fill;
    out += str;
    for (int64_t i = left; i < missing; ++i) out += fill;
    return out;
  }
  if (name == "partition" || name == "rpartition") {
    vargs.expectArgs(name, {1, 1}, {0, 0});
    const auto sep = vargs.args[0].text(name);
    if (sep.empty()) throw std::runtime_error("empty separator");
    const bool right = name == "rpartition";
    const size_t at = right ? str.rfind(sep) : str.find(sep);
    if (at == std::string::npos) return right ? Value::tuple({"", "", str}) : Value::tuple({str, "", ""});
    return Value::tuple({str.substr(0, at), sep, str.substr(at + sep.size())});
  }
  vargs.expectArgs(name, {0, 0}, {0, 0});
  if (name == "capitalize") return Capitalize(str);
  if (name == "casefold") {
    std::string out;
    icu::UnicodeString::fromUTF8(str).foldCase().toUTF8String(out);
    return out;
  }
  if (name == "swapcase") {
    std::string out;
    for (const auto & c : Chars(str)) {
      const auto u = static_cast<UChar32>(CodePoint(c));
      out += u_hasBinaryProperty(u, UCHAR_UPPERCASE) ? Lower(c) : u_hasBinaryProperty(u, UCHAR_LOWERCASE) ? Upper(c) : c;
    }
    return out;
  }
  if (name == "upper") return Upper(str);
  if (name == "lower") return Lower(str);
  if (name == "title") return TitleMethod(str);
  const auto all = [&](auto is) {
    const auto chars = Chars(str);
    return !chars.empty() && std::all_of(chars.begin(), chars.end(), is);
  };
  if (name == "isdigit") return all([](const std::string & c) { return u_isdigit(static_cast<UChar32>(CodePoint(c))) != 0; });
  if (name == "isspace") return all(IsPythonSpace);
  const auto is_type = [](const std::string & c, uint32_t mask) { return (U_MASK(u_charType(static_cast<UChar32>(CodePoint(c)))) & mask) != 0; };
  const auto is_numeric = [](const std::string & c) { return u_getNumericValue(static_cast<UChar32>(CodePoint(c))) != U_NO_NUMERIC_VALUE; };
  if (name == "isalpha") return all([&](const std::string & c) { return is_type(c, U_GC_L_MASK); });
  if (name == "isalnum") return all([&](const std::string & c) { return is_type(c, U_GC_L_MASK) || is_numeric(c); });
  if (name == "isnumeric") return all(is_numeric);
  if (name == "isdecimal") return all([&](const std::string & c) { return is_type(c, U_GC_ND_MASK); });
  if (name == "isupper" || name == "islower") {
    bool cased = false;
    for (const auto & c : Chars(str)) {
      const auto u = static_cast<UChar32>(CodePoint(c));
      const bool upper = u_hasBinaryProperty(u, UCHAR_UPPERCASE), lower = u_hasBinaryProperty(u, UCHAR_LOWERCASE);
      if ((name == "isupper" ? lower : upper) || is_type(c, U_GC_LT_MASK)) return false;
      cased = cased || upper || lower;
    }
    return cased;
  }
  if (name == "splitlines") {
    auto parts = SplitText(ReplaceText(str, "\r\n", "\n", -1), "\n", -1, false);
    if (parts.back().empty()) parts.pop_back();
    return ListOf(parts);
  }
  throw std::runtime_error("text has no method '" + name + "'");
}

// The tests of Jinja that are known, and whether each takes an argument.
static const std::unordered_map<std::string, bool> & Tests() {
  static const std::unordered_map<std::string, bool> tests = {
      {"none", false}, {"boolean", false}, {"integer", false}, {"float", false}, {"number", false}, {"string", false}, {"mapping", false},
      {"iterable", false}, {"sequence", false}, {"defined", false}, {"undefined", false}, {"true", false}, {"false", false},
      {"callable", false}, {"odd", false}, {"even", false}, {"lower", false}, {"upper", false}, {"divisibleby", true}, {"in", true},
      {"eq", true}, {"equalto", true}, {"==", true}, {"ne", true}, {"!=", true}, {"lt", true}, {"lessthan", true}, {"<", true}, {"le", true}, {"<=", true},
      {"gt", true}, {"greaterthan", true}, {">", true}, {"ge", true}, {">=", true}, {"sameas", true}, {"filter", false}, {"test", false}};
  return tests;
}
static bool RunTest(const std::string & name, const Value & l, const std::vector<Value> & args) {
  const auto test = Tests().find(name);
  if (test == Tests().end()) throw std::runtime_error("no test '" + name + "'");
  if (args.size() != (test->second ? 1u : 0u)) throw std::runtime_error("test '" + name + "' takes " + (test->second ? "one argument" : "no argument"));
  if (name == "none") return l.is_none();
  if (name == "boolean") return l.is_boolean();
  if (name == "integer") return l.is_number_integer();
  if (name == "float") return l.is_number_float();
  if (name == "number") return l.is_numeric();
  if (name == "string") return l.is_string();
  if (name == "mapping") return l.is_object();
  if (name == "iterable" || name == "sequence") return l.is_iterable() || l.is_undefined();
  // Of the name, not of its value; and the constants alone.
  if (name == "defined") return !l.is_undefined();
  if (name == "undefined") return l.is_undefined();
  if (name == "true") return l.is_boolean() && l.to_bool();
  if (name == "false") return l.is_boolean() && !l.to_bool();
  if (name == "callable") return l.is_callable();
  if (name == "filter") return l.is_string() && Filters().count(l.get<std::string>()) > 0;
  if (name == "test") return l.is_string() && Tests().count(l.get<std::string>()) > 0;
  if (name == "odd") return (l % Value(int64_t{2})) == Value(int64_t{1});
  if (name == "even") return (l % Value(int64_t{2})) == Value(int64_t{0});
  if (name == "lower" || name == "upper") {
    const auto s = l.to_str();
    return (name == "lower" ? Lower(s) : Upper(s)) == s && Lower(s) != Upper(s);
  }
  const Value & r = args[0];
  if (name == "divisibleby") return (l % r) == Value(int64_t{0});
  if (name == "in") return in(l, r);
  if (name == "sameas") return l.is_same(r);
  if (name == "eq" || name == "equalto" || name == "==") return l == r;
  if (name == "ne" || name == "!=") return l != r;
  if (name == "lt" || name == "lessthan" || name == "<") return l < r;
  if (name == "le" || name == "<=") return l <= r;
  if (name == "gt" || name == "greaterthan" || name == ">") return l > r;
  return l >= r;
}

static bool ParseNumber(const std::string & text, double & out) {
  const auto s = strip(text);
  if (s.empty() || s.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  char * end = nullptr;
  out = std::strtod(s.c_str(), &end);
  return end == s.c_str() + s.size();
}
inline Value BinaryOpExpr::Format(const Value & l, const Value & r) {
  std::vector<Value> args = {r};
  if (r.is_tuple()) {
    args.clear();
    r.for_each([&](Value & item) { args.push_back(item); });
  }
  return PercentFormat(l.get<std::string>(), args, r);
}

static std::string html_escape(const std::string & s) {
  std::string result;
  result.reserve(s.size());
  for (const auto & c : s) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&#34;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c; break;
    }
  }
  return result;
}

class MethodCallExpr : public Expression {
    std::shared_ptr<Expression> object;
    std::shared_ptr<VariableExpr> method;
    ArgumentsExpression args;
public:
    MethodCallExpr(const Location & loc, std::shared_ptr<Expression> && obj, std::shared_ptr<VariableExpr> && m, ArgumentsExpression && a)
        : Expression(loc), object(std::move(obj)), method(std::move(m)), args(std::move(a)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        if (!object) throw std::runtime_error("MethodCallExpr.object is null");
        if (!method) throw std::runtime_error("MethodCallExpr.method is null");
        auto obj = object->evaluate(context);
        auto vargs = args.evaluate(context);
        if (obj.is_null()) {
          throw std::runtime_error("Trying to call method '" + method->get_name() + "' on null");
        }
        if (obj.is_array()) {
          // sftbench: jinja2's sandbox, in which transformers renders, refuses these.
          if (method->get_name() == "append" || method->get_name() == "pop" || method->get_name() == "insert") {
              throw std::runtime_error("'" + method->get_name() + "' would change a list, which chat templates may not");
          } else if (method->get_name() == "index" || method->get_name() == "count") {
              // sftbench
              vargs.expectArgs(method->get_name(), {1, 1}, {0, 0});
              int64_t count = 0, at = -1, i = 0;
              obj.for_each([&](Value & item) {
                if (item == vargs.args[0]) {
                  if (at < 0) at = i;
                  ++count;
                }
                ++i;
              });
              if (method->get_name() == "count") return count;
              if (at < 0) throw std::runtime_error("the item is not in the list");
              return at;
          } else if (method->get_name() == "copy") {
              vargs.expectArgs("copy", {0, 0}, {0, 0});
              auto result = Value::array();
              obj.for_each([&](Value & item) { result.push_back(item); });
              return result;
          }
        } else if (obj.is_object()) {
          if (method->get_name() == "items") {
            vargs.expectArgs("items method", {0, 0}, {0, 0});
            auto result = Value::array();
            for (const auto& key : obj.keys()) {
              result.push_back(Value::tuple({key, obj.at(key)}));
            }
            return result;
          } else if (method->get_name() == "values") {
            vargs.expectArgs("values method", {0, 0}, {0, 0});
            auto result = Value::array();
            for (const auto& key : obj.keys()) result.push_back(obj.at(key));
            return result;
          } else if (method->get_name() == "pop") {
            throw std::runtime_error("'pop' would change a mapping, which chat templates may not");  // sftbench
          } else if (method->get_name() == "keys") {
            vargs.expectArgs("keys method", {0, 0}, {0, 0});
            auto result = Value::array();
            for (const auto& key : obj.keys()) {
              result.push_back(Value(key));
            }
            return result;
          } else if (method->get_name() == "copy" && !obj.contains("copy")) {
            // sftbench
            vargs.expectArgs("copy", {0, 0}, {0, 0});
            auto result = Value::object();
            for (const auto& key : obj.keys()) result.set(key, obj.at(key));
            return result;
          } else if (method->get_name() == "get") {
            vargs.expectArgs("get method", {1, 2}, {0, 0});
            auto key = vargs.args[0];
            if (vargs.args.size() == 1) {
              return obj.contains(key) ? obj.at(key) : Value();
            } else {
              return obj.contains(key) ? obj.at(key) : vargs.args[1];
            }
          } else if (obj.contains(method->get_name())) {
            auto callable = obj.at(method->get_name());
            if (!callable.is_callable()) {
              throw std::runtime_error("Property '" + method->get_name() + "' is not callable");
            }
            return callable.call(context, vargs);
          }
        } else if (obj.is_string()) {
          return StringMethod(method->get_name(), obj.get<std::string>(), vargs);
        }
        throw std::runtime_error(obj.type_name() + " has no method '" + method->get_name() + "'");
    }
};

class CallExpr : public Expression {
public:
    std::shared_ptr<Expression> object;
    ArgumentsExpression args;
    CallExpr(const Location & loc, std::shared_ptr<Expression> && obj, ArgumentsExpression && a)
        : Expression(loc), object(std::move(obj)), args(std::move(a)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        if (!object) throw std::runtime_error("CallExpr.object is null");
        auto obj = object->evaluate(context);
        if (!obj.is_callable()) {
          auto name = dynamic_cast<VariableExpr*>(object.get());  // sftbench
          throw std::runtime_error(name ? "no function '" + name->get_name() + "'" : obj.type_name() + " is called");
        }
        auto vargs = args.evaluate(context);
        return obj.call(context, vargs);
    }
};

// sftbench: a call whose macro may ask for the block's text by caller().
class CallNode : public TemplateNode {
    std::shared_ptr<MacroNode> block;
    std::shared_ptr<Expression> call;
public:
    CallNode(const Location & loc, std::shared_ptr<MacroNode> && b, std::shared_ptr<Expression> && c)
        : TemplateNode(loc), block(std::move(b)), call(std::move(c)) {}
    void do_render(std::ostringstream & out, const std::shared_ptr<Context> & context) const override {
        auto expr = dynamic_cast<CallExpr *>(call.get());
        if (!expr) throw std::runtime_error("a call block calls no macro");
        auto args = expr->args.evaluate(context);
        args.kwargs.emplace_back("caller", block->callable_in(context));
        out << expr->object->evaluate(context).call(context, args).to_str();
    }
};

// sftbench: filters and tests are known by name when the template is parsed.
class FilterExpr : public Expression {
    std::shared_ptr<Expression> object;
    std::string name;
    ArgumentsExpression args;
public:
    FilterExpr(const Location & loc, std::shared_ptr<Expression> && o, const std::string & n, ArgumentsExpression && a)
      : Expression(loc), object(std::move(o)), name(n), args(std::move(a)) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        auto value = object->evaluate(context);
        auto vargs = args.evaluate(context);
        vargs.args.insert(vargs.args.begin(), value);
        return Filters().at(name).call(context, vargs);
    }
};
class TestExpr : public Expression {
    std::shared_ptr<Expression> object;
    std::string name;
    ArgumentsExpression args;
    bool negated;
public:
    TestExpr(const Location & loc, std::shared_ptr<Expression> && o, const std::string & n, ArgumentsExpression && a, bool negated)
      : Expression(loc), object(std::move(o)), name(n), args(std::move(a)), negated(negated) {}
    Value do_evaluate(const std::shared_ptr<Context> & context) const override {
        auto value = object->evaluate(context);
        return RunTest(name, value, args.evaluate(context).args) != negated;
    }
};

class Parser {
private:
    using CharIterator = std::string::const_iterator;

    std::shared_ptr<std::string> template_str;
    CharIterator start, end, it;
    Options options;
    // sftbench: to refuse calls of what no template and no caller defines.
    std::unordered_set<std::string> known = {"raise_exception", "strftime_now", "namespace", "range", "joiner", "dict", "loop"};
    std::vector<std::pair<std::string, Location>> called;
    std::runtime_error missing(const std::string & kind, const std::string & name, const Location & location) const {
      return std::runtime_error("no " + kind + " '" + name + "'" + error_location_suffix(*template_str, location.pos));
    }

    Parser(const std::shared_ptr<std::string>& template_str, const Options & options) : template_str(template_str), options(options) {
      if (!template_str) throw std::runtime_error("Template string is null");
      start = it = this->template_str->begin();
      end = this->template_str->end();
    }

    bool consumeSpaces(SpaceHandling space_handling = SpaceHandling::Strip) {
      if (space_handling == SpaceHandling::Strip) {
        while (it != end && std::isspace(*it)) ++it;
      }
      return true;
    }

    std::unique_ptr<std::string> parseString() {
      auto doParse = [&](char quote) -> std::unique_ptr<std::string> {
        if (it == end || *it != quote) return nullptr;
        std::string result;
        bool escape = false;
        for (++it; it != end; ++it) {
          if (escape) {
            escape = false;
            // sftbench: the escapes of Python; a backslash before anything else stays.
            const auto hex = [&](int digits) {
              uint32_t code = 0;
              for (int i = 0; i < digits; ++i) {
                if (++it == end || !std::isxdigit(static_cast<unsigned char>(*it))) throw std::runtime_error("broken escape in a string");
                code = code * 16 + static_cast<uint32_t>(std::stoi(std::string(1, *it), nullptr, 16));
              }
              if (code >= 0x110000 || (code >= 0xD800 && code < 0xE000)) throw std::runtime_error("broken escape in a string");
              AppendCodePoint(code, result);
            };
            switch (*it) {
              case 'n': result += '\n'; break;
              case 'r': result += '\r'; break;
              case 't': result += '\t'; break;
              case 'b': result += '\b'; break;
              case 'f': result += '\f'; break;
              case 'v': result += '\v'; break;
              case 'a': result += '\a'; break;
              case 'x': hex(2); break;
              case 'u': hex(4); break;
              case 'U': hex(8); break;
              case '\n': break;
              case '\\': case '\'': case '"': result += *it; break;
              default:
                if (*it >= '0' && *it <= '7') throw std::runtime_error("octal escapes in a string are not read");
                result += '\\';
                result += *it;
                break;
            }
          } else if (*it == '\\') {
            escape = true;
          } else if (*it == quote) {
              ++it;
            return std::make_unique<std::string>(std::move(result));
          } else {
            result += *it;
          }
        }
        return nullptr;
      };

      consumeSpaces();
      if (it == end) return nullptr;
      if (*it == '"') return doParse('"');
      if (*it == '\'') return doParse('\'');
      return nullptr;
    }

    json parseNumber(CharIterator& it, const CharIterator& end) {
        auto before = it;
        consumeSpaces();
        auto start = it;
        bool hasDecimal = false;
        bool hasExponent = false;

        if (it != end && (*it == '-' || *it == '+')) ++it;

        while (it != end) {
          if (std::isdigit(*it)) {
            ++it;
          } else if (*it == '.') {
            if (hasDecimal) throw std::runtime_error("Multiple decimal points");
            hasDecimal = true;
            ++it;
          } else if (it != start && (*it == 'e' || *it == 'E')) {
            if (hasExponent) throw std::runtime_error("Multiple exponents");
            hasExponent = true;
            ++it;
          } else {
            break;
          }
        }
        if (start == it) {
          it = before;
          return json(); // No valid characters found
        }

        std::string str(start, it);
        try {
          return json::parse(str);
        } catch (json::parse_error& e) {
          throw std::runtime_error("Failed to parse number: '" + str + "' (" + std::string(e.what()) + ")");
          return json();
        }
    }

    /** integer, float, bool, string */
    std::shared_ptr<Value> parseConstant() {
      auto start = it;
      consumeSpaces();
      if (it == end) return nullptr;
      if (*it == '"' || *it == '\'') {
        auto str = parseString();
        // sftbench: strings side by side are one.
        for (std::unique_ptr<std::string> more; str && (more = parseString());) *str += *more;
        if (str) return std::make_shared<Value>(*str);
      }
      static std::regex prim_tok(R"(true\b|True\b|false\b|False\b|None\b|none\b)");
      auto token = consumeToken(prim_tok);
      if (!token.empty()) {
        if (token == "true" || token == "True") return std::make_shared<Value>(true);
        if (token == "false" || token == "False") return std::make_shared<Value>(false);
        if (token == "None" || token == "none") return std::make_shared<Value>(nullptr);
        throw std::runtime_error("Unknown constant token: " + token);
      }

      if (!std::isdigit(static_cast<unsigned char>(*it))) {  // sftbench: a sign is an operator
        it = start;
        return nullptr;
      }
      auto number = parseNumber(it, end);
      if (!number.is_null()) return std::make_shared<Value>(number);

      it = start;
      return nullptr;
    }

    class expression_parsing_error : public std::runtime_error {
        const CharIterator it;
      public:
        expression_parsing_error(const std::string & message, const CharIterator & it)
            : std::runtime_error(message), it(it) {}
        size_t get_pos(const CharIterator & begin) const {
            return std::distance(begin, it);
      }
    };

    bool peekSymbols(const std::vector<std::string> & symbols) const {
        for (const auto & symbol : symbols) {
            if (std::distance(it, end) >= (int64_t) symbol.size() && std::string(it, it + symbol.size()) == symbol) {
                return true;
            }
        }
        return false;
    }

    std::vector<std::string> consumeTokenGroups(const std::regex & regex, SpaceHandling space_handling = SpaceHandling::Strip) {
        auto start = it;
        consumeSpaces(space_handling);
        std::smatch match;
        if (std::regex_search(it, end, match, regex, std::regex_constants::match_continuous)) {
            it += match[0].length();
            std::vector<std::string> ret;
            for (size_t i = 0, n = match.size(); i < n; ++i) {
                ret.push_back(match[i].str());
            }
            return ret;
        }
        it = start;
        return {};
    }
    std::string consumeToken(const std::regex & regex, SpaceHandling space_handling = SpaceHandling::Strip) {
        auto start = it;
        consumeSpaces(space_handling);
        std::smatch match;
        if (std::regex_search(it, end, match, regex, std::regex_constants::match_continuous)) {
            it += match[0].length();
            return match[0].str();
        }
        it = start;
        return "";
    }

    std::string consumeToken(const std::string & token, SpaceHandling space_handling = SpaceHandling::Strip) {
        auto start = it;
        consumeSpaces(space_handling);
        if (std::distance(it, end) >= (int64_t) token.size() && std::string(it, it + token.size()) == token) {
            it += token.size();
            return token;
        }
        it = start;
        return "";
    }

    std::shared_ptr<Expression> parseExpression(bool allow_if_expr = true) {
        auto left = parseLogicalOr();
        if (it == end) return left;

        if (!allow_if_expr) return left;

        static std::regex if_tok(R"(if\b)");
        if (consumeToken(if_tok).empty()) {
          return left;
        }

        auto location = get_location();
        auto [condition, else_expr] = parseIfExpression();
        return std::make_shared<IfExpr>(location, std::move(condition), std::move(left), std::move(else_expr));
    }

    Location get_location() const {
        return {template_str, (size_t) std::distance(start, it)};
    }

    std::pair<std::shared_ptr<Expression>, std::shared_ptr<Expression>> parseIfExpression() {
        auto condition = parseLogicalOr();
        if (!condition) throw std::runtime_error("Expected condition expression");

        static std::regex else_tok(R"(else\b)");
        std::shared_ptr<Expression> else_expr;
        if (!consumeToken(else_tok).empty()) {
          else_expr = parseExpression();
          if (!else_expr) throw std::runtime_error("Expected 'else' expression");
        }
        return std::pair(std::move(condition), std::move(else_expr));
    }

    std::shared_ptr<Expression> parseLogicalOr() {
        auto left = parseLogicalAnd();
        if (!left) throw std::runtime_error("Expected left side of 'logical or' expression");

        static std::regex or_tok(R"(or\b)");
        auto location = get_location();
        while (!consumeToken(or_tok).empty()) {
            auto right = parseLogicalAnd();
            if (!right) throw std::runtime_error("Expected right side of 'or' expression");
            left = std::make_shared<BinaryOpExpr>(location, std::move(left), std::move(right), BinaryOpExpr::Op::Or);
        }
        return left;
    }

    std::shared_ptr<Expression> parseLogicalNot() {
        static std::regex not_tok(R"(not\b)");
        auto location = get_location();

        if (!consumeToken(not_tok).empty()) {
          auto sub = parseLogicalNot();
          if (!sub) throw std::runtime_error("Expected expression after 'not' keyword");
          return std::make_shared<UnaryOpExpr>(location, std::move(sub), UnaryOpExpr::Op::LogicalNot);
        }
        return parseLogicalCompare();
    }

    std::shared_ptr<Expression> parseLogicalAnd() {
        auto left = parseLogicalNot();
        if (!left) throw std::runtime_error("Expected left side of 'logical and' expression");

        static std::regex and_tok(R"(and\b)");
        auto location = get_location();
        while (!consumeToken(and_tok).empty()) {
            auto right = parseLogicalNot();
            if (!right) throw std::runtime_error("Expected right side of 'and' expression");
            left = std::make_shared<BinaryOpExpr>(location, std::move(left), std::move(right), BinaryOpExpr::Op::And);
        }
        return left;
    }

    // sftbench: precedence as in jinja2's parser, where filters and tests bind
    // closest, then **, then * / // %, then ~, then + and -.
    std::shared_ptr<Expression> parseLogicalCompare() {
        static std::regex compare_tok(R"(==|!=|<=?|>=?|in\b|not\s+in\b)");
        auto location = get_location();
        auto left = parseMathPlusMinus();
        std::vector<std::pair<BinaryOpExpr::Op, std::shared_ptr<Expression>>> rest;
        std::string op_str;
        while (!(op_str = consumeToken(compare_tok)).empty()) {
            BinaryOpExpr::Op op;
            if (op_str == "==") op = BinaryOpExpr::Op::Eq;
            else if (op_str == "!=") op = BinaryOpExpr::Op::Ne;
            else if (op_str == "<") op = BinaryOpExpr::Op::Lt;
            else if (op_str == ">") op = BinaryOpExpr::Op::Gt;
            else if (op_str == "<=") op = BinaryOpExpr::Op::Le;
            else if (op_str == ">=") op = BinaryOpExpr::Op::Ge;
            else if (op_str == "in") op = BinaryOpExpr::Op::In;
            else op = BinaryOpExpr::Op::NotIn;
            rest.emplace_back(op, parseMathPlusMinus());
        }
        if (rest.empty()) return left;
        return std::make_shared<CompareExpr>(location, std::move(left), std::move(rest));
    }

    Expression::Parameters parseParameters() {
        consumeSpaces();
        if (consumeToken("(").empty()) throw std::runtime_error("Expected opening parenthesis in param list");

        Expression::Parameters result;

        while (it != end) {
            if (!consumeToken(")").empty()) {
                return result;
            }
            auto expr = parseExpression();
            if (!expr) throw std::runtime_error("Expected expression in call args");

            if (auto ident = dynamic_cast<VariableExpr*>(expr.get())) {
                if (!consumeToken("=").empty()) {
                    auto value = parseExpression();
                    if (!value) throw std::runtime_error("Expected expression in for named arg");
                    known.insert(ident->get_name());
                    result.emplace_back(ident->get_name(), std::move(value));
                } else {
                    known.insert(ident->get_name());
                result.emplace_back(ident->get_name(), nullptr);
                }
            } else {
                result.emplace_back(std::string(), std::move(expr));
            }
            if (consumeToken(",").empty()) {
              if (consumeToken(")").empty()) {
                throw std::runtime_error("Expected closing parenthesis in call args");
              }
              return result;
            }
        }
        throw std::runtime_error("Expected closing parenthesis in call args");
    }

    ArgumentsExpression parseCallArgs() {
        consumeSpaces();
        if (consumeToken("(").empty()) throw std::runtime_error("Expected opening parenthesis in call args");

        ArgumentsExpression result;

        while (it != end) {
            if (!consumeToken(")").empty()) {
                return result;
            }
            // sftbench: *list and **mapping stand in calls only.
            static std::regex expansion_tok(R"(\*\*?)");
            const auto expansion = consumeToken(expansion_tok);
            auto expr = parseExpression();
            if (!expr) throw std::runtime_error("Expected expression in call args");
            if (!expansion.empty()) {
                expr = std::make_shared<UnaryOpExpr>(get_location(), std::move(expr), expansion == "*" ? UnaryOpExpr::Op::Expansion : UnaryOpExpr::Op::ExpansionDict);
            }

            if (auto ident = dynamic_cast<VariableExpr*>(expr.get())) {
                if (!consumeToken("=").empty()) {
                    auto value = parseExpression();
                    if (!value) throw std::runtime_error("Expected expression in for named arg");
                    result.kwargs.emplace_back(ident->get_name(), std::move(value));
                } else {
                    result.args.emplace_back(std::move(expr));
                }
            } else {
                result.args.emplace_back(std::move(expr));
            }
            if (consumeToken(",").empty()) {
              if (consumeToken(")").empty()) {
                throw std::runtime_error("Expected closing parenthesis in call args");
              }
              return result;
            }
        }
        throw std::runtime_error("Expected closing parenthesis in call args");
    }

    std::shared_ptr<VariableExpr> parseIdentifier() {
        static std::regex ident_regex(R"((?!(?:not|is|and|or|del)\b)[a-zA-Z_]\w*)");
        consumeSpaces();  // sftbench: so that the place is the name's
        auto location = get_location();
        auto ident = consumeToken(ident_regex);
        if (ident.empty())
          return nullptr;
        return std::make_shared<VariableExpr>(location, ident);
    }

    std::shared_ptr<Expression> parseMathPlusMinus() {
        static std::regex plus_minus_tok(R"(\+(?!%\})|-(?![}%#]\}))");
        auto left = parseStringConcat();
        std::string op_str;
        while (!(op_str = consumeToken(plus_minus_tok)).empty()) {
            auto right = parseStringConcat();
            auto op = op_str == "+" ? BinaryOpExpr::Op::Add : BinaryOpExpr::Op::Sub;
            left = std::make_shared<BinaryOpExpr>(get_location(), std::move(left), std::move(right), op);
        }
        return left;
    }

    std::shared_ptr<Expression> parseStringConcat() {
        static std::regex concat_tok(R"(~(?!\}))");
        auto left = parseMathMulDiv();
        while (!consumeToken(concat_tok).empty()) {
            auto right = parseMathMulDiv();
            left = std::make_shared<BinaryOpExpr>(get_location(), std::move(left), std::move(right), BinaryOpExpr::Op::StrConcat);
        }
        return left;
    }

    std::shared_ptr<Expression> parseMathMulDiv() {
        static std::regex mul_div_tok(R"(\*(?!\*)|//?|%(?!\}))");
        auto left = parseMathPow();
        std::string op_str;
        while (!(op_str = consumeToken(mul_div_tok)).empty()) {
            auto right = parseMathPow();
            auto op = op_str == "*" ? BinaryOpExpr::Op::Mul
                : op_str == "/" ? BinaryOpExpr::Op::Div
                : op_str == "//" ? BinaryOpExpr::Op::DivDiv
                : BinaryOpExpr::Op::Mod;
            left = std::make_shared<BinaryOpExpr>(get_location(), std::move(left), std::move(right), op);
        }
        return left;
    }

    std::shared_ptr<Expression> parseMathPow() {
        auto left = parseUnary();
        while (!consumeToken("**").empty()) {
            auto right = parseUnary();
            left = std::make_shared<BinaryOpExpr>(get_location(), std::move(left), std::move(right), BinaryOpExpr::Op::MulMul);
        }
        return left;
    }

    std::shared_ptr<Expression> parseUnary(bool with_filters = true) {
        static std::regex unary_tok(R"(\+|-(?![}%#]\}))");
        auto op_str = consumeToken(unary_tok);
        std::shared_ptr<Expression> expr;
        if (op_str.empty()) expr = parseValueExpression();
        else expr = std::make_shared<UnaryOpExpr>(get_location(), parseUnary(false), op_str == "+" ? UnaryOpExpr::Op::Plus : UnaryOpExpr::Op::Minus);
        return with_filters ? parseFilters(std::move(expr)) : expr;
    }

    // One filter behind `value`, at its name.
    std::shared_ptr<Expression> parseFilter(std::shared_ptr<Expression> && value) {
        consumeSpaces();
        auto location = get_location();
        auto name = parseIdentifier();
        if (!name) throw std::runtime_error("Expected the name of a filter");
        if (!Filters().count(name->get_name())) throw missing("filter", name->get_name(), location);
        ArgumentsExpression args;
        consumeSpaces();
        if (peekSymbols({ "(" })) args = parseCallArgs();
        checkInnerName(name->get_name(), args, location);
        return std::make_shared<FilterExpr>(location, std::move(value), name->get_name(), std::move(args));
    }

    // The filter or test that map, select and their like take by name.
    void checkInnerName(const std::string & filter, const ArgumentsExpression & args, const Location & location) const {
        const bool maps = filter == "map";
        const size_t at = filter == "selectattr" || filter == "rejectattr" ? 1 : 0;
        if ((!maps && filter.rfind("select", 0) != 0 && filter.rfind("reject", 0) != 0) || args.args.size() <= at) return;
        auto literal = dynamic_cast<LiteralExpr*>(args.args[at].get());
        if (!literal || !literal->get_value().is_string()) return;
        const auto name = literal->get_value().get<std::string>();
        if (maps ? !Filters().count(name) : !Tests().count(name)) throw missing(maps ? "filter" : "test", name, location);
    }

    std::shared_ptr<Expression> parseFilters(std::shared_ptr<Expression> && value) {
        static std::regex is_tok(R"(is\b)");
        static std::regex not_tok(R"(not\b)");
        while (true) {
            if (!consumeToken("|").empty()) {
                value = parseFilter(std::move(value));
            } else if (!consumeToken(is_tok).empty()) {
                const auto negated = !consumeToken(not_tok).empty();
                consumeSpaces();
                auto location = get_location();
                auto name = parseIdentifier();
                if (!name) throw std::runtime_error("Expected the name of a test");
                const auto test = Tests().find(name->get_name());
                if (test == Tests().end()) throw missing("test", name->get_name(), location);
                ArgumentsExpression args;
                consumeSpaces();
                if (test->second && peekSymbols({ "(" })) args = parseCallArgs();
                else if (test->second) args.args.push_back(parseValueExpression());
                if (auto variable = dynamic_cast<VariableExpr*>(value.get())) known.insert(variable->get_name());
                value = std::make_shared<TestExpr>(location, std::move(value), name->get_name(), std::move(args), negated);
            } else {
                return value;
            }
        }
    }

    std::shared_ptr<Expression> parseValueExpression() {
      auto parseValue = [&]() -> std::shared_ptr<Expression> {
        auto location = get_location();
        auto constant = parseConstant();
        if (constant) return std::make_shared<LiteralExpr>(location, *constant);

        static std::regex null_regex(R"(null\b)");
        if (!consumeToken(null_regex).empty()) return std::make_shared<LiteralExpr>(location, Value::undefined());  // sftbench: Jinja has no null

        auto identifier = parseIdentifier();
        if (identifier) return identifier;

        auto braced = parseBracedExpressionOrArray();
        if (braced) return braced;

        auto array = parseArray();
        if (array) return array;

        auto dictionary = parseDictionary();
        if (dictionary) return dictionary;

        throw std::runtime_error("Expected value expression");
      };

      auto value = parseValue();

      while (it != end && consumeSpaces() && peekSymbols({ "[", ".", "(" })) {
        if (!consumeToken("[").empty()) {
          std::shared_ptr<Expression> index;
          auto slice_loc = get_location();
          std::shared_ptr<Expression> start, end, step;
          bool has_first_colon = false, has_second_colon = false;

          if (!peekSymbols({ ":" })) {
            start = parseExpression();
          }

          if (!consumeToken(":").empty()) {
            has_first_colon = true;
            if (!peekSymbols({ ":", "]" })) {
              end = parseExpression();
            }
            if (!consumeToken(":").empty()) {
              has_second_colon = true;
              if (!peekSymbols({ "]" })) {
                step = parseExpression();
              }
            }
          }

          if ((has_first_colon || has_second_colon)) {
            index = std::make_shared<SliceExpr>(slice_loc, std::move(start), std::move(end), std::move(step));
          } else {
            index = std::move(start);
          }
          if (!index) throw std::runtime_error("Empty index in subscript");
          if (consumeToken("]").empty()) throw std::runtime_error("Expected closing bracket in subscript");

          value = std::make_shared<SubscriptExpr>(value->location, std::move(value), std::move(index));
        } else if (peekSymbols({ "(" })) {
            // sftbench: a call may stand before a subscript.
            auto location = get_location();
            auto variable = dynamic_cast<VariableExpr*>(value.get());
            if (variable) called.emplace_back(variable->get_name(), variable->location);
            auto callParams = parseCallArgs();
            value = std::make_shared<CallExpr>(variable ? variable->location : location, std::move(value), std::move(callParams));
        } else if (!consumeToken(".").empty()) {
            static std::regex index_tok(R"(\d{1,9})");
            const auto index = consumeToken(index_tok);
            if (!index.empty()) {
                value = std::make_shared<SubscriptExpr>(value->location, std::move(value), std::make_shared<LiteralExpr>(get_location(), Value(static_cast<int64_t>(std::stoll(index)))));
                continue;
            }
            consumeSpaces();
            auto identifier = parseIdentifier();
            if (!identifier) throw std::runtime_error("Expected identifier in subscript");

            consumeSpaces();
            if (peekSymbols({ "(" })) {
              if (!MethodNames().count(identifier->get_name())) throw missing("method", identifier->get_name(), identifier->location);
              auto callParams = parseCallArgs();
              value = std::make_shared<MethodCallExpr>(identifier->location, std::move(value), std::move(identifier), std::move(callParams));
            } else {
              auto key = std::make_shared<LiteralExpr>(identifier->location, Value(identifier->get_name()));
              value = std::make_shared<SubscriptExpr>(identifier->location, std::move(value), std::move(key));
            }
        }
        consumeSpaces();
      }

      return value;
    }

    std::shared_ptr<Expression> parseBracedExpressionOrArray() {
        if (consumeToken("(").empty()) return nullptr;
        if (!consumeToken(")").empty()) {
          return std::make_shared<ArrayExpr>(get_location(), std::vector<std::shared_ptr<Expression>>(), /* tuple= */ true);
        }

        auto expr = parseExpression();
        if (!expr) throw std::runtime_error("Expected expression in braced expression");

        if (!consumeToken(")").empty()) {
            return expr;  // Drop the parentheses
        }

        std::vector<std::shared_ptr<Expression>> tuple;
        tuple.emplace_back(std::move(expr));

        while (it != end) {
          if (consumeToken(",").empty()) throw std::runtime_error("Expected comma in tuple");
          if (!consumeToken(")").empty()) {
              return std::make_shared<ArrayExpr>(get_location(), std::move(tuple), /* tuple= */ true);
          }
          auto next = parseExpression();
          if (!next) throw std::runtime_error("Expected expression in tuple");
          tuple.push_back(std::move(next));

          if (!consumeToken(")").empty()) {
              return std::make_shared<ArrayExpr>(get_location(), std::move(tuple), /* tuple= */ true);
          }
        }
        throw std::runtime_error("Expected closing parenthesis");
    }

    std::shared_ptr<Expression> parseArray() {
        if (consumeToken("[").empty()) return nullptr;

        std::vector<std::shared_ptr<Expression>> elements;
        if (!consumeToken("]").empty()) {
            return std::make_shared<ArrayExpr>(get_location(), std::move(elements));
        }
        auto first_expr = parseExpression();
        if (!first_expr) throw std::runtime_error("Expected first expression in array");
        elements.push_back(std::move(first_expr));

        while (it != end) {
            if (!consumeToken(",").empty()) {
              if (consumeSpaces() && peekSymbols({ "]" })) continue;
              auto expr = parseExpression();
              if (!expr) throw std::runtime_error("Expected expression in array");
              elements.push_back(std::move(expr));
            } else if (!consumeToken("]").empty()) {
                return std::make_shared<ArrayExpr>(get_location(), std::move(elements));
            } else {
                throw std::runtime_error("Expected comma or closing bracket in array");
            }
        }
        throw std::runtime_error("Expected closing bracket");
    }

    std::shared_ptr<Expression> parseDictionary() {
        if (consumeToken("{").empty()) return nullptr;

        std::vector<std::pair<std::shared_ptr<Expression>, std::shared_ptr<Expression>>> elements;
        if (!consumeToken("}").empty()) {
            return std::make_shared<DictExpr>(get_location(), std::move(elements));
        }

        auto parseKeyValuePair = [&]() {
            auto key = parseExpression();
            if (!key) throw std::runtime_error("Expected key in dictionary");
            if (consumeToken(":").empty()) throw std::runtime_error("Expected colon betweek key & value in dictionary");
            auto value = parseExpression();
            if (!value) throw std::runtime_error("Expected value in dictionary");
            elements.emplace_back(std::pair(std::move(key), std::move(value)));
        };

        parseKeyValuePair();

        while (it != end) {
            if (!consumeToken(",").empty()) {
                if (consumeSpaces() && peekSymbols({ "}" })) continue;
                parseKeyValuePair();
            } else if (!consumeToken("}").empty()) {
                return std::make_shared<DictExpr>(get_location(), std::move(elements));
            } else {
                throw std::runtime_error("Expected comma or closing brace in dictionary");
            }
        }
        throw std::runtime_error("Expected closing brace");
    }

    SpaceHandling parsePreSpace(const std::string& s) const {
        if (s == "+") return SpaceHandling::KeepAll;  // sftbench
        if (s == "-")
          return SpaceHandling::Strip;
        return SpaceHandling::Keep;
    }

    SpaceHandling parsePostSpace(const std::string& s) const {
        if (s == "+") return SpaceHandling::KeepAll;  // sftbench
        if (s == "-") return SpaceHandling::Strip;
        return SpaceHandling::Keep;
    }

    using TemplateTokenVector = std::vector<std::unique_ptr<TemplateToken>>;
    using TemplateTokenIterator = TemplateTokenVector::const_iterator;

    std::vector<std::string> parseVarNames() {
      static std::regex varnames_regex(R"(((?:\w+)(?:\s*,\s*(?:\w+))*)\s*)");

      const bool braced = !consumeToken("(").empty();  // sftbench
      std::vector<std::string> group;
      if ((group = consumeTokenGroups(varnames_regex)).empty()) throw std::runtime_error("Expected variable names");
      std::vector<std::string> varnames;
      std::istringstream iss(group[1]);
      std::string varname;
      while (std::getline(iss, varname, ',')) {
        varnames.push_back(strip(varname));
        known.insert(varnames.back());
      }
      if (braced && consumeToken(")").empty()) throw std::runtime_error("Expected closing parenthesis");
      return varnames;
    }

    std::runtime_error unexpected(const TemplateToken & token) const {
      return std::runtime_error("Unexpected " + TemplateToken::typeToString(token.type)
        + error_location_suffix(*template_str, token.location.pos));
    }
    std::runtime_error unterminated(const TemplateToken & token) const {
      return std::runtime_error("Unterminated " + TemplateToken::typeToString(token.type)
        + error_location_suffix(*template_str, token.location.pos));
    }

    TemplateTokenVector tokenize() {
      static std::regex comment_tok(R"(\{#([-~+]?)([\s\S]*?)([-~+]?)#\})");
      static std::regex expr_open_regex(R"(\{\{([-~])?)");
      static std::regex block_open_regex(R"(^\{%([-~+])?\s*)");
      static std::regex block_keyword_tok(R"((if|else|elif|endif|for|endfor|generation|endgeneration|set|endset|macro|endmacro|filter|endfilter|break|continue|raw|with|endwith|call|endcall)\b)");
      static std::regex non_text_open_regex(R"(\{\{|\{%|\{#)");
      static std::regex expr_close_regex(R"(\s*([-~])?\}\})");
      static std::regex block_close_regex(R"(\s*([-~+])?%\})");

      TemplateTokenVector tokens;
      std::vector<std::string> group;
      std::string text;
      std::smatch match;

      try {
        while (it != end) {
          auto location = get_location();

          if (!(group = consumeTokenGroups(comment_tok, SpaceHandling::Keep)).empty()) {
            auto pre_space = parsePreSpace(group[1]);
            auto content = group[2];
            auto post_space = parsePostSpace(group[3]);
            tokens.push_back(std::make_unique<CommentTemplateToken>(location, pre_space, post_space, content));
          } else if (!(group = consumeTokenGroups(expr_open_regex, SpaceHandling::Keep)).empty()) {
            auto pre_space = parsePreSpace(group[1]);
            auto expr = parseExpression();

            if ((group = consumeTokenGroups(expr_close_regex)).empty()) {
              throw std::runtime_error("Expected closing expression tag");
            }

            auto post_space = parsePostSpace(group[1]);
            tokens.push_back(std::make_unique<ExpressionTemplateToken>(location, pre_space, post_space, std::move(expr)));
          } else if (!(group = consumeTokenGroups(block_open_regex, SpaceHandling::Keep)).empty()) {
            auto pre_space = parsePreSpace(group[1]);

            std::string keyword;

            auto parseBlockClose = [&]() -> SpaceHandling {
              if ((group = consumeTokenGroups(block_close_regex)).empty()) throw std::runtime_error("Expected closing block tag");
              return parsePostSpace(group[1]);
            };

            if ((keyword = consumeToken(block_keyword_tok)).empty()) {
              consumeSpaces();
              const auto at = get_location();
              if (auto name = parseIdentifier()) throw missing("statement", name->get_name(), at);  // sftbench
              throw std::runtime_error("Expected block keyword");
            }

            if (keyword == "if") {
              auto condition = parseExpression();
              if (!condition) throw std::runtime_error("Expected condition in if block");

              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<IfTemplateToken>(location, pre_space, post_space, std::move(condition)));
            } else if (keyword == "elif") {
              auto condition = parseExpression();
              if (!condition) throw std::runtime_error("Expected condition in elif block");

              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<ElifTemplateToken>(location, pre_space, post_space, std::move(condition)));
            } else if (keyword == "else") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<ElseTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "endif") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<EndIfTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "for") {
              static std::regex recursive_tok(R"(recursive\b)");
              static std::regex if_tok(R"(if\b)");

              auto varnames = parseVarNames();
              static std::regex in_tok(R"(in\b)");
              if (consumeToken(in_tok).empty()) throw std::runtime_error("Expected 'in' keyword in for block");
              auto iterable = parseExpression(/* allow_if_expr = */ false);
              if (!iterable) throw std::runtime_error("Expected iterable in for block");

              std::shared_ptr<Expression> condition;
              if (!consumeToken(if_tok).empty()) {
                condition = parseExpression();
              }
              const auto recursive_at = get_location();
              auto recursive = !consumeToken(recursive_tok).empty();
              if (recursive) throw missing("loop form", "recursive", recursive_at);  // sftbench: upstream's repeats the outer list

              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<ForTemplateToken>(location, pre_space, post_space, std::move(varnames), std::move(iterable), std::move(condition), recursive));
            } else if (keyword == "endfor") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<EndForTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "generation") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<GenerationTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "endgeneration") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<EndGenerationTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "set") {
              static std::regex namespaced_var_regex(R"((\w+)\s*\.\s*(\w+))");

              std::string ns;
              std::vector<std::string> var_names;
              std::shared_ptr<Expression> value;
              if (!(group = consumeTokenGroups(namespaced_var_regex)).empty()) {
                ns = group[1];
                var_names.push_back(group[2]);

                if (consumeToken("=").empty()) throw std::runtime_error("Expected equals sign in set block");

                value = parseExpression();
                if (!value) throw std::runtime_error("Expected value in set block");
              } else {
                var_names = parseVarNames();

                if (!consumeToken("=").empty()) {
                  value = parseExpression();
                  if (!value) throw std::runtime_error("Expected value in set block");
                  // sftbench: a tuple without parentheses
                  std::vector<std::shared_ptr<Expression>> items;
                  while (!consumeToken(",").empty()) items.push_back(parseExpression());
                  if (!items.empty()) {
                    items.insert(items.begin(), std::move(value));
                    value = std::make_shared<ArrayExpr>(location, std::move(items), /* tuple= */ true);
                  }
                }
              }
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<SetTemplateToken>(location, pre_space, post_space, ns, var_names, std::move(value)));
            } else if (keyword == "endset") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<EndSetTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "macro") {
              auto macroname = parseIdentifier();
              if (!macroname) throw std::runtime_error("Expected macro name in macro block");
              known.insert(macroname->get_name());
              auto params = parseParameters();

              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<MacroTemplateToken>(location, pre_space, post_space, std::move(macroname), std::move(params)));
            } else if (keyword == "endmacro") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<EndMacroTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "filter") {
              // sftbench
              auto filter = parseFilter(std::make_shared<VariableExpr>(location, "{body}"));
              while (!consumeToken("|").empty()) filter = parseFilter(std::move(filter));

              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<FilterTemplateToken>(location, pre_space, post_space, std::move(filter)));
            } else if (keyword == "endfilter") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<EndFilterTemplateToken>(location, pre_space, post_space));
            } else if (keyword == "with") {
              // sftbench
              Expression::Parameters values;
              static std::regex name_tok(R"([a-zA-Z_]\w*)");
              for (std::string name; !(name = consumeToken(name_tok)).empty();) {
                known.insert(name);
                if (consumeToken("=").empty()) throw std::runtime_error("Expected equals sign in with block");
                values.emplace_back(name, parseExpression());
                if (consumeToken(",").empty()) break;
              }
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<WithTemplateToken>(location, pre_space, post_space, std::move(values)));
            } else if (keyword == "call") {
              Expression::Parameters params;
              consumeSpaces();
              if (peekSymbols({ "(" })) params = parseParameters();
              known.insert("caller");
              auto call = parseExpression();
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<CallTemplateToken>(location, pre_space, post_space, std::move(params), std::move(call)));
            } else if (keyword == "endwith" || keyword == "endcall") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<PlainTemplateToken>(keyword == "endwith" ? TemplateToken::Type::EndWith : TemplateToken::Type::EndCall, location, pre_space, post_space));
            } else if (keyword == "raw") {
              // sftbench: a text between two tokens that write nothing.
              static std::regex end_raw_regex(R"(\{%([-+]?)\s*endraw\s*([-+]?)%\})");
              auto post_space = parseBlockClose();
              if (post_space == SpaceHandling::Keep) post_space = SpaceHandling::KeepAll;  // jinja2 keeps this line break
              tokens.push_back(std::make_unique<CommentTemplateToken>(location, pre_space, post_space, ""));
              const auto text_location = get_location();
              if (!std::regex_search(it, end, match, end_raw_regex)) throw std::runtime_error("Missing endraw");
              text = std::string(it, it + match.position());
              const auto raw_pre = parsePreSpace(match[1].str()), raw_post = parsePostSpace(match[2].str());
              it += match.position() + match[0].length();
              tokens.push_back(std::make_unique<TextTemplateToken>(text_location, SpaceHandling::Keep, SpaceHandling::Keep, text));
              tokens.push_back(std::make_unique<CommentTemplateToken>(text_location, raw_pre, raw_post, ""));
            } else if (keyword == "break" || keyword == "continue") {
              auto post_space = parseBlockClose();
              tokens.push_back(std::make_unique<LoopControlTemplateToken>(location, pre_space, post_space, keyword == "break" ? LoopControlType::Break : LoopControlType::Continue));
            } else {
              throw std::runtime_error("Unexpected block: " + keyword);
            }
          } else if (std::regex_search(it, end, match, non_text_open_regex)) {
            if (!match.position()) {
                if (match[0] != "{#")
                    throw std::runtime_error("Internal error: Expected a comment");
                throw std::runtime_error("Missing end of comment tag");
            }
            auto text_end = it + match.position();
            text = std::string(it, text_end);
            it = text_end;
            tokens.push_back(std::make_unique<TextTemplateToken>(location, SpaceHandling::Keep, SpaceHandling::Keep, text));
          } else {
            text = std::string(it, end);
            it = end;
            tokens.push_back(std::make_unique<TextTemplateToken>(location, SpaceHandling::Keep, SpaceHandling::Keep, text));
          }
        }
        return tokens;
      } catch (const std::exception & e) {
        if (HasLocation(e.what())) throw;  // sftbench
        throw std::runtime_error(e.what() + error_location_suffix(*template_str, std::distance(start, it)));
      }
    }

    std::shared_ptr<TemplateNode> parseTemplate(
          const TemplateTokenIterator & begin,
          TemplateTokenIterator & it,
          const TemplateTokenIterator & end,
          bool fully = false) const {
        std::vector<std::shared_ptr<TemplateNode>> children;
        while (it != end) {
          const auto start = it;
          const auto & token = *(it++);
          if (auto if_token = dynamic_cast<IfTemplateToken*>(token.get())) {
              std::vector<std::pair<std::shared_ptr<Expression>, std::shared_ptr<TemplateNode>>> cascade;
              cascade.emplace_back(std::move(if_token->condition), parseTemplate(begin, it, end));

              while (it != end && (*it)->type == TemplateToken::Type::Elif) {
                  auto elif_token = dynamic_cast<ElifTemplateToken*>((*(it++)).get());
                  cascade.emplace_back(std::move(elif_token->condition), parseTemplate(begin, it, end));
              }

              if (it != end && (*it)->type == TemplateToken::Type::Else) {
                cascade.emplace_back(nullptr, parseTemplate(begin, ++it, end));
              }
              if (it == end || (*(it++))->type != TemplateToken::Type::EndIf) {
                  throw unterminated(**start);
              }
              children.emplace_back(std::make_shared<IfNode>(token->location, std::move(cascade)));
          } else if (auto for_token = dynamic_cast<ForTemplateToken*>(token.get())) {
              auto body = parseTemplate(begin, it, end);
              auto else_body = std::shared_ptr<TemplateNode>();
              if (it != end && (*it)->type == TemplateToken::Type::Else) {
                else_body = parseTemplate(begin, ++it, end);
              }
              if (it == end || (*(it++))->type != TemplateToken::Type::EndFor) {
                  throw unterminated(**start);
              }
              children.emplace_back(std::make_shared<ForNode>(token->location, std::move(for_token->var_names), std::move(for_token->iterable), std::move(for_token->condition), std::move(body), for_token->recursive, std::move(else_body)));
          } else if (dynamic_cast<GenerationTemplateToken*>(token.get())) {
              auto body = parseTemplate(begin, it, end);
              if (it == end || (*(it++))->type != TemplateToken::Type::EndGeneration) {
                  throw unterminated(**start);
              }
              children.emplace_back(std::make_shared<GenerationNode>(token->location, std::move(body)));
          } else if (auto text_token = dynamic_cast<TextTemplateToken*>(token.get())) {
              SpaceHandling pre_space = (it - 1) != begin ? (*(it - 2))->post_space : SpaceHandling::Keep;
              SpaceHandling post_space = it != end ? (*it)->pre_space : SpaceHandling::Keep;

              auto text = text_token->text;
              if (post_space == SpaceHandling::Strip) {
                // sftbench: by hand, the pattern \s+$ takes quadratic time.
                while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
              } else if (options.lstrip_blocks && it != end && post_space != SpaceHandling::KeepAll && !dynamic_cast<ExpressionTemplateToken*>((*it).get())) {
                auto i = text.size();
                while (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t')) i--;
                if ((i == 0 && (it - 1) == begin) || (i > 0 && text[i - 1] == '\n')) {
                  text.resize(i);
                }
              }
              if (pre_space == SpaceHandling::Strip) {
                // sftbench: by hand, as above.
                text.erase(0, static_cast<size_t>(std::find_if(text.begin(), text.end(), [](unsigned char c) { return !std::isspace(c); }) - text.begin()));
              } else if (options.trim_blocks && (it - 1) != begin && pre_space != SpaceHandling::KeepAll && !dynamic_cast<ExpressionTemplateToken*>((*(it - 2)).get())) {
                if (!text.empty() && text[0] == '\n') {
                  text.erase(0, 1);
                }
              }
              if (it == end && !options.keep_trailing_newline) {
                auto i = text.size();
                if (i > 0 && text[i - 1] == '\n') {
                  i--;
                  if (i > 0 && text[i - 1] == '\r') i--;
                  text.resize(i);
                }
              }
              children.emplace_back(std::make_shared<TextNode>(token->location, text));
          } else if (auto expr_token = dynamic_cast<ExpressionTemplateToken*>(token.get())) {
              children.emplace_back(std::make_shared<ExpressionNode>(token->location, std::move(expr_token->expr)));
          } else if (auto set_token = dynamic_cast<SetTemplateToken*>(token.get())) {
            if (set_token->value) {
              children.emplace_back(std::make_shared<SetNode>(token->location, set_token->ns, set_token->var_names, std::move(set_token->value)));
            } else {
              auto value_template = parseTemplate(begin, it, end);
              if (it == end || (*(it++))->type != TemplateToken::Type::EndSet) {
                  throw unterminated(**start);
              }
              if (!set_token->ns.empty()) throw std::runtime_error("Namespaced set not supported in set with template value");
              if (set_token->var_names.size() != 1) throw std::runtime_error("Structural assignment not supported in set with template value");
              auto & name = set_token->var_names[0];
              children.emplace_back(std::make_shared<SetTemplateNode>(token->location, name, std::move(value_template)));
            }
          } else if (auto macro_token = dynamic_cast<MacroTemplateToken*>(token.get())) {
              auto body = parseTemplate(begin, it, end);
              if (it == end || (*(it++))->type != TemplateToken::Type::EndMacro) {
                  throw unterminated(**start);
              }
              children.emplace_back(std::make_shared<MacroNode>(token->location, std::move(macro_token->name), std::move(macro_token->params), std::move(body)));
          } else if (auto filter_token = dynamic_cast<FilterTemplateToken*>(token.get())) {
              auto body = parseTemplate(begin, it, end);
              if (it == end || (*(it++))->type != TemplateToken::Type::EndFilter) {
                  throw unterminated(**start);
              }
              children.emplace_back(std::make_shared<FilterNode>(token->location, std::move(filter_token->filter), std::move(body)));
          } else if (auto with_token = dynamic_cast<WithTemplateToken*>(token.get())) {
              auto body = parseTemplate(begin, it, end);
              if (it == end || (*(it++))->type != TemplateToken::Type::EndWith) throw unterminated(**start);
              children.emplace_back(std::make_shared<WithNode>(token->location, std::move(with_token->values), std::move(body)));
          } else if (auto call_token = dynamic_cast<CallTemplateToken*>(token.get())) {
              auto body = parseTemplate(begin, it, end);
              if (it == end || (*(it++))->type != TemplateToken::Type::EndCall) throw unterminated(**start);
              auto block = std::make_shared<MacroNode>(token->location, std::make_shared<VariableExpr>(token->location, "caller"), std::move(call_token->params), std::move(body));
              children.emplace_back(std::make_shared<CallNode>(token->location, std::move(block), std::move(call_token->call)));
          } else if (dynamic_cast<CommentTemplateToken*>(token.get())) {
              // Ignore comments
          } else if (auto ctrl_token = dynamic_cast<LoopControlTemplateToken*>(token.get())) {
              children.emplace_back(std::make_shared<LoopControlNode>(token->location, ctrl_token->control_type));
          } else if (dynamic_cast<EndForTemplateToken*>(token.get())
                  || dynamic_cast<EndSetTemplateToken*>(token.get())
                  || dynamic_cast<EndMacroTemplateToken*>(token.get())
                  || dynamic_cast<EndFilterTemplateToken*>(token.get())
                  || dynamic_cast<EndIfTemplateToken*>(token.get())
                  || dynamic_cast<ElseTemplateToken*>(token.get())
                  || dynamic_cast<EndGenerationTemplateToken*>(token.get())
                  || dynamic_cast<PlainTemplateToken*>(token.get())
                  || dynamic_cast<ElifTemplateToken*>(token.get())) {
              it--;  // unconsume the token
              break;  // exit the loop
          } else {
              throw unexpected(**(it-1));
          }
        }
        if (fully && it != end) {
            throw unexpected(**it);
        }
        if (children.empty()) {
          return std::make_shared<TextNode>(Location { template_str, 0 }, std::string());
        } else if (children.size() == 1) {
          return std::move(children[0]);
        } else {
          return std::make_shared<SequenceNode>(children[0]->location(), std::move(children));
        }
    }

public:

    static std::shared_ptr<TemplateNode> parse(const std::string& template_str, const Options & options) {
        Parser parser(std::make_shared<std::string>(normalize_newlines(template_str)), options);
        auto tokens = parser.tokenize();
        for (const auto & [name, location] : parser.called) {  // sftbench
          if (!parser.known.count(name)) throw parser.missing("function", name, location);
        }
        TemplateTokenIterator begin = tokens.begin();
        auto it = begin;
        TemplateTokenIterator end = tokens.end();
        return parser.parseTemplate(begin, it, end, /* fully= */ true);
    }
};

static Value simple_function(const std::string & fn_name, const std::vector<std::string> & params, const std::function<Value(const std::shared_ptr<Context> &, Value & args)> & fn) {
  std::map<std::string, size_t> named_positions;
  for (size_t i = 0, n = params.size(); i < n; i++) named_positions[params[i]] = i;

  return Value::callable([=](const std::shared_ptr<Context> & context, ArgumentsValue & args) -> Value {
    auto args_obj = Value::object();
    std::vector<bool> provided_args(params.size());
    for (size_t i = 0, n = args.args.size(); i < n; i++) {
      auto & arg = args.args[i];
      if (i < params.size()) {
        args_obj.set(params[i], arg);
        provided_args[i] = true;
      } else {
        throw std::runtime_error("Too many positional params for " + fn_name);
      }
    }
    for (auto & [name, value] : args.kwargs) {
      auto named_pos_it = named_positions.find(name);
      if (named_pos_it == named_positions.end()) {
        throw std::runtime_error("Unknown argument " + name + " for function " + fn_name);
      }
      provided_args[named_pos_it->second] = true;
      args_obj.set(name, value);
    }
    return fn(context, args_obj);
  });
}

// sftbench: an attribute as Jinja's filters name it, "a.b" or an index.
static Value AttributeOf(Value item, const Value & attribute) {
  if (attribute.is_null()) return item;
  if (!attribute.is_string()) return item.get(attribute);
  for (const auto & part : split(attribute.get<std::string>(), ".")) {
    const bool number = !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
    item = number ? item.get(Value(static_cast<int64_t>(std::stoll(part)))) : item.get(Value(part));
  }
  return item;
}
static std::vector<Value> ItemsOf(const Value & value) {
  std::vector<Value> out;
  if (!value.is_undefined() && !value.is_iterable()) throw std::runtime_error(value.type_name() + " has no items");
  value.for_each([&](Value & item) { out.push_back(item); });
  return out;
}
// What map, select and their like walk: nothing, where the value is false.
static std::vector<Value> ItemsIfAny(const Value & value) { return value.to_bool() ? ItemsOf(value) : std::vector<Value>(); }
// As Python's json.dumps, but for its escapes of what is not ASCII.
struct JsonForm {
  int64_t indent = -1;
  std::string item = ", ", key = ": ";
  bool sorted = false;
};
static void WriteJson(Value value, const JsonForm & form, int level, std::ostringstream & out) {
  if (level > Limits::kMaxDepth) throw std::runtime_error("nested deeper than 250 levels");
  Limits::CheckBytes(static_cast<size_t>(out.tellp()));
  const bool object = value.is_object() && !value.is_callable();
  if ((!object && !value.is_array()) || value.size() == 0) {
    out << value.dump(-1, /* to_json= */ true);
    return;
  }
  const auto line = [&](int depth) {
    if (form.indent >= 0) out << "\n" << std::string(static_cast<size_t>(form.indent) * static_cast<size_t>(depth), ' ');
  };
  bool first = true;
  const auto next = [&] {
    if (!first) out << form.item;
    first = false;
    line(level + 1);
  };
  out << (object ? "{" : "[");
  if (object) {
    auto keys = value.keys();
    if (form.sorted) std::sort(keys.begin(), keys.end());
    for (const auto & key : keys) {
      next();
      if (key.is_string()) out << key.dump(-1, /* to_json= */ true);
      else out << '"' << key.dump(-1, /* to_json= */ true) << '"';
      out << form.key;
      WriteJson(value.at(key), form, level + 1, out);
    }
  } else {
    value.for_each([&](Value & item) {
      next();
      WriteJson(item, form, level + 1, out);
    });
  }
  line(level);
  out << (object ? "}" : "]");
}
static Value FoldCase(const Value & value, bool case_sensitive) {
  return value.is_string() && !case_sensitive ? Value(Lower(value.get<std::string>())) : value;
}

// sftbench: the filters, which are no variables of a template.
inline const std::unordered_map<std::string, Value> & Filters() {
  static const std::unordered_map<std::string, Value> filters = [] {
    using Args = Value;
    std::unordered_map<std::string, Value> out;
    const auto add = [&](const std::string & name, const std::vector<std::string> & params, const std::function<Value(Value & value, Args & args)> & fn) {
      out[name] = simple_function(name, params, [fn, first = params[0]](const std::shared_ptr<Context> &, Value & args) {
        if (!args.contains(first)) throw std::runtime_error("a filter without a value");
        Value value = args.at(first);
        return fn(value, args);
      });
    };
    const auto add_text = [&](const std::string & name, const std::function<std::string(const std::string &)> & fn) {
      add(name, {"s"}, [fn](Value & value, Args &) { return Value(fn(value.to_str())); });
    };
    const auto given = [](const Args & args, const std::string & name) { return args.contains(name) ? args.at(name) : Value(); };
    const auto flag = [given](const Args & args, const std::string & name) { return given(args, name).to_bool(); };
    const auto whole = [given](const Args & args, const std::string & name, int64_t otherwise) {
      const Value v = given(args, name);
      return v.is_null() ? otherwise : v.integer(name);
    };

    add_text("upper", Upper);
    add_text("lower", Lower);
    add_text("capitalize", Capitalize);
    add_text("title", TitleFilter);
    add_text("string", [](const std::string & s) { return s; });
    add_text("safe", [](const std::string & s) { return s; });
    add_text("escape", html_escape);
    add_text("e", html_escape);
    add("trim", {"value", "chars"}, [given](Value & value, Args & args) {
      const Value chars = given(args, "chars");
      return Value(strip(value.to_str(), chars.is_null() ? "" : chars.text("trim")));
    });
    add("replace", {"s", "old", "new", "count"}, [whole](Value & value, Args & args) {
      return Value(ReplaceText(value.to_str(), args.at("old").to_str(), args.at("new").to_str(), whole(args, "count", -1)));
    });
    add("center", {"value", "width"}, [whole](Value & value, Args & args) {
      ArgumentsValue width{{Value(whole(args, "width", 80))}, {}};
      return StringMethod("center", value.to_str(), width);
    });
    add("urlencode", {"value"}, [](Value & value, Args &) {
      std::string text;
      for (const unsigned char c : value.is_iterable() && !value.is_string() ? throw std::runtime_error("urlencode of a mapping or list is not read") : value.to_str()) {
        char escaped[4];
        if (std::isalnum(c) || (c != 0 && std::strchr("_.-~/", c))) text += static_cast<char>(c);
        else { std::snprintf(escaped, sizeof(escaped), "%%%02X", c); text += escaped; }
      }
      return Value(text);
    });
    add("wordcount", {"s"}, [](Value & value, Args &) {
      int64_t count = 0;
      bool inside = false;
      for (const auto & c : Chars(value.to_str())) {
        const bool word = c == "_" || u_isalnum(static_cast<UChar32>(CodePoint(c)));
        count += word && !inside;
        inside = word;
      }
      return Value(count);
    });
    add("indent", {"s", "width", "first", "blank"}, [given, flag](Value & value, Args & args) {
      const Value width = given(args, "width");
      std::string pad = width.is_string() ? width.get<std::string>() : "";
      if (!width.is_string()) {
        const int64_t n = width.is_null() ? 4 : width.integer("indent");
        if (n < 0 || n > 64) throw std::runtime_error("indent is not in [0, 64]");
        pad.assign(static_cast<size_t>(n), ' ');
      }
      std::string text;
      const auto parts = split(value.to_str(), "\n");
      for (size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text += "\n";
        if (i == 0 ? flag(args, "first") : flag(args, "blank") || !parts[i].empty()) text += pad;
        text += parts[i];
        Limits::CheckBytes(text.size());
      }
      return Value(text);
    });
    out["format"] = Value::callable([](const std::shared_ptr<Context> &, ArgumentsValue & args) {
      auto names = Value::object();
      for (const auto & [name, value] : args.kwargs) names.set(name, value);
      if (!args.kwargs.empty() && args.args.size() > 1) throw std::runtime_error("format takes values or names, not both");
      return Value(PercentFormat(args.args.at(0).to_str(), {args.args.begin() + 1, args.args.end()}, args.kwargs.empty() ? Value() : names));
    });

    add("int", {"value", "default", "base"}, [given](Value & value, Args & args) {
      if (args.contains("base")) throw std::runtime_error("int with a base is not read");
      if (value.is_whole()) return Value(value.whole());
      const Value otherwise = args.contains("default") ? given(args, "default") : Value(int64_t{0});
      double number = 0;
      if (value.is_number()) number = value.number();
      else if (!value.is_string() || !ParseNumber(value.get<std::string>(), number)) return otherwise;
      return std::abs(number) < 9e18 ? Value(static_cast<int64_t>(number)) : otherwise;
    });
    add("float", {"value", "default"}, [given](Value & value, Args & args) {
      double number = 0;
      if (value.is_numeric()) return Value(value.number());
      if (value.is_string() && ParseNumber(value.get<std::string>(), number)) return Value(number);
      return args.contains("default") ? given(args, "default") : Value(0.0);
    });
    add("abs", {"x"}, [](Value & value, Args &) {
      value.CheckNumbers(value, "abs");
      if (!value.is_whole()) return Value(std::abs(value.number()));
      return value.whole() < 0 ? Value(int64_t{0}) - value : Value(value.whole());
    });
    add("round", {"value", "precision", "method"}, [given, whole](Value & value, Args & args) {
      value.CheckNumbers(value, "round");
      const int64_t digits = whole(args, "precision", 0);
      if (args.contains("method") && given(args, "method").to_str() != "common") throw std::runtime_error("round with a method is not read");
      if (digits < 0 || digits > 15) throw std::runtime_error("round to that precision is not read");
      if (value.is_whole()) return Value(value.whole());
      char text[400];
      std::snprintf(text, sizeof(text), "%.*f", static_cast<int>(digits), value.number());
      return Value(std::strtod(text, nullptr));
    });

    for (const char * name : {"length", "count"}) {
      add(name, {"object"}, [](Value & value, Args &) { return Value(static_cast<int64_t>(value.size())); });
    }
    add("list", {"value"}, [](Value & value, Args &) { return Value::array(ItemsOf(value)); });
    add("first", {"seq"}, [](Value & value, Args &) {
      const auto items = ItemsOf(value);
      return items.empty() ? Value::undefined() : items.front();
    });
    add("last", {"seq"}, [](Value & value, Args &) {
      const auto items = ItemsOf(value);
      return items.empty() ? Value::undefined() : items.back();
    });
    add("reverse", {"value"}, [](Value & value, Args &) {
      auto items = ItemsOf(value);
      std::reverse(items.begin(), items.end());
      if (!value.is_string()) return Value::array(items);
      std::string text;
      for (const auto & c : items) text += c.get<std::string>();
      return Value(text);
    });
    add("join", {"value", "d", "attribute"}, [given](Value & value, Args & args) {
      const std::string sep = args.contains("d") ? given(args, "d").to_str() : "";
      std::string text;
      bool first = true;
      for (const auto & item : ItemsOf(value)) {
        if (!first) text += sep;
        first = false;
        text += AttributeOf(item, given(args, "attribute")).to_str();
        Limits::CheckBytes(text.size());
      }
      return Value(text);
    });
    add("sum", {"iterable", "attribute", "start"}, [given](Value & value, Args & args) {
      Value total = args.contains("start") ? given(args, "start") : Value(int64_t{0});
      for (const auto & item : ItemsOf(value)) total = total + AttributeOf(item, given(args, "attribute"));
      return total;
    });
    for (const bool max : {false, true}) {
      add(max ? "max" : "min", {"value", "case_sensitive", "attribute"}, [given, flag, max](Value & value, Args & args) {
        Value best = Value::undefined(), best_key;
        for (const auto & item : ItemsOf(value)) {
          const Value key = FoldCase(AttributeOf(item, given(args, "attribute")), flag(args, "case_sensitive"));
          if (best.is_undefined() || (max ? key > best_key : key < best_key)) {
            best = item;
            best_key = key;
          }
        }
        return best;
      });
    }
    add("sort", {"value", "reverse", "case_sensitive", "attribute"}, [given, flag](Value & value, Args & args) {
      std::vector<std::pair<Value, Value>> keyed;
      for (const auto & item : ItemsOf(value)) keyed.emplace_back(FoldCase(AttributeOf(item, given(args, "attribute")), flag(args, "case_sensitive")), item);
      const bool down = flag(args, "reverse");
      std::stable_sort(keyed.begin(), keyed.end(), [down](const auto & a, const auto & b) { return down ? b.first < a.first : a.first < b.first; });
      auto sorted = Value::array();
      for (const auto & [key, item] : keyed) sorted.push_back(item);
      return sorted;
    });
    add("unique", {"value", "case_sensitive", "attribute"}, [given, flag](Value & value, Args & args) {
      auto seen = Value::array(), kept = Value::array();
      for (const auto & item : ItemsOf(value)) {
        const Value key = FoldCase(AttributeOf(item, given(args, "attribute")), flag(args, "case_sensitive"));
        if (seen.contains(key)) continue;
        seen.push_back(key);
        kept.push_back(item);
      }
      return kept;
    });
    add("batch", {"value", "linecount", "fill_with"}, [given, whole](Value & value, Args & args) {
      const auto n = whole(args, "linecount", 0);
      if (n < 1) throw std::runtime_error("batch of fewer than one");
      auto rows = Value::array();
      auto row = Value::array();
      for (const auto & item : ItemsOf(value)) {
        if (static_cast<int64_t>(row.size()) == n) {
          rows.push_back(row);
          row = Value::array();
        }
        row.push_back(item);
      }
      if (row.size() == 0) return rows;
      Limits::CheckItems(static_cast<size_t>(std::min<int64_t>(n, 1 << 30)));
      const Value fill = given(args, "fill_with");
      while (!fill.is_null() && static_cast<int64_t>(row.size()) < n) row.push_back(fill);
      rows.push_back(row);
      return rows;
    });
    add("slice", {"value", "slices", "fill_with"}, [given, whole](Value & value, Args & args) {
      const auto items = ItemsOf(value);
      const auto n = whole(args, "slices", 0);
      if (n < 1) throw std::runtime_error("slice into fewer than one");
      Limits::CheckItems(static_cast<size_t>(n));
      const auto size = static_cast<int64_t>(items.size()), each = size / n, more = size % n;
      const Value fill = given(args, "fill_with");
      auto rows = Value::array();
      size_t at = 0;
      for (int64_t i = 0; i < n; ++i) {
        auto row = Value::array();
        for (int64_t k = each + (i < more ? 1 : 0); k > 0; --k) row.push_back(items[at++]);
        if (!fill.is_null() && i >= more) row.push_back(fill);
        rows.push_back(row);
      }
      return rows;
    });
    add("items", {"value"}, [](Value & value, Args &) {
      auto pairs = Value::array();
      if (value.is_undefined()) return pairs;
      if (!value.is_object()) throw std::runtime_error("Can only get item pairs from a mapping");
      for (auto & key : value.keys()) pairs.push_back(Value::tuple({key, value.at(key)}));
      return pairs;
    });
    add("dictsort", {"value", "case_sensitive", "by", "reverse"}, [given, flag](Value & value, Args & args) {
      const bool by_value = args.contains("by") && given(args, "by").to_str() == "value", down = flag(args, "reverse");
      std::vector<std::pair<Value, Value>> keyed;
      for (auto & key : value.keys()) {
        keyed.emplace_back(FoldCase(by_value ? value.at(key) : key, flag(args, "case_sensitive")), Value::tuple({key, value.at(key)}));
      }
      std::stable_sort(keyed.begin(), keyed.end(), [down](const auto & a, const auto & b) { return down ? b.first < a.first : a.first < b.first; });
      auto sorted = Value::array();
      for (const auto & [key, item] : keyed) sorted.push_back(item);
      return sorted;
    });
    // transformers' own: json.dumps without its escapes of what is not ASCII.
    add("tojson", {"value", "ensure_ascii", "indent", "separators", "sort_keys"}, [given, flag, whole](Value & value, Args & args) {
      JsonForm form;
      form.indent = whole(args, "indent", -1);
      if (form.indent > 64) throw std::runtime_error("indent is larger than 64");
      if (form.indent >= 0) form.item = ",";
      form.sorted = flag(args, "sort_keys");
      if (const Value separators = given(args, "separators"); !separators.is_null()) {
        const auto two = ItemsOf(separators);
        if (two.size() != 2) throw std::runtime_error("separators are not two");
        form.item = two[0].text("tojson");
        form.key = two[1].text("tojson");
      }
      std::ostringstream json_out;
      WriteJson(value, form, 0, json_out);
      const std::string text = json_out.str();
      if (!flag(args, "ensure_ascii")) return Value(text);
      std::string ascii;
      for (const auto & c : Chars(text)) {
        uint32_t u = CodePoint(c);
        char escape[16];
        if (u < 0x80) ascii += c;
        else if (u < 0x10000) { std::snprintf(escape, sizeof(escape), "\\u%04x", u); ascii += escape; }
        else {
          u -= 0x10000;
          std::snprintf(escape, sizeof(escape), "\\u%04x\\u%04x", 0xD800 + (u >> 10), 0xDC00 + (u & 0x3FF));
          ascii += escape;
        }
      }
      return Value(ascii);
    });

    for (const char * name : {"default", "d"}) {
      out[name] = Value::callable([](const std::shared_ptr<Context> &, ArgumentsValue & args) {
        args.expectArgs("default", {1, 3}, {0, 2});
        const Value & value = args.args[0];
        const Value otherwise = args.args.size() > 1 ? args.args[1] : args.has_named("default_value") ? args.get_named("default_value") : Value("");
        const bool boolean = (args.args.size() > 2 ? args.args[2] : args.get_named("boolean")).to_bool();
        return (boolean ? !value.to_bool() : value.is_undefined()) ? otherwise : value;
      });
    }
    out["map"] = Value::callable([](const std::shared_ptr<Context> & context, ArgumentsValue & args) {
      auto mapped = Value::array();
      if (args.args.size() == 1 && args.has_named("attribute")) {
        for (const auto & item : ItemsIfAny(args.args[0])) {
          const Value attribute = AttributeOf(item, args.get_named("attribute"));
          mapped.push_back(attribute.is_undefined() && args.has_named("default") ? args.get_named("default") : attribute);
        }
        return mapped;
      }
      if (args.args.size() < 2) throw std::runtime_error("map needs a filter or an attribute");
      const auto name = args.args[1].text("map");
      const auto filter = Filters().find(name);
      if (filter == Filters().end()) throw std::runtime_error("no filter '" + name + "'");
      for (const auto & item : ItemsIfAny(args.args[0])) {
        ArgumentsValue filter_args{{item}, args.kwargs};
        filter_args.args.insert(filter_args.args.end(), args.args.begin() + 2, args.args.end());
        mapped.push_back(filter->second.call(context, filter_args));
      }
      return mapped;
    });
    const auto add_select = [&](const std::string & name, bool selects, bool by_attribute) {
      out[name] = Value::callable([name, selects, by_attribute](const std::shared_ptr<Context> &, ArgumentsValue & args) {
        if (!args.kwargs.empty() || args.args.size() < (by_attribute ? 2u : 1u)) throw std::runtime_error(name + " takes an attribute and a test");
        const size_t test = by_attribute ? 2 : 1;
        auto kept = Value::array();
        for (const auto & item : ItemsIfAny(args.args[0])) {
          const Value value = by_attribute ? AttributeOf(item, args.args[1]) : item;
          const bool holds = args.args.size() > test ? RunTest(args.args[test].text(name), value, {args.args.begin() + static_cast<std::ptrdiff_t>(test) + 1, args.args.end()}) : value.to_bool();
          if (holds == selects) kept.push_back(item);
        }
        return kept;
      });
    };
    add_select("select", true, false);
    add_select("reject", false, false);
    add_select("selectattr", true, true);
    add_select("rejectattr", false, true);
    return out;
  }();
  return filters;
}

// sftbench: the mapping, or pairs, that dict() and namespace() may begin with.
static Value MappingOf(const ArgumentsValue & args) {
  auto out = Value::object();
  if (args.args.empty()) return out;
  Value from = args.args[0];
  if (from.is_object()) {
    for (const auto & key : from.keys()) out.set(key, from.at(key));
    return out;
  }
  for (const auto & pair : ItemsOf(from)) {
    const auto two = ItemsOf(pair);
    if (two.size() != 2) throw std::runtime_error("dict wants pairs");
    out.set(two[0], two[1]);
  }
  return out;
}

inline std::shared_ptr<Context> Context::builtins() {
  auto globals = Value::object();

  globals.set("raise_exception", simple_function("raise_exception", { "message" }, [](const std::shared_ptr<Context> &, Value & args) -> Value {
    throw std::runtime_error(args.at("message").get<std::string>());
  }));
  globals.set("dict", Value::callable([](const std::shared_ptr<Context> &, ArgumentsValue & args) {
    args.expectArgs("dict", {0, 1}, {0, (std::numeric_limits<size_t>::max)()});
    auto out = MappingOf(args);
    for (auto & [name, value] : args.kwargs) out.set(name, value);
    return out;
  }));
  globals.set("joiner", simple_function("joiner", { "sep" }, [](const std::shared_ptr<Context> &, Value & args) {
    auto sep = args.get<std::string>("sep", "");
    auto first = std::make_shared<bool>(true);
    return simple_function("", {}, [sep, first](const std::shared_ptr<Context> &, const Value &) -> Value {
      if (*first) {
        *first = false;
        return "";
      }
      return sep;
    });
  }));
  globals.set("namespace", Value::callable([=](const std::shared_ptr<Context> &, ArgumentsValue & args) {
    args.expectArgs("namespace", {0, 1}, {0, (std::numeric_limits<size_t>::max)()});
    auto ns = MappingOf(args);
    for (auto & [name, value] : args.kwargs) {
      ns.set(name, value);
    }
    return ns;
  }));
  globals.set("range", Value::callable([=](const std::shared_ptr<Context> &, ArgumentsValue & args) {
    std::vector<int64_t> startEndStep(3);
    std::vector<bool> param_set(3);
    if (args.args.size() == 1) {
      startEndStep[1] = args.args[0].get<int64_t>();
      param_set[1] = true;
    } else {
      for (size_t i = 0; i < args.args.size(); i++) {
        auto & arg = args.args[i];
        auto v = arg.get<int64_t>();
        startEndStep[i] = v;
        param_set[i] = true;
      }
    }
    for (auto & [name, value] : args.kwargs) {
      size_t i;
      if (name == "start") {
        i = 0;
      } else if (name == "end") {
        i = 1;
      } else if (name == "step") {
        i = 2;
      } else {
        throw std::runtime_error("Unknown argument " + name + " for function range");
      }

      if (param_set[i]) {
        throw std::runtime_error("Duplicate argument " + name + " for function range");
      }
      startEndStep[i] = value.get<int64_t>();
      param_set[i] = true;
    }
    if (!param_set[1]) {
      throw std::runtime_error("Missing required argument 'end' for function range");
    }
    int64_t start = param_set[0] ? startEndStep[0] : 0;
    int64_t end = startEndStep[1];
    int64_t step = param_set[2] ? startEndStep[2] : 1;

    // sftbench: a zero step would never end.
    if (step == 0) throw std::runtime_error("range() step is zero");
    for (int64_t bound : {start, end, step}) {
      if (bound > (int64_t{1} << 40) || bound < -(int64_t{1} << 40)) throw std::runtime_error("range() argument out of bounds");
    }
    Limits::CheckItems(static_cast<size_t>(std::abs((end - start) / step)));
    auto res = Value::array();
    if (step > 0) {
      for (int64_t i = start; i < end; i += step) {
        res.push_back(Value(i));
      }
    } else {
      for (int64_t i = start; i > end; i += step) {
        res.push_back(Value(i));
      }
    }
    return res;
  }));

  return std::make_shared<Context>(std::move(globals));
}

inline std::shared_ptr<Context> Context::make(Value && values, const std::shared_ptr<Context> & parent) {
  return std::make_shared<Context>(values.is_null() ? Value::object() : std::move(values), parent);
}

}  // namespace minja
