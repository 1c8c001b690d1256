// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>

#include <pvhboot/core/span.hpp>

namespace vmm {

/// A file in this program's memory, not copied. It must not become shorter while it is in use.
class file {
 public:
  /// Throws std::system_error, and std::runtime_error for what is no regular file or empty.
  explicit file(const std::string& name);
  ~file();
  file(file&& other) noexcept : contents_(other.contents_) { other.contents_ = {}; }
  file& operator=(file&&) = delete;

  [[nodiscard]] pvhboot::span<const uint8_t> contents() const { return contents_; }

 private:
  pvhboot::span<const uint8_t> contents_;
};

/// Throws std::system_error.
void write_file(const std::string& name, pvhboot::span<const uint8_t> contents);

}  // namespace vmm
