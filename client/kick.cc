// Asking a client to leave, or ending it, and waiting until its place in the store is free.
#include <algorithm>
#include <utility>
#include <vector>

#include <ndshare/admin.h>

#include "client/connection.h"
#include "client/wait.h"
#include "lib/base/text.h"

namespace ndshare::admin {
namespace {

using internal::ClientStatus;
using internal::Connection;
using internal::Deadline;

constexpr std::size_t kListed = 8;  ///< clients, or claims, that a message names
/// One question and its answer: not what the caller's time is for.
constexpr auto kAnswer = std::chrono::seconds(5);

std::vector<ClientStatus> clients_of(Connection& connection, Deadline deadline) {
  return connection.call(internal::StatusRequest{}, deadline).clients;
}

std::string text_of(const ClientStatus& client) {
  return "pid " + std::to_string(client.pid) + " (" + internal::printable(client.command) + ")";
}

[[noreturn]] void no_such_client(const std::vector<ClientStatus>& clients, std::uint64_t pid,
                                 const std::string& store) {
  std::string there;
  for (std::size_t i = 0; i < std::min(clients.size(), kListed); ++i)
    there += (i == 0 ? "" : ", ") + text_of(clients[i]);
  if (clients.size() > kListed) there += ", …";
  throw Error(ErrorCode::Usage,
              "store '" + store + "' has no client of pid " + std::to_string(pid) +
                  (there.empty() ? "; nobody is attached" : "; attached are " + there),
              {{"pid", std::to_string(pid)}});
}

std::string text_of(const ClaimInfo& claim) {
  const auto last = claim.rows.last < 0 ? "" : std::to_string(claim.rows.last);
  const bool whole = claim.rows == Rows{};
  return claim.mode + " of '" + internal::printable(claim.array) + "'" +
         (whole ? "" : "[" + std::to_string(claim.rows.first) + ":" + last + "]") + (claim.waiting ? " (waiting)" : "");
}

/// "it holds write of 'a'[0:10], view of 'b'", or that it holds nothing.
std::string holdings(const std::string& store, std::uint64_t pid) {
  std::string text;
  std::size_t count = 0;
  bool stopped = false;
  try {
    for (const auto& claim : Inspector(store).claims()) {
      if (claim.pid != pid) continue;
      stopped = claim.stopped;
      if (count++ < kListed) text += (text.empty() ? "" : ", ") + text_of(claim);
    }
  } catch (const Error&) {
    return "what it holds cannot be read";
  }
  if (count > kListed) text += " and " + std::to_string(count - kListed) + " more";
  return (text.empty() ? "it holds nothing, and has not called the store since" : "it holds " + text) +
         (stopped ? "; it is stopped (SIGCONT lets it go on)" : "");
}

[[noreturn]] void still_there(const std::string& store, const ClientStatus& client, bool kill) {
  throw Error(ErrorCode::Timeout,
              "client " + text_of(client) +
                  (kill ? " was ended and is still being swept: "
                        : " was asked to leave store '" + store + "' and is still there: ") +
                  holdings(store, client.pid) + (kill ? "" : ". Ending its process (kick --kill) frees everything"),
              {{"pid", std::to_string(client.pid)}});
}

/// The first of those that were there and still are; null for none.
const ClientStatus* find_left(const std::vector<ClientStatus>& before, const std::vector<ClientStatus>& now) {
  for (const auto& client : before) {
    const auto same = [&](const ClientStatus& other) { return other.slot == client.slot && other.gen == client.gen; };
    if (std::any_of(now.begin(), now.end(), same)) return &client;
  }
  return nullptr;
}

}  // namespace

void kick(std::string_view store, std::uint64_t pid, bool kill, std::chrono::nanoseconds timeout) {
  const auto address = internal::resolve_address(store);
  const auto shown = internal::address_text(address);
  const auto deadline = internal::deadline_after(timeout, timeout);
  Connection connection(address, Connection::Purpose::operator_, deadline);
  auto there = clients_of(connection, deadline);
  std::vector<ClientStatus> wanted;
  std::copy_if(there.begin(), there.end(), std::back_inserter(wanted),
               [&](const ClientStatus& client) { return client.pid == pid; });
  if (wanted.empty()) no_such_client(there, pid, shown);
  connection.call(internal::KickRequest{pid, kill}, deadline);
  while (true) {
    there = clients_of(connection, internal::deadline_after(kAnswer, kAnswer));
    const auto* left = find_left(wanted, there);
    if (left == nullptr) return;
    if (internal::time_left(deadline).count() == 0) still_there(shown, *left, kill);
    internal::nap(deadline);
  }
}

}  // namespace ndshare::admin
