// SPDX-License-Identifier: BSL-1.0
//
// span, string_ref, result and the iterators, beside the standard's own.
#include <array>
#include <iterator>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <pvhboot/core/format.hpp>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::result;
using pvhboot::span;
using pvhboot::string_ref;

ROW("span: from arrays, and parts of it", {
  const int numbers[] = {1, 2, 3};
  const span<const int> s{numbers};
  EXPECT(s.size() == 3 && s[2] == 3 && !s.empty());
  EXPECT(s.first(2).size() == 2 && s.first(9).size() == 3);
  EXPECT(s.after(1).size() == 2 && s.after(1)[0] == 2 && s.after(3).empty() && s.after(9).empty());
  EXPECT(span<const int>{}.empty() && span<const int>{}.first(1).empty() && span<const int>{}.after(1).empty());
});
ROW("span: from and to the standard's", {
  std::array<int, 2> numbers{4, 5};
  const span<int> ours{numbers};
  const std::span<int> standard{ours};
  const span<const int> back{standard};
  EXPECT(back.size() == 2 && back[1] == 5);
});
ROW("string_ref: absent, empty, equal", {
  EXPECT(string_ref{}.absent() && string_ref{}.empty());
  EXPECT(!string_ref{""}.absent() && string_ref{""}.empty());
  EXPECT(string_ref{"abc"} == "abc" && !(string_ref{"abc"} == "abd") && !(string_ref{"abc"} == "ab"));
  EXPECT(!(string_ref{"ab"} == "abc") && string_ref{""} == string_ref{} && !(string_ref{""} == "a"));
  const uint8_t bytes[] = {'a', 'b', 0xff};
  EXPECT(string_ref{bytes, 2} == "ab" && string_ref{bytes, 3}[2] == '\xff');
});
ROW("string_ref: from and to std::string_view", {
  const std::string_view view = string_ref{"abc"};
  EXPECT(view == "abc" && string_ref{view} == "abc");
});
TEST_CASE("string_ref: bytes are characters at run time, and std::string takes them") {
  const uint8_t bytes[] = {'a', 'b'};
  CHECK(std::string_view(string_ref{bytes, 2}) == "ab");
  CHECK(string_ref{std::string("xy")}.size() == 2);
}

/// A process that does this ends by a signal.
template <class Action> bool ends_the_program(const Action& action) {
  const pid_t child = fork();
  if (child == 0) {
    for (const int signal : {SIGILL, SIGTRAP, SIGABRT}) std::signal(signal, SIG_DFL);  // doctest would report them
    action();
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}
TEST_CASE("result: the value of a failure and the error of a success end the program") {
  CHECK(!ends_the_program([] {}));
  CHECK(ends_the_program([] { (void)*result<int>{errc::map_full, 1}; }));
  CHECK(ends_the_program([] { (void)result<int>{1}.error(); }));
  CHECK(ends_the_program([] { (void)result<void>{}.error(); }));
}

static_assert(std::ranges::contiguous_range<span<int>> && std::ranges::sized_range<span<int>>);
static_assert(std::input_iterator<string_ref::iterator>);
using map_table = pvhboot::boot_info<pvhboot::memory_window>::memory_map_type;
static_assert(std::random_access_iterator<map_table::iterator>);
static_assert(std::ranges::random_access_range<map_table> && std::ranges::sized_range<map_table>);

ROW("wire_table: iterators go both ways", {
  memory<48> m;
  m.put(0x1000, pvhboot::abi::hvm_memmap_table_entry{.addr = 1, .size = 2, .type = pvhboot::memory_type{3}});
  m.put(0x1018, pvhboot::abi::hvm_memmap_table_entry{.addr = 4, .size = 5, .type = pvhboot::memory_type{6}});
  const map_table t{m.contents.data(), 2};
  auto i = t.begin();
  EXPECT((*i++).addr == 1 && (*i).addr == 4 && (*i--).addr == 4 && i == t.begin());
  EXPECT(t.end() - t.begin() == 2 && t.begin()[1].size == 5 && *(1 + t.begin()) == *(t.end() - 1));
  EXPECT(t.begin() < t.end() && t.end() > t.begin() && t.begin() <= t.begin() && t.end() >= t.end() && i != t.end());
  EXPECT(t.wire(1).type == pvhboot::memory_type{6} && map_table{}.empty() && map_table{}.begin() == map_table{}.end());
});

ROW("memory_window: exactly n bytes or nothing", {
  const uint8_t bytes[4] = {};
  const pvhboot::memory_window w{0x1000, bytes};
  EXPECT(w.bytes(0x1000, 4) == bytes && w.bytes(0x1003, 1) == bytes + 3 && w.bytes(0x1004, 0) == bytes + 4);
  EXPECT(!w.bytes(0xfff, 1) && !w.bytes(0x1004, 1) && !w.bytes(0x1000, 5) && !w.bytes(0x1005, 0));
  EXPECT(!w.bytes(~uint64_t{}, 2) && !w.bytes(0x1001, ~uint64_t{}));
});
ROW("memory_window: contents past 2^64 are not there", {
  const uint8_t bytes[100] = {};
  const pvhboot::memory_window w{~uint64_t{} - 9, bytes};
  EXPECT(w.bytes(~uint64_t{} - 4, 5) == bytes + 5 && !w.bytes(~uint64_t{} - 4, 6) && !w.bytes(~uint64_t{} - 4, 50));
});
TEST_CASE("identity_map and offset_map: the pointer is the address, below the limit") {
  const uint8_t bytes[4] = {1, 2, 3, 4};
  const auto address = reinterpret_cast<uintptr_t>(bytes);
  CHECK(pvhboot::identity_map{}.bytes(address, 4) == bytes);
  CHECK(pvhboot::offset_map{.offset = address - 0x1000, .limit = 0x1004}.bytes(0x1001, 3) == bytes + 1);
  CHECK(pvhboot::offset_map{.offset = address - 0x1000, .limit = 0x1004}.bytes(0x1001, 4) == nullptr);
  CHECK(pvhboot::offset_map{.offset = address - 0x1000, .limit = 0x1004}.bytes(0x1005, 0) == nullptr);
  // A limit past the end of the address space does not let a pointer wrap.
  CHECK(pvhboot::offset_map{.offset = ~uintptr_t{} - 0xfff, .limit = ~uint64_t{}}.bytes(0xff0, 0x10) == nullptr);
  CHECK(pvhboot::offset_map{.offset = ~uintptr_t{} - 0xfff, .limit = ~uint64_t{}}.bytes(0xff0, 0xf) != nullptr);
  CHECK(pvhboot::identity_map{}.bytes(~uint64_t{}, 1) == nullptr);
  CHECK(pvhboot::identity_map{}.bytes(~uint64_t{} - 1, 2) == nullptr);
  CHECK(pvhboot::identity_map{}.bytes(~uintptr_t{} - 4, 4) != nullptr);
  CHECK(pvhboot::identity_map{}.bytes(~uintptr_t{} - 4, 5) == nullptr);
  if constexpr (sizeof(uintptr_t) == 4) {  // the upper half of an address or a size is not lost
    CHECK(pvhboot::identity_map{}.bytes(0x100000000 + uint64_t{address}, 4) == nullptr);
    CHECK(pvhboot::identity_map{}.bytes(address, 0x100000004) == nullptr);
  }
}

ROW("result: a value or a failure", {
  constexpr result<int> good{3};
  constexpr result<int> bad{errc::bad_magic, 7};
  EXPECT(good && *good == 3 && good.value_or(4) == 3 && good.ok());
  EXPECT(!bad && bad.value_or(4) == 4 && bad.error().code == errc::bad_magic && bad.error().where == 7);
  EXPECT(result<void>{} && !result<void>{errc::no_ram, 0});
});
/// Every rule, from the table.
constexpr errc rules[] = {
#define PVHBOOT_ERROR(number, name, where, sentence) errc::name,
#include <pvhboot/core/errors.def>
};
TEST_CASE("errc: every rule has a sentence, a name and a number of its own") {
  std::set<std::string> seen;
  for (const errc code : rules) {
    const std::string_view sentence = message(code);
    CHECK(sentence != "unknown error");
    CHECK(seen.insert(std::string(sentence)).second);
    CHECK(sentence.data()[sentence.size()] == '\0');
    CHECK(seen.insert(std::string(std::string_view(name(code)))).second);
    CHECK(seen.insert(std::to_string(static_cast<unsigned>(code))).second);
    CHECK((pvhboot::source(code) != std::string_view("unknown")));
    char text[pvhboot::format_size];
    CHECK((pvhboot::format({code, ~uint64_t{}}, text).size() + 1 < sizeof text));  // nothing is cut
  }
  CHECK(std::size(rules) >= 60);
  CHECK((message(errc{0}) == "unknown error"));
  CHECK((name(errc{0xffff}) == "unknown"));
  CHECK((pvhboot::source(errc{0xffff}) == "unknown"));
  CHECK((where_is(errc{0xffff}) == pvhboot::place::number));
}
#define PVHBOOT_ERROR(number, name, where, sentence) \
  static_assert(where_is(errc::name) == pvhboot::place::where, #name ": the kind of place in errors.def");
#include <pvhboot/core/errors.def>
static_assert(static_cast<uint16_t>(errc::start_info_absent) == 0x100, "numbers are part of the interface");
static_assert(static_cast<uint16_t>(errc::xen_memory_map_bad_count) == 0x702);
ROW("format: sentence, kind of place and number in one line", {
  char text[pvhboot::format_size] = {};
  EXPECT(pvhboot::format({errc::kernel_truncated, 0x1234}, text) == "the kernel image is truncated (offset 0x1234)");
  EXPECT(pvhboot::format({errc::no_ram, 0}, text) == "the memory map has no RAM (ranges 0x0)");
  EXPECT(pvhboot::format({errc::no_ram, ~uint64_t{}}, text) == "the memory map has no RAM (ranges 0xffffffffffffffff)");
});
ROW("format: a short buffer cuts the text and still has its NUL", {
  char text[5] = {'x', 'x', 'x', 'x', 'x'};
  EXPECT(pvhboot::format({errc::no_ram, 0}, text) == "the " && text[4] == '\0');
  EXPECT(pvhboot::format({errc::no_ram, 0}, pvhboot::span<char>{text}.first(1)).empty() && text[0] == '\0');
  EXPECT(pvhboot::format({errc::no_ram, 0}, {}).absent());
});
TEST_CASE("name: every kind of place") {
  std::set<std::string> seen;
  for (int kind = 0; kind <= static_cast<int>(pvhboot::place::module); ++kind)
    CHECK(seen.insert(std::string(std::string_view(name(static_cast<pvhboot::place>(kind))))).second);
  CHECK((name(static_cast<pvhboot::place>(99)) == "number"));
}
TEST_CASE("name: types that have one, and those that do not") {
  CHECK((name(memory_type::ram) == "ram"));
  CHECK((name(memory_type::soft_reserved) == "soft_reserved"));
  CHECK((name(memory_type{9}) == "unknown"));
  CHECK(pvhboot::is_defined_by_pvh(memory_type::pmem));
  CHECK(!pvhboot::is_defined_by_pvh(memory_type{0}));
  CHECK(!pvhboot::is_defined_by_pvh(memory_type::unaccepted));
}

}  // namespace
