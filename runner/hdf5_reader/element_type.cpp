#include "runner/hdf5_reader/element_type.hpp"

#include <array>
#include <bit>
#include <string>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

struct Known {
  ArrayType type;
  hid_t little;
  hid_t big;
};

// Half precision, which libhdf5 1.10 has no name for: as h5py and PyTables make it.
Hdf5Id half(hid_t single) {
  Hdf5Id type(H5Tcopy(single), H5Tclose);
  const bool made = type.ok() && H5Tset_fields(type.get(), 15, 10, 5, 0, 10) >= 0 &&
                    H5Tset_size(type.get(), 2) >= 0 && H5Tset_ebias(type.get(), 15) >= 0;
  return made ? std::move(type) : Hdf5Id();
}

const char* class_name(H5T_class_t kind) {
  switch (kind) {
    case H5T_TIME:
      return "times";
    case H5T_STRING:
      return "texts";
    case H5T_BITFIELD:
      return "bit fields";
    case H5T_OPAQUE:
      return "opaque bytes";
    case H5T_COMPOUND:
      return "compound elements (a table, or complex numbers)";
    case H5T_REFERENCE:
      return "references";
    case H5T_ENUM:
      return "an enumeration other than h5py's booleans";
    case H5T_VLEN:
      return "sequences of variable length";
    case H5T_ARRAY:
      return "elements that are arrays";
    default:
      return "elements of an unknown class";
  }
}

Status refused(hid_t stored) {
  constexpr const char* kNext = "; write them as u8, i8, i16, i32, i64, f16, f32, f64 or bool";
  const H5T_class_t kind = H5Tget_class(stored);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
    return Status::input(text("has ", class_name(kind), ", which are not read", kNext));
  }
  const char* what = kind == H5T_FLOAT                     ? "real numbers"
                     : H5Tget_sign(stored) == H5T_SGN_NONE ? "unsigned whole numbers"
                                                           : "whole numbers";
  return Status::input(
      text("has ", what, " of ", 8 * H5Tget_size(stored), " bits, which are not read", kNext));
}

bool has_member(hid_t stored, unsigned index, const std::string& name, signed char value) {
  char* const found = H5Tget_member_name(stored, index);
  if (found == nullptr) return false;
  const bool same = found == name;
  static_cast<void>(H5free_memory(found));
  signed char number = -1;
  return same && H5Tget_member_value(stored, index, &number) >= 0 && number == value;
}

bool is_bool(hid_t stored) {
  return H5Tget_class(stored) == H5T_ENUM && H5Tget_size(stored) == 1 &&
         H5Tget_nmembers(stored) == 2 && has_member(stored, 0, "FALSE", 0) &&
         has_member(stored, 1, "TRUE", 1);
}

}  // namespace

Result<ElementType> element_type(hid_t stored) {
  if (is_bool(stored)) {
    return ElementType{ArrayType::kBool, Hdf5Id(H5Tcopy(stored), H5Tclose), true};
  }
  const Hdf5Id half_little = half(H5T_IEEE_F32LE);
  const Hdf5Id half_big = half(H5T_IEEE_F32BE);
  const std::array<Known, 8> known = {{
      {ArrayType::kU8, H5T_STD_U8LE, H5T_STD_U8BE},
      {ArrayType::kI8, H5T_STD_I8LE, H5T_STD_I8BE},
      {ArrayType::kI16, H5T_STD_I16LE, H5T_STD_I16BE},
      {ArrayType::kI32, H5T_STD_I32LE, H5T_STD_I32BE},
      {ArrayType::kI64, H5T_STD_I64LE, H5T_STD_I64BE},
      {ArrayType::kF16, half_little.get(), half_big.get()},
      {ArrayType::kF32, H5T_IEEE_F32LE, H5T_IEEE_F32BE},
      {ArrayType::kF64, H5T_IEEE_F64LE, H5T_IEEE_F64BE},
  }};
  constexpr bool kLittle = std::endian::native == std::endian::little;
  for (const Known& one : known) {
    const hid_t native = kLittle ? one.little : one.big;
    const bool as_stored = H5Tequal(stored, native) > 0;
    if (!as_stored && H5Tequal(stored, kLittle ? one.big : one.little) <= 0) continue;
    return ElementType{one.type, Hdf5Id(H5Tcopy(native), H5Tclose),
                       as_stored || array_type_bytes(one.type) == 1};
  }
  return refused(stored);
}

}  // namespace aesweep
