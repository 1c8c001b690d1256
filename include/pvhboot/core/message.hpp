// SPDX-License-Identifier: BSL-1.0
//
// What a failure says: the rule's sentence, its name, and what kind of number the place is. All of it in one line, and
// the document that the rule comes from: format.hpp.
//
//     puts(message(boot.error().code).data());            // "the kernel image is truncated"
//     puts(name(where_is(boot.error().code)).data());     // "offset", of boot.error().where
//
// The texts are blobs and not tables of pointers or switches: a blob needs no relocation, which position-independent
// code cannot rely on at its start, and half the bytes. A kernel that never calls these functions has none of them.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// What kind of number `where` of a failure is.
enum class place : uint8_t {
  address,       ///< a physical address
  offset,        ///< from the start of a file or a structure, bytes
  bytes,         ///< a size
  ranges,        ///< a number of memory ranges
  entries,       ///< a number of table entries
  version,       ///< major << 8 | minor
  number,        ///< a plain number
  error_number,  ///< a positive errno
  module,        ///< a module's index
};

// The rows of errors.def: numbers and strings, since compilers take twice the time for an array of structs.
/// The number of each rule.
inline constexpr uint16_t error_numbers[] = {
#define PVHBOOT_ERROR(number, name, where, sentence) number,
#include <pvhboot/core/errors.def>
};
/// A digit a rule, the number of a `place`.
inline constexpr char error_places[] =
#define PVHBOOT_PLACE_address                        "0"
#define PVHBOOT_PLACE_offset                         "1"
#define PVHBOOT_PLACE_bytes                          "2"
#define PVHBOOT_PLACE_ranges                         "3"
#define PVHBOOT_PLACE_entries                        "4"
#define PVHBOOT_PLACE_version                        "5"
#define PVHBOOT_PLACE_number                         "6"
#define PVHBOOT_PLACE_error_number                   "7"
#define PVHBOOT_PLACE_module                         "8"
#define PVHBOOT_ERROR(number, name, where, sentence) PVHBOOT_PLACE_##where
#include <pvhboot/core/errors.def>
    "6";
#undef PVHBOOT_PLACE_address
#undef PVHBOOT_PLACE_offset
#undef PVHBOOT_PLACE_bytes
#undef PVHBOOT_PLACE_ranges
#undef PVHBOOT_PLACE_entries
#undef PVHBOOT_PLACE_version
#undef PVHBOOT_PLACE_number
#undef PVHBOOT_PLACE_error_number
#undef PVHBOOT_PLACE_module
/// Two texts a rule: its name and its sentence.
inline constexpr char error_texts[] =
#define PVHBOOT_ERROR(number, name, where, sentence) #name "\0" sentence "\0"
#include <pvhboot/core/errors.def>
    "unknown\0unknown error";

/// Where a value is in a list; the size of the list if it is not there.
template <class T, size_t N> constexpr size_t index_in(const T (&list)[N], T value) noexcept {
  size_t i = 0;
  while (i < N && list[i] != value) ++i;
  return i;
}

/// The row of a rule in errors.def; the number of rows for a number that is no rule.
constexpr size_t row_of(errc code) noexcept { return index_in(error_numbers, static_cast<uint16_t>(code)); }

/// Text `row` of texts that follow one another, each with its NUL.
constexpr string_ref nth_text(const char* blob, size_t row) noexcept {
  size_t begin = 0;
  for (size_t end = 0;; ++end) {
    if (blob[end] != '\0') continue;
    if (row-- == 0) return {blob + begin, end - begin};
    begin = end + 1;
  }
}

/// The rule in a sentence. The text is NUL-terminated, so data() suits a printk.
constexpr string_ref message(errc code) noexcept { return nth_text(error_texts, 2 * row_of(code) + 1); }

/// The rule's name as it is spelled in the code, NUL-terminated.
constexpr string_ref name(errc code) noexcept { return nth_text(error_texts, 2 * row_of(code)); }

/// What kind of number a failure of this rule has in `where`.
constexpr place where_is(errc code) noexcept { return static_cast<place>(error_places[row_of(code)] - '0'); }

/// A word to print before the number.
constexpr string_ref name(place p) noexcept {
  constexpr auto last = static_cast<size_t>(place::module);
  const auto i = static_cast<size_t>(p);
  return nth_text("address\0offset\0bytes\0ranges\0entries\0version\0number\0error number\0module\0number",
                  i <= last ? i : last + 1);
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
