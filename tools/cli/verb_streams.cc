// ndshare streams: make streams, see them, put rows in and take them out.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string_view>

#include "lib/base/text.h"
#include "tools/cli/claims.h"
#include "tools/cli/reader.h"
#include "tools/cli/stream_actions.h"
#include "tools/cli/table.h"

namespace ndshare::cli {
namespace {

constexpr std::size_t kHelpColumns = 56;  // beside the names, of 80

Json batch_json(const BatchInfo& batch) {
  auto json = cli::batch_json(batch.sequence, batch.rows, batch.deliveries, batch.attrs);
  json["number"] = batch.number, json["state"] = batch.state, json["pid"] = batch.pid;
  return json;
}

int create(const StreamFlags& flags, Context& context) {
  if (flags.dtype.empty() || flags.shape.empty())
    throw Error(ErrorCode::Usage, "streams create: --dtype and --shape are needed");
  const auto shape = Shape::parse(flags.shape);
  if (shape.ndim() == 0)
    throw Error(ErrorCode::Shape, "--shape of a batch begins with the rows that it holds: 1000, or 1000,3");
  StreamOptions options;
  options.rows = shape[0];
  options.row_shape = Shape(Dims(std::span(shape.begin(), shape.end()).subspan(1)));
  options.depth = flags.depth, options.max_deliveries = flags.max_deliveries;
  options.mode = flags.mode == "queue" ? StreamMode::queue : StreamMode::broadcast;
  options.slow = flags.slow == "hold" ? SlowConsumer::hold : SlowConsumer::skip;
  options.timeout = context.timeout();
  Store store = context.connect();
  const auto made = store.create_stream(flags.name, DType::parse(flags.dtype), options);
  if (context.json) print_json(context.out, stream_json(made.info()));
  return 0;
}

int list(const StreamFlags& flags, Context& context) {
  const auto streams = Reader(context).streams(flags.name.empty() ? "*" : flags.name);
  if (context.json) {
    Json all = Json::array();
    for (const auto& info : streams) all.push_back(stream_json(info));
    print_json(context.out, all);
    return 0;
  }
  Table table({{.title = "NAME", .shortest = context.width > 0 ? 12U : 0U},
               {.title = "DTYPE", .shortest = 8},
               {.title = "MODE"},
               {.title = "ROWS", .right = true},
               {.title = "DEPTH", .right = true},
               {.title = "READY", .right = true},
               {.title = "TAKEN", .right = true},
               {.title = "DEAD", .right = true},
               {.title = "LAG", .right = true},
               {.title = "PUBLISHED", .right = true},
               {.title = "STATE"}});
  for (const auto& info : streams) {
    table.add({one_line(info.name), one_line(compact_dtype(info.dtype)), mode_text(info.options),
               std::to_string(info.options.rows), std::to_string(info.options.depth), std::to_string(info.ready),
               std::to_string(info.taken), std::to_string(info.dead), std::to_string(info.lag),
               std::to_string(info.published), info.closed ? "closed" : "open"});
  }
  print_fitted(table, flags.wide, context);
  return 0;
}

StreamInfo require(const StreamFlags& flags, Context& context) {
  for (auto& info : Reader(context).streams("*")) {
    if (info.name == flags.name) return info;
  }
  throw Error(ErrorCode::NoSuchStream,
              "no stream '" + internal::printable(flags.name) + "'; `ndshare streams ls` shows what is there");
}

void print_batches(const std::vector<BatchInfo>& batches, const StreamFlags& flags, Context& context) {
  Table table({{.title = "BATCH", .right = true},
               {.title = "STATE"},
               {.title = "SEQ", .right = true},
               {.title = "ROWS", .right = true},
               {.title = "DELIVERIES", .right = true},
               {.title = "PID", .right = true},
               {.title = "ATTRS", .shortest = 8}});
  for (const auto& batch : batches) {
    table.add({std::to_string(batch.number), batch.state, std::to_string(batch.sequence), std::to_string(batch.rows),
               std::to_string(batch.deliveries), batch.pid == 0 ? "" : std::to_string(batch.pid),
               attrs_line(batch.attrs)});
  }
  print_fitted(table, flags.wide, context);
}

int info(const StreamFlags& flags, Context& context) {
  const auto found = require(flags, context);
  if (context.json) {
    auto json = stream_json(found);
    json["batches"] = Json::array();
    for (const auto& batch : found.batches) json["batches"].push_back(batch_json(batch));
    print_json(context.out, json);
    return 0;
  }
  context.out << one_line(found.name) << ": " << mode_text(found.options) << " of "
              << one_line(compact_dtype(found.dtype)) << ", " << found.options.depth << " batches of up to "
              << found.options.rows << " rows, " << (found.closed ? "closed" : "open") << "\n"
              << found.published << " published; " << found.producers << " producers, " << found.consumers
              << " consumers, lag " << found.lag << ", missed " << found.missed << "\n";
  print_batches(found.batches, flags, context);
  return 0;
}

int dead_letters(const StreamFlags& flags, Context& context) {
  if (flags.retry || flags.drop) {
    Store store = context.connect(Role::read_only);
    Stream stream = store.open_stream(flags.name);
    std::uint64_t count = flags.retry ? stream.retry_dead_letters() : 0;
    for (auto letter = flags.drop ? stream.take_dead_letter() : Batch(); letter;
         letter = stream.take_dead_letter(), ++count)
      letter.done();
    if (context.json) {
      print_json(context.out, {{flags.retry ? "retried" : "dropped", count}});
    } else {
      context.out << count << (flags.retry ? " to be delivered again\n" : " dropped\n");
    }
    return 0;
  }
  auto batches = require(flags, context).batches;
  std::erase_if(batches, [](const BatchInfo& batch) { return batch.state != "dead"; });
  if (!context.json) return print_batches(batches, flags, context), 0;
  Json list = Json::array();
  for (const auto& batch : batches) list.push_back(batch_json(batch));
  print_json(context.out, list);
  return 0;
}

int remove(const StreamFlags& flags, Context& context) {
  context.connect().remove_stream(flags.name);
  return 0;
}

int close(const StreamFlags& flags, Context& context) {
  Store store = context.connect();
  store.open_stream(flags.name).close();
  return 0;
}

struct StreamAction {
  std::string_view name;
  int (*run)(const StreamFlags&, Context&);
};
/// Parsing, the help and the error for an unknown one derive from this list.
constexpr std::array kStreamActions = {
    StreamAction{"create", create},      StreamAction{"ls", list},
    StreamAction{"info", info},          StreamAction{"push", push_stream},
    StreamAction{"take", take_stream},   StreamAction{"tail", tail_stream},
    StreamAction{"drain", drain_stream}, StreamAction{"dead-letters", dead_letters},
    StreamAction{"close", close},        StreamAction{"rm", remove},
};

/// "create, ls, …" in lines of at most `width` columns.
std::string action_names(std::size_t width) {
  std::string text;
  std::size_t column = 0;
  for (const auto& action : kStreamActions) {
    if (!text.empty()) {
      const bool fits = column + 2 + action.name.size() + 1 <= width;  // with the comma that may follow
      text += fits ? ", " : ",\n";
      column = fits ? column + 2 : 0;
    }
    text += action.name;
    column += action.name.size();
  }
  return text;
}

int run(const StreamFlags& flags, Context& context) {
  const auto* const action = std::ranges::find(kStreamActions, flags.action, &StreamAction::name);
  if (action == kStreamActions.end()) {
    throw Error(ErrorCode::Usage, "streams: there is no '" + internal::printable(flags.action) + "'; there are " +
                                      action_names(SIZE_MAX));
  }
  if (flags.name.empty() && flags.action != "ls")
    throw Error(ErrorCode::Usage, "streams " + flags.action + ": name the stream");
  return action->run(flags, context);
}

}  // namespace

Logic setup_streams(Flags& flags) {
  auto chosen = std::make_shared<StreamFlags>();
  flags.word(chosen->action, "ACTION", action_names(kHelpColumns));
  flags.optional_word(chosen->name, "STREAM", "its name (ls: a pattern)");
  flags.optional_word(chosen->file, "FILE", "push: .npy or .csv; its rows go in batches");
  flags.text(chosen->dtype, "--dtype", "create: of the rows: f4, ts:i8,v:f4");
  flags.text(chosen->shape, "--shape", "create: of a batch: 1000 rows, or 1000,3");
  flags.number(chosen->depth, "--depth", "create: batches, 1 to 256 (8)");
  flags.choice(chosen->mode, "--mode", {"queue", "broadcast"}, "create: to one consumer, or to each");
  flags.choice(chosen->slow, "--slow", {"hold", "skip"}, "create: broadcast waits for slow ones, or not");
  flags.number(chosen->max_deliveries, "--max-deliveries", "create: then a dead letter (8); 0: no limit", 0);
  flags.texts(chosen->attrs, "--attr", "push: key=value with each batch (repeatable)");
  flags.flag(chosen->close, "--close", "push: and no more input");
  flags.number(chosen->count, "--count", "take, tail: so many batches");
  flags.text(chosen->into, "--into", "take: write rows to a .npy or .csv file, or -");
  flags.flag(chosen->retry, "--retry", "dead-letters: deliver them again");
  flags.flag(chosen->drop, "--drop", "dead-letters: give their room back");
  flags.flag(chosen->wide, "--wide", "nothing is cut (else to the terminal, or to 80)");
  flags.exclude("--retry", "--drop");
  return [chosen](Context& context) { return run(*chosen, context); };
}

}  // namespace ndshare::cli
