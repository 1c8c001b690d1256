// SPDX-License-Identifier: BSL-1.0
//
// Standard input as the other end of a serial port: a terminal is raw, and Ctrl-A x ends the machine.
#pragma once

#include <termios.h>

#include <functional>

namespace vmm {

class terminal {
 public:
  /// Makes the terminal raw, if standard input is one.
  terminal();
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  enum class outcome { nothing, byte, quit };
  /// Waits up to `milliseconds` for a byte. Without `listen`, or after the end of the input, it only waits.
  outcome wait(int milliseconds, bool listen, unsigned char& byte);

 private:
  termios before_{};
  bool raw_ = false;
  bool open_ = true;
  bool escape_ = false;
};

}  // namespace vmm
