// SPDX-License-Identifier: BSL-1.0
//
// What the programs of this folder share: numbers that a seed determines, counts, and the report of a difference.
//
// A program is a list of cases. Case i of seed s depends on (s, i) and nothing else, so a difference names the command
// that shows it again:
//
//     map --seed 7 --case 81233
//
// Without options a program runs a fixed number of cases of seed 1; --seconds T runs cases for that long instead.
#pragma once

#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace attack {

#ifdef __SIZEOF_INT128__
__extension__ using wide = unsigned __int128;  // an end at 2^64 needs no care
inline constexpr wide top = wide{1} << 64;
#endif

/// SplitMix64. Usable in constant expressions.
class numbers {
 public:
  constexpr explicit numbers(uint64_t seed) : state_(seed) {}

  constexpr uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In [0, n); n is not 0.
  constexpr uint64_t below(uint64_t n) { return next() % n; }
  constexpr size_t index(size_t n) { return static_cast<size_t>(next() % n); }
  constexpr bool chance(unsigned one_in) { return next() % one_in == 0; }
  constexpr uint8_t byte() { return static_cast<uint8_t>(next()); }
  template <class T, size_t N> constexpr T of(const T (&list)[N]) { return list[index(N)]; }

  /// A number that is small, near a power of two, near 2^64, or anything.
  constexpr uint64_t edge() {
    const uint64_t d = below(40);
    switch (below(6)) {
      case 0: return d;
      case 1: return (uint64_t{1} << below(64)) + d;
      case 2: return (uint64_t{1} << below(64)) - 1 - d;
      case 3: return ~uint64_t{} - d;
      case 4: return below(uint64_t{1} << (1 + below(63)));
      default: return next();
    }
  }

 private:
  uint64_t state_;
};

/// How often something was done. Printed at the end, in the order of definition.
class count {
 public:
  explicit count(const char* what) : what_(what), next_(nullptr) {
    *end() = this;
    end() = &next_;
  }
  count(const count&) = delete;
  count& operator=(const count&) = delete;
  void operator++() { ++n_; }
  void operator+=(uint64_t n) { n_ += n; }
  [[nodiscard]] uint64_t value() const { return n_; }

  static void print() {
    for (const count* c = first(); c; c = c->next_) std::printf("%s %" PRIu64 ", ", c->what_, c->n_);
  }
  /// A count of 0 is a case that this program never makes: its checks prove nothing.
  static const char* never() {
    for (const count* c = first(); c; c = c->next_)
      if (c->n_ == 0) return c->what_;
    return nullptr;
  }

 private:
  static count*& first() {
    static count* list = nullptr;
    return list;
  }
  static count**& end() {
    static count** last = &first();
    return last;
  }
  const char* what_;
  count* next_;
  uint64_t n_ = 0;
};

struct options {
  uint64_t seed = 1;
  double seconds = 0;           ///< 0: a fixed number of cases
  uint64_t only = ~uint64_t{};  ///< ~0: every case
};

inline const char* program = "";
inline uint64_t current_seed = 0;
inline uint64_t current_case = 0;

/// While it lives, a difference prints what this function returns, after what those before it return.
class shown {
 public:
  explicit shown(std::function<std::string()> text) : text_(std::move(text)), before_(current()) { current() = this; }
  ~shown() { current() = before_; }
  shown(const shown&) = delete;
  shown& operator=(const shown&) = delete;

  static void print() {
    if (current()) current()->print_all();
  }

 private:
  void print_all() const {
    if (before_) before_->print_all();
    std::fprintf(stderr, "%s\n", text_().c_str());
  }
  static const shown*& current() {
    static const shown* last = nullptr;
    return last;
  }
  std::function<std::string()> text_;
  const shown* before_;
};

[[noreturn]] inline void differ(const char* what, const char* file, int line) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  shown::print();
  if (*program != 0)
    std::fprintf(stderr, "again: %s --seed %" PRIu64 " --case %" PRIu64 "\n", program, current_seed, current_case);
  std::exit(1);
}

/// Library and model agree.
#define AGREE(...) (static_cast<bool>(__VA_ARGS__) ? void() : attack::differ(#__VA_ARGS__, __FILE__, __LINE__))

inline uint64_t number_of(const char* text) {
  char* end = nullptr;
  const uint64_t n = std::strtoull(text, &end, 0);
  if (end == text || *end != 0) {
    std::fprintf(stderr, "not a number: %s\n", text);
    std::exit(2);
  }
  return n;
}

inline options read_options(int argc, char** argv) {
  options o;
  program = argv[0];
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (i + 1 < argc && name == "--seed") {
      o.seed = number_of(argv[++i]);
    } else if (i + 1 < argc && name == "--seconds") {
      o.seconds = static_cast<double>(number_of(argv[++i]));
    } else if (i + 1 < argc && name == "--case") {
      o.only = number_of(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: %s [--seed N] [--seconds T] [--case N]\n", argv[0]);
      std::exit(2);
    }
  }
  current_seed = o.seed;
  return o;
}

class clock {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Runs the cases and prints the counts. In a whole run every count must have moved.
inline int run(int argc, char** argv, uint64_t cases, void (*one_case)(numbers&)) {
  const options o = read_options(argc, argv);
  const clock time;
  const auto run_case = [&](uint64_t i) {
    current_case = i;
    numbers mixed{o.seed * 0x2545f4914f6cdd1du + i};
    numbers n{mixed.next()};
    one_case(n);
  };
  if (o.only != ~uint64_t{}) {
    run_case(o.only);
    std::printf("case %" PRIu64 " of seed %" PRIu64 ": no difference\n", o.only, o.seed);
    return 0;
  }
  uint64_t i = 0;
  for (; o.seconds > 0 ? time.seconds() < o.seconds : i < cases; ++i) run_case(i);
  std::printf("seed %" PRIu64 ", cases %" PRIu64 ", ", o.seed, i);
  count::print();
  std::printf("differences 0, %.1f s\n", time.seconds());
  if (const char* never = count::never(); never && i >= cases) {
    std::printf("this program never made: %s\n", never);
    return 1;
  }
  return 0;
}

inline std::string hex(const uint8_t* bytes, size_t n) {
  std::string text;
  char two[3];
  for (size_t i = 0; i < n; ++i) {
    std::snprintf(two, sizeof two, "%02x", unsigned{bytes[i]});
    text += two;
  }
  return text;
}
inline std::string hex(const std::vector<uint8_t>& bytes) { return hex(bytes.data(), bytes.size()); }

/// n bytes at p as a little-endian number.
inline uint64_t little_endian(const uint8_t* p, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = 0; i < n; ++i) value |= uint64_t{p[i]} << 8 * i;
  return value;
}
inline void put_little_endian(uint8_t* p, uint64_t value, unsigned n) {
  for (unsigned i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(value >> 8 * i);
}

}  // namespace attack
