#include "daemon/loop.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

namespace ndshare::internal {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kOneThread = 1;             ///< lets Asio leave out its locks where it can; post() from helpers stays allowed
constexpr std::size_t kHelperThreads = 2; ///< reserving is bound by the file's inode lock: more would only wait

void wait_signal(asio::signal_set& signals, std::function<void(int)> handler) {
  signals.async_wait([&signals, handler = std::move(handler)](const error_code& error, int number) {
    if (error) return;
    handler(number);
    wait_signal(signals, handler);
  });
}

}  // namespace

struct Loop::State {
  asio::io_context context{kOneThread};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  asio::signal_set signals{context};
  asio::thread_pool helpers{kHelperThreads};
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() { join_helpers(); }

void Loop::run() { state_->context.run(); }
void Loop::stop() { state_->context.stop(); }
void Loop::post(Handler handler) { asio::post(state_->context, std::move(handler)); }

void Loop::after(std::chrono::milliseconds delay, Handler handler) {
  auto timer = std::make_shared<asio::steady_timer>(state_->context, delay);
  timer->async_wait([timer, handler = std::move(handler)](const error_code& error) {
    if (!error) handler();
  });
}

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  for (const int number : signals) state_->signals.add(number);
  wait_signal(state_->signals, std::move(handler));
}

void Loop::help(Handler work, Handler done) {
  asio::post(state_->helpers, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    post(std::move(done));
  });
}

void Loop::join_helpers() { state_->helpers.join(); }

struct Loop::Watch::State {
  asio::posix::stream_descriptor descriptor;
  std::shared_ptr<char> alive = std::make_shared<char>();  ///< handlers that are queued already look whether it is still there

  void wait(asio::posix::stream_descriptor::wait_type what, Handler handler) {
    descriptor.async_wait(what, [seen = std::weak_ptr<char>(alive), handler = std::move(handler)](const error_code& error) {
      if (!error && !seen.expired()) handler();
    });
  }
};

Loop::Watch::Watch() = default;
Loop::Watch::Watch(Loop& loop, int fd)
    : state_(std::make_unique<State>(State{asio::posix::stream_descriptor(loop.state_->context, fd)})) {}
Loop::Watch::Watch(Watch&&) noexcept = default;
Loop::Watch& Loop::Watch::operator=(Watch&& other) noexcept {
  if (state_) state_->descriptor.release();
  state_ = std::move(other.state_);
  return *this;
}
Loop::Watch::~Watch() {
  if (state_) state_->descriptor.release();  // cancels the waits; the descriptor belongs to somebody else
}

void Loop::Watch::readable(Handler handler) { state_->wait(asio::posix::stream_descriptor::wait_read, std::move(handler)); }
void Loop::Watch::writable(Handler handler) { state_->wait(asio::posix::stream_descriptor::wait_write, std::move(handler)); }

}  // namespace ndshare::internal
