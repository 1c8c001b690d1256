// SPDX-License-Identifier: BSL-1.0
//
// Kernel files of any protocol version, damaged or not, and any memory map, through parse_bzimage, place_kernel,
// place_initrd, check_placement, translate and read_zero_page, against a model that reads the file by boot.rst.
//
// - parse_bzimage accepts what the model accepts, and says the same of it; else it names the model's rule and place.
// - place_kernel and place_initrd find the place that the model finds by trying stretches of RAM; none is missed.
// - check_placement and translate accept a layout exactly when the model knows nothing against it; else they name
//   something that the model has against it. What translate refuses leaves page and writer as they were.
// - The page of a translate that succeeds is, byte for byte, the page that the model makes, and read_zero_page reads
//   out of it what went in.
#include <optional>
#include <set>

#include <pvhboot/pvhboot.hpp>

#include "chain.hpp"

namespace {

using namespace attack;
using pvhboot::setup_data_writer;
namespace abi = pvhboot::abi;

count kernels{"kernel files"};
count judged{"accepted"};
count error_kinds{"kinds of refusals"};
count placed{"kernels placed"};
count unplaced{"without a place"};
count initrds{"initrds placed"};
count layouts{"layouts"};
count sound{"sound layouts"};
count objections{"kinds of objections"};
count pages{"zero pages"};
count spills{"with more than 128 ranges"};
count as_kernel{"zero pages of the kernel's own role"};
count chains{"setup_data chains"};
count broken_chains{"of them broken"};
count loaders{"loader numbers"};
count read_back{"pages read back"};

std::set<errc> errors_seen;
std::set<errc> objections_seen;

/// A kernel file as boot.rst reads it.
struct kernel_file {
  std::vector<uint8_t> bytes{};
  std::optional<failed> why{};
  uint64_t protocol = 0;
  uint64_t header_end = 0;
  uint64_t code_at = 0;
  uint64_t code_size = 0;

  /// n bytes at this offset; 0 if the field is newer than the file, or does not end before the header does.
  [[nodiscard]] uint64_t field(size_t at, unsigned n, unsigned since) const {
    return protocol >= since && at + n <= header_end ? little_endian(&bytes[at], n) : 0;
  }
  [[nodiscard]] bool has(size_t at, unsigned n, unsigned since) const {
    return protocol >= since && at + n <= header_end;
  }
  [[nodiscard]] bool relocatable() const { return field(0x234, 1, 0x205) != 0; }
  [[nodiscard]] uint64_t alignment() const { return field(0x230, 4, 0x205); }
  [[nodiscard]] uint64_t min_alignment() const {
    const uint64_t shift = field(0x235, 1, 0x20a);
    return shift != 0 && shift < 32 && uint64_t{1} << shift < alignment() ? uint64_t{1} << shift : alignment();
  }
  [[nodiscard]] uint64_t pref_address() const { return has(0x258, 8, 0x20a) ? field(0x258, 8, 0x20a) : 0x100000; }
  [[nodiscard]] uint64_t init_size() const {
    const uint64_t said = field(0x260, 4, 0x20a);
    return said != 0 ? said : 3 * code_size;
  }
  [[nodiscard]] uint64_t cmdline_size() const { return has(0x238, 4, 0x206) ? field(0x238, 4, 0x206) : 255; }
  [[nodiscard]] uint64_t initrd_addr_max() const {
    const uint64_t said = field(0x22c, 4, 0x203);
    return said != 0 ? said : 0x37ffffff;
  }
  [[nodiscard]] bool entry_64() const { return (field(0x236, 2, 0x20c) & 1) != 0; }
  [[nodiscard]] bool above_4g() const { return (field(0x236, 2, 0x20c) & 2) != 0; }
  [[nodiscard]] const uint8_t* code() const { return bytes.data() + code_at; }
  [[nodiscard]] uint64_t setup_type_max() const {
    const uint64_t at = field(0x268, 4, 0x20f);
    return at != 0 && little_endian(code() + at + 4, 4) >= 16 ? little_endian(code() + at + 12, 4) : 0;
  }
  [[nodiscard]] bool accepts(uint32_t type) const {
    if (protocol < 0x209) return false;
    if (setup_type_max() == 0) return type <= 6;
    return (type & 0x7fffffff) <= (setup_type_max() & 0x7fffffff);
  }
};

kernel_file read_file(std::vector<uint8_t> bytes) {
  kernel_file k{.bytes = std::move(bytes)};
  const std::vector<uint8_t>& b = k.bytes;
  const auto fail = [&](errc code, uint64_t where) {
    k.why = failed{code, where};
    return k;
  };
  if (b.size() < 0x224) return fail(errc::image_too_short, b.size());
  if (b[0x1fe] != 0x55 || b[0x1ff] != 0xaa) return fail(errc::no_boot_flag, 0x1fe);
  if (std::memcmp(&b[0x202], "HdrS", 4) != 0) return fail(errc::no_header_magic, 0x202);
  const uint64_t version = little_endian(&b[0x206], 2);
  if (version < 0x200) return fail(errc::protocol_too_old, version);
  k.protocol = version == 0x20e ? 0x20d : version;
  if (b[0x200] != 0xeb || b[0x201] > 0x7f) return fail(errc::bad_header_jump, 0x200);
  k.header_end = uint64_t{0x202} + b[0x201];
  if (k.header_end < 0x224) return fail(errc::header_truncated, k.header_end);
  if (b.size() < k.header_end) return fail(errc::image_too_short, b.size());
  k.code_at = (b[0x1f1] == 0 ? 5 : uint64_t{b[0x1f1]} + 1) * 512;
  if (b.size() <= k.code_at) return fail(errc::setup_truncated, k.code_at);
  if (b[0x211] % 2 == 0) return fail(errc::not_loaded_high, 0x211);
  k.code_size = b.size() - k.code_at;
  if (const uint64_t syssize = 16 * little_endian(&b[0x1f4], 4); version >= 0x204 && syssize != 0) {
    if (syssize > k.code_size + 15) return fail(errc::kernel_truncated, k.code_at + syssize);
    k.code_size = std::min(k.code_size, syssize);
  }
  const uint64_t a = k.alignment();
  if (k.relocatable() && (a == 0 || (a & (a - 1)) != 0)) return fail(errc::bad_kernel_alignment, 0x230);
  const uint64_t payload = k.field(0x24c, 4, 0x208);
  const uint64_t payload_end = k.field(0x248, 4, 0x208) + payload;
  if (payload != 0 && payload_end > k.code_size) return fail(errc::payload_out_of_bounds, payload_end);
  if (const uint64_t info = k.field(0x268, 4, 0x20f); info != 0) {
    if (info + 12 > k.code_size) return fail(errc::bad_kernel_info, info);
    const uint64_t size = little_endian(k.code() + info + 4, 4);
    const uint64_t total = little_endian(k.code() + info + 8, 4);
    if (std::memcmp(k.code() + info, "LToP", 4) != 0 || size < 12 || size > total || info + total > k.code_size)
      return fail(errc::bad_kernel_info, info);
  }
  return k;
}

void check_file(const kernel_file& k, const pvhboot::bzimage& got) {
  AGREE(got.protocol() == k.protocol && got.code_offset() == k.code_at && got.code().size() == k.code_size);
  AGREE(std::memcmp(got.code().data(), k.code(), k.code_size) == 0);
  const auto header = got.header_bytes();
  AGREE(header.size() == k.header_end - 0x1f1 && std::memcmp(header.data(), &k.bytes[0x1f1], header.size()) == 0);
  AGREE(got.relocatable() == k.relocatable() && got.kernel_alignment() == k.alignment());
  AGREE(got.min_alignment() == k.min_alignment() && got.pref_address() == k.pref_address());
  AGREE(got.init_size() == k.init_size() && got.cmdline_size() == k.cmdline_size());
  AGREE(got.initrd_addr_max() == k.initrd_addr_max() && got.has_entry_64() == k.entry_64());
  AGREE(got.can_be_loaded_above_4g() == k.above_4g());
  for (const uint32_t type : {0u, 1u, 6u, 7u, 9u, 10u, 0x80000000u, 0x80000001u, 0x80000009u, 0x8000000au})
    AGREE(got.accepts(pvhboot::setup_type{type}) == k.accepts(type));

  const uint64_t length = k.field(0x24c, 4, 0x208);
  AGREE(got.payload().size() == length);
  if (length != 0) AGREE(got.payload().data() == got.code().data() + k.field(0x248, 4, 0x208));
  const uint64_t version_at = k.field(0x20e, 2, 0x200) + 0x200;
  const uint8_t* text = k.bytes.data() + version_at;
  const auto* end = version_at == 0x200 || version_at >= k.code_at
                        ? nullptr
                        : static_cast<const uint8_t*>(std::memchr(text, 0, k.code_at - version_at));
  AGREE(got.kernel_version().absent() == !end);
  if (end)
    AGREE(got.kernel_version().size() == static_cast<size_t>(end - text) &&
          got.kernel_version()[0] == static_cast<char>(*text));

  // Every field of the header's struct: what the file has there, or 0.
  uint8_t raw[sizeof(abi::setup_header)];
  std::memcpy(raw, &got.header(), sizeof raw);
  struct one_field {
    size_t at;
    unsigned n, since;
  };
  static constexpr one_field fields[] = {
      {0x1f1, 1, 0},     {0x1f2, 2, 0},     {0x1fe, 2, 0},     {0x206, 2, 0x200}, {0x208, 4, 0x200}, {0x20c, 2, 0x200},
      {0x20e, 2, 0x200}, {0x210, 1, 0x200}, {0x211, 1, 0x200}, {0x212, 2, 0x200}, {0x214, 4, 0x200}, {0x218, 4, 0x200},
      {0x21c, 4, 0x200}, {0x220, 4, 0x200}, {0x224, 2, 0x201}, {0x226, 1, 0x201}, {0x227, 1, 0x201}, {0x228, 4, 0x202},
      {0x22c, 4, 0x203}, {0x230, 4, 0x205}, {0x234, 1, 0x205}, {0x235, 1, 0x20a}, {0x236, 2, 0x20c}, {0x238, 4, 0x206},
      {0x23c, 4, 0x207}, {0x240, 8, 0x207}, {0x248, 4, 0x208}, {0x24c, 4, 0x208}, {0x250, 8, 0x209}, {0x258, 8, 0x20a},
      {0x260, 4, 0x20a}, {0x264, 4, 0x20b}, {0x268, 4, 0x20f}};
  for (const one_field& f : fields) AGREE(little_endian(raw + (f.at - 0x1f1), f.n) == k.field(f.at, f.n, f.since));
}

/// The stretches of RAM in a sanitised map; neighbours are one stretch.
pieces stretches_of(const memory_map& map) {
  pieces all;
  for (const piece& p : pieces_of(map)) {
    if (p.type != 1) continue;
    if (!all.empty() && all.back().end == p.begin)
      all.back().end = p.end;
    else
      all.push_back(p);
  }
  return all;
}

bool in_ram(const pieces& ram, wide begin, wide size) {
  if (size == 0) return false;
  for (const piece& p : ram)
    if (p.begin <= begin && begin + size <= p.end) return true;
  return false;
}

struct place {
  uint64_t load, run, alignment;
  friend bool operator==(const place&, const place&) = default;
};

std::optional<place> find_place(const kernel_file& k, const pieces& ram, uint64_t lowest) {
  constexpr wide two_gib = wide{1} << 31;
  const wide init = k.init_size();
  if (!k.relocatable()) {
    const bool fits = lowest <= 0x100000 && k.pref_address() >= lowest && k.pref_address() + init <= two_gib &&
                      in_ram(ram, 0x100000, k.code_size) && in_ram(ram, k.pref_address(), init);
    return fits ? std::optional{place{0x100000, k.pref_address(), k.alignment()}} : std::nullopt;
  }
  const wide both = std::max<wide>(init, k.code_size);
  const wide from = std::max(lowest, k.pref_address());
  for (uint64_t a = k.alignment(); a >= k.min_alignment() && a != 0; a /= 2)
    for (const piece& p : ram) {
      const wide at = (std::max(p.begin, from) + a - 1) / a * a;
      if (at + both > std::min(p.end, two_gib)) continue;
      return place{static_cast<uint64_t>(at), static_cast<uint64_t>(at), a};
    }
  return std::nullopt;
}

std::optional<uint64_t> find_initrd_place(const kernel_file& k, const pieces& ram, uint64_t n) {
  std::optional<uint64_t> found;
  for (const piece& p : ram) {
    const wide end = std::min(p.end, wide{k.initrd_addr_max()} + 1);
    const wide begin = std::max(p.begin, wide{0x100000});
    if (n == 0 || end < begin + n) continue;
    if (const wide at = (end - n) / 4096 * 4096; at >= begin) found = static_cast<uint64_t>(at);
  }
  return found;
}

bool meet(wide a, wide a_size, wide b, wide b_size) {
  return a_size != 0 && b_size != 0 && a < b + b_size && b < a + a_size;
}

using objections_to = std::set<failed>;

/// Every rule that a layout breaks.
objections_to object(const kernel_file& k, const pvhboot::linux_layout& l, const pieces& ram,
                     const setup_data_writer* nodes) {
  objections_to all;
  const auto object_if = [&](bool bad, errc code, uint64_t where) {
    if (bad) all.insert({code, where});
  };
  const bool high = l.entry_64 && k.above_4g();
  const wide limit = high ? top : wide{1} << 32;
  const auto& p = l.kernel;
  object_if(k.protocol < 0x203, errc::protocol_too_old, k.protocol);
  object_if(l.entry_64 && !k.entry_64(), errc::no_entry_64, 0x236);
  object_if(p.load_size < k.code_size, errc::kernel_range_too_small, k.code_size);
  object_if(p.runtime_size < k.init_size(), errc::kernel_range_too_small, k.init_size());
  object_if(wide{p.load_paddr} + p.load_size > limit, errc::kernel_too_high, p.load_paddr);
  object_if(wide{p.runtime_start} + p.runtime_size > limit, errc::kernel_too_high, p.runtime_start);
  const uint64_t a = p.kernel_alignment;
  uint64_t run = k.pref_address();
  if (k.relocatable()) {
    const bool good = a != 0 && (a & (a - 1)) == 0 && a >= k.min_alignment();
    object_if(!good, errc::bad_kernel_alignment, 0x230);
    if (a != 0) run = std::max(run, static_cast<uint64_t>((wide{p.load_paddr} + a - 1) / a * a));
  } else {
    object_if(p.load_paddr != 0x100000, errc::bad_load_address, p.load_paddr);
  }
  object_if(p.runtime_start != run, errc::bad_runtime_start, run);
  object_if(!in_ram(ram, p.load_paddr, p.load_size), errc::kernel_not_in_ram, p.load_paddr);
  object_if(!in_ram(ram, p.runtime_start, p.runtime_size), errc::kernel_not_in_ram, p.runtime_start);

  object_if(l.zero_page_paddr == 0, errc::zero_page_absent, 0);
  object_if(l.cmdline_size > k.cmdline_size(), errc::cmdline_too_long, k.cmdline_size());
  object_if(l.cmdline_paddr == 0 && l.cmdline_size != 0, errc::cmdline_absent, l.cmdline_size);
  object_if(l.initrd_paddr == 0 && l.initrd_size != 0, errc::initrd_absent, l.initrd_size);

  struct thing {
    wide at, size, read, limit;
    errc beyond;
    bool on_page;
  };
  std::vector<thing> things{{l.zero_page_paddr, 4096, 4096, limit, errc::too_high, true}};
  if (l.cmdline_paddr != 0) {
    const wide size = wide{l.cmdline_size} + 1;
    const wide copied = std::min<wide>(wide{k.cmdline_size()} + 1, 2048);
    things.push_back({l.cmdline_paddr, size, std::max(size, copied), limit, errc::too_high, false});
  }
  things.push_back({l.initrd_paddr, l.initrd_size, l.initrd_size, high ? top : wide{k.initrd_addr_max()} + 1,
                    errc::initrd_too_high, true});
  if (nodes) {
    const wide at = nodes->range().addr;
    const wide size = nodes->range().size;
    things.push_back({at, size, size, limit, errc::too_high, false});
    if (nodes->head() != 0 && !(nodes->head() >= at && nodes->head() < at + size))
      things.push_back({nodes->head(), 16, 16, limit, errc::too_high, false});
  }
  for (const memory_range& r : l.keep) things.push_back({r.addr, r.size, r.size, top, errc::too_high, false});
  for (size_t i = 0; i < things.size(); ++i) {
    const thing& t = things[i];
    if (t.size == 0) continue;
    const auto at = static_cast<uint64_t>(t.at);
    object_if(t.at + t.size > t.limit, t.beyond, at);
    object_if(t.on_page && t.at % 4096 != 0, errc::misaligned, at);
    object_if(!in_ram(ram, t.at, t.read), errc::not_in_ram, at);
    object_if(meet(t.at, t.size, p.load_paddr, p.load_size) || meet(t.at, t.size, p.runtime_start, p.runtime_size),
              errc::overlaps_kernel, at);
    for (size_t j = 0; j < i; ++j) object_if(meet(t.at, t.size, things[j].at, things[j].size), errc::overlaps, at);
  }
  return all;
}

/// prepare_for_linux removes the last page, so such a map is not prepared.
bool reaches_top(const memory_map& map) {
  return !map.empty() && wide{map[map.size() - 1].addr} + map[map.size() - 1].size == top;
}

/// Every other rule that makes translate fail.
void object_to_translate(const kernel_file& k, const pvhboot::linux_layout& l, const memory_map& map,
                         const setup_data_writer* nodes, objections_to& all) {
  const bool spilled = map.size() > 128;
  if ((spilled && nodes && !k.accepts(1)) || (nodes && nodes->head() != 0 && k.protocol < 0x209))
    all.insert({errc::setup_data_unsupported, k.protocol});
  if (l.loader == 0xe || l.loader > 0x10f) all.insert({errc::loader_id_too_large, l.loader});
  if (l.loader_version > 0xfff) all.insert({errc::loader_id_too_large, l.loader_version});
  if (l.loader == 0 && l.loader_version % 16 == 0) all.insert({errc::loader_type_zero, 0x210});
  if (map.size() < 2) all.insert({errc::e820_too_few, map.size()});
  if (reaches_top(map)) all.insert({errc::map_not_prepared, map.size()});
  if (!spilled) return;
  const uint64_t payload = 20 * (map.size() - 128);
  if (!nodes)
    all.insert({errc::e820_full, map.size()});
  else if (nodes->range().addr == 0 || nodes->range().size - nodes->size() < (payload + 16 + 7) / 8 * 8)
    all.insert({errc::setup_data_full, payload});
}

/// The page that a boot loader gives this kernel, and the node that goes with it.
void make_page(const kernel_file& k, const pvhboot::linux_layout& l, const memory_map& map,
               const setup_data_writer* nodes, std::vector<uint8_t>& page, std::vector<uint8_t>& node) {
  page.assign(4096, 0);
  const auto put = [&](size_t at, uint64_t value, unsigned n) { put_little_endian(&page[at], value, n); };
  std::copy(k.bytes.begin() + 0x1f1, k.bytes.begin() + static_cast<ptrdiff_t>(k.header_end), page.begin() + 0x1f1);
  const unsigned type = l.loader < 0x10 ? l.loader : 0xe;
  put(0x210, type << 4 | l.loader_version % 16, 1);
  put(0x226, l.loader_version / 16, 1);
  put(0x227, l.loader < 0x10 ? 0 : l.loader - 0x10u, 1);
  put(0x211, 1, 1);
  put(0x1fa, 0xffff, 2);
  if (l.kernel.load_paddr < uint64_t{1} << 32) put(0x214, l.kernel.load_paddr, 4);
  if (k.relocatable()) put(0x230, l.kernel.kernel_alignment, 4);
  put(0x228, l.cmdline_paddr, 4);
  put(0x0c8, l.cmdline_paddr >> 32, 4);
  const uint64_t initrd = l.initrd_size != 0 ? l.initrd_paddr : 0;
  put(0x218, initrd, 4);
  put(0x0c0, initrd >> 32, 4);
  put(0x21c, l.initrd_size, 4);
  put(0x0c4, l.initrd_size >> 32, 4);
  put(0x070, l.rsdp_paddr, 8);
  size_t n = 0;
  for (size_t i = 0; i < map.size() && i < 128; ++i) {
    put(0x2d0 + 20 * n, map[i].addr, 8);
    put(0x2d8 + 20 * n, map[i].size, 8);
    put(0x2e0 + 20 * n, static_cast<uint32_t>(map[i].type), 4);
    ++n;
  }
  put(0x1e8, n, 1);
  put(0x250, nodes ? nodes->head() : 0, 8);
  node.clear();
  if (map.size() <= 128) return;
  put(0x250, nodes->range().addr + nodes->size(), 8);
  node.resize((16 + 20 * (map.size() - 128) + 7) / 8 * 8);
  put_little_endian(node.data(), nodes->head(), 8);
  put_little_endian(&node[8], 1, 4);
  put_little_endian(&node[12], 20 * (map.size() - 128), 4);
  n = 0;
  for (size_t i = 128; i < map.size(); ++i) {
    put_little_endian(&node[16 + 20 * n], map[i].addr, 8);
    put_little_endian(&node[24 + 20 * n], map[i].size, 8);
    put_little_endian(&node[32 + 20 * n], static_cast<uint32_t>(map[i].type), 4);
    ++n;
  }
}

/// Physical memory that is one block: the storage of the nodes, with what was there before.
std::vector<uint8_t> raw_of(const abi::boot_params& page) {
  std::vector<uint8_t> raw(sizeof page);
  std::memcpy(raw.data(), &page, sizeof page);
  return raw;
}

void check_read_back(const abi::boot_params& page, const pvhboot::linux_layout& l, const memory_map& map,
                     const one_block& memory) {
  owned_map back{map.size() + 8};
  const auto values = read_zero_page(memory, page, back.map);
  AGREE(values.ok() && values->cmdline_paddr == l.cmdline_paddr && values->rsdp_paddr == l.rsdp_paddr);
  AGREE(values->initrd_size == l.initrd_size && values->initrd_paddr == (l.initrd_size != 0 ? l.initrd_paddr : 0));
  std::vector<memory_range> given;
  for (memory_range r : map) {
    if (r.size != 0) given.push_back(r);
  }
  std::vector<memory_range> got;
  for (const memory_range& r : back.map)
    if (r.size != 0) got.push_back(r);
  AGREE(got == given);
}

/// A file, mostly sound.
std::vector<uint8_t> make_file(numbers& n, uint64_t unit) {
  static constexpr uint16_t versions[] = {0x20f, 0x20f, 0x20f, 0x20e, 0x20d, 0x20c, 0x20b, 0x20a, 0x209, 0x208,
                                          0x207, 0x206, 0x205, 0x204, 0x203, 0x202, 0x201, 0x200, 0x210, 0x1ff};
  static constexpr uint16_t ends[] = {0x26c, 0x26c, 0x26c, 0x268, 0x264, 0x258, 0x250, 0x248,
                                      0x23c, 0x238, 0x230, 0x22c, 0x228, 0x224, 0x281, 0x280};
  const uint8_t sectors = n.chance(8) ? uint8_t{0} : static_cast<uint8_t>(1 + n.below(3));
  const size_t code_at = (sectors == 0 ? size_t{5} : size_t{sectors} + 1) * 512;
  const size_t code_size = 16 + n.index(n.chance(4) ? 3000 : 200);
  std::vector<uint8_t> file(code_at + code_size, uint8_t{0xcc});
  if (n.chance(4))
    for (uint8_t& b : file) b = n.byte();
  const auto put = [&](size_t at, uint64_t value, unsigned size) { put_little_endian(&file[at], value, size); };
  const uint16_t end = n.chance(6) ? static_cast<uint16_t>(0x222 + n.below(0x62)) : n.of(ends);
  put(0x1f1, sectors, 1);
  put(0x1f4, n.chance(8) ? n.below(300) : (code_size + 15) / 16, 4);
  put(0x1fe, 0xaa55, 2);
  put(0x200, 0xebu | (end - 0x202u) << 8, 2);
  std::memcpy(&file[0x202], "HdrS", 4);
  put(0x206, n.of(versions), 2);
  put(0x20e, n.chance(2) ? 0x80 + n.below(0x900) : 0, 2);
  put(0x210, n.next(), 1);
  put(0x211, n.next() | 1, 1);
  put(0x214, 0x100000, 4);
  put(0x218, n.next(), 4);
  put(0x21c, n.next(), 4);
  put(0x228, n.next(), 4);
  put(0x22c, n.chance(4) ? n.edge() : 0x7fffffff, 4);
  const uint64_t alignment = uint64_t{1} << (n.chance(3) ? n.below(32) : 12 + n.below(10));
  put(0x230, alignment, 4);
  put(0x234, n.chance(4) ? 0 : 1, 1);
  put(0x235, n.chance(3) ? n.below(40) : 12, 1);
  put(0x236, n.chance(4) ? n.next() : 0x3f, 2);
  put(0x238, n.chance(3) ? n.below(5000) : 2047, 4);
  const uint64_t payload = n.below(code_size);
  put(0x248, payload, 4);
  put(0x24c, n.chance(20) ? n.edge() : n.below(code_size - payload + 1), 4);
  put(0x250, n.chance(4) ? n.next() : 0, 8);
  put(0x258, n.chance(12) ? n.edge() : 0x100000 + unit * n.below(8) + (n.chance(6) ? n.below(unit) : 0), 8);
  put(0x260, n.chance(8) ? n.edge() : 1 + n.below(6 * unit), 4);
  put(0x268, 0, 4);
  if (n.chance(2) && code_size > 16) {
    const uint64_t info = 1 + n.below(code_size - 12);
    put(0x268, info, 4);
    const size_t at = code_at + info;
    std::memcpy(&file[at], "LToP", 4);
    put(at + 4, n.chance(4) ? 12 : 16, 4);
    put(at + 8, n.chance(8) ? n.edge() : 16, 4);
    if (at + 16 <= file.size()) put(at + 12, n.chance(8) ? n.next() : 0x80000009 + n.below(3), 4);
  }
  if (n.chance(12)) file[n.chance(2) ? 0x1f1 + n.index(0x80) : n.index(file.size())] = n.byte();
  if (n.chance(12)) file.resize(n.index(file.size()));
  if (n.chance(6)) file.resize(file.size() + n.index(700), 0xee);
  return file;
}

/// RAM with holes, where kernels of this size could go.
void make_map(numbers& n, uint64_t unit, memory_map& map) {
  std::vector<memory_range> all;
  if (!n.chance(10)) all.push_back(range(0, n.chance(3) ? 0xa0000 : 0x9fc00, 1));
  uint64_t at = 0x100000;
  for (uint64_t i = n.below(6); i > 0; --i) {
    const uint64_t size = unit * (1 + n.below(12)) + (n.chance(6) ? n.below(unit) : 0);
    all.push_back(range(at, size, n.chance(5) ? any_type(n) : 1));
    at += size + (n.chance(3) ? 0 : n.chance(2) ? unit * n.below(4) : n.below(unit));
  }
  if (n.chance(3))
    all.push_back(range(n.of({uint64_t{0x40000000}, uint64_t{0x7ff00000}, uint64_t{0xfff00000}}),
                        unit * n.below(40) + 0x200000, 1));
  if (n.chance(3)) all.push_back(range(0x100000000, n.edge() >> 4, 1));
  if (n.chance(20)) all.push_back(range(0 - 0x1000 * (1 + n.below(3)), 0x1000 * n.below(4), any_type(n)));
  if (n.chance(10))
    for (uint64_t i = 110 + n.below(36); i > 0; --i)
      all.push_back(range(0x8000000000 + 0x2000 * i, 0x1000, i % 3 != 0 ? 1 : 2));
  AGREE(map.append(all).ok());
  if (n.chance(8) || !prepare_for_linux(map).ok()) AGREE(map.sanitize().ok());
}

/// An address that is probably in RAM and free.
uint64_t somewhere(numbers& n, const pieces& ram, uint64_t size) {
  if (ram.empty() || n.chance(30)) return n.edge();
  const piece& p = ram[n.index(n.chance(2) ? std::min<size_t>(ram.size(), 2) : ram.size())];
  const wide room = p.end - p.begin;
  const wide last = room > size ? room - size : 0;
  return static_cast<uint64_t>(p.begin + (n.chance(6) ? last : n.next() % (last + 1)));
}

void check_layouts(numbers& n, const kernel_file& k, const pvhboot::bzimage& kernel, const memory_map& map,
                   const pvhboot::kernel_placement& at) {
  const pieces ram = stretches_of(map);
  for (int round = 0; round < 6; ++round) {
    pvhboot::linux_layout l{.kernel = at};
    l.zero_page_paddr = somewhere(n, ram, 4096);
    if (!n.chance(20)) l.zero_page_paddr &= ~uint64_t{0xfff};
    if (!n.chance(3)) {
      l.cmdline_size = n.below(n.chance(20) ? 6000 : 200);
      l.cmdline_paddr = n.chance(20) ? 0 : somewhere(n, ram, n.chance(3) ? l.cmdline_size + 1 : 2048);
    }
    if (!n.chance(3)) {
      l.initrd_size = 1 + n.below(n.chance(3) ? 0x100000 : 0x3000);
      l.initrd_paddr = n.chance(20) ? n.edge() : somewhere(n, ram, l.initrd_size) & ~uint64_t{0xfff};
    }
    l.rsdp_paddr = n.edge();
    l.entry_64 = n.chance(4);
    if (n.chance(6)) {
      l.loader = static_cast<uint16_t>(n.below(0x120));
      l.loader_version = static_cast<uint16_t>(n.below(n.chance(3) ? 0x1010 : 16));
    }
    if (n.chance(6)) l.kernel.load_paddr = somewhere(n, ram, k.code_size);
    if (n.chance(6))
      l.kernel.load_paddr = l.kernel.runtime_start = somewhere(n, ram, k.init_size()) & ~uint64_t{0x1fffff};
    if (n.chance(12)) l.kernel.runtime_start = n.edge();
    if (n.chance(20)) l.kernel.load_size = n.edge();
    if (n.chance(20)) l.kernel.runtime_size = n.edge();
    if (n.chance(20)) l.kernel.kernel_alignment = static_cast<uint32_t>(n.chance(2) ? n.edge() : 1u << n.below(32));
    std::vector<memory_range> keep(n.chance(2) ? 0 : n.index(4));
    for (memory_range& r : keep) {
      const uint64_t size = n.below(0x2000);
      r = range(somewhere(n, ram, size), n.chance(20) ? n.edge() : size, any_type(n));
    }
    l.keep = keep;

    std::vector<uint8_t> storage(map.size() > 128 ? 300 + n.index(600) : n.chance(2) ? 0 : n.index(400));
    const uint64_t storage_at = somewhere(n, ram, storage.size());
    uint64_t head = 0;
    if (n.chance(8)) head = n.chance(2) ? somewhere(n, ram, 16) : storage_at + n.below(storage.size() + 1);
    const setup_data_writer fresh{storage, storage_at, head};
    setup_data_writer writer = fresh;
    setup_data_writer* nodes = n.chance(3) ? nullptr : &writer;
    const shown doing{[&] {
      char values[900];
      std::snprintf(values, sizeof values,
                    "kernel %" PRIx64 "+%" PRIx64 " runs at %" PRIx64 "+%" PRIx64
                    " align %x, entry_64 %d, page %" PRIx64 ", cmdline %" PRIx64 "+%" PRIx64 ", initrd %" PRIx64
                    "+%" PRIx64 ", nodes %d %" PRIx64 "+%zx head %" PRIx64 ", loader %x %x, keep ",
                    l.kernel.load_paddr, l.kernel.load_size, l.kernel.runtime_start, l.kernel.runtime_size,
                    l.kernel.kernel_alignment, l.entry_64, l.zero_page_paddr, l.cmdline_paddr, l.cmdline_size,
                    l.initrd_paddr, l.initrd_size, nodes != nullptr, storage_at, storage.size(), head,
                    unsigned{l.loader}, unsigned{l.loader_version});
      return values + text(keep) + " in " + text(contents(map)) + "\nfile " + hex(k.bytes);
    }};

    ++layouts;
    objections_to all = object(k, l, ram, nodes);
    const auto checked = check_placement(kernel, l, map, nodes);
    AGREE(checked.ok() == all.empty());
    if (!checked) {
      AGREE(all.count({checked.error().code, checked.error().where}) != 0);
      if (objections_seen.insert(checked.error().code).second) ++objections;
    } else {
      ++sound;
    }

    object_to_translate(k, l, map, nodes, all);
    auto page = std::make_unique<abi::boot_params>();
    std::memset(static_cast<void*>(page.get()), 0xa5, sizeof *page);
    const std::vector<uint8_t> page_before = raw_of(*page);
    const std::vector<uint8_t> storage_before = storage;
    const auto done = translate(kernel, l, map, *page, nodes);
    AGREE(done.ok() == all.empty());
    if (!done) {
      AGREE(all.count({done.error().code, done.error().where}) != 0);
      if (objections_seen.insert(done.error().code).second) ++objections;
      AGREE(raw_of(*page) == page_before && storage == storage_before);
      AGREE(writer.size() == 0 && writer.head() == head);
      continue;
    }
    ++pages;
    std::vector<uint8_t> wanted_page;
    std::vector<uint8_t> wanted_node;
    make_page(k, l, map, nodes ? &fresh : nullptr, wanted_page, wanted_node);
    AGREE(raw_of(*page) == wanted_page);
    AGREE(std::equal(wanted_node.begin(), wanted_node.end(), storage.begin()));
    AGREE(writer.size() == wanted_node.size());
    if (!wanted_node.empty()) ++spills;
    if (head == 0) check_read_back(*page, l, map, {storage_at, &storage});
  }
}

/// The role of a kernel that was entered by PVH: both pages, as the rules and as Linux make them.
void check_kernel_role(numbers& n, const memory_map& map) {
  ++as_kernel;
  const uint64_t at = 0x1000;
  std::vector<uint8_t> guest(56 + 64);
  const uint64_t modules = n.below(3);
  const uint64_t cmdline = n.chance(3) ? 0 : at + 56;  // the first module's address is its text, if that is a text
  const uint64_t rsdp = n.edge();
  const auto put = [&](size_t offset, uint64_t value, unsigned size) {
    put_little_endian(&guest[offset], value, size);
  };
  put(0, 0x336ec578, 4);
  put(4, 1, 4);
  put(12, modules, 4);
  put(16, modules != 0 ? at + 56 : 0, 8);
  put(24, cmdline, 8);
  put(32, rsdp, 8);
  const uint64_t initrd = n.edge();
  const uint64_t size = n.edge();
  put(56, initrd, 8);
  put(64, size, 8);
  const auto boot = pvhboot::parse(one_block{at, &guest}, at);
  if (!boot) {
    AGREE(boot.error().code == errc::module_wraps || boot.error().code == errc::cmdline_unterminated);
    return;
  }
  const auto host = n.chance(2) ? pvhboot::started_by::xen : pvhboot::started_by::other;
  std::vector<uint8_t> wanted(4096);
  const auto want = [&](size_t offset, uint64_t value, unsigned n_bytes) {
    put_little_endian(&wanted[offset], value, n_bytes);
  };
  want(0x206, 0x20c, 2);
  want(0x210, host == pvhboot::started_by::xen ? 0x90 : 0xb0, 1);
  want(0x228, cmdline, 4);
  if (modules != 0) {
    want(0x218, initrd, 4);
    want(0x21c, size, 4);
  }
  auto page = std::make_unique<abi::boot_params>();
  std::memset(static_cast<void*>(page.get()), 0xa5, sizeof *page);
  const std::vector<uint8_t> linux_has = wanted;
  const auto put_ranges = [&] {
    size_t entries = 0;
    for (const memory_range& r : map) {
      want(0x2d0 + 20 * entries, r.addr, 8);
      want(0x2d8 + 20 * entries, r.size, 8);
      want(0x2e0 + 20 * entries++, static_cast<uint32_t>(r.type), 4);
    }
    return entries;
  };
  const auto as_linux = translate_as_linux(*boot, map, host, *page);
  AGREE(as_linux.ok() == (map.size() <= 128));
  if (!as_linux) {
    AGREE(as_linux.error().code == errc::e820_full && as_linux.error().where == map.size());
    return;
  }
  size_t entries = put_ranges();
  if (entries < 127) {
    want(0x2d0 + 20 * entries, 0xa0000, 8);
    want(0x2d8 + 20 * entries, 0x60000, 8);
    want(0x2e0 + 20 * entries++, 2, 4);
  }
  want(0x1e8, entries, 1);
  AGREE(raw_of(*page) == wanted);

  wanted = linux_has;
  want(0x70, rsdp, 8);
  want(0xc8, cmdline >> 32, 4);
  if (modules != 0) {
    want(0xc0, initrd >> 32, 4);
    want(0xc4, size >> 32, 4);
  }
  const auto strict = translate(*boot, map, host, *page);
  if (!strict) {
    AGREE(strict.error().code == (map.size() < 2 ? errc::e820_too_few : errc::map_not_prepared));
    AGREE(map.size() < 2 || reaches_top(map) || !map.known_sanitized());
    return;
  }
  AGREE(map.size() >= 2 && !reaches_top(map));
  want(0x1e8, put_ranges(), 1);
  AGREE(raw_of(*page) == wanted);
}

void count_walk(const one_block& memory, uint64_t first, uint32_t limit) {
  ++chains;
  if (!check_walk(memory, first, limit)) ++broken_chains;
}

/// A chain that the library makes, and one of any bytes.
void check_chain(numbers& n) {
  std::vector<uint8_t> storage(n.index(300));
  const uint64_t at = n.chance(20) ? n.edge() & ~uint64_t{7} : 0x10000;
  const uint64_t before = n.chance(2) ? 0 : n.edge();
  setup_data_writer writer{storage, at, before};
  uint64_t used = 0;
  uint64_t head = before;
  std::vector<node> made;
  for (uint64_t i = n.below(6); i > 0; --i) {
    const uint64_t payload = n.chance(12) ? n.edge() : n.below(80);
    const auto type = static_cast<uint32_t>(n.below(12));
    const uint64_t whole = (payload + 16 + 7) / 8 * 8;
    const bool below_end = at + used >= at && at + used < 0 - whole;  // its last byte is not the last of all
    const bool fits = at != 0 && payload < 0xfffffff0 && used + whole <= storage.size() && below_end;
    const auto room = writer.reserve(pvhboot::setup_type{type}, payload);
    AGREE(room.ok() == fits);
    if (!fits) {
      AGREE(room.error().code == errc::setup_data_full && room.error().where == payload);
    } else {
      AGREE(room->data() == storage.data() + used + 16 && room->size() == payload);
      made.insert(made.begin(), {at + used, head, type, static_cast<uint32_t>(payload)});
      head = at + used;
      used += whole;
    }
    AGREE(writer.size() == used && writer.head() == head);
  }
  std::vector<node> found;
  const one_block memory{at, &storage};
  follow(memory, head, 64, found);
  if (before == 0) {
    AGREE(found.size() == made.size());
    for (size_t i = 0; i < made.size(); ++i)
      AGREE(found[i].paddr == made[i].paddr && found[i].next == made[i].next && found[i].type == made[i].type &&
            found[i].len == made[i].len);
  }
  count_walk(memory, head, static_cast<uint32_t>(n.below(8)));

  for (uint8_t& b : storage) b = n.byte();
  for (size_t i = 0; i + 16 < storage.size(); i += 8 + 8 * n.index(5)) {
    const bool indirect = n.chance(4);
    put_little_endian(&storage[i], n.chance(4) ? 0 : at + 8 * n.below(storage.size() / 8 + 1), 8);
    put_little_endian(&storage[i + 8], indirect ? 0x80000000 : n.below(12), 4);
    put_little_endian(&storage[i + 12], n.chance(12) ? n.edge() : indirect ? 24 : n.below(60), 4);
    if (!indirect || i + 40 > storage.size()) continue;
    put_little_endian(&storage[i + 16], n.chance(2) ? 0x80000001 : n.edge(), 4);
    if (!n.chance(4)) put_little_endian(&storage[i + 20], 0, 4);
  }
  count_walk(memory, n.chance(12) ? n.edge() : at + 8 * n.below(4), static_cast<uint32_t>(n.below(12)));
}

/// Any page, with a chain or without one, read back.
void check_any_page(numbers& n) {
  ++read_back;
  std::vector<uint8_t> raw(4096);
  const auto put = [&](size_t at, uint64_t value, unsigned width) { put_little_endian(&raw[at], value, width); };
  const auto get = [&](size_t at, unsigned width) { return little_endian(&raw[at], width); };
  for (uint64_t i = n.below(300); i > 0; --i) raw[n.index(raw.size())] = n.byte();
  put(0x1e8, n.chance(4) ? n.next() : n.below(5), 1);
  put(0x1ef, n.chance(3) ? n.next() : 0, 1);
  put(0x210, n.chance(6) ? 0 : 0xff, 1);
  for (const size_t at : {0x218u, 0x21cu, 0xc0u, 0xc4u, 0xc8u, 0x228u}) put(at, n.chance(3) ? 0 : n.next(), 4);
  std::vector<uint8_t> storage(16 + n.index(100));
  const one_block memory{0x10000, &storage};
  put_little_endian(&storage[8], n.chance(4) ? n.below(3) : 1, 4);
  put_little_endian(&storage[12], n.chance(6) ? n.edge() : n.below(storage.size() - 15), 4);
  if (n.chance(12)) put_little_endian(storage.data(), 0x10000, 8);
  put(0x250, n.chance(3) ? 0 : n.chance(12) ? n.next() : 0x10000, 8);

  const uint64_t entries = get(0x1e8, 1);
  std::vector<memory_range> wanted{range(1, 2, 3)};
  const auto entry_at = [](const uint8_t* p) {
    return range(little_endian(p, 8), little_endian(p + 8, 8), static_cast<uint32_t>(little_endian(p + 16, 4)));
  };
  for (size_t i = 0; i < entries && entries <= 128; ++i) wanted.push_back(entry_at(&raw[0x2d0 + 20 * i]));
  std::vector<node> nodes;
  const auto why = follow(memory, get(0x250, 8), 4, nodes);
  for (const node& one : nodes)
    for (uint64_t at = 0; one.type == 1 && at + 20 <= one.len; at += 20)
      wanted.push_back(entry_at(memory.bytes(one.paddr + 16 + at, 20)));

  owned_map back{n.chance(4) ? 1 + n.index(wanted.size() + 1) : wanted.size(), 0};
  AGREE(back.map.append(wanted[0]).ok());
  const auto page = pvhboot::load<abi::boot_params>(raw.data());
  const auto values = read_zero_page(memory, page, back.map, 4);
  const shown doing{[&] { return "page " + hex(raw) + "\nchain " + hex(storage); }};
  const bool room = wanted.size() <= back.map.capacity();
  AGREE(values.ok() == (entries <= 128 && !why && room));
  if (!values) {
    AGREE(back.map.size() == 1 && back.map[0] == wanted[0]);
    const pvhboot::failure f = values.error();
    if (entries > 128)
      AGREE(f.code == errc::e820_bad_count && f.where == entries);
    else
      AGREE((f.code == errc::map_full && !room) || (why && f.code == why->code && f.where == why->where));
    return;
  }
  AGREE(contents(back.map) == wanted);
  const bool kept = get(0x1ef, 1) == 0;
  AGREE(values->cmdline_paddr == (get(0x228, 4) | (kept ? get(0xc8, 4) << 32 : 0)));
  AGREE(values->rsdp_paddr == (kept ? get(0x70, 8) : 0));
  const uint64_t image = get(0x218, 4) | (kept ? get(0xc0, 4) << 32 : 0);
  const uint64_t size = get(0x21c, 4) | (kept ? get(0xc4, 4) << 32 : 0);
  const bool initrd = image != 0 && size != 0 && get(0x210, 1) != 0;
  AGREE(values->initrd_paddr == (initrd ? image : 0) && values->initrd_size == (initrd ? size : 0));
}

/// Linux takes number and version apart again.
void check_loader(numbers& n) {
  ++loaders;
  const auto number = static_cast<uint16_t>(n.chance(8) ? n.next() : n.below(0x120));
  const auto version = static_cast<uint16_t>(n.chance(8) ? n.next() : n.below(n.chance(2) ? 0x1010 : 18));
  abi::setup_header header{};
  const auto protocol = static_cast<uint16_t>(0x200 + n.below(16));
  header.version = protocol;
  const auto done = pvhboot::set_loader(header, number, version);
  const bool extended = number >= 0x10 || version >= 0x10;
  const bool fits = number != 0xe && number <= 0x10f && version <= 0xfff && (!extended || protocol >= 0x202);
  if (!fits) {
    AGREE(!done && done.error().code == errc::loader_id_too_large);
    AGREE(done.error().where == number || done.error().where == version);
    return;
  }
  if (number == 0 && version % 16 == 0) {
    AGREE(!done && done.error().code == errc::loader_type_zero);
    return;
  }
  AGREE(done.ok());
  const unsigned type = header.type_of_loader;
  AGREE((type >> 4 == 0xe ? header.ext_loader_type + 0x10u : type >> 4) == number);
  AGREE((type % 16 | unsigned{header.ext_loader_ver} << 4) == version);
}

void one_case(numbers& n) {
  check_chain(n);
  check_loader(n);
  check_any_page(n);
  ++kernels;
  static constexpr uint64_t units[] = {0x1000, 0x10000, 0x100000, 0x1000000};
  const uint64_t unit = n.of(units);
  const kernel_file k = read_file(make_file(n, unit));
  const shown file{[&] { return "file " + hex(k.bytes); }};
  const auto kernel = pvhboot::parse_bzimage(k.bytes);
  if (k.why) {
    if (errors_seen.insert(k.why->code).second) ++error_kinds;
    AGREE(!kernel && kernel.error().code == k.why->code && kernel.error().where == k.why->where);
    return;
  }
  ++judged;
  AGREE(kernel.ok());
  check_file(k, *kernel);

  owned_map work{800};
  make_map(n, unit, work.map);
  const memory_map& map = work.map;
  const pieces ram = stretches_of(map);
  const uint64_t lowest = n.chance(3) ? 0x1000 * n.below(0x200) : 0x100000;
  const shown doing{[&] { return text(contents(map)) + " from " + std::to_string(lowest) + "\nfile " + hex(k.bytes); }};
  const auto place = place_kernel(*kernel, map, lowest);
  const auto wanted = find_place(k, ram, lowest);
  pvhboot::kernel_placement at{.load_paddr = 0x100000,
                               .load_size = k.code_size,
                               .runtime_start = k.pref_address(),
                               .runtime_size = k.init_size(),
                               .kernel_alignment = static_cast<uint32_t>(k.alignment())};
  if (wanted) {
    ++placed;
    AGREE(place.ok() && wanted == ::place{place->load_paddr, place->runtime_start, place->kernel_alignment});
    AGREE(place->load_size == k.code_size && place->runtime_size == k.init_size());
    at = *place;
  } else {
    ++unplaced;
    AGREE(!place && place.error().code == errc::no_place_for_kernel);
    AGREE(place.error().where == (k.relocatable() ? std::max(k.init_size(), k.code_size) : k.init_size()));
  }

  const uint64_t initrd_size = n.chance(8) ? n.edge() : n.below(4 * unit);
  const auto initrd = place_initrd(*kernel, initrd_size, map);
  if (const auto there = find_initrd_place(k, ram, initrd_size)) {
    ++initrds;
    AGREE(initrd.ok() && *initrd == *there);
  } else {
    AGREE(!initrd && initrd.error().code == errc::no_place_for_initrd && initrd.error().where == k.initrd_addr_max());
  }
  check_layouts(n, k, *kernel, map, at);
  check_kernel_role(n, map);
}

}  // namespace

int main(int argc, char** argv) { return attack::run(argc, argv, 60000, one_case); }
