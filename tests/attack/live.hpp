// SPDX-License-Identifier: BSL-1.0
//
// A guest that changes memory while the library reads it: the scenes, for the two programs that play them. threads.cpp
// lets another thread write; stepping.cpp stops the reader before each of its reads.
//
// A scene has blocks of guest memory, each exactly as long as what it holds, with a sound content; the fields that
// change, and the values that they change to; and a reader of readers.cpp, which holds what it read to laws.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace live {

/// [paddr, paddr + size) of the guest is at `bytes` here.
struct block {
  uint64_t paddr;
  size_t size;
  const uint8_t* bytes;
};

/// Physical memory as the library takes it: a request is granted if one block has all of it.
struct memory {
  const block* blocks;
  size_t n;

  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t size) const noexcept {
    for (size_t i = 0; i < n; ++i) {
      const block& b = blocks[i];
      if (paddr >= b.paddr && paddr - b.paddr <= b.size && size <= b.size - (paddr - b.paddr))
        return b.bytes + (paddr - b.paddr);
    }
    return nullptr;
  }
};

/// `width` bytes at this address, and what they may become.
struct field {
  const char* name;
  uint64_t paddr;
  unsigned width;
  uint64_t values[8];
  unsigned n;
};

/// What a reader found: no law is broken if `law` is null.
struct outcome {
  const char* law;
  bool accepted;
};

struct block_spec {
  uint64_t paddr;
  size_t size;
};

struct scene {
  const char* name;
  const block_spec* blocks;
  size_t block_count;
  /// Calls put(paddr, value, width) for the sound content; everything else is 0.
  void (*fill)(void* context, void (*put)(void* context, uint64_t paddr, uint64_t value, unsigned width));
  const field* fields;
  size_t field_count;
  outcome (*read)(const memory& guest);
};

extern const scene scenes[];
extern const size_t scene_count;

}  // namespace live
