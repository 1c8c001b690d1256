// SPDX-License-Identifier: BSL-1.0
//
// A virtual machine under KVM: memory, CPUs, interrupt controllers, and the few devices that a kernel needs.
#pragma once

#include <linux/kvm.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <pvhboot/pvh/entry_state.hpp>

#include "devices.hpp"
#include "kvm.hpp"
#include "memory.hpp"

namespace vmm {

/// A CPU after a triple fault.
struct crash {
  unsigned cpu = 0;
  kvm_regs regs{};
  kvm_sregs sregs{};
  std::vector<uint8_t> code;  ///< at the instruction pointer, as far as it can be read
};

/// Why a machine ended.
struct ending {
  static constexpr int crashed = 3, kvm_failed = 4;

  int status = 0;
  std::string how;
  std::map<std::string, uint64_t> exits;
  std::optional<std::chrono::duration<double>> first_byte;  ///< from the entry to the first byte on the console
  std::optional<crash> fault;
};

class machine {
 public:
  /// Throws std::system_error and std::runtime_error, with what KVM lacks. The memory must outlive the machine.
  machine(const std::string& device, const guest_memory& memory, unsigned cpus);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  /// Sets the boot CPU. Returns what KVM has afterwards.
  pvhboot::entry_state set(const pvhboot::entry_state& state);
  /// Runs all CPUs to the end, with standard input and output as the console.
  ending run(bool debug_exit);
  /// Runs the boot CPU alone, without a console, one instruction at a time. Returns how it crashed, with the CPU as it
  /// was before its last instruction; nothing if it does not crash within three seconds.
  std::optional<crash> step_to_crash();

 private:
  void run_cpu(unsigned index);
  void handle_io(kvm_run& run);
  static void handle_mmio(kvm_run& run);
  void end(int status, std::string how, std::optional<crash> fault);
  crash state_of(unsigned index);
  void read_code(crash& c);

  const guest_memory& memory_;
  descriptor kvm_;
  descriptor vm_;
  std::vector<descriptor> cpus_;
  std::vector<kvm_run*> runs_;
  size_t run_size_ = 0;
  std::atomic<bool> ended_{false};
  std::atomic<unsigned> running_{0};  // CPUs
  std::mutex lock_;
  ending ending_;
  std::chrono::steady_clock::time_point began_;
  bool silent_ = false;
  devices devices_;
};

}  // namespace vmm
