// SPDX-License-Identifier: BSL-1.0
//
// ACPI tables from which Linux finds its CPUs and how to power off. Source: ACPI 6.5, chapters 5 and 20.
#pragma once

#include <cstdint>
#include <vector>

namespace vmm {

/// I/O ports that the tables name.
inline constexpr uint16_t pm1_event_port = 0x600;    ///< PM1a_EVT_BLK, 4 bytes
inline constexpr uint16_t pm1_control_port = 0x604;  ///< PM1a_CNT_BLK, 2 bytes
inline constexpr uint16_t reset_port = 0x606;        ///< RESET_REG, 1 byte

/// Bytes of the tables for so many CPUs, the RSDP first.
uint64_t acpi_size(unsigned cpus);
/// The tables for guest memory at paddr.
std::vector<uint8_t> make_acpi(uint64_t paddr, unsigned cpus);

}  // namespace vmm
