// SPDX-License-Identifier: BSL-1.0
#include "dump.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/elf/image.hpp>
#include <pvhboot/pvh/parse.hpp>

#include "file.hpp"

namespace tool {

namespace {

using pvhboot::elf_class;
using pvhboot::elf_file_header;
using pvhboot::elf_section;
using pvhboot::elf_segment;
using pvhboot::memory_window;
using pvhboot::span;

constexpr uint64_t page_size = 4096;
constexpr size_t limit = 4096;  ///< of structures that a dump can have

/// The part of the file that an entry of a table names, cut at the end of the file.
span<const uint8_t> part(span<const uint8_t> file, uint64_t offset, uint64_t n) {
  if (offset > file.size()) return {};
  return file.after(static_cast<size_t>(offset))
      .first(static_cast<size_t>(std::min<uint64_t>(n, file.size() - offset)));
}

/// Entry i of a table of headers, or nothing if it does not lie in the file.
template <class Header>
bool read_entry(span<const uint8_t> file, uint64_t table, uint64_t i, uint64_t size, bool is_64, Header& header) {
  if (i > file.size() / size || table > file.size() || (i + 1) * size > file.size() - table) return false;
  header = Header::from({file.data() + table + i * size, is_64});
  return true;
}

bool is_named(const span<const uint8_t>& names, uint64_t at, const char* name) {
  const size_t n = std::strlen(name) + 1;
  return at <= names.size() && n <= names.size() - at && std::memcmp(names.data() + at, name, n) == 0;
}

}  // namespace

const uint8_t* dump_memory::bytes(uint64_t paddr, uint64_t n) const noexcept {
  const auto* const end = pieces + count;
  const auto* after =
      std::upper_bound(pieces, end, paddr, [](uint64_t at, const memory_window& w) { return at < w.base; });
  return after == pieces ? nullptr : (after - 1)->bytes(paddr, n);
}

void dump::add(uint64_t paddr, span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  if (!pieces_.empty()) {  // a neighbour in memory and in the file is the same piece
    memory_window& last = pieces_.back();
    if (last.contents.end() == bytes.data() && last.base + last.contents.size() == paddr) {
      last.contents = {last.contents.data(), last.contents.size() + bytes.size()};
      return;
    }
  }
  pieces_.push_back({paddr, bytes});
}

/// Pieces that overlap would make one address two bytes: the earlier one counts.
void dump::sort() {
  std::stable_sort(pieces_.begin(), pieces_.end(),
                   [](const memory_window& a, const memory_window& b) { return a.base < b.base; });
  std::vector<memory_window> apart;
  for (memory_window w : pieces_) {
    if (!apart.empty()) {
      const uint64_t last = apart.back().base + (apart.back().contents.size() - 1);
      if (w.base <= last) {
        const uint64_t known = last - w.base + 1;
        if (known >= w.contents.size()) continue;
        w = {last + 1, w.contents.after(static_cast<size_t>(known))};
      }
    }
    apart.push_back(w);
  }
  pieces_ = std::move(apart);
}

dump dump::raw(span<const uint8_t> file, uint64_t base) {
  dump d;
  d.file_ = file;
  d.kind_ = "raw memory";
  if (!file.empty() && file.size() - 1 > ~base)
    throw bad_input(fmt::format("a dump of {} bytes at {:#x} ends above 2^64", file.size(), base));
  d.add(base, file);
  return d;
}

/// xl dump-core: pages in one section, their numbers in another. Such files are of class 64.
void dump::add_xen_sections(span<const uint8_t> file) {
  if (file.size() < sizeof(pvhboot::abi::Elf64_Ehdr)) return;
  const auto header = pvhboot::load_once<pvhboot::abi::Elf64_Ehdr>(file.data());
  const auto section = [&](uint64_t i) {
    const auto bytes = part(file, header.e_shoff, (i + 1) * sizeof(pvhboot::abi::Elf64_Shdr));
    if (bytes.size() != (i + 1) * sizeof(pvhboot::abi::Elf64_Shdr)) return pvhboot::abi::Elf64_Shdr{};
    return pvhboot::load_once<pvhboot::abi::Elf64_Shdr>(bytes.end() - sizeof(pvhboot::abi::Elf64_Shdr));
  };
  const auto contents_of = [&](const pvhboot::abi::Elf64_Shdr& s) { return part(file, s.sh_offset, s.sh_size); };
  const auto names = contents_of(section(header.e_shstrndx));
  span<const uint8_t> pages, numbers;
  size_t stride = 0;
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto s = section(i);
    if (is_named(names, s.sh_name, ".xen_pages")) pages = contents_of(s);
    if (is_named(names, s.sh_name, ".xen_pfn")) {
      numbers = contents_of(s);
      stride = 8;
    }
    if (is_named(names, s.sh_name, ".xen_p2m")) {  // pairs of pfn and gmfn
      numbers = contents_of(s);
      stride = 16;
    }
  }
  if (stride == 0) return;
  kind_ = "xl dump-core";
  const size_t n = std::min(pages.size() / page_size, numbers.size() / stride);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t number = pvhboot::load<pvhboot::le64>(numbers.data() + i * stride).get();
    if (number < ~uint64_t{} / page_size) add(number * page_size, pages.after(i * page_size).first(page_size));
  }
}

dump dump::core(span<const uint8_t> file) {
  const bool is_64 = file.size() > 4 && elf_class{file[4]} == elf_class::elf64;
  const size_t header_size = is_64 ? sizeof(pvhboot::abi::Elf64_Ehdr) : sizeof(pvhboot::abi::Elf32_Ehdr);
  const size_t segment_size = is_64 ? sizeof(pvhboot::abi::Elf64_Phdr) : sizeof(pvhboot::abi::Elf32_Phdr);
  const size_t section_size = is_64 ? sizeof(pvhboot::abi::Elf64_Shdr) : sizeof(pvhboot::abi::Elf32_Shdr);
  if (file.size() < header_size)
    throw bad_input(fmt::format("the ELF header ends outside the file ({} bytes)", file.size()));
  const auto header = elf_file_header::from({file.data(), is_64});
  dump d;
  d.file_ = file;
  d.kind_ = "ELF core";
  uint64_t segments = header.phnum;
  elf_section section{};
  if (segments == pvhboot::abi::elf_phnum_extended) {  // section 0 has the number in sh_info
    if (!read_entry(file, header.shoff, 0, section_size, is_64, section))
      throw bad_input("the number of program headers lies outside the file");
    segments = section.info;
  }
  for (uint64_t i = 0; i < segments; ++i) {
    elf_segment s;
    if (!read_entry(file, header.phoff, i, segment_size, is_64, s))
      throw bad_input(fmt::format("program header {} lies outside the file (offset {:#x})", i, header.phoff));
    if (s.type == pvhboot::segment_type::load && s.filesz != 0 && s.filesz - 1 <= ~s.paddr)
      d.add(s.paddr, part(file, s.offset, s.filesz));
  }
  if (d.pieces_.empty() && is_64) d.add_xen_sections(file);
  if (d.pieces_.empty()) throw bad_input("this core has no memory of a machine");
  d.sort();
  return d;
}

dump::places dump::find(const marked_pages* marked) const {
  constexpr size_t ahead = size_t{4} << 20;
  places found;
  uint64_t whole = 0;
  for (const memory_window& piece : pieces_) whole += piece.contents.size();
  progress shown{whole};
  for (const memory_window& piece : pieces_) {
    const uint8_t* const begin = piece.contents.data();
    const size_t size = piece.contents.size();
    for (size_t at = 0; at < size; at += scan_page) {
      const size_t n = std::min<size_t>(scan_page, size - at);
      shown.add(n);
      if (marked == nullptr && at % ahead == 0) prefetch(piece.contents.after(at).first(ahead));
      // The 3 bytes after a page belong to the magic numbers that begin in it.
      const span<const uint8_t> page{begin + at, std::min<size_t>(scan_page + 3, size - at)};
      if (marked != nullptr ? marked->meets(static_cast<uint64_t>(page.data() - file_.data()), n)
                            : !is_zero(page) && has_magic(page))
        look_at(piece.base + at, page, found);
    }
  }
  return found;
}

/// Adds what a page has. Both structures are aligned to 4.
void dump::look_at(uint64_t paddr, span<const uint8_t> page, places& found) const {
  for (auto i = static_cast<size_t>(-paddr & 1); i + 4 <= page.size(); i += 2) {
    const uint32_t word = pvhboot::load<pvhboot::le32>(page.data() + i).get();
    const uint64_t at = paddr + i;
    if (word == pvhboot::abi::hvm_start_magic_value && at % 4 == 0 && pvhboot::parse(memory(), at))
      found.start_info.push_back(at);
    constexpr uint64_t before = 0x202;  // bytes of a zero page in front of hdr.header
    if (word == pvhboot::abi::setup_header_magic && at % 4 == 2 && at >= before && is_zero_page(at - before))
      found.zero_pages.push_back(at - before);
  }
  if (found.start_info.size() + found.zero_pages.size() > limit)
    throw bad_input(
        fmt::format("more than {} places look like a start_info or a zero page; --start-info names one", limit));
}

/// A boot loader has filled it in: the same header in a bzImage has neither a loader's type nor a memory map.
bool dump::is_zero_page(uint64_t paddr) const {
  const uint8_t* const bytes = memory().bytes(paddr, sizeof(pvhboot::abi::boot_params));
  if (bytes == nullptr) return false;
  const auto page = pvhboot::load_once<pvhboot::abi::boot_params>(bytes);
  return page.hdr.boot_flag.get() == pvhboot::abi::setup_header_boot_flag && page.hdr.type_of_loader != 0 &&
         page.e820_entries != 0 && page.e820_entries <= pvhboot::abi::e820_max_entries_zeropage;
}

}  // namespace tool
