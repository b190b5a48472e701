#include "windows.hpp"

#include <algorithm>

#include "thread_pool.hpp"

namespace fastlstm {

namespace {

// Number of windows, of `count`, that begin before step `step`.
Index beginning_before(Index step, const Windows& windows) {
    const Index distance = step - windows.first;
    if (distance <= 0) return 0;
    return std::min((distance - 1) / windows.stride + 1, windows.count);
}

}  // namespace

template <class T>
WindowRows<T>::WindowRows(const Sequences<T>& x, const Windows& windows)
    : x_(x), windows_(windows), before_(make_end(0, beginning_before(0, windows))) {
    const Index inside_end = beginning_before(x.steps - windows.span() + 1, windows);
    behind_ = make_end(std::max(before_.end, inside_end), windows.count);
    fill(before_);
    fill(behind_);
}

template <class T>
typename WindowRows<T>::End WindowRows<T>::make_end(Index begin, Index end) const {
    const Index steps = begin < end ? (end - 1 - begin) * windows_.stride + windows_.span() : 0;
    return {begin, end, steps, Buffer<T>(checked_product(x_.rows, steps, x_.size))};
}

template <class T>
void WindowRows<T>::fill(const End& end) const {
    const Index first = windows_.begin(end.begin), numbers = end.steps * x_.size;
    const Index from = std::clamp<Index>(-first, 0, end.steps), to = std::clamp(x_.steps - first, from, end.steps);
    parallel_for(x_.rows, static_cast<double>(end.copies.size()), x_.rows, [&](Index row_begin, Index row_end) {
        for (Index row = row_begin; row < row_end; ++row) {
            T* copy = end.copies.data() + row * numbers;
            std::fill(copy, copy + from * x_.size, T(0));
            if (from < to) {
                const T* x = x_.data + row * x_.row_stride;
                std::copy(x + (first + from) * x_.size, x + (first + to) * x_.size, copy + from * x_.size);
            }
            std::fill(copy + to * x_.size, copy + numbers, T(0));
        }
    });
}

template <class T>
const T* WindowRows<T>::at(Index row, Index window) const {
    for (const End* end : {&before_, &behind_}) {
        if (window < end->begin || window >= end->end) continue;
        return end->copies.data() + (row * end->steps + (window - end->begin) * windows_.stride) * x_.size;
    }
    return x_.data + row * x_.row_stride + windows_.begin(window) * x_.size;
}

template <class T>
void WindowRows<T>::point(Index begin, Index end, Index offset, const T** to) const {
    for_windows(windows_.count, begin, end, [&](Index row, Index window) { *to++ = at(row, window) + offset; });
}

template class WindowRows<float>;
template class WindowRows<double>;

}  // namespace fastlstm
