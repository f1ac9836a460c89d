/// Where a save's arrays come from: views over a connection or, where no daemon serves, the segments themselves.
///   Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/store.h>

#include "client/segment_reader.h"

namespace ndshare::internal {

class SaveSource {
 public:
  /// Errors: as Store::connect(); without a daemon as SegmentReader().
  SaveSource(std::string_view store, std::chrono::nanoseconds timeout);

  [[nodiscard]] std::string store_name() const { return address_text(address_); }
  /// What is to be saved: visible arrays that outlive their makers.
  [[nodiscard]] std::vector<ArrayInfo> list() const;
  /// The array as it is now; waits for writers in place. Nothing where it was removed.
  ///   Errors: Timeout, Busy (they do not end); TooManyClaims, MapLimit (let go of others first).
  std::optional<PinnedArray> pin(const std::string& name);

 private:
  std::optional<PinnedArray> pin_view(const std::string& name);

  StoreAddress address_;
  std::chrono::nanoseconds timeout_;
  std::optional<Store> store_;
  std::optional<SegmentReader> reader_;
};

}  // namespace ndshare::internal
