// SPDX-License-Identifier: BSL-1.0
//
// A guest that changes its memory while the library reads it: before each request, and, where the compiler can report
// loads, before each load of the library from that memory. No change leads outside what the memory granted, what was
// accepted stays within its limits, and every later access succeeds on what was read.
//
// Input: u8 reader, number base, number offset of start_info or of the chain, u8 n % 16, n changes (u8 loads until it
// happens, u16 offset, u8 bytes (a power of two, at most 8), number value); then the memory.
//
// Flags: -fsanitize-coverage=trace-loads
#include <pvhboot/bridge/linux_to_pvh.hpp>
#include <pvhboot/producer.hpp>
#include <pvhboot/pvh/explain.hpp>

#include "harness.hpp"

namespace {

using namespace fuzz;

struct change {
  unsigned wait;
  uint64_t offset;
  unsigned size;
  uint64_t value;
};

/// Guest memory. Each request gets a block of its own, and a change reaches all blocks that have its bytes.
class live_memory {
 public:
  live_memory(uint64_t base, span<const uint8_t> contents, const std::vector<change>& changes)
      : base_(base),
        contents_(contents.begin(), contents.begin() + std::min<uint64_t>(contents.size(), base == 0 ? ~0u : 0 - base)),
        changes_(changes) {
    current = this;
  }
  ~live_memory() { current = nullptr; }
  live_memory(const live_memory&) = delete;
  live_memory& operator=(const live_memory&) = delete;

  MODEL const uint8_t* bytes(uint64_t paddr, uint64_t n) {
    step();
    const uint8_t* p = pvhboot::memory_window{base_, contents_}.bytes(paddr, n);
    if (!p) return nullptr;
    granted_.push_back({paddr - base_, exact_copy({p, static_cast<size_t>(n)})});
    return granted_.back().block.get();
  }
  /// Counts a load, before which the next change may happen.
  MODEL void step() {
    for (; next_ < changes_.size() && changes_[next_].wait == waited_; ++next_, waited_ = 0) {
      const change& c = changes_[next_];
      for (unsigned i = 0; i < c.size; ++i) put(c.offset + i, static_cast<uint8_t>(c.value >> 8 * i));
    }
    ++waited_;
  }
  [[nodiscard]] uint64_t size() const { return contents_.size(); }

  static inline live_memory* current = nullptr;

 private:
  struct grant {
    uint64_t offset;
    exact<uint8_t> block;
  };
  MODEL void put(uint64_t offset, uint8_t value) {
    if (offset >= contents_.size()) return;
    contents_[static_cast<size_t>(offset)] = value;
    for (const grant& g : granted_)
      if (offset >= g.offset && offset - g.offset < g.block.size())
        g.block[static_cast<size_t>(offset - g.offset)] = value;
  }

  uint64_t base_;
  std::vector<uint8_t> contents_;
  const std::vector<change>& changes_;
  std::vector<grant> granted_;
  size_t next_ = 0;
  unsigned waited_ = 0;
};

struct memory {
  live_memory* live;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const { return live->bytes(paddr, n); }
};

[[maybe_unused]] volatile uint8_t read_byte = 0;
void read_all(span<const uint8_t> bytes) {
  for (const uint8_t b : bytes) read_byte = b;
}
void read_all(pvhboot::string_ref text) {
  if (!text.absent()) read_all(span<const uint8_t>{reinterpret_cast<const uint8_t*>(text.data()), text.size() + 1});
}

bool in_shape(const pvhboot::memory_map& map) {
  for (size_t i = 0; i < map.size(); ++i) {
    if (map[i].size == 0 || map[i].wraps()) return false;
    if (i != 0 && map[i - 1].last() >= map[i].addr) return false;
  }
  return true;
}

void handoff(live_memory& live, uint64_t at) {
  constexpr pvhboot::parse_limits limits{.memmap_entries = 40, .modules = 6, .string_size = 48};
  const memory guest{&live};
  const auto boot = pvhboot::parse(guest, at, limits);
  if (!boot) {
    law_failure(boot.error());
    return;
  }
  const size_t entries = boot->memory_map().size(), modules = boot->modules().size();
  LAW(entries <= limits.memmap_entries && modules <= limits.modules && boot->cmdline().size() <= limits.string_size);
  LAW(boot->wire().magic.get() == 0x336ec578 && modules == boot->wire().nr_modules.get());
  LAW(boot->version() != 0 || entries == 0);
  LAW((boot->memory_map_state() == pvhboot::memory_map_state::table) == (entries != 0));
  LAW(boot->cmdline().absent() == (boot->wire().cmdline_paddr.get() == 0));
  read_all(boot->cmdline());
  for (const pvhboot::boot_module m : boot->modules()) {
    if (const auto text = boot->cmdline_of(m)) {
      LAW(text->size() <= limits.string_size);
      read_all(*text);
    }
    if (const auto contents = boot->contents_of(m)) {
      LAW(contents->size() == m.size && m.size <= live.size());
      read_all(*contents);
    }
  }
  owned_map map{2 * entries + 2 * modules + 16};
  size_t findings = 0;
  LAW(lint(guest, *boot, map.map, [&](pvhboot::finding) noexcept { ++findings; }).ok());
  LAW(findings <= 64 + entries * 10 + modules * 16);
  map.map.clear();
  LAW(map.map.append(boot->memory_map()).ok() && map.map.size() == entries);
  LAW(map.map.sanitize().ok() && in_shape(map.map));
  LAW(reserve_handoff(map.map, *boot).ok() && in_shape(map.map));
  size_t pieces = 0;
  for (const pvhboot::extent& e : pvhboot::extents{*boot}) pieces += e.size != 0 ? 1 : 100;
  LAW(pieces <= 5 + 2 * modules);
  static pvhboot::abi::boot_params page;
  LAW(translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::other, page).ok());
  LAW(page.e820_entries <= 128);
  if (prepare_for_linux(map.map))
    LAW(translate(*boot, map.map, pvhboot::started_by::xen, page).ok() && page.e820_entries == map.map.size());
}

void chain(live_memory& live, uint64_t at) {
  const memory guest{&live};
  constexpr uint32_t limit = 12;
  uint32_t nodes = 0;
  const auto done =
      pvhboot::walk_setup_data(guest, at, limit, [&](const pvhboot::setup_node& node) -> pvhboot::result<void> {
        ++nodes;
        LAW(node.paddr != 0 && node.payload.size() <= live.size());
        read_all(node.payload);
        if (const auto inner = read_setup_indirect(node)) LAW(inner->reserved == 0 && (inner->type & 0x80000000) != 0);
        return {};
      });
  LAW(nodes <= limit);
  if (!done) law_failure(done.error());
}

/// The zero page itself is memory that changes.
void zero_page(live_memory& live, uint64_t at) {
  const memory guest{&live};
  const uint8_t* bytes = live.bytes(at, sizeof(pvhboot::abi::boot_params));
  if (!bytes) return;
  const auto& page = *reinterpret_cast<const pvhboot::abi::boot_params*>(bytes);
  owned_map map{160};
  const auto values = read_zero_page(guest, page, map.map, 8);
  LAW(map.map.size() <= map.map.capacity() && (values.ok() || map.map.empty()));
  if (values) LAW((values->initrd_size == 0) == (values->initrd_paddr == 0));
  pvhboot::handoff_module initrd;
  size_t losses = 0;
  const auto h = linux_to_pvh(guest, page, map.map, initrd, [&](pvhboot::linux_loss) { ++losses; },
                              {.string_size = 32, .node_limit = 8});
  if (!h) return;
  LAW(h->memmap.size() == map.map.size() && h->cmdline.size() <= 32 && h->modules.size() <= 1 && losses <= 32);
  read_all(h->cmdline);
  const exact<uint8_t> block{static_cast<size_t>(h->size_bytes())};
  // A NUL can have come into the command line, and no check covers where the initrd and the RSDP lie.
  const auto done = write(*h, block.all(), 0x1000);
  LAW(done.ok() || done.error().code == errc::handoff_nul_in_cmdline ||
      done.error().code == errc::handoff_module_wraps || done.error().code == errc::handoff_overlaps);
}

void kernel(live_memory& live, uint64_t shift) {
  const uint8_t* bytes = live.bytes(shift, live.size());
  const span<const uint8_t> file{bytes, bytes ? static_cast<size_t>(live.size()) : 0};
  const auto image = pvhboot::parse_elf(file);
  if (!image) return;
  const uint64_t base = image->base(), size = image->size();
  LAW(image->segments().size() <= pvhboot::elf_image::max_segments && !image->segments().empty());
  for (const pvhboot::elf_segment& s : image->segments()) {
    LAW(s.paddr >= base && s.memsz <= size && s.paddr - base <= size - s.memsz && s.filesz <= s.memsz);
    LAW(image->contents_of(s).size() == s.filesz);
    read_all(image->contents_of(s));
  }
  for (const pvhboot::elf_note& n : pvhboot::image_notes{*image}) {
    LAW(n.desc.size() <= file.size() && n.name.size() <= file.size());
    read_all(n.desc);
  }
  const auto entry = pvhboot::find_phys32_entry(*image);
  const auto reloc = pvhboot::find_phys32_reloc(*image);
  if (entry) LAW(entry->paddr != 0 && image->segment_at(entry->paddr) != nullptr);
  if (reloc) LAW((reloc->alignment & (reloc->alignment - 1)) == 0 && reloc->minimum <= reloc->maximum);
  if (size <= 0x1000) {
    const exact<uint8_t> ram{static_cast<size_t>(size)};
    LAW(load_image(*image, pvhboot::writable_window{base, ram.all()}, 0).ok());
  }
  LAW(image->base() == base && image->size() == size);
  for (size_t i = 0; i < pvhboot::image_readers; ++i) {
    const auto verdict = explain(file, static_cast<pvhboot::image_reader>(i));
    LAW(verdict.outcome <= pvhboot::image_outcome::undefined && message(verdict.reason) != "unknown");
  }
}

/// Segments as they stand in memory: notes, without an image around them.
void notes(live_memory& live, uint64_t shift) {
  const uint8_t* bytes = live.bytes(shift, live.size());
  const span<const uint8_t> segment{bytes, bytes ? static_cast<size_t>(live.size()) : 0};
  for (const uint64_t align : {4u, 8u}) {
    size_t n = 0;
    for (const pvhboot::elf_note& note : pvhboot::elf_notes{segment, align}) {
      LAW(++n <= segment.size() / 12 && note.desc.size() <= segment.size() && note.name.size() <= segment.size());
      read_all(note.desc);
      read_all(span<const uint8_t>{reinterpret_cast<const uint8_t*>(note.name.data()), note.name.size()});
      if (const auto entry = pvhboot::read_phys32_entry(note)) LAW(*entry != 0 && *entry != 0xffffffff);
    }
  }
}

void bzimage(live_memory& live, uint64_t shift) {
  const uint8_t* bytes = live.bytes(shift, live.size());
  const span<const uint8_t> file{bytes, bytes ? static_cast<size_t>(live.size()) : 0};
  const auto image = pvhboot::parse_bzimage(file);
  if (!image) return;
  LAW(image->code().size() <= file.size() && image->payload().size() <= image->code().size());
  LAW(image->header_bytes().size() <= 0x90);
  read_all(image->code());
  read_all(image->payload());
  read_all(image->kernel_version());
  static_cast<void>(image->uncompressed_size() + image->kernel_info().setup_type_max.get());
  owned_map map{8};
  LAW(map.map.append({0, 0x40000000, memory_type::ram}).ok() && prepare_for_linux(map.map).ok());
  const auto place = place_kernel(*image, map.map);
  if (!place) return;
  static pvhboot::abi::boot_params page;
  const pvhboot::linux_layout layout{.kernel = *place, .zero_page_paddr = 0x1000};
  if (translate(*image, layout, map.map, page))
    LAW(page.e820_entries == map.map.size() && page.hdr.header.get() == 0x53726448);
}

}  // namespace

#if defined(__clang__)
/// Called before each load in code that is built for it.
#define PVHBOOT_LOAD(n)                                                             \
  extern "C" MODEL void __sanitizer_cov_load##n(void* p);                           \
  extern "C" MODEL void __sanitizer_cov_load##n(void* p) {                          \
    if (live_memory::current && block_room::holds(p)) live_memory::current->step(); \
  }
PVHBOOT_LOAD(1)
PVHBOOT_LOAD(2)
PVHBOOT_LOAD(4)
PVHBOOT_LOAD(8)
PVHBOOT_LOAD(16)
#undef PVHBOOT_LOAD
#endif

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr void (*readers[])(live_memory&, uint64_t) = {handoff, chain, zero_page, kernel, notes, bzimage};
  input in{data, size};
  const auto reader = readers[in.u8() % std::size(readers)];
  const uint64_t base = in.number();
  const uint64_t offset = in.number();
  std::vector<change> changes(in.u8() % 16);
  for (change& c : changes) {
    c.wait = in.u8();
    c.offset = in.u16();
    c.size = 1u << in.u8() % 4;
    c.value = in.number();
  }
  if (in.rest().size() > 0x2000) return 0;
  live_memory live{base, in.rest(), changes};
  const bool is_file = reader == kernel || reader == notes || reader == bzimage;
  reader(live, is_file ? base : base + offset);
  return 0;
}
