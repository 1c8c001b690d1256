// SPDX-License-Identifier: BSL-1.0
//
// Guest memory in a file: a raw dump, an ELF core of a whole machine (QEMU's dump-guest-memory, virsh dump
// --memory-only), or what xl dump-core writes. The structures of a handoff are found in it by their magic number.
#pragma once

#include <string>
#include <vector>

#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/result.hpp>

#include "scan.hpp"
#include "text.hpp"

namespace tool {

/// Pieces in ascending order that do not overlap. A physical_memory; refers to the file.
struct dump_memory {
  const pvhboot::memory_window* pieces = nullptr;
  size_t count = 0;

  /// Bytes of one piece. What two pieces have together is not contiguous in the file.
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept;
};

class dump {
 public:
  /// A raw dump whose first byte has this physical address.
  static dump raw(pvhboot::span<const uint8_t> file, uint64_t base);
  /// An ELF core; throws bad_input.
  static dump core(pvhboot::span<const uint8_t> file);

  [[nodiscard]] dump_memory memory() const noexcept { return {pieces_.data(), pieces_.size()}; }
  [[nodiscard]] const std::vector<pvhboot::memory_window>& pieces() const noexcept { return pieces_; }
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }

  /// Addresses in ascending order.
  struct places {
    std::vector<uint64_t> start_info;  ///< that parse accepts
    std::vector<uint64_t> zero_pages;  ///< that a boot loader has filled in
  };
  /// One pass over the memory, or over the marked pages only. Throws bad_input for a dump that is full of them.
  [[nodiscard]] places find(const marked_pages* marked) const;

 private:
  void add(uint64_t paddr, pvhboot::span<const uint8_t> bytes);
  void add_xen_sections(pvhboot::span<const uint8_t> file);
  void sort();
  void look_at(uint64_t paddr, pvhboot::span<const uint8_t> page, places& found) const;
  [[nodiscard]] bool is_zero_page(uint64_t paddr) const;

  pvhboot::span<const uint8_t> file_{};
  std::vector<pvhboot::memory_window> pieces_;
  std::string kind_;
};

}  // namespace tool
