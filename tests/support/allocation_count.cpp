#include "tests/support/allocation_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> by_new{0};
std::atomic<std::uint64_t> bytes_by_new{0};
std::atomic<std::uint64_t> by_malloc{0};

void* counted_new(std::size_t size) {
  by_new.fetch_add(1, std::memory_order_relaxed);
  bytes_by_new.fetch_add(size, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* counted_new(std::size_t size, std::align_val_t alignment) {
  by_new.fetch_add(1, std::memory_order_relaxed);
  bytes_by_new.fetch_add(size, std::memory_order_relaxed);
  const auto line = static_cast<std::size_t>(alignment);
  void* memory = std::aligned_alloc(line, (size + line - 1) / line * line);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

namespace aesweep {

AllocationCount allocation_count() {
  return {by_new.load(), bytes_by_new.load(), by_malloc.load()};
}

}  // namespace aesweep

void* operator new(std::size_t size) { return counted_new(size); }
void* operator new[](std::size_t size) { return counted_new(size); }
void* operator new(std::size_t size, std::align_val_t line) { return counted_new(size, line); }
void* operator new[](std::size_t size, std::align_val_t line) { return counted_new(size, line); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// The program's own malloc stands before that of libc for every library it loads. Sanitizers bring
// their own, so by_malloc stays zero under them.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t line, std::size_t size);

// Libraries must see these, although this project hides its symbols by default.
__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  by_malloc.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t size) {
  by_malloc.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
__attribute__((visibility("default"))) void* realloc(void* memory, std::size_t size) {
  by_malloc.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t line, std::size_t size) {
  by_malloc.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(line, size);
}
__attribute__((visibility("default"))) int posix_memalign(void** memory, std::size_t line,
                                                          std::size_t size) {
  by_malloc.fetch_add(1, std::memory_order_relaxed);
  *memory = __libc_memalign(line, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}
#endif
