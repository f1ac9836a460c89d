#include "tools/cli/reader.h"

#include <ostream>

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/formula.h"

namespace ndshare::cli {
namespace {

/// Whether `look` finds something: NoSuchArray and Name are no.
bool found(const std::function<bool()>& look) {
  try {
    return look();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::NoSuchArray || error.code() == ErrorCode::Name) return false;
    throw;
  }
}

}  // namespace

Reader::Reader(Context& context) {
  try {
    store_.emplace(context.connect(Role::read_only));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchStore) throw;
    try {
      inspector_.emplace(context.store);
    } catch (const Error& second) {
      // The first error has the way out: how to start one. Segments of another user are as good as none.
      if (second.code() == ErrorCode::NoSuchStore || second.code() == ErrorCode::Permission) throw error;
      throw;
    }
    context.err << "ndshare: no daemon runs; read from the segments\n";
  }
}

std::vector<ArrayInfo> Reader::list(std::string_view pattern) const {
  return store_ ? store_->list(pattern) : inspector_->list(pattern);
}

std::vector<StreamInfo> Reader::streams(std::string_view pattern) const {
  return store_ ? store_->list_streams(pattern) : inspector_->streams(pattern);
}

ArrayInfo Reader::info(const std::string& name) const {
  internal::check_array_name(name);  // says that an index does not belong here
  return store_ ? store_->open(name).info() : inspector_->info(name);
}

bool Reader::contains(const std::string& name) const {
  if (store_) return cli::contains(*store_, name);
  return found([&] { return !inspector_->info(name).name.empty(); });
}

ArrayArgument Reader::parse(std::string_view argument) const {
  return parse_array_argument(argument, [this](const std::string& name) { return contains(name); });
}

Array Reader::array(std::string_view argument) const {
  const auto wanted = parse(argument);
  return apply_steps(store_ ? store_->open(wanted.name).view() : inspector_->copy(wanted.name), wanted.steps);
}

Array Reader::outline(const std::string& name) const {
  if (store_) return open_named(*store_, name).view();
  const ArrayInfo found = inspector_->info(name);
  return empty(found.shape, found.dtype, found.order);
}

bool contains(const Store& store, const std::string& name) {
  return found([&] { return store.contains(name); });
}

}  // namespace ndshare::cli
