// SPDX-License-Identifier: BSL-1.0
//
// Reads a cpio "newc" archive that holds a kernel and a command line and is followed by an initrd.
// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
#pragma once

#include <pvhboot/core/span.hpp>

namespace chainload {

using bytes = pvhboot::span<const uint8_t>;

constexpr bool is_newc(bytes b) noexcept {
  constexpr char magic[] = "070701";
  if (b.size() < 6) return false;
  for (size_t i = 0; i < 6; ++i)
    if (b[i] != static_cast<uint8_t>(magic[i])) return false;
  return true;
}

/// The contents of an archive with the entries `vmlinuz` and, optionally, `cmdline`.
struct archive {
  bytes kernel{};
  bytes cmdline{};
  bool has_cmdline = false;
  bytes rest{};     ///< the bytes after the archive and its padding: the initrd
  bool ok = false;  ///< false: the archive is damaged at `offset`
  size_t offset = 0;
};

/// Reads eight hexadecimal digits. False if there is another character.
constexpr bool read_hex(bytes b, uint32_t& value) noexcept {
  value = 0;
  for (size_t i = 0; i < 8; ++i) {
    const uint8_t c = b[i];
    const uint32_t digit = c >= '0' && c <= '9'   ? uint32_t{c} - '0'
                           : c >= 'a' && c <= 'f' ? uint32_t{c} - 'a' + 10
                           : c >= 'A' && c <= 'F' ? uint32_t{c} - 'A' + 10
                                                  : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
  }
  return true;
}

/// Whether an entry has this name, with or without the "./" that find(1) prepends.
template <size_t N> constexpr bool is_named(bytes name, const char (&wanted)[N]) noexcept {
  if (name.size() > 2 && name[0] == '.' && name[1] == '/') name = name.after(2);
  if (name.size() != N - 1) return false;
  for (size_t i = 0; i < N - 1; ++i)
    if (name[i] != static_cast<uint8_t>(wanted[i])) return false;
  return true;
}

/// Reads the entries up to the trailer, and skips the zeroes that pad an archive to its block size, as Linux does
/// between the archives of an initrd.
constexpr archive read_archive(bytes file) noexcept {
  constexpr size_t header_size = 110;
  constexpr auto align4 = [](size_t n) { return (n + 3) & ~size_t{3}; };
  archive found{};
  for (size_t at = 0;;) {
    found.offset = at;
    const bytes entry = file.after(at);
    uint32_t size = 0;
    uint32_t name_size = 0;
    if (!is_newc(entry) || entry.size() < header_size || !read_hex(entry.after(54), size) ||
        !read_hex(entry.after(94), name_size) || name_size == 0 || name_size > entry.size() - header_size)
      return found;
    // The trailer may end the file without the padding after its name.
    const size_t data_at = align4(header_size + name_size);
    const bytes name = entry.after(header_size).first(name_size - 1);
    if (is_named(name, "TRAILER!!!")) {
      at += data_at;
      while (at < file.size() && file[at] == 0) ++at;
      found.rest = file.after(at);
      found.ok = true;
      return found;
    }
    if (data_at > entry.size() || size > entry.size() - data_at) return found;
    const bytes data = entry.after(data_at).first(size);
    if (is_named(name, "vmlinuz")) found.kernel = data;
    if (is_named(name, "cmdline")) {
      found.cmdline = data;
      found.has_cmdline = true;
    }
    at += data_at + (entry.size() - data_at < align4(size) ? size : align4(size));
  }
}

}  // namespace chainload
