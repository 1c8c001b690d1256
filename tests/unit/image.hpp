// SPDX-License-Identifier: BSL-1.0
//
// A small bzImage, correct in every respect, to be damaged by the tests.
#pragma once

#include "row.hpp"

namespace test {

/// 1 setup sector and 4096 bytes of protected-mode code, as protocol 2.15 would have it.
struct image {
  static constexpr size_t code_offset = 2 * 512;
  static constexpr size_t code_size = 4096;
  static constexpr uint8_t usual_fill = 0xcc;
  static constexpr auto usual_contents = filled<code_offset + code_size>(usual_fill);

  pvhboot::abi::setup_header header{.setup_sects = 1,
                                    .syssize = code_size / 16,
                                    .boot_flag = 0xaa55,
                                    .jump = 0x6aeb,
                                    .header = 0x53726448,
                                    .version = 0x020f,
                                    .kernel_version = 0x100,
                                    .loadflags = 1,
                                    .code32_start = 0x100000,
                                    .initrd_addr_max = 0x7fffffff,
                                    .kernel_alignment = 0x200000,
                                    .relocatable_kernel = 1,
                                    .min_alignment = 12,
                                    .xloadflags = 0x3f,
                                    .cmdline_size = 2047,
                                    .payload_offset = 0x100,
                                    .payload_length = 0x200,
                                    .pref_address = 0x1000000,
                                    .init_size = 0x2000000};
  uint8_t fill = usual_fill;  ///< what everything else is filled with

  using file = memory<code_offset + code_size>;

  [[nodiscard]] constexpr file written() const {
    file f{.base = 0, .contents = usual_contents};
    if (fill != usual_fill)
      for (uint8_t& b : f.contents) b = fill;
    f.put(0x1f1, header);
    f.put_text(0x300, "6.1.0-test (builder)");
    return f;
  }
};

/// What parse_bzimage makes of the image after `change`.
template <class Change> constexpr pvhboot::result<void> judge(const Change& change) {
  image i;
  change(i.header);
  const auto file = i.written();
  const auto kernel = pvhboot::parse_bzimage(file.contents);
  return kernel ? pvhboot::result<void>{} : pvhboot::result<void>{kernel.error()};
}

}  // namespace test
