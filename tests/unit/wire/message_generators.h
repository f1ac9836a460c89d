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

template <class T>
rc::Gen<T> arbitrary();

template <class T>
struct Generate {
  static rc::Gen<T> gen() {
    static_assert(Fields<T>::kCount == member_count<T>(), "NDSHARE_FIELDS misses a member");
    return rc::gen::exec([] {
      T out;
      Fields<T>::each(out, [](const char*, auto& field) { field = *arbitrary<std::decay_t<decltype(field)>>(); });
      return out;
    });
  }
};
template <class T>
  requires(std::is_arithmetic_v<T> || std::is_same_v<T, std::string>)
struct Generate<T> {
  static rc::Gen<T> gen() { return rc::gen::arbitrary<T>(); }
};
template <class T>
struct Generate<std::vector<T>> {
  static rc::Gen<std::vector<T>> gen() { return rc::gen::container<std::vector<T>>(arbitrary<T>()); }
};
template <class A, class B>
struct Generate<std::pair<A, B>> {
  static rc::Gen<std::pair<A, B>> gen() { return rc::gen::pair(arbitrary<A>(), arbitrary<B>()); }
};

template <class T>
rc::Gen<T> arbitrary() {
  return Generate<T>::gen();
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
