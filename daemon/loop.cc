#include "daemon/loop.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <sys/signalfd.h>
#include <unistd.h>

#include <ndshare/error.h>

namespace ndshare::internal {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kOneThread = 1;             ///< lets Asio leave out its locks where it can; post() from helpers stays allowed
constexpr std::size_t kHelperThreads = 2; ///< reserving is bound by the file's inode lock: more would only wait

/// Signals as a descriptor. They are blocked, in every thread made from now on too, and no handler is called in the middle of
/// anything: one that comes at any moment waits in the kernel until the loop reads it.
class SignalDescriptor {
 public:
  explicit SignalDescriptor(std::initializer_list<int> signals) {
    ::sigset_t set;
    ::sigemptyset(&set);
    for (const int number : signals) ::sigaddset(&set, number);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) throw Error(ErrorCode::Io, std::string("cannot make a descriptor of signals: ") + std::strerror(errno));
  }
  ~SignalDescriptor() {
    if (fd_ >= 0) ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalDescriptor(const SignalDescriptor&) = delete;
  SignalDescriptor& operator=(const SignalDescriptor&) = delete;

  int fd() const { return fd_; }
  int read() const {  ///< the next signal; 0: none is there
    ::signalfd_siginfo info{};
    return ::read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)) ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  ::sigset_t before_{};
  int fd_ = -1;
};

}  // namespace

struct Loop::State {
  explicit State(std::initializer_list<int> numbers) : signals(numbers) {}

  SignalDescriptor signals;  // ahead of the helpers: their threads inherit what is blocked
  asio::io_context context{kOneThread};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  asio::thread_pool helpers{kHelperThreads};
};

Loop::Loop(std::initializer_list<int> signals)
    : state_(std::make_unique<State>(signals)), signals_(std::make_unique<Watch>(*this, state_->signals.fd())) {}
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

void Loop::on_signal(const std::function<void(int)>& handler) {
  signals_->readable([this, handler] {
    while (const int number = state_->signals.read()) handler(number);
    on_signal(handler);
  });
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
