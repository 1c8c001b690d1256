// SPDX-License-Identifier: BSL-1.0
#include "acpi.hpp"

#include <pvhboot/abi/start_info.hpp>

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

}  // namespace

acpi_result check_rsdp(uint64_t paddr) {
  const uint8_t* const rsdp = bytes(paddr, pvhboot::abi::rsdp_v1_size);
  constexpr char signature[] = "RSD PTR ";
  if (rsdp == nullptr || __builtin_memcmp(rsdp, signature, 8) != 0 || !sums_to_0(rsdp, pvhboot::abi::rsdp_v1_size))
    return {acpi_result::rsdp, paddr, 0};
  const bool has_xsdt = rsdp[15] >= 2;
  if (has_xsdt && (bytes(paddr, pvhboot::abi::rsdp_size) == nullptr || !sums_to_0(rsdp, pvhboot::abi::rsdp_size)))
    return {acpi_result::rsdp, paddr, 0};
  const uint64_t xsdt = has_xsdt ? pvhboot::load<le64>(rsdp + 24).get() : 0;
  const uint64_t root = xsdt != 0 ? xsdt : word(rsdp + 16);
  if (root >= four_gib) return {acpi_result::above_4g, root, 0};
  const uint32_t length = sound_table(root);
  if (length == 0) return {acpi_result::table, root, 0};
  acpi_result result{acpi_result::valid, 0, 1};
  const uint32_t entry = xsdt != 0 ? 8 : 4;
  for (uint32_t at = header_size; at + entry <= length; at += entry) {
    const uint8_t* const p = bytes(root + at, entry);
    const uint64_t table = entry == 8 ? pvhboot::load<le64>(p).get() : word(p);
    if (table >= four_gib) return {acpi_result::above_4g, table, result.tables};
    if (sound_table(table) == 0) return {acpi_result::table, table, result.tables};
    ++result.tables;
  }
  return result;
}

}  // namespace conformance
