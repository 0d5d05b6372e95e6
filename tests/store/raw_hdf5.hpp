// Reads HDF5 on the raw API, for tests: nothing here is shared with runner/store. Whatever fails
// throws.
#pragma once

#include <hdf5.h>

#include <cstring>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace aesweep {

class RawFile {
 public:
  explicit RawFile(const std::string& path)
      : file_(need(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), path)) {}
  // The file of these bytes.
  explicit RawFile(std::span<const std::byte> image) {
    const hid_t access = need(H5Pcreate(H5P_FILE_ACCESS), "access list");
    need(H5Pset_fapl_core(access, 1 << 16, false), "core driver");
    std::vector<std::byte> copy(image.begin(), image.end());
    need(H5Pset_file_image(access, copy.data(), copy.size()), "file image");
    // libhdf5 takes two images of the same name for one file.
    const std::string name = "image " + std::to_string(reinterpret_cast<std::uintptr_t>(this));
    file_ = need(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access), name);
    need(H5Pclose(access), "access list");
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile() { H5Fclose(file_); }

  [[nodiscard]] bool has(const std::string& path) const {
    // H5Lexists wants every group on the way to exist.
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      if (H5Lexists(file_, path.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
    }
    return H5Lexists(file_, path.c_str(), H5P_DEFAULT) > 0;
  }

  [[nodiscard]] std::vector<std::string> members(const std::string& path) const {
    std::vector<std::string> names;
    const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
      return 0;
    };
    need(H5Literate_by_name(file_, path.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names,
                            H5P_DEFAULT),
         path);
    return names;
  }

  [[nodiscard]] std::vector<hsize_t> shape(const std::string& path) const {
    const hid_t set = need(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), path);
    const hid_t space = need(H5Dget_space(set), path);
    std::vector<hsize_t> dims(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    need(H5Sget_simple_extent_dims(space, dims.data(), nullptr), path);
    need(H5Sclose(space), path);
    need(H5Dclose(set), path);
    return dims;
  }

  // Names of a compound's members and their types: "id:i8", "key:S64", "p:f8", "b:u1", "h:S3utf8".
  // For another dataset, its type alone.
  [[nodiscard]] std::vector<std::string> columns(const std::string& path) const {
    const hid_t set = need(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), path);
    const hid_t type = need(H5Dget_type(set), path);
    std::vector<std::string> named;
    const bool compound = H5Tget_class(type) == H5T_COMPOUND;
    if (!compound) named.push_back(type_text(type));
    for (int i = 0; compound && i < H5Tget_nmembers(type); ++i) {
      char* name = H5Tget_member_name(type, static_cast<unsigned>(i));
      const hid_t member = need(H5Tget_member_type(type, static_cast<unsigned>(i)), path);
      named.push_back(std::string(name) + ":" + type_text(member));
      need(H5Tclose(member), path);
      need(H5free_memory(name), path);
    }
    need(H5Tclose(type), path);
    need(H5Dclose(set), path);
    return named;
  }

  // All elements of a dataset, or of one column of a compound, as numbers of type T.
  template <class T>
  [[nodiscard]] std::vector<T> numbers(const std::string& path,
                                       const std::string& column = "") const {
    const hid_t native = native_type(T());
    hid_t memory = native;
    if (!column.empty()) {
      memory = need(H5Tcreate(H5T_COMPOUND, sizeof(T)), path);
      need(H5Tinsert(memory, column.c_str(), 0, native), path);
    }
    std::vector<T> values(count(path));
    read(path, memory, values.data());
    if (!column.empty()) need(H5Tclose(memory), path);
    return values;
  }

  // The same for fixed-length texts.
  [[nodiscard]] std::vector<std::string> texts(const std::string& path,
                                               const std::string& column = "") const {
    constexpr std::size_t kWidth = 4096;
    const hid_t words = text_type(kWidth);
    hid_t memory = words;
    if (!column.empty()) {
      memory = need(H5Tcreate(H5T_COMPOUND, kWidth), path);
      need(H5Tinsert(memory, column.c_str(), 0, words), path);
    }
    std::vector<char> raw(count(path) * kWidth);
    read(path, memory, raw.data());
    std::vector<std::string> values;
    for (std::size_t i = 0; i < raw.size(); i += kWidth) {
      values.emplace_back(raw.data() + i, strnlen(raw.data() + i, kWidth));
    }
    if (!column.empty()) need(H5Tclose(memory), path);
    need(H5Tclose(words), path);
    return values;
  }
  [[nodiscard]] std::string text(const std::string& path) const { return texts(path).at(0); }

  [[nodiscard]] std::string text_attribute(const std::string& path, const std::string& name) const {
    const hid_t attribute = need(
        H5Aopen_by_name(file_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), path + name);
    const hid_t words = text_type(4096);
    std::vector<char> raw(4096);
    need(H5Aread(attribute, words, raw.data()), path + name);
    need(H5Tclose(words), name);
    need(H5Aclose(attribute), name);
    return {raw.data(), strnlen(raw.data(), raw.size())};
  }

  [[nodiscard]] std::int64_t integer_attribute(const std::string& path,
                                               const std::string& name) const {
    const hid_t attribute = need(
        H5Aopen_by_name(file_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), path + name);
    std::int64_t value = 0;
    need(H5Aread(attribute, H5T_NATIVE_INT64, &value), path + name);
    need(H5Aclose(attribute), name);
    return value;
  }

  [[nodiscard]] hid_t id() const { return file_; }

 private:
  template <class T>
  static T need(T value, const std::string& what) {
    if (value < 0) throw std::runtime_error("HDF5 cannot read " + what);
    return value;
  }

  static hid_t text_type(std::size_t width) {
    const hid_t type = need(H5Tcopy(H5T_C_S1), "string type");
    need(H5Tset_size(type, width), "string type");
    need(H5Tset_strpad(type, H5T_STR_NULLPAD), "string type");
    return type;
  }

  static std::string type_text(hid_t type) {
    const std::string size = std::to_string(H5Tget_size(type));
    switch (H5Tget_class(type)) {
      case H5T_INTEGER:
        return (H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "i") + size;
      case H5T_FLOAT:
        return "f" + size;
      case H5T_STRING:
        return H5Tis_variable_str(type) > 0
                   ? "variable"
                   : "S" + size + (H5Tget_cset(type) == H5T_CSET_UTF8 ? "utf8" : "");
      default:
        return "other";
    }
  }

  static hid_t native_type(double) { return H5T_NATIVE_DOUBLE; }
  static hid_t native_type(float) { return H5T_NATIVE_FLOAT; }
  static hid_t native_type(std::int32_t) { return H5T_NATIVE_INT32; }
  static hid_t native_type(std::int64_t) { return H5T_NATIVE_INT64; }
  static hid_t native_type(std::uint64_t) { return H5T_NATIVE_UINT64; }

  [[nodiscard]] std::size_t count(const std::string& path) const {
    std::size_t elements = 1;
    for (const hsize_t dim : shape(path)) elements *= dim;
    return elements;
  }

  void read(const std::string& path, hid_t memory, void* out) const {
    const hid_t set = need(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), path);
    need(H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), path);
    need(H5Dclose(set), path);
  }

  hid_t file_ = -1;
};

}  // namespace aesweep
