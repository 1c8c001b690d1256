// SPDX-License-Identifier: BSL-1.0
//
// A function is noexcept exactly when the memory's bytes, the callbacks and the tables that it is given are, and an
// exception of theirs reaches the caller. symbols.py proves the other half: nothing asks for a terminate.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <type_traits>

#include "../unit/row.hpp"

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/reflect.hpp>
#include <pvhboot/xen/grub_mmap.hpp>

namespace {

using namespace pvhboot;

struct thrown {};

/// Call number `fatal` of anything that may throw does, counted from 1; none if it is 0.
int fatal = 0;
int calls = 0;
void may_throw() {
  if (++calls == fatal) throw thrown{};
}

/// Calls run() again and again, and each time lets one call more succeed, until it does not throw. It must then return
/// true. Returns how often it threw.
template <class Run> int times_thrown(const Run& run) {
  for (int times = 0;; ++times) {
    calls = 0;
    fatal = times + 1;
    bool threw = false;
    bool right = false;
    try {
      right = run();
    } catch (const thrown&) {
      threw = true;
    }
    fatal = 0;
    if (threw) continue;
    CHECK(right);
    return times;
  }
}

struct throwing_memory {
  memory_window window{};
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    may_throw();
    return window.bytes(paddr, n);
  }
};

struct throwing_table {
  struct iterator {
    const memory_range* at;
    memory_range operator*() const {
      may_throw();
      return *at;
    }
    iterator& operator++() {
      may_throw();
      ++at;
      return *this;
    }
    bool operator!=(const iterator& other) const {
      may_throw();
      return at != other.at;
    }
  };
  array<memory_range, 2> ranges{{{0, 0x1000, memory_type::ram}, {0x2000, 0x1000, memory_type::ram}}};
  [[nodiscard]] size_t size() const {
    may_throw();
    return ranges.size();
  }
  [[nodiscard]] iterator begin() const {
    may_throw();
    return {ranges.begin()};
  }
  [[nodiscard]] iterator end() const {
    may_throw();
    return {ranges.end()};
  }
};

/// Callbacks that take anything.
template <class R> struct throwing {
  R operator()(auto&&...) const {
    may_throw();
    return R();
  }
};
template <class R> struct quiet {
  R operator()(auto&&...) const noexcept { return R(); }
};
template <> struct throwing<int&> {
  int* values;
  int& operator()(size_t i) const {
    may_throw();
    return values[i];
  }
};
template <> struct quiet<int&> {
  int* values;
  int& operator()(size_t i) const noexcept { return values[i]; }
};

/// Values of a table.
struct quiet_value {
  static quiet_value from(const abi::boot_e820_entry&) noexcept { return {}; }
};
struct throwing_value {
  static throwing_value from(const abi::boot_e820_entry&) { return {}; }
};

/// Strings and containers of other libraries.
struct quiet_container {
  using traits_type = void;
  quiet_container(const char*, size_t) noexcept {}
  const char* data() const noexcept { return ""; }
  size_t size() const noexcept { return 0; }
};
struct throwing_container {
  using traits_type = void;
  throwing_container(const char*, size_t) {}
  const char* data() const { return ""; }
  size_t size() const { return 0; }
};

const auto handoff = [] {
  test::memory<0x400> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value,
                                    .version = 1,
                                    .nr_modules = 2,
                                    .modlist_paddr = 0x1040,
                                    .cmdline_paddr = 0x1100,
                                    .rsdp_paddr = 0x1110,
                                    .memmap_paddr = 0x1080,
                                    .memmap_entries = 2});
  m.put(0x1040, abi::hvm_modlist_entry{.paddr = 0x1200, .size = 0x10, .cmdline_paddr = 0x1110});
  m.put(0x1060, abi::hvm_modlist_entry{.paddr = 0x1210, .size = 0x10, .cmdline_paddr = 0x1110});
  m.put(0x1080, abi::hvm_memmap_table_entry{.addr = 0, .size = 0x1000, .type = pvhboot::memory_type{1}});
  m.put(0x1098, abi::hvm_memmap_table_entry{.addr = 0x1000, .size = 0x100000, .type = pvhboot::memory_type{1}});
  m.put_text(0x1100, "quiet");
  m.put_text(0x1110, "mod");
  m.put(0x1180, abi::setup_data{.next = 0x11a0, .type = pvhboot::setup_type{1}, .len = 4});
  m.put(0x11a0, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 4});
  return m;
}();

/// The expression, with a type T in it, is noexcept for the first type and not for the second.
#define EXACT(never, may, ...)                                                                    \
  static_assert([]<class T>(T*) { return noexcept(__VA_ARGS__); }(static_cast<never*>(nullptr))); \
  static_assert(                                                                                  \
      ![]<class T>(T*) { return noexcept(__VA_ARGS__); }(static_cast<may*>(nullptr)), #__VA_ARGS__)
template <class T> const T& a() noexcept;
template <class T> T& variable() noexcept;

using quiet_table = span<const memory_range>;
using quiet_result = quiet<result<void>>;
using throwing_result = throwing<result<void>>;
using quiet_bool = quiet<bool>;
using throwing_bool = throwing<bool>;
using quiet_leaf = quiet<cpuid_leaf>;
using throwing_leaf = throwing<cpuid_leaf>;
EXACT(memory_window, throwing_memory, parse(a<T>(), 0));
EXACT(memory_window, throwing_memory, read_string(a<T>(), 0, 0));
EXACT(memory_window, throwing_memory, variable<boot_info<T>>().read({}));
EXACT(memory_window, throwing_memory, a<boot_info<T>>().cmdline_of({}));
EXACT(memory_window, throwing_memory, a<boot_info<T>>().contents_of({}));
EXACT(memory_window, throwing_memory, a<extents<T>>().begin());
EXACT(memory_window, throwing_memory, ++variable<typename extents<T>::iterator>());
EXACT(memory_window, throwing_memory, reserve_handoff(variable<memory_map>(), a<boot_info<T>>()));
EXACT(memory_window, throwing_memory, read_zero_page(a<T>(), a<abi::boot_params>(), variable<memory_map>()));
EXACT(memory_window, throwing_memory, walk_setup_data(a<T>(), 0, 0, a<quiet_result>()));
EXACT(quiet_result, throwing_result, walk_setup_data(a<memory_window>(), 0, 0, a<T>()));
EXACT(memory_window, throwing_memory, lint(a<T>(), a<boot_info<T>>(), variable<memory_map>(), a<quiet_bool>()));
EXACT(quiet_bool, throwing_bool,
      lint(a<memory_window>(), a<boot_info<memory_window>>(), variable<memory_map>(), a<T>()));
EXACT(quiet_bool, throwing_bool, a<memory_map>().report_overlaps(a<T>()));
EXACT(quiet_leaf, throwing_leaf, find_xen(a<T>()));
EXACT(quiet_bool, throwing_bool, heap_sink(0, 0, a<T>(), a<quiet_bool>()));
EXACT(quiet_bool, throwing_bool, heap_sink(0, 0, a<quiet_bool>(), a<T>()));
EXACT(quiet_bool, throwing_bool, heap_rise(0, a<T>(), a<quiet_bool>()));
EXACT(quiet_bool, throwing_bool, heap_rise(0, a<quiet_bool>(), a<T>()));
EXACT(quiet<int&>, throwing<int&>, merge_sort(0, a<T>(), a<quiet<int&>>(), a<quiet_bool>()));
EXACT(quiet<int&>, throwing<int&>, merge_sort(0, a<quiet<int&>>(), a<T>(), a<quiet_bool>()));
EXACT(quiet_bool, throwing_bool, merge_sort(0, a<quiet<int&>>(), a<quiet<int&>>(), a<T>()));
EXACT(quiet_table, throwing_table, variable<memory_map>().append(a<T>()));
EXACT(quiet_table, throwing_table, linux_e820(a<T>(), 0, 0, linux_era::v7_0, variable<memory_map>()));
EXACT(quiet_table, throwing_table, grub_mmap(a<T>(), {}));
EXACT(quiet_bool, throwing_bool, for_each_field(a<abi::hvm_start_info>(), a<T>()));
EXACT(quiet_bool, throwing_bool, for_each_difference(a<abi::boot_params>(), a<abi::boot_params>(), a<T>()));
EXACT(quiet_value, throwing_value, *a<wire_table<abi::boot_e820_entry, T>>().begin());
EXACT(quiet_value, throwing_value, a<wire_table<abi::boot_e820_entry, T>>().begin()[0]);
EXACT(quiet_value, throwing_value, a<wire_table<abi::boot_e820_entry, T>>()[0]);
EXACT(quiet_value, throwing_value, a<wire_table<abi::boot_e820_entry, T>>().for_each_copy(a<quiet_bool>()));
EXACT(quiet_container, throwing_container, span<const char>(a<T>()));
EXACT(quiet_container, throwing_container, string_ref(a<T>()));
EXACT(quiet_container, throwing_container, a<string_ref>() == a<T>());
EXACT(quiet_container, throwing_container, static_cast<T>(a<string_ref>()));
// What never throws, whatever the memory does.
static_assert(noexcept(translate(a<boot_info<throwing_memory>>(), a<memory_map>(), started_by::xen,
                                 variable<abi::boot_params>())));

const throwing_memory memory{handoff.window()};

TEST_CASE("an exception of the memory reaches the caller of every reader") {
  CHECK(times_thrown([] { return parse(memory, 0x1000).ok(); }) == 12);
  const auto boot = parse(memory, 0x1000);
  REQUIRE(boot);
  const boot_module module = boot->modules()[0];
  CHECK(times_thrown([] { return read_string(memory, 0x1100, 64).ok(); }) == 8);
  CHECK(times_thrown([&] { return boot->cmdline_of(module).ok(); }) == 6);
  CHECK(times_thrown([&] { return boot->contents_of(module).ok(); }) == 1);
  const auto pieces = [&] {
    size_t n = 0;
    for (const extent& e : extents{*boot}) n += e.size != 0 ? 1 : 0;
    return n == 9;
  };
  CHECK(times_thrown(pieces) == 12);
  memory_map_buffer<32> buffer;
  const auto reserves = [&] {
    memory_map map{buffer};
    return reserve_handoff(map, *boot).ok();
  };
  CHECK(times_thrown(reserves) == 12);
  const auto lints = [&] {
    memory_map scratch{buffer};
    return lint(memory, *boot, scratch, quiet<bool>{}).ok();
  };
  CHECK(times_thrown(lints) > 1);
  CHECK(times_thrown([] { return walk_setup_data(memory, 0x1180, 8, quiet<result<void>>{}).ok(); }) == 4);
  abi::boot_params page{.e820_entries = 1};
  page.hdr.setup_data = 0x1180;
  const auto reads = [&] {
    memory_map map{buffer};
    return read_zero_page(memory, page, map).ok();
  };
  CHECK(times_thrown(reads) == 4);
}

TEST_CASE("an exception of a callback reaches the caller") {
  const memory_window window = handoff.window();
  const auto boot = parse(window, 0x1000);
  REQUIRE(boot);
  memory_map_buffer<8> lint_buffer;
  const auto lints = [&] {
    memory_map scratch{lint_buffer};
    return lint(window, *boot, scratch, throwing<bool>{}).ok();
  };
  CHECK(times_thrown(lints) > 1);
  CHECK(times_thrown([&] { return walk_setup_data(window, 0x1180, 8, throwing<result<void>>{}).ok(); }) == 2);
  CHECK(times_thrown([] { return !find_xen(throwing<cpuid_leaf>{}).found(); }) == 256);
  memory_map_buffer<4> buffer;
  memory_map map{buffer};
  REQUIRE(map.append({0, 0x2000, memory_type::ram}));
  REQUIRE(map.append({0x1000, 0x2000, memory_type::acpi}));
  CHECK(times_thrown([&] { return map.report_overlaps(throwing<bool>{}).ok(); }) == 1);
  const abi::kernel_info info{.size = 1};
  const auto walks = [&] {
    for_each_field(info, throwing<bool>{});
    return true;
  };
  CHECK(times_thrown(walks) == 4);
  CHECK(times_thrown([&] { return for_each_difference(info, abi::kernel_info{}, throwing<bool>{}) == 1; }) == 1);
}

TEST_CASE("an exception of a comparison, a swap or an element reaches the caller") {
  const auto sinks = [](const auto& less, const auto& swap) {
    return times_thrown([&] {
      heap_sink(0, 4, less, swap);
      heap_rise(3, less, swap);
      return true;
    });
  };
  const auto always = [](size_t, size_t) noexcept { return true; };
  CHECK(sinks(throwing<bool>{}, quiet<bool>{}) == 3);
  CHECK(sinks(always, throwing<bool>{}) == 3);
  int values[4] = {};
  int others[4] = {};
  const auto sorts = [&](const auto& value, const auto& spare, const auto& less) {
    return times_thrown([&] {
      for (int i = 0; i < 4; ++i) values[i] = 4 - i;
      merge_sort(4, value, spare, less);
      return values[0] == 1 && values[3] == 4;
    });
  };
  const auto less = [](int a, int b) noexcept { return a < b; };
  const auto throwing_less = [](int a, int b) {
    may_throw();
    return a < b;
  };
  CHECK(sorts(throwing<int&>{values}, quiet<int&>{others}, less) > 4);
  CHECK(sorts(quiet<int&>{values}, throwing<int&>{others}, less) > 4);
  CHECK(sorts(quiet<int&>{values}, quiet<int&>{others}, throwing_less) > 4);
}

TEST_CASE("an exception of a table reaches the caller") {
  const throwing_table table;
  memory_map_buffer<8> buffer;
  const auto appends = [&] {
    memory_map map{buffer};
    return map.append(table).ok();
  };
  CHECK(times_thrown(appends) > 6);
  const auto judges = [&] {
    memory_map map{buffer};
    return linux_e820(table, 0, 0, linux_era::v7_0, map).ok();
  };
  CHECK(times_thrown(judges) > 6);
  array<memory_range, grub_mmap_slots> grub{};
  CHECK(times_thrown([&] { return grub_mmap(table, grub).ok(); }) > 6);
}

}  // namespace
