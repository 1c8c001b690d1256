// SPDX-License-Identifier: BSL-1.0
#include "devices.hpp"

#include <cstring>

#include <fmt/format.h>

#include "acpi.hpp"

namespace vmm {

namespace {
constexpr uint16_t debug_exit_port = 0xf4;
constexpr uint16_t chipset_reset_port = 0xcf9;
constexpr uint16_t keyboard_port = 0x64;
constexpr uint8_t keyboard_reset = 0xfe;
// PM1 Control Registers: ACPI 6.5, table 4.13.
constexpr uint16_t sleep_enable = 1u << 13, sleep_type = 7u << 10, sleep_type_s5 = 5u << 10, sci_enable = 1;

bool is_serial(uint16_t port) { return port >= serial::first_port && port < serial::first_port + 8; }
}  // namespace

const char* devices::name(uint16_t port) {
  constexpr uint16_t pci_address = 0xcf8, pci_data_end = 0xd00;
  if (is_serial(port)) return "serial port";
  if (port >= pm1_event_port && port <= reset_port) return "power management";
  if (port >= pci_address && port < pci_data_end) return "PCI configuration";
  return "other I/O ports";
}

void devices::write(uint16_t port, const uint8_t* data, unsigned size) {
  if (is_serial(port)) {
    uart.write(static_cast<uint16_t>(port - serial::first_port), data[0]);
  } else if (port == debug_exit_port && debug_exit) {
    end_(data[0] << 1 | 1, fmt::format("the guest wrote {:#x} to the debug exit port", data[0]));
  } else if (port == pm1_event_port + 2 && size >= 2) {
    std::memcpy(&pm1_enable_, data, 2);
  } else if (port == pm1_control_port && size >= 2) {
    uint16_t value = 0;
    std::memcpy(&value, data, 2);
    if ((value & sleep_enable) != 0 && (value & sleep_type) == sleep_type_s5) end_(0, "the guest powered off");
  } else if (port == reset_port || port == chipset_reset_port || (port == keyboard_port && data[0] == keyboard_reset)) {
    end_(0, "the guest reset the machine");
  }
}

void devices::read(uint16_t port, uint8_t* data, unsigned size) {
  std::memset(data, 0xff, size);
  if (is_serial(port)) {
    data[0] = uart.read(static_cast<uint16_t>(port - serial::first_port));
  } else if (port == pm1_event_port) {
    std::memset(data, 0, size);
  } else if (port == pm1_event_port + 2 && size == 2) {
    std::memcpy(data, &pm1_enable_, 2);
  } else if (port == pm1_control_port) {
    std::memset(data, 0, size);
    data[0] = sci_enable;
  }
}

}  // namespace vmm
