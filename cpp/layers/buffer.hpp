// Owned memory on cache-line boundaries, and products of sizes that notice overflow.
#pragma once

#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "../kernels/kernel_table.hpp"
#include "large_blocks.hpp"

namespace fastlstm {

// A bad_alloc that says how much was asked for.
class OutOfMemory : public std::bad_alloc {
public:
    explicit OutOfMemory(Index bytes) : text_("could not allocate " + std::to_string(bytes) + " bytes") {}
    const char* what() const noexcept override { return text_.c_str(); }

private:
    std::string text_;
};

// a * b; throws std::length_error when it does not fit. Sizes are never negative here.
inline Index checked_product(Index a, Index b) {
    Index product;
    if (__builtin_mul_overflow(a, b, &product)) {
        throw std::length_error("sizes " + std::to_string(a) + " x " + std::to_string(b) + " overflow");
    }
    return product;
}

template <class... More>
Index checked_product(Index a, Index b, More... more) {
    return checked_product(checked_product(a, b), more...);
}

// `size` numbers on a 64-byte boundary, uninitialised unless `zeroed`.
template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(Index size, Held held = Held::by_call) : size_(size), data_(allocate(size, held)) {}

    static Buffer zeroed(Index size) {
        Buffer buffer(size);
        if (size > 0) std::memset(buffer.data(), 0, static_cast<std::size_t>(size) * sizeof(T));
        return buffer;
    }

    T* data() const { return data_.get(); }
    Index size() const { return size_; }
    T& operator[](Index i) const { return data_.get()[i]; }
    explicit operator bool() const { return data_ != nullptr; }

private:
    struct Free {
        std::size_t bytes = 0;
        void operator()(T* data) const {
            if (bytes >= kLargeBlock) {
                free_large(data, bytes);
            } else {
                std::free(data);
            }
        }
    };

    static std::unique_ptr<T, Free> allocate(Index size, Held held) {
        if (size == 0) return {};
        constexpr Index kLine = 64, kRoom = Index{1} << 22;  // for rounding up
        const Index wanted = checked_product(size, static_cast<Index>(sizeof(T)));
        if (wanted > std::numeric_limits<Index>::max() - kRoom) throw OutOfMemory(wanted);
        auto bytes = static_cast<std::size_t>((wanted + kLine - 1) / kLine * kLine);
        void* data = bytes >= kLargeBlock ? allocate_large(bytes, held) : std::aligned_alloc(kLine, bytes);
        if (!data) throw OutOfMemory(wanted);
        return std::unique_ptr<T, Free>(static_cast<T*>(data), Free{bytes});
    }

    Index size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace fastlstm
