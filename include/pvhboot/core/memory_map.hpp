// SPDX-License-Identifier: BSL-1.0
//
// memory_map: ranges of physical memory in the caller's storage, made sorted and disjoint.
//
//     pvhboot::memory_map_buffer<256> buffer;
//     pvhboot::memory_map map{buffer};
//     if (auto done = map.append(boot->memory_map()); !done) return done.error();   // as the hypervisor wrote it
//     if (auto done = map.sanitize(); !done) return done.error();                   // sorted, disjoint
//
// Real maps are unsorted (Xen's libxl, Cloud Hypervisor, Firecracker), overlap (libxl's ACPI ranges lie inside others),
// contain empty entries (qboot) and types that no specification defines. Searches and sums: queries.hpp.
//
// A call that fails leaves the map as it was.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/result.hpp>
#include <pvhboot/core/sweep.hpp>

namespace pvhboot {

/// Storage for a map of up to N ranges. n overlapping ranges can fall into 2n - 1 pieces: 2n slots always suffice.
template <size_t N> struct memory_map_buffer {
  array<memory_range, N> ranges{};  ///< the ranges of the map
  array<sweep_slot, N> scratch{};   ///< what sanitize works in
};

/// Ranges of physical memory in the caller's storage. They are as they were added until sanitize is called.
class memory_map {
 public:
  /// An empty map in this storage.
  template <size_t N>
  constexpr explicit memory_map(memory_map_buffer<N>& slots) noexcept : memory_map(slots.ranges, slots.scratch) {}
  /// `scratch` may be empty if sanitize is never called, or only on maps that are sanitised already. The first `size`
  /// ranges are in the storage already, as they are; with `sanitized`, as known_sanitized() of another map over them.
  constexpr memory_map(span<memory_range> storage, span<sweep_slot> scratch, size_t size = 0,
                       bool sanitized = false) noexcept
      : storage_(storage), scratch_(scratch), size_(size), sanitized_(sanitized || size == 0) {}

  memory_map(const memory_map&) = delete;  // two would write to one storage
  memory_map& operator=(const memory_map&) = delete;

  [[__nodiscard__]] constexpr size_t size() const noexcept { return size_; }
  /// The most ranges that the storage holds.
  [[__nodiscard__]] constexpr size_t capacity() const noexcept { return storage_.size(); }
  /// Slots of scratch: sanitize and report_overlaps need one for each range.
  [[__nodiscard__]] constexpr size_t slots() const noexcept { return scratch_.size(); }
  [[__nodiscard__]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[__nodiscard__]] constexpr const memory_range* begin() const noexcept { return storage_.begin(); }
  [[__nodiscard__]] constexpr const memory_range* end() const noexcept { return storage_.begin() + size_; }
  [[__nodiscard__]] constexpr const memory_range* data() const noexcept { return storage_.data(); }
  constexpr const memory_range& operator[](size_t i) const noexcept { return storage_[i]; }
  /// Removes all ranges.
  constexpr void clear() noexcept {
    size_ = 0;
    sanitized_ = true;
  }
  /// Becomes a copy of another map. Fails with map_full, whose `where` is the ranges needed.
  constexpr result<void> assign(const memory_map& other) noexcept {
    if (other.size_ > storage_.size()) return {errc::map_full, other.size_};
    for (size_t i = 0; i < other.size_; ++i) storage_[i] = other.storage_[i];
    size_ = other.size_;
    sanitized_ = other.sanitized_;
    return {};
  }
  /// Leaves the first n ranges, or all if there are fewer.
  constexpr void truncate(size_t n) noexcept { size_ = n < size_ ? n : size_; }

  /// Cuts the last range of a map that is not empty to `size` bytes, no more than it has; 0 drops it.
  constexpr void cut_last(uint64_t size) noexcept {
    if (size == 0)
      --size_;
    else
      storage_[size_ - 1].size = size;
    // Ranges kept apart because their union was 2^64 bytes may now merge.
    if (size_ == 2 && sanitized_ && storage_[0].addr == 0 && !never_merges(storage_[0].type)) merge(storage_[0].type);
  }
  /// Merges adjacent ranges of this type in a sanitised map, also of a type that otherwise never merges.
  constexpr void merge(memory_type type) noexcept {
    size_t kept = 0;
    for (const memory_range r : *this) {
      memory_range* low = kept != 0 ? &storage_[kept - 1] : nullptr;
      if (low && low->type == type && r.type == type && low->last() + 1 == r.addr && low->size + r.size != 0)
        low->size += r.size;
      else
        storage_[kept++] = r;
    }
    size_ = kept;
  }

  /// Adds a range as it is. Fails with map_full.
  constexpr result<void> append(const memory_range& r) noexcept {
    if (size_ == storage_.size()) return {errc::map_full, size_};
    storage_[size_++] = r;
    sanitized_ = false;
    return {};
  }
  /// Adds every range of a table, for example boot.memory_map(). Fails with map_full, and then adds none.
  template <class Table>
    requires requires(const Table& t) {
      t.begin();
      t.end();
      t.size();
    }
  constexpr result<void> append(const Table& table) noexcept(walks_noexcept<Table>) {
    if (table.size() > storage_.size() - size_) return {errc::map_full, size_};
    memory_range* to = storage_.begin() + size_;
    for_each_range(table, [&](const memory_range& r) noexcept { *to++ = r; });
    size_ += table.size();
    sanitized_ = false;
    return {};
  }

  /// sanitize was called since a range was appended. Constant time.
  [[__nodiscard__]] constexpr bool known_sanitized() const noexcept { return sanitized_; }
  /// Sorted, disjoint, no empty or wrapping ranges, no type 0, nothing left to merge: what sanitize makes. One pass.
  [[__nodiscard__]] constexpr bool is_sanitized() const noexcept {
    uint64_t before = 0;  // the last byte of the range before
    for (size_t i = 0; i < size_; ++i) {
      const memory_range& r = storage_[i];
      if (r.size == 0 || r.type == memory_type{} || r.wraps()) return false;
      if (i != 0 && r.addr <= before) return false;
      if (i != 0 && r.addr - 1 == before && may_merge(storage_[i - 1], r)) return false;
      before = r.addr + (r.size - 1);
    }
    return true;
  }

  /// Makes the map sorted and disjoint. Empty ranges and type 0 vanish, where ranges overlap the highest type wins,
  /// adjacent ranges of one type merge. The types that never merge are split where another range begins or ends inside
  /// them. This is Linux's rule; sweep.hpp has the details.
  ///
  /// One pass if the map is sanitised already, O(n log n) otherwise. Fails with scratch_too_small, and with map_full,
  /// whose `where` is then the ranges needed.
  constexpr result<void> sanitize() noexcept {
    if (sanitized_) return {};
    if (is_sanitized()) {
      sanitized_ = true;
      return {};
    }
    if (scratch_.size() < size_) return {errc::scratch_too_small, size_};
    const size_t n = take_in_order({storage_.data(), size_}, scratch_);
    order_by_end(scratch_, n);
    if (2 * n > storage_.size() + 1)
      if (const size_t pieces = sweep(scratch_, n, {}); pieces > storage_.size()) return {errc::map_full, pieces};
    size_ = sweep(scratch_, n, storage_);
    sanitized_ = true;
    return {};
  }

  /// Changes nothing, and calls report(earlier, later) for every range that begins inside one that begins before it;
  /// of several such, the one that reaches furthest. Both are cut at 2^64. Fails with scratch_too_small.
  template <class Report>
  constexpr result<void> report_overlaps(const Report& report) const noexcept(noexcept(report(*begin(), *begin()))) {
    if (scratch_.size() < size_) return {errc::scratch_too_small, size_};
    const size_t n = take_in_order({storage_.data(), size_}, scratch_);
    for (size_t i = 1, furthest = 0; i < n; ++i) {
      const memory_range& earlier = scratch_[furthest].range;
      const memory_range& later = scratch_[i].range;
      if (earlier.overlaps(later)) report(earlier, later);
      if (later.last() > earlier.last()) furthest = i;
    }
    return {};
  }

  /// Adds a range and sanitises. Fails as append and sanitize do.
  constexpr result<void> insert(const memory_range& r) noexcept {
    if (auto done = append(r); !done) return done;
    auto done = sanitize();
    if (!done) {
      --size_;
      sanitized_ = false;  // unknown, at least
    }
    return done;
  }

  /// Makes [addr, addr + size) of this type in a sanitised map, regardless of its type until then; the map stays
  /// sanitised. Type 0 takes the range out. Needs no scratch. Fails with map_full, whose `where` is the ranges needed.
  constexpr result<void> overwrite(const memory_range& r) noexcept {
    if (r.size == 0) return {};
    // [from, to) are the ranges that overlap r. They, r and the neighbours on both sides become up to five new ones.
    size_t from = 0;
    while (from < size_ && storage_[from].last() < r.addr) ++from;
    size_t to = from;
    while (to < size_ && storage_[to].addr <= r.last()) ++to;
    const size_t low = from != 0 ? from - 1 : 0;
    const size_t high = to != size_ ? to + 1 : to;
    array<memory_range, 5> parts{};  // those of type 0 are not there
    if (low != from) parts[0] = storage_[low];
    if (from != to) {
      const memory_range& lowest = storage_[from];
      const memory_range& highest = storage_[to - 1];
      if (lowest.addr < r.addr) parts[1] = {lowest.addr, r.addr - lowest.addr, lowest.type};
      if (highest.last() > r.last()) parts[3] = {r.last() + 1, highest.last() - r.last(), highest.type};
    }
    parts[2] = {r.addr, r.last() - r.addr + 1, r.type};
    if (high != to) parts[4] = storage_[to];
    size_t n = 0;
    for (const memory_range part : parts) {
      if (part.type == memory_type{}) continue;
      if (n != 0 && parts[n - 1].last() + 1 == part.addr && may_merge(parts[n - 1], part))
        parts[n - 1].size += part.size;
      else
        parts[n++] = part;
    }

    const size_t new_size = size_ - (high - low) + n;
    if (new_size > storage_.size()) return {errc::map_full, new_size};
    move_tail(high, low + n);
    for (size_t i = 0; i < n; ++i) storage_[low + i] = parts[i];
    return {};
  }

  /// Takes [addr, addr + n) out of a sanitised map, whatever its type. Fails with map_full if that splits a range.
  constexpr result<void> punch(uint64_t addr, uint64_t n) noexcept { return overwrite({addr, n, {}}); }

  /// Leaves only what lies in [addr, addr + n) of a sanitised map.
  constexpr void intersect(uint64_t addr, uint64_t n) noexcept {
    const memory_range window{addr, n, {}};
    size_t kept = 0;
    for (const memory_range r : *this) {
      if (!r.overlaps(window)) continue;
      const uint64_t low = r.addr > addr ? r.addr : addr;
      const uint64_t high = r.last() < window.last() ? r.last() : window.last();
      const memory_range part{low, high - low + 1, r.type};
      // Ranges kept apart because their union was 2^64 bytes may now merge.
      if (kept != 0 && storage_[kept - 1].last() + 1 == low && may_merge(storage_[kept - 1], part))
        storage_[kept - 1].size += part.size;
      else
        storage_[kept++] = part;
    }
    size_ = kept;
  }

 private:
  /// Moves the ranges from `from` on, so that the first of them becomes range `to`.
  constexpr void move_tail(size_t from, size_t to) noexcept {
    const size_t n = size_ - from;
    if (n != 0 && !__builtin_is_constant_evaluated())  // without ranges there may be no storage
      __builtin_memmove(storage_.data() + to, storage_.data() + from, n * sizeof(memory_range));
    else if (to < from)
      for (size_t i = 0; i < n; ++i) storage_[to + i] = storage_[from + i];
    else
      for (size_t i = n; i-- > 0;) storage_[to + i] = storage_[from + i];
    size_ = to + n;
  }

  span<memory_range> storage_;
  span<sweep_slot> scratch_;
  size_t size_;
  bool sanitized_;  ///< known to be sanitised; false: unknown
};

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
