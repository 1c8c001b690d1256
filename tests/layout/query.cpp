// SPDX-License-Identifier: BSL-1.0
//
// Queries of the tables. Including spec.hpp checks every row.
#include <doctest/doctest.h>

#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/spec.hpp>

namespace spec = pvhboot::spec;
namespace abi = pvhboot::abi;

namespace {

// boot.rst, field jump: the displacement in a correct image of each protocol version.
struct header_end {
  uint16_t version;
  size_t end;
};
constexpr header_end header_ends[] = {
    {0x0200, 0x224}, {0x0201, 0x228}, {0x0202, 0x22c}, {0x0203, 0x230}, {0x0204, 0x230}, {0x0205, 0x238},
    {0x0206, 0x23c}, {0x0207, 0x248}, {0x0208, 0x250}, {0x0209, 0x258}, {0x020a, 0x264}, {0x020b, 0x268},
    {0x020c, 0x268}, {0x020d, 0x268}, {0x020e, 0x268}, {0x020f, 0x26c}, {0xffff, 0x26c},
};
static_assert([] {
  for (const header_end& row : header_ends)
    if (spec::setup_header_end(row.version) != row.end) return false;
  return true;
}());

// parse_bzimage has the same numbers as constants, so that it does not need the tables.
static_assert([] {
  for (uint16_t version = 0x0200; version < 0x0220; ++version)
    if (pvhboot::setup_header_end(version) != spec::setup_header_end(version)) return false;
  return true;
}());

constexpr bool exists(pvhboot::string_ref name, uint16_t version) {
  const spec::field* f = spec::find_field<abi::setup_header>(name);
  return f != nullptr && f->exists_in(version);
}
static_assert(exists("cmdline_size", 0x0206) && !exists("cmdline_size", 0x0205));
static_assert(exists("kernel_info_offset", 0x020f) && !exists("kernel_info_offset", 0x020e));
static_assert(exists("setup_sects", 0));
static_assert(!exists("setup_sect", 0xffff) && !exists("setup_sectss", 0xffff) && !exists("", 0xffff));

// Protocol 2.06 has 28 of the 39 fields. xloadflags of 2.12 lies between them and is not one of them.
constexpr spec::field_range in_206 = spec::fields_in<abi::setup_header>(0x0206);
static_assert(in_206.size() == 28 && spec::fields<abi::setup_header>().size() == 39);
static_assert([] {
  size_t n = 0;
  for (const spec::field& f : in_206) {
    if (!f.exists_in(0x0206) || f.offset == 0x236) return false;
    ++n;
  }
  return n == in_206.size();
}());

static_assert(spec::fields_in<abi::hvm_start_info>(0).size() == 7);
static_assert(spec::fields_in<abi::hvm_start_info>(1).size() == 10);
static_assert(spec::find_field<abi::hvm_start_info>("memmap_paddr")->offset == abi::hvm_start_info_v0_size);

}  // namespace

TEST_CASE("the setup header of each protocol ends as in boot.rst") {
  for (const header_end& row : header_ends) {
    CAPTURE(row.version);
    CHECK(spec::setup_header_end(row.version) == row.end);
  }
}

TEST_CASE("fields_in walks the fields of a version") {
  size_t n = 0;
  for (const spec::field& f : spec::fields_in<abi::setup_header>(0x0206)) {
    CAPTURE(f.name);
    CHECK(f.since <= 0x0206);
    ++n;
  }
  CHECK(n == 28);
  CHECK(spec::find_field<abi::setup_header>("no_such_field") == nullptr);
}
