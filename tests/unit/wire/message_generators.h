/// RapidCheck generators and equality for every message, made from the same field lists.
///
/// A field that a list forgets would be lost on the wire and, compared by that list, missed: each list is counted against the
/// struct's own number of members (from aggregate initialisation, see field_count).
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "lib/wire/fields.h"

namespace ndshare::internal {

/// Converts to any member type: `T{Anything{}, …}` compiles for as many as T has members.
struct Anything {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): that is its job
};

template <class T, class... Args>
constexpr std::size_t member_count() {
  if constexpr (!requires { T{Args{}..., Anything{}}; }) {
    return sizeof...(Args);
  } else {
    return member_count<T, Args..., Anything>();
  }
}

/// Picks a value for `field`, part by part: only numbers and text have generators of their own, which keeps a hundred messages cheap to
/// compile.   REQUIRES: within a property.
template <class T>
void pick(T& field) {
  if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    field = *rc::gen::arbitrary<T>();
  } else if constexpr (requires { field.first; }) {
    pick(field.first), pick(field.second);
  } else if constexpr (requires { field.resize(1); }) {
    field.resize(*rc::gen::inRange<std::size_t>(0, 8));
    for (auto& item : field) pick(item);
  } else {
    static_assert(Fields<T>::kCount == member_count<T>(), "NDSHARE_FIELDS misses a member");
    Fields<T>::each(field, [](const char*, auto& part) { pick(part); });
  }
}

template <class T>
T arbitrary() {
  T out;
  pick(out);
  return out;
}

/// Values as flat text, for equality.
template <class T>
void flatten(const T& value, std::string& out) {
  if constexpr (std::is_same_v<T, std::string>) {
    out += std::to_string(value.size()) + ":" + value;
  } else if constexpr (std::is_arithmetic_v<T>) {
    out += std::to_string(value) + ",";
  } else if constexpr (requires { value.first; }) {
    flatten(value.first, out), flatten(value.second, out);
  } else if constexpr (requires { value.begin(); }) {
    out += std::to_string(value.size()) + "[";
    for (const auto& item : value) flatten(item, out);
  } else {
    Fields<T>::each(value, [&](const char*, const auto& field) { flatten(field, out); });
  }
}

template <class T>
bool same(const T& a, const T& b) {
  std::string x, y;
  flatten(a, x), flatten(b, y);
  return x == y;
}

}  // namespace ndshare::internal
