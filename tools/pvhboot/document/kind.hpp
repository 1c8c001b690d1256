// SPDX-License-Identifier: BSL-1.0
//
// What a file is, by its magic numbers.
#pragma once

#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/core/memory.hpp>

namespace tool {

enum class kind { elf_kernel, bzimage, zero_page, core, raw };

/// A file that begins as nothing known is raw memory.
inline kind recognise(pvhboot::span<const uint8_t> file) {
  const auto half = [&](size_t at) { return pvhboot::load<pvhboot::le16>(file.data() + at).get(); };
  const auto word = [&](size_t at) { return pvhboot::load<pvhboot::le32>(file.data() + at).get(); };
  if (file.size() >= 20 && word(0) == pvhboot::abi::elf_magic)
    return pvhboot::elf_type{half(16)} == pvhboot::elf_type::core ? kind::core : kind::elf_kernel;
  if (file.size() >= 0x206 && half(0x1fe) == pvhboot::abi::setup_header_boot_flag &&
      word(0x202) == pvhboot::abi::setup_header_magic)
    return file.size() == sizeof(pvhboot::abi::boot_params) ? kind::zero_page : kind::bzimage;
  return kind::raw;
}

inline pvhboot::string_ref name_of(kind k) {
  constexpr pvhboot::string_ref names[] = {"ELF kernel", "bzImage", "zero page", "core", "memory"};
  return names[static_cast<size_t>(k)];
}

}  // namespace tool
