#include "runner/store/h5.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/h5_driver.hpp"

namespace aesweep::h5 {
namespace {

static_assert(std::is_same_v<hid_t, Id>, "h5.hpp names libhdf5's id type");

// Chunks of tables aim at this size: large enough to be few, small enough for the 1 MiB chunk
// cache.
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

// First come, first served: a std::mutex would let a thread that gives it back for others take it
// again before they wake.
class Turns {
 public:
  void take() {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = next_++;
    changed_.wait(lock, [&] { return serving_ == mine; });
  }
  void give() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool anyone_waits() {
    const std::lock_guard lock(mutex_);
    return next_ > serving_ + 1;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
};

Turns& turns() {
  static Turns all;
  return all;
}

// The running session.
Session* current = nullptr;

// The first close that failed in a destructor, in the running session.
std::string& failed_close() {
  static std::string message;
  return message;
}

herr_t keep_first(unsigned depth, const H5E_error2_t* entry, void* out) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
  return 0;
}

// The innermost message on libhdf5's error stack. Messages of its drivers carry time, addresses and
// the system's reason; only the reason is of use.
std::string innermost() {
  std::string message;
  if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &message) < 0 || message.empty()) {
    return "no reason given";
  }
  const std::string mark = "error message = '";
  const std::size_t start = message.find(mark);
  if (start == std::string::npos) return message;
  const std::size_t from = start + mark.size();
  return message.substr(from, message.find('\'', from) - from);
}

Status fault(const std::string& action, const std::string& where) {
  return Status::world(text("cannot ", action, " ", where, ": HDF5: ", innermost()));
}

std::string child(const Node& parent, const std::string& name) {
  return name == "." ? parent.where : parent.where + "/" + name;
}

// A fixed-length string type, padded with zero bytes.
Handle text_type(std::size_t bytes, bool ascii) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  if (!type.ok() || H5Tset_size(type.id(), bytes) < 0 ||
      H5Tset_strpad(type.id(), H5T_STR_NULLPAD) < 0 ||
      H5Tset_cset(type.id(), ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8) < 0) {
    return {};
  }
  return type;
}

Handle cell_type(const Column& column) {
  switch (column.type) {
    case CellType::kU1:
      return {H5Tcopy(H5T_STD_U8LE), H5Tclose};
    case CellType::kI4:
      return {H5Tcopy(H5T_STD_I32LE), H5Tclose};
    case CellType::kI8:
      return {H5Tcopy(H5T_STD_I64LE), H5Tclose};
    case CellType::kU8:
      return {H5Tcopy(H5T_STD_U64LE), H5Tclose};
    case CellType::kF4:
      return {H5Tcopy(H5T_IEEE_F32LE), H5Tclose};
    case CellType::kF8:
      return {H5Tcopy(H5T_IEEE_F64LE), H5Tclose};
    case CellType::kText:
      return text_type(column.text_bytes, column.ascii);
  }
  return {};
}

// The packed compound of a table's columns.
Handle row_type(const Table& table) {
  Handle type(H5Tcreate(H5T_COMPOUND, table.row_bytes()), H5Tclose);
  for (std::size_t i = 0; type.ok() && i < table.columns().size(); ++i) {
    const Column& column = table.columns()[i];
    const Handle cell = cell_type(column);
    if (!cell.ok() || H5Tinsert(type.id(), column.name.c_str(), table.offset(i), cell.id()) < 0) {
      return {};
    }
  }
  return type;
}

// A property list of `list_class` for objects without times. An H5P_... macro may be a call, so the
// class comes as an id.
Handle timeless(hid_t list_class) {
  Handle list(H5Pcreate(list_class), H5Pclose);
  if (!list.ok() || H5Pset_obj_track_times(list.id(), false) < 0) return {};
  return list;
}

Handle space_of(std::span<const std::int64_t> shape) {
  if (shape.empty()) return {H5Screate(H5S_SCALAR), H5Sclose};
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose};
}

// A contiguous dataset of `type`, written whole.
Status write_dataset(const Node& parent, const std::string& name, const Handle& type,
                     const Handle& space, const void* data) {
  const std::string where = child(parent, name);
  const Handle list = timeless(H5P_DATASET_CREATE);
  if (!type.ok() || !space.ok() || !list.ok() ||
      H5Pset_fill_time(list.id(), H5D_FILL_TIME_NEVER) < 0) {
    return fault("describe", where);
  }
  Handle dataset(H5Dcreate2(parent.handle.id(), name.c_str(), type.id(), space.id(), H5P_DEFAULT,
                            list.id(), H5P_DEFAULT),
                 H5Dclose);
  if (!dataset.ok()) return fault("create", where);
  const bool written = H5Sget_simple_extent_npoints(space.id()) == 0 ||
                       H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  if (!written || !dataset.close()) return fault("write", where);
  return {};
}

Status write_attribute(const Node& parent, const std::string& name_of_child,
                       const std::string& name, const Handle& type, const void* data) {
  const std::string where = text("attribute ", name, " of ", child(parent, name_of_child));
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  if (!type.ok() || !space.ok()) return fault("describe", where);
  Handle attribute(H5Acreate_by_name(parent.handle.id(), name_of_child.c_str(), name.c_str(),
                                     type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose);
  if (!attribute.ok()) return fault("create", where);
  if (H5Awrite(attribute.id(), type.id(), data) < 0 || !attribute.close()) {
    return fault("write", where);
  }
  return {};
}

// A text and the one byte that stands for an empty one.
std::string_view storable(std::string_view text) {
  return text.empty() ? std::string_view("\0", 1) : text;
}

std::string without_padding(std::string text) {
  text.resize(text.find_last_not_of('\0') + 1);  // npos + 1 is 0.
  return text;
}

}  // namespace

Session::Session() {
  begin();
  failed_close().clear();
}

Session::~Session() { end(); }

void Session::begin() {
  turns().take();
  current = this;
  // The printer is per thread in thread-safe builds of libhdf5, hence here and not once at start.
  AESWEEP_CHECK(H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_) >= 0 &&
                    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0,
                "libhdf5 refuses to be quiet");
}

void Session::end() {
  AESWEEP_CHECK(H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_) >= 0,
                "libhdf5 refuses its error printer");
  turns().give();
}

void let_others_in() {
  if (!turns().anyone_waits()) return;
  Session* const mine = current;
  std::string failed = std::move(failed_close());
  mine->end();
  mine->begin();
  failed_close() = std::move(failed);
}

Handle::Handle(Handle&& other) noexcept
    : id_(std::exchange(other.id_, -1)), closer_(std::exchange(other.closer_, nullptr)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(closer_, other.closer_);
  return *this;
}

Handle::~Handle() {
  if (!close() && failed_close().empty()) failed_close() = innermost();
}

bool Handle::close() {
  const Id id = std::exchange(id_, -1);
  return id < 0 || closer_(id) >= 0;
}

Status Node::close() {
  if (!handle.close()) return fault("close", where);
  if (!failed_close().empty()) {
    return Status::world(text("cannot finish ", where, ": HDF5: ", failed_close()));
  }
  return {};
}

Result<Node> create_file(ByteSink& sink, const std::string& name) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const Handle creation = timeless(H5P_FILE_CREATE);
  if (!access.ok() || !creation.ok() || !set_sink_driver(access.id(), sink) ||
      H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 ||
      H5Pset_fclose_degree(access.id(), H5F_CLOSE_SEMI) < 0) {
    return fault("prepare", name);
  }
  Node file{{H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose}, name};
  if (!file.handle.ok()) return fault("create", name);
  return file;
}

Result<Node> open_file(const std::string& path) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (!access.ok() || H5Pset_fclose_degree(access.id(), H5F_CLOSE_SEMI) < 0) {
    return fault("prepare", path);
  }
#if H5_VERSION_GE(1, 10, 7)
  // Files are complete whenever they have their name, and some file systems have no locks.
  if (H5Pset_file_locking(access.id(), false, true) < 0) return fault("prepare", path);
#endif
  Node file{{H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose}, path};
  if (!file.handle.ok()) return fault("open", path);
  return file;
}

Result<Node> open_image(ByteSink& image, const std::string& name) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (!access.ok() || !set_sink_driver(access.id(), image) ||
      H5Pset_fclose_degree(access.id(), H5F_CLOSE_SEMI) < 0) {
    return fault("prepare", name);
  }
  Node file{{H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose}, name};
  if (!file.handle.ok()) return fault("open", name);
  return file;
}

Result<Node> create_group(const Node& parent, const std::string& name) {
  const Handle list = timeless(H5P_GROUP_CREATE);
  // Up to 64 links stay in the group's header: no heap and no tree for the few members of most
  // groups.
  if (!list.ok() || H5Pset_link_phase_change(list.id(), 64, 48) < 0) {
    return fault("describe", child(parent, name));
  }
  Node group{
      {H5Gcreate2(parent.handle.id(), name.c_str(), H5P_DEFAULT, list.id(), H5P_DEFAULT), H5Gclose},
      child(parent, name)};
  if (!group.handle.ok()) return fault("create", group.where);
  return group;
}

Result<Node> open_group(const Node& parent, const std::string& name) {
  Node group{{H5Gopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Gclose},
             child(parent, name)};
  if (!group.handle.ok()) return fault("open", group.where);
  return group;
}

Result<bool> has(const Node& parent, const std::string& name) {
  const htri_t found = H5Lexists(parent.handle.id(), name.c_str(), H5P_DEFAULT);
  if (found < 0) return fault("look up", child(parent, name));
  return found > 0;
}

Status write_text(const Node& parent, const std::string& name, std::string_view text) {
  const std::string_view stored = storable(text);
  return write_dataset(parent, name, text_type(stored.size(), is_ascii(stored)), space_of({}),
                       stored.data());
}

Result<std::string> read_text(const Node& parent, const std::string& name) {
  const std::string where = child(parent, name);
  const Handle dataset(H5Dopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.ok()) return fault("open", where);
  const Handle type(H5Dget_type(dataset.id()), H5Tclose);
  const Handle space(H5Dget_space(dataset.id()), H5Sclose);
  if (!type.ok() || !space.ok()) return fault("read", where);
  if (H5Tget_class(type.id()) != H5T_STRING || H5Tis_variable_str(type.id()) != 0 ||
      H5Sget_simple_extent_npoints(space.id()) != 1) {
    return Status::world(aesweep::text("cannot read ", where, ": it is not one fixed-length text"));
  }
  std::string value(H5Tget_size(type.id()), '\0');
  if (value.empty() ||
      H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, value.data()) < 0) {
    return fault("read", where);
  }
  return without_padding(std::move(value));
}

Status set_attribute(const Node& parent, const std::string& child_name, const std::string& name,
                     std::string_view text) {
  const std::string_view stored = storable(text);
  return write_attribute(parent, child_name, name, text_type(stored.size(), is_ascii(stored)),
                         stored.data());
}

Status set_attribute(const Node& parent, const std::string& child_name, const std::string& name,
                     std::int64_t value) {
  return write_attribute(parent, child_name, name, cell_type({"", CellType::kI8}), &value);
}

Result<std::string> text_attribute(const Node& parent, const std::string& name) {
  const std::string where = text("attribute ", name, " of ", parent.where);
  const Handle attribute(H5Aopen(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute.ok()) return fault("open", where);
  const Handle type(H5Aget_type(attribute.id()), H5Tclose);
  const Handle space(H5Aget_space(attribute.id()), H5Sclose);
  if (!type.ok() || !space.ok()) return fault("read", where);
  if (H5Tget_class(type.id()) != H5T_STRING || H5Tis_variable_str(type.id()) != 0 ||
      H5Sget_simple_extent_npoints(space.id()) != 1) {
    return Status::world(text("cannot read ", where, ": it is not one fixed-length text"));
  }
  std::string value(H5Tget_size(type.id()), '\0');
  if (value.empty() || H5Aread(attribute.id(), type.id(), value.data()) < 0)
    return fault("read", where);
  return without_padding(std::move(value));
}

Status check_format(const Node& file, const std::string& what, const std::string& format,
                    const std::string& version) {
  for (const auto& [name, expected] :
       {std::pair{"format", &format}, std::pair{"format_version", &version}}) {
    Result<std::string> found = text_attribute(file, name);
    if (!found.ok()) return found.status().in("this is not " + what);
    if (*found != *expected) {
      return Status::world(text(file.where, ": its ", name, " is '", *found, "', not '", *expected,
                                "'; it was written by another version of aesweep"));
    }
  }
  return {};
}

Status write_array(const Node& parent, const std::string& name, const Column& cell,
                   std::span<const std::int64_t> shape, std::span<const std::byte> bytes) {
  std::size_t count = 1;
  for (const std::int64_t dim : shape) count *= static_cast<std::size_t>(dim);
  AESWEEP_CHECK(bytes.size() == count * cell.bytes(),
                text(child(parent, name), ": ", bytes.size(), " bytes do not fill its shape"));
  return write_dataset(parent, name, cell_type(cell), space_of(shape), bytes.data());
}

Result<Array> read_array(const Node& parent, const std::string& name) {
  const std::string where = child(parent, name);
  const Handle dataset(H5Dopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.ok()) return fault("open", where);
  const Handle type(H5Dget_type(dataset.id()), H5Tclose);
  const Handle space(H5Dget_space(dataset.id()), H5Sclose);
  const int rank = space.ok() ? H5Sget_simple_extent_ndims(space.id()) : -1;
  if (!type.ok() || rank < 0) return fault("read", where);
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  if (rank > 0 && H5Sget_simple_extent_dims(space.id(), dims.data(), nullptr) != rank) {
    return fault("read", where);
  }
  Array array;
  array.shape.assign(dims.begin(), dims.end());
  for (const CellType cell :
       {CellType::kU1, CellType::kI4, CellType::kI8, CellType::kU8, CellType::kF4, CellType::kF8}) {
    const Handle known = cell_type({"", cell});
    if (!known.ok()) return fault("read", where);
    if (H5Tequal(type.id(), known.id()) <= 0) continue;
    array.type = cell;
    const hssize_t cells = H5Sget_simple_extent_npoints(space.id());
    if (cells < 0) return fault("read", where);
    array.bytes.resize(static_cast<std::size_t>(cells) * cell_bytes(cell));
    if (cells > 0 &&
        H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.bytes.data()) < 0) {
      return fault("read", where);
    }
    return array;
  }
  return Status::world(text("cannot read ", where, ": it is not an array of plain numbers"));
}

Result<TableWriter> TableWriter::create(const Node& parent, const std::string& name,
                                        const Table& layout, std::size_t rows, bool compress) {
  TableWriter writer;
  writer.where_ = child(parent, name);
  writer.rows_ = rows;
  writer.type_ = row_type(layout);
  const hsize_t size = rows;
  const hsize_t size_max = H5S_UNLIMITED;  // PyTables opens extendible tables only.
  const hsize_t chunk = std::max<std::size_t>(1, std::min(rows, kChunkBytes / layout.row_bytes()));
  const Handle space(H5Screate_simple(1, &size, &size_max), H5Sclose);
  compress = compress && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0;
  const Handle list = timeless(H5P_DATASET_CREATE);
  if (!writer.type_.ok() || !space.ok() || !list.ok() || H5Pset_chunk(list.id(), 1, &chunk) < 0 ||
      (compress && (H5Pset_shuffle(list.id()) < 0 || H5Pset_deflate(list.id(), 1) < 0))) {
    return fault("describe", writer.where_);
  }
  writer.dataset_ = Handle(H5Dcreate2(parent.handle.id(), name.c_str(), writer.type_.id(),
                                      space.id(), H5P_DEFAULT, list.id(), H5P_DEFAULT),
                           H5Dclose);
  if (!writer.dataset_.ok()) return fault("create", writer.where_);
  return writer;
}

Status TableWriter::append(const Table& block) {
  const hsize_t start = written_;
  const hsize_t count = block.rows();
  AESWEEP_CHECK(written_ + block.rows() <= rows_, where_ + ": more rows than announced");
  if (count == 0) return {};
  const Handle target(H5Dget_space(dataset_.id()), H5Sclose);
  const Handle source(H5Screate_simple(1, &count, nullptr), H5Sclose);
  if (!target.ok() || !source.ok() ||
      H5Sselect_hyperslab(target.id(), H5S_SELECT_SET, &start, nullptr, &count, nullptr) < 0 ||
      H5Dwrite(dataset_.id(), type_.id(), source.id(), target.id(), H5P_DEFAULT,
               block.bytes().data()) < 0) {
    return fault("write", where_);
  }
  written_ += block.rows();
  return {};
}

Status write_table(const Node& parent, const std::string& name, const Table& table) {
  Result<TableWriter> writer = TableWriter::create(parent, name, table, table.rows(), false);
  if (!writer.ok()) return writer.status();
  return writer->append(table);
}

Result<Table> read_table(const Node& parent, const std::string& name,
                         std::span<const Column> columns) {
  const std::string where = child(parent, name);
  const Handle dataset(H5Dopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.ok()) return fault("open", where);
  const Handle type(H5Dget_type(dataset.id()), H5Tclose);
  const Handle space(H5Dget_space(dataset.id()), H5Sclose);
  if (!type.ok() || !space.ok()) return fault("read", where);
  std::vector<Column> found(columns.begin(), columns.end());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].type != CellType::kText || H5Tget_class(type.id()) != H5T_COMPOUND) continue;
    const Handle cell(H5Tget_member_type(type.id(), static_cast<unsigned>(i)), H5Tclose);
    if (!cell.ok() || H5Tget_class(cell.id()) != H5T_STRING) return fault("read", where);
    const H5T_cset_t set = H5Tget_cset(cell.id());
    found[i].text_bytes = H5Tget_size(cell.id());
    if (set == H5T_CSET_ERROR || found[i].text_bytes == 0) return fault("read", where);
    found[i].ascii = set == H5T_CSET_ASCII;
  }
  Table table(std::move(found));
  const Handle expected = row_type(table);
  if (!expected.ok()) return fault("describe", where);
  if (H5Tequal(type.id(), expected.id()) <= 0 || H5Sget_simple_extent_ndims(space.id()) != 1) {
    return Status::world(
        text("cannot read ", where, ": its columns are not those of this version"));
  }
  const hssize_t rows = H5Sget_simple_extent_npoints(space.id());
  if (rows < 0) return fault("read", where);
  table.resize(static_cast<std::size_t>(rows));
  if (table.rows() > 0 &&
      H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, table.bytes().data()) < 0) {
    return fault("read", where);
  }
  return table;
}

Status copy(const Node& from, const std::string& name, const Node& to,
            const std::string& new_name) {
  if (H5Ocopy(from.handle.id(), name.c_str(), to.handle.id(), new_name.c_str(), H5P_DEFAULT,
              H5P_DEFAULT) < 0) {
    return fault("copy", child(from, name)).in(child(to, new_name));
  }
  return {};
}

Status make_scale(const Node& parent, const std::string& name) {
  const Handle dataset(H5Dopen2(parent.handle.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.ok() || H5DSset_scale(dataset.id(), name.c_str()) < 0) {
    return fault("make a dimension scale of", child(parent, name));
  }
  return {};
}

Status attach_scales(const Node& parent, const std::string& array,
                     std::span<const std::string> scales) {
  const Handle dataset(H5Dopen2(parent.handle.id(), array.c_str(), H5P_DEFAULT), H5Dclose);
  for (unsigned i = 0; i < scales.size(); ++i) {
    const Handle scale(H5Dopen2(parent.handle.id(), scales[i].c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset.ok() || !scale.ok() || H5DSattach_scale(dataset.id(), scale.id(), i) < 0) {
      return fault("attach the scale " + scales[i] + " to", child(parent, array));
    }
  }
  return {};
}

}  // namespace aesweep::h5
