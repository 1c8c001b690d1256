// SPDX-License-Identifier: BSL-1.0
#include "acpi.hpp"

#include <algorithm>
#include <string_view>

namespace vmm {

namespace {

/// A table that grows at its end.
class table {
 public:
  /// An ACPI table begins with a header of 36 bytes (ACPI 6.5, table 5.4); its length and checksum come at the end.
  table(std::string_view signature, uint8_t revision) {
    text(signature);
    number(0, 4);
    number(revision, 1);
    number(0, 1);
    text("PVHBOO");
    text("PVHBOOT ");
    number(1, 4);
    text("PVHB");
    number(1, 4);
  }

  void number(uint64_t v, size_t n) {
    for (size_t i = 0; i < n; ++i) bytes_.push_back(static_cast<uint8_t>(v >> 8 * i));
  }
  void text(std::string_view t) { bytes_.insert(bytes_.end(), t.begin(), t.end()); }
  void zeros(size_t n) { bytes_.insert(bytes_.end(), n, 0); }
  /// A generic address of an I/O port (ACPI 6.5, section 5.2.3.2).
  void port(uint16_t address, uint8_t bits) {
    number(1, 1);
    number(bits, 1);
    number(0, 1);
    number(bits == 8 ? 1 : bits == 16 ? 2 : 3, 1);
    number(address, 8);
  }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

  std::vector<uint8_t> finish() {
    for (size_t i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<uint8_t>(bytes_.size() >> 8 * i);
    bytes_[9] = checksum(bytes_);
    return bytes_;
  }
  static uint8_t checksum(const std::vector<uint8_t>& of) {
    uint8_t sum = 0;
    for (const uint8_t b : of) sum = static_cast<uint8_t>(sum + b);
    return static_cast<uint8_t>(-sum);
  }

 private:
  std::vector<uint8_t> bytes_;
};

constexpr uint32_t local_apic = 0xfee00000;
constexpr uint32_t io_apic = 0xfec00000;
constexpr uint8_t sci_interrupt = 9;

/// Name (_S5, Package () { 5, 0, 0, 0 }): the value that PM1a_CNT takes to power off (section 7.4.2.6).
std::vector<uint8_t> make_dsdt() {
  table t("DSDT", 2);
  t.text("\x08_S5_\x12\x07\x04\x0a\x05");
  t.zeros(3);
  return t.finish();
}

std::vector<uint8_t> make_madt(unsigned cpus) {
  table t("APIC", 5);
  t.number(local_apic, 4);
  t.number(1, 4);  // PCAT_COMPAT: a pair of 8259 as well
  for (unsigned i = 0; i < cpus; ++i) {
    t.number(0, 1);  // Processor Local APIC
    t.number(8, 1);
    t.number(i, 1);
    t.number(i, 1);
    t.number(1, 4);  // enabled
  }
  t.number(1, 1);  // I/O APIC
  t.number(12, 1);
  t.number(cpus, 2);
  t.number(io_apic, 4);
  t.number(0, 4);
  t.number(2, 1);  // Interrupt Source Override: the PIT is on pin 2
  t.number(10, 1);
  t.number(0, 2);
  t.number(2, 4);
  t.number(0, 2);
  t.number(2, 1);  // the SCI is level-triggered, active high
  t.number(10, 1);
  t.number(0, 1);
  t.number(sci_interrupt, 1);
  t.number(sci_interrupt, 4);
  t.number(0xd, 2);
  return t.finish();
}

/// Fixed ACPI Description Table (table 5.9), revision 6.
std::vector<uint8_t> make_fadt(uint64_t facs, uint64_t dsdt) {
  table t("FACP", 6);
  t.number(facs, 4);
  t.number(dsdt, 4);
  t.number(0, 2);
  t.number(sci_interrupt, 2);
  t.number(0, 8);  // no SMI command: ACPI is on
  t.number(pm1_event_port, 4);
  t.number(0, 4);
  t.number(pm1_control_port, 4);
  t.zeros(20);     // PM1b, PM2, PM timer, GPE0 and 1: none
  t.number(4, 1);  // PM1_EVT_LEN
  t.number(2, 1);  // PM1_CNT_LEN
  t.zeros(109 - 90);
  t.number(1u << 5, 2);  // IAPC_BOOT_ARCH: no CMOS clock; no keyboard controller, VGA may be probed
  t.number(0, 1);
  t.number(1u | 1u << 10, 4);  // WBINVD works; there is a RESET_REG
  t.port(reset_port, 8);
  t.number(1, 1);  // RESET_VALUE
  t.zeros(3);
  t.number(0, 8);  // X_FIRMWARE_CTRL: the field of 32 bits has it
  t.number(dsdt, 8);
  t.port(pm1_event_port, 32);
  t.zeros(12);
  t.port(pm1_control_port, 16);
  t.zeros(276 - 184);
  return t.finish();
}

std::vector<uint8_t> make_facs() {
  std::vector<uint8_t> facs(64);
  const std::string_view signature = "FACS";
  std::copy(signature.begin(), signature.end(), facs.begin());
  facs[4] = 64;
  facs[32] = 2;
  return facs;
}

}  // namespace

uint64_t acpi_size(unsigned cpus) { return make_acpi(0, cpus).size(); }

std::vector<uint8_t> make_acpi(uint64_t paddr, unsigned cpus) {
  std::vector<uint8_t> all(64);  // the RSDP has 36 bytes
  const auto add = [&](const std::vector<uint8_t>& t) {
    const uint64_t at = paddr + all.size();
    all.insert(all.end(), t.begin(), t.end());
    all.resize((all.size() + 63) & ~size_t{63});
    return at;
  };
  const uint64_t facs = add(make_facs());
  const uint64_t dsdt = add(make_dsdt());
  const uint64_t fadt = add(make_fadt(facs, dsdt));
  const uint64_t madt = add(make_madt(cpus));
  table x("XSDT", 1);
  x.number(fadt, 8);
  x.number(madt, 8);
  const uint64_t xsdt = add(x.finish());

  std::vector<uint8_t> rsdp;
  const std::string_view head = "RSD PTR ";
  rsdp.assign(head.begin(), head.end());
  rsdp.resize(36);
  const std::string_view oem = "PVHBOO";
  std::copy(oem.begin(), oem.end(), rsdp.begin() + 9);
  rsdp[15] = 2;
  rsdp[20] = 36;
  for (size_t i = 0; i < 8; ++i) rsdp[24 + i] = static_cast<uint8_t>(xsdt >> 8 * i);
  rsdp[8] = table::checksum({rsdp.begin(), rsdp.begin() + 20});
  rsdp[32] = table::checksum(rsdp);
  std::copy(rsdp.begin(), rsdp.end(), all.begin());
  return all;
}

}  // namespace vmm
