// SPDX-License-Identifier: BSL-1.0
#include "file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "document/places.hpp"
#include "text.hpp"

namespace tool {

namespace {

constexpr uint64_t progress_step = uint64_t{256} << 20;

[[noreturn]] void fail(const std::string& name) { throw bad_input(fmt::format("{}: {}", name, std::strerror(errno))); }

/// A mapped file that becomes shorter meanwhile ends the program with this signal.
void report_lost_bytes(int) {
  constexpr char line[] = "pvhboot: the file became shorter while it was read\n";
  static_cast<void>(!write(STDERR_FILENO, line, sizeof line - 1));
  _exit(2);
}

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ > STDERR_FILENO) close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

/// A temporary file without a name.
int temporary_file() {
  std::string name = std::filesystem::temp_directory_path() / "pvhboot-XXXXXX";
  const int number = mkostemp(name.data(), O_CLOEXEC);
  if (number < 0) fail(name);
  unlink(name.c_str());
  return number;
}

/// Writes bytes at an offset; what was not written before stays a hole.
void write_at(int to, pvhboot::span<const uint8_t> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(to, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("a temporary file for standard input");
    bytes = bytes.after(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

/// Fills the buffer from a pipe. Fewer bytes than it has: the pipe has ended.
size_t read_whole(int from, uint8_t* buffer, size_t size, const std::string& name) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(from, buffer + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(name);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

/// Streams a pipe into a temporary file, whose holes are the pages of zeroes, and marks the pages with a magic number
/// on the way: a second pass over the file would halve the speed.
int streamed(int from, const std::string& name, marked_pages& marked) {
  constexpr size_t block = 256 * scan_page, carry = document::overhang;
  static std::array<uint8_t, scan_page + block> buffer;
  uint8_t* const fresh = buffer.data() + scan_page;
  fcntl(from, F_SETPIPE_SZ, block);
  const int to = temporary_file();
  progress shown{0};
  for (uint64_t offset = 0;;) {
    const size_t n = read_whole(from, fresh, block, name);
    size_t unwritten = 0;  // begin of the run of pages that are not zero
    for (size_t at = 0; at < n; at += scan_page) {
      const size_t size = std::min<size_t>(scan_page, n - at);
      if (is_zero({fresh + at, size})) {
        write_at(to, {fresh + unwritten, at - unwritten}, offset + unwritten);
        unwritten = at + size;
      } else if (has_magic({fresh + at - carry, size + carry})) {
        marked.mark(offset + at);
        if (offset + at != 0) marked.mark(offset + at - 1);
      }
    }
    write_at(to, {fresh + unwritten, n - unwritten}, offset + unwritten);
    offset += n;
    shown.add(n);
    if (n < block) {
      if (ftruncate(to, static_cast<off_t>(offset)) != 0) fail("a temporary file for standard input");
      return to;
    }
    std::memcpy(fresh - carry, fresh + block - carry, carry);
  }
}

}  // namespace

file::file(const std::string& name) : name_(name == "-" ? "standard input" : name) {
  const descriptor given{name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC)};
  if (given.number() < 0) fail(name_);
  struct stat status {};
  if (fstat(given.number(), &status) != 0) fail(name_);
  if (S_ISDIR(status.st_mode)) throw bad_input(name_ + ": is a directory");
  is_stream_ = !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode);
  const descriptor seekable{is_stream_ ? streamed(given.number(), name_, marked_) : dup(given.number())};
  if (seekable.number() < 0) fail(name_);
  const off_t size = lseek(seekable.number(), 0, SEEK_END);
  if (size < 0) fail(name_);
  if (size == 0) return;
  std::signal(SIGBUS, report_lost_bytes);
  const auto length = static_cast<size_t>(size);
  void* const p = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, seekable.number(), 0);
  if (p != MAP_FAILED) {
    mapped_ = p;
    bytes_ = {static_cast<const uint8_t*>(p), length};
    return;
  }
  // Files of /sys have a size and cannot be mapped.
  copy_.resize(length);
  const ssize_t n = pread(seekable.number(), copy_.data(), length, 0);
  if (n < 0) fail(name_);
  bytes_ = {reinterpret_cast<const uint8_t*>(copy_.data()), static_cast<size_t>(n)};
}

file::~file() {
  if (mapped_ != nullptr) munmap(mapped_, bytes_.size());
}

void prefetch(pvhboot::span<const uint8_t> bytes) {
#ifdef MADV_POPULATE_READ
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data()) & ~(page - 1);
  const auto end = reinterpret_cast<uintptr_t>(bytes.end());
  // Kernels before 5.14, and memory that is no mapping of a file, do without.
  static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ));
#else
  static_cast<void>(bytes);
#endif
}

void write_file(const std::string& name, pvhboot::span<const uint8_t> bytes) {
  std::FILE* const out = name == "-" ? stdout : std::fopen(name.c_str(), "wb");
  if (out == nullptr) fail(name);
  const bool whole = std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  if ((out == stdout ? std::fflush(out) : std::fclose(out)) != 0 || !whole) fail(name);
}

void progress::add(uint64_t bytes) {
  done_ += bytes;
  if (done_ - shown_ < progress_step || isatty(STDERR_FILENO) == 0) return;
  shown_ = done_;
  if (whole_ != 0)
    fmt::print(stderr, "\r{:3} % of {} MiB", done_ * 100 / whole_, whole_ >> 20);
  else
    fmt::print(stderr, "\r{} MiB", done_ >> 20);
}

progress::~progress() {
  if (shown_ != 0) std::fputs("\r                              \r", stderr);  // which throws nothing
}

}  // namespace tool
