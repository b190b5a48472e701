// Memory for large buffers: kept for a while when it is freed, and in pages of 2 MB if it is of that order.
#pragma once

#include <cstddef>

namespace fastlstm {

constexpr std::size_t kLargeBlock = std::size_t{1} << 16;   // bytes from which on a buffer is large
constexpr std::size_t kKeptBytes = std::size_t{128} << 20;  // of all freed blocks that are kept

// Who decides how long a block lives: a call of ours, or a caller who was given it and may have many.
enum class Held { by_call, by_caller };

// At least so many bytes, or null; `bytes` becomes the number there are, which free_large wants to know.
void* allocate_large(std::size_t& bytes, Held held);
void free_large(void* block, std::size_t bytes);

}  // namespace fastlstm
