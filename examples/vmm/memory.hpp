// SPDX-License-Identifier: BSL-1.0
//
// Guest memory: RAM below 3 GiB and above 4 GiB.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/writable_memory.hpp>

namespace vmm {

inline constexpr uint64_t gib = uint64_t{1} << 30;
inline constexpr uint64_t low_memory_end = 3 * gib;

/// The RAM of a guest, without the ISA hole.
inline std::vector<pvhboot::memory_range> ram_of(uint64_t memory) {
  using pvhboot::memory_type;
  const uint64_t low = std::min(memory, low_memory_end);
  std::vector<pvhboot::memory_range> ram{{0, std::min<uint64_t>(low, 0xa0000), memory_type::ram}};
  if (low > 0x100000) ram.push_back({0x100000, low - 0x100000, memory_type::ram});
  if (memory > low) ram.push_back({4 * gib, memory - low, memory_type::ram});
  return ram;
}

/// The host's zero pages until they are written.
class guest_memory {
 public:
  /// Without the address line A20, memory of an odd MiB is that of the even one below it. Throws std::system_error.
  explicit guest_memory(uint64_t size, bool a20 = true) : size_(size) {
    void* const at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
      throw std::system_error(errno, std::generic_category(),
                              "cannot map " + std::to_string(size >> 20) + " MiB of guest memory");
    host_ = static_cast<uint8_t*>(at);
    const uint64_t low = std::min(size, low_memory_end);
    if (a20) {
      windows_.push_back({0, {host_, low}});
    } else {
      constexpr uint64_t mib = 1 << 20;
      for (uint64_t paddr = 0; paddr < low; paddr += mib)
        windows_.push_back({paddr, {host_ + paddr / (2 * mib) * (2 * mib), std::min(mib, low - paddr)}});
    }
    if (size > low) windows_.push_back({4 * gib, {host_ + low, size - low}});
  }
  ~guest_memory() { munmap(host_, size_); }
  guest_memory(const guest_memory&) = delete;
  guest_memory& operator=(const guest_memory&) = delete;

  [[nodiscard]] pvhboot::memory_pieces pieces() const {
    return {pvhboot::span<const pvhboot::writable_window>{windows_}};
  }
  [[nodiscard]] const std::vector<pvhboot::writable_window>& windows() const { return windows_; }

 private:
  uint8_t* host_ = nullptr;
  uint64_t size_ = 0;
  std::vector<pvhboot::writable_window> windows_;
};

}  // namespace vmm
