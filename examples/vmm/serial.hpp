// SPDX-License-Identifier: BSL-1.0
//
// A 16550 on standard input and output. Source: National Semiconductor PC16550D data sheet, table II.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

namespace vmm {

class serial {
 public:
  static constexpr uint16_t first_port = 0x3f8;
  static constexpr unsigned interrupt = 4;
  static constexpr size_t fifo_size = 16;

  /// put(byte) sends; line(level) sets the interrupt line.
  serial(std::function<void(uint8_t)> put, std::function<void(bool)> line)
      : put_(std::move(put)), line_(std::move(line)) {}

  uint8_t read(uint16_t offset);
  void write(uint16_t offset, uint8_t value);
  /// A byte from outside. False if the FIFO is full: the byte is not taken.
  bool receive(uint8_t byte);
  /// The next byte from outside would be taken.
  [[nodiscard]] bool has_room();

 private:
  void update();

  std::function<void(uint8_t)> put_;
  std::function<void(bool)> line_;
  std::mutex lock_;
  std::deque<uint8_t> received_;
  uint8_t interrupts_ = 0;  // IER
  uint8_t line_control_ = 0;
  uint8_t modem_control_ = 0;
  uint8_t scratch_ = 0;
  uint8_t divisor_[2] = {12, 0};
  bool empty_pending_ = false;  // the transmitter is empty: an interrupt that the guest has not read
};

}  // namespace vmm
