// SPDX-License-Identifier: BSL-1.0
//
// Each member of a struct has a row: Boost.PFR counts the members and has their types; the tables count the rows. Each
// struct also has the properties that the library states for all of them.
#include <doctest/doctest.h>

#include <boost/pfr/core.hpp>
#include <type_traits>
#include <utility>

#include <pvhboot/spec.hpp>

namespace abi = pvhboot::abi;
namespace spec = pvhboot::spec;

namespace {

template <size_t Members, size_t Rows> concept members_are = Members == Rows;

template <class S, size_t... I> constexpr bool sizes_match(std::index_sequence<I...>) {
  return ((sizeof(boost::pfr::tuple_element_t<I, S>) == spec::table<S>::fields[I].size) && ...);
}
template <class S>
constexpr bool every_member_has_its_row = sizes_match<S>(std::make_index_sequence<boost::pfr::tuple_size_v<S>>{});

template <class S>
constexpr bool is_wire_struct =
    std::is_trivially_copyable_v<S>&& std::is_standard_layout_v<S>&& std::is_aggregate_v<S> && alignof(S) == 1;

}  // namespace

#define PVHBOOT_STRUCT(S, base, bytes)                                                                         \
  static_assert(members_are<boost::pfr::tuple_size_v<abi::S>, spec::fields<abi::S>().size()>,                  \
                "pvhboot: " #S " has more members or fewer than its table has rows");                          \
  static_assert(every_member_has_its_row<abi::S>, "pvhboot: a member of " #S " differs in size from its row"); \
  static_assert(is_wire_struct<abi::S>, "pvhboot: " #S " is not a trivially copyable aggregate, alignment 1"); \
  static_assert(noexcept(abi::S{}));
// A program may initialise a single field. With -Wextra that is an error unless each other field has its {}.
#define PVHBOOT_FIELD(S, F, offset, bytes, since) [[maybe_unused]] constexpr abi::S S##_with_##F{.F = {}};
#define PVHBOOT_END(S)
#include <pvhboot/spec/elf.def>
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
#undef PVHBOOT_STRUCT
#undef PVHBOOT_FIELD
#undef PVHBOOT_END

TEST_CASE("every struct is initialised with zeroes") {
#define PVHBOOT_STRUCT(S, base, bytes)                                                        \
  {                                                                                           \
    const auto image = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof(abi::S)>, abi::S{}); \
    size_t set = 0;                                                                           \
    for (const uint8_t b : image) set += b != 0 ? 1u : 0u;                                    \
    CHECK_MESSAGE(set == 0, #S);                                                              \
  }
#define PVHBOOT_FIELD(S, F, offset, bytes, since)
#define PVHBOOT_END(S)
#include <pvhboot/spec/elf.def>
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
}
