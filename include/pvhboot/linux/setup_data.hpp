// SPDX-License-Identifier: BSL-1.0
//
// The chain of setup_data nodes that hangs off a zero page: walk one, make one.
// Source: boot.rst, fields setup_data and kernel_info.setup_type_max; "Setup data indirect".
//
// Linux follows the chain without counting nodes and adds 16 to a length without looking: a loop hangs it, a length
// near 2^32 wraps. Here a loop ends at the caller's limit, and a node that does not fit memory is an error.
//
//     const auto visit = [](const pvhboot::setup_node& node) noexcept {
//       if (node.type == pvhboot::setup_type::rng_seed) use(node.payload);
//       return pvhboot::result<void>{};
//     };
//     if (auto done = walk_setup_data(memory, zero_page.hdr.setup_data, 64, visit); !done) return done.error();
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/setup_data.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// One node as a value.
struct setup_node {
  uint64_t paddr = 0;             ///< of the node's header
  uint64_t next = 0;              ///< address of the next node; 0: the last one
  setup_type type{};              ///< of the payload
  span<const uint8_t> payload{};  ///< len bytes after the header
};

/// Calls visit(node) for every node from `first` on, and stops at the first result that is not ok, which it returns.
/// Each header is read once. Fails with setup_data_unreadable, setup_data_wraps and, at the limit of nodes,
/// setup_data_loop.
template <physical_memory Memory, class Visit>
constexpr result<void> walk_setup_data(
    const Memory& memory, uint64_t first, uint32_t limit,
    const Visit& visit) noexcept(reads_noexcept<Memory>&& noexcept(visit(setup_node{}))) {
  for (uint64_t at = first; at != 0; --limit) {
    if (limit == 0) return {errc::setup_data_loop, at};
    const uint8_t* head = memory.bytes(at, sizeof(abi::setup_data));
    if (!head) return {errc::setup_data_unreadable, at};
    const auto node = load_once<abi::setup_data>(head);
    if (node.len.get() > 0xffffffff - sizeof node) return {errc::setup_data_wraps, at};
    const uint64_t payload_at = at + sizeof node;
    const uint8_t* payload = payload_at < at ? nullptr : memory.bytes(payload_at, node.len);
    if (!payload) return {errc::setup_data_unreadable, at};
    if (auto done =
            visit(setup_node{.paddr = at, .next = node.next, .type = node.type.get(), .payload = {payload, node.len}});
        !done)
      return done;
    at = node.next;
  }
  return {};
}

/// The payload of an INDIRECT node as the rules allow it: 24 bytes, reserved 0, a type that is INDIRECT | something,
/// and that something neither NONE nor INDIRECT. Fails with bad_setup_indirect.
constexpr result<abi::setup_indirect> read_setup_indirect(const setup_node& node) noexcept {
  constexpr auto flag = static_cast<uint32_t>(setup_type::indirect);
  if (node.type != setup_type::indirect || node.payload.size() != sizeof(abi::setup_indirect))
    return {errc::bad_setup_indirect, node.paddr};
  const auto inner = load_once<abi::setup_indirect>(node.payload.data());
  if (inner.reserved.get() != 0 || (inner.type.get() & flag) == 0 || inner.type.get() == flag)
    return {errc::bad_setup_indirect, node.paddr};
  return inner;
}

/// Makes a chain in the caller's memory. Every node goes in front of what is there already, so that a chain that came
/// with the zero page is kept: start with its head.
class setup_data_writer {
 public:
  /// `storage` lies at physical address `paddr`; `head` is the chain so far. A node at address 0 would end the chain,
  /// so there is no room in storage that lies there. What reaches the last byte of the address space does not count.
  constexpr setup_data_writer(span<uint8_t> storage, uint64_t paddr, uint64_t head = 0) noexcept
      : storage_(storage.first(usable(storage.size(), paddr))), paddr_(paddr), head_(head) {}

  /// Where the storage lies. A boot loader takes all of it out of free memory.
  [[__nodiscard__]] constexpr memory_range range() const noexcept { return {paddr_, storage_.size(), {}}; }
  /// For setup_header.setup_data.
  [[__nodiscard__]] constexpr uint64_t head() const noexcept { return head_; }
  /// Bytes of the storage that are in use.
  [[__nodiscard__]] constexpr size_t size() const noexcept { return used_; }

  /// Bytes of storage at paddr in which nodes can lie, of `size`.
  static constexpr size_t usable(size_t size, uint64_t paddr) noexcept {
    return size <= ~paddr ? size : narrow_cast<size_t>(~paddr);
  }
  /// Bytes of storage that a node of this payload takes, with the padding that keeps nodes on 8 bytes.
  static constexpr uint64_t size_of(uint64_t payload) noexcept {
    return (sizeof(abi::setup_data) + payload + 7) & ~uint64_t{7};
  }

  /// There is room for a node of this payload.
  [[__nodiscard__]] constexpr bool has_room(uint64_t payload) const noexcept {
    return payload <= 0xffffffff - sizeof(abi::setup_data) && size_of(payload) <= storage_.size() - used_ &&
           paddr_ != 0;
  }
  /// Room for a node; the payload is the caller's to fill in. Fails with setup_data_full.
  constexpr result<span<uint8_t>> reserve(setup_type type, uint64_t payload) noexcept {
    if (!has_room(payload)) return {errc::setup_data_full, payload};
    const abi::setup_data node{.next = head_, .type = type, .len = static_cast<uint32_t>(payload)};
    store(storage_.data() + used_, node);
    head_ = paddr_ + used_;
    const span<uint8_t> room_for_payload{storage_.data() + used_ + sizeof node, narrow_cast<size_t>(payload)};
    used_ += narrow_cast<size_t>(size_of(payload));
    return room_for_payload;
  }
  /// A node with a wire struct as payload.
  template <class Wire> constexpr result<void> add(setup_type type, const Wire& payload) noexcept {
    const auto place = reserve(type, sizeof payload);
    if (!place) return place.error();
    store(place->data(), payload);
    return {};
  }

 private:
  span<uint8_t> storage_;
  uint64_t paddr_;
  uint64_t head_;
  size_t used_ = 0;
};

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
