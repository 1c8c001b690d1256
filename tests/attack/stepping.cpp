// SPDX-License-Identifier: BSL-1.0
//
// A guest that changes one field between two reads of the library, at every place where it can make a difference.
//
// Guest memory is closed (PROT_NONE). Each read of the reader faults; the handler counts it, makes the change that is
// due at this read through another mapping of the same memory, opens the page, and sets the trap flag; after this one
// instruction the page is closed again. A change between two instructions shows no earlier than at the next read, so
// changes before reads are all there are. And a change of a field shows only to a read of that field: before the first
// read it is another input, so the changes are made before the second, the third and so on. Only the block of the field
// is closed.
//
// What the reader reads is compiled without sanitizers, at the level of optimisation that stepping.py chooses. Each
// block ends where a page ends that is never opened: a read past the end faults for good.
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "attack.hpp"
#include "live.hpp"

#ifndef __x86_64__
int main() {
  std::printf("skipped: the trap flag is x86-64's\n");
  return 77;
}
#else
#include <ucontext.h>

namespace {

using attack::numbers;

constexpr size_t page = 4096;
constexpr long trap_flag = 0x100;

/// A block of guest memory with its pages, which are open or closed together, and the mapping that is always open.
struct slot {
  uint8_t* pages;
  size_t pages_size;
  uint8_t* writable;
  live::block view;
  bool watched = false;
};

struct change {
  size_t at_read;
  const live::field* field;
  uint64_t value;
};

std::vector<slot> slots;
std::vector<uintptr_t> reads;  // the addresses, in order
std::vector<change> due;       // in the order of their reads
size_t next_due = 0;
bool watch_to_the_end = false;
slot* open_slot = nullptr;
const char* scene_name = "";

void say(const char* text) {
  if (write(2, text, strlen(text)) < 0) _exit(1);
}

void say_number(uint64_t n) {
  char digits[24];
  char* p = digits + sizeof digits;
  *--p = 0;
  do *--p = static_cast<char>('0' + n % 10);
  while (n /= 10);
  say(p);
}

[[noreturn]] void broken(const char* what) {
  say("scene \"");
  say(scene_name);
  say("\": does not hold: ");
  say(what);
  for (size_t i = 0; i < due.size(); ++i) {
    say(due[i].at_read == 0 ? "\nfrom the start: " : "\nbefore read ");
    if (due[i].at_read != 0) {
      say_number(due[i].at_read);
      say(": ");
    }
    say(due[i].field->name);
    say(" = ");
    say_number(due[i].value);
  }
  say("\n");
  _exit(1);
}

void protect(const slot& s, int how) {
  if (mprotect(s.pages, s.pages_size, how) != 0) broken("mprotect works");
}

slot& slot_of(uint64_t paddr) {
  for (slot& s : slots)
    if (paddr >= s.view.paddr && paddr < s.view.paddr + s.view.size) return s;
  broken("a field lies in a block");
}

void put(uint64_t paddr, uint64_t value, unsigned width) {
  slot& s = slot_of(paddr);
  attack::put_little_endian(s.writable + (paddr - s.view.paddr), value, width);
}

void on_fault(int, siginfo_t* info, void* context) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  slot* here = nullptr;
  for (slot& s : slots) {
    const auto base = reinterpret_cast<uintptr_t>(s.pages);
    if (at >= base && at < base + s.pages_size) here = &s;
  }
  if (!here || !here->watched || open_slot) broken("nothing outside of the guest's memory is read");
  reads.push_back(at);
  for (; next_due < due.size() && due[next_due].at_read < reads.size(); ++next_due)
    put(due[next_due].field->paddr, due[next_due].value, due[next_due].field->width);
  if (next_due == due.size() && !watch_to_the_end) {
    for (const slot& s : slots)
      if (s.watched) protect(s, PROT_READ);
    return;
  }
  open_slot = here;
  protect(*here, PROT_READ);
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= trap_flag;
}

void on_trap(int, siginfo_t*, void* context) {
  protect(*open_slot, PROT_NONE);
  open_slot = nullptr;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
}

void on_alarm(int) { broken("it ends"); }

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  sigaction(signal, &action, nullptr);
}

void map_blocks(const live::scene& s) {
  size_t total = 0;
  for (size_t i = 0; i < s.block_count; ++i) total += (s.blocks[i].size + page - 1) / page * page;
  const int file = memfd_create("guest", 0);
  if (file < 0 || ftruncate(file, static_cast<off_t>(total)) != 0) broken("memfd_create works");
  auto* writable = static_cast<uint8_t*>(mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  // Every block is followed by a page that stays closed.
  auto* views =
      static_cast<uint8_t*>(mmap(nullptr, total + s.block_count * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (writable == MAP_FAILED || views == MAP_FAILED) broken("mmap works");
  slots.clear();
  size_t offset = 0;
  for (size_t i = 0; i < s.block_count; ++i) {
    const size_t size = s.blocks[i].size;
    const size_t pages_size = (size + page - 1) / page * page;
    if (mmap(views, pages_size, PROT_NONE, MAP_SHARED | MAP_FIXED, file, static_cast<off_t>(offset)) == MAP_FAILED)
      broken("mmap works");
    slots.push_back({views,
                     pages_size,
                     writable + offset + (pages_size - size),
                     {s.blocks[i].paddr, size, views + (pages_size - size)},
                     false});
    views += pages_size + page;
    offset += pages_size;
  }
  close(file);
}

void sound_content(const live::scene& s) {
  for (const slot& one : slots) memset(one.writable, 0, one.view.size);
  s.fill(nullptr, [](void*, uint64_t paddr, uint64_t value, unsigned width) { put(paddr, value, width); });
}

struct totals {
  uint64_t runs = 0, changes = 0, reads = 0, accepted = 0, refused = 0;
};
totals all;

/// Plays the scene once, from its sound content on, with these changes; those of read 0 are there from the start. Reads
/// of the blocks in which something changes are counted, and to the end if that is asked for.
void play(const live::scene& s, std::vector<change> changes, bool to_the_end) {
  sound_content(s);
  for (slot& one : slots) {
    one.watched = changes.empty();
    for (const change& c : changes) one.watched = one.watched || &slot_of(c.field->paddr) == &one;
    protect(one, one.watched ? PROT_NONE : PROT_READ);
  }
  due = std::move(changes);
  next_due = 0;
  for (; next_due < due.size() && due[next_due].at_read == 0; ++next_due)
    put(due[next_due].field->paddr, due[next_due].value, due[next_due].field->width);
  watch_to_the_end = to_the_end;
  reads.clear();
  std::vector<live::block> blocks;
  for (const slot& one : slots) blocks.push_back(one.view);
  alarm(30);
  const live::outcome got = s.read(live::memory{blocks.data(), blocks.size()});
  alarm(0);
  if (got.law) broken(got.law);
  ++all.runs;
  all.changes += next_due;
  all.reads += reads.size();
  ++(got.accepted ? all.accepted : all.refused);
}

/// The reads, from the second on, that can see this field. The widest instruction reads 16 bytes.
std::vector<size_t> later_reads_of(const live::field& f) {
  const slot& s = slot_of(f.paddr);
  const uintptr_t from = reinterpret_cast<uintptr_t>(s.view.bytes) + (f.paddr - s.view.paddr);
  std::vector<size_t> found;
  bool first = true;
  for (size_t i = 0; i < reads.size(); ++i) {
    if (reads[i] + 15 < from || reads[i] >= from + f.width) continue;
    if (!first) found.push_back(i + 1);
    first = false;
  }
  return found;
}

void play_all(const live::scene& s, numbers& n, bool whole) {
  scene_name = s.name;
  map_blocks(s);
  play(s, {}, true);
  if (reads.empty()) broken("the reader reads");
  for (size_t i = 0; i < s.field_count; ++i) {
    const live::field& f = s.fields[i];
    sound_content(s);
    // From the sound value and from others.
    std::vector<uint64_t> from{
        attack::little_endian(slot_of(f.paddr).writable + (f.paddr - slot_of(f.paddr).view.paddr), f.width)};
    for (unsigned v = 0; v < f.n; ++v)
      if (f.values[v] != from[0] && (whole || n.chance(f.n))) from.push_back(f.values[v]);
    for (const uint64_t before : from) {
      play(s, {{0, &f, before}}, true);
      for (const size_t at : later_reads_of(f))
        for (unsigned v = 0; v < f.n; ++v)
          if (f.values[v] != before && (whole || before == from[0] || n.chance(8)))
            play(s, {{0, &f, before}, {at, &f, f.values[v]}}, false);
    }
  }
  // Several fields at any time.
  for (uint64_t i = 0; i < (whole ? 2000 : 30); ++i) {
    std::vector<change> changes(1 + n.index(4));
    for (change& c : changes) {
      const live::field& f = s.fields[n.index(s.field_count)];
      c = {n.chance(4) ? 0 : n.index(60), &f, f.values[n.index(f.n)]};
    }
    std::sort(changes.begin(), changes.end(), [](const change& a, const change& b) { return a.at_read < b.at_read; });
    play(s, changes, false);
  }
}

}  // namespace

/// Word by word: the C library's own reads by wide and overlapping loads.
extern "C" void* memcpy(void* to, const void* from, size_t n) {
  void* const begin = to;
  size_t words = n / 8;
  size_t bytes = n % 8;
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
  return begin;
}

int main(int argc, char** argv) {
  const attack::options o = attack::read_options(argc, argv);
  handle(SIGSEGV, on_fault);
  handle(SIGTRAP, on_trap);
  signal(SIGALRM, on_alarm);
  reads.reserve(1 << 20);
  numbers n{o.seed};
  const attack::clock time;
  uint64_t rounds = 0;
  do {
    for (size_t i = 0; i < live::scene_count; ++i) play_all(live::scenes[i], n, o.seconds > 0);
    ++rounds;
  } while (time.seconds() < o.seconds);
  std::printf("scenes %zu, runs %" PRIu64 ", changes %" PRIu64 ", reads stepped %" PRIu64 ", accepted %" PRIu64
              ", refused %" PRIu64 ", broken laws 0, %.1f s\n",
              live::scene_count, all.runs, all.changes, all.reads, all.accepted, all.refused, time.seconds());
  return all.accepted != 0 && all.refused != 0 ? 0 : 1;
}
#endif
