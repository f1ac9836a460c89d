// The calls of c.h on stores.
#include <optional>

#include "client/c_api.h"

using namespace ndshare;            // NOLINT(google-build-using-namespace): every name below is C's
using namespace ndshare::internal;  // NOLINT(google-build-using-namespace)

namespace {

Store& live(nds_store* handle) { return c_handle(handle, "the store").store; }
const Store& live(const nds_store* handle) { return c_handle(handle, "the store").store; }

ConnectOptions connect_options(std::int32_t role, double timeout) {
  if (role != NDS_READ_WRITE && role != NDS_READ_ONLY) {
    throw Error(ErrorCode::Usage, "role " + std::to_string(role) + " is neither NDS_READ_WRITE nor NDS_READ_ONLY");
  }
  return {.role = role == NDS_READ_ONLY ? Role::read_only : Role::read_write, .timeout = c_timeout(timeout)};
}

Attrs attrs_of(const char* const* list) {
  Attrs attrs;
  for (; list != nullptr && *list != nullptr; list += 2) {
    if (list[1] == nullptr) {
      throw Error(ErrorCode::Usage, "attribute '" + std::string(*list) + "' has no value: the list ends after its key");
    }
    attrs.insert_or_assign(*list, list[1]);
  }
  return attrs;
}

CreateOptions create_options(const char* const* attrs, std::uint32_t flags, double timeout) {
  c_check_flags(flags, NDS_ORDER_F | NDS_EMPTY | NDS_SESSION | NDS_REPLACE | NDS_PREFAULT | NDS_HUGE);
  const auto has = [flags](std::uint32_t flag) { return (flags & flag) != 0; };
  return {.fill = has(NDS_EMPTY) ? Fill::empty : Fill::zeros,
          .lifetime = has(NDS_SESSION) ? Lifetime::session : Lifetime::persistent,
          .attrs = attrs_of(attrs),
          .order = has(NDS_ORDER_F) ? Order::F : Order::C,
          .replace = has(NDS_REPLACE),
          .prefault = has(NDS_PREFAULT),
          .huge = has(NDS_HUGE),
          .timeout = c_timeout(timeout)};
}

OpenOptions contract_of(const char* dtype, std::int32_t ndim, const std::int64_t* shape) {
  OpenOptions contract;
  if (dtype != nullptr) contract.dtype = DType::parse(dtype);
  if (ndim != -1) contract.shape = c_shape(ndim, shape);
  return contract;
}

std::int32_t tell(const ArrayInfo& array, nds_list_callback callback, void* context) {
  const auto dtype = array.dtype.str();
  std::vector<const char*> attrs;
  for (const auto& [key, value] : array.attrs) attrs.insert(attrs.end(), {key.c_str(), value.c_str()});
  attrs.push_back(nullptr);
  const nds_info info = {.name = array.name.c_str(),
                         .dtype = dtype.c_str(),
                         .attrs = attrs.data(),
                         .shape = array.shape.data(),
                         .nbytes = array.nbytes,
                         .version = array.version,
                         .created_unix_ns = array.created_unix_ns,
                         .pid = array.pid,
                         .ndim = array.shape.ndim(),
                         .order_f = array.order == Order::F,
                         .session = array.lifetime == Lifetime::session,
                         .sealed = array.sealed,
                         .snapshot = array.snapshot,
                         .torn = static_cast<std::int32_t>(array.torn.size())};
  return callback(&info, context);
}

}  // namespace

std::int32_t nds_connect(const char* name, std::int32_t role, double timeout, nds_store** store) {
  return c_call([&] {
    auto*& place = c_place(store);
    const auto options = connect_options(role, timeout);
    place = new nds_store{.store = Store::connect(c_optional_text(name), options)};
  });
}

std::int32_t nds_open_or_start(const char* name, std::uint64_t capacity_bytes, std::int32_t role, double timeout,
                               nds_store** store) {
  return c_call([&] {
    auto*& place = c_place(store);
    const StartOptions options{.capacity_bytes = capacity_bytes, .connect = connect_options(role, timeout)};
    place = new nds_store{.store = Store::open_or_start(c_optional_text(name), options)};
  });
}

std::int32_t nds_close(nds_store* store) {
  return c_call([&] { live(store).close(); });
}

std::int32_t nds_store_free(nds_store* store) { return c_free(store); }

std::int32_t nds_store_name(const nds_store* store, const char** name) {
  return c_call([&] {
    auto*& place = c_place(name);
    place = live(store).name().c_str();
  });
}

std::int32_t nds_create(nds_store* store, const char* name, const char* dtype, std::int32_t ndim,
                        const std::int64_t* shape, const char* const* attrs, std::uint32_t flags, double timeout,
                        nds_array** array) {
  return c_call([&] {
    auto*& place = c_place(array);
    auto& from = live(store);
    const auto called = c_text(name, "the name");
    const auto parsed = DType::parse(c_text(dtype, "the dtype"));
    place = c_array(from.create(called, parsed, c_shape(ndim, shape), create_options(attrs, flags, timeout))).release();
  });
}

std::int32_t nds_open(const nds_store* store, const char* name, const char* dtype, std::int32_t ndim,
                      const std::int64_t* shape, nds_array** array) {
  return c_call([&] {
    auto*& place = c_place(array);
    const auto& from = live(store);
    const auto called = c_text(name, "the name");
    place = c_array(from.open(called, contract_of(dtype, ndim, shape))).release();
  });
}

std::int32_t nds_wait_for(const nds_store* store, const char* name, double timeout, nds_array** array) {
  return c_call([&] {
    auto*& place = c_place(array);
    place = c_array(live(store).wait_for(c_text(name, "the name"), c_timeout(timeout))).release();
  });
}

std::int32_t nds_remove(nds_store* store, const char* name) {
  return c_call([&] { live(store).remove(c_text(name, "the name")); });
}

std::int32_t nds_rename(nds_store* store, const char* from, const char* to, std::int32_t replace) {
  return c_call([&] { live(store).rename(c_text(from, "the name"), c_text(to, "the new name"), replace != 0); });
}

std::int32_t nds_contains(const nds_store* store, const char* name, std::int32_t* found) {
  return c_call([&] {
    auto& place = c_need(found, "the out-pointer");
    place = live(store).contains(c_text(name, "the name"));
  });
}

std::int32_t nds_list(const nds_store* store, const char* pattern, nds_list_callback callback, void* context) {
  return c_call([&] {
    const auto& from = live(store);
    if (callback == nullptr) c_null("the callback");
    for (const auto& array : from.list(pattern == nullptr ? "*" : pattern)) {
      if (tell(array, callback, context) != 0) return;
    }
  });
}

std::int32_t nds_snapshot(nds_store* store, const char* source, const char* name, double timeout,
                          nds_array** snapshot) {
  return c_call([&] {
    if (snapshot != nullptr) *snapshot = nullptr;
    auto& from = live(store);
    const auto called = c_text(name, "the name");
    auto made = from.snapshot(c_text(source, "the source"), called, {.timeout = c_timeout(timeout)});
    if (snapshot != nullptr) *snapshot = c_array(std::move(made)).release();
  });
}
