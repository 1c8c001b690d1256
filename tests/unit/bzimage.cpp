// SPDX-License-Identifier: BSL-1.0
//
// One row per rule of parse_bzimage; boot.rst's defaults for fields that an old protocol does not have.
#include "image.hpp"

namespace {

using namespace test;
using pvhboot::parse_bzimage;
using pvhboot::span;
using header = pvhboot::abi::setup_header;

ROW("bzimage: a modern image", {
  const auto file = image{}.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel);
  EXPECT(kernel->protocol() == 0x020f);
  EXPECT(kernel->code_offset() == 1024 && kernel->code().size() == 4096);
  EXPECT(kernel->code().data() == file.contents.data() + 1024);
  EXPECT(kernel->header_bytes().size() == 0x26c - 0x1f1);
  EXPECT(kernel->cmdline_size() == 2047 && kernel->initrd_addr_max() == 0x7fffffff);
  EXPECT(kernel->relocatable() && kernel->kernel_alignment() == 0x200000 && kernel->min_alignment() == 0x1000);
  EXPECT(kernel->pref_address() == 0x1000000 && kernel->init_size() == 0x2000000);
  EXPECT(kernel->has_entry_64() && kernel->can_be_loaded_above_4g());
  EXPECT(kernel->kernel_version() == "6.1.0-test (builder)");
});

// The rules, in the order of errc.
ROW("bzimage: image_too_short, wherever a file ends inside its header", {
  const auto file = image{}.written();
  const span<const uint8_t> all{file.contents};
  for (size_t size = 0; size < 0x26c; ++size)
    EXPECT(fails(parse_bzimage(all.first(size)), errc::image_too_short, size));
  EXPECT(fails(parse_bzimage(all.first(0x26c)), errc::setup_truncated, 1024));
});
ROW("bzimage: no_boot_flag",
    { EXPECT(fails(judge([](header& h) { h.boot_flag = 0x55aa; }), errc::no_boot_flag, 0x1fe)); });
ROW("bzimage: no_header_magic",
    { EXPECT(fails(judge([](header& h) { h.header = 0x53726449; }), errc::no_header_magic, 0x202)); });
ROW("bzimage: protocol_too_old",
    { EXPECT(fails(judge([](header& h) { h.version = 0x01ff; }), errc::protocol_too_old, 0x01ff)); });
ROW("bzimage: bad_header_jump, the displacement is signed (P3, P4)", {
  EXPECT(fails(judge([](header& h) { h.jump = 0x6ae9; }), errc::bad_header_jump, 0x200));
  EXPECT(fails(judge([](header& h) { h.jump = 0x80eb; }), errc::bad_header_jump, 0x200));
  EXPECT(fails(judge([](header& h) { h.jump = 0xffeb; }), errc::bad_header_jump, 0x200));
  EXPECT(judge([](header& h) { h.jump = 0x7feb; }));
});
ROW("bzimage: header_truncated", {
  EXPECT(fails(judge([](header& h) { h.jump = 0x00eb; }), errc::header_truncated, 0x202));
  EXPECT(fails(judge([](header& h) { h.jump = 0x21eb; }), errc::header_truncated, 0x223));
  EXPECT(judge([](header& h) { h.jump = 0x22eb; }));
});
ROW("bzimage: setup_truncated; 0 setup sectors mean 4 (P17)", {
  EXPECT(fails(judge([](header& h) { h.setup_sects = 9; }), errc::setup_truncated, 10 * 512));
  EXPECT(fails(judge([](header& h) { h.setup_sects = 255; }), errc::setup_truncated, 256 * 512));
  image i;
  i.header.setup_sects = 0;
  i.header.syssize = (image::code_size - 3 * 512) / 16;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->code_offset() == 5 * 512);
});
ROW("bzimage: kernel_truncated, but syssize is rounded up", {
  const auto file = image{}.written();
  const span<const uint8_t> all{file.contents};
  EXPECT(parse_bzimage(all.first(all.size() - 15)));
  EXPECT(fails(parse_bzimage(all.first(all.size() - 16)), errc::kernel_truncated, all.size()));
  EXPECT(fails(judge([](header& h) { h.syssize = 0xffffffff; }), errc::kernel_truncated, 1024 + 0xffffffff0));
});
ROW("bzimage: what follows syssize is not the kernel's", {
  image i;
  i.header.syssize = 0x80;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->code().size() == 0x800);
});
ROW("bzimage: before 2.04 syssize has two bytes, and cannot be trusted", {
  image i;
  i.header.version = 0x0203;
  i.header.syssize = 0xabcd0001;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->header().syssize == 1 && kernel->code().size() == image::code_size);
  i.header.version = 0x0204;
  const auto later = i.written();
  EXPECT(fails(pvhboot::parse_bzimage(later.contents), errc::kernel_truncated, 1024 + 0xabcd00010));
});
ROW("bzimage: not_loaded_high",
    { EXPECT(fails(judge([](header& h) { h.loadflags = 0; }), errc::not_loaded_high, 0x211)); });
ROW("bzimage: bad_kernel_alignment (P30)", {
  EXPECT(fails(judge([](header& h) { h.kernel_alignment = 0; }), errc::bad_kernel_alignment, 0x230));
  EXPECT(fails(judge([](header& h) { h.kernel_alignment = 0x300000; }), errc::bad_kernel_alignment, 0x230));
  EXPECT(judge([](header& h) { h.kernel_alignment = 0, h.relocatable_kernel = 0; }));
});
ROW("bzimage: payload_out_of_bounds, also where offset + length exceed 32 bits (P31)", {
  EXPECT(judge([](header& h) { h.payload_length = 4096 - 0x100; }));
  EXPECT(fails(judge([](header& h) { h.payload_length = 4096 - 0xff; }), errc::payload_out_of_bounds, 4097));
  EXPECT(fails(judge([](header& h) { h.payload_offset = 0xfffffff0, h.payload_length = 0x20; }),
               errc::payload_out_of_bounds, 0x100000010));
});

ROW("bzimage: 2.14 never shipped and counts as 2.13 (P2, D2)", {
  image i;
  i.header.version = 0x020e;
  i.header.jump = 0x6aeb;
  i.header.kernel_info_offset = 0xdeadbeef;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->protocol() == 0x020d && kernel->header().kernel_info_offset == 0);
});
ROW("bzimage: fields newer than the version are code, and not read", {
  image i;
  i.header.version = 0x0202;
  i.header.initrd_addr_max = 0xcccccccc;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel);
  EXPECT(kernel->initrd_addr_max() == 0x37ffffff && kernel->cmdline_size() == 255);
  EXPECT(!kernel->relocatable() && kernel->pref_address() == 0x100000);
  EXPECT(kernel->init_size() == 3 * image::code_size);
  EXPECT(!kernel->has_entry_64() && !kernel->can_be_loaded_above_4g());
});
ROW("bzimage: parts of fields that came later", {
  image i;
  i.header.version = 0x0209;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->relocatable() && kernel->min_alignment() == 0x200000);
  i.header.version = 0x020b;
  const auto file2 = i.written();
  const auto kernel2 = parse_bzimage(file2.contents);
  EXPECT(kernel2 && kernel2->min_alignment() == 0x1000 && !kernel2->has_entry_64());
});
ROW("bzimage: fields after the header's own end are not read", {
  image i;
  i.header.jump = 0x36eb;  // ends at 0x238, before cmdline_size, whatever the version says
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->cmdline_size() == 255 && kernel->header_bytes().size() == 0x238 - 0x1f1);
  EXPECT(kernel->header().init_size == 0 && kernel->relocatable());
});
ROW("bzimage: a field that the header's end cuts in two is not read", {
  image i;
  i.header.jump = 0x31eb;  // ends at 0x233, after three bytes of kernel_alignment
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->kernel_alignment() == 0 && !kernel->relocatable());
  EXPECT(kernel->initrd_addr_max() == 0x7fffffff && kernel->header_bytes().size() == 0x233 - 0x1f1);
  i.header.jump = 0x60eb;  // ends at 0x262
  const auto file2 = i.written();
  EXPECT(parse_bzimage(file2.contents)->init_size() == 3 * image::code_size);
});
ROW("bzimage: a header that ends with the last field of its version", {
  image i;
  i.header.version = 0x0206;
  i.header.jump = 0x3aeb;
  const auto file = i.written();
  const auto kernel = parse_bzimage(file.contents);
  EXPECT(kernel && kernel->cmdline_size() == 2047);
});
ROW("bzimage: min_alignment that makes no sense gives way", {
  const auto least = [](uint8_t shift) {
    image i;
    i.header.min_alignment = shift;
    const auto file = i.written();
    return parse_bzimage(file.contents)->min_alignment();
  };
  EXPECT(least(0) == 0x200000 && least(32) == 0x200000 && least(255) == 0x200000 && least(22) == 0x200000);
  EXPECT(least(20) == 0x100000);
});
ROW("bzimage: a version string that is not there, or never ends", {
  const auto version = [](uint16_t at, uint8_t fill) {
    image i{.fill = fill};
    i.header.kernel_version = at;
    const auto file = i.written();
    const auto text = parse_bzimage(file.contents)->kernel_version();
    return text.absent() ? -1 : static_cast<int>(text.size());
  };
  EXPECT(version(0x100, 0xcc) == 20);
  EXPECT(version(0, 0xcc) == -1 && version(0x200, 0) == -1 && version(0xffff, 0) == -1);
  EXPECT(version(0x180, 0xcc) == -1 && version(0x1ff, 0) == 0);
});
ROW("bzimage: payload, its format and its size", {
  using pvhboot::payload_format;
  const auto format = [](uint32_t first, uint32_t length) {
    image i;
    i.header.payload_length = length;
    auto file = i.written();
    file.put(image::code_offset + 0x100, pvhboot::le32{first});
    file.put(image::code_offset + 0x100 + 0x1fc, pvhboot::le32{0x12345678u});
    const auto kernel = parse_bzimage(file.contents);
    return kernel->payload().size() == length && (length != 0x200 || kernel->uncompressed_size() == 0x12345678 ||
                                                  kernel->payload_format() == payload_format::elf)
               ? static_cast<int>(kernel->payload_format())
               : -1;
  };
  EXPECT(format(0x00008b1f, 0x200) == static_cast<int>(payload_format::gzip));
  EXPECT(format(0x00009e1f, 0x200) == static_cast<int>(payload_format::gzip));
  EXPECT(format(0x00005a42, 0x200) == static_cast<int>(payload_format::bzip2));
  EXPECT(format(0x0000005d, 0x200) == static_cast<int>(payload_format::lzma));
  EXPECT(format(0x587a37fd, 0x200) == static_cast<int>(payload_format::xz));
  EXPECT(format(0x00004c89, 0x200) == static_cast<int>(payload_format::lzo));
  EXPECT(format(0x184c2102, 0x200) == static_cast<int>(payload_format::lz4));
  EXPECT(format(0xfd2fb528, 0x200) == static_cast<int>(payload_format::zstd));
  EXPECT(format(0x464c457f, 0x200) == static_cast<int>(payload_format::elf));
  EXPECT(format(0x464c467f, 0x200) == static_cast<int>(payload_format::unknown));
  EXPECT(format(0x00008b1f, 3) == static_cast<int>(payload_format::unknown));
  EXPECT(format(0x00008b1f, 0) == static_cast<int>(payload_format::unknown));
  image elf;
  auto file = elf.written();
  file.put(image::code_offset + 0x100, pvhboot::le32{0x464c457fu});
  EXPECT(parse_bzimage(file.contents)->uncompressed_size() == 0x200);
  image none;
  none.header.payload_length = 0;
  const auto without = none.written();
  EXPECT(parse_bzimage(without.contents)->uncompressed_size() == 0);
});

/// kernel_info at this offset, with these words.
constexpr int info_of(uint32_t offset, pvhboot::abi::kernel_info info, uint16_t version = 0x020f) {
  image i;
  i.header.kernel_info_offset = offset;
  i.header.version = version;
  auto file = i.written();
  if (offset <= image::code_size - sizeof info) file.put(image::code_offset + offset, info);
  const auto kernel = parse_bzimage(file.contents);
  if (!kernel) return fails(kernel, errc::bad_kernel_info, offset) ? -1 : -2;
  return static_cast<int>(kernel->kernel_info().setup_type_max & 0xff);
}
ROW("bzimage: bad_kernel_info, and the values of kernel_info", {
  using info = pvhboot::abi::kernel_info;
  constexpr uint32_t magic = 0x506f544c;
  EXPECT(info_of(0x400, info{.header = magic, .size = 16, .size_total = 16, .setup_type_max = 0x80000009}) == 9);
  EXPECT(info_of(0xff0, info{.header = magic, .size = 16, .size_total = 16, .setup_type_max = 0x80000009}) == 9);
  EXPECT(info_of(0xff4, info{}) == -1 && info_of(0x1000, info{}) == -1 && info_of(0xfffffff0, info{}) == -1);
  EXPECT(info_of(0x400, info{.header = magic + 1, .size = 16, .size_total = 16}) == -1);
  EXPECT(info_of(0x400, info{.header = magic, .size = 11, .size_total = 16}) == -1);
  EXPECT(info_of(0x400, info{.header = magic, .size = 17, .size_total = 16}) == -1);
  EXPECT(info_of(0x400, info{.header = magic, .size = 16, .size_total = 0xc00}) == 0);
  EXPECT(info_of(0x400, info{.header = magic, .size = 16, .size_total = 0xc01}) == -1);
  // The three words of an early version; what follows them is something else.
  EXPECT(info_of(0x400, info{.header = magic, .size = 12, .size_total = 12, .setup_type_max = 0x80000009}) == 0);
  EXPECT(info_of(0xffffffff, info{}, 0x020d) == 0);
});
ROW("bzimage: a kernel_info of three words may end with the kernel", {
  const auto with_words = [](uint32_t offset) {
    image i;
    i.header.version = 0x020f;
    i.header.kernel_info_offset = offset;
    auto file = i.written();
    const uint8_t words[] = {'L', 'T', 'o', 'P', 12, 0, 0, 0, 12, 0, 0, 0};
    for (size_t at = 0; at < sizeof words && offset + at < image::code_size; ++at)
      file.contents[image::code_offset + offset + at] = words[at];
    return parse_bzimage(file.contents).ok();
  };
  EXPECT(with_words(image::code_size - 12) && !with_words(image::code_size - 11));
});
ROW("bzimage: which setup_data types a kernel accepts", {
  const auto accepts = [](uint16_t version, uint32_t max, pvhboot::setup_type type) {
    image i;
    i.header.version = version;
    i.header.kernel_info_offset = max != 0 ? 0x400u : 0u;
    auto file = i.written();
    file.put(image::code_offset + 0x400,
             pvhboot::abi::kernel_info{.header = 0x506f544c, .size = 16, .size_total = 16, .setup_type_max = max});
    return parse_bzimage(file.contents)->accepts(type);
  };
  using enum pvhboot::setup_type;
  EXPECT(!accepts(0x0208, 0, e820_ext) && accepts(0x0209, 0, e820_ext));
  EXPECT(!accepts(0x020c, 0, indirect) && !accepts(0x020d, 0, rng_seed) && accepts(0x020d, 0, jailhouse));
  EXPECT(accepts(0x020f, 0x80000009, indirect) && accepts(0x020f, 0x80000009, rng_seed));
  EXPECT(!accepts(0x020f, 0x80000009, kexec_kho) && accepts(0x020f, 0x8000000a, kexec_kho));
});
ROW("setup_header_end: by protocol version", {
  EXPECT(pvhboot::setup_header_end(0x01ff) == 0 && pvhboot::setup_header_end(0x0200) == 0x224);
  EXPECT(pvhboot::setup_header_end(0x0201) == 0x228 && pvhboot::setup_header_end(0x0202) == 0x22c);
  EXPECT(pvhboot::setup_header_end(0x0203) == 0x230 && pvhboot::setup_header_end(0x0204) == 0x230);
  EXPECT(pvhboot::setup_header_end(0x0205) == 0x238 && pvhboot::setup_header_end(0x0206) == 0x23c);
  EXPECT(pvhboot::setup_header_end(0x0207) == 0x248 && pvhboot::setup_header_end(0x0208) == 0x250);
  EXPECT(pvhboot::setup_header_end(0x0209) == 0x258 && pvhboot::setup_header_end(0x020a) == 0x264);
  EXPECT(pvhboot::setup_header_end(0x020b) == 0x268 && pvhboot::setup_header_end(0x020e) == 0x268);
  EXPECT(pvhboot::setup_header_end(0x020f) == 0x26c && pvhboot::setup_header_end(0xffff) == 0x26c);
});

}  // namespace
