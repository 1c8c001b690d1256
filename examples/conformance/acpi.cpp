// SPDX-License-Identifier: BSL-1.0
#include "acpi.hpp"

#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/core/memory.hpp>

namespace conformance {

namespace {

using pvhboot::le32;
using pvhboot::le64;

constexpr uint32_t header_size = 36;       // of a system description table
constexpr uint32_t max_table = 16u << 20;  // no table is larger
constexpr uint64_t four_gib = uint64_t{1} << 32;

const uint8_t* bytes(uint64_t paddr, uint64_t n) { return pvhboot::identity_map{}.bytes(paddr, n); }
uint32_t word(const uint8_t* p) { return pvhboot::load<le32>(p).get(); }

bool sums_to_0(const uint8_t* p, size_t n) {
  unsigned sum = 0;
  for (size_t i = 0; i < n; ++i) sum += p[i];
  return (sum & 0xff) == 0;
}

/// The length of a sound table at this address; 0 if it is none.
uint32_t sound_table(uint64_t paddr) {
  const uint8_t* const head = bytes(paddr, header_size);
  if (head == nullptr) return 0;
  const uint32_t length = word(head + 4);
  if (length < header_size || length > max_table || bytes(paddr, length) == nullptr) return 0;
  return sums_to_0(head, length) ? length : 0;
}

/// Counts a table if it is sound; else the result names it.
uint32_t take_table(uint64_t paddr, const pvhboot::memory_map& map, acpi_result& result) {
  if (paddr >= four_gib) {
    result.what = acpi_result::table_above_4g;
    result.where = paddr;
    return 0;
  }
  const uint32_t length = sound_table(paddr);
  if (length == 0) {
    result.what = acpi_result::table;
    result.where = paddr;
    return 0;
  }
  ++result.tables;
  for (const pvhboot::memory_range& r : map)
    if (is_ram(r.type) && r.overlaps({paddr, length, {}}) && result.in_ram == 0) result.in_ram = paddr;
  return length;
}

/// The address of the DSDT in a FADT, by X_DSDT if it has one; 0 in another table.
uint64_t dsdt_of(uint64_t table, uint32_t length) {
  constexpr uint32_t dsdt = 40, x_dsdt = 140;  // table 5.9
  const uint8_t* const p = bytes(table, length);
  if (length < dsdt + 4 || __builtin_memcmp(p, "FACP", 4) != 0) return 0;
  const uint64_t wide = length >= x_dsdt + 8 ? pvhboot::load<le64>(p + x_dsdt).get() : 0;
  return wide != 0 ? wide : word(p + dsdt);
}

}  // namespace

acpi_result check_rsdp(uint64_t paddr, const pvhboot::memory_map& map) {
  if (paddr > four_gib - pvhboot::abi::rsdp_size) return {.what = acpi_result::rsdp_above_4g, .where = paddr};
  const acpi_result damaged{.what = acpi_result::rsdp, .where = paddr};
  const uint8_t* const rsdp = bytes(paddr, pvhboot::abi::rsdp_v1_size);
  constexpr char signature[] = "RSD PTR ";
  if (rsdp == nullptr || __builtin_memcmp(rsdp, signature, 8) != 0 || !sums_to_0(rsdp, pvhboot::abi::rsdp_v1_size))
    return damaged;
  const bool has_xsdt = rsdp[15] >= 2;
  if (has_xsdt && (bytes(paddr, pvhboot::abi::rsdp_size) == nullptr || !sums_to_0(rsdp, pvhboot::abi::rsdp_size)))
    return damaged;
  const uint64_t xsdt = has_xsdt ? pvhboot::load<le64>(rsdp + 24).get() : 0;
  const uint64_t root = xsdt != 0 ? xsdt : word(rsdp + 16);
  acpi_result result{};
  const uint32_t length = take_table(root, map, result);
  const uint32_t entry = xsdt != 0 ? 8 : 4;
  for (uint32_t at = header_size; at + entry <= length; at += entry) {
    const uint8_t* const p = bytes(root + at, entry);
    const uint64_t table = entry == 8 ? pvhboot::load<le64>(p).get() : word(p);
    const uint32_t size = take_table(table, map, result);
    if (size == 0) return result;
    const uint64_t dsdt = dsdt_of(table, size);
    if (dsdt != 0 && take_table(dsdt, map, result) == 0) return result;
  }
  return result;
}

}  // namespace conformance
