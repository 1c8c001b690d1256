// SPDX-License-Identifier: BSL-1.0
//
// Guest memory in a file: a raw dump, an ELF core of a whole machine (QEMU's dump-guest-memory, virsh dump
// --memory-only), or what xl dump-core writes. The structures of a handoff are found in it by their magic number.
#pragma once

#include <vector>

#include "document/dump_memory.hpp"
#include "scan.hpp"
#include "text.hpp"

namespace tool {

class dump {
 public:
  /// A raw dump whose first byte has this physical address.
  static dump raw(pvhboot::span<const uint8_t> file, uint64_t base);
  /// An ELF core; throws bad_input.
  static dump core(pvhboot::span<const uint8_t> file);

  [[nodiscard]] dump_memory memory() const noexcept { return {pieces_.data(), pieces_.size()}; }
  [[nodiscard]] const pvhboot::string_ref& format() const noexcept { return format_; }

  /// Addresses in ascending order.
  struct places {
    std::vector<uint64_t> start_info;  ///< that parse accepts
    std::vector<uint64_t> zero_pages;  ///< that a boot loader has filled in
  };
  /// One pass over the memory, or over the marked pages only. Throws bad_input for a dump that is full of them.
  [[nodiscard]] places find(const marked_pages* marked) const;

 private:
  void add(uint64_t paddr, pvhboot::span<const uint8_t> bytes);
  void look_at(uint64_t paddr, pvhboot::span<const uint8_t> page, places& found) const;

  pvhboot::span<const uint8_t> file_{};
  std::vector<pvhboot::memory_window> pieces_;
  pvhboot::string_ref format_{};
};

}  // namespace tool
