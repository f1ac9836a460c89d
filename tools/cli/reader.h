/// Arrays to read: from a running store, or from its segments when no daemon runs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/admin.h>
#include <ndshare/store.h>

#include "tools/cli/array_argument.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {

/// What the verbs that only read use (`ls info show get`). Falls back to the segments for the store's owner, and says
/// so.
class Reader {
 public:
  /// Errors: NoSuchStore when there are no segments either; as Store::connect().
  explicit Reader(Context& context);

  [[nodiscard]] std::vector<ArrayInfo> list(std::string_view pattern) const;
  [[nodiscard]] ArrayInfo info(const std::string& name) const;
  [[nodiscard]] std::vector<StreamInfo> streams(std::string_view pattern) const;
  /// The part of an array that a word of the command line names. A view where a daemon runs, else a copy.
  [[nodiscard]] Array array(std::string_view argument) const;
  /// An array as far as dtype and layout go, for plans: without a daemon its memory is empty, and never touched.
  [[nodiscard]] Array outline(const std::string& name) const;
  /// Name and steps of such a word.
  [[nodiscard]] ArrayArgument parse(std::string_view argument) const;

 private:
  [[nodiscard]] bool contains(const std::string& name) const;
  std::optional<Store> store_;
  std::optional<admin::Inspector> inspector_;
};

/// As Store::contains(), with false for what cannot be a name.
[[nodiscard]] bool contains(const Store& store, const std::string& name);

}  // namespace ndshare::cli
