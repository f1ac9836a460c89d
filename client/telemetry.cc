// Events, metrics and names, read from the segments alone.
#include <ndshare/telemetry.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <ndshare/error.h>
#include <ndshare/version.h>

#include "client/address.h"
#include "lib/base/text.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/metrics.h"
#include "lib/shm/process.h"
#include "lib/shm/segment.h"
#include "lib/shm/sync_layout.h"
#include "lib/shm/telemetry.h"
#include "lib/wire/attrs.h"
#include "lib/wire/fields.h"

namespace ndshare::admin {
namespace {

using internal::Mapping;

/// A store's catalog, opened by name.
struct OpenCatalog {
  explicit OpenCatalog(std::string_view store);

  internal::StoreAddress address;
  std::string path, sync_path;
  internal::Descriptor fd;
  Mapping map;
  internal::CatalogView view;
};

OpenCatalog::OpenCatalog(std::string_view store) : address(internal::resolve_address(store)) {
  const auto text = internal::address_text(address);
  if (address.uid != internal::own_uid() && internal::own_uid() != 0) {
    throw Error(ErrorCode::Permission,
                "store '" + text + "' is another user's: its events and numbers are for its owner (and root) to read");
  }
  const auto paths = internal::segment_paths(address.uid, address.name);
  path = paths.catalog, sync_path = paths.sync;
  fd = internal::open_segment(path, address.uid, Mapping::Access::read_only);
  if (!fd) {
    throw Error(ErrorCode::NoSuchStore, "there is no store '" + text + "': '" + path + "' does not exist",
                {{"store", text}, {"path", path}});
  }
  map = Mapping(fd.get(), 0, internal::file_bytes(fd.get()), Mapping::Access::read_only);
  view = internal::CatalogView(map.data(), map.bytes());
}

EventInfo to_info(internal::EventCopy&& copy) {
  const auto& row = internal::event_row(copy.kind);
  EventInfo out;
  out.sequence = copy.sequence;
  out.unix_ns = copy.unix_ns;
  out.event = row.name;
  if (copy.slot != internal::kNoEventSlot) out.slot = copy.slot;
  if (copy.pid != 0) out.pid = copy.pid;
  for (std::size_t i = 0; i < copy.numbers.size(); ++i) {
    if (!row.numbers[i].empty()) out.numbers.emplace_back(row.numbers[i], copy.numbers[i]);
  }
  out.text = std::move(copy.text);
  return out;
}

}  // namespace

const std::vector<std::string>& event_kinds() {
  static const std::vector<std::string> names = {
#define NDSHARE_EVENT(number, name, first, second, third, meaning) #name,
#include "lib/shm/event_list.inc"
#undef NDSHARE_EVENT
  };
  return names;
}

struct EventReader::Impl {
  explicit Impl(std::string_view store) : catalog(store) {}
  OpenCatalog catalog;
};

EventReader::EventReader(std::string_view store) : impl_(std::make_unique<Impl>(store)) {}
EventReader::~EventReader() = default;
EventReader::EventReader(EventReader&&) noexcept = default;
EventReader& EventReader::operator=(EventReader&&) noexcept = default;

std::vector<EventInfo> EventReader::read(std::uint64_t after) const {
  std::vector<EventInfo> out;
  for (auto& copy : internal::read_events(impl_->catalog.view.telemetry(), after)) out.push_back(to_info(std::move(copy)));
  return out;
}

bool EventReader::exists() const {
  struct stat mine {
  }, named{};
  return ::fstat(impl_->catalog.fd.get(), &mine) == 0 && ::stat(impl_->catalog.path.c_str(), &named) == 0 &&
         mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

std::vector<MetricInfo> metrics(std::string_view store) {
  const OpenCatalog catalog(store);
  const auto& header = catalog.view.header();
  const auto sync_fd = internal::open_segment(catalog.sync_path, catalog.address.uid, Mapping::Access::read_only);
  const internal::SyncLayout layout(header.max_clients, header.max_arrays);
  Mapping sync;
  if (sync_fd && internal::file_bytes(sync_fd.get()) >= layout.bytes) {
    sync = Mapping(sync_fd.get(), 0, layout.bytes, Mapping::Access::read_only);
  }
  const auto pid = header.daemon_pid.load();
  const auto text = version();
  return internal::collect_metrics({.view = &catalog.view,
                                    .sync = sync ? sync.data() : nullptr,
                                    .daemon_runs = pid != 0 && internal::process_alive(pid, header.daemon_start.load()),
                                    .version = text,
                                    .request_name = internal::message_name,
                                    .commit_type = internal::MessageOf<internal::CommitRequest>::kType,
                                    .decode_attrs = internal::decode_attrs});
}

std::vector<std::string> store_names() {
  constexpr std::string_view kSuffix = ".catalog";
  const auto prefix = "ndshare-" + std::to_string(internal::own_uid()) + "-";
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const auto file = entry.path().filename().string();
    if (!file.starts_with(prefix) || !file.ends_with(kSuffix) || file.size() <= prefix.size() + kSuffix.size()) continue;
    names.push_back(file.substr(prefix.size(), file.size() - prefix.size() - kSuffix.size()));
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> array_names(std::string_view store, std::string_view prefix, std::size_t limit) {
  const OpenCatalog catalog(store);
  std::vector<std::string> names;
  catalog.view.for_each([&](const internal::ArrayCopy& copy) {
    const bool visible = (copy.ref.flags & internal::kArrayBuilding) == 0;
    if (visible && copy.name.starts_with(prefix)) names.push_back(copy.name);
  });
  std::ranges::sort(names);
  if (names.size() > limit) names.resize(limit);
  return names;
}

}  // namespace ndshare::admin
