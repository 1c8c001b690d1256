// SPDX-License-Identifier: BSL-1.0
//
// Which parts of a file its document comes from: headers and notes of a kernel, the structures of a handoff, but no
// code, no module and no payload. A link to the page holds these parts.
#pragma once

#include <pvhboot/elf/image_notes.hpp>
#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/extents.hpp>

#include "../document/core_file.hpp"
#include "../document/dump_memory.hpp"
#include "../document/kind.hpp"
#include "../document/zero_page.hpp"
#include "heap.hpp"

namespace web {

/// Part of a file. The page reads the two words.
struct range {
  uint32_t offset;
  uint32_t size;
};

class structures {
 public:
  structures(pvhboot::span<const uint8_t> file, const tool::dump_memory& memory, list<range>& kept)
      : file_(file), memory_(memory), kept_(kept) {}

  void add_all(pvhboot::span<const uint64_t> start_infos, pvhboot::span<const uint64_t> zero_pages) {
    switch (tool::recognise(file_)) {
      case tool::kind::elf_kernel: add_elf(file_); break;
      case tool::kind::bzimage: add_bzimage(); break;
      case tool::kind::zero_page: add_at(file_.data(), file_.size()); break;
      case tool::kind::core: add_core(); break;
      case tool::kind::raw: break;
    }
    for (const uint64_t at : start_infos) add_handoff(at);
    for (const uint64_t at : zero_pages) add_zero_page(at);
    arrange();
  }

 private:
  static constexpr size_t elf_header = sizeof(pvhboot::abi::Elf64_Ehdr);

  /// Cut at the end of the file.
  void add(uint64_t offset, uint64_t size) {
    if (offset >= file_.size() || size == 0) return;
    const uint64_t rest = file_.size() - offset;
    kept_.push({static_cast<uint32_t>(offset), static_cast<uint32_t>(size < rest ? size : rest)});
  }
  void add_at(const uint8_t* at, uint64_t size) { add(static_cast<uint64_t>(at - file_.data()), size); }
  void add_memory(uint64_t paddr, uint64_t size) {
    if (const uint8_t* const at = memory_.bytes(paddr, size)) add_at(at, size);
  }

  /// Headers and notes of an ELF file at the beginning of `image`, which may be a part of the file: readers look at the
  /// headers by their own rules, so that nothing is required of them. What the multiboot probe of QEMU sees is kept.
  void add_elf(pvhboot::span<const uint8_t> image) {
    using namespace pvhboot::abi;
    if (image.size() < sizeof(Elf32_Ehdr)) return add_at(image.data(), image.size());
    add_at(image.data(), elf_header);
    add_multiboot(image);
    const bool is_32 = pvhboot::elf_class{image[elf_ident_class]} == pvhboot::elf_class::elf32;
    if (is_32) add_tables(image, false);
    if (image.size() >= elf_header) add_tables(image, true);  // linux-loader reads every file as one of class 64
  }
  void add_tables(pvhboot::span<const uint8_t> image, bool is_64) {
    using namespace pvhboot::abi;
    const auto header = pvhboot::elf_file_header::from({image.data(), is_64});
    add_table(image, header.phoff, header.phnum, is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    add_table(image, header.shoff, header.shnum, is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
    add_notes(image, header, is_64);
  }
  void add_table(pvhboot::span<const uint8_t> image, uint64_t offset, uint64_t n, uint64_t entry) {
    if (offset < image.size()) add_at(image.data() + offset, min(n * entry, image.size() - offset));
  }
  /// A walk may leave its segment by the head of one note.
  void add_notes(pvhboot::span<const uint8_t> image, const pvhboot::elf_file_header& header, bool is_64) {
    using namespace pvhboot::abi;
    const size_t segment_size = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    const size_t section_size = is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    for (uint64_t i = 0; i < header.phnum; ++i) {
      pvhboot::elf_segment s;
      if (!tool::document::read_entry(image, header.phoff, i, segment_size, is_64, s)) break;
      if (s.type == pvhboot::segment_type::note) add_part(image, s.offset, s.filesz);
    }
    for (uint64_t i = 0; i < header.shnum; ++i) {
      pvhboot::elf_section s{};
      if (!tool::document::read_entry(image, header.shoff, i, section_size, is_64, s)) break;
      if (s.type == pvhboot::section_type::note) add_part(image, s.offset, s.size);
    }
  }
  void add_part(pvhboot::span<const uint8_t> image, uint64_t offset, uint64_t size) {
    constexpr uint64_t after = 64;
    if (offset < image.size())
      add_at(image.data() + offset, min(size + after < size ? size : size + after, image.size() - offset));
  }
  void add_multiboot(pvhboot::span<const uint8_t> image) {
    constexpr size_t reach = 8192, size = 32;
    constexpr uint32_t magic = 0x1badb002;
    for (size_t i = 0; i < reach && i + 12 <= image.size(); i += 4)
      if (pvhboot::load<pvhboot::le32>(image.data() + i).get() == magic) add_at(image.data() + i, size);
  }

  void add_bzimage() {
    constexpr size_t setup = 0x300, enough = 64;
    add(0, setup);
    const auto image = pvhboot::parse_bzimage(file_);
    if (!image) return;
    add(image->code_offset() + image->header().kernel_info_offset.get(), sizeof(pvhboot::abi::kernel_info));
    if (const auto version = image->kernel_version(); !version.absent())
      add_at(reinterpret_cast<const uint8_t*>(version.data()), version.size() + 1);
    const auto payload = image->payload();
    if (payload.empty()) return;
    add_at(payload.data(), enough);
    add_at(payload.end() - min(payload.size(), enough), enough);
    if (image->payload_format() == pvhboot::payload_format::elf) add_elf(payload);
  }

  void add_core() {
    add(0, elf_header);
    using namespace pvhboot::abi;
    const bool is_64 = file_[4] == static_cast<uint8_t>(pvhboot::elf_class::elf64);
    if (file_.size() < (is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr))) return;
    const auto header = pvhboot::elf_file_header::from({file_.data(), is_64});
    add_table(file_, header.phoff, header.phnum, is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    if (header.phnum != 0) return;
    // xl dump-core: names and numbers of pages are in sections.
    for (uint64_t i = 0; is_64 && i < header.shnum; ++i) {
      pvhboot::elf_section s{};
      if (!tool::document::read_entry(file_, header.shoff, i, sizeof(Elf64_Shdr), is_64, s)) break;
      if (s.size % tool::document::core_page_size == 0) continue;  // the pages themselves
      add(s.offset, s.size);
    }
    add_table(file_, header.shoff, header.shnum, sizeof(Elf64_Shdr));
  }

  void add_handoff(uint64_t start_info) {
    add_memory(start_info, sizeof(pvhboot::abi::hvm_start_info));
    const auto boot = pvhboot::parse(memory_, start_info);
    if (!boot) return;
    for (const pvhboot::extent& e : pvhboot::extents{*boot})
      if (e.what != pvhboot::handoff_piece::module) add_memory(e.addr, e.size);
    add_memory(boot->rsdp_paddr(), pvhboot::abi::rsdp_v1_size);  // a dump may have no more of it
  }

  void add_zero_page(uint64_t at) {
    add_memory(at, sizeof(pvhboot::abi::boot_params));
    const uint8_t* const bytes = memory_.bytes(at, sizeof(pvhboot::abi::boot_params));
    if (bytes == nullptr) return;
    const auto page = pvhboot::load_once<pvhboot::abi::boot_params>(bytes);
    const auto visit = [&](const pvhboot::setup_node& node) -> pvhboot::result<void> {
      const bool is_read = node.type == pvhboot::setup_type::e820_ext || node.type == pvhboot::setup_type::indirect;
      add_memory(node.paddr, sizeof(pvhboot::abi::setup_data) + (is_read ? node.payload.size() : 0));
      return {};
    };
    static_cast<void>(pvhboot::walk_setup_data(memory_, page.hdr.setup_data.get(), tool::document::node_limit, visit));
  }

  static uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

  /// Ascending and apart: those that touch become one.
  void arrange() {
    list<range> spare;
    spare.resize(kept_.size());
    pvhboot::merge_sort(
        kept_.size(), [&](size_t i) -> range& { return kept_[i]; }, [&](size_t i) -> range& { return spare[i]; },
        [](const range& a, const range& b) noexcept { return a.offset < b.offset; });
    size_t n = 0;
    for (size_t i = 0; i < kept_.size(); ++i) {
      const range r = kept_[i];
      if (n != 0 && r.offset <= kept_[n - 1].offset + kept_[n - 1].size) {
        const uint32_t end = r.offset + r.size;
        range& last = kept_[n - 1];
        if (end > last.offset + last.size) last.size = end - last.offset;
      } else {
        kept_[n++] = r;
      }
    }
    kept_.resize(n);
  }

  pvhboot::span<const uint8_t> file_;
  tool::dump_memory memory_;
  list<range>& kept_;
};

}  // namespace web
