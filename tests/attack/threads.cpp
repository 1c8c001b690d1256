// SPDX-License-Identifier: BSL-1.0
//
// A guest on another processor that changes fields and single bytes while the library reads. Under AddressSanitizer:
// every block of guest memory is a block on the heap of exactly its size.
//
// When which change is made is up to the machine, so the numbers differ from run to run; the laws are those of
// stepping.cpp.
#include <atomic>
#include <thread>

#include "attack.hpp"
#include "live.hpp"

namespace {

using attack::numbers;

struct guest {
  std::vector<std::unique_ptr<uint8_t[]>> held;
  std::vector<live::block> blocks;

  explicit guest(const live::scene& s) {
    for (size_t i = 0; i < s.block_count; ++i) {
      held.emplace_back(new uint8_t[s.blocks[i].size]());
      blocks.push_back({s.blocks[i].paddr, s.blocks[i].size, held[i].get()});
    }
    s.fill(this, [](void* self, uint64_t paddr, uint64_t value, unsigned width) {
      static_cast<guest*>(self)->put(paddr, value, width);
    });
  }

  /// Byte by byte, as nothing but volatile promises that it is done.
  void put(uint64_t paddr, uint64_t value, unsigned width) {
    for (size_t i = 0; i < blocks.size(); ++i) {
      const live::block& b = blocks[i];
      if (paddr < b.paddr || paddr - b.paddr + width > b.size) continue;
      volatile uint8_t* p = held[i].get() + (paddr - b.paddr);
      for (unsigned k = 0; k < width; ++k) p[k] = static_cast<uint8_t>(value >> 8 * k);
      return;
    }
  }
};

/// Hostile values and sound ones by turns, so that a reader gets on as often as not; now and then any byte.
void change(const live::scene& s, guest& g, numbers n, const std::atomic<bool>& stop, uint64_t& changes) {
  const bool bytes_too = s.field_count > 1;
  while (!stop.load(std::memory_order_relaxed)) {
    const live::field& f = s.fields[n.index(s.field_count)];
    const uint64_t hostile = f.values[n.index(f.n)];
    for (int i = 0; i < 40; ++i) g.put(f.paddr, f.values[n.index(f.n)], f.width);
    g.put(f.paddr, hostile, f.width);
    ++changes;
    if (bytes_too && n.chance(50)) {
      const live::block& b = g.blocks[n.index(g.blocks.size())];
      g.put(b.paddr + n.below(b.size), n.byte(), 1);
    }
    if (n.chance(4))
      s.fill(&g, [](void* self, uint64_t paddr, uint64_t value, unsigned width) {
        static_cast<guest*>(self)->put(paddr, value, width);
      });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const attack::options o = attack::read_options(argc, argv);
  const double seconds = (o.seconds > 0 ? o.seconds : 3.3) / static_cast<double>(live::scene_count);
  const attack::clock all;
  uint64_t reads = 0;
  uint64_t accepted = 0;
  uint64_t changes = 0;
  for (size_t i = 0; i < live::scene_count; ++i) {
    const live::scene& s = live::scenes[i];
    guest g{s};
    std::atomic<bool> stop{false};
    uint64_t made = 0;
    std::thread writer{change, std::cref(s), std::ref(g), numbers{o.seed + i}, std::cref(stop), std::ref(made)};
    const live::memory memory{g.blocks.data(), g.blocks.size()};
    const char* broken = nullptr;
    for (const attack::clock time; !broken && time.seconds() < seconds;) {
      for (int k = 0; k < 20 && !broken; ++k) {
        const live::outcome got = s.read(memory);
        broken = got.law;
        accepted += got.accepted;
        ++reads;
      }
    }
    stop = true;
    writer.join();
    changes += made;
    if (broken) {
      std::fprintf(stderr, "scene \"%s\": does not hold: %s\nagain: %s --seed %" PRIu64 "\n", s.name, broken, argv[0],
                   o.seed);
      return 1;
    }
  }
  std::printf("scenes %zu, reads %" PRIu64 ", accepted %" PRIu64 ", changes %" PRIu64 ", broken laws 0, %.1f s\n",
              live::scene_count, reads, accepted, changes, all.seconds());
  return reads != 0 && changes != 0 ? 0 : 1;
}
