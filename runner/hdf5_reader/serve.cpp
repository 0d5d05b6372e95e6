#include "runner/hdf5_reader/serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "runner/hdf5_reader/confine.hpp"
#include "runner/hdf5_reader/data_set.hpp"
#include "runner/hdf5_reader/reader_process.hpp"
#include "runner/hdf5_reader/reply.hpp"

namespace aesweep {
namespace {

// False: the other end is gone.
bool send_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool send(const Reply& reply, std::span<const std::byte> bytes) {
  return send_all(encode_reply(reply)) && send_all(bytes);
}

// The end: the status that the process ends with.
int send_fault(const Status& status) {
  const std::string words = status.message().substr(0, kFaultBytesMax);
  Reply reply;
  reply.kind = ReplyKind::kFault;
  reply.length = static_cast<std::uint32_t>(words.size());
  return send(reply, std::as_bytes(std::span(words))) ? 0 : 1;
}

bool send_array(const StoredArray& array) {
  Reply reply;
  reply.kind = ReplyKind::kArray;
  reply.type = static_cast<std::uint32_t>(array.shape.type);
  reply.dimensions = static_cast<std::uint32_t>(array.shape.dims.size());
  std::copy(array.shape.dims.begin(), array.shape.dims.end(), reply.dims.begin());
  if (array.offset) reply.offset = static_cast<std::int64_t>(*array.offset);
  return send(reply, {});
}

bool receive(Question& question) {
  auto bytes = std::as_writable_bytes(std::span(&question, 1));
  while (!bytes.empty()) {
    const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

// `block` holds kBlockBytesMax.
Status answer(const DataSet& set, Question question, std::vector<std::byte>& block) {
  const std::size_t element = array_type_bytes(set.array().shape.type);
  while (question.count > 0) {
    AESWEEP_RETURN_IF_ERROR(allow_processor_time());
    const std::uint64_t count = std::min<std::uint64_t>(question.count, kBlockBytesMax / element);
    const auto bytes = std::span(block).first(static_cast<std::size_t>(count) * element);
    AESWEEP_RETURN_IF_ERROR(set.read(question.first, bytes));
    Reply reply;
    reply.kind = ReplyKind::kBlock;
    reply.length = static_cast<std::uint32_t>(bytes.size());
    if (!send(reply, bytes)) return Status::world("nobody listens");
    question.first += count;
    question.count -= count;
  }
  return {};
}

}  // namespace

bool is_reader_call(int argc, const char* const* argv) {
  return argc == 4 && std::strcmp(argv[1], kReaderCommand) == 0;
}

int serve_hdf5_reads(const char* const* argv) {
  Status ready = confine_process();
  if (ready.ok()) ready = quiet_hdf5();
  if (!ready.ok()) return send_fault(ready);
  const Result<DataSet> set = DataSet::open(argv[2], argv[3]);
  if (!set.ok()) return send_fault(set.status());
  if (!send_array(set.value().array())) return 1;
  std::vector<std::byte> block(kBlockBytesMax);
  Question question;
  while (receive(question)) {
    const Status status = answer(set.value(), question, block);
    if (!status.ok()) return send_fault(status);
  }
  return 0;
}

}  // namespace aesweep
