// SPDX-License-Identifier: BSL-1.0
#include "terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace vmm {

terminal::terminal() {
  raw_ = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &before_) == 0;
  if (!raw_) return;
  termios now = before_;
  cfmakeraw(&now);
  now.c_oflag |= OPOST;
  tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

terminal::~terminal() {
  if (raw_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

terminal::outcome terminal::wait(int milliseconds, bool listen, unsigned char& byte) {
  constexpr unsigned char control_a = 1;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const bool look = listen && open_;
  if (poll(&input, look ? 1 : 0, milliseconds) <= 0) return outcome::nothing;
  const ssize_t n = (input.revents & (POLLIN | POLLHUP)) != 0 ? read(STDIN_FILENO, &byte, 1) : 0;
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return outcome::nothing;
  if (n != 1) {  // the end, or POLLERR or POLLNVAL, which poll would report again at once
    open_ = false;
    return outcome::nothing;
  }
  if (!raw_) return outcome::byte;
  if (escape_ && byte == 'x') return outcome::quit;
  const bool begins = !escape_ && byte == control_a;
  escape_ = begins;
  return begins ? outcome::nothing : outcome::byte;
}

}  // namespace vmm
