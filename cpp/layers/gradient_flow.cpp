#include "gradient_flow.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fastlstm {

namespace {

constexpr Index kOutputGate = 3;   // slot of o among i, f, g, o
constexpr Index kSlopeOfCell = 4;  // slot of dh/dc in what a standard LSTM keeps

// As several sums that do not wait for each other.
template <class T, class Scaled>
double sum_of_squares(const T* x, Index n, const Scaled& scaled) {
    constexpr Index kSums = 8;
    double sums[kSums] = {};
    const auto add = [&](Index i, Index k) {
        const double number = scaled(static_cast<double>(x[i + k]));
        sums[k] += number * number;
    };
    Index i = 0;
    for (; i + kSums <= n; i += kSums) {
        for (Index k = 0; k < kSums; ++k) add(i, k);
    }
    for (Index k = 0; i + k < n; ++k) add(i, k);
    return std::accumulate(sums, sums + kSums, 0.0);
}

double norm(const float* x, Index n) {
    return std::sqrt(sum_of_squares(x, n, [](double number) { return number; }));
}

// Squares of doubles that vanish would be no numbers any more: they are those of fractions of the largest.
double norm(const double* x, Index n) {
    double largest = 0;
    for (Index i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
    const double scale = largest > 0 && std::isfinite(largest) ? largest : 1;
    return scale * std::sqrt(sum_of_squares(x, n, [&](double number) { return number / scale; }));
}

}  // namespace

template <class T>
GradientFlow<T>::GradientFlow(const Tape<T>& tape, const BackwardArrays<T>& arrays, const Gathering<T>& gathering,
                              int threads)
    : tape_(&tape), weights_(*tape.weights), arrays_(arrays), gathering_(gathering), threads_(threads) {
    if (!gathering.has_cells() || !tape.general) return;
    const Index pitch = tape.unit_pitch();
    for (int rank = 0; rank < threads; ++rank) {
        scratch_.push_back({Buffer<T>(pitch), Buffer<T>(pitch), Buffer<T>(pitch), Buffer<T>(pitch), Buffer<T>(pitch),
                            Buffer<T>(pitch), Buffer<T>(pitch)});
    }
}

// dc = carry + dh (dh/dc)
template <class T>
void GradientFlow<T>::gather_cells(int rank, const CellBackwardArgs<T>& args, Index visit, Index first, const T* dh,
                                   T* dcells) {
    const Index pitch = tape_->unit_pitch(), lanes = weights_.units.lanes;
    const Index begin = args.group_begin * kGroup, end = std::min(args.group_end * kGroup, weights_.units.vectors());
    const Index block_pitch = tape_->general ? lanes : kLstmKept * lanes;
    for (Index row = 0; row < args.rows; ++row) {
        const T* slopes = tape_->general ? slope_of_output(rank, args, visit, first, row)
                                         : args.kept + row * kLstmKept * pitch + kSlopeOfCell * lanes;
        for (Index block = begin; block < end; ++block) {
            const Index at = row * pitch + block * lanes;
            for (Index l = 0; l < lanes; ++l) {
                dcells[at + l] = args.carry[at + l] + dh[at + l] * slopes[block * block_pitch + l];
            }
        }
    }
}

// dh/dc of a row of a general cell:  h = o a(c),  o = s(z_o + p_o c)
template <class T>
const T* GradientFlow<T>::slope_of_output(int rank, const CellBackwardArgs<T>& args, Index visit, Index first,
                                          Index row) {
    const Scratch& to = scratch_[static_cast<std::size_t>(rank)];
    const Index pitch = tape_->unit_pitch(), lanes = weights_.units.lanes;
    const T* kept = args.kept + row * traits(weights_.kind).kept_slots(true) * pitch + kOutputGate * lanes;
    const T clip = static_cast<T>(weights_.options.clip);
    for (Index unit = 0; unit < pitch; ++unit) {
        to.sums[unit] = kept[unit / lanes * kGroup * lanes + unit % lanes];
        to.clipped[unit] = std::clamp(to.sums[unit], -clip, clip);
    }
    weights_.kernels.activate(weights_.options.gates, to.clipped.data(), to.gate.data(), to.gate_slope.data(), pitch);
    const T* c = tape_->c_before(visit + 1) + (first + row) * pitch;
    weights_.kernels.activate(weights_.options.output, c, to.shown.data(), to.shown_slope.data(), pitch);
    const T* peepholes = weights_.peepholes() ? weights_.peepholes() + (kPeepholes - 1) * pitch : nullptr;
    for (Index unit = 0; unit < pitch; ++unit) {
        to.slope[unit] = to.gate[unit] * to.shown_slope[unit];
        if (!peepholes || std::abs(to.sums[unit]) > clip) continue;
        to.slope[unit] += to.gate_slope[unit] * to.shown[unit] * peepholes[unit];
    }
    return to.slope.data();
}

template <class T>
void GradientFlow<T>::add(int rank, const Chunk<T>& part) const {
    const Schedule& schedule = tape_->schedule;
    gathering_.for_visits(part, [&](Index visit, Index rows, Index) {
        const Range range = thread_range(rows, rank, threads_);
        for (Index row = range.begin; row < range.end; ++row) {
            const Index t = schedule.time(visit, row), n = schedule.original(row);
            const T* dh = gathering_.dstates(part, visit) + row * tape_->state_pitch();
            if (arrays_.dh_norms) arrays_.dh_norms(t, n) = norm(dh, weights_.state_size);
            if (!arrays_.dc_norms) continue;
            const T* dc = gathering_.dcells(part, visit) + row * tape_->unit_pitch();
            arrays_.dc_norms(t, n) = norm(dc, weights_.hidden_size);
        }
    });
}

template <class T>
void GradientFlow<T>::finish() const {
    for (const MatrixView<double>& norms : {arrays_.dh_norms, arrays_.dc_norms}) {
        const SequenceView<double> steps{norms.data, norms.row_stride, norms.column_stride};
        if (norms) clear_skipped(steps, tape_->schedule, 1);
    }
}

template class GradientFlow<float>;
template class GradientFlow<double>;

}  // namespace fastlstm
