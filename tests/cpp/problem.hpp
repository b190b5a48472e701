// A case with sizes and numbers: the arrays a caller would have, each exactly as large as it has to be, so that the
// address sanitizer sees the first number past the end.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cases.hpp"
#include "kernels/dispatch.hpp"
#include "layers/sequence.hpp"

namespace fastlstm {

template <class T>
using Numbers = std::vector<T>;

using Random = std::minstd_rand;

template <class T>
Numbers<T> random_numbers(Index count, double scale, Random& random) {
    std::uniform_real_distribution<double> distribution(-scale, scale);
    Numbers<T> numbers(static_cast<std::size_t>(count));
    for (T& number : numbers) number = static_cast<T>(distribution(random));
    return numbers;
}

// An output: what is not written shows.
template <class T>
Numbers<T> unwritten(Index count) {
    return Numbers<T>(static_cast<std::size_t>(count), std::numeric_limits<T>::quiet_NaN());
}

template <class T>
const T* data_or_null(const Numbers<T>& numbers) {
    return numbers.empty() ? nullptr : numbers.data();
}

template <class T, class From>
SequenceView<T> sequence_of(From& numbers, const Sizes& sizes, Index size, bool other_order) {
    if (other_order) return {numbers.data(), size, sizes.T * size};
    return {numbers.data(), sizes.N * size, size};
}

template <class T, class From>
MatrixView<T> matrix_of(From& numbers, Index rows, Index columns, bool other_order) {
    if (other_order) return {numbers.data(), 1, rows};
    return {numbers.data(), columns, 1};
}

// One row has no valid step and one has all, if there are two; the others have half of them at least.
inline std::vector<Index> random_lengths(const Sizes& sizes, Random& random) {
    std::vector<Index> lengths(static_cast<std::size_t>(sizes.N));
    for (Index& length : lengths)
        length = sizes.T - static_cast<Index>(random() % static_cast<unsigned>(sizes.T / 2 + 1));
    lengths.front() = 0;
    lengths.back() = sizes.T;
    return lengths;
}

inline Schedule schedule_of(const Case& given, const Sizes& sizes, Random& random) {
    if (given.valid == Valid::all) return Schedule(sizes.T, sizes.N, given.reverse);
    const std::vector<Index> lengths = random_lengths(sizes, random);
    if (given.valid == Valid::lengths) return Schedule(sizes.T, sizes.N, lengths.data(), given.reverse);
    const auto mask = std::make_unique<bool[]>(static_cast<std::size_t>(sizes.T * sizes.N));
    std::vector<Index> times(static_cast<std::size_t>(sizes.T));
    std::iota(times.begin(), times.end(), Index{0});
    for (Index n = 0; n < sizes.N; ++n) {
        std::shuffle(times.begin(), times.end(), random);
        const auto end = times.begin() + lengths[static_cast<std::size_t>(n)];
        for (auto t = times.begin(); t != end; ++t) mask[static_cast<std::size_t>(*t * sizes.N + n)] = true;
    }
    return Schedule(sizes.T, sizes.N, mask.get(), given.reverse);
}

template <class T>
class Problem {
public:
    Problem(const Case& given, const Sizes& wanted, const KernelTable& isa = active_table())
        : of(given),
          sizes(wanted),
          table(isa),
          G(traits(given.kind).gates),
          S(given.projected ? wanted.P : wanted.H),
          random_(7),
          schedule(schedule_of(given, wanted, random_)) {
        const auto [T_, N, I, H, P] = sizes;
        const double scale = 0.5 / std::sqrt(static_cast<double>(H));
        x = numbers(T_ * N * I, 1);
        weight_ih = numbers(G * H * I, 1 / std::sqrt(static_cast<double>(I)));
        weight_hh = numbers(G * H * S, scale);
        bias = numbers(G * H, 0.1);
        recurrent_bias = numbers(G * H, 0.1);
        if (given.projected) weight_hr = numbers(P * H, scale);
        if (given.peepholes) peepholes = numbers(kPeepholes * H, 0.5);
        if (given.recurrent_masks) recurrent_masks = dropout_masks(G * N * H);
        h_0 = numbers(N * S, 1);
        dy = numbers(T_ * N * S, 1);
        dh_n = numbers(N * S, 1);
        if (traits(given.kind).has_cell_state) c_0 = numbers(N * H, 1), dc_n = numbers(N * H, 1);
        weights = pack();
    }

    // Packs the weights anew, so that their transposes have not been made.
    std::shared_ptr<const Weights<T>> pack() const {
        const Index H = sizes.H;
        CellParameters<T> parameters{of.kind,
                                     sizes.I,
                                     H,
                                     S,
                                     matrix_of<const T>(weight_ih, G * H, sizes.I, of.other_order),
                                     matrix_of<const T>(weight_hh, G * H, S, of.other_order),
                                     bias.data(),
                                     recurrent_bias.data(),
                                     {},
                                     data_or_null(peepholes),
                                     of.options};
        if (of.projected) parameters.weight_hr = matrix_of<const T>(weight_hr, sizes.P, H, of.other_order);
        const bool full = of.precision == Precision::full;
        return std::make_shared<const Weights<T>>(full ? kernels_of<T>(table) : active_kernels<T>(of.precision),
                                                  parameters);
    }

    // A (T, N, size) sequence of this problem's.
    template <class View, class From>
    SequenceView<View> sequence(From& numbers, Index size) const {
        return sequence_of<View>(numbers, sizes, size, of.other_order);
    }

    const Case of;
    const Sizes sizes;
    const KernelTable& table;
    const Index G, S;  // gates, and size of the state

private:
    Numbers<T> numbers(Index count, double scale) { return random_numbers<T>(count, scale, random_); }

    Numbers<T> dropout_masks(Index count) {
        Numbers<T> masks(static_cast<std::size_t>(count));
        for (T& mask : masks) mask = random_() % 4 == 0 ? T(0) : T(4) / T(3);
        return masks;
    }

    Random random_;

public:
    const Schedule schedule;
    Numbers<T> x, weight_ih, weight_hh, bias, recurrent_bias, weight_hr, peepholes, recurrent_masks;
    Numbers<T> h_0, c_0, dy, dh_n, dc_n;
    std::shared_ptr<const Weights<T>> weights;
};

}  // namespace fastlstm
