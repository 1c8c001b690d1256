// SPDX-License-Identifier: BSL-1.0
//
// KVM's devices, with errors that say what to do.
#pragma once

#include <string>

namespace vmm {

/// A file descriptor that is closed at the end.
class descriptor {
 public:
  explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Throws std::runtime_error if an ioctl failed.
int checked(int result, const char* what);

/// What the CPU has, "vmx" or "svm"; null for neither. KVM without either emulates each instruction, as far as it can.
const char* virtualisation();

/// Throws std::runtime_error: there is no such device, it may not be opened, or it cannot do what vmm needs.
descriptor open_kvm(const std::string& device);
/// The same if no virtual machine can be made.
descriptor create_vm(const descriptor& kvm);

}  // namespace vmm
