// SPDX-License-Identifier: BSL-1.0
//
// What examples/chainload does with what it is given: it reads a cpio archive, and places a kernel, an initrd, a block
// for the rest and the zero page in the memory that a handoff describes. Each refusal has its reason; where nothing is
// refused, the layout holds, and the zero page says what the handoff said.
//
// Input: u8 what (bit 0: an archive, which is the rest). Else u8 length of the command line, number size of the initrd,
// u8 n % 8, n modules of two numbers, number RSDP, u8 n, n ranges, an image (image.hpp).
#include "../chainload/cpio.hpp"
#include "handoff.hpp"
#include "image.hpp"

namespace {

using namespace fuzz;

// The archive.

struct plain_archive {
  bool ok = false;
  size_t kernel_at = 0, kernel_size = 0, cmdline_at = 0, cmdline_size = 0, rest_at = 0;
  bool has_cmdline = false;
};

/// Eight hexadecimal digits; 2^32 if there is another character.
uint64_t hex_at(span<const uint8_t> file, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) {
    const char c = static_cast<char>(file[at + i]);
    const std::string digits = "0123456789abcdef0123456789ABCDEF";
    const size_t digit = digits.find(c);
    if (digit == std::string::npos || c == 0) return uint64_t{1} << 32;
    value = value * 16 + digit % 16;
  }
  return value;
}

MODEL plain_archive read_plainly(span<const uint8_t> file) {
  plain_archive a;
  for (uint64_t at = 0; at + 110 <= file.size();) {
    if (std::memcmp(file.data() + at, "070701", 6) != 0) return a;
    const uint64_t size = hex_at(file, at + 54), name_size = hex_at(file, at + 94);
    if (size >> 32 != 0 || name_size >> 32 != 0 || name_size == 0 || at + 110 + name_size > file.size()) return a;
    std::string name(reinterpret_cast<const char*>(file.data() + at + 110), name_size - 1);
    if (name.size() > 2 && name.compare(0, 2, "./") == 0) name.erase(0, 2);
    const uint64_t data_at = at + (110 + name_size + 3) / 4 * 4;
    if (name == "TRAILER!!!") {
      uint64_t rest = std::min<uint64_t>(data_at, file.size());
      while (rest < file.size() && file[rest] == 0) ++rest;
      a.rest_at = rest;
      a.ok = true;
      return a;
    }
    if (data_at + size > file.size()) return a;
    if (name == "vmlinuz") {
      a.kernel_at = data_at;
      a.kernel_size = size;
    }
    if (name == "cmdline") {
      a.has_cmdline = true;
      a.cmdline_at = data_at;
      a.cmdline_size = size;
    }
    at = std::min<uint64_t>(data_at + (size + 3) / 4 * 4, file.size());
  }
  return a;
}

void check_archive(span<const uint8_t> input) {
  const auto block = exact_copy(input);
  const span<const uint8_t> file = block.all();
  const chainload::archive found = chainload::read_archive(file);
  const plain_archive real = read_plainly(file);
  LAW(found.ok == real.ok && found.offset <= file.size());
  saw(found.offset);
  if (!real.ok) return;
  const auto same = [&](span<const uint8_t> part, size_t at, size_t size) {
    return part.size() == size && (size == 0 || part.data() == file.data() + at);
  };
  LAW(same(found.kernel, real.kernel_at, real.kernel_size) && found.has_cmdline == real.has_cmdline);
  LAW(same(found.cmdline, real.cmdline_at, real.cmdline_size));
  LAW(same(found.rest, real.rest_at, file.size() - real.rest_at));
}

// The places.

constexpr uint64_t page = 4096;

void boot(const pvhboot::bzimage& kernel, const pvhboot::handoff& h, size_t cmdline_size, uint64_t initrd_size) {
  constexpr uint64_t handoff_at = 0x1000;
  std::vector<uint8_t> bytes(static_cast<size_t>(h.size_bytes()));
  if (const auto done = write(h, span<uint8_t>{bytes}, handoff_at); !done) {
    LAW(done.error().code == errc::handoff_overlaps);
    return;
  }
  const pvhboot::memory_window guest{handoff_at, bytes};
  const auto info = pvhboot::parse(guest, handoff_at, no_limits);
  LAW(info.ok());
  const size_t slots = 4 * h.memmap.size() + 2 * h.modules.size() + 32;
  owned_map map{slots}, free{slots};
  LAW(map.map.append(info->memory_map()).ok());
  if (const auto done = prepare_for_linux(map.map); !done) {
    LAW(done.error().code == errc::no_ram);
    return;
  }
  LAW(free.map.assign(map.map).ok());
  LAW(free.map.punch(0, page).ok() && free.map.punch(0xa0000, 0x60000).ok());
  LAW(reserve_handoff(free.map, *info).ok());
  for (const pvhboot::extent& e : pvhboot::extents{*info})
    for (const memory_range& r : free.map) LAW(!r.overlaps({e.addr, e.size, {}}));
  const auto place = place_kernel(kernel, free.map);
  if (!place) {
    LAW(place.error().code == errc::no_place_for_kernel);
    return;
  }
  pvhboot::linux_layout layout{.kernel = *place, .cmdline_size = cmdline_size, .rsdp_paddr = info->rsdp_paddr()};
  LAW(reserve(free.map, place->load_paddr, place->load_size).ok());
  LAW(reserve(free.map, place->runtime_start, place->runtime_size).ok());
  if (initrd_size != 0) {
    const auto initrd = pvhboot::place_initrd(kernel, initrd_size, free.map);
    if (!initrd) {
      LAW(initrd.error().code == errc::no_place_for_initrd);
      return;
    }
    layout.initrd_paddr = *initrd;
    layout.initrd_size = initrd_size;
    LAW(reserve(free.map, *initrd, initrd_size).ok());
  }
  const uint64_t nodes_size = e820_ext_size(map.map);
  const uint64_t text = std::max<uint64_t>(cmdline_size + 1, 2048);
  const uint64_t all = 2 * page + (nodes_size + text + page - 1) / page * page;
  auto at = find_highest_ram(free.map, all, page, 0x10000, 0x9ffff);
  if (!at) at = find_highest_ram(free.map, all, page, 0x10000, 0x7fffffff);
  if (!at) return;
  layout.zero_page_paddr = *at;
  layout.cmdline_paddr = *at + 2 * page + nodes_size;
  const memory_range last_page[] = {{*at + page, page, {}}};
  layout.keep = last_page;
  const exact<uint8_t> storage{static_cast<size_t>(nodes_size)};
  pvhboot::setup_data_writer nodes{storage.all(), *at + 2 * page};
  auto zero_page = std::make_unique<pvhboot::abi::boot_params>();
  const auto done = translate(kernel, layout, map.map, *zero_page, &nodes);
  if (!done) {
    // What was placed by the library holds; what remains is the kernel's own limits.
    saw(done.error());
    law_failure(done.error());
    LAW(done.error().code == errc::protocol_too_old || done.error().code == errc::cmdline_too_long ||
        done.error().code == errc::bad_kernel_alignment || done.error().code == errc::e820_too_few ||
        (done.error().code == errc::setup_data_unsupported && done.error().where < 0x209 && nodes_size != 0));
    return;
  }
  LAW(check_placement(kernel, layout, map.map, &nodes).ok());
  owned_map back{slots};
  const pvhboot::memory_window chain{*at + 2 * page, storage.all()};
  const auto values = read_zero_page(chain, *zero_page, back.map);
  LAW(values.ok() && values->rsdp_paddr == h.rsdp_paddr && values->cmdline_paddr == layout.cmdline_paddr);
  LAW(values->initrd_size == layout.initrd_size && values->initrd_paddr == layout.initrd_paddr);
  LAW(contents(back.map) == contents(map.map));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  if ((in.u8() & 1) != 0) {
    check_archive(in.rest());
    return 0;
  }
  const size_t cmdline_size = size_t{16} * in.u8();
  const uint64_t initrd_size = in.number();
  std::vector<pvhboot::handoff_module> modules(in.u8() % 8);
  for (pvhboot::handoff_module& m : modules) {
    m.paddr = in.number();
    m.size = in.number();
    if (m.size != 0 && m.size - 1 > ~m.paddr) m.size = 0 - m.paddr;
  }
  pvhboot::handoff h{.modules = modules, .rsdp_paddr = in.number()};
  const auto ranges = in.ranges(in.u8());
  h.memmap = ranges;
  const image_file image = read_image(in);
  if (const auto kernel = pvhboot::parse_bzimage(image.bytes())) boot(*kernel, h, cmdline_size, initrd_size);
  return 0;
}
