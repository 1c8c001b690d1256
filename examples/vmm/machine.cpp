// SPDX-License-Identifier: BSL-1.0
//
// Source: Documentation/virt/kvm/api.rst (Linux).
#include "machine.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "terminal.hpp"

namespace vmm {

namespace {

// Three pages that KVM uses on Intel CPUs, below the BIOS area where there is no RAM.
constexpr unsigned long tss_address = 0xfffbd000;
constexpr uint64_t identity_map_address = 0xfffbc000;

// kvm_cpuid2 with room. Its flexible array has a member before it that C++ gives a size of 1, so kvm_cpuid2 has 12
// bytes instead of 8 in C++, and the macros of these two calls have the wrong number.
struct cpuid_leaves {
  uint32_t nent;
  uint32_t padding;
  kvm_cpuid_entry2 entries[256];
};
constexpr unsigned long get_supported_cpuid = _IOWR(KVMIO, 0x05, uint64_t);
constexpr unsigned long set_cpuid2 = _IOW(KVMIO, 0x90, uint64_t);

/// The leaves with the number of CPUs and of this one.
void number_cpu(cpuid_leaves& leaves, unsigned cpus, unsigned index) {
  for (uint32_t k = 0; k < leaves.nent; ++k) {
    kvm_cpuid_entry2& e = leaves.entries[k];
    if (e.function == 1) e.ebx = (e.ebx & 0xffff) | cpus << 16 | index << 24;
    if (e.function == 0xb || e.function == 0x1f) e.edx = index;
  }
}

/// A signal that is handled ends KVM_RUN.
void set_handlers() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGALRM, &action, nullptr);
}

}  // namespace

machine::machine(const std::string& device, const guest_memory& memory, unsigned cpus)
    : memory_(memory),
      kvm_(open_kvm(device)),
      vm_(create_vm(kvm_)),
      devices_(
          [this](uint8_t byte) {
            if (silent_) return;
            if (!ending_.first_byte) ending_.first_byte = std::chrono::steady_clock::now() - began_;
            if (::write(STDOUT_FILENO, &byte, 1) != 1) end(1, "standard output is closed", std::nullopt);
          },
          [this](bool level) {
            kvm_irq_level line{};
            line.irq = serial::interrupt;
            line.level = level;
            ioctl(vm_.get(), KVM_IRQ_LINE, &line);
          },
          [this](int status, std::string how) { end(status, std::move(how), std::nullopt); }) {
  checked(ioctl(vm_.get(), KVM_SET_TSS_ADDR, tss_address), "KVM_SET_TSS_ADDR");
  uint64_t identity = identity_map_address;
  checked(ioctl(vm_.get(), KVM_SET_IDENTITY_MAP_ADDR, &identity), "KVM_SET_IDENTITY_MAP_ADDR");
  checked(ioctl(vm_.get(), KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  kvm_pit_config pit{};
  checked(ioctl(vm_.get(), KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
  uint32_t slot = 0;
  for (const pvhboot::writable_window& w : memory.windows()) {
    kvm_userspace_memory_region region{};
    region.slot = slot++;
    region.guest_phys_addr = w.base;
    region.memory_size = w.contents.size();
    region.userspace_addr = reinterpret_cast<uintptr_t>(w.contents.data());
    checked(ioctl(vm_.get(), KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  }
  run_size_ = static_cast<size_t>(checked(ioctl(kvm_.get(), KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
  const auto leaves = std::make_unique<cpuid_leaves>();
  leaves->nent = sizeof leaves->entries / sizeof leaves->entries[0];
  checked(ioctl(kvm_.get(), get_supported_cpuid, leaves.get()), "KVM_GET_SUPPORTED_CPUID");
  for (unsigned i = 0; i < cpus; ++i) {
    cpus_.emplace_back(checked(ioctl(vm_.get(), KVM_CREATE_VCPU, i), "KVM_CREATE_VCPU"));
    number_cpu(*leaves, cpus, i);
    checked(ioctl(cpus_[i].get(), set_cpuid2, leaves.get()), "KVM_SET_CPUID2");
    void* const run = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, cpus_[i].get(), 0);
    if (run == MAP_FAILED) checked(-1, "cannot map the state of a CPU");
    runs_.push_back(static_cast<kvm_run*>(run));
  }
}

machine::~machine() {
  for (kvm_run* run : runs_) munmap(run, run_size_);
}

pvhboot::entry_state machine::set(const pvhboot::entry_state& state) {
  kvm_sregs sregs{};
  kvm_regs regs{};
  const int cpu = cpus_[0].get();
  checked(ioctl(cpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  to_kvm(state, sregs, regs);
  checked(ioctl(cpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  checked(ioctl(cpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
  checked(ioctl(cpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  checked(ioctl(cpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
  return pvhboot::from_kvm(sregs, regs);
}

void machine::end(int status, std::string how, std::optional<crash> fault) {
  const std::lock_guard guard{lock_};
  if (ended_) return;
  ending_.status = status;
  ending_.how = std::move(how);
  ending_.fault = std::move(fault);
  ended_ = true;
}

crash machine::state_of(unsigned index) {
  crash c{.cpu = index, .regs = {}, .sregs = {}, .code = {}};
  ioctl(cpus_[index].get(), KVM_GET_REGS, &c.regs);
  ioctl(cpus_[index].get(), KVM_GET_SREGS, &c.sregs);
  return c;
}

void machine::read_code(crash& c) {
  constexpr uint64_t longest_instruction = 15;
  ioctl(cpus_[c.cpu].get(), KVM_SET_SREGS, &c.sregs);  // its paging is needed, and KVM may have reset the CPU
  for (uint64_t i = 0; i < longest_instruction; ++i) {
    kvm_translation at{};
    at.linear_address = c.sregs.cs.base + c.regs.rip + i;
    if (ioctl(cpus_[c.cpu].get(), KVM_TRANSLATE, &at) < 0 || at.valid == 0) return;
    const uint8_t* const byte = memory_.pieces().bytes(at.physical_address, 1);
    if (byte == nullptr) return;
    c.code.push_back(*byte);
  }
}

void machine::handle_io(kvm_run& run) {
  uint8_t* data = reinterpret_cast<uint8_t*>(&run) + run.io.data_offset;
  for (uint32_t i = 0; i < run.io.count; ++i, data += run.io.size)
    if (run.io.direction == KVM_EXIT_IO_OUT)
      devices_.write(run.io.port, data, run.io.size);
    else
      devices_.read(run.io.port, data, run.io.size);
}

void machine::handle_mmio(kvm_run& run) {
  if (run.mmio.is_write == 0) std::memset(run.mmio.data, 0xff, sizeof run.mmio.data);
}

void machine::run_cpu(unsigned index) {
  kvm_run& run = *runs_[index];
  std::map<std::string, uint64_t> exits;
  const auto fail = [&](const char* text, uint64_t number) {
    end(ending::kvm_failed, fmt::format(fmt::runtime(text), index, number), state_of(index));
  };
  while (!ended_) {
    if (ioctl(cpus_[index].get(), KVM_RUN, 0) < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      end(ending::kvm_failed, fmt::format("KVM_RUN: {}", std::strerror(errno)), std::nullopt);
      break;
    }
    switch (run.exit_reason) {
      case KVM_EXIT_IO:
        ++exits[devices::name(run.io.port)];
        handle_io(run);
        break;
      case KVM_EXIT_MMIO:
        ++exits["memory outside RAM"];
        handle_mmio(run);
        break;
      case KVM_EXIT_HLT: ++exits["hlt"]; break;
      case KVM_EXIT_SHUTDOWN:
        end(ending::crashed, fmt::format("CPU {} had a triple fault", index), state_of(index));
        break;
      case KVM_EXIT_FAIL_ENTRY:
        fail("CPU {}: the processor refuses the state, reason {:#x}", run.fail_entry.hardware_entry_failure_reason);
        break;
      case KVM_EXIT_INTERNAL_ERROR: fail("CPU {}: KVM cannot run it, suberror {}", run.internal.suberror); break;
      default: fail("CPU {}: KVM exit {} is unknown here", run.exit_reason);
    }
  }
  const std::lock_guard guard{lock_};
  for (const auto& [what, n] : exits) ending_.exits[what] += n;
  --running_;
}

ending machine::run(bool debug_exit) {
  devices_.debug_exit = debug_exit;
  set_handlers();
  terminal console;
  began_ = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  running_ = static_cast<unsigned>(cpus_.size());
  for (unsigned i = 0; i < cpus_.size(); ++i) threads.emplace_back([this, i] { run_cpu(i); });
  while (!ended_) {
    uint8_t byte = 0;
    const bool room = devices_.uart.has_room();  // without room the input waits
    switch (console.wait(room ? 50 : 2, room, byte)) {
      case terminal::outcome::byte: devices_.uart.receive(byte); break;
      case terminal::outcome::quit: end(0, "ended from the keyboard", std::nullopt); break;
      case terminal::outcome::nothing: break;
    }
  }
  // A CPU that halts or runs leaves KVM_RUN by a signal only; one may come between the check and KVM_RUN.
  while (running_ != 0) {
    for (std::thread& t : threads) pthread_kill(t.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::thread& t : threads) t.join();
  if (ending_.fault) read_code(*ending_.fault);
  return ending_;
}

std::optional<crash> machine::step_to_crash() {
  silent_ = true;
  set_handlers();
  // A CPU that halts leaves KVM_RUN by a signal only.
  const itimerval often{{0, 100000}, {0, 100000}};
  setitimer(ITIMER_REAL, &often, nullptr);
  const auto last = std::chrono::steady_clock::now() + std::chrono::seconds{3};
  kvm_guest_debug debug{};
  debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
  const int cpu = cpus_[0].get();
  if (ioctl(cpu, KVM_SET_GUEST_DEBUG, &debug) < 0) return std::nullopt;
  kvm_run& run = *runs_[0];
  crash before = state_of(0);
  while (!ended_ && std::chrono::steady_clock::now() < last) {
    if (ioctl(cpu, KVM_RUN, 0) < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return std::nullopt;
    }
    if (run.exit_reason == KVM_EXIT_SHUTDOWN) {
      read_code(before);
      return before;
    }
    switch (run.exit_reason) {
      case KVM_EXIT_IO: handle_io(run); break;
      case KVM_EXIT_MMIO: handle_mmio(run); break;
      case KVM_EXIT_DEBUG: break;
      default: return std::nullopt;
    }
    before = state_of(0);
  }
  return std::nullopt;
}

}  // namespace vmm
