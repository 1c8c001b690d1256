// SPDX-License-Identifier: BSL-1.0
//
// A virtual machine under KVM: memory, CPUs, interrupt controllers, and the few devices that a kernel needs.
#pragma once

#include <linux/kvm.h>

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include <pvhboot/core/writable_memory.hpp>
#include <pvhboot/pvh/entry_state.hpp>

#include "boot.hpp"
#include "serial.hpp"

namespace vmm {

/// Guest memory: the host's zero pages until they are written.
class guest_memory {
 public:
  /// Throws std::system_error.
  explicit guest_memory(uint64_t size);
  ~guest_memory();
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

/// Why a machine ended.
struct ending {
  int status = 0;
  std::string how;
  std::map<std::string, uint64_t> exits;
  std::optional<std::chrono::duration<double>> first_byte;  ///< from the entry to the first byte on the console
};

class machine {
 public:
  /// Throws std::system_error, and std::runtime_error with what KVM lacks.
  machine(const guest_memory& memory, unsigned cpus);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  /// Sets the boot CPU. Returns what KVM has afterwards.
  pvhboot::entry_state set(const pvhboot::entry_state& state);
  /// Runs all CPUs to the end. With debug_exit, a byte v that the guest writes to port 0xf4 ends it with v << 1 | 1.
  ending run(bool raw_terminal, bool debug_exit);

 private:
  void run_cpu(unsigned index);
  bool handle_io(kvm_run& run);
  void port_out(uint16_t port, const uint8_t* data, unsigned size);
  void port_in(uint16_t port, uint8_t* data, unsigned size);
  void end(int status, std::string how);
  std::string crash(unsigned index);

  int kvm_ = -1;
  int vm_ = -1;
  std::vector<int> cpus_;
  std::vector<kvm_run*> runs_;
  size_t run_size_ = 0;
  std::atomic<bool> ended_{false};
  std::atomic<unsigned> running_{0};  // CPUs
  std::mutex lock_;
  ending ending_;
  std::chrono::steady_clock::time_point began_;
  bool debug_exit_ = false;
  uint16_t pm1_enable_ = 0;
  serial serial_;
};

}  // namespace vmm
