#include <ndshare/error.h>
#include <ndshare/ledger.h>

#include "lib/array/copies.h"

#include <atomic>

namespace ndshare {
namespace {

struct Names {
  std::string_view name, meaning;
};
constexpr Names kReasonNames[] = {
#define NDSHARE_COPY_REASON(name, doc) {#name, doc},
#include <ndshare/copy_list.inc>
};

struct Counter {
  std::atomic<std::uint64_t> copies{0}, bytes{0};  // relaxed: totals, which order nothing
};
std::array<Counter, kCopyReasons> g_totals;
thread_local CopyTotals t_totals;
thread_local int t_forbidden = 0;

}  // namespace

std::string_view copy_reason_name(CopyReason reason) noexcept { return kReasonNames[static_cast<std::size_t>(reason)].name; }
std::string_view copy_reason_meaning(CopyReason reason) noexcept { return kReasonNames[static_cast<std::size_t>(reason)].meaning; }

std::uint64_t CopyTotals::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const Line& line : lines) sum += line.bytes;
  return sum;
}
std::uint64_t CopyTotals::copies() const noexcept {
  std::uint64_t sum = 0;
  for (const Line& line : lines) sum += line.copies;
  return sum;
}
std::string CopyTotals::text() const {
  std::string out;
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    if (lines[i].copies == 0) continue;
    out += std::string(kReasonNames[i].name) + ": " + std::to_string(lines[i].copies) + " copies, " + std::to_string(lines[i].bytes) + " bytes\n";
  }
  return out;
}

CopyTotals copy_totals() noexcept {
  CopyTotals out;
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    out.lines[i] = {g_totals[i].copies.load(std::memory_order_relaxed), g_totals[i].bytes.load(std::memory_order_relaxed)};
  }
  return out;
}

CopyAudit::CopyAudit() noexcept : start_(t_totals) {}
CopyAudit::~CopyAudit() = default;

CopyTotals CopyAudit::totals() const noexcept {
  CopyTotals out = t_totals;
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    out.lines[i].copies -= start_.lines[i].copies;
    out.lines[i].bytes -= start_.lines[i].bytes;
  }
  return out;
}

ForbidCopies::ForbidCopies() noexcept { ++t_forbidden; }
ForbidCopies::~ForbidCopies() { --t_forbidden; }

namespace internal {

void note_copy(CopyReason reason, std::int64_t bytes) {
  if (t_forbidden > 0 && (reason == CopyReason::reshape || reason == CopyReason::overlap)) {
    throw Error(Error::CopyForbidden,
                "a copy of " + std::to_string(bytes) + " bytes that nobody asked for (" + std::string(copy_reason_name(reason)) +
                    ": " + std::string(copy_reason_meaning(reason)) + "), where forbid_copies stands",
                {{"reason", std::string(copy_reason_name(reason))}, {"bytes", std::to_string(bytes)}});
  }
  const auto i = static_cast<std::size_t>(reason);
  ++t_totals.lines[i].copies;
  t_totals.lines[i].bytes += static_cast<std::uint64_t>(bytes);
  g_totals[i].copies.fetch_add(1, std::memory_order_relaxed);
  g_totals[i].bytes.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
}

}  // namespace internal
}  // namespace ndshare
