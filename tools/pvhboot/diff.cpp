// SPDX-License-Identifier: BSL-1.0
//
// The command diff: the fields of two structures by reflection, everything else by the paths of the two documents.
#include <map>
#include <type_traits>

#include <fmt/format.h>

#include <pvhboot/reflect.hpp>

#include "commands.hpp"
#include "render.hpp"

namespace tool {

namespace {

/// The structure that the fields of a document describe.
template <class S> S struct_of(const json& fields) {
  pvhboot::array<uint8_t, sizeof(S)> bytes{};
  for (const json& f : fields) {
    const size_t at = f["offset"].get<size_t>() - pvhboot::spec::table<S>::base;
    const auto size = f["size"].get<size_t>();
    for (size_t i = 0; i < size; ++i)
      bytes[at + i] =
          f["value"].is_number()
              ? static_cast<uint8_t>(f["value"].get<uint64_t>() >> 8 * i)
              : static_cast<uint8_t>(std::stoul(f["value"].get<std::string>().substr(2 * i, 2), nullptr, 16));
  }
  return __builtin_bit_cast(S, bytes);
}

/// A number of a wire struct, or the bytes of an array in hexadecimal digits.
template <class V> json value_of(const V& v) {
  if constexpr (requires { v.get(); }) {
    const auto value = v.get();
    if constexpr (std::is_enum_v<std::remove_const_t<decltype(value)>>)
      return static_cast<std::underlying_type_t<std::remove_const_t<decltype(value)>>>(value);
    else
      return value;
  } else if constexpr (std::is_integral_v<V>) {
    return v;
  } else {
    const auto raw = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof(V)>, v);
    return fmt::format("{:02x}", fmt::join(raw.begin(), raw.end(), ""));
  }
}

/// Where two documents differ.
class differences {
 public:
  void add(const std::string& path, const json& a, const json& b) {
    list_.push_back({{"path", path}, {"a", a}, {"b", b}});
  }
  /// Field by field; those of nested structs one by one.
  template <class S> void compare(const S& a, const S& b, const std::string& prefix) {
    pvhboot::for_each_difference(a, b, [&](const pvhboot::spec::field& f, const auto& x, const auto& y) {
      if constexpr (pvhboot::wire_struct<std::remove_cvref_t<decltype(x)>>)
        compare(x, y, prefix + f.name + ".");
      else
        add(prefix + f.name, value_of(x), value_of(y));
    });
  }
  [[nodiscard]] const json& list() const { return list_; }

 private:
  json list_ = json::array();
};

/// Every value of a document by its path, without fields and without what follows from the place of a file.
std::map<std::string, json> flattened(const json& part) {
  std::map<std::string, json> values;
  const json flat = part.flatten();
  for (const auto& [path, value] : flat.items())
    if (path.find("/findings") != 0 && path.find("/extents") != 0 && path.find("/fields") != 0) values[path] = value;
  return values;
}

std::string shown(const json& v) { return v.is_number_unsigned() ? hex(v.get<uint64_t>()) : printable(v.dump()); }

}  // namespace

int command_diff(const dump_options& a, const dump_options& b) {
  const json document_a = read(a), document_b = read(b);
  const bool is_page = document_a.contains("zero_page");
  if (is_page != document_b.contains("zero_page"))
    throw bad_input("one of the two is a zero page and the other a handoff");
  const json& part_a = only_part(document_a, "diff");
  const json& part_b = only_part(document_b, "diff");
  differences found;
  const auto compare_as = [&]<class S>(const S&) {
    found.compare(struct_of<S>(part_a["fields"]), struct_of<S>(part_b["fields"]), "/fields/");
  };
  if (is_page)
    compare_as(pvhboot::abi::boot_params{});
  else
    compare_as(pvhboot::abi::hvm_start_info{});
  const auto values_a = flattened(part_a), values_b = flattened(part_b);
  for (const auto& [path, value] : values_a) {
    const auto other = values_b.find(path);
    if (other == values_b.end() || other->second != value)
      found.add(path, value, other == values_b.end() ? json{} : other->second);
  }
  for (const auto& [path, value] : values_b)
    if (values_a.find(path) == values_a.end()) found.add(path, {}, value);
  if (a.as_json) {
    print_json({{"schema", "pvhboot/diff/1"},
                {"a", document_a["file"]},
                {"b", document_b["file"]},
                {"differences", found.list()}});
  } else {
    for (const json& d : found.list())
      fmt::print("{}: {} {} {}\n", d["path"].get<std::string>(), painted(ink::bad, shown(d["a"])), "->",
                 painted(ink::good, shown(d["b"])));
  }
  return found.list().empty() ? 0 : 1;
}

}  // namespace tool
