#include "tests/support/h5_compare.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>

namespace aesweep {
namespace {

// The walk ends at the first difference, and a failing call ends it too: both by exception, inside
// this file only.
struct Difference : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
T checked(T value, const std::string& what) {
  if (value < 0) throw Difference(what + ": HDF5 cannot read it");
  return value;
}

class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t), const std::string& what)
      : id_(checked(id, what)), close_(close) {}
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  ~Id() {
    if (close_(id_) < 0) std::abort();  // A handle opened above, for reading: cannot fail.
  }
  operator hid_t() const { return id_; }  // NOLINT: stands for the id.

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

std::vector<std::string> links(hid_t group, const std::string& where) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  checked(H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add, &names), where);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> attributes(hid_t object, const std::string& where) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  checked(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add, &names), where);
  std::sort(names.begin(), names.end());
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "nothing" : all;
}

void same_names(const std::vector<std::string>& a, const std::vector<std::string>& b,
                const std::string& where, const char* kind) {
  if (a == b) return;
  std::vector<std::string> only_a, only_b;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only_a));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(only_b));
  throw Difference(where + ": " + kind + " only in the first: " + joined(only_a) +
                   "; only in the second: " + joined(only_b));
}

std::vector<hsize_t> same_shape(hid_t space_a, hid_t space_b, const std::string& where) {
  if (checked(H5Sextent_equal(space_a, space_b), where) == 0) {
    throw Difference(where + ": the shapes differ");
  }
  std::vector<hsize_t> dims(
      static_cast<std::size_t>(checked(H5Sget_simple_extent_ndims(space_a), where)));
  checked(H5Sget_simple_extent_dims(space_a, dims.data(), nullptr), where);
  return dims;
}

// Puts the name of the object behind every reference into `out`; other bytes are appended as they
// are.
void flatten(hid_t file, hid_t type, const unsigned char* bytes, const std::string& where,
             std::string& out) {
  const H5T_class_t kind = H5Tget_class(type);
  const std::size_t size = H5Tget_size(type);
  if (kind == H5T_REFERENCE) {
    char name[1024];
    const ssize_t length = H5Rget_name(file, H5R_OBJECT, bytes, name, sizeof name);
    checked(length, where);
    out.append(name, static_cast<std::size_t>(length)).push_back('\0');
  } else if (kind == H5T_VLEN) {
    const hvl_t list = *reinterpret_cast<const hvl_t*>(bytes);
    const Id base(H5Tget_super(type), H5Tclose, where);
    const std::size_t step = H5Tget_size(base);
    out += std::to_string(list.len) + ":";
    for (std::size_t i = 0; i < list.len; ++i) {
      flatten(file, base, static_cast<const unsigned char*>(list.p) + i * step, where, out);
    }
  } else if (kind == H5T_COMPOUND) {
    const int members = checked(H5Tget_nmembers(type), where);
    for (int i = 0; i < members; ++i) {
      const Id member(H5Tget_member_type(type, static_cast<unsigned>(i)), H5Tclose, where);
      flatten(file, member, bytes + H5Tget_member_offset(type, static_cast<unsigned>(i)), where,
              out);
    }
  } else {
    out.append(reinterpret_cast<const char*>(bytes), size);
  }
}

bool holds_references(hid_t type) {
  return H5Tdetect_class(type, H5T_REFERENCE) > 0 || H5Tdetect_class(type, H5T_VLEN) > 0;
}

// Elements in the file's own type, references resolved.
std::string content(hid_t file, hid_t type, hid_t space, std::vector<unsigned char>& raw,
                    const std::string& where) {
  if (!holds_references(type)) return {reinterpret_cast<const char*>(raw.data()), raw.size()};
  std::string out;
  const std::size_t size = H5Tget_size(type);
  for (std::size_t i = 0; i + size <= raw.size(); i += size) {
    flatten(file, type, raw.data() + i, where, out);
  }
  checked(H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data()), where);
  return out;
}

std::vector<unsigned char> room(hid_t type, hid_t space, const std::string& where) {
  return std::vector<unsigned char>(
      H5Tget_size(type) *
      static_cast<std::size_t>(checked(H5Sget_simple_extent_npoints(space), where)));
}

void same_content(const std::string& a, const std::string& b, std::size_t element_bytes,
                  const std::vector<hsize_t>& dims, const std::string& where) {
  if (a == b) return;
  if (a.size() != b.size()) throw Difference(where + ": the contents differ in length");
  const auto first = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin();
  std::size_t element = static_cast<std::size_t>(first) / element_bytes;
  std::ostringstream index;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    std::size_t below = 1;
    for (std::size_t e = d + 1; e < dims.size(); ++e) below *= dims[e];
    index << (d == 0 ? "" : ", ") << element / below;
    element %= below;
  }
  throw Difference(where + ": the contents differ, first at [" + index.str() + "], byte " +
                   std::to_string(static_cast<std::size_t>(first) % element_bytes) + " of " +
                   std::to_string(element_bytes));
}

class Comparer {
 public:
  Comparer(const std::string& left, const std::string& right,
           const std::vector<std::string>& without)
      : a_(H5Fopen(left.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, left),
        b_(H5Fopen(right.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, right),
        without_(without.begin(), without.end()) {}

  void run() { object("/"); }

 private:
  void object(const std::string& where) {
    const Id a(H5Oopen(a_, where.c_str(), H5P_DEFAULT), H5Oclose, where);
    const Id b(H5Oopen(b_, where.c_str(), H5P_DEFAULT), H5Oclose, where);
    if (H5Iget_type(a) != H5Iget_type(b)) throw Difference(where + ": one is a group, one is not");
    all_attributes(a, b, where);
    if (H5Iget_type(a) == H5I_DATASET) return dataset(a, b, where);
    if (H5Iget_type(a) == H5I_GROUP) group(a, b, where);
  }

  void group(hid_t a, hid_t b, const std::string& where) {
    const auto kept = [&](std::vector<std::string> names) {
      std::erase_if(names, [&](const std::string& name) {
        return without_.count((where == "/" ? "/" : where + "/") + name) > 0;
      });
      return names;
    };
    const std::vector<std::string> names = kept(links(a, where));
    same_names(names, kept(links(b, where)), where, "members");
    for (const std::string& name : names) object((where == "/" ? "/" : where + "/") + name);
  }

  void dataset(hid_t a, hid_t b, const std::string& where) {
    const Id type_a(H5Dget_type(a), H5Tclose, where), type_b(H5Dget_type(b), H5Tclose, where);
    const Id space_a(H5Dget_space(a), H5Sclose, where), space_b(H5Dget_space(b), H5Sclose, where);
    if (checked(H5Tequal(type_a, type_b), where) == 0)
      throw Difference(where + ": the types differ");
    const std::vector<hsize_t> dims = same_shape(space_a, space_b, where);
    std::vector<unsigned char> raw_a = room(type_a, space_a, where);
    std::vector<unsigned char> raw_b = room(type_b, space_b, where);
    if (raw_a.empty()) return;
    checked(H5Dread(a, type_a, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw_a.data()), where);
    checked(H5Dread(b, type_b, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw_b.data()), where);
    same_content(content(a_, type_a, space_a, raw_a, where),
                 content(b_, type_b, space_b, raw_b, where), H5Tget_size(type_a), dims, where);
  }

  void all_attributes(hid_t a, hid_t b, const std::string& where) {
    const std::vector<std::string> names = attributes(a, where);
    same_names(names, attributes(b, where), where, "attributes");
    for (const std::string& name : names) attribute(a, b, name, where + " @" + name);
  }

  void attribute(hid_t object_a, hid_t object_b, const std::string& name,
                 const std::string& where) {
    const Id a(H5Aopen(object_a, name.c_str(), H5P_DEFAULT), H5Aclose, where);
    const Id b(H5Aopen(object_b, name.c_str(), H5P_DEFAULT), H5Aclose, where);
    const Id type_a(H5Aget_type(a), H5Tclose, where), type_b(H5Aget_type(b), H5Tclose, where);
    const Id space_a(H5Aget_space(a), H5Sclose, where), space_b(H5Aget_space(b), H5Sclose, where);
    if (checked(H5Tequal(type_a, type_b), where) == 0)
      throw Difference(where + ": the types differ");
    const std::vector<hsize_t> dims = same_shape(space_a, space_b, where);
    std::vector<unsigned char> raw_a = room(type_a, space_a, where);
    std::vector<unsigned char> raw_b = room(type_b, space_b, where);
    checked(H5Aread(a, type_a, raw_a.data()), where);
    checked(H5Aread(b, type_b, raw_b.data()), where);
    same_content(content(a_, type_a, space_a, raw_a, where),
                 content(b_, type_b, space_b, raw_b, where), H5Tget_size(type_a), dims, where);
  }

  Id a_;
  Id b_;
  std::set<std::string> without_;
};

}  // namespace

Comparison compare_h5(const std::string& left, const std::string& right,
                      const std::vector<std::string>& without) {
  H5E_auto2_t printer = nullptr;
  void* printer_data = nullptr;
  if (H5Eget_auto2(H5E_DEFAULT, &printer, &printer_data) < 0 ||
      H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) < 0) {
    return {false, "HDF5 refuses to be quiet"};
  }
  Comparison result{true, ""};
  try {
    Comparer(left, right, without).run();
  } catch (const Difference& difference) {
    result = {false, difference.what()};
  }
  if (H5Eset_auto2(H5E_DEFAULT, printer, printer_data) < 0) {
    return {false, "HDF5 refuses its error printer"};
  }
  return result;
}

}  // namespace aesweep
