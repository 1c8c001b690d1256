// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: what the specifications say about every field, as tables that check the structs in abi/ and can be asked.
//
// The tables are transcribed row by row from the documents they name, not from the structs: spec/xen.def,
// spec/linux.def, spec/elf.def. Including this header compiles one static_assert a row, which names the field and both
// numbers, and one a struct, that its rows leave no gap and end where the struct ends. Other checks may include the
// tables too: PVHBOOT_STRUCT(struct, base, size), PVHBOOT_FIELD(struct, field, offset, size, since),
// PVHBOOT_END(struct).
//
//     const auto* f = pvhboot::spec::find_field<pvhboot::abi::setup_header>("init_size");
//     if (f && f->exists_in(0x0206)) use(f->offset);
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/abi/kernel_info.hpp>
#include <pvhboot/abi/setup_data.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/abi/xen_memory.hpp>
#include <pvhboot/core/span.hpp>

namespace pvhboot::spec {

/// A field as its document has it.
struct field {
  const char* name;  ///< as the document spells it
  uint16_t offset;   ///< as the document counts: setup_header's from the start of the file, all others' from the struct
  uint16_t size;     ///< bytes
  uint16_t since;    ///< version of the structure's protocol that brought it; 0 if it was always there

  [[__nodiscard__]] constexpr size_t end() const noexcept { return size_t{offset} + size; }
  /// Whether this version of the structure's protocol has it.
  [[__nodiscard__]] constexpr bool exists_in(uint16_t version) const noexcept { return since <= version; }
};

/// table<S>: name, base (what the document counts the first field as), size, fields. For every struct in abi/.
template <class S> struct table;

/// The fields of S in order, nested structs as one.
template <class S> constexpr span<const field> fields() noexcept { return table<S>::fields; }

/// The field of that name, or null.
template <class S> constexpr const field* find_field(string_ref name) noexcept {
  for (const field& f : table<S>::fields) {
    size_t i = 0;
    while (i < name.size() && f.name[i] == name[i] && f.name[i] != '\0') ++i;
    if (i == name.size() && f.name[i] == '\0') return &f;
  }
  return nullptr;
}

/// Walks the fields of S that exist in a version of its protocol: `for (const field& f : fields_in<S>(0x0206))`.
class field_range {
 public:
  class iterator {
   public:
    constexpr iterator(const field* at, const field* end, uint16_t version) noexcept
        : at_(at), end_(end), version_(version) {
      skip();
    }
    constexpr const field& operator*() const noexcept { return *at_; }
    constexpr const field* operator->() const noexcept { return at_; }
    constexpr iterator& operator++() noexcept {
      ++at_;
      skip();
      return *this;
    }
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

   private:
    constexpr void skip() noexcept {
      while (at_ != end_ && !at_->exists_in(version_)) ++at_;
    }
    const field* at_;
    const field* end_;
    uint16_t version_;
  };

  /// Those of `fields` that exist in this version.
  constexpr field_range(span<const field> fields, uint16_t version) noexcept : fields_(fields), version_(version) {}
  [[__nodiscard__]] constexpr iterator begin() const noexcept { return {fields_.begin(), fields_.end(), version_}; }
  [[__nodiscard__]] constexpr iterator end() const noexcept { return {fields_.end(), fields_.end(), version_}; }
  [[__nodiscard__]] constexpr size_t size() const noexcept {
    size_t n = 0;
    for (const field& f : fields_) n += f.exists_in(version_) ? 1u : 0u;
    return n;
  }

 private:
  span<const field> fields_;
  uint16_t version_;
};

/// The fields of S that exist in a version of its protocol.
template <class S> constexpr field_range fields_in(uint16_t version) noexcept { return {fields<S>(), version}; }

// Concepts and not comparisons: with one, clang 14 too prints both numbers.
/// An offset is that of the document.
template <size_t Actual, size_t Spec> concept offset_is = Actual == Spec;
/// A size is that of the document.
template <size_t Actual, size_t Spec> concept size_is = Actual == Spec;
/// Both are those of the document.
template <size_t Offset, size_t SpecOffset, size_t Size, size_t SpecSize>
concept field_is = offset_is<Offset, SpecOffset> && size_is<Size, SpecSize>;

/// The rows of S leave no gap, and end where the struct ends.
template <class S> constexpr bool rows_are_contiguous() noexcept {
  size_t end = table<S>::base;
  for (const field& f : table<S>::fields) {
    if (f.offset != end) return false;
    end = f.end();
  }
  return end == table<S>::base + table<S>::size;
}

// clang-format off
#define PVHBOOT_STRUCT(S, base_, size_)                                                     \
  static_assert(size_is<sizeof(abi::S), size_>, "pvhboot: size of " #S " is not " #size_);  \
  static_assert(size_is<alignof(abi::S), 1>, "pvhboot: " #S " must not ask for alignment"); \
  template <> struct table<abi::S> {                                                        \
    static constexpr const char* name = #S;                                                 \
    static constexpr size_t base = base_;                                                   \
    static constexpr size_t size = size_;                                                   \
    static constexpr field fields[] = {
#define PVHBOOT_FIELD(S, F, offset, size, since) {#F, offset, size, since},
#define PVHBOOT_END(S) }; };
// clang-format on
#include <pvhboot/spec/elf.def>
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
#undef PVHBOOT_STRUCT
#undef PVHBOOT_FIELD
#undef PVHBOOT_END

#define PVHBOOT_STRUCT(S, base, size)
#define PVHBOOT_FIELD(S, F, offset, size, since)                                                      \
  static_assert(field_is<table<abi::S>::base + offsetof(abi::S, F), offset, sizeof(abi::S::F), size>, \
                "pvhboot: " #S "." #F " is not at offset " #offset " with size " #size);
#define PVHBOOT_END(S) \
  static_assert(rows_are_contiguous<abi::S>(), "pvhboot: the rows of " #S " leave a gap or overlap");
#include <pvhboot/spec/elf.def>
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
#undef PVHBOOT_STRUCT
#undef PVHBOOT_FIELD
#undef PVHBOOT_END

/// Where the setup header of an image of that protocol ends, as an offset in the file: 0x202 plus the displacement of
/// its jump. Headers always grew by whole words: 2.01, 2.05 and 2.06 had padding where later fields went. An image may
/// say more than this (old ones put code there); one that says less is broken.
constexpr size_t setup_header_end(uint16_t version) noexcept {
  size_t end = 0;
  for (const field& f : fields_in<abi::setup_header>(version)) end = f.end() > end ? f.end() : end;
  return (end + 3) / 4 * 4;
}

}  // namespace pvhboot::spec

#include <pvhboot/abi/end.def>
