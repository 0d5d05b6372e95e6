#include "runner/store/h5_driver.hpp"

#include <hdf5.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include <functional>
#include <memory>
#include <new>

namespace aesweep::h5 {
namespace {

constexpr haddr_t kAddressMax = (haddr_t{1} << 62) - 1;

// What travels in a file access list.
struct SinkInfo {
  ByteSink* sink;
};

// An open file. libhdf5 knows it by its first member and gives that back to the callbacks.
struct SinkFile {
  H5FD_t base;
  ByteSink* sink;
  haddr_t end_of_allocation;
};

SinkFile& self(H5FD_t* file) { return *reinterpret_cast<SinkFile*>(file); }
const SinkFile& self(const H5FD_t* file) { return *reinterpret_cast<const SinkFile*>(file); }

H5FD_t* open_sink(const char*, unsigned, hid_t access, haddr_t) {
  const void* info = H5Pget_driver_info(access);
  if (info == nullptr) return nullptr;
  std::unique_ptr<SinkFile> file(new (std::nothrow) SinkFile());  // No exception may cross libhdf5.
  if (file == nullptr) return nullptr;
  file->sink = static_cast<const SinkInfo*>(info)->sink;
  return &file.release()->base;
}

herr_t close_sink(H5FD_t* file) {
  const std::unique_ptr<SinkFile> owner(&self(file));
  return 0;
}

int compare_sinks(const H5FD_t* a, const H5FD_t* b) {
  const std::less<const ByteSink*> before;
  if (before(self(a).sink, self(b).sink)) return -1;
  return before(self(b).sink, self(a).sink) ? 1 : 0;
}

herr_t query_sink(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t get_allocation_end(const H5FD_t* file, H5FD_mem_t) { return self(file).end_of_allocation; }

herr_t set_allocation_end(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  self(file).end_of_allocation = end;
  return 0;
}

haddr_t get_file_end(const H5FD_t* file, H5FD_mem_t) { return self(file).sink->size(); }

herr_t read_sink(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, size_t size, void* buffer) {
  self(file).sink->read(offset, {static_cast<std::byte*>(buffer), size});
  return 0;
}

herr_t write_sink(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, size_t size,
                  const void* buffer) {
  self(file).sink->write(offset, {static_cast<const std::byte*>(buffer), size});
  return 0;
}

herr_t truncate_sink(H5FD_t* file, hid_t, hbool_t closing) {
  SinkFile& sink_file = self(file);
  // At the end in any case: a file may have been given more room than its sink knows of.
  if (closing || sink_file.sink->size() != sink_file.end_of_allocation) {
    sink_file.sink->truncate(sink_file.end_of_allocation);
  }
  return 0;
}

H5FD_class_t make_class() {
  H5FD_class_t driver{};
#ifdef H5FD_CLASS_VERSION
  driver.version = H5FD_CLASS_VERSION;
  driver.value =
      static_cast<H5FD_class_value_t>(600);  // In the range for drivers outside the library.
#endif
  driver.name = "aesweep_sink";
  driver.maxaddr = kAddressMax;
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.fapl_size = sizeof(SinkInfo);
  driver.open = open_sink;
  driver.close = close_sink;
  driver.cmp = compare_sinks;
  driver.query = query_sink;
  driver.get_eoa = get_allocation_end;
  driver.set_eoa = set_allocation_end;
  driver.get_eof = get_file_end;
  driver.read = read_sink;
  driver.write = write_sink;
  driver.truncate = truncate_sink;
  constexpr H5FD_mem_t kMap[] = H5FD_FLMAP_DICHOTOMY;
  for (int i = 0; i < H5FD_MEM_NTYPES; ++i) driver.fl_map[i] = kMap[i];
  return driver;
}

}  // namespace

bool set_sink_driver(std::int64_t access, ByteSink& sink) {
  static const H5FD_class_t driver = make_class();
  // The library unregisters it when the program ends.
  static const hid_t id = H5FDregister(&driver);
  if (id < 0) return false;
  const SinkInfo info{&sink};
  return H5Pset_driver(access, id, &info) >= 0;
}

}  // namespace aesweep::h5
