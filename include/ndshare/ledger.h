// The ledger of copies: every operation that copies elements says so, with its reason.
#pragma once

#include <ndshare/export.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ndshare {

/// Why elements were copied (copy_list.inc).
enum class CopyReason : std::uint8_t {
#define NDSHARE_COPY_REASON(name, doc) name,
#include <ndshare/copy_list.inc>
};
[[nodiscard]] NDSHARE_API std::string_view copy_reason_name(CopyReason reason) noexcept;
[[nodiscard]] NDSHARE_API std::string_view copy_reason_meaning(CopyReason reason) noexcept;

inline constexpr std::size_t kCopyReasons = 0
#define NDSHARE_COPY_REASON(name, doc) +1
#include <ndshare/copy_list.inc>
    ;

/// Copies and bytes, by reason.
struct CopyTotals {
  struct Line {
    std::uint64_t copies = 0, bytes = 0;
    friend bool operator==(const Line&, const Line&) = default;
  };
  std::array<Line, kCopyReasons> lines{};

  [[nodiscard]] const Line& operator[](CopyReason reason) const noexcept { return lines[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t bytes() const noexcept;   ///< of all reasons
  [[nodiscard]] std::uint64_t copies() const noexcept;  ///< of all reasons
  [[nodiscard]] std::string text() const;               ///< a table of what is not 0
};

/// Of the whole process since it started.   Threads: safe.
[[nodiscard]] NDSHARE_API CopyTotals copy_totals() noexcept;

/// Counts the calling thread's copies until its end: `nd::CopyAudit audit; …; audit.totals().bytes()`.
///   Threads: of the thread that made it; audits nest, each counts all.
class NDSHARE_API CopyAudit {
 public:
  CopyAudit() noexcept;
  ~CopyAudit();
  CopyAudit(const CopyAudit&) = delete;
  CopyAudit& operator=(const CopyAudit&) = delete;
  [[nodiscard]] CopyTotals totals() const noexcept;

 private:
  CopyTotals start_;
};

/// Until its end a copy that was not asked for (`copy`, `astype`, `flatten` and assignments ask) is Error::CopyForbidden,
/// before anything is copied.   Threads: of the thread that made it.
class NDSHARE_API ForbidCopies {
 public:
  ForbidCopies() noexcept;
  ~ForbidCopies();
  ForbidCopies(const ForbidCopies&) = delete;
  ForbidCopies& operator=(const ForbidCopies&) = delete;
};
using forbid_copies = ForbidCopies;

}  // namespace ndshare
