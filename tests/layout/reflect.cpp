// SPDX-License-Identifier: BSL-1.0
//
// Visits and compares all structs.
#include <doctest/doctest.h>

#include <pvhboot/reflect.hpp>

namespace abi = pvhboot::abi;
namespace spec = pvhboot::spec;

namespace {

template <class S> using image = pvhboot::array<uint8_t, sizeof(S)>;

template <class S> constexpr S pattern() {
  image<S> bytes{};
  for (size_t i = 0; i < sizeof(S); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256 + 3);
  return __builtin_bit_cast(S, bytes);
}

/// Each field is visited once, in order, with its name and the bytes at its offset.
template <class S> constexpr bool walks_every_field() {
  const S s = pattern<S>();
  const auto bytes = __builtin_bit_cast(image<S>, s);
  size_t n = 0;
  size_t end = 0;
  bool right = true;
  pvhboot::for_each_field(s, [&](const spec::field& f, const auto& value) {
    const auto part = __builtin_bit_cast(image<std::remove_cvref_t<decltype(value)>>, value);
    const size_t offset = f.offset - spec::table<S>::base;
    right = right && part.size() == f.size && offset == end && f.name == spec::table<S>::fields[n].name;
    for (size_t i = 0; i < part.size(); ++i) right = right && part[i] == bytes[offset + i];
    end += part.size();
    ++n;
  });
  return right && n == spec::fields<S>().size() && end == sizeof(S);
}

/// After a change of one byte only the field that contains it differs.
template <class S> constexpr bool finds_the_difference(size_t at) {
  const S s = pattern<S>();
  auto bytes = __builtin_bit_cast(image<S>, s);
  bytes[at] ^= 0x80;
  const S changed = __builtin_bit_cast(S, bytes);
  bool right = true;
  const size_t n = pvhboot::for_each_difference(s, changed, [&](const spec::field& f, const auto& a, const auto& b) {
    const size_t offset = f.offset - spec::table<S>::base;
    right = right && offset <= at && at < offset + f.size && !pvhboot::same_bytes(a, b);
  });
  return right && n == 1;
}

static_assert(walks_every_field<abi::hvm_start_info>() && walks_every_field<abi::setup_header>());
static_assert(finds_the_difference<abi::hvm_start_info>(55) && finds_the_difference<abi::setup_header>(0x231 - 0x1f1));
static_assert(pvhboot::for_each_difference(abi::kernel_info{}, abi::kernel_info{}, [](auto&&...) {}) == 0);

// A visitor can change values and visit nested structs.
constexpr abi::edd_info erased = [] {
  auto e = pattern<abi::edd_info>();
  pvhboot::for_each_field(e, []<class V>(const spec::field&, V& value) {
    if constexpr (pvhboot::wire_struct<V>)
      pvhboot::for_each_field(value, [](const spec::field&, auto& inner) { inner = {}; });
    else
      value = {};
  });
  return e;
}();
static_assert(pvhboot::same_bytes(erased, abi::edd_info{}));
static_assert(pvhboot::wire_struct<abi::edd_info> && !pvhboot::wire_struct<pvhboot::le32>);

}  // namespace

TEST_CASE("all structs can be visited and compared") {
#define PVHBOOT_STRUCT(S, base, bytes)             \
  CHECK_MESSAGE(walks_every_field<abi::S>(), #S);  \
  for (size_t at = 0; at < sizeof(abi::S); ++at) { \
    INFO(#S ", byte ", at);                        \
    REQUIRE(finds_the_difference<abi::S>(at));     \
  }
#define PVHBOOT_FIELD(S, F, offset, bytes, since)
#define PVHBOOT_END(S)
#include <pvhboot/spec/elf.def>
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
}
