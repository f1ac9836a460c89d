#include "tools/cli/top_screen.h"

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "tools/cli/color.h"

// Its macros are named as half of the standard library is.
#define NCURSES_NOMACROS
#include <curses.h>

namespace ndshare::cli {
namespace {

constexpr short kAlarmPair = 1;

volatile std::sig_atomic_t interrupted = 0;  // set by a handler, looked at between keys

void note_signal(int /*signal*/) { interrupted = 1; }

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::NotSupported, "top: " + why + "; `ndshare top --once` prints one frame anywhere");
}

void check_terminal() {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) refuse("standard input and output are no terminal");
  const char* name = std::getenv("TERM");
  if (name == nullptr || *name == '\0') refuse("TERM is not set");
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return;
  if (size.ws_col < kTopMinColumns || size.ws_row < kTopMinRows) {
    refuse("the terminal is " + std::to_string(size.ws_col) + " x " + std::to_string(size.ws_row) + ", at least " +
           std::to_string(kTopMinColumns) + " x " + std::to_string(kTopMinRows) + " is needed");
  }
}

/// Text for a terminal that cannot show UTF-8.
std::string ascii(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) out += c;
    if (byte >= 0xC0) out += '~';  // once a character; the bytes that follow are dropped
  }
  return out;
}

::chtype attributes(TopStyle style) {
  switch (style) {
    case TopStyle::title:
      return A_BOLD;
    case TopStyle::alarm:
      return A_BOLD | static_cast<::chtype>(COLOR_PAIR(kAlarmPair));  // the default colours where there are none
    case TopStyle::header:
    case TopStyle::selected:
      return A_REVERSE;
    case TopStyle::faint:
      return A_DIM;
    case TopStyle::plain:
      break;
  }
  return A_NORMAL;
}

TopKey key_of(int code) {
  switch (code) {
    case 'q':
      return TopKey::quit;
    case '\t':
      return TopKey::next_page;
    case '1':
      return TopKey::page_1;
    case '2':
      return TopKey::page_2;
    case '3':
      return TopKey::page_3;
    case '4':
      return TopKey::page_4;
    case 's':
      return TopKey::sort;
    case 'r':
      return TopKey::reverse;
    case '/':
      return TopKey::filter;
    case ' ':
      return TopKey::pause;
    case '\n':
    case '\r':
    case KEY_ENTER:
      return TopKey::enter;
    case 27:  // Escape
    case KEY_LEFT:
      return TopKey::back;
    case 'h':
    case '?':
      return TopKey::help;
    case '-':
      return TopKey::faster;
    case '+':
      return TopKey::slower;
    default:
      return TopKey::none;
  }
}

/// Keys that move the selection.
TopKey moving_key(int code) {
  switch (code) {
    case KEY_UP:
    case 'k':
      return TopKey::up;
    case KEY_DOWN:
    case 'j':
      return TopKey::down;
    case KEY_PPAGE:
      return TopKey::page_up;
    case KEY_NPAGE:
      return TopKey::page_down;
    case KEY_HOME:
      return TopKey::home;
    case KEY_END:
      return TopKey::end;
    default:
      return TopKey::none;
  }
}

}  // namespace

struct TopScreen::Impl {
  SCREEN* screen = nullptr;
  bool utf8 = false;
  struct sigaction old_int {
  }, old_term{};
};

TopScreen::TopScreen() : impl_(std::make_unique<Impl>()) {
  check_terminal();
  std::setlocale(LC_CTYPE, "");
  impl_->utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  impl_->screen = ::newterm(nullptr, stdout, stdin);  // initscr() would end the process on an error
  if (impl_->screen == nullptr)
    refuse("the terminal type '" + std::string(std::getenv("TERM")) + "' is not known here");
  struct sigaction action {};
  action.sa_handler = note_signal;  // no SA_RESTART: a key that is waited for gives way
  ::sigaction(SIGINT, &action, &impl_->old_int);
  ::sigaction(SIGTERM, &action, &impl_->old_term);
  ::cbreak();
  ::noecho();
  ::curs_set(0);
  if (output_has_colors() && ::has_colors() && ::start_color() == OK && ::use_default_colors() == OK)
    ::init_pair(kAlarmPair, COLOR_RED, -1);
  ::set_escdelay(50);  // milliseconds until an Escape is a key of its own
  ::keypad(stdscr, true);
}

TopScreen::~TopScreen() {
  ::endwin();
  ::delscreen(impl_->screen);
  ::sigaction(SIGINT, &impl_->old_int, nullptr);
  ::sigaction(SIGTERM, &impl_->old_term, nullptr);
}

int TopScreen::width() const { return ::getmaxx(stdscr); }
int TopScreen::height() const { return ::getmaxy(stdscr); }

void TopScreen::draw(const std::vector<TopLine>& lines) {
  const int rows = std::min(height(), static_cast<int>(lines.size()));
  for (int y = 0; y < rows; ++y) {
    const auto& line = lines[static_cast<std::size_t>(y)];
    ::wattrset(stdscr, static_cast<int>(attributes(line.style)));
    ::mvwaddstr(stdscr, y, 0, (impl_->utf8 ? line.text : ascii(line.text)).c_str());
    ::wattrset(stdscr, A_NORMAL);
    ::wclrtoeol(stdscr);
  }
  ::wrefresh(stdscr);
}

TopScreen::Pressed TopScreen::wait_key(double seconds) {
  ::wtimeout(stdscr, static_cast<int>(std::max(seconds, 0.0) * 1000));
  const int code = ::wgetch(stdscr);
  if (code == ERR) return {};
  if (code == KEY_RESIZE) return {.resized = true};
  Pressed out;
  out.key = key_of(code);
  if (out.key == TopKey::none) out.key = moving_key(code);
  if (code == KEY_BACKSPACE) out.character = 127;
  if (code == KEY_ENTER) out.character = '\n';
  if (code >= 0 && code < 256) out.character = static_cast<char>(code);
  return out;
}

bool TopScreen::is_interrupted() { return interrupted != 0; }

}  // namespace ndshare::cli
