#include "large_blocks.hpp"

#include <pthread.h>

#include <cstdlib>
#include <mutex>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace fastlstm {

namespace {

// Prefetching stops at the end of a page, and the first touch of a page costs a fault and its clearing: 2 MB pages for
// the one, kept blocks for the other. A training step frees what the next one asks for, and the C library would return
// it to the system in between, or not, depending on what else the process has done.
constexpr std::size_t kHugePage = std::size_t{1} << 21;
// Rounding up to huge pages doubles a block at most; those a caller may have many of grow by half at most.
constexpr std::size_t worth_huge_pages(Held held) { return held == Held::by_call ? kHugePage / 2 : 2 * kHugePage; }
constexpr std::size_t kSmallStep = std::size_t{1} << 14;  // sizes of the others are multiples of this
constexpr std::size_t kMostKept = 64;                     // blocks

struct Block {
    void* data = nullptr;
    std::size_t size = 0;
};

// Never waited for, except by a fork: a thread that finds the list taken does without.
std::mutex taken;
auto& kept = *new std::vector<Block>;  // leaked: threads may free while the process ends
// A child has the list whole and free.
[[maybe_unused]] const int registered =
    pthread_atfork([] { taken.lock(); }, [] { taken.unlock(); }, [] { taken.unlock(); });

// The smallest kept block of `size` bytes to `most`, or none.
Block reuse(std::size_t size, std::size_t most) {
    const std::unique_lock<std::mutex> lock(taken, std::try_to_lock);
    if (!lock) return {};
    auto best = kept.end();
    for (auto block = kept.begin(); block != kept.end(); ++block) {
        const bool fits = block->size >= size && block->size <= most;
        if (fits && (best == kept.end() || block->size < best->size)) best = block;
    }
    if (best == kept.end()) return {};
    const Block found = *best;
    kept.erase(best);
    return found;
}

// Keeps the newest blocks: those that have lain longest go first.
bool keep(const Block& block) {
    const std::unique_lock<std::mutex> lock(taken, std::try_to_lock);
    if (!lock || block.size > kKeptBytes) return false;
    std::size_t total = block.size;
    for (const Block& other : kept) total += other.size;
    while (total > kKeptBytes || kept.size() == kMostKept) {
        total -= kept.front().size;
        std::free(kept.front().data);
        kept.erase(kept.begin());
    }
    kept.push_back(block);
    return true;
}

}  // namespace

void* allocate_large(std::size_t& bytes, Held held) {
    const std::size_t unit = bytes >= worth_huge_pages(held) ? kHugePage : kSmallStep;
    bytes = (bytes + unit - 1) / unit * unit;
    if (const Block block = reuse(bytes, held == Held::by_call ? 2 * bytes - 1 : bytes + bytes / 4); block.data) {
        bytes = block.size;
        return block.data;
    }
    void* data = std::aligned_alloc(unit == kHugePage ? unit : 64, bytes);
#if defined(MADV_HUGEPAGE)
    if (data && unit == kHugePage) madvise(data, bytes, MADV_HUGEPAGE);  // advice: nothing is lost if it is not taken
#endif
    return data;
}

void free_large(void* block, std::size_t bytes) {
    if (!keep({block, bytes})) std::free(block);
}

}  // namespace fastlstm
