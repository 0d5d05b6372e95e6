#include "runner/store/h5_checked.hpp"

#include <hdf5.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep::h5 {
namespace {

Status refused(const Node& parent, const std::string& name, const std::string& why) {
  return Status::input(text("cannot read ", parent.where, "/", name, ": ", why));
}

// Soft and external links lead elsewhere, an external one to another file.
Status check_link(const Node& parent, const std::string& name) {
  H5L_info_t info{};
  if (H5Lexists(parent.handle.id(), name.c_str(), H5P_DEFAULT) <= 0) {
    return refused(parent, name, "it is not there");
  }
  if (H5Lget_info(parent.handle.id(), name.c_str(), &info, H5P_DEFAULT) < 0) {
    return refused(parent, name, "its link is damaged");
  }
  return info.type == H5L_TYPE_HARD ? Status() : refused(parent, name, "it is no hard link");
}

// `count` cells of `cell` bytes lie within `bytes_max`.
bool fits(hssize_t count, std::size_t cell, std::uint64_t bytes_max) {
  return count >= 0 && cell > 0 && static_cast<std::uint64_t>(count) <= bytes_max / cell;
}

// Bytes of one chunk of a chunked data set, which libhdf5 allocates whole; 0 where it cannot tell.
std::uint64_t chunk_bytes(hid_t list, int rank, std::size_t cell) {
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  if (rank < 1 || H5Pget_chunk(list, rank, dims.data()) != rank) return 0;
  std::uint64_t bytes = cell;
  for (const hsize_t dim : dims) {
    if (dim == 0 || bytes > UINT64_MAX / dim) return 0;
    bytes *= dim;
  }
  return bytes;
}

// Where and how the data set's bytes lie: in this file, unfiltered.
Status check_layout(const Node& parent, const std::string& name, hid_t dataset, int rank,
                    std::size_t cell, std::uint64_t bytes_max) {
  const Handle list(H5Dget_create_plist(dataset), H5Pclose);
  if (!list.ok()) return refused(parent, name, "its layout is damaged");
  const H5D_layout_t layout = H5Pget_layout(list.id());
  if (layout != H5D_CONTIGUOUS && layout != H5D_COMPACT && layout != H5D_CHUNKED) {
    return refused(parent, name, "its layout is none of this format");
  }
  if (H5Pget_external_count(list.id()) != 0) return refused(parent, name, "it is in another file");
  if (H5Pget_nfilters(list.id()) != 0) {
    return refused(parent, name, "it is compressed, which this format has for /history only");
  }
  if (layout != H5D_CHUNKED) return {};
  // A short table has a chunk larger than itself, but not larger than what the writer aims at.
  constexpr std::uint64_t kChunkBytesMax = std::uint64_t{16} << 20;
  const std::uint64_t bytes = chunk_bytes(list.id(), rank, cell);
  if (bytes == 0 || bytes > std::max(bytes_max, kChunkBytesMax)) {
    return refused(parent, name, text("its chunks of ", bytes, " bytes are larger than the file"));
  }
  return {};
}

// Everything about a data set that decides what reading it allocates.
Status check_dataset(const Node& parent, const std::string& name, std::uint64_t bytes_max) {
  AESWEEP_RETURN_IF_ERROR(check_link(parent, name));
  const Handle dataset(H5Dopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.ok()) return refused(parent, name, "it is damaged, or no data set");
  const Handle type(H5Dget_type(dataset.id()), H5Tclose);
  const Handle space(H5Dget_space(dataset.id()), H5Sclose);
  if (!type.ok() || !space.ok()) return refused(parent, name, "its type or shape is damaged");
  for (const H5T_class_t alien : {H5T_VLEN, H5T_REFERENCE}) {
    if (H5Tdetect_class(type.id(), alien) != 0) {
      return refused(parent, name, "it has data of variable length, which this format has not");
    }
  }
  if (H5Tget_class(type.id()) == H5T_STRING && H5Tis_variable_str(type.id()) != 0) {
    return refused(parent, name, "it is a text of variable length, which this format has not");
  }
  const int rank = H5Sget_simple_extent_ndims(space.id());
  const hssize_t count = H5Sget_simple_extent_npoints(space.id());
  const std::size_t cell = H5Tget_size(type.id());
  if (rank < 0 || !fits(count, cell, bytes_max)) {
    return refused(parent, name,
                   text("its ", count, " elements of ", cell, " bytes do not fit into a file of ",
                        bytes_max, " bytes"));
  }
  return check_layout(parent, name, dataset.id(), rank, cell, bytes_max);
}

// The column that a member of a compound is; false: none of this format.
bool column_of(hid_t type, Column& column) {
  const std::pair<hid_t, CellType> known[] = {
      {H5T_STD_U8LE, CellType::kU1},   {H5T_STD_I32LE, CellType::kI4},
      {H5T_STD_I64LE, CellType::kI8},  {H5T_STD_U64LE, CellType::kU8},
      {H5T_IEEE_F32LE, CellType::kF4}, {H5T_IEEE_F64LE, CellType::kF8}};
  if (H5Tget_class(type) == H5T_STRING) {
    column.type = CellType::kText;
    column.text_bytes = H5Tget_size(type);
    return H5Tis_variable_str(type) == 0 && column.text_bytes > 0;
  }
  for (const auto& [candidate, cell] : known) {
    if (H5Tequal(type, candidate) <= 0) continue;
    column.type = cell;
    return true;
  }
  return false;
}

Result<std::vector<Column>> columns_of(const Node& parent, const std::string& name) {
  const Handle dataset(H5Dopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type(dataset.ok() ? H5Dget_type(dataset.id()) : H5I_INVALID_HID, H5Tclose);
  const int count =
      type.ok() && H5Tget_class(type.id()) == H5T_COMPOUND ? H5Tget_nmembers(type.id()) : 0;
  if (count <= 0) return refused(parent, name, "it is no table");
  std::vector<Column> columns;
  for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
    char* member = H5Tget_member_name(type.id(), i);
    Column column{member == nullptr ? "" : member, CellType::kU1};
    if (member != nullptr && H5free_memory(member) < 0) return refused(parent, name, "damaged");
    const Handle cell(H5Tget_member_type(type.id(), i), H5Tclose);
    if (!cell.ok() || column.name.empty() || !column_of(cell.id(), column)) {
      return refused(
          parent, name,
          text("its column ", i, " '", column.name, "' has a type that this format has not"));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace

Result<Node> open_checked_group(const Node& parent, const std::string& name) {
  AESWEEP_RETURN_IF_ERROR(check_link(parent, name));
  return open_group(parent, name);
}

Result<std::vector<std::string>> members(const Node& group, std::uint64_t bytes_max) {
  constexpr std::uint64_t kLinkBytesMin = 8;  // An address.
  const Status damaged =
      Status::input(text("cannot read ", group.where, ": its list of members is damaged"));
  H5G_info_t info{};
  if (H5Gget_info(group.handle.id(), &info) < 0 || info.nlinks > bytes_max / kLinkBytesMin) {
    return damaged;
  }
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    try {  // No exception may cross libhdf5.
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    } catch (const std::bad_alloc&) {
      return -1;
    }
    return 0;
  };
  if (H5Literate(group.handle.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names) < 0) {
    return damaged;
  }
  return names;
}

Result<std::string> read_checked_text(const Node& parent, const std::string& name,
                                      std::uint64_t bytes_max) {
  AESWEEP_RETURN_IF_ERROR(check_dataset(parent, name, bytes_max));
  return read_text(parent, name);
}

Result<Array> read_checked_array(const Node& parent, const std::string& name,
                                 std::uint64_t bytes_max) {
  AESWEEP_RETURN_IF_ERROR(check_dataset(parent, name, bytes_max));
  return read_array(parent, name);
}

Result<std::string> checked_attribute(const Node& parent, const std::string& name,
                                      std::uint64_t bytes_max) {
  const std::string what = "attribute " + name;
  if (H5Aexists(parent.handle.id(), name.c_str()) <= 0) {
    return refused(parent, what, "it is not there");
  }
  {
    const Handle attribute(H5Aopen(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Aclose);
    const Handle type(attribute.ok() ? H5Aget_type(attribute.id()) : H5I_INVALID_HID, H5Tclose);
    if (!type.ok() || !fits(1, H5Tget_size(type.id()), bytes_max)) {
      return refused(parent, what, "its type is damaged");
    }
  }
  return text_attribute(parent, name);
}

Result<Table> read_checked_table(const Node& parent, const std::string& name,
                                 std::uint64_t bytes_max) {
  AESWEEP_RETURN_IF_ERROR(check_dataset(parent, name, bytes_max));
  Result<std::vector<Column>> columns = columns_of(parent, name);
  if (!columns.ok()) return columns.status();
  return read_table(parent, name, *columns);
}

}  // namespace aesweep::h5
