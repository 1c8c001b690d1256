// SPDX-License-Identifier: BSL-1.0
#include "serial.hpp"

namespace vmm {

namespace {
constexpr uint8_t divisor_latch = 0x80;  // DLAB
constexpr uint8_t data_ready = 0x01, transmitter_empty = 0x60;
constexpr uint8_t loop = 0x10;
}  // namespace

uint8_t serial::read(uint16_t offset) {
  const std::lock_guard guard{lock_};
  const bool latch = (line_control_ & divisor_latch) != 0;
  switch (offset) {
    case 0: {
      if (latch) return divisor_[0];
      if (received_.empty()) return 0;
      const uint8_t byte = received_.front();
      received_.pop_front();
      update();
      return byte;
    }
    case 1: return latch ? divisor_[1] : interrupts_;
    case 2: {
      uint8_t why = 1;  // none
      if ((interrupts_ & 1) != 0 && !received_.empty())
        why = 4;
      else if ((interrupts_ & 2) != 0 && empty_pending_)
        why = 2;
      if (why == 2) {
        empty_pending_ = false;
        update();
      }
      return static_cast<uint8_t>(0xc0 | why);
    }
    case 3: return line_control_;
    case 4: return modem_control_;
    case 5: return static_cast<uint8_t>(transmitter_empty | (received_.empty() ? 0 : data_ready));
    case 6:
      return (modem_control_ & loop) != 0 ? static_cast<uint8_t>((modem_control_ & 0xc) << 4 |
                                                                 (modem_control_ & 2) << 3 | (modem_control_ & 1) << 5)
                                          : uint8_t{0xb0};
    default: return scratch_;
  }
}

void serial::write(uint16_t offset, uint8_t value) {
  const std::lock_guard guard{lock_};
  const bool latch = (line_control_ & divisor_latch) != 0;
  switch (offset) {
    case 0:
      if (latch) {
        divisor_[0] = value;
      } else {
        if ((modem_control_ & loop) == 0)
          put_(value);
        else if (received_.size() < fifo_size)  // else an overrun, in which the byte is lost
          received_.push_back(value);
        empty_pending_ = true;
        update();
      }
      break;
    case 1:
      if (latch) {
        divisor_[1] = value;
      } else {
        if ((value & 2) != 0 && (interrupts_ & 2) == 0) empty_pending_ = true;
        interrupts_ = value & 0xf;
        update();
      }
      break;
    case 3: line_control_ = value; break;
    case 4: modem_control_ = value; break;
    case 7: scratch_ = value; break;
    default: break;
  }
}

bool serial::receive(uint8_t byte) {
  const std::lock_guard guard{lock_};
  if (received_.size() >= fifo_size) return false;
  received_.push_back(byte);
  update();
  return true;
}

bool serial::has_room() {
  const std::lock_guard guard{lock_};
  return received_.size() < fifo_size;
}

void serial::update() {
  line_(((interrupts_ & 1) != 0 && !received_.empty()) || ((interrupts_ & 2) != 0 && empty_pending_));
}

}  // namespace vmm
