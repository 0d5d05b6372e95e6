// The part of HDF5 that the store needs, behind owning handles: groups, texts, arrays, tables,
// scales.
//
// Nothing outside h5.cpp and h5_driver.cpp includes hdf5.h. Hold a Session while you use anything
// here; it makes the caller the only one in libhdf5 (not every build of it is thread-safe), and
// keeps the library from printing its error stack; the innermost message of that stack becomes part
// of ours. Files are written in the format of HDF5 1.8, without any time in them: equal calls,
// equal bytes. No variable-length data; dimension scales are the one exception, because that is how
// they are defined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"
#include "runner/store/byte_sink.hpp"
#include "runner/store/table.hpp"

namespace aesweep::h5 {

using Id = std::int64_t;  // libhdf5's hid_t.

// Sessions of several threads come in the order in which they were asked for.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  friend void let_others_in();
  void begin();
  void end();

  int (*printer_)(Id, void*) = nullptr;  // What the thread had before.
  void* printer_data_ = nullptr;
};

// Sessions of other threads that are waiting take place now, before this returns: between the parts
// of a long piece of work. Called within the thread's session; open nodes stay as they are.
void let_others_in();

// Owns one id. A failed close in the destructor is remembered, and File::close reports it.
class Handle {
 public:
  using Closer = int (*)(Id);
  Handle() = default;
  Handle(Id id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();
  [[nodiscard]] bool ok() const { return id_ >= 0; }
  [[nodiscard]] Id id() const { return id_; }
  [[nodiscard]] bool close();  // False if libhdf5 refuses.

 private:
  Id id_ = -1;
  Closer closer_ = nullptr;
};

// An open file or group, and where it is, for messages: "runs/a/results.h5:/trial/000012".
struct Node {
  Handle handle;
  std::string where;

  // Ends the use of a file; reports what went wrong in closing it or anything in this session.
  [[nodiscard]] Status close();
};

// A new file whose bytes go to `sink`; `name` is for messages. The sink's own error() comes first.
[[nodiscard]] Result<Node> create_file(ByteSink& sink, const std::string& name);
// An existing file, to read.
[[nodiscard]] Result<Node> open_file(const std::string& path);
// One whose bytes `image` has, to read; it must outlive the node. `name` is for messages.
[[nodiscard]] Result<Node> open_image(ByteSink& image, const std::string& name);

[[nodiscard]] Result<Node> create_group(const Node& parent, const std::string& name);
[[nodiscard]] Result<Node> open_group(const Node& parent, const std::string& name);
[[nodiscard]] Result<bool> has(const Node& parent, const std::string& name);

// A fixed-length string of exactly the text's bytes (one zero byte for an empty text).
[[nodiscard]] Status write_text(const Node& parent, const std::string& name, std::string_view text);
[[nodiscard]] Result<std::string> read_text(const Node& parent, const std::string& name);

// Attributes of `child` of `parent`; child "." is the parent itself.
[[nodiscard]] Status set_attribute(const Node& parent, const std::string& child,
                                   const std::string& name, std::string_view text);
[[nodiscard]] Status set_attribute(const Node& parent, const std::string& child,
                                   const std::string& name, std::int64_t value);
[[nodiscard]] Result<std::string> text_attribute(const Node& parent, const std::string& name);
// Whether the attributes format and format_version of a file's root have these values; a fault of
// the world if not, which calls the file `what`.
[[nodiscard]] Status check_format(const Node& file, const std::string& what,
                                  const std::string& format, const std::string& version);

// Row-major; bytes hold the product of `shape` cells; an empty shape is a scalar.
[[nodiscard]] Status write_array(const Node& parent, const std::string& name, const Column& cell,
                                 std::span<const std::int64_t> shape,
                                 std::span<const std::byte> bytes);

// What write_array wrote.
struct Array {
  CellType type = CellType::kF8;  // Never kText.
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};
[[nodiscard]] Result<Array> read_array(const Node& parent, const std::string& name);

// Writes a 1-D chunked compound dataset block by block, so that a long one never lies in memory
// whole.
class TableWriter {
 public:
  [[nodiscard]] static Result<TableWriter> create(const Node& parent, const std::string& name,
                                                  const Table& layout, std::size_t rows,
                                                  bool compress);
  // Rows follow those appended before; `rows` in total must come.
  [[nodiscard]] Status append(const Table& block);

 private:
  Handle dataset_;
  Handle type_;
  std::string where_;
  std::size_t rows_ = 0;
  std::size_t written_ = 0;
};

[[nodiscard]] Status write_table(const Node& parent, const std::string& name, const Table& table);
// A table as write_table wrote it, of these columns; a text column has the width that it has there.
[[nodiscard]] Result<Table> read_table(const Node& parent, const std::string& name,
                                       std::span<const Column> columns);

// Copies an object with all below it; from and to may be in two files.
[[nodiscard]] Status copy(const Node& from, const std::string& name, const Node& to,
                          const std::string& new_name);

// Makes the 1-D dataset `name` a dimension scale of that name.
[[nodiscard]] Status make_scale(const Node& parent, const std::string& name);
// Attaches scales of the same group to the dimensions of `array`, in order.
[[nodiscard]] Status attach_scales(const Node& parent, const std::string& array,
                                   std::span<const std::string> scales);

}  // namespace aesweep::h5
