// Stands in for the C library's functions that give memory, and counts their calls; `new` calls malloc.
#include "allocations.hpp"

#include <atomic>
#include <cstddef>

namespace {

std::atomic<long> calls{0};

}  // namespace

long allocations() { return calls.load(); }

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
    ++calls;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++calls;
    return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
    ++calls;
    return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++calls;
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
    ++calls;
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : 12;
}

}  // extern "C"
