// SPDX-License-Identifier: BSL-1.0
//
// The readers of live.hpp and their laws. Compiled at every level of optimisation: what a compiler reads twice it reads
// twice here.
#include "live.hpp"

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>
#include <pvhboot/xen/grub_mmap.hpp>

namespace {

using namespace live;
using pvhboot::errc;
using pvhboot::memory_map;
using pvhboot::memory_range;
using pvhboot::memory_type;
namespace abi = pvhboot::abi;

#define LAW(...)                       \
  if (!(__VA_ARGS__)) return outcome { \
#__VA_ARGS__, false              \
    }

/// What is looked at afterwards is in memory as it is, not what the compiler remembers of how it came there.
template <class T> void settle(const T& value) { asm volatile("" : : "r"(&value) : "memory"); }

/// Reads the first and the last byte.
void touch(pvhboot::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  (void)pvhboot::read_once(bytes.data());
  (void)pvhboot::read_once(bytes.end() - 1);
}

/// [p, p + size) is in one of the guest's blocks.
bool granted(const memory& guest, const uint8_t* p, uint64_t size) {
  for (size_t i = 0; i < guest.n; ++i) {
    const block& b = guest.blocks[i];
    const auto from = reinterpret_cast<uintptr_t>(p);
    const auto base = reinterpret_cast<uintptr_t>(b.bytes);
    if (from >= base && from - base <= b.size && size <= b.size - (from - base)) return true;
  }
  return false;
}

bool sorted_and_disjoint(const memory_map& map) {
  for (size_t i = 0; i < map.size(); ++i) {
    const memory_range& r = map[i];
    if (r.size == 0 || r.addr + (r.size - 1) < r.addr || r.type == memory_type{}) return false;
    if (i != 0 && map[i - 1].addr + (map[i - 1].size - 1) >= r.addr) return false;
  }
  return true;
}

bool same(const memory_range& a, const memory_range& b) {
  return a.addr == b.addr && a.size == b.size && a.type == b.type;
}

// A handoff.

constexpr uint64_t info_at = 0x1000, text_at = 0x2000, modlist_at = 0x3000, memmap_at = 0x4000, module_at = 0x5000,
                   module_text_at = 0x6000, rsdp_at = 0x7000;
constexpr pvhboot::parse_limits limits{.memmap_entries = 6, .modules = 4, .string_size = 23};
constexpr block_spec handoff_blocks[] = {{info_at, 56},       {text_at, 24},   {modlist_at, 4 * 32},
                                         {memmap_at, 6 * 24}, {module_at, 64}, {module_text_at, 16},
                                         {rsdp_at, 36}};

void fill_handoff(void* c, void (*put)(void*, uint64_t, uint64_t, unsigned)) {
  const auto text = [&](uint64_t at, const char* p) {
    for (; *p != 0; ++p) put(c, at++, static_cast<uint8_t>(*p), 1);
  };
  put(c, info_at, 0x336ec578, 4);
  put(c, info_at + 4, 1, 4);
  put(c, info_at + 12, 2, 4);
  put(c, info_at + 16, modlist_at, 8);
  put(c, info_at + 24, text_at, 8);
  put(c, info_at + 32, rsdp_at, 8);
  put(c, info_at + 40, memmap_at, 8);
  put(c, info_at + 48, 3, 4);
  text(text_at, "console=hvc0");
  for (uint64_t i = 0; i < 4; ++i) {
    put(c, modlist_at + 32 * i, module_at + 16 * i, 8);
    put(c, modlist_at + 32 * i + 8, 16, 8);
    put(c, modlist_at + 32 * i + 16, i % 2 == 0 ? module_text_at : 0, 8);
  }
  for (uint64_t i = 0; i < 6; ++i) {
    put(c, memmap_at + 24 * i, 0x1000 * i, 8);
    put(c, memmap_at + 24 * i + 8, 0x1000, 8);
    put(c, memmap_at + 24 * i + 16, 1 + i % 2, 4);
  }
  text(module_text_at, "initrd");
  text(rsdp_at, "RSD PTR ");
  put(c, rsdp_at + 8, 0xb3, 1);  // the sum of the first 20 bytes is then 0
}

constexpr field handoff_fields[] = {
    {"magic", info_at, 4, {0x336ec578, 0}, 2},
    {"version", info_at + 4, 4, {0, 1, 2, 0xffffffff}, 4},
    {"nr_modules", info_at + 12, 4, {0, 1, 2, 4, 5, 100, 0xffffffff}, 7},
    {"modlist_paddr", info_at + 16, 8, {0, modlist_at, modlist_at + 32, rsdp_at, ~uint64_t{}}, 5},
    {"cmdline_paddr", info_at + 24, 8, {0, text_at, text_at + 12, text_at + 23, module_text_at, 0xdead}, 6},
    {"rsdp_paddr", info_at + 32, 8, {0, rsdp_at, rsdp_at + 17, ~uint64_t{}}, 4},
    {"memmap_paddr", info_at + 40, 8, {0, memmap_at, memmap_at + 24, rsdp_at, ~uint64_t{}}, 5},
    {"memmap_entries", info_at + 48, 4, {0, 1, 3, 6, 7, 4096, 0xffffffff}, 7},
    {"text[0]", text_at, 1, {0, 'c', 0xff}, 3},
    {"text[3]", text_at + 3, 1, {0, 's', 0xff}, 3},
    {"text[11]", text_at + 11, 1, {0, '0'}, 2},
    {"text[12]", text_at + 12, 1, {0, 'x'}, 2},
    {"text[23]", text_at + 23, 1, {0, 'x'}, 2},
    {"module 0 paddr", modlist_at, 8, {0, module_at, module_at + 63, ~uint64_t{}}, 4},
    {"module 0 size", modlist_at + 8, 8, {0, 16, 64, 65, ~uint64_t{}, 0x100000000}, 6},
    {"module 0 cmdline", modlist_at + 16, 8, {0, module_text_at, module_text_at + 15, 0xdead}, 4},
    {"module 1 paddr", modlist_at + 32, 8, {0, module_at, ~uint64_t{}}, 3},
    {"module 1 size", modlist_at + 40, 8, {0, 48, 49, ~uint64_t{}}, 4},
    {"module text[0]", module_text_at, 1, {0, 'i'}, 2},
    {"module text[6]", module_text_at + 6, 1, {0, 'x'}, 2},
    {"module text[15]", module_text_at + 15, 1, {0, 'x'}, 2},
    {"entry 0 addr", memmap_at, 8, {0, 0x1000, 0x9f000, ~uint64_t{}}, 4},
    {"entry 0 size", memmap_at + 8, 8, {0, 0x1000, 0x100000, ~uint64_t{}}, 4},
    {"entry 0 type", memmap_at + 16, 4, {0, 1, 2, 0xefffffff}, 4},
    {"entry 1 addr", memmap_at + 24, 8, {0, 0x1000, ~uint64_t{} - 0xfff}, 3},
    {"entry 2 size", memmap_at + 56, 8, {0, 0x1000, ~uint64_t{}}, 3},
    {"RSDP checksum", rsdp_at + 8, 1, {0, 0xb3}, 2},
};

/// Guest memory that is one block, as the library's own window: what is inlined there may be read in another order.
pvhboot::memory_window window_of(const memory& guest) {
  const block& b = guest.blocks[0];
  return {b.paddr, pvhboot::span<const uint8_t>{b.bytes, b.size}};
}

template <class Memory> outcome check_handoff(const memory& guest, const pvhboot::boot_info<Memory>& boot) {
  LAW(boot.modules().size() <= limits.modules && boot.memory_map().size() <= limits.memmap_entries);
  LAW(boot.version() != 0 || boot.memory_map().empty());
  LAW((boot.memory_map_state() == pvhboot::memory_map_state::table) == !boot.memory_map().empty());
  LAW(boot.wire().magic.get() == 0x336ec578 && boot.modules().size() == boot.wire().nr_modules.get());
  LAW(boot.memory_map().empty() || boot.memory_map().size() == boot.wire().memmap_entries.get());
  LAW(boot.cmdline().absent() == (boot.wire().cmdline_paddr.get() == 0));
  LAW(boot.modules().empty() || boot.wire().modlist_paddr.get() != 0);
  const auto text_is_granted = [&](const pvhboot::string_ref& text) {
    return text.size() <= limits.string_size &&
           granted(guest, reinterpret_cast<const uint8_t*>(text.data()), text.size() + 1);
  };
  LAW(boot.cmdline().absent() || text_is_granted(boot.cmdline()));
  for (const char c : boot.cmdline()) settle(c);
  for (const pvhboot::boot_module m : boot.modules()) {
    settle(m);
    const auto bytes = boot.contents_of(m);
    settle(bytes);
    LAW(!bytes || (bytes->size() == m.size && granted(guest, bytes->data(), bytes->size())));
    if (bytes) touch(*bytes);
    const auto text = boot.cmdline_of(m);
    settle(text);
    LAW(!text || text->absent() == (m.cmdline_paddr == 0));
    LAW(!text || text->absent() || text_is_granted(*text));
  }
  for (const memory_range r : boot.memory_map()) settle(r);
  return {nullptr, true};
}

template <class Memory> outcome read_parse_from(const memory& guest, const Memory& from) {
  const auto boot = pvhboot::parse(from, info_at, limits);
  settle(boot);
  if (!boot) {
    const unsigned code = static_cast<uint16_t>(boot.error().code);
    LAW(code >= 0x100 && code < 0x110);
    return {nullptr, false};
  }
  return check_handoff(guest, *boot);
}

outcome read_parse(const memory& guest) { return read_parse_from(guest, guest); }
outcome read_parse_in_window(const memory& guest) { return read_parse_from(guest, window_of(guest)); }

outcome read_extents(const memory& guest) {
  const auto boot = pvhboot::parse(guest, info_at, limits);
  settle(boot);
  if (!boot) return {nullptr, false};
  const pvhboot::extents<memory> pieces{*boot};
  size_t n = 0;
  for (const pvhboot::extent& e : pieces) {
    settle(e);
    LAW(e.size != 0 && e.module < 4);
    ++n;
  }
  LAW(n <= pieces.capacity() && pieces.capacity() == 5 + 2 * boot->modules().size());
  pvhboot::memory_map_buffer<40> buffer{};
  memory_map map{buffer};
  LAW(map.append(boot->memory_map()).ok() && map.size() == boot->memory_map().size());
  LAW(map.sanitize().ok() && sorted_and_disjoint(map));
  LAW(reserve_handoff(map, *boot).ok() && sorted_and_disjoint(map));
  return {nullptr, true};
}

outcome read_lint(const memory& guest) {
  const auto boot = pvhboot::parse(guest, info_at, limits);
  settle(boot);
  if (!boot) return {nullptr, false};
  size_t found = 0;
  pvhboot::memory_map_buffer<32> buffer{};
  memory_map scratch{buffer};
  const auto done = pvhboot::lint(guest, *boot, scratch, [&](pvhboot::finding f) {
    settle(f);
    ++found;
  });
  LAW(done.ok());
  // 30 findings about the whole, 9 about a module, 8 about an entry, at most.
  LAW(found <= 30 + 9 * boot->modules().size() + 8 * boot->memory_map().size());
  return {nullptr, true};
}

outcome read_roles(const memory& guest) {
  const auto boot = pvhboot::parse(guest, info_at, limits);
  settle(boot);
  if (!boot) return {nullptr, false};
  static thread_local abi::boot_params page;
  pvhboot::memory_map_buffer<40> buffer{};
  memory_map map{buffer};
  LAW(map.append(pvhboot::isa_hole).ok() && map.append(memory_range{0x100000, 0x100000, memory_type::ram}).ok());
  LAW(map.sanitize().ok());
  LAW(translate(*boot, map, pvhboot::started_by::other, page).ok());
  settle(page);
  LAW(page.e820_entries == 2 && page.hdr.type_of_loader == 0xb0);
  LAW(translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::xen, page).ok());
  settle(page);
  LAW(page.e820_entries == boot->memory_map().size() + 1 && page.hdr.type_of_loader == 0x90);
  // The entry after the last is the hole, and nothing follows it.
  const size_t n = page.e820_entries;
  LAW(page.e820_table[n - 1].addr.get() == 0xa0000 && page.e820_table[n].size.get() == 0);
  map.clear();
  LAW(read_zero_page(guest, page, map).ok() && map.size() == n);
  return {nullptr, true};
}

// A zero page with two nodes of setup_data.

constexpr uint64_t page_at = 0x8000, node_at = 0xa000, second_at = 0xb000;
constexpr block_spec page_blocks[] = {{page_at, 4096}, {node_at, 16 + 40}, {second_at, 16 + 24}};

void fill_page(void* c, void (*put)(void*, uint64_t, uint64_t, unsigned)) {
  for (uint64_t i = 0; i < 128; ++i) {
    put(c, page_at + 0x2d0 + 20 * i, 0x10000 * i, 8);
    put(c, page_at + 0x2d8 + 20 * i, 0x8000, 8);
    put(c, page_at + 0x2e0 + 20 * i, 1 + i % 2, 4);
  }
  put(c, page_at + 0x1e8, 3, 1);
  put(c, page_at + 0x070, 0x12345678, 8);
  put(c, page_at + 0x0c0, 5, 4);
  put(c, page_at + 0x0c4, 6, 4);
  put(c, page_at + 0x0c8, 7, 4);
  put(c, page_at + 0x210, 0xff, 1);
  put(c, page_at + 0x218, 0x1000, 4);
  put(c, page_at + 0x21c, 0x2000, 4);
  put(c, page_at + 0x228, 0x3000, 4);
  put(c, page_at + 0x250, node_at, 8);
  put(c, node_at, second_at, 8);
  put(c, node_at + 8, 1, 4);
  put(c, node_at + 12, 40, 4);
  put(c, node_at + 16, 0x8000000, 8);
  put(c, node_at + 24, 0x1000, 8);
  put(c, node_at + 32, 1, 4);
  put(c, node_at + 36, 0x9000000, 8);
  put(c, node_at + 44, 0x1000, 8);
  put(c, node_at + 52, 2, 4);
  put(c, second_at + 8, 0x80000000, 4);
  put(c, second_at + 12, 24, 4);
  put(c, second_at + 16, 0x80000001, 4);
  put(c, second_at + 24, 20, 8);
  put(c, second_at + 32, 0x10000, 8);
}

constexpr field page_fields[] = {
    {"e820_entries", page_at + 0x1e8, 1, {0, 1, 3, 127, 128, 129, 200, 255}, 8},
    {"sentinel", page_at + 0x1ef, 1, {0, 1, 0xff}, 3},
    {"acpi_rsdp_addr", page_at + 0x070, 8, {0, 0x12345678}, 2},
    {"ext_ramdisk_image", page_at + 0x0c0, 4, {0, 5}, 2},
    {"ext_ramdisk_size", page_at + 0x0c4, 4, {0, 6}, 2},
    {"ext_cmd_line_ptr", page_at + 0x0c8, 4, {0, 7}, 2},
    {"type_of_loader", page_at + 0x210, 1, {0, 0xff}, 2},
    {"ramdisk_image", page_at + 0x218, 4, {0, 0x1000}, 2},
    {"ramdisk_size", page_at + 0x21c, 4, {0, 0x2000}, 2},
    {"cmd_line_ptr", page_at + 0x228, 4, {0, 0x3000}, 2},
    {"setup_data", page_at + 0x250, 8, {0, node_at, second_at, node_at + 1, ~uint64_t{}}, 5},
    {"entry 0 addr", page_at + 0x2d0, 8, {0, ~uint64_t{}}, 2},
    {"entry 0 size", page_at + 0x2d8, 8, {0, 0x8000, ~uint64_t{}}, 3},
    {"entry 2 type", page_at + 0x2e0 + 40, 4, {0, 1, 12}, 3},
    {"node next", node_at, 8, {0, node_at, second_at, node_at + 8, ~uint64_t{}}, 5},
    {"node type", node_at + 8, 4, {0, 1, 9, 0x80000000}, 4},
    {"node len", node_at + 12, 4, {0, 19, 20, 40, 41, 0xffffffef, 0xfffffff0, 0xffffffff}, 8},
    {"node entry", node_at + 16, 8, {0, ~uint64_t{}}, 2},
    {"second next", second_at, 8, {0, node_at, second_at}, 3},
    {"second type", second_at + 8, 4, {0, 1, 9, 0x80000000}, 4},
    {"second len", second_at + 12, 4, {0, 20, 23, 24, 25, 0xffffffff}, 6},
    {"indirect type", second_at + 16, 4, {0, 1, 0x80000000, 0x80000001}, 4},
    {"indirect reserved", second_at + 20, 4, {0, 1}, 2},
    {"indirect len", second_at + 24, 8, {0, ~uint64_t{}}, 2},
};

outcome read_page(const memory& guest) {
  const auto& page = *reinterpret_cast<const abi::boot_params*>(guest.bytes(page_at, 4096));
  static thread_local pvhboot::memory_map_buffer<400> buffer;
  memory_map map{buffer};
  const memory_range known{1, 2, memory_type::nvs};
  LAW(map.append(known).ok());
  const auto values = read_zero_page(guest, page, map, 8);
  settle(values);
  settle(map);
  LAW(map.size() >= 1 && same(map[0], known));
  if (!values) {
    LAW(map.size() == 1);
    const errc code = values.error().code;
    LAW(code != errc::e820_bad_count || (values.error().where > 128 && values.error().where <= 255));
    LAW(code == errc::e820_bad_count || code == errc::setup_data_unreadable || code == errc::setup_data_loop ||
        code == errc::setup_data_wraps || code == errc::map_full);
    return {nullptr, false};
  }
  // At most 128 of the page, and two or one of each of eight nodes.
  LAW(map.size() <= 1 + 128 + 8 * 2);
  LAW((values->initrd_paddr == 0) == (values->initrd_size == 0));
  return {nullptr, true};
}

/// The same while nothing but the sentinel changes: all that depends on it is there, or nothing of it.
outcome read_page_sentinel(const memory& guest) {
  const auto& page = *reinterpret_cast<const abi::boot_params*>(guest.bytes(page_at, 4096));
  static thread_local pvhboot::memory_map_buffer<400> buffer;
  memory_map map{buffer};
  const auto values = read_zero_page(guest, page, map, 8);
  settle(values);
  LAW(values.ok() && map.size() == 5);
  const bool kept = values->rsdp_paddr != 0;
  LAW(values->rsdp_paddr == (kept ? 0x12345678u : 0u));
  LAW(values->cmdline_paddr == ((kept ? uint64_t{7} << 32 : 0) | 0x3000));
  LAW(values->initrd_paddr == ((kept ? uint64_t{5} << 32 : 0) | 0x1000));
  LAW(values->initrd_size == ((kept ? uint64_t{6} << 32 : 0) | 0x2000));
  return {nullptr, kept};
}

template <class Memory> outcome read_chain_from(const memory& guest, const Memory& from) {
  uint32_t nodes = 0;
  const char* law = nullptr;
  const auto done = pvhboot::walk_setup_data(from, node_at, 8, [&](const pvhboot::setup_node& node) noexcept {
    settle(node);
    ++nodes;
    if (!granted(guest, node.payload.data(), node.payload.size())) law = "the payload is in the guest's memory";
    touch(node.payload);
    const auto inner = read_setup_indirect(node);
    settle(inner);
    if (inner && (inner->reserved.get() != 0 || (inner->type.get() & 0x80000000) == 0 ||
                  inner->type.get() == 0x80000000 || node.payload.size() != 24))
      law = "an INDIRECT node that is accepted keeps its rules";
    return pvhboot::result<void>{};
  });
  settle(done);
  if (law) return {law, false};
  LAW(nodes <= 8);
  LAW(done.ok() || done.error().code == errc::setup_data_unreadable || done.error().code == errc::setup_data_loop ||
      done.error().code == errc::setup_data_wraps);
  return {nullptr, done.ok()};
}

outcome read_chain(const memory& guest) { return read_chain_from(guest, guest); }
outcome read_chain_in_window(const memory& guest) { return read_chain_from(guest, window_of(guest)); }

// A kernel file in guest memory.

constexpr uint64_t file_at = 0x10000, code_at = 1024, file_size = 1024 + 128;
constexpr block_spec file_blocks[] = {{file_at, file_size}};

void fill_file(void* c, void (*put)(void*, uint64_t, uint64_t, unsigned)) {
  const auto at = [&](uint64_t offset, uint64_t value, unsigned width) { put(c, file_at + offset, value, width); };
  at(0x1f1, 1, 1);
  at(0x1f4, 128 / 16, 4);
  at(0x1fe, 0xaa55, 2);
  at(0x200, 0x6aeb, 2);
  at(0x202, 0x53726448, 4);
  at(0x206, 0x20f, 2);
  at(0x20e, 0x100, 2);
  at(0x211, 1, 1);
  at(0x22c, 0x7fffffff, 4);
  at(0x230, 0x200000, 4);
  at(0x234, 1, 1);
  at(0x235, 21, 1);
  at(0x236, 3, 2);
  at(0x238, 2047, 4);
  at(0x248, 0x40, 4);
  at(0x24c, 0x20, 4);
  at(0x258, 0x1000000, 8);
  at(0x260, 0x100000, 4);
  at(0x268, 0x20, 4);
  at(0x300, 0x312e36, 4);
  at(code_at + 0x20, 0x506f544c, 4);
  at(code_at + 0x24, 16, 4);
  at(code_at + 0x28, 16, 4);
  at(code_at + 0x2c, 0x80000009, 4);
  at(code_at + 0x40, 0xfd2fb528, 4);
}

constexpr field file_fields[] = {
    {"setup_sects", file_at + 0x1f1, 1, {0, 1, 2, 255}, 4},
    {"syssize", file_at + 0x1f4, 4, {0, 1, 8, 9, 0xffffffff}, 5},
    {"boot_flag", file_at + 0x1fe, 2, {0xaa55, 0}, 2},
    {"jump", file_at + 0x200, 2, {0x6aeb, 0x22eb, 0x7feb, 0x80eb, 0xffeb, 0x6a00}, 6},
    {"header", file_at + 0x202, 4, {0x53726448, 0}, 2},
    {"version", file_at + 0x206, 2, {0x20f, 0x20c, 0x205, 0x200, 0x1ff}, 5},
    {"kernel_version", file_at + 0x20e, 2, {0, 0x100, 0x1ff, 0x200, 0xffff}, 5},
    {"loadflags", file_at + 0x211, 1, {0, 1}, 2},
    {"kernel_alignment", file_at + 0x230, 4, {0, 0x200000, 3, 0x80000000}, 4},
    {"relocatable_kernel", file_at + 0x234, 1, {0, 1}, 2},
    {"min_alignment", file_at + 0x235, 1, {0, 12, 21, 32}, 4},
    {"payload_offset", file_at + 0x248, 4, {0, 0x40, 0x7f, 0xffffffff}, 4},
    {"payload_length", file_at + 0x24c, 4, {0, 1, 0x20, 0x40, 0x41, 0xffffffff}, 6},
    {"init_size", file_at + 0x260, 4, {0, 0x100000, 0xffffffff}, 3},
    {"kernel_info_offset", file_at + 0x268, 4, {0, 0x20, 0x70, 0x74, 0x75, 0xffffffff}, 6},
    {"version text", file_at + 0x300, 1, {0, '6'}, 2},
    {"kernel_info header", file_at + code_at + 0x20, 4, {0x506f544c, 0}, 2},
    {"kernel_info size", file_at + code_at + 0x24, 4, {11, 12, 16, 17, 0xffffffff}, 5},
    {"kernel_info size_total", file_at + code_at + 0x28, 4, {0, 16, 0x60, 0x61, 0xffffffff}, 5},
    {"setup_type_max", file_at + code_at + 0x2c, 4, {0, 0x80000009}, 2},
};

outcome read_file(const memory& guest) {
  const pvhboot::span<const uint8_t> file{guest.bytes(file_at, file_size), file_size};
  const auto kernel = pvhboot::parse_bzimage(file);
  settle(kernel);
  if (!kernel) {
    const unsigned code = static_cast<uint16_t>(kernel.error().code);
    LAW(code >= 0x300 && code < 0x310);
    return {nullptr, false};
  }
  const auto within = [](pvhboot::span<const uint8_t> part, pvhboot::span<const uint8_t> whole) {
    return part.data() >= whole.data() && part.size() <= whole.size() &&
           static_cast<size_t>(part.data() - whole.data()) <= whole.size() - part.size();
  };
  const abi::setup_header& h = kernel->header();
  LAW(h.boot_flag.get() == 0xaa55 && h.header.get() == 0x53726448 && h.version.get() >= 0x200);
  LAW((h.loadflags & 1) != 0 && (h.jump.get() & 0xff) == 0xeb && h.jump.get() <= 0x7fff);
  LAW(kernel->header_bytes().size() == 0x202u + (h.jump.get() >> 8) - 0x1f1);
  LAW(kernel->code_offset() == (h.setup_sects != 0 ? h.setup_sects + 1u : 5u) * 512);
  LAW(!kernel->code().empty() && within(kernel->code(), file) && within(kernel->payload(), kernel->code()));
  LAW(kernel->payload().size() == h.payload_length.get());
  const uint32_t a = kernel->kernel_alignment();
  LAW(!kernel->relocatable() || (a != 0 && (a & (a - 1)) == 0));
  const abi::kernel_info& info = kernel->kernel_info();
  if (info.header.get() != 0) {
    LAW(info.header.get() == 0x506f544c && info.size.get() >= 12 && info.size.get() <= info.size_total.get());
    LAW(h.kernel_info_offset.get() + uint64_t{info.size_total.get()} <= kernel->code().size());
    LAW(info.size.get() >= 16 || info.setup_type_max.get() == 0);
  }
  const pvhboot::string_ref text = kernel->kernel_version();
  settle(text);
  LAW(text.absent() || granted(guest, reinterpret_cast<const uint8_t*>(text.data()), text.size() + 1));
  LAW(text.absent() ||
      reinterpret_cast<const uint8_t*>(text.data()) + text.size() < file.data() + kernel->code_offset());
  for (const char c : text) settle(c);
  settle(kernel->payload_format());
  settle(kernel->uncompressed_size());
  touch(kernel->code());
  touch(kernel->payload());

  // What translate writes is what was checked, whatever the file says by now.
  static thread_local abi::boot_params page;
  pvhboot::memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  LAW(map.append(memory_range{0, 0x9f000, memory_type::ram}).ok());
  LAW(map.append(memory_range{0x100000, 0xf0000000, memory_type::ram}).ok());
  LAW(map.sanitize().ok());
  const auto place = place_kernel(*kernel, map);
  settle(place);
  if (!place || kernel->protocol() < 0x203) return {nullptr, true};
  const auto done = translate(*kernel, {.kernel = *place, .zero_page_paddr = 0x8000}, map, page);
  settle(done);
  settle(page);
  LAW(done.ok() && page.hdr.boot_flag.get() == 0xaa55 && page.hdr.header.get() == 0x53726448);
  LAW(page.hdr.version.get() == h.version.get() && page.hdr.setup_sects == h.setup_sects);
  LAW(page.hdr.jump.get() == h.jump.get() && page.sentinel == 0);
  return {nullptr, true};
}

// Xen's map: the count that the hypercall wrote, and the entries.

constexpr uint64_t count_at = 0x20000, entries_at = 0x21000;
constexpr block_spec xen_blocks[] = {{count_at, 4}, {entries_at, 6 * 20}};

void fill_xen(void* c, void (*put)(void*, uint64_t, uint64_t, unsigned)) {
  put(c, count_at, 5, 4);
  for (uint64_t i = 0; i < 6; ++i) {
    put(c, entries_at + 20 * i, 0x2000 * i, 8);
    put(c, entries_at + 20 * i + 8, 0x1000 + 0x1000 * (i % 3), 8);
    put(c, entries_at + 20 * i + 16, 1 + i % 3, 4);
  }
}

constexpr field xen_fields[] = {
    {"nr_entries", count_at, 4, {0, 1, 2, 5, 6, 7, 128, 0xffffffff}, 8},
    {"entry 0 addr", entries_at, 8, {0, 0x2000, 0x3000, ~uint64_t{} - 0xfff}, 4},
    {"entry 0 size", entries_at + 8, 8, {0, 0x1000, 0x8000, ~uint64_t{}}, 4},
    {"entry 0 type", entries_at + 16, 4, {0, 1, 2, 0xefffffff}, 4},
    {"entry 1 addr", entries_at + 20, 8, {0, 0x2000, 0x1000}, 3},
    {"entry 1 size", entries_at + 28, 8, {0, 0x2000, ~uint64_t{}}, 3},
    {"entry 4 addr", entries_at + 80, 8, {0, 0x8000, ~uint64_t{}}, 3},
    {"entry 4 size", entries_at + 88, 8, {0, 0x1000, ~uint64_t{}}, 3},
    {"entry 4 type", entries_at + 96, 4, {0, 1, 12}, 3},
};

outcome read_xen(const memory& guest) {
  // The caller's read of the count, once: the library takes it by value.
  const auto nr_entries = pvhboot::load_once<pvhboot::le32>(guest.bytes(count_at, 4)).get();
  const auto table =
      pvhboot::read_xen_memory_map(0, nr_entries, pvhboot::span<const uint8_t>{guest.bytes(entries_at, 120), 120});
  settle(table);
  if (!table) {
    LAW(table.error().code == (nr_entries > 6 ? errc::xen_memory_map_bad_count : errc::xen_memory_map_too_large));
    return {nullptr, false};
  }
  LAW(table->size() == nr_entries && nr_entries < 6);
  pvhboot::memory_map_buffer<32> buffer{};
  memory_map map{buffer};
  LAW(map.append(*table).ok() && map.size() == nr_entries);
  LAW(map.sanitize().ok() && sorted_and_disjoint(map));

  for (uint8_t i = 0; i < 4; ++i) {
    const auto era = pvhboot::linux_era{i};
    const auto verdict = pvhboot::linux_e820(*table, 0x1000, 0, era, map);
    settle(verdict);
    settle(map);
    LAW(verdict.ok());
    using enum pvhboot::e820_verdict;
    LAW(*verdict != sanitized || sorted_and_disjoint(map));
    LAW(*verdict != as_it_is || map.size() == nr_entries);
    LAW(*verdict != fallback || (map.size() == 2 && map[0].size == 0x9f000));
    LAW(*verdict != cut_off);
    if (*verdict == sanitized) {
      bool reaches_top = false;
      for (const memory_range& r : map) reaches_top = reaches_top || r.addr + r.size < r.addr;
      LAW(!reaches_top);
    }
  }

  static thread_local memory_range out[pvhboot::grub_mmap_slots];
  const auto n = pvhboot::grub_mmap(*table, out);
  settle(n);
  settle(out);
  LAW(n.ok() || n.error().code == errc::grub_mmap_endless);
  for (size_t i = 1; n && i < *n; ++i) LAW(out[i].addr >= out[i - 1].addr);
  return {nullptr, true};
}

constexpr block_spec handoff_window[] = {{info_at, rsdp_at + 36 - info_at}};
constexpr block_spec chain_window[] = {{page_at, second_at + 16 + 24 - page_at}};
constexpr field sentinel_fields[] = {{"sentinel", page_at + 0x1ef, 1, {0, 1, 0xff}, 3}};

template <class T, size_t N> constexpr size_t size_of(const T (&)[N]) { return N; }

}  // namespace

#define SCENE(name, blocks, what, fields, read) \
  { name, blocks, size_of(blocks), fill_##what, fields, size_of(fields), read }

const live::scene live::scenes[] = {
    SCENE("parse", handoff_blocks, handoff, handoff_fields, read_parse),
    SCENE("parse, in a window", handoff_window, handoff, handoff_fields, read_parse_in_window),
    SCENE("extents", handoff_blocks, handoff, handoff_fields, read_extents),
    SCENE("lint", handoff_blocks, handoff, handoff_fields, read_lint),
    SCENE("translate", handoff_blocks, handoff, handoff_fields, read_roles),
    SCENE("zero page", page_blocks, page, page_fields, read_page),
    SCENE("sentinel", page_blocks, page, sentinel_fields, read_page_sentinel),
    SCENE("setup_data", page_blocks, page, page_fields, read_chain),
    SCENE("setup_data, in a window", chain_window, page, page_fields, read_chain_in_window),
    SCENE("bzImage", file_blocks, file, file_fields, read_file),
    SCENE("Xen's map", xen_blocks, xen, xen_fields, read_xen),
};
const size_t live::scene_count = size_of(live::scenes);
