// The windows of sequences that a convolution takes its sums over.
#pragma once

#include "buffer.hpp"
#include "views.hpp"

namespace fastlstm {

// N sequences of T steps of `size` numbers, steps and numbers without gaps.
template <class T>
struct Sequences {
    const T* data;
    Index rows, steps, size;
    Index row_stride;
};

// Where the windows of a sequence lie: window w has a tap at each of the steps first + w * stride + tap * dilation.
// Steps before the beginning of a sequence and behind its end hold zeros.
struct Windows {
    Index first, stride, dilation, taps;
    Index count;  // of each sequence

    Index span() const { return checked_product(taps - 1, dilation) + 1; }
    Index begin(Index window) const { return first + window * stride; }
};

// Calls f(row, window) for the windows [begin, end) of sequences that have `count` each, one sequence after the other.
template <class F>
void for_windows(Index count, Index begin, Index end, const F& f) {
    if (begin == end) return;
    Index row = begin / count, window = begin % count;
    for (Index k = begin; k < end; ++k) {
        f(row, window);
        if (++window == count) ++row, window = 0;
    }
}

// Every window as a pointer to its first step, those of a sequence one after the other.
//
// A window inside its sequence is read where it is. Those over the beginning lie in a copy of it with zeros before, and
// those over the end in a copy of that with zeros behind.
template <class T>
class WindowRows {
public:
    WindowRows(const Sequences<T>& x, const Windows& windows);

    Index count() const { return x_.rows * windows_.count; }

    // Writes the pointers of the windows [begin, end), moved by `offset` numbers.
    void point(Index begin, Index end, Index offset, const T** to) const;

private:
    // Windows [begin, end) of each sequence, and the copy that they lie in.
    struct End {
        Index begin, end, steps;
        Buffer<T> copies;
    };

    End make_end(Index begin, Index end) const;
    void fill(const End& end) const;
    const T* at(Index row, Index window) const;

    const Sequences<T> x_;
    const Windows windows_;
    End before_, behind_;
};

}  // namespace fastlstm
