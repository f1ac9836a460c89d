#include "tests/unit/stream/stream_model.h"

#include <cstring>

namespace ndshare::internal::model {

// The explorer's atomics call these; the streams' model needs neither.
void claim_word_changed(const void*, std::uint64_t, std::uint64_t) {}
void trace_operation(const void* word, const char* what, std::uint64_t value) {
  char line[96];
  std::snprintf(line, sizeof line, "%p %s %llx", word, what, static_cast<unsigned long long>(value));
  search().trace(line);
}

namespace {

constexpr int kClients = 4, kDepth = 2, kIds = 8, kRescuer = 3, kSweeper = 7;
constexpr std::uint64_t kGen = 1, kExecutions = 100'000;  // some seconds; the largest scenarios are cut short by it

struct World {
  ModelAtomic<std::uint32_t> closed, produced, ready_event, room_event, returned;
  ModelAtomic<std::uint64_t> next_sequence, cursors, producers[kSlotWords], draining[kSlotWords];
  ModelAtomic<std::uint64_t> word[kDepth], sequence[kDepth], pending[kDepth], readers[kDepth];
  ModelAtomic<std::uint64_t> owner[kMaxCursors], missed[kMaxCursors];
  // What the protocol does not know: who uses what, and which batch is which.
  Cell<std::uint8_t> value[kDepth], filler[kDepth], reading[kDepth];  ///< filler: client + 1; reading: bit a client
  Cell<std::uint8_t> next_id, dead, joined, ended, rescued;           ///< bit a client
  Cell<std::uint8_t> deliveries;
  Cell<std::uint8_t> published[kIds], finishing[kIds], finished[kIds], holder[kIds], due[kIds], seen[kIds];
};

World world, at_start;
const StreamScenario* scenario = nullptr;
int dropped = -1;

struct ModelWake {
  void operator()(ModelAtomic<std::uint32_t>& event) const {
    search().point();  // killed between the event and the wake
    search().wake(&event, true);
  }
};
struct ModelRules {
  static bool rule(StreamRule rule) noexcept { return dropped != static_cast<int>(rule); }
};
using ModelRing = StreamRing<ModelAtomics, ModelWake, ModelRules>;

std::uint8_t bit(int client) { return static_cast<std::uint8_t>(1U << client); }

ModelRing ring_for(int client) {
  RingWords<ModelAtomics> words;
  words.closed = &world.closed, words.produced = &world.produced;
  words.ready_event = &world.ready_event, words.room_event = &world.room_event, words.returned = &world.returned;
  words.next_sequence = &world.next_sequence, words.cursors = &world.cursors;
  words.producers = world.producers, words.draining = world.draining, words.word = world.word,
  words.sequence = world.sequence;
  words.pending = world.pending, words.readers = world.readers, words.cursor_owner = world.owner,
  words.cursor_missed = world.missed;
  return {words, scenario->options, static_cast<std::uint32_t>(client), kGen, ModelWake{}};
}

/// futex: the value is compared and the thread sleeps in one step.
void sleep_on(ModelAtomic<std::uint32_t>& event, std::uint32_t seen) {
  if (event.load(std::memory_order_seq_cst) == seen) search().sleep(&event);
}

int loan(ModelRing& ring) {
  int found = ring.loan(0);
  while (found == -1) {
    const auto seen = world.room_event.fetch_or(1, std::memory_order_seq_cst) | 1U;
    if (found = ring.loan(0); found == -1) sleep_on(world.room_event, seen);
  }
  return found;
}

void produce(int client, const Script& script) {
  auto ring = ring_for(client);
  for (int n = 0; n < script.count; ++n) {
    const int batch = loan(ring);
    if (batch == -2) break;
    if (world.reading[batch] != 0 || world.filler[batch] != 0) search().fail("a batch is filled while it is in use");
    world.filler[batch] = static_cast<std::uint8_t>(client + 1);
    const std::uint8_t id = world.next_id;
    world.next_id = static_cast<std::uint8_t>(id + 1);
    world.value[batch] = id;
    world.due[id] = static_cast<std::uint8_t>(world.joined & ~world.dead);
    search().point();
    world.filler[batch] = 0;
    ring.publish(static_cast<std::uint32_t>(batch));
    world.published[id] = 1;
  }
  if (script.closes) ring.close();
  ring.leave_producer();
}

/// As StreamState::take(): −1 where the stream ended, −2 where its producers are gone.
int take(ModelRing& ring, std::uint32_t cursor, TakeAhead& ahead) {
  bool drains = false;
  int found = -1;
  while (true) {
    const auto seen = world.ready_event.fetch_or(1, std::memory_order_seq_cst) | 1U;
    if (drains && ring.has_ready()) ring.end_drain(), drains = false;
    if (found = drains ? -1 : ring.take(cursor, ahead); found >= 0) break;
    const auto outlook = ring.outlook(cursor);
    if (outlook == Outlook::abandoned) found = -2;
    if (outlook != Outlook::more) break;
    if (!scenario->options.broadcast && world.closed.load(std::memory_order_seq_cst) != 0) {
      const bool first = !drains;
      drains = true;
      ring.begin_drain();
      if (first) continue;
    }
    sleep_on(world.ready_event, seen);
  }
  if (drains) ring.end_drain();
  return found;
}

/// One producer, one consumer and no death: everything comes once, in the order in which it was published.
bool in_order() {
  int producers = 0, consumers = 0;
  for (const auto& client : scenario->clients) producers += client.role == Role::producer, consumers += client.role == Role::consumer;
  return producers == 1 && consumers == 1 && !scenario->options.skip && world.dead == 0;
}

void got(int client, int batch) {
  const int id = world.value[batch];
  if (in_order() && id != world.deliveries) search().fail("out of order");
  world.deliveries = static_cast<std::uint8_t>(world.deliveries + 1);
  if (world.filler[batch] != 0) search().fail("a batch is read while it is filled");
  if (!scenario->options.broadcast) {
    if (world.finished[id] != 0) search().fail("delivered again after done");
    if (world.holder[id] != 0) search().fail("held by two");
    world.holder[id] = 1;
  } else if ((world.seen[id] & bit(client)) != 0) {
    search().fail("seen twice by one consumer");
  }
  world.seen[id] = static_cast<std::uint8_t>(world.seen[id] | bit(client));
  world.reading[batch] = static_cast<std::uint8_t>(world.reading[batch] | bit(client));
  search().point();
  if (world.value[batch] != id) search().fail("a batch changed while it was read");
  world.reading[batch] = static_cast<std::uint8_t>(world.reading[batch] & ~bit(client));
  world.holder[id] = 0;
  world.finishing[id] = 1;
}

void consume(int client) {
  auto ring = ring_for(client);
  std::uint32_t cursor = 0;
  if (scenario->options.broadcast) {
    cursor = static_cast<std::uint32_t>(ring.join());
    world.joined = static_cast<std::uint8_t>(world.joined | bit(client));
  }
  int batch = 0;
  TakeAhead ahead;
  while ((batch = take(ring, cursor, ahead)) >= 0) {
    const int id = world.value[batch];
    got(client, batch);
    ring.done(static_cast<std::uint32_t>(batch), cursor);
    world.finished[id] = 1;
  }
  if (batch == -1) world.ended = static_cast<std::uint8_t>(world.ended | bit(client));
  if (scenario->options.broadcast)
    world.joined = static_cast<std::uint8_t>(world.joined & ~bit(client)), ring.leave(cursor);
}

void client_thread(int client) {
  if (client == kRescuer) consume(client), search().done();
  const auto& script = scenario->clients[static_cast<std::size_t>(client)];
  if (script.role == Role::producer) produce(client, script);
  if (script.role == Role::consumer) consume(client);
  if (script.role == Role::closer) ring_for(client).close();
  search().done();
}

void sweeper_thread(int) {
  for (int client = 0; client < kClients; ++client) {
    if ((world.dead & bit(client)) != 0) ring_for(client).sweep(static_cast<std::uint32_t>(client), kGen);
  }
  search().done();
}

void reset() {
  std::memcpy(static_cast<void*>(&world), static_cast<const void*>(&at_start), sizeof world);
  for (int i = 0; i < static_cast<int>(scenario->clients.size()); ++i) search().start(i, i, client_thread);
}

void killed(int client) {
  world.dead = static_cast<std::uint8_t>(world.dead | bit(client));
  for (int b = 0; b < kDepth; ++b) {
    if (world.filler[b] == client + 1) world.filler[b] = 0;
    if ((world.reading[b] & bit(client)) == 0) continue;
    world.reading[b] = static_cast<std::uint8_t>(world.reading[b] & ~bit(client));
    if (!scenario->options.broadcast) world.holder[world.value[b]] = 0;
  }
  search().start(kSweeper, Search::kDaemon, sweeper_thread);
}

/// Everybody waits. Where no consumer lives any more, a new one comes.
bool stuck() {
  if (world.rescued != 0) return false;
  for (int i = 0; i < static_cast<int>(scenario->clients.size()); ++i) {
    if (scenario->clients[static_cast<std::size_t>(i)].role == Role::consumer && (world.dead & bit(i)) == 0)
      return false;
  }
  world.rescued = 1;
  search().start(kRescuer, kRescuer, client_thread);
  return true;
}

void ended() {
  step_rules.none = true;
  bool ready[kIds] = {};
  for (std::uint32_t b = 0; b < scenario->options.depth; ++b) {
    const auto word = world.word[b].peek();
    if (batch_state(word) == BatchState::loaned || batch_state(word) == BatchState::taken)
      search().fail("a batch is nobody's for ever");
    if (batch_state(word) == BatchState::ready) ready[world.value[b]] = true;
  }
  const int living = world.ended & ~world.dead;
  for (int id = 0; id < world.next_id; ++id) {
    if (world.published[id] == 0) continue;
    if (!scenario->options.broadcast) {
      if (world.finishing[id] == 0 && !ready[id]) search().fail("lost");
      if (living != 0 && ready[id] && world.finishing[id] == 0)
        search().fail("the stream ended before everything was done");
    } else if (!scenario->options.skip && (world.due[id] & living & ~world.seen[id]) != 0) {
      search().fail("a consumer did not see a batch");
    }
  }
  step_rules.none = false;
}

}  // namespace

Outcome explore_stream(const StreamScenario& which, int dropped_rule) {
  scenario = &which, dropped = dropped_rule;
  step_rules = {};
  std::memset(static_cast<void*>(&world), 0, sizeof world);
  for (std::uint32_t i = 0; i < kSlotWords; ++i) {
    if (i != 0) world.producers[i].weigh(Weight::quiet), world.draining[i].weigh(Weight::quiet);
  }
  std::uint64_t producers = 0;
  for (std::size_t i = 0; i < which.clients.size(); ++i)
    producers |= std::uint64_t{which.clients[i].role == Role::producer} << i;
  world.producers[0].put_quietly(producers);
  world.produced.put_quietly(1);
  for (auto& missed : world.missed) missed.weigh(Weight::quiet);
  for (auto& sequence : world.sequence) sequence.weigh(Weight::quiet);
  for (std::uint32_t i = 2; i < kMaxCursors; ++i) world.owner[i].weigh(Weight::quiet);
  std::memcpy(static_cast<void*>(&at_start), static_cast<const void*>(&world), sizeof world);
  const Actions actions{reset, killed, [] {}, stuck, ended};
  return search().run(actions, which.budget, dropped_rule < 0 ? kExecutions : 10 * kExecutions);
}

}  // namespace ndshare::internal::model
