// Owned memory on cache-line boundaries, and products of sizes that notice overflow.
#pragma once

#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "../kernels/kernel_table.hpp"

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
    explicit Buffer(Index size) : size_(size), data_(allocate(size)) {}

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
        void operator()(T* data) const { std::free(data); }
    };

    static T* allocate(Index size) {
        if (size == 0) return nullptr;
        const Index bytes = checked_product(size, static_cast<Index>(sizeof(T)));
        const Index unit = bytes >= kWorthHugePages ? kHugePage : kLine;
        if (bytes > std::numeric_limits<Index>::max() - unit) throw OutOfMemory(bytes);
        const auto rounded = static_cast<std::size_t>((bytes + unit - 1) / unit * unit);
        void* data = std::aligned_alloc(static_cast<std::size_t>(unit), rounded);
        if (!data) throw OutOfMemory(bytes);
#if defined(MADV_HUGEPAGE)
        if (unit == kHugePage) madvise(data, rounded, MADV_HUGEPAGE);  // advice: nothing is lost if it is not taken
#endif
        return static_cast<T*>(data);
    }

    static constexpr Index kLine = 64;
    // Large buffers ask for pages of 2 MB: prefetching stops at the end of a page, and a fresh page costs a fault.
    static constexpr Index kHugePage = Index{1} << 21, kWorthHugePages = Index{1} << 20;

    Index size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace fastlstm
