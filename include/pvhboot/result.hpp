// SPDX-License-Identifier: BSL-1.0
//
// How this library says no: a rule that was broken, and where. No exceptions, no allocation.
#pragma once

#include <pvhboot/span.hpp>

namespace pvhboot {

/// One value is one rule; new ones are added at the end, so that a number keeps its meaning. `where` of a failure is
/// the physical address, the file offset or the number that the comment names. The section in parentheses is where the
/// rule comes from: "start_info.h" and "pvh.pandoc" are Xen's, "boot.rst" and "zero-page.rst" Linux's
/// Documentation/arch/x86.
enum class errc : uint8_t {
  // parse (start_info.h)
  start_info_absent,        ///< the address of start_info is 0. where: 0
  start_info_unreadable,    ///< start_info does not lie in readable memory. where: its address
  bad_magic,                ///< the first word is not 0x336ec578. where: the address of start_info
  cmdline_unreadable,       ///< the command line does not lie in readable memory. where: its address
  cmdline_unterminated,     ///< no NUL within the limit or the readable memory. where: its address
  modlist_absent,           ///< nr_modules is not 0 but modlist_paddr is. where: the address of modlist_paddr
  too_many_modules,         ///< nr_modules is above the caller's limit. where: the address of nr_modules
  modlist_unreadable,       ///< the module list does not lie in readable memory. where: its address
  module_wraps,             ///< a module ends above 2^64. where: the address of its list entry
  module_unreadable,        ///< a module's bytes do not lie in readable memory. where: the module's address
  too_many_memmap_entries,  ///< memmap_entries is above the caller's limit. where: the address of memmap_entries
  memmap_unreadable,        ///< the memory map does not lie in readable memory. where: its address
  // memory_map
  map_full,           ///< the caller's storage has no room for another range. where: the ranges it holds
  scratch_too_small,  ///< sanitize needs one scratch slot per range. where: the slots needed
  no_free_range,      ///< no RAM of this size, alignment and position is free. where: the size asked for
  // bzimage (boot.rst, "The Real-Mode Kernel Header")
  image_too_short,        ///< the file ends inside its setup header. where: the file's size
  no_boot_flag,           ///< no 0xAA55 at 0x1fe. where: 0x1fe
  no_header_magic,        ///< no "HdrS" at 0x202. where: 0x202
  bad_header_jump,        ///< the jump at 0x200 is not a short forward jump. where: 0x200
  header_truncated,       ///< the header ends before the fields its version promises. where: its end
  protocol_too_old,       ///< the boot protocol is older than what is asked for. where: the version
  setup_truncated,        ///< the file ends before the protected-mode code. where: the code's offset
  kernel_truncated,       ///< the file ends before syssize does. where: the offset where it should end
  not_loaded_high,        ///< a zImage, to be loaded at 0x10000. where: 0x211
  bad_kernel_alignment,   ///< kernel_alignment of a relocatable kernel is not a power of two. where: 0x230
  payload_out_of_bounds,  ///< the payload does not lie in the protected-mode code. where: its end
  bad_kernel_info,        ///< kernel_info has no magic, or sizes that contradict. where: its offset
  // placement and translation (boot.rst, zero-page.rst)
  no_place_for_kernel,  ///< no free RAM for [load, +size) and [runtime_start, +init_size). where: the size needed
  no_place_for_initrd,  ///< no free RAM for the initrd below initrd_addr_max. where: initrd_addr_max
  initrd_too_high,      ///< the initrd ends above what the kernel can reach. where: its last byte
  cmdline_too_long,     ///< longer than the kernel takes. where: the kernel's limit, without the NUL
  cmdline_too_high,     ///< the command line is above 4 GiB. where: its address
  kernel_too_high,      ///< the 32-bit entry lies above 4 GiB. where: the load address
  overlaps_kernel,      ///< something to keep lies where the kernel will unpack itself. where: its address
  loader_type_zero,     ///< type_of_loader 0 makes Linux ignore the initrd. where: 0x210
  e820_full,            ///< more ranges than the zero page's 128. where: the number of ranges
  no_ram,               ///< the map has no RAM at all. where: the number of ranges
  // xen (xen/include/public/memory.h)
  xen_no_memory_map,         ///< XENMEM_memory_map failed. where: the error number it returned, positive
  xen_memory_map_too_large,  ///< the buffer came back full, so entries may be missing. where: the entries it holds
  xen_memory_map_bad_count,  ///< more entries returned than asked for. where: their number
  // setup_data (boot.rst)
  setup_data_unreadable,  ///< a node does not lie in readable memory. where: its address
  setup_data_wraps,       ///< a node's length and its header exceed 32 bits. where: its address
  setup_data_loop,        ///< more nodes than the caller's limit. where: the address of the next
  bad_setup_indirect,     ///< an INDIRECT node against its rules. where: its address
  setup_data_full,        ///< no room for a node in the caller's storage. where: the bytes of its payload
  // more of placement and translation
  overlaps,                ///< two things that must be kept overlap. where: the address of the later one
  not_in_ram,              ///< something that Linux needs does not lie in RAM. where: its address
  bad_runtime_start,       ///< the kernel would not run where the placement says. where: where it would
  loader_id_too_large,     ///< a loader number above 0x10f, or a version above 0xfff. where: it
  setup_data_unsupported,  ///< the kernel's protocol is too old for setup_data. where: the version
  e820_bad_count,          ///< e820_entries claims more than the zero page's 128. where: the count
  initrd_absent,           ///< an initrd of some size at address 0, which Linux ignores. where: its size
};

/// The last value, for tables and tests.
inline constexpr errc errc_last = errc::initrd_absent;

/// The rule in a sentence. The text is NUL-terminated, so data() suits a printk.
constexpr string_ref message(errc code) noexcept {
  switch (code) {
    case errc::start_info_absent: return "the address of start_info is 0";
    case errc::start_info_unreadable: return "start_info does not lie in readable memory";
    case errc::bad_magic: return "start_info does not begin with the magic 0x336ec578";
    case errc::cmdline_unreadable: return "the command line does not lie in readable memory";
    case errc::cmdline_unterminated: return "the command line has no NUL within the limit";
    case errc::modlist_absent: return "modules are announced but the module list has address 0";
    case errc::too_many_modules: return "more modules than the caller's limit";
    case errc::modlist_unreadable: return "the module list does not lie in readable memory";
    case errc::module_wraps: return "a module ends above 2^64";
    case errc::module_unreadable: return "a module does not lie in readable memory";
    case errc::too_many_memmap_entries: return "more memory map entries than the caller's limit";
    case errc::memmap_unreadable: return "the memory map does not lie in readable memory";
    case errc::xen_no_memory_map: return "Xen has no memory map for this domain";
    case errc::xen_memory_map_too_large: return "Xen's memory map does not fit the buffer";
    case errc::xen_memory_map_bad_count: return "Xen returned more memory map entries than asked for";
    case errc::map_full: return "no room for another memory range";
    case errc::scratch_too_small: return "not enough scratch slots to sanitise the memory map";
    case errc::no_free_range: return "no free RAM of this size";
    case errc::image_too_short: return "the kernel image ends inside its setup header";
    case errc::no_boot_flag: return "the kernel image has no boot flag 0xAA55";
    case errc::no_header_magic: return "the kernel image has no HdrS magic";
    case errc::bad_header_jump: return "the setup header does not begin with a short forward jump";
    case errc::header_truncated: return "the setup header ends before the fields of its protocol version";
    case errc::protocol_too_old: return "the kernel's boot protocol is too old";
    case errc::setup_truncated: return "the kernel image ends before its protected-mode code";
    case errc::kernel_truncated: return "the kernel image is truncated";
    case errc::not_loaded_high: return "the kernel is a zImage, which is loaded low";
    case errc::bad_kernel_alignment: return "the kernel's alignment is not a power of two";
    case errc::payload_out_of_bounds: return "the kernel's payload lies outside the image";
    case errc::bad_kernel_info: return "the kernel_info structure is damaged";
    case errc::no_place_for_kernel: return "not enough free RAM where the kernel can run";
    case errc::no_place_for_initrd: return "not enough free RAM below the kernel's initrd limit";
    case errc::initrd_too_high: return "the initrd ends above the kernel's initrd limit";
    case errc::cmdline_too_long: return "the command line is longer than the kernel takes";
    case errc::cmdline_too_high: return "the command line lies above 4 GiB";
    case errc::kernel_too_high: return "the kernel lies above 4 GiB";
    case errc::overlaps_kernel: return "something still needed lies where the kernel unpacks itself";
    case errc::loader_type_zero: return "a boot loader of type 0 makes Linux ignore the initrd";
    case errc::e820_full: return "more memory ranges than the zero page can hold";
    case errc::no_ram: return "the memory map has no RAM";
    case errc::setup_data_unreadable: return "a setup_data node does not lie in readable memory";
    case errc::setup_data_wraps: return "a setup_data node's length wraps";
    case errc::setup_data_loop: return "the setup_data chain has a loop, or too many nodes";
    case errc::bad_setup_indirect: return "a setup_data INDIRECT node is malformed";
    case errc::setup_data_full: return "no room for another setup_data node";
    case errc::overlaps: return "two things that must be kept overlap";
    case errc::not_in_ram: return "something that Linux needs does not lie in RAM";
    case errc::bad_runtime_start: return "the kernel would not run where the placement says";
    case errc::loader_id_too_large: return "a boot loader's number or version does not fit";
    case errc::setup_data_unsupported: return "the kernel's boot protocol is too old for setup_data";
    case errc::initrd_absent: return "the initrd has a size but no address";
    case errc::e820_bad_count: return "the zero page claims more e820 entries than it can hold";
  }
  return "unknown error";
}

/// What `where` counts or points to, as a word to print before the number.
constexpr string_ref where_word(errc code) noexcept {
  switch (code) {
    case errc::no_boot_flag:
    case errc::no_header_magic:
    case errc::bad_header_jump:
    case errc::header_truncated:
    case errc::setup_truncated:
    case errc::kernel_truncated:
    case errc::not_loaded_high:
    case errc::bad_kernel_alignment:
    case errc::payload_out_of_bounds:
    case errc::bad_kernel_info:
    case errc::loader_type_zero: return "offset";
    case errc::image_too_short:
    case errc::no_free_range:
    case errc::no_place_for_kernel:
    case errc::setup_data_full:
    case errc::initrd_absent:
    case errc::cmdline_too_long: return "bytes";
    case errc::xen_memory_map_too_large:
    case errc::xen_memory_map_bad_count:
    case errc::e820_bad_count: return "entries";
    case errc::loader_id_too_large: return "number";
    case errc::xen_no_memory_map: return "error number";
    case errc::map_full:
    case errc::scratch_too_small:
    case errc::e820_full:
    case errc::no_ram: return "ranges";
    case errc::setup_data_unsupported:
    case errc::protocol_too_old: return "version";
    default: return "address";
  }
}

struct failure {
  errc code;
  uint64_t where;  ///< what this is, the comment of the code says
};

/// Never defined for a constant expression: dereferencing a failed result ends compilation there, and traps at run
/// time.
[[noreturn]] inline void result_is_a_failure() { __builtin_trap(); }
[[noreturn]] inline void result_is_not_a_failure() { __builtin_trap(); }

/// Says that a result makes its value itself.
struct in_place {};

/// A T, or the reason why there is none. T must be trivially destructible.
template <class T> class [[nodiscard]] result {
 public:
  constexpr result(T value) : value_(value), ok_(true) {}
  constexpr result(failure f) : failure_(f), ok_(false) {}
  constexpr result(errc code, uint64_t where) : failure_{code, where}, ok_(false) {}
  /// T{source} where it stays, for a T that is dear to copy, and given up if its fill(source) fails.
  template <class Source>
  [[gnu::always_inline]] constexpr result(in_place, const Source& source) : value_{source}, ok_(true) {
    if (auto done = value_.fill(source); !done) {
      failure_ = done.error();
      ok_ = false;
    }
  }

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  constexpr explicit operator bool() const { return ok_; }
  constexpr const T& operator*() const {
    if (!ok_) result_is_a_failure();
    return value_;
  }
  constexpr const T* operator->() const { return &**this; }
  [[nodiscard]] constexpr failure error() const {
    if (ok_) result_is_not_a_failure();
    return failure_;
  }
  [[nodiscard]] constexpr T value_or(T other) const { return ok_ ? value_ : other; }

 private:
  union {
    T value_;
    failure failure_;
  };
  bool ok_;
};

/// Success without a value, or the reason why not.
template <> class [[nodiscard]] result<void> {
 public:
  constexpr result() : failure_{errc{}, 0}, ok_(true) {}
  constexpr result(failure f) : failure_(f), ok_(false) {}
  constexpr result(errc code, uint64_t where) : failure_{code, where}, ok_(false) {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  constexpr explicit operator bool() const { return ok_; }
  [[nodiscard]] constexpr failure error() const {
    if (ok_) result_is_not_a_failure();
    return failure_;
  }

 private:
  failure failure_;
  bool ok_;
};

}  // namespace pvhboot
