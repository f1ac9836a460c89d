// ndshare kick: a client is asked to leave, or ended.
#include <algorithm>
#include <memory>
#include <ostream>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct KickFlags {
  std::string client;
  bool kill = false;
};

/// The pid of the client that holds the place of this number.   Errors: Usage.
std::uint64_t pid_of(std::uint64_t id, Context& context) {
  const auto clients = admin::status(context.store, context.timeout()).clients;
  const auto found =
      std::find_if(clients.begin(), clients.end(), [&](const auto& client) { return client.slot == id; });
  if (found != clients.end()) return found->pid;
  throw Error(ErrorCode::Usage, "kick: no client is #" + std::to_string(id) + "; ndshare clients lists them");
}

std::uint64_t parse_client(const std::string& word, Context& context) {
  const bool by_id = word.starts_with('#');
  const auto number = internal::parse_int(std::string_view(word).substr(by_id ? 1 : 0));
  if (!number || *number < 0 || (*number == 0 && !by_id))
    throw Error(ErrorCode::Usage, "kick: '" + internal::printable(word) +
                                      "' is no client; give its pid, or '#ID' (ndshare clients lists both)");
  const auto value = static_cast<std::uint64_t>(*number);
  return by_id ? pid_of(value, context) : value;
}

int kick(const KickFlags& flags, Context& context) {
  const auto pid = parse_client(flags.client, context);
  admin::kick(context.store, pid, flags.kill, context.timeout());
  if (context.json) {
    print_json(context.out, {{"kicked", pid}, {"killed", flags.kill}});
  } else {
    context.out << "client " << pid << (flags.kill ? " was ended, what it held is free\n" : " has left\n");
  }
  return 0;
}

}  // namespace

Logic setup_kick(Flags& flags) {
  auto chosen = std::make_shared<KickFlags>();
  flags.word(chosen->client, "CLIENT", "its pid, or '#ID' of ndshare clients");
  flags.flag(chosen->kill, "--kill", "end its process; rows that it writes are torn then");
  return [chosen](Context& context) { return kick(*chosen, context); };
}

}  // namespace ndshare::cli
