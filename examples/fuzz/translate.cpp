// SPDX-License-Identifier: BSL-1.0
//
// translate in each role, and read_zero_page, which must return the written values. The other bytes of the page are 0.
// Any page is read and made into a handoff (zero_page_laws.hpp).
//
// Input: u8 role (0 boot loader, 1 kernel, 2 as Linux, 3 read any page), then
//   0: an image (image.hpp), u8 flags (bit 0 the 64-bit entry, 1 a chain, 2 too small a range at run time, 3 an
//      alignment one less, 4 the map is not known to be sanitised), the values of linux_layout, a chain, a map
//   1: a chain, a map, a start_info
//   2: u16 n, n ranges, a start_info
//   3: u16 n, n patches of u16 offset and u8 into a zero page, then the memory at 0x10000
// where a chain is u16 bytes of storage, u8 bytes of an existing node; a map is u8 free slots, u16 n, n
// ranges; a start_info is u8 on Xen, u8 modules, u8 command line, number RSDP, two modules of two numbers.
#include "boot_loader_laws.hpp"
#include "image.hpp"
#include "memory.hpp"
#include "structures.hpp"
#include "zero_page_laws.hpp"

namespace {

using namespace fuzz;
using pvhboot::memory_map;
using pvhboot::setup_data_writer;
using pvhboot::store;
namespace abi = pvhboot::abi;

constexpr uint64_t start_info_at = 0x1000, chain_at = 0x10000;

/// Memory for a setup_data chain. Its last node exists already if it has a payload.
struct chain {
  explicit chain(input& in) : storage(in.u16() % 0x4000), old_payload(in.u8()) {
    if (old_payload != 0) {
      old.resize(sizeof(abi::setup_data) + old_payload);
      store(old.data(), abi::setup_data{.next = 0, .type = pvhboot::setup_type{9}, .len = uint32_t{old_payload}});
    }
  }
  [[nodiscard]] uint64_t old_head() const { return old.empty() ? 0 : chain_at + storage.size(); }
  [[nodiscard]] setup_data_writer writer() { return {storage, chain_at, old_head()}; }
  /// The new nodes and the existing one, as the kernel reads them.
  [[nodiscard]] std::vector<uint8_t> contents() const {
    std::vector<uint8_t> all = storage;
    all.insert(all.end(), old.begin(), old.end());
    return all;
  }

  std::vector<uint8_t> storage;
  std::vector<uint8_t> old;
  uint8_t old_payload;
};

/// A map that is prepared for Linux, or an empty one.
struct linux_map : owned_map {
  explicit linux_map(input& in) : owned_map(in.u8() + size_t{512}) {
    const auto given = in.ranges(in.u16() % 300);
    if (!map.append(given).ok() || !prepare_for_linux(map).ok()) {
      map.clear();
      return;
    }
    LAW(map.is_sanitized() && map.size() >= 2 && total_ram(map) != 0);
    for (const memory_range& r : map) LAW(r.type != memory_type::ram || !r.overlaps(pvhboot::isa_hole));
  }
};

/// The ranges that Linux gets: one that ends at 2^64 is cut to whole pages, without its last page.
std::vector<memory_range> as_written(const memory_map& map) {
  std::vector<memory_range> written;
  for (memory_range r : map) {
    if (r.addr + r.size == 0) r.size = (r.size - 1) / 4096 * 4096;
    if (r.size != 0) written.push_back(r);
  }
  return written;
}

pvhboot::result<pvhboot::zero_page_values> read_back(const abi::boot_params& page, const std::vector<uint8_t>& chain,
                                                     std::vector<memory_range>& map) {
  guarded_memory guarded{chain_at, chain, SIZE_MAX};
  owned_map back{1024};
  const auto values = read_zero_page(memory{&guarded}, page, back.map);
  for (const memory_range& r : back.map)
    if (r.size != 0) map.push_back(r);
  return values;
}

/// All bytes are zero, except for the ranges that a translation may write.
void check_zero_but(const abi::boot_params& page, std::initializer_list<std::pair<size_t, size_t>> written) {
  uint8_t bytes[sizeof page];
  std::memcpy(bytes, &page, sizeof page);
  for (const auto& [begin, end] : written) std::memset(bytes + begin, 0, end - begin);
  for (size_t i = 0; i < sizeof bytes; ++i) LAW(bytes[i] == 0);
}

size_t end_of_e820(const abi::boot_params& page) { return 0x2d0 + size_t{20} * page.e820_entries; }

void boot_loader(input& in) {
  const image_file image = read_image(in);
  const auto kernel = pvhboot::parse_bzimage(image.bytes());
  if (!kernel) return;
  const uint8_t flags = in.u8();
  pvhboot::linux_layout values{.entry_64 = (flags & 1) != 0};
  values.kernel = {.load_paddr = in.number(),
                   .load_size = kernel->code().size(),
                   .runtime_start = in.number(),
                   .runtime_size = kernel->init_size() - ((flags & 4) != 0 ? 1 : 0),
                   .kernel_alignment = (uint32_t{1} << in.u8() % 32) - ((flags & 8) != 0 ? 1 : 0)};
  values.zero_page_paddr = in.number();
  values.cmdline_paddr = in.number();
  values.cmdline_size = in.number();
  values.initrd_paddr = in.number();
  values.initrd_size = in.number();
  values.rsdp_paddr = in.number();
  values.loader = in.u16();
  values.loader_version = in.u16();
  check_loader_id(kernel->header(), values.loader, values.loader_version);
  chain nodes{in};
  linux_map map{in};
  const bool is_unknown = (flags & 16) != 0 && map.map.append({}).ok();
  check_table(map.map);
  setup_data_writer more = nodes.writer();
  const auto page = dirty_page();
  const auto done = translate(*kernel, values, map.map, *page, (flags & 2) != 0 ? &more : nullptr);
  if (is_unknown) LAW(!done && (map.map.size() < 2 || done.error().code == errc::map_not_prepared));
  if (!done) {
    law_failure(done.error());
    // Page and writer are unchanged.
    LAW(more.size() == 0 && more.head() == nodes.old_head());
    for (size_t i = 0; i < sizeof *page; ++i) LAW(reinterpret_cast<const uint8_t*>(page.get())[i] == 0xa5);
    return;
  }
  check_bootable(*kernel, values, map.map, (flags & 2) != 0 ? &more : nullptr);

  std::vector<memory_range> written;
  const auto back = read_back(*page, nodes.contents(), written);
  LAW(back.ok() && written == as_written(map.map) && back->rsdp_paddr == values.rsdp_paddr);
  LAW(back->cmdline_paddr == values.cmdline_paddr);
  const bool has_initrd = values.initrd_size != 0 && values.initrd_paddr != 0;
  LAW(back->initrd_size == (has_initrd ? values.initrd_size : 0));
  LAW(back->initrd_paddr == (has_initrd ? values.initrd_paddr : 0));
  LAW(page->hdr.setup_data == ((flags & 2) != 0 ? more.head() : 0));

  const size_t header_end = 0x1f1 + kernel->header_bytes().size();
  const size_t written_end = std::max<size_t>(header_end, 0x258);
  check_zero_but(*page,
                 {{0x70, 0x78}, {0xc0, 0xcc}, {0x1e8, 0x1e9}, {0x1f1, written_end}, {0x2d0, end_of_e820(*page)}});
  // The other bytes of the header are those of the kernel image.
  const auto* bytes = reinterpret_cast<const uint8_t*>(page.get());
  for (size_t i = 0x1f1; i < header_end; ++i) {
    const bool ours = (i >= 0x1fa && i < 0x1fc) || (i >= 0x210 && i < 0x212) || (i >= 0x214 && i < 0x220) ||
                      (i >= 0x226 && i < 0x22c) || (i >= 0x230 && i < 0x234) || (i >= 0x250 && i < 0x258);
    LAW(ours || bytes[i] == image.block[i]);
  }
  LAW(page->hdr.type_of_loader != 0 && page->sentinel == 0);
}

/// A handoff with two modules, a command line and this memory map.
std::vector<uint8_t> start_info(input& in, span<const memory_range> map) {
  const uint64_t modlist_at = start_info_at + sizeof(abi::hvm_start_info);
  const uint64_t memmap_at = modlist_at + 2 * sizeof(abi::hvm_modlist_entry);
  const uint64_t cmdline_at = memmap_at + map.size() * sizeof(abi::hvm_memmap_table_entry);
  std::vector<uint8_t> bytes(static_cast<size_t>(cmdline_at - start_info_at) + 8);
  const auto put = [&](uint64_t at, const auto& wire) { store(bytes.data() + (at - start_info_at), wire); };
  const uint32_t modules = in.u8() % 3;
  put(start_info_at, abi::hvm_start_info{.magic = abi::hvm_start_magic_value,
                                         .version = 1,
                                         .nr_modules = modules,
                                         .modlist_paddr = modlist_at,
                                         .cmdline_paddr = in.u8() % 2 != 0 ? cmdline_at : 0,
                                         .rsdp_paddr = in.number(),
                                         .memmap_paddr = memmap_at,
                                         .memmap_entries = static_cast<uint32_t>(map.size())});
  for (uint64_t i = 0; i < 2; ++i) {
    const uint64_t paddr = in.number();
    put(modlist_at + i * sizeof(abi::hvm_modlist_entry), abi::hvm_modlist_entry{.paddr = paddr, .size = in.number()});
  }
  for (size_t i = 0; i < map.size(); ++i)
    put(memmap_at + i * sizeof(abi::hvm_memmap_table_entry),
        abi::hvm_memmap_table_entry{.addr = map[i].addr, .size = map[i].size, .type = map[i].type});
  return bytes;
}

void kernel(input& in) {
  chain nodes{in};
  const linux_map map{in};
  const auto host = in.u8() % 2 != 0 ? pvhboot::started_by::xen : pvhboot::started_by::other;
  const auto bytes = start_info(in, {});
  guarded_memory guarded{start_info_at, bytes, SIZE_MAX};
  const auto boot = pvhboot::parse(memory{&guarded}, start_info_at);
  if (!boot) return;
  setup_data_writer more = nodes.writer();
  const auto page = dirty_page();
  const auto done = translate(*boot, map.map, host, *page, &more);
  if (!done) {
    LAW((done.error().code == errc::setup_data_full && map.map.size() > 128) ||
        (done.error().code == errc::e820_too_few && map.map.size() < 2));
    return;
  }
  std::vector<memory_range> written;
  const auto back = read_back(*page, nodes.contents(), written);
  LAW(back.ok() && written == as_written(map.map));
  LAW(back->rsdp_paddr == boot->rsdp_paddr() && back->cmdline_paddr == boot->wire().cmdline_paddr);
  if (!boot->modules().empty() && boot->modules()[0].paddr != 0 && boot->modules()[0].size != 0) {
    LAW(back->initrd_paddr == boot->modules()[0].paddr && back->initrd_size == boot->modules()[0].size);
  } else {
    LAW(back->initrd_size == 0);
  }
  check_zero_but(*page, {{0x70, 0x78},
                         {0xc0, 0xcc},
                         {0x1e8, 0x1e9},
                         {0x206, 0x208},
                         {0x210, 0x211},
                         {0x218, 0x220},
                         {0x228, 0x22c},
                         {0x250, 0x258},
                         {0x2d0, end_of_e820(*page)}});
}

/// The page as Linux makes it, with separate loops.
void as_linux(input& in) {
  const auto map = in.ranges(in.u16() % 300);
  const auto host = in.u8() % 2 != 0 ? pvhboot::started_by::xen : pvhboot::started_by::other;
  const auto bytes = start_info(in, map);
  guarded_memory guarded{start_info_at, bytes, SIZE_MAX};
  const auto boot = pvhboot::parse(memory{&guarded}, start_info_at);
  if (!boot) return;
  const auto page = dirty_page();
  const auto done = translate_as_linux(*boot, boot->memory_map(), host, *page);
  LAW(done.ok() == (map.size() <= 128));
  if (!done) {
    LAW(done.error().code == errc::e820_full && done.error().where == map.size());
    return;
  }
  std::vector<uint8_t> wanted(4096);
  const auto put = [&](size_t at, uint64_t value, size_t n) {
    for (size_t i = 0; i < n; ++i) wanted[at + i] = static_cast<uint8_t>(value >> 8 * i);
  };
  size_t n = 0;
  const auto add = [&](const memory_range& r) {
    put(0x2d0 + 20 * n, r.addr, 8);
    put(0x2d8 + 20 * n, r.size, 8);
    put(0x2e0 + 20 * n++, static_cast<uint32_t>(r.type), 4);
  };
  for (const memory_range& r : map) add(r);
  if (n < 127) add({0xa0000, 0x60000, memory_type::reserved});
  put(0x1e8, n, 1);
  put(0x206, 0x20c, 2);
  put(0x210, host == pvhboot::started_by::xen ? 0x90 : 0xb0, 1);
  put(0x228, boot->wire().cmdline_paddr, 4);
  if (!boot->modules().empty()) {
    put(0x218, boot->modules()[0].paddr, 4);
    put(0x21c, boot->modules()[0].size, 4);
  }
  LAW(std::memcmp(page.get(), wanted.data(), wanted.size()) == 0);
}

void back(input& in) {
  std::vector<uint8_t> bytes(4096);
  for (unsigned n = in.u16() % 256; n > 0; --n) {
    const size_t at = in.u16() % bytes.size();
    bytes[at] = in.u8();
  }
  check_zero_page(bytes, chain_at, in.rest());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  constexpr void (*roles[])(input&) = {boot_loader, kernel, as_linux, back};
  roles[in.u8() % std::size(roles)](in);
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  structure_list list{data, size};
  if (size != 0 && data[0] % 4 == 0) add_image(list, 1);
  return list.found();
}
