// Proves that a library cut at any place, or with any header field out of bounds, is refused before
// the dynamic linker sees it: by cutting and changing the bytes of a good one.
#include "runner/plugin_host/elf_check.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::vector<std::byte> good_library() {
  Result<std::vector<std::byte>> bytes = read_file(AESWEEP_SAMPLE_DIRECTORY "/good.so", 16u << 20);
  AESWEEP_CHECK(bytes.ok(), bytes.status().message());
  return std::move(bytes).value();
}

Status check_bytes(std::span<const std::byte> bytes) {
  TemporaryFolder folder;
  const Result<TrustedFile> file =
      open_trusted_file(folder.write("library.so", bytes), bytes.size());
  AESWEEP_CHECK(file.ok(), file.status().message());
  return check_elf(file.value());
}

TEST(CheckElf, AcceptsTheWholeLibraryAndNoPartOfIt) {
  const std::vector<std::byte> bytes = good_library();
  EXPECT_TRUE(check_bytes(bytes).ok());
  for (std::size_t cut = 0; cut < bytes.size(); cut += 37) {
    const Status status = check_bytes(std::span(bytes).first(cut));
    EXPECT_FALSE(status.ok()) << cut << " of " << bytes.size() << " bytes";
  }
  EXPECT_NE(check_bytes(std::span(bytes).first(bytes.size() - 1)).message().find("cut off"),
            std::string::npos);
  EXPECT_NE(check_bytes({}).message().find("0 bytes"), std::string::npos);
}

struct Change {
  std::size_t offset;
  std::vector<unsigned char> bytes;
  const char* words;
};

TEST(CheckElf, RefusesEveryForeignHeader) {
  const std::vector<Change> table = {
      {0, {0x7e}, "ELF mark"},
      {EI_CLASS, {ELFCLASS32}, "another machine"},
      {EI_DATA, {ELFDATA2MSB}, "another machine"},
      {offsetof(Elf64_Ehdr, e_machine), {EM_AARCH64}, "machine 183"},
      {offsetof(Elf64_Ehdr, e_type), {ET_EXEC}, "ELF type 2, expected 3"},
      {offsetof(Elf64_Ehdr, e_type), {ET_REL}, "ELF type 1, expected 3"},
      {offsetof(Elf64_Ehdr, e_phnum), {0, 0}, "no program headers"},
      {offsetof(Elf64_Ehdr, e_phentsize), {55, 0}, "no program headers"},
      {offsetof(Elf64_Ehdr, e_phoff), std::vector<unsigned char>(8, 0xff), "cut off"},
      {offsetof(Elf64_Ehdr, e_shoff), std::vector<unsigned char>(8, 0xff), "cut off"},
      {offsetof(Elf64_Ehdr, e_phnum), {0xff, 0xff}, "cut off"},
  };
  for (const Change& change : table) {
    std::vector<std::byte> bytes = good_library();
    std::memcpy(bytes.data() + change.offset, change.bytes.data(), change.bytes.size());
    const Status status = check_bytes(bytes);
    EXPECT_FALSE(status.ok()) << change.words;
    EXPECT_NE(status.message().find(change.words), std::string::npos) << status.message();
  }
}

TEST(CheckElf, RefusesASegmentBeyondTheFile) {
  std::vector<std::byte> bytes = good_library();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::byte* segment = bytes.data() + header.e_phoff;  // The first is a PT_LOAD.
  const std::uint64_t huge = ~std::uint64_t{0};
  std::memcpy(segment + offsetof(Elf64_Phdr, p_filesz), &huge, sizeof huge);
  EXPECT_NE(check_bytes(bytes).message().find("cut off"), std::string::npos);
}

}  // namespace
}  // namespace aesweep
