// SPDX-License-Identifier: BSL-1.0
//
// memory_map: ranges of physical memory in the caller's storage, made sorted and disjoint, and asked for free places.
//
// Real maps are unsorted (Xen's libxl, Cloud Hypervisor, Firecracker), overlap (libxl's ACPI ranges lie inside others),
// contain empty entries (qboot) and types that nobody defined.
#pragma once

#include <pvhboot/heap.hpp>
#include <pvhboot/memory_range.hpp>
#include <pvhboot/result.hpp>

namespace pvhboot {

/// One per range is what sanitize needs to work in. Contents between calls mean nothing.
struct sweep_slot {
  memory_range range{};
  uint32_t by_end = 0;  ///< slot i of the permutation that sorts the ranges by their ends
  uint32_t heap = 0;    ///< slot i of the heap of the ranges under the sweep line
};

/// Exchanges two values; <utility> is not to be had.
template <class T> constexpr void exchange(T& a, T& b) noexcept {
  const T t = a;
  a = b;
  b = t;
}

/// Storage for a map of up to N ranges. n overlapping ranges can fall into 2n - 1 pieces: 2n slots always suffice.
template <size_t N> struct memory_map_buffer {
  array<memory_range, N> ranges{};
  array<sweep_slot, N> scratch{};
};

/// Adjacent ranges of this type stay apart, since each stands for a device of its own: Linux, e820_nomerge().
constexpr bool never_merges(memory_type t) noexcept {
  return t == memory_type::pram || t == memory_type::soft_reserved;
}

/// Who wins where ranges overlap.
enum class overlap_policy : uint8_t {
  highest_type,   ///< Linux, e820__update_table(): reserved beats RAM, but also NVS ACPI tables
  highest_start,  ///< GRUB, grub_xen_sort_mmap(): the range that begins later; of two that begin together, the higher
                  ///< type
};

class memory_map {
 public:
  template <size_t N>
  constexpr explicit memory_map(memory_map_buffer<N>& slots) noexcept : memory_map(slots.ranges, slots.scratch) {}
  /// `scratch` may be empty if sanitize is never called, or only on maps that are clean already.
  constexpr memory_map(span<memory_range> storage, span<sweep_slot> scratch) noexcept
      : storage_(storage), scratch_(scratch) {}

  memory_map(const memory_map&) = delete;  // two would write to one storage
  memory_map& operator=(const memory_map&) = delete;

  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr size_t capacity() const noexcept { return storage_.size(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr const memory_range* begin() const noexcept { return storage_.begin(); }
  [[nodiscard]] constexpr const memory_range* end() const noexcept { return storage_.begin() + size_; }
  [[nodiscard]] constexpr const memory_range* data() const noexcept { return storage_.data(); }
  constexpr const memory_range& operator[](size_t i) const noexcept { return storage_[i]; }
  constexpr void clear() noexcept { size_ = 0; }

  /// Adds a range as it is. Fails with map_full.
  constexpr result<void> append(const memory_range& r) noexcept {
    if (size_ == storage_.size()) return {errc::map_full, size_};
    storage_[size_++] = r;
    return {};
  }
  /// Adds every range of a table, for example boot.memory_map(). Fails with map_full, and then adds none.
  template <class Table>
    requires requires(const Table& t) {
      t.begin();
      t.end();
      t.size();
    }
  constexpr result<void> append(const Table& table) noexcept {
    if (table.size() > storage_.size() - size_) return {errc::map_full, size_};
    memory_range* to = storage_.begin() + size_;
    for (const memory_range r : table) *to++ = r;
    size_ += table.size();
    return {};
  }

  /// Sorted, disjoint, no empty or wrapping ranges, no type 0, nothing left to merge: what sanitize makes.
  [[nodiscard]] constexpr bool is_sanitized() const noexcept {
    uint64_t before = 0;  // the last byte of the range before
    for (size_t i = 0; i < size_; ++i) {
      const memory_range& r = storage_[i];
      if (r.size == 0 || r.type == memory_type{} || r.wraps()) return false;
      if (i != 0 && r.addr <= before) return false;
      if (i != 0 && r.addr - 1 == before && belong_together(storage_[i - 1], r)) return false;
      before = r.addr + (r.size - 1);
    }
    return true;
  }

  /// Makes the map sorted and disjoint. Empty ranges and type 0 vanish; adjacent ranges of one type merge, but for the
  /// types that never do, which are split where another range begins or ends inside them. With highest_type this is
  /// what Linux's e820__update_table() does (arch/x86/kernel/e820.c), except that a range which ends at or above 2^64
  /// does not switch it off: it is cut there.
  ///
  /// One pass if the map is clean already, O(n log n) otherwise. Fails with scratch_too_small, and with map_full, whose
  /// `where` is then the ranges needed; the map still has the ranges it had, perhaps in another order.
  constexpr result<void> sanitize(overlap_policy policy = overlap_policy::highest_type) noexcept {
    if (is_sanitized()) return {};
    if (scratch_.size() < size_) return {errc::scratch_too_small, size_};
    const size_t n = take_in_order();
    size_t begun = 0;    // ranges that begin at or below `here`: they are in the heap, or were
    size_t ended = 0;    // ranges that end below `here`
    size_t in_heap = 0;  // highest type on top; a range that has ended stays until it reaches the top
    size_t pieces = 0;
    memory_range piece{};
    for (uint64_t here = n != 0 ? scratch_[0].range.addr : 0; ended < n;) {
      while (begun < n && scratch_[begun].range.addr == here) push(in_heap, begun++, policy);
      while (in_heap != 0 && top().last() < here) pop(in_heap, policy);
      // Nothing changes up to the next end, or to the byte before the next start.
      uint64_t last = by_end(ended).last();
      if (begun < n && scratch_[begun].range.addr - 1 < last) last = scratch_[begun].range.addr - 1;
      const memory_range next{here, last - here + 1, in_heap != 0 ? top().type : memory_type{}};
      if (belong_together(piece, next)) {
        piece.size += next.size;
      } else {
        put(pieces, piece);
        piece = next;
      }
      here = last + 1;
      while (ended < n && by_end(ended).last() <= last) ++ended;
    }
    put(pieces, piece);
    if (pieces > storage_.size()) {
      for (size_t i = 0; i < size_; ++i) storage_[i] = scratch_[i].range;
      return {errc::map_full, pieces};
    }
    size_ = pieces;
    return {};
  }

  /// Changes nothing, and calls report(earlier, later) for every range that begins inside one that begins before it;
  /// of several such, the one that reaches furthest. Fails with scratch_too_small.
  template <class Report> constexpr result<void> report_overlaps(const Report& report) const {
    if (scratch_.size() < size_) return {errc::scratch_too_small, size_};
    const size_t n = take_in_order();
    for (size_t i = 1, furthest = 0; i < n; ++i) {
      const memory_range& earlier = scratch_[furthest].range;
      const memory_range& later = scratch_[i].range;
      if (earlier.overlaps(later)) report(earlier, later);
      if (later.last() > earlier.last()) furthest = i;
    }
    return {};
  }

  /// Adds a range and sanitises. Fails as append and sanitize do, and then the map has the ranges that it had.
  constexpr result<void> insert(const memory_range& r, overlap_policy policy = overlap_policy::highest_type) noexcept {
    if (auto done = append(r); !done) return done;
    auto done = sanitize(policy);
    if (!done) {
      size_t i = 0;
      while (!(storage_[i] == r)) ++i;
      erase(i);
    }
    return done;
  }
  /// Makes [addr, addr + size) of this type, whatever it was, in a sanitised map, which stays so. Needs no scratch.
  /// Fails with map_full, and then changes nothing.
  constexpr result<void> overwrite(const memory_range& r) noexcept {
    if (r.size == 0) return {};
    size_t pieces = r.type != memory_type{};
    for (const memory_range& o : *this)
      pieces += o.overlaps(r) ? size_t{o.addr < r.addr} + size_t{o.last() > r.last()} : 1;
    if (pieces > storage_.size()) return {errc::map_full, size_};
    static_cast<void>(punch(r.addr, r.size));  // there is room
    if (r.type == memory_type{}) return {};
    size_t i = size_++;
    for (; i > 0 && storage_[i - 1].addr > r.addr; --i) storage_[i] = storage_[i - 1];
    storage_[i] = {r.addr, r.last() - r.addr + 1, r.type};
    join(i);
    if (i > 0) join(i - 1);
    return {};
  }
  /// Takes [addr, addr + n) out of a sanitised map, whatever its type. Fails with map_full if that splits a range.
  constexpr result<void> punch(uint64_t addr, uint64_t n) noexcept {
    const memory_range hole{addr, n, {}};
    size_t kept = 0;
    for (size_t i = 0; i < size_; ++i) {
      const memory_range r = storage_[i];
      if (!r.overlaps(hole)) {
        storage_[kept++] = r;
        continue;
      }
      const memory_range left{r.addr, addr - r.addr, r.type};
      const memory_range right{hole.last() + 1, r.last() - hole.last(), r.type};
      if (r.addr < addr && r.last() > hole.last()) {
        // The map is disjoint: this is the only range that the hole touches.
        if (size_ == storage_.size()) return {errc::map_full, size_};
        for (size_t j = size_++; j > i + 1; --j) storage_[j] = storage_[j - 1];
        storage_[i] = left;
        storage_[i + 1] = right;
        join_all();
        return {};
      }
      if (r.addr < addr) storage_[kept++] = left;
      if (r.last() > hole.last()) storage_[kept++] = right;
    }
    size_ = kept;
    join_all();
    return {};
  }
  /// Leaves only what lies in [addr, addr + n) of a sanitised map.
  constexpr void intersect(uint64_t addr, uint64_t n) noexcept {
    const memory_range window{addr, n, {}};
    size_t kept = 0;
    for (const memory_range r : *this) {
      if (!r.overlaps(window)) continue;
      const uint64_t low = r.addr > addr ? r.addr : addr;
      const uint64_t high = r.last() < window.last() ? r.last() : window.last();
      storage_[kept++] = {low, high - low + 1, r.type};
    }
    size_ = kept;
    join_all();
  }

  /// Bytes of RAM, of a sanitised map; 2^64 - 1 also if all memory is RAM.
  [[nodiscard]] constexpr uint64_t total_ram() const noexcept {
    uint64_t sum = 0;
    for (const memory_range& r : *this)
      if (r.type == memory_type::ram) sum = r.size > ~sum ? ~uint64_t{} : sum + r.size;
    return sum;
  }

  /// Every byte of [addr, addr + n) is of this type, in a sanitised map.
  [[nodiscard]] constexpr bool covers(uint64_t addr, uint64_t n, memory_type type) const noexcept {
    for (const memory_range& r : *this)
      if (r.type == type && r.contains(addr, n)) return true;
    return false;
  }

  /// The lowest address in [first, last] (last is the last byte) where n bytes of RAM begin at a multiple of align, a
  /// power of two. Of a sanitised map. Fails with no_free_range.
  [[nodiscard]] constexpr result<uint64_t> find_lowest_ram(uint64_t n, uint64_t align, uint64_t first,
                                                           uint64_t last) const noexcept {
    for (const memory_range& r : *this) {
      if (r.type != memory_type::ram) continue;
      const uint64_t low = r.addr > first ? r.addr : first;
      const uint64_t high = r.last() < last ? r.last() : last;
      const uint64_t start = low + ((0 - low) & (align - 1));
      if (n != 0 && start >= low && start <= high && n - 1 <= high - start) return start;
    }
    return {errc::no_free_range, n};
  }

  /// The same from above: the highest such address.
  [[nodiscard]] constexpr result<uint64_t> find_highest_ram(uint64_t n, uint64_t align, uint64_t first,
                                                            uint64_t last) const noexcept {
    for (size_t i = size_; i-- > 0;) {
      const memory_range& r = storage_[i];
      if (r.type != memory_type::ram) continue;
      const uint64_t low = r.addr > first ? r.addr : first;
      const uint64_t high = r.last() < last ? r.last() : last;
      if (n == 0 || high < low || n - 1 > high - low) continue;
      const uint64_t start = (high - (n - 1)) & ~(align - 1);
      if (start >= low) return start;
    }
    return {errc::no_free_range, n};
  }

 private:
  /// Two ranges that touch merge.
  static constexpr bool belong_together(const memory_range& low, const memory_range& high) noexcept {
    return low.size != 0 && low.type == high.type && !never_merges(low.type) &&
           low.size + high.size != 0;  // a size cannot say 2^64
  }

  constexpr void erase(size_t i) noexcept {
    for (--size_; i < size_; ++i) storage_[i] = storage_[i + 1];
  }
  /// Makes ranges i and i + 1 of a sorted map one, if there are two and they shall be.
  constexpr void join(size_t i) noexcept {
    if (i + 1 >= size_ || storage_[i].last() + 1 != storage_[i + 1].addr) return;
    if (!belong_together(storage_[i], storage_[i + 1])) return;
    storage_[i].size += storage_[i + 1].size;
    erase(i + 1);
  }
  /// What together was 2^64 bytes, and so could not be one range, may have become shorter.
  constexpr void join_all() noexcept {
    for (size_t i = 0; i < size_; ++i) join(i);
  }

  constexpr const memory_range& by_end(size_t i) const noexcept { return scratch_[scratch_[i].by_end].range; }
  constexpr const memory_range& top() const noexcept { return scratch_[scratch_[0].heap].range; }

  /// Counts a finished piece, and stores it if there is room.
  constexpr void put(size_t& pieces, const memory_range& piece) noexcept {
    if (piece.type == memory_type{}) return;
    if (pieces < storage_.size()) storage_[pieces] = piece;
    ++pieces;
  }

  /// All ranges into the scratch slots: the first n of them, which are not empty, in order of their starts, and by_end
  /// in order of their ends. Returns n.
  constexpr size_t take_in_order() const noexcept {
    size_t n = 0;
    size_t empty = size_;
    for (const memory_range& r : *this) scratch_[r.size != 0 ? n++ : --empty].range = r;
    heap_sort(
        n,
        [this](size_t a, size_t b) {
          const memory_range& x = scratch_[a].range;
          const memory_range& y = scratch_[b].range;
          return x.addr != y.addr ? x.addr < y.addr : x.type < y.type;
        },
        [this](size_t a, size_t b) { exchange(scratch_[a].range, scratch_[b].range); });
    for (size_t i = 0; i < n; ++i) scratch_[i].by_end = static_cast<uint32_t>(i);
    heap_sort(
        n, [this](size_t a, size_t b) { return by_end(a).last() < by_end(b).last(); },
        [this](size_t a, size_t b) { exchange(scratch_[a].by_end, scratch_[b].by_end); });
    return n;
  }

  constexpr bool heap_less(size_t a, size_t b, overlap_policy policy) const noexcept {
    const uint32_t x = scratch_[a].heap;
    const uint32_t y = scratch_[b].heap;
    // The slots are in order of their starts, so the higher index began later.
    return policy == overlap_policy::highest_start ? x < y : scratch_[x].range.type < scratch_[y].range.type;
  }
  constexpr void heap_swap(size_t a, size_t b) noexcept { exchange(scratch_[a].heap, scratch_[b].heap); }
  constexpr void push(size_t& in_heap, size_t range, overlap_policy policy) noexcept {
    scratch_[in_heap].heap = static_cast<uint32_t>(range);
    heap_rise(
        in_heap++, [this, policy](size_t a, size_t b) { return heap_less(a, b, policy); },
        [this](size_t a, size_t b) { heap_swap(a, b); });
  }
  constexpr void pop(size_t& in_heap, overlap_policy policy) noexcept {
    scratch_[0].heap = scratch_[--in_heap].heap;
    heap_sink(
        0, in_heap, [this, policy](size_t a, size_t b) { return heap_less(a, b, policy); },
        [this](size_t a, size_t b) { heap_swap(a, b); });
  }

  span<memory_range> storage_;
  span<sweep_slot> scratch_;
  size_t size_ = 0;
};

}  // namespace pvhboot
