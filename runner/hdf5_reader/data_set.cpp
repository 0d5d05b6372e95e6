#include "runner/hdf5_reader/data_set.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "runner/hdf5_reader/box.hpp"
#include "runner/hdf5_reader/find_set.hpp"

namespace aesweep {
namespace {

Status damaged(const char* what) {
  return Status::input(text("its ", what, " is damaged: ", hdf5_reason()));
}

Result<Hdf5Id> open_file(const std::string& path) {
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  // The ordinary driver whatever the environment says; a large cache of chunks, made when needed.
  if (!access.ok() || H5Pset_fapl_sec2(access.get()) < 0 ||
      H5Pset_cache(access.get(), 0, 12421, kChunkCacheBytes, 1.0) < 0) {
    return Status::world("libhdf5 does not start: " + hdf5_reason());
  }
  Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!file.ok()) return Status::input("cannot be opened as HDF5: " + hdf5_reason());
  return file;
}

Status check_filters(hid_t list) {
  const int filters = H5Pget_nfilters(list);
  if (filters < 0) return damaged("list of filters");
  for (int i = 0; i < filters; ++i) {
    std::array<char, 32> name{};
    unsigned flags = 0;
    unsigned configuration = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(list, static_cast<unsigned>(i), &flags, &values,
                                               nullptr, name.size(), name.data(), &configuration);
    if (filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
        filter == H5Z_FILTER_FLETCHER32) {
      continue;
    }
    return Status::input(text("is packed with filter ", static_cast<int>(filter),
                              "; only deflate (gzip), shuffle and fletcher32 are read. Write it "
                              "anew with h5repack -f GZIP=4"));
  }
  return {};
}

Status check_chunks(hid_t list, std::size_t element) {
  std::array<hsize_t, H5S_MAX_RANK> dims{};
  const int rank = H5Pget_chunk(list, static_cast<int>(dims.size()), dims.data());
  if (rank < 0 || rank > static_cast<int>(dims.size())) return damaged("layout");
  std::optional<std::uint64_t> bytes = element;
  for (int d = 0; d < rank; ++d) {
    if (bytes) bytes = checked_multiply(*bytes, dims[static_cast<std::size_t>(d)]);
  }
  if (bytes && *bytes <= kChunkBytesMax) return {};
  return Status::input(text("has chunks of ", bytes ? text(*bytes) : "2^64 or more",
                            " bytes; at most ", kChunkBytesMax,
                            ". Write it anew in smaller ones, h5repack -l CHUNK=..."));
}

// Where the bytes are: before the shape is asked for, which would open the files of a virtual set.
Result<H5D_layout_t> check_layout(hid_t list, std::size_t element) {
  const H5D_layout_t layout = H5Pget_layout(list);
  if (layout == H5D_VIRTUAL) {
    return Status::input("is virtual, that is, in other files; name the data set in its own file");
  }
  if (H5Pget_external_count(list) != 0) {
    return Status::input("has its data in other files (external storage), which are not read");
  }
  AESWEEP_RETURN_IF_ERROR(check_filters(list));
  if (layout == H5D_CHUNKED) AESWEEP_RETURN_IF_ERROR(check_chunks(list, element));
  if (layout == H5D_CHUNKED || layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) return layout;
  return damaged("layout");
}

Result<std::vector<std::int64_t>> dims_of(hid_t space) {
  if (H5Sget_simple_extent_type(space) == H5S_NULL) {
    return Status::input("is empty (its data space is null)");
  }
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > H5S_MAX_RANK) return damaged("shape");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  if (H5Sget_simple_extent_dims(space, sizes.data(), nullptr) != rank) return damaged("shape");
  std::vector<std::int64_t> dims;
  for (const hsize_t size : sizes) {
    // check_array_shape refuses whatever is above its limit.
    dims.push_back(static_cast<std::int64_t>(std::min<hsize_t>(size, INT64_MAX)));
  }
  return dims;
}

// The place of a contiguous data set whose bytes are those in memory.
Result<std::optional<std::uint64_t>> offset_of(hid_t set, H5D_layout_t layout,
                                               const ElementType& type, const ArrayShape& shape) {
  if (layout != H5D_CONTIGUOUS) return std::optional<std::uint64_t>();
  if (H5Dget_storage_size(set) != shape.bytes()) {
    return Status::input("was never written, or only in part");
  }
  const haddr_t offset = H5Dget_offset(set);
  if (offset == HADDR_UNDEF || offset > INT64_MAX) {
    return Status::input("was never written: its elements have no place in the file");
  }
  return type.as_stored ? std::optional<std::uint64_t>(offset) : std::nullopt;
}

}  // namespace

Status quiet_hdf5() {
  if (H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0 && H5PLset_loading_state(0) >= 0) return {};
  return Status::world("libhdf5 does not start: " + hdf5_reason());
}

Result<DataSet> DataSet::open(const std::string& file, const std::string& dataset) {
  DataSet result;
  Result<Hdf5Id> opened = open_file(file);
  if (!opened.ok()) return opened.status();
  result.file_ = std::move(*opened);
  Result<Hdf5Id> set = find_data_set(result.file_.get(), dataset);
  if (!set.ok()) return set.status();
  result.set_ = std::move(*set);
  const hid_t id = result.set_.get();

  const Hdf5Id stored(H5Dget_type(id), H5Tclose);
  if (!stored.ok()) return damaged("type");
  Result<ElementType> type = element_type(stored.get());
  if (!type.ok()) return type.status();
  result.type_ = std::move(*type);
  if (!result.type_.memory.ok()) return damaged("type");
  ArrayShape& shape = result.array_.shape;
  shape.type = result.type_.type;

  const Hdf5Id list(H5Dget_create_plist(id), H5Pclose);
  if (!list.ok()) return damaged("layout");
  const Result<H5D_layout_t> layout = check_layout(list.get(), array_type_bytes(shape.type));
  if (!layout.ok()) return layout.status();
  result.space_ = Hdf5Id(H5Dget_space(id), H5Sclose);
  if (!result.space_.ok()) return damaged("shape");
  Result<std::vector<std::int64_t>> dims = dims_of(result.space_.get());
  if (!dims.ok()) return dims.status();
  shape.dims = std::move(*dims);
  AESWEEP_RETURN_IF_ERROR(check_array_shape(shape));
  Result<std::optional<std::uint64_t>> offset = offset_of(id, layout.value(), result.type_, shape);
  if (!offset.ok()) return offset.status();
  result.array_.offset = *offset;
  return result;
}

Status DataSet::read(std::uint64_t first, std::span<std::byte> out) const {
  const std::size_t element = array_type_bytes(type_.type);
  const std::vector<std::int64_t>& dims = array_.shape.dims;
  while (!out.empty()) {
    hid_t from = H5S_ALL;
    hid_t to = H5S_ALL;
    Hdf5Id memory;
    std::size_t bytes = element;
    if (!dims.empty()) {
      const Box box = first_box(dims, first, out.size() / element);
      std::array<hsize_t, kArrayDimensionsMax> start{};
      std::array<hsize_t, kArrayDimensionsMax> size{};
      std::copy(box.start.begin(), box.start.end(), start.begin());
      std::copy(box.size.begin(), box.size.end(), size.begin());
      memory =
          Hdf5Id(H5Screate_simple(static_cast<int>(dims.size()), size.data(), nullptr), H5Sclose);
      if (!memory.ok() || H5Sselect_hyperslab(space_.get(), H5S_SELECT_SET, start.data(), nullptr,
                                              size.data(), nullptr) < 0) {
        return damaged("shape");
      }
      from = space_.get();
      to = memory.get();
      bytes = static_cast<std::size_t>(box.elements) * element;
      first += box.elements;
    }
    if (H5Dread(set_.get(), type_.memory.get(), to, from, H5P_DEFAULT, out.data()) < 0) {
      return Status::input(
          text("cannot be read: ", hdf5_reason(), "; the file is damaged, write it anew"));
    }
    out = out.subspan(bytes);
  }
  return {};
}

}  // namespace aesweep
