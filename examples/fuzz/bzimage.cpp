// SPDX-License-Identifier: BSL-1.0
//
// parse_bzimage on arbitrary files, every accessor, and place_kernel, place_initrd and check_placement, which must
// agree. Then load_bzimage (load_laws.hpp).
//
// Input: an image (image.hpp), number size of the initrd, u8 n, n ranges; for load_bzimage u8 flags (bit 0 the 64-bit
// entry, 1 the memory gives more than was asked for, 2 a NUL in the command line), u8 length of the command line in
// units of 16, u8 of the four free slots that are missing, u8 ranges more, number RSDP, a hole of two numbers, u8
// requests after which the memory is unwritable (0: never).
#include "image.hpp"
#include "load_laws.hpp"
#include "structures.hpp"

namespace {

using namespace fuzz;
using pvhboot::bzimage;
using pvhboot::kernel_placement;
using pvhboot::memory_map;
using pvhboot::parse_bzimage;

bool within(span<const uint8_t> part, span<const uint8_t> whole) {
  return part.empty() || (part.data() >= whole.data() && part.size() <= whole.size() &&
                          static_cast<size_t>(part.data() - whole.data()) <= whole.size() - part.size());
}

/// The value of a field if the protocol version has it and the header contains all of it. 0 otherwise.
uint64_t field(span<const uint8_t> file, size_t at, unsigned n, unsigned since) {
  const uint64_t version = little_endian(file.data() + 0x206, 2);
  const bool promised = (version == 0x20e ? 0x20d : version) >= since && at + n <= size_t{0x202} + file[0x201];
  return promised ? little_endian(file.data() + at, n) : 0;
}

/// By the first bytes, as boot.rst has them.
pvhboot::payload_format format_of(span<const uint8_t> p) {
  using pvhboot::payload_format;
  constexpr std::pair<const char*, payload_format> known[] = {
      {"\x1f\x8b", payload_format::gzip}, {"\x1f\x9e", payload_format::gzip}, {"BZ", payload_format::bzip2},
      {"\xfd\x37", payload_format::xz},   {"\x89L", payload_format::lzo},     {"\2!", payload_format::lz4},
      {"\x28\xb5", payload_format::zstd}, {"\x7f\x45LF", payload_format::elf}};
  if (p.size() < 4) return payload_format::unknown;
  for (const auto& [magic, format] : known)
    if (std::memcmp(p.data(), magic, std::strlen(magic)) == 0) return format;
  return p[0] == 0x5d && p[1] == 0 ? payload_format::lzma : payload_format::unknown;
}

void check_payload(const bzimage& kernel) {
  const span<const uint8_t> payload = kernel.payload();
  LAW(kernel.payload_format() == format_of(payload));
  for (size_t i = 0; i < 32; ++i)
    LAW(pvhboot::payload_format_of(payload.after(i).first(4)) == format_of(payload.after(i)));
  if (payload.size() < 4) return;
  const bool packed = kernel.payload_format() != pvhboot::payload_format::elf;
  LAW(kernel.uncompressed_size() == (packed ? little_endian(payload.end() - 4, 4) : payload.size()));
}

void check_accepted(const bzimage& kernel, span<const uint8_t> file) {
  LAW(file[0x1fe] == 0x55 && file[0x1ff] == 0xaa && std::memcmp(file.data() + 0x202, "HdrS", 4) == 0);
  LAW(file[0x200] == 0xeb && file[0x201] <= 0x7f && (file[0x211] & 1) != 0);
  LAW(kernel.protocol() >= 0x200 && kernel.protocol() != 0x20e);
  LAW(std::memcmp(kernel.header_bytes().data(), file.data() + 0x1f1, kernel.header_bytes().size()) == 0);
  LAW(kernel.header_bytes().size() == size_t{0x202} + file[0x201] - 0x1f1);
  LAW(kernel.code_offset() == (file[0x1f1] != 0 ? file[0x1f1] + size_t{1} : 5) * 512);
  LAW(kernel.code().data() == file.data() + kernel.code_offset() && !kernel.code().empty());
  LAW(within(kernel.code(), file) && within(kernel.payload(), kernel.code()));

  LAW(kernel.payload().size() == field(file, 0x24c, 4, 0x208));
  check_payload(kernel);
  LAW(kernel.relocatable() == (field(file, 0x234, 1, 0x205) != 0) &&
      kernel.kernel_alignment() == field(file, 0x230, 4, 0x205));
  if (kernel.relocatable()) {
    const uint32_t least = kernel.min_alignment();
    LAW(least != 0 && (least & (least - 1)) == 0 && least <= kernel.kernel_alignment());
    LAW(runtime_start_of(kernel, ~uint64_t{}, 0) == kernel.pref_address());
  }
  const uint64_t xloadflags = field(file, 0x236, 2, 0x20c);
  LAW(kernel.has_entry_64() == ((xloadflags & 1) != 0) && kernel.can_be_loaded_above_4g() == ((xloadflags & 2) != 0));
  const uint64_t init_size = field(file, 0x260, 4, 0x20a);
  LAW(kernel.init_size() == (init_size != 0 ? init_size : 3 * kernel.code().size()));
  const uint64_t max = field(file, 0x22c, 4, 0x203);
  LAW(kernel.initrd_addr_max() == (max != 0 ? max : 0x37ffffff));
  LAW(kernel.cmdline_size() == field(file, 0x238, 4, 0x206) || kernel.cmdline_size() == 255);

  if (const auto text = kernel.kernel_version(); !text.absent()) {
    const size_t at = 0x200 + static_cast<size_t>(field(file, 0x20e, 2, 0x200));
    LAW(at + text.size() < kernel.code_offset() && file[at + text.size()] == 0);
    for (size_t i = 0; i < text.size(); ++i) LAW(text[i] != 0 && static_cast<uint8_t>(text[i]) == file[at + i]);
  }
  if (const uint64_t at = field(file, 0x268, 4, 0x20f); at != 0) {
    const uint8_t* info = kernel.code().data() + at;
    LAW(kernel.kernel_info().header == 0x506f544c && at + little_endian(info + 8, 4) <= kernel.code().size());
    LAW(kernel.kernel_info().setup_type_max == (little_endian(info + 4, 4) >= 16 ? little_endian(info + 12, 4) : 0));
  }
  for (uint32_t type = 0; type < 16; ++type)
    if (kernel.accepts(pvhboot::setup_type{type})) LAW(kernel.protocol() >= 0x209);
}

/// The bytes after the code have no effect, and an image without code is refused.
void check_cut(const bzimage& kernel, span<const uint8_t> file) {
  const size_t end = kernel.code_offset() + kernel.code().size();
  const auto shorter = exact_copy(file.first(end));
  const auto same = parse_bzimage({shorter.get(), end});
  LAW(same.ok() && same->code().size() == kernel.code().size() && same->payload().size() == kernel.payload().size());
  const auto no_code = exact_copy(file.first(kernel.code_offset()));
  const auto refused = parse_bzimage({no_code.get(), kernel.code_offset()});
  LAW(!refused && refused.error().code == errc::setup_truncated && refused.error().where == kernel.code_offset());
}

/// check_placement with these ranges to keep and a zero page in free RAM.
pvhboot::result<void> checked(const bzimage& kernel, const kernel_placement& p, const memory_map& ram,
                              span<const memory_range> keep, uint64_t zero_page, uint64_t initrd = 0,
                              uint64_t initrd_size = 0) {
  return check_placement(
      kernel,
      {.kernel = p, .zero_page_paddr = zero_page, .initrd_paddr = initrd, .initrd_size = initrd_size, .keep = keep},
      ram);
}

void check_placed(const bzimage& kernel, const kernel_placement& p, const memory_map& ram, uint64_t initrd_size) {
  LAW(p.load_size == kernel.code().size() && p.runtime_size == kernel.init_size());
  LAW(p.runtime_start + (p.runtime_size - 1) <= 0x7fffffff);
  LAW(!kernel.relocatable() || p.load_paddr % p.kernel_alignment == 0);

  owned_map free{2 * ram.capacity() + 4};
  LAW(free.map.append(ram).ok());
  LAW(free.map.punch(p.load_paddr, p.load_size).ok() && free.map.punch(p.runtime_start, p.runtime_size).ok());
  const auto page = find_lowest_ram(free.map, 4096, 4096, 4096, 0xffffffff);
  if (!page || kernel.protocol() < 0x203) return;  // no free page for the zero page, or no 32-bit entry
  LAW(free.map.punch(*page, 4096).ok());
  LAW(checked(kernel, p, ram, {}, *page).ok());
  const auto initrd = place_initrd(kernel, initrd_size, free.map);
  if (!initrd) {
    LAW(initrd.error().code == errc::no_place_for_initrd && initrd.error().where == kernel.initrd_addr_max());
    return;
  }
  LAW(*initrd % 4096 == 0 && *initrd >= 0x100000 && *initrd + (initrd_size - 1) <= kernel.initrd_addr_max());
  LAW(checked(kernel, p, ram, {}, *page, *initrd, initrd_size).ok());
  // A range of one byte in the kernel or in the initrd is an overlap.
  const memory_range bad[] = {{p.runtime_start + (p.runtime_size - 1), 1, {}}};
  const auto on_kernel = checked(kernel, p, ram, bad, *page, *initrd, initrd_size);
  LAW(!on_kernel && on_kernel.error().code == errc::overlaps_kernel && on_kernel.error().where == bad[0].addr);
  const memory_range twice[] = {{*initrd + (initrd_size - 1), 1, {}}};
  LAW(checked(kernel, p, ram, twice, *page, *initrd, initrd_size).error().code == errc::overlaps);

  const pvhboot::linux_layout values{
      .kernel = p, .zero_page_paddr = *page, .initrd_paddr = *initrd, .initrd_size = initrd_size};
  auto zero_page = std::make_unique<pvhboot::abi::boot_params>();
  const auto done = translate(kernel, values, ram, *zero_page);
  LAW(done.ok() || done.error().code == errc::e820_full || done.error().code == errc::e820_too_few ||
      done.error().code == errc::map_not_prepared);
}

/// If place_kernel finds no place, check_placement accepts none.
void check_refused(const bzimage& kernel, const memory_map& ram) {
  const uint64_t room = std::max<uint64_t>(kernel.init_size(), kernel.code().size());
  for (uint64_t a = kernel.kernel_alignment(); kernel.relocatable() && a >= kernel.min_alignment(); a /= 2)
    for (const memory_range& r : ram) {
      const uint64_t from = std::max(std::max(r.addr, kernel.pref_address()), uint64_t{0x100000});
      if (from > 0x7fffffff) continue;
      const uint64_t load = (from + a - 1) / a * a;
      if (load + room > 0x80000000) continue;
      const kernel_placement p{.load_paddr = load,
                               .load_size = room,
                               .runtime_start = load,
                               .runtime_size = room,
                               .kernel_alignment = static_cast<uint32_t>(a)};
      const auto found = checked(kernel, p, ram, {}, 0);
      LAW(!found && found.error().code != errc::zero_page_absent);  // the kernel's ranges are checked first
    }
}

void check_load(const bzimage& kernel, const memory_map& ram, uint64_t initrd_size, input& in) {
  const uint8_t flags = in.u8();
  std::vector<uint8_t> cmdline(size_t{16} * in.u8(), 'x');
  if (!cmdline.empty() && (flags & 4) != 0) cmdline.back() = 0;
  const size_t missing = in.u8(), more = in.u8();
  owned_map map{ram.size() + more + 2};
  LAW(map.map.assign(ram).ok());
  for (size_t i = 0; i < more; ++i)
    LAW(map.map.append({(uint64_t{1} << 48) + 0x2000 * i, 0x1000, memory_type::acpi}).ok());
  if (!prepare_for_linux(map.map).ok()) return;
  owned_map free{map.map.size() + 4 - std::min<size_t>(missing, 4)};
  LAW(free.map.assign(map.map).ok());
  load_case c{.request = {.initrd_size = initrd_size, .rsdp_paddr = in.number(), .entry_64 = (flags & 1) != 0},
              .map = map.map,
              .free = free.map};
  if (!cmdline.empty()) c.request.cmdline = pvhboot::string_ref{cmdline.data(), cmdline.size()};
  c.ram.gives_more = (flags & 2) != 0;
  c.ram.hole.addr = in.number();
  c.ram.hole.size = in.number();
  const uint64_t requests = in.u8();
  c.changes = requests != 0;
  if (c.changes) c.ram.requests = requests;
  fuzz::check_load(kernel, c);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const image_file image = read_image(in);
  const span<const uint8_t> file = image.bytes();
  if (file.size() >= 0x208) {
    const auto version = static_cast<uint16_t>(little_endian(file.data() + 0x206, 2));
    LAW((pvhboot::setup_header_end(version) == 0) == (version < 0x200));
  }
  const auto kernel = parse_bzimage(file);
  if (!kernel) {
    law_failure(kernel.error());
    LAW(kernel.error().code >= errc::image_too_short && kernel.error().code <= errc::bad_kernel_info);
    return 0;
  }
  check_accepted(*kernel, file);
  check_cut(*kernel, file);

  const uint64_t initrd_size = in.number();
  const auto ranges = in.ranges(in.u8() % 32);
  owned_map ram{2 * ranges.size() + 1};
  LAW(ram.map.append(ranges).ok() && ram.map.sanitize().ok());
  if (const auto place = place_kernel(*kernel, ram.map)) {
    check_placed(*kernel, *place, ram.map, initrd_size);
  } else {
    LAW(place.error().code == errc::no_place_for_kernel);
    check_refused(*kernel, ram.map);
  }
  check_load(*kernel, ram.map, initrd_size, in);
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  structure_list list{data, size};
  add_image(list, 0);
  return list.found();
}
