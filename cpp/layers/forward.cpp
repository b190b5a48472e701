// The time loop, forward: project the inputs of a few visits, then step through them.
#include <algorithm>
#include <utility>
#include <vector>

#include "float_mode.hpp"
#include "sequence.hpp"

namespace fastlstm {

namespace {

// Numbers of projected input held at a time: small enough for the second-level cache beside the weights in use.
constexpr Index kProjected = 16 * 1024;
constexpr Index kProjectedRowsAtLeast = 32;

// Rows from which on W is worth reading again at every visit, so that the recurrent product can begin with the
// projection and nothing is projected ahead.
constexpr Index kRowsWorthFusing = 12;

template <class T>
class Forward : public Walk<T> {
public:
    Forward(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays, Tape<T>* tape,
            Plan plan, StopRequested stop_requested)
        : weights_(weights),
          schedule_(schedule),
          kernels_(kernels_of<T>(weights.table)),
          arrays_(arrays),
          tape_(tape),
          plan_(std::move(plan)),
          interruption_(std::move(stop_requested)) {
        const Index state_rows = schedule.rows() + (tape ? schedule.total() : schedule.rows());
        h_ = Buffer<T>(checked_product(state_rows, h_pitch()));
        if (has_cell_state(weights.kind)) {
            c_ = Buffer<T>(checked_product(tape ? state_rows : schedule.rows(), h_pitch()));
        }
        if (tape) tape->gates = Buffer<T>(checked_product(schedule.total(), kept_gates(weights.kind), h_pitch()));
        if (resets_before(weights.kind)) {
            Buffer<T>& h_reset = tape ? tape->h_reset : h_reset_;
            h_reset = Buffer<T>(checked_product(tape ? schedule.total() : schedule.rows(), h_pitch()));
        }
        load_state(arrays.h_0, h_);
        if (c_) load_state(arrays.c_0, c_);
        make_scratch();
    }

    bool run() {
        plan_.run([this](int rank, Team& team) { walk(rank, team, 0, schedule_.visits()); });
        if (interruption_.stopped()) return false;
        finish();
        if (tape_) {
            tape_->h = std::move(h_);
            tape_->c = std::move(c_);
        }
        return true;
    }

    int threads() const override { return plan_.threads(); }

    void walk(int rank, Team& team, Index begin, Index end) override {
        const FlushSubnormals mode;
        const Slice& slice = plan_.slice(rank);
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for (Index chunk = 0; begin < end && active_rows(slice, begin) > 0; ++chunk) {
            if (interruption_.at_chunk(rank, chunk)) return;
            if (fuses_projection(weights_.kind) && active_rows(slice, begin) >= kRowsWorthFusing) {
                point_to_inputs(slice, scratch, begin, 0);
                step(slice, scratch, team, begin++, nullptr);
                continue;
            }
            const Index projected = project(slice, scratch, begin, end);
            Index row = 0;
            for (; begin < projected; ++begin) {
                step(slice, scratch, team, begin, scratch.z.data() + row * gate_pitch());
                row += active_rows(slice, begin);
            }
        }
    }

    void finish() override {
        store_state(arrays_.h_n, true);
        if (c_) store_state(arrays_.c_n, false);
    }

private:
    struct Scratch {
        Buffer<T> z;  // projected inputs: bias + x W
        std::vector<const T*> x;
        std::vector<T*> z_rows, y;
    };

    Index h_pitch() const { return weights_.gates.padded_size(); }
    Index gate_pitch() const { return weights_.gates.columns(); }

    void load_state(const T* from, Buffer<T>& state) const {
        const Index H = weights_.hidden_size;
        for (Index row = 0; row < schedule_.rows(); ++row) {
            T* to = state.data() + row * h_pitch();
            std::fill(to, to + h_pitch(), T(0));
            if (from) std::copy_n(from + schedule_.original(row) * H, H, to);
        }
    }

    // Row r's last state: kept in the tape, or where its last visit left it in the two buffers that swap roles.
    void store_state(T* to, bool hidden) const {
        const Index H = weights_.hidden_size;
        for (Index row = 0; row < schedule_.rows(); ++row) {
            const Index length = schedule_.length(row);
            const T* from = hidden ? h_before(length) : c_before(length);
            std::copy_n(from + row * h_pitch(), H, to + schedule_.original(row) * H);
        }
    }

    Index kept_rows_before(Index visit) const {
        return visit == 0 ? 0 : schedule_.rows() + schedule_.offset(visit - 1);
    }
    T* h_before(Index visit) const {
        return h_.data() + (tape_ ? kept_rows_before(visit) : visit % 2 * schedule_.rows()) * h_pitch();
    }
    T* c_before(Index visit) const { return c_.data() + (tape_ ? kept_rows_before(visit) : 0) * h_pitch(); }

    void make_scratch() {
        for (int rank = 0; rank < plan_.threads(); ++rank) {
            const Slice& slice = plan_.slice(rank);
            const Index rows = slice.rows.end - slice.rows.begin;
            const Index some = std::max({rows, kProjectedRowsAtLeast, kProjected / gate_pitch()});
            const Index capacity = std::min(some, std::max(rows, checked_product(rows, schedule_.visits())));
            Scratch scratch;
            scratch.z = Buffer<T>(checked_product(capacity, gate_pitch()));
            scratch.x.resize(static_cast<std::size_t>(capacity));
            for (Index row = 0; row < capacity; ++row) scratch.z_rows.push_back(scratch.z.data() + row * gate_pitch());
            scratch.y.resize(static_cast<std::size_t>(rows));
            scratch_.push_back(std::move(scratch));
        }
    }

    Index active_rows(const Slice& slice, Index visit) const {
        return std::max<Index>(0, std::min(schedule_.active(visit), slice.rows.end) - slice.rows.begin);
    }

    void point_to_inputs(const Slice& slice, Scratch& scratch, Index visit, Index at) const {
        const Index end = slice.rows.begin + active_rows(slice, visit);
        for (Index row = slice.rows.begin; row < end; ++row) {
            scratch.x[static_cast<std::size_t>(at++)] =
                arrays_.x.row(schedule_.time(visit, row), schedule_.original(row));
        }
    }

    // z = bias + x W for as many visits before `end` as fit; returns the visit after them.
    Index project(const Slice& slice, Scratch& scratch, Index begin, Index end) const {
        const Index capacity = static_cast<Index>(scratch.x.size());
        Index rows = 0, visit = begin;
        for (; visit < end; ++visit) {
            const Index active = active_rows(slice, visit);
            if (active == 0 || rows + active > capacity) break;
            point_to_inputs(slice, scratch, visit, rows);
            rows += active;
        }
        const Index I = weights_.input_size;
        kernels_.product({scratch.x.data(), rows, I, I, 0, weights_.packed_ih(), weights_.bias(), slice.inputs.begin,
                          slice.inputs.end, scratch.z_rows.data(), gate_pitch()});
        return visit;
    }

    // One visit; with z null it begins with the projection of the inputs pointed to.
    void step(const Slice& slice, Scratch& scratch, Team& team, Index visit, const T* z) const {
        const Index first = slice.rows.begin, rows = active_rows(slice, visit), at = first * h_pitch();
        if (arrays_.y) {
            for (Index r = 0; r < rows; ++r) {
                scratch.y[static_cast<std::size_t>(r)] =
                    arrays_.y.row(schedule_.time(visit, first + r), schedule_.original(first + r));
            }
        }
        CellForwardArgs<T> args{};
        args.rows = rows;
        args.hidden_size = weights_.hidden_size;
        args.group_begin = slice.gates.begin;
        args.group_end = slice.gates.end;
        args.packed_hh = weights_.packed_hh();
        args.packed_candidate = weights_.packed_candidate();
        args.recurrent_bias = weights_.recurrent_bias();
        args.z = z;
        if (!z) {
            args.x = scratch.x.data();
            args.input_size = weights_.input_size;
            args.packed_ih = weights_.packed_ih();
            args.bias = weights_.bias();
        }
        args.h_prev = h_before(visit) + at;
        args.h = h_before(visit + 1) + at;
        if (c_) {
            args.c_prev = c_before(visit) + at;
            args.c = c_before(visit + 1) + at;
        }
        if (tape_ && tape_->gates) {
            args.gates =
                tape_->gates.data() + (schedule_.offset(visit) + first) * kept_gates(weights_.kind) * h_pitch();
        }
        args.y = arrays_.y ? scratch.y.data() : nullptr;
        if (resets_before(weights_.kind)) {
            args.h_reset = (tape_ ? tape_->h_reset.data() + schedule_.offset(visit) * h_pitch() : h_reset_.data()) + at;
        }
        const auto& phases = cell_kernels(kernels_, weights_.kind).forward;
        phases[0](args);
        if (phases[1]) {
            if (plan_.split_units()) team.meet();
            args.group_begin = slice.units.begin;
            args.group_end = slice.units.end;
            phases[1](args);
        }
        if (plan_.split_units()) team.meet();
    }

    const Weights<T>& weights_;
    const Schedule& schedule_;
    const Kernels<T>& kernels_;
    const ForwardArrays<T>& arrays_;
    Tape<T>* const tape_;
    Plan plan_;
    Interruption interruption_;
    Buffer<T> h_, c_;
    Buffer<T> h_reset_;  // of one visit, when there is no tape
    std::vector<Scratch> scratch_;
};

}  // namespace

template <class T>
bool forward(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays, Tape<T>* tape,
             StopRequested stop_requested) {
    Plan plan(schedule, weights, tape != nullptr);
    if (!Forward<T>(weights, schedule, arrays, tape, std::move(plan), std::move(stop_requested)).run()) return false;
    if (arrays.y) clear_skipped(arrays.y, schedule, weights.hidden_size);
    return true;
}

template <class T>
std::unique_ptr<Walk<T>> make_walk(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays,
                                   const Split& split, StopRequested stop_requested) {
    return std::make_unique<Forward<T>>(weights, schedule, arrays, nullptr, Plan(schedule, weights, split),
                                        std::move(stop_requested));
}

template std::unique_ptr<Walk<float>> make_walk(const Weights<float>&, const Schedule&, const ForwardArrays<float>&,
                                                const Split&, StopRequested);
template std::unique_ptr<Walk<double>> make_walk(const Weights<double>&, const Schedule&, const ForwardArrays<double>&,
                                                 const Split&, StopRequested);
template bool forward(const Weights<float>&, const Schedule&, const ForwardArrays<float>&, Tape<float>*, StopRequested);
template bool forward(const Weights<double>&, const Schedule&, const ForwardArrays<double>&, Tape<double>*,
                      StopRequested);

}  // namespace fastlstm
