// SPDX-License-Identifier: BSL-1.0
//
// The bytes of an input file. Files are mapped, so a dump of many GiB costs no memory. A pipe is streamed into a
// temporary file, since the structures of a handoff refer to each other in any order; pages of zeroes take no room
// there.
#pragma once

#include <string>

#include <pvhboot/core/span.hpp>

#include "scan.hpp"

namespace tool {

class file {
 public:
  /// "-" is standard input. Throws bad_input with the file's name and the reason.
  explicit file(const std::string& name);
  ~file();
  file(const file&) = delete;
  file& operator=(const file&) = delete;

  [[nodiscard]] pvhboot::span<const uint8_t> bytes() const { return bytes_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Of a pipe: the pages with a magic number, which were found while it was read. Otherwise null.
  [[nodiscard]] const marked_pages* marked() const { return is_stream_ ? &marked_ : nullptr; }

 private:
  std::string name_;
  std::string copy_;  ///< of a file that cannot be mapped
  pvhboot::span<const uint8_t> bytes_{};
  void* mapped_ = nullptr;
  bool is_stream_ = false;
  marked_pages marked_;
};

/// Brings bytes of a mapped file into memory, faster than one page at a time.
void prefetch(pvhboot::span<const uint8_t> bytes);

/// Writes a whole file, or throws bad_input.
void write_file(const std::string& name, pvhboot::span<const uint8_t> bytes);

/// Shows how much of a scan is done, on standard error if that is a terminal and the scan is long.
class progress {
 public:
  explicit progress(uint64_t whole) : whole_(whole) {}
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  void add(uint64_t bytes);

 private:
  uint64_t whole_;
  uint64_t done_ = 0;
  uint64_t shown_ = 0;
};

}  // namespace tool
