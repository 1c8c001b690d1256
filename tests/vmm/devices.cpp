// SPDX-License-Identifier: BSL-1.0
//
// The devices of examples/vmm and its ACPI tables, whose fields are read here by their offsets in ACPI 6.5.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "../../examples/vmm/acpi.hpp"
#include "../../examples/vmm/devices.hpp"

namespace {

using namespace vmm;

/// A machine's devices, and what they did.
struct bench {
  std::string sent;
  bool interrupt = false;
  int status = -1;
  devices all{[this](uint8_t byte) { sent.push_back(static_cast<char>(byte)); },
              [this](bool level) { interrupt = level; }, [this](int how, const std::string&) { status = how; }};

  void write(uint16_t port, uint16_t value, unsigned size = 1) {
    const uint8_t data[4] = {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8), 0, 0};
    all.write(port, data, size);
  }
  uint8_t read(uint16_t port) {
    uint8_t data[4]{};
    all.read(port, data, 1);
    return data[0];
  }
};

constexpr uint16_t uart = 0x3f8;

struct tables {
  uint64_t base;
  std::vector<uint8_t> bytes;

  [[nodiscard]] uint64_t number(uint64_t paddr, unsigned n) const {
    uint64_t value = 0;
    for (unsigned i = 0; i < n; ++i) value |= uint64_t{bytes.at(paddr - base + i)} << 8 * i;
    return value;
  }
  [[nodiscard]] std::string text(uint64_t paddr, size_t n) const {
    return {bytes.begin() + static_cast<ptrdiff_t>(paddr - base),
            bytes.begin() + static_cast<ptrdiff_t>(paddr - base + n)};
  }
  [[nodiscard]] unsigned sum(uint64_t paddr, uint64_t n) const {
    const auto first = bytes.begin() + static_cast<ptrdiff_t>(paddr - base);
    return std::accumulate(first, first + static_cast<ptrdiff_t>(n), 0u) & 0xff;
  }
  /// The table at this address has the signature, and its checksum is right.
  [[nodiscard]] bool is(uint64_t paddr, const char* signature) const {
    return text(paddr, 4) == signature && sum(paddr, number(paddr + 4, 4)) == 0;
  }
};

}  // namespace

TEST_CASE("serial: what the guest sends is put out, and an empty transmitter interrupts once") {
  bench b;
  b.write(uart + 1, 2);
  CHECK(b.interrupt);
  CHECK(b.read(uart + 2) == 0xc2);
  CHECK_FALSE(b.interrupt);
  b.write(uart, 'A');
  CHECK(b.interrupt);
  CHECK(b.sent == "A");
}

TEST_CASE("serial: bytes from outside arrive in order, up to the size of the FIFO") {
  bench b;
  b.write(uart + 1, 1);
  for (uint8_t i = 0; i < 16; ++i) {
    CHECK(b.all.uart.has_room());
    CHECK(b.all.uart.receive(i));
  }
  CHECK_FALSE(b.all.uart.has_room());
  CHECK_FALSE(b.all.uart.receive(99));
  CHECK(b.interrupt);
  for (uint8_t i = 0; i < 16; ++i) {
    CHECK((b.read(uart + 5) & 1) == 1);
    CHECK(b.read(uart) == i);
  }
  CHECK((b.read(uart + 5) & 1) == 0);
  CHECK_FALSE(b.interrupt);
}

TEST_CASE("serial: in loop mode nothing is put out, and what overruns the FIFO is lost") {
  bench b;
  b.write(uart + 4, 0x10);
  for (uint8_t i = 0; i < 40; ++i) b.write(uart, i);
  CHECK(b.sent.empty());
  for (uint8_t i = 0; i < 16; ++i) CHECK(b.read(uart) == i);
  CHECK((b.read(uart + 5) & 1) == 0);
}

TEST_CASE("devices: the ways in which a guest ends the machine") {
  const struct {
    uint16_t port, value;
    unsigned size;
    bool debug_exit;
    int status;
  } ways[] = {{pm1_control_port, 1u << 13 | 5u << 10, 2, false, 0},
              {pm1_control_port, 5u << 10, 2, false, -1},
              {pm1_control_port, 1u << 13 | 3u << 10, 2, false, -1},
              {reset_port, 1, 1, false, 0},
              {0xcf9, 6, 1, false, 0},
              {0x64, 0xfe, 1, false, 0},
              {0x64, 0xd1, 1, false, -1},
              {0xf4, 0x10, 1, true, 33},
              {0xf4, 0x10, 1, false, -1}};
  for (const auto& w : ways) {
    CAPTURE(w.port);
    CAPTURE(w.value);
    bench b;
    b.all.debug_exit = w.debug_exit;
    b.write(w.port, w.value, w.size);
    CHECK(b.status == w.status);
  }
}

TEST_CASE("acpi: the RSDP leads to tables whose checksums are right") {
  for (const unsigned cpus : {1u, 2u, 64u}) {
    CAPTURE(cpus);
    const uint64_t at = 0xffff000;
    const tables t{at, make_acpi(at, cpus)};
    CHECK(t.bytes.size() == acpi_size(cpus));
    CHECK(t.text(at, 8) == "RSD PTR ");
    CHECK(t.sum(at, 20) == 0);
    CHECK(t.sum(at, 36) == 0);
    const uint64_t xsdt = t.number(at + 24, 8);
    REQUIRE(t.is(xsdt, "XSDT"));
    REQUIRE(t.number(xsdt + 4, 4) == 36 + 2 * 8);
    const uint64_t fadt = t.number(xsdt + 36, 8), madt = t.number(xsdt + 44, 8);
    REQUIRE(t.is(fadt, "FACP"));
    CHECK(t.number(fadt + 4, 4) == 276);
    CHECK(t.number(fadt + 64, 4) == pm1_control_port);
    CHECK(t.number(fadt + 172 + 4, 8) == pm1_control_port);
    CHECK(t.text(t.number(fadt + 36, 4), 4) == "FACS");
    CHECK(t.is(t.number(fadt + 40, 4), "DSDT"));
    CHECK(t.number(fadt + 140, 8) == t.number(fadt + 40, 4));
    REQUIRE(t.is(madt, "APIC"));
    unsigned enabled = 0, io_apics = 0;
    const uint64_t end = madt + t.number(madt + 4, 4);
    for (uint64_t entry = madt + 44; entry < end; entry += t.number(entry + 1, 1)) {
      REQUIRE(t.number(entry + 1, 1) >= 2);
      if (t.number(entry, 1) == 0 && t.number(entry + 4, 4) == 1 && t.number(entry + 3, 1) == enabled) ++enabled;
      if (t.number(entry, 1) == 1) ++io_apics;
    }
    CHECK(enabled == cpus);
    CHECK(io_apics == 1);
  }
}
