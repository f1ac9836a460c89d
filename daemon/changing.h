/// A client that had no answer in time lets its claim go; what it asked for must not happen under whatever claim comes next.
///
/// The client stores the number of the request in SlotClaims::given_up and then looks at `changing`; the daemon stores
/// `changing` and then looks at `given_up` (both seq_cst: Dekker's pattern). So either the daemon sees that nobody wants the
/// change any more and refuses it, or the client sees that it is being made and keeps its claim until it is.
/// See Connection::give_up_request().
#pragma once

#include <cstdint>

#include <ndshare/error.h>

#include "lib/shm/sync_format.h"

namespace ndshare::internal {

class Changing {
 public:
  /// Errors: Timeout: the client gave the request up.
  Changing(SlotClaims& claims, std::uint64_t sequence) : claims_(claims) {
    claims_.changing.store(sequence, std::memory_order_seq_cst);
    const auto given_up = claims_.given_up.load(std::memory_order_seq_cst);
    if (given_up == 0 || sequence > given_up) return;
    claims_.changing.store(0, std::memory_order_seq_cst);
    throw Error(ErrorCode::Timeout, "the client gave this request up before it was looked at");
  }
  ~Changing() { claims_.changing.store(0, std::memory_order_seq_cst); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  SlotClaims& claims_;
};

}  // namespace ndshare::internal
