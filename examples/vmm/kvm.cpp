// SPDX-License-Identifier: BSL-1.0
#include "kvm.hpp"

#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace vmm {

namespace {

/// Why KVM may not run here.
std::string reason() {
  const char* const has = virtualisation();
  if (has == nullptr) return "the CPU has neither vmx nor svm; in a virtual machine, its host must turn on nesting";
  return fmt::format("the CPU has {}; the kernel module kvm-{} may be missing, or the firmware has turned it off", has,
                     std::strcmp(has, "vmx") == 0 ? "intel" : "amd");
}

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

// Intel SDM 2A, CPUID leaf 1; AMD APM 3, leaf 80000001.
const char* virtualisation() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned vmx = 1u << 5, svm = 1u << 2;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & vmx) != 0) return "vmx";
  if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & svm) != 0) return "svm";
  return nullptr;
}

descriptor::~descriptor() {
  if (fd_ >= 0) close(fd_);
}

int checked(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

descriptor open_kvm(const std::string& device) {
  descriptor kvm{open(device.c_str(), O_RDWR | O_CLOEXEC)};
  if (kvm.get() < 0) {
    if (errno == EACCES) fail(fmt::format("cannot open {} (is this user in the group kvm?)", device));
    fail(fmt::format("cannot open {} ({})", device, reason()));
  }
  const int version = ioctl(kvm.get(), KVM_GET_API_VERSION, 0);
  if (version < 0) fail(fmt::format("{} is not KVM", device));
  if (version != KVM_API_VERSION)
    throw std::runtime_error(fmt::format("{} has version {} of the API, not {}", device, version, KVM_API_VERSION));
  for (const auto& [capability, name] : {std::pair{KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
                                         {KVM_CAP_PIT2, "KVM_CAP_PIT2"},
                                         {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
                                         {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"}})
    if (ioctl(kvm.get(), KVM_CHECK_EXTENSION, capability) <= 0)
      throw std::runtime_error(fmt::format("{} lacks {}", device, name));
  return kvm;
}

descriptor create_vm(const descriptor& kvm) {
  descriptor vm{ioctl(kvm.get(), KVM_CREATE_VM, 0)};
  if (vm.get() < 0) fail(fmt::format("KVM cannot make a virtual machine ({})", reason()));
  return vm;
}

}  // namespace vmm
