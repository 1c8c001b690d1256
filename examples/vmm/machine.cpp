// SPDX-License-Identifier: BSL-1.0
//
// Source: Documentation/virt/kvm/api.rst (Linux).
#include "machine.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include <pvhboot/pvh/check_entry_state.hpp>

#include "acpi.hpp"

namespace vmm {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

int checked(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

constexpr uint64_t gib = uint64_t{1} << 30;
// Three pages that KVM uses on Intel CPUs, below the BIOS area where there is no RAM.
constexpr unsigned long tss_address = 0xfffbd000;
constexpr uint64_t identity_map_address = 0xfffbc000;
constexpr uint16_t debug_exit_port = 0xf4;
constexpr uint16_t sleep_enable = 1u << 13, sleep_type_s5 = 5u << 10, sci_enable = 1;

// kvm_cpuid2 with room. Its flexible array has a member before it that C++ gives a size of 1, so kvm_cpuid2 has 12
// bytes instead of 8 in C++, and the macros of these two calls have the wrong number.
struct cpuid_leaves {
  uint32_t nent;
  uint32_t padding;
  kvm_cpuid_entry2 entries[256];
};
constexpr unsigned long get_supported_cpuid = _IOWR(KVMIO, 0x05, uint64_t);
constexpr unsigned long set_cpuid2 = _IOW(KVMIO, 0x90, uint64_t);

void interrupt_run(int) {}

}  // namespace

guest_memory::guest_memory(uint64_t size) : size_(size) {
  void* const at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) fail(fmt::format("cannot map {} MiB of guest memory", size >> 20));
  host_ = static_cast<uint8_t*>(at);
  const uint64_t low = std::min(size, 3 * gib);
  windows_.push_back({0, {host_, low}});
  if (size > low) windows_.push_back({4 * gib, {host_ + low, size - low}});
}
guest_memory::~guest_memory() { munmap(host_, size_); }

machine::machine(const guest_memory& memory, unsigned cpus)
    : serial_(
          [this](uint8_t byte) {
            if (!ending_.first_byte) ending_.first_byte = std::chrono::steady_clock::now() - began_;
            if (::write(STDOUT_FILENO, &byte, 1) != 1) end(1, "standard output is closed");
          },
          [this](bool level) {
            kvm_irq_level line{};
            line.irq = serial::interrupt;
            line.level = level;
            ioctl(vm_, KVM_IRQ_LINE, &line);
          }) {
  kvm_ = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm_ < 0) fail("cannot open /dev/kvm");
  if (const int version = ioctl(kvm_, KVM_GET_API_VERSION, 0); version != KVM_API_VERSION)
    throw std::runtime_error(fmt::format("KVM has API version {} instead of {}", version, KVM_API_VERSION));
  for (const auto& [capability, name] : {std::pair{KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"}, {KVM_CAP_PIT2, "KVM_CAP_PIT2"}})
    if (ioctl(kvm_, KVM_CHECK_EXTENSION, capability) <= 0) throw std::runtime_error(fmt::format("KVM lacks {}", name));
  vm_ = checked(ioctl(kvm_, KVM_CREATE_VM, 0), "KVM_CREATE_VM (does the host have vmx or svm?)");
  checked(ioctl(vm_, KVM_SET_TSS_ADDR, tss_address), "KVM_SET_TSS_ADDR");
  uint64_t identity = identity_map_address;
  checked(ioctl(vm_, KVM_SET_IDENTITY_MAP_ADDR, &identity), "KVM_SET_IDENTITY_MAP_ADDR");
  checked(ioctl(vm_, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  kvm_pit_config pit{};
  checked(ioctl(vm_, KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
  uint32_t slot = 0;
  for (const pvhboot::writable_window& w : memory.windows()) {
    kvm_userspace_memory_region region{};
    region.slot = slot++;
    region.guest_phys_addr = w.base;
    region.memory_size = w.contents.size();
    region.userspace_addr = reinterpret_cast<uintptr_t>(w.contents.data());
    checked(ioctl(vm_, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  }
  run_size_ = static_cast<size_t>(checked(ioctl(kvm_, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
  const auto cpuid = std::make_unique<cpuid_leaves>();
  cpuid->nent = sizeof cpuid->entries / sizeof cpuid->entries[0];
  checked(ioctl(kvm_, get_supported_cpuid, cpuid.get()), "KVM_GET_SUPPORTED_CPUID");
  for (unsigned i = 0; i < cpus; ++i) {
    const int cpu = checked(ioctl(vm_, KVM_CREATE_VCPU, i), "KVM_CREATE_VCPU");
    cpus_.push_back(cpu);
    for (uint32_t k = 0; k < cpuid->nent; ++k) {
      kvm_cpuid_entry2& e = cpuid->entries[k];
      if (e.function == 1) e.ebx = (e.ebx & 0xff00ffff) | cpus << 16;
      if (e.function == 1) e.ebx = (e.ebx & 0x00ffffff) | i << 24;
      if (e.function == 0xb || e.function == 0x1f) e.edx = i;
    }
    checked(ioctl(cpu, set_cpuid2, cpuid.get()), "KVM_SET_CPUID2");
    void* const run = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    if (run == MAP_FAILED) fail("cannot map the state of a CPU");
    runs_.push_back(static_cast<kvm_run*>(run));
  }
}

machine::~machine() {
  for (kvm_run* run : runs_) munmap(run, run_size_);
  for (const int cpu : cpus_) close(cpu);
  if (vm_ >= 0) close(vm_);
  if (kvm_ >= 0) close(kvm_);
}

pvhboot::entry_state machine::set(const pvhboot::entry_state& state) {
  kvm_sregs sregs{};
  kvm_regs regs{};
  checked(ioctl(cpus_[0], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  to_kvm(state, sregs, regs);
  checked(ioctl(cpus_[0], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  checked(ioctl(cpus_[0], KVM_SET_REGS, &regs), "KVM_SET_REGS");
  checked(ioctl(cpus_[0], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  checked(ioctl(cpus_[0], KVM_GET_REGS, &regs), "KVM_GET_REGS");
  return pvhboot::from_kvm(sregs, regs);
}

void machine::end(int status, std::string how) {
  const std::lock_guard guard{lock_};
  if (ended_) return;
  ending_.status = status;
  ending_.how = std::move(how);
  ended_ = true;
}

std::string machine::crash(unsigned index) {
  kvm_sregs sregs{};
  kvm_regs regs{};
  ioctl(cpus_[index], KVM_GET_SREGS, &sregs);
  ioctl(cpus_[index], KVM_GET_REGS, &regs);
  return fmt::format(
      "CPU {} had a triple fault: rip {:#x} rsp {:#x} rflags {:#x} rax {:#x} rbx {:#x} rcx {:#x} rdx {:#x} rsi {:#x} "
      "rdi "
      "{:#x} cr0 {:#x} cr2 {:#x} cr3 {:#x} cr4 {:#x} efer {:#x} cs {:#x} gdt {:#x}/{:#x} idt {:#x}/{:#x}",
      index, regs.rip, regs.rsp, regs.rflags, regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, sregs.cr0,
      sregs.cr2, sregs.cr3, sregs.cr4, sregs.efer, sregs.cs.selector, sregs.gdt.base, sregs.gdt.limit, sregs.idt.base,
      sregs.idt.limit);
}

void machine::port_out(uint16_t port, const uint8_t* data, unsigned size) {
  if (port >= serial::first_port && port < serial::first_port + 8) {
    serial_.write(static_cast<uint16_t>(port - serial::first_port), data[0]);
  } else if (port == debug_exit_port && debug_exit_) {
    end(data[0] << 1 | 1, fmt::format("the guest wrote {:#x} to the debug exit port", data[0]));
  } else if (port == pm1_event_port + 2 && size >= 2) {
    std::memcpy(&pm1_enable_, data, 2);
  } else if (port == pm1_control_port && size >= 2) {
    uint16_t value = 0;
    std::memcpy(&value, data, 2);
    if ((value & sleep_enable) != 0 && (value & 0x1c00) == sleep_type_s5) end(0, "the guest powered off");
  } else if (port == reset_port || port == 0xcf9 || (port == 0x64 && data[0] == 0xfe)) {
    end(0, "the guest reset the machine");
  }
}

void machine::port_in(uint16_t port, uint8_t* data, unsigned size) {
  std::memset(data, 0xff, size);
  if (port >= serial::first_port && port < serial::first_port + 8) {
    data[0] = serial_.read(static_cast<uint16_t>(port - serial::first_port));
  } else if (port == pm1_event_port) {
    std::memset(data, 0, size);
  } else if (port == pm1_event_port + 2 && size == 2) {
    std::memcpy(data, &pm1_enable_, 2);
  } else if (port == pm1_control_port) {
    std::memset(data, 0, size);
    data[0] = sci_enable;
  }
}

bool machine::handle_io(kvm_run& run) {
  uint8_t* data = reinterpret_cast<uint8_t*>(&run) + run.io.data_offset;
  for (uint32_t i = 0; i < run.io.count; ++i, data += run.io.size)
    if (run.io.direction == KVM_EXIT_IO_OUT)
      port_out(run.io.port, data, run.io.size);
    else
      port_in(run.io.port, data, run.io.size);
  return !ended_;
}

void machine::run_cpu(unsigned index) {
  kvm_run& run = *runs_[index];
  std::map<std::string, uint64_t> exits;
  while (!ended_) {
    if (ioctl(cpus_[index], KVM_RUN, 0) < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      end(1, fmt::format("KVM_RUN: {}", std::strerror(errno)));
      break;
    }
    switch (run.exit_reason) {
      case KVM_EXIT_IO:
        ++exits["port I/O"];
        handle_io(run);
        break;
      case KVM_EXIT_MMIO:
        ++exits["memory outside RAM"];
        if (run.mmio.is_write == 0) std::memset(run.mmio.data, 0xff, sizeof run.mmio.data);
        break;
      case KVM_EXIT_HLT: ++exits["hlt"]; break;
      case KVM_EXIT_SHUTDOWN: end(3, crash(index)); break;
      case KVM_EXIT_FAIL_ENTRY:
        end(4, fmt::format("the CPU refuses its state, reason {:#x}", run.fail_entry.hardware_entry_failure_reason));
        break;
      default: end(4, fmt::format("KVM exit {} is unknown here", run.exit_reason));
    }
  }
  const std::lock_guard guard{lock_};
  for (const auto& [what, n] : exits) ending_.exits[what] += n;
  --running_;
}

ending machine::run(bool raw_terminal, bool debug_exit) {
  debug_exit_ = debug_exit;
  struct sigaction action {};
  action.sa_handler = interrupt_run;
  sigaction(SIGUSR1, &action, nullptr);
  termios before{};
  const bool raw = raw_terminal && tcgetattr(STDIN_FILENO, &before) == 0;
  if (raw) {
    termios now = before;
    cfmakeraw(&now);
    now.c_oflag |= OPOST;
    tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  began_ = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  running_ = static_cast<unsigned>(cpus_.size());
  for (unsigned i = 0; i < cpus_.size(); ++i) threads.emplace_back([this, i] { run_cpu(i); });
  bool escape = false;
  bool open = true;
  while (!ended_) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(open ? &input : nullptr, open ? 1 : 0, 50) <= 0 || (input.revents & (POLLIN | POLLHUP)) == 0) continue;
    uint8_t byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) != 1) {
      open = false;
      continue;
    }
    if (raw && escape && byte == 'x') end(0, "ended from the keyboard");
    if (raw && !escape && byte == 1) {  // Ctrl-A
      escape = true;
      continue;
    }
    escape = false;
    serial_.receive(byte);
  }
  // A CPU that halts or runs leaves KVM_RUN by a signal only; one may come between the check and KVM_RUN.
  while (running_ != 0) {
    for (std::thread& t : threads) pthread_kill(t.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::thread& t : threads) t.join();
  if (raw) tcsetattr(STDIN_FILENO, TCSANOW, &before);
  return ending_;
}

}  // namespace vmm
