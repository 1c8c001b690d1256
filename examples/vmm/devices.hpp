// SPDX-License-Identifier: BSL-1.0
//
// The I/O ports of the machine: a 16550, the power management of the ACPI tables, ways to reset, the debug exit port.
#pragma once

#include <functional>
#include <string>

#include "serial.hpp"

namespace vmm {

class devices {
 public:
  /// How the guest ends the machine: an exit status, and a sentence.
  using end_function = std::function<void(int, std::string)>;

  devices(std::function<void(uint8_t)> put, std::function<void(bool)> interrupt, end_function end)
      : uart(std::move(put), std::move(interrupt)), end_(std::move(end)) {}

  /// One access of `size` bytes.
  void write(uint16_t port, const uint8_t* data, unsigned size);
  void read(uint16_t port, uint8_t* data, unsigned size);

  /// What is at a port, to count accesses by kind.
  static const char* name(uint16_t port);

  serial uart;
  bool debug_exit = false;  ///< a byte v written to port 0xf4 ends the machine with v << 1 | 1

 private:
  end_function end_;
  uint16_t pm1_enable_ = 0;
};

}  // namespace vmm
