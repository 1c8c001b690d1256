// SPDX-License-Identifier: BSL-1.0
//
// A plugin for QEMU's emulator: counts what a machine executes and stores between addresses.
//
// Arguments: span=FROM-TO, several times, in the order in which the machine reaches the addresses. FROM 0 is the first
// instruction after reset. except=LOW-HIGH: instructions that belong to another program. When TO is reached, one line
// is printed: "count: ", the number of the span, how often an instruction was executed, the same with each repeated
// string instruction counted once, and the bytes stored. Code above 4 GiB is not counted: no boot loader runs there,
// but Xen and the kernel of dom0 do.
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define EXPORT __attribute__((visibility("default")))

// The part of QEMU's plugin interface that is used here, which is the same in QEMU 7.2 and 10.0. The build gives the
// version, since QEMU refuses those that it does not know.
extern "C" {
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

EXPORT int qemu_plugin_version = PLUGIN_VERSION;
EXPORT int qemu_plugin_install(uint64_t id, const qemu_info_t* info, int argc, char** argv);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*call)(uint64_t, qemu_plugin_tb*));
size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, size_t);
uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn*);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, void (*call)(unsigned, void*), int flags,
                                            void* argument);
void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn*, void (*call)(unsigned, uint32_t, uint64_t, void*), int flags,
                                      int kinds, void* argument);
unsigned qemu_plugin_mem_size_shift(uint32_t access);
bool qemu_plugin_mem_is_store(uint32_t access);
}

namespace {

constexpr int no_registers = 0, stores = 2;

struct range {
  uint64_t from, to;
};

range spans[8];
unsigned span_count, span;  // all of them, and the current one
range except;
bool counting;
uint64_t executed, instructions, stored, last;

void begin() {
  counting = true;
  executed = instructions = stored = 0;
  last = UINT64_MAX;
}

void end() {
  std::printf("count: %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", span, executed, instructions, stored);
  std::fflush(stdout);
  counting = false;
  ++span;
}

void on_instruction(unsigned, void* argument) {
  const auto at = reinterpret_cast<uintptr_t>(argument);
  if (counting && at == spans[span].to) end();
  if (!counting && span < span_count && at == spans[span].from) begin();
  if (!counting) return;
  ++executed;
  instructions += at != last;  // QEMU executes a repeated string instruction once for each repetition
  last = at;
}

// QEMU 7.2 calls this for the load of a string instruction, too.
void on_store(unsigned, uint32_t access, uint64_t, void*) {
  if (counting && qemu_plugin_mem_is_store(access)) stored += uint64_t{1} << qemu_plugin_mem_size_shift(access);
}

/// Instruments the code that may be counted. While the machine is on its way to a span, only the block in which the
/// span begins is, so that the machine runs at full speed.
void on_translation(uint64_t, qemu_plugin_tb* block) {
  const size_t n = qemu_plugin_tb_n_insns(block);
  bool wanted = counting;
  for (size_t i = 0; i < n && !wanted && span < span_count; ++i)
    wanted = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, i)) == spans[span].from;
  for (size_t i = 0; i < n && wanted; ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    const uint64_t at = qemu_plugin_insn_vaddr(instruction);
    if (at >> 32 != 0 || (except.from <= at && at < except.to)) continue;
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_instruction, no_registers,
                                           reinterpret_cast<void*>(static_cast<uintptr_t>(at)));
    qemu_plugin_register_vcpu_mem_cb(instruction, on_store, no_registers, stores, nullptr);
  }
}

/// Reads LOW-HIGH after NAME=.
bool read(const char* argument, const char* name, range& to) {
  const size_t size = std::strlen(name);
  if (std::strncmp(argument, name, size) != 0) return false;
  char* rest = nullptr;
  to.from = std::strtoull(argument + size, &rest, 0);
  if (*rest != '-') return false;
  to.to = std::strtoull(rest + 1, &rest, 0);
  return *rest == 0;
}

}  // namespace

int qemu_plugin_install(uint64_t id, const qemu_info_t*, int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    if (span_count < sizeof spans / sizeof spans[0] && read(argv[i], "span=", spans[span_count])) {
      ++span_count;
    } else if (!read(argv[i], "except=", except)) {
      std::fprintf(stderr, "boot_cost: invalid argument %s\n", argv[i]);
      return 1;
    }
  }
  if (span_count != 0 && spans[0].from == 0) begin();
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
