// The time loop, backward: a few visits of gate gradients at a time, then what they mean for x, the weights and the
// bias.
#include <algorithm>
#include <vector>

#include "float_mode.hpp"
#include "interruption.hpp"
#include "sequence.hpp"

namespace fastlstm {

namespace {

// Rows of gate gradients gathered before they become dx, dW, dR, db: a group of them fits the first-level cache.
constexpr Index kGatheredRows = 192;

template <class T>
class Backward {
public:
    Backward(const Tape<T>& tape, const BackwardArrays<T>& arrays, StopRequested stop_requested)
        : tape_(tape),
          weights_(*tape.weights),
          schedule_(tape.schedule),
          kernels_(kernels_of<T>(weights_.table)),
          arrays_(arrays),
          plan_(schedule_, weights_, true),
          interruption_(stop_requested),
          capacity_(std::min(std::max(schedule_.active(0), kGatheredRows), schedule_.total())),
          packed_hh_transposed_(weights_.packed_hh_transposed()),
          packed_candidate_transposed_(weights_.packed_candidate_transposed()),
          packed_ih_transposed_(arrays.dx ? weights_.packed_ih_transposed() : nullptr) {
        for (Buffer<T>& half : dgates_) {
            half = Buffer<T>(checked_product(weights_.slot_groups(), capacity_, row_pitch()));
        }
        dh_n_ = load_state(arrays.dh_n);
        if (has_cell_state(weights_.kind) || bypasses_gates(weights_.kind)) carry_ = load_state(arrays.dc_n);
        const Index columns = weights_.gates.columns();
        if (arrays.dweight_ih) dweight_ih_ = Buffer<T>::zeroed(checked_product(weights_.input_size, columns));
        if (arrays.dweight_hh) {
            const Index H = weights_.hidden_size;
            dweight_hh_ = Buffer<T>::zeroed(checked_product(H, weights_.recurrent.columns()));
            if (resets_before(weights_.kind)) dcandidate_ = Buffer<T>::zeroed(checked_product(H, h_pitch()));
        }
        if (arrays.dbias || arrays.drecurrent_bias) dbias_ = Buffer<T>::zeroed(columns);
        if (arrays.drecurrent_bias && has_recurrent_bias(weights_.kind)) {
            drecurrent_bias_ = Buffer<T>::zeroed(columns);
        }
        const auto rows = static_cast<std::size_t>(std::max(capacity_, schedule_.rows()));
        for (int rank = 0; rank < plan_.threads(); ++rank) scratch_.push_back({Pointers(rows), OutPointers(rows)});
    }

    bool run() {
        plan_.run([this](int rank, Team& team) {
            const FlushSubnormals mode;
            work(rank, team);
        });
        if (interruption_.stopped()) return false;
        if (has_cell_state(weights_.kind)) store_state(carry_, arrays_.dc_0);
        store_weights(dweight_ih_, weights_.gates, weights_.input_size, arrays_.dweight_ih);
        store_weights(dweight_hh_, weights_.recurrent, weights_.hidden_size, arrays_.dweight_hh);
        if (dcandidate_) {
            MatrixView<T> to = arrays_.dweight_hh;
            to.data += kGruCandidate * weights_.hidden_size * to.row_stride;
            store_weights(dcandidate_, weights_.units, weights_.hidden_size, to);
        }
        store_weights(dbias_, weights_.gates, 1, {arrays_.dbias, 1, 0});
        const bool apart = has_recurrent_bias(weights_.kind);
        store_weights(apart ? drecurrent_bias_ : dbias_, apart ? weights_.recurrent : weights_.gates, 1,
                      {arrays_.drecurrent_bias, 1, 0});
        return true;
    }

private:
    using Pointers = std::vector<const T*>;
    using OutPointers = std::vector<T*>;
    struct Scratch {
        Pointers in;
        OutPointers out;
    };
    // Visits [begin, end) and the half of the gate gradients that holds them.
    struct Chunk {
        Index begin, end;
        const Buffer<T>* dgates;
    };

    Index h_pitch() const { return weights_.gates.padded_size(); }
    Index row_pitch() const { return kGroup * weights_.gates.lanes; }  // of the group buffer
    Index group_stride() const { return capacity_ * row_pitch(); }

    Buffer<T> load_state(const T* from) const {
        const Index H = weights_.hidden_size;
        auto state = Buffer<T>::zeroed(checked_product(schedule_.rows(), h_pitch()));
        for (Index row = 0; from && row < schedule_.rows(); ++row) {
            std::copy_n(from + schedule_.original(row) * H, H, state.data() + row * h_pitch());
        }
        return state;
    }

    void store_state(const Buffer<T>& state, T* to) const {
        const Index H = weights_.hidden_size;
        for (Index row = 0; row < schedule_.rows(); ++row) {
            std::copy_n(state.data() + row * h_pitch(), H, to + schedule_.original(row) * H);
        }
    }

    // to(column, k) = sums[k][vector][lane], if the caller wants it; written along whichever axis has no gaps.
    void store_weights(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to) const {
        const auto store = [&](Index vector, Index k) {
            const T* from = sums.data() + k * layout.columns() + vector * layout.lanes;
            T* out = &to(layout.column(vector), k);
            for (Index l = 0; l < layout.real_lanes(vector); ++l) out[l * to.row_stride] = from[l];
        };
        if (!to) return;
        if (to.row_stride == 1) {
            for (Index k = 0; k < rows; ++k)
                for (Index vector = 0; vector < layout.vectors(); ++vector) store(vector, k);
        } else {
            for (Index vector = 0; vector < layout.vectors(); ++vector)
                for (Index k = 0; k < rows; ++k) store(vector, k);
        }
    }

    const T* kept_before(const Buffer<T>& states, Index visit) const {
        const Index row = visit == 0 ? 0 : schedule_.rows() + schedule_.offset(visit - 1);
        return states.data() + row * h_pitch();
    }

    void work(int rank, Team& team) {
        Chunk chunk{schedule_.visits(), schedule_.visits(), &dgates_[0]};
        for (Index number = 0; chunk.begin > 0; ++number) {
            if (interruption_.at_chunk(rank, number)) return;
            const Chunk after = chunk;
            chunk = chunk_before(after, dgates_[number % 2]);
            for (Index visit = chunk.end - 1; visit >= chunk.begin; --visit) {
                step(plan_.slice(rank), rank, team, chunk, visit + 1 == chunk.end ? after : chunk, visit);
                if (plan_.split_units()) team.meet();
            }
            if (!plan_.split_units()) team.meet();
            add_weight_gradients(rank, chunk);
            if (arrays_.dx) input_gradients(rank, chunk);
        }
        initial_state_gradients(rank, chunk);
    }

    Chunk chunk_before(const Chunk& after, const Buffer<T>& dgates) const {
        Index begin = after.begin - 1;
        while (begin > 0 && schedule_.offset(after.begin) - schedule_.offset(begin - 1) <= capacity_) --begin;
        return {begin, after.begin, &dgates};
    }

    T* dgates_of(const Chunk& chunk, Index visit) const {
        return chunk.dgates->data() + (schedule_.offset(visit) - schedule_.offset(chunk.begin)) * row_pitch();
    }

    void step(const Slice& slice, int rank, Team& team, const Chunk& chunk, const Chunk& next, Index visit) {
        const Index first = slice.rows.begin;
        const auto share = [&](Index active) { return std::max<Index>(0, std::min(active, slice.rows.end) - first); };
        CellBackwardArgs<T> args{};
        args.rows = share(schedule_.active(visit));
        if (args.rows == 0) return;
        args.hidden_size = weights_.hidden_size;
        args.group_begin = slice.units.begin;
        args.group_end = slice.units.end;
        args.packed_hh_t = packed_hh_transposed_;
        args.packed_candidate_t = packed_candidate_transposed_;
        args.next_rows = share(schedule_.active(visit + 1));
        args.next_group_stride = args.group_stride = group_stride();
        if (args.next_rows > 0) args.dgates_next = dgates_of(next, visit + 1) + first * row_pitch();
        args.dgates = dgates_of(chunk, visit) + first * row_pitch();
        const Index at = first * h_pitch();
        args.dh_n = dh_n_.data() + at;
        if (arrays_.dy) args.dy = output_gradient_rows(rank, visit, first, args.rows);
        args.h = kept_before(tape_.h, visit + 1) + at;
        args.h_prev = kept_before(tape_.h, visit) + at;
        if (tape_.c) {
            args.c = kept_before(tape_.c, visit + 1) + at;
            args.c_prev = kept_before(tape_.c, visit) + at;
        }
        if (carry_) args.carry = carry_.data() + at;
        if (tape_.gates) {
            const Index pitch = kept_gates(weights_.kind) * h_pitch();
            args.gates = tape_.gates.data() + (schedule_.offset(visit) + first) * pitch;
        }
        const auto& phases = cell_kernels(kernels_, weights_.kind).backward;
        phases[0](args);
        if (!phases[1]) return;
        if (plan_.split_units()) team.meet();
        phases[1](args);
    }

    const T* const* output_gradient_rows(int rank, Index visit, Index first, Index rows) {
        Pointers& dy = scratch_[static_cast<std::size_t>(rank)].in;
        for (Index r = 0; r < rows; ++r) {
            dy[static_cast<std::size_t>(r)] =
                arrays_.dy.row(schedule_.time(visit, first + r), schedule_.original(first + r));
        }
        return dy.data();
    }

    // Calls f(visit, row, number of the row within the chunk).
    template <class F>
    void for_rows(const Chunk& chunk, const F& f) const {
        std::size_t number = 0;
        for (Index visit = chunk.begin; visit < chunk.end; ++visit) {
            for (Index row = 0; row < schedule_.active(visit); ++row) f(visit, row, number++);
        }
    }

    // dW += x^T dgates, dR += h_prev^T dgates, and the sums of dgates; every thread takes columns of all of them.
    void add_weight_gradients(int rank, const Chunk& chunk) {
        Pointers& rows = scratch_[static_cast<std::size_t>(rank)].in;
        if (dweight_ih_) {
            for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
                rows[number] = tape_.x.row(schedule_.time(visit, row), schedule_.original(row));
            });
        }
        add_products(rank, chunk, input_slots(weights_.kind), weights_.gates, weights_.input_size, dweight_ih_, dbias_);
        if (dweight_hh_) {
            for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
                rows[number] = kept_before(tape_.h, visit) + row * h_pitch();
            });
        }
        add_products(rank, chunk, recurrent_slots(weights_.kind), weights_.recurrent, weights_.hidden_size, dweight_hh_,
                     drecurrent_bias_);
        if (dcandidate_) {
            for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
                rows[number] = tape_.h_reset.data() + (schedule_.offset(visit) + row) * h_pitch();
            });
            add_products(rank, chunk, kCandidateSlots, weights_.units, weights_.hidden_size, dcandidate_, {});
        }
    }

    // to += rows^T dgates over the given slots, which are the columns of `layout`, and `size` numbers of the rows
    // pointed to; sums += their sum.
    void add_products(int rank, const Chunk& chunk, const Slots& slots, const Layout& layout, Index size,
                      const Buffer<T>& to, const Buffer<T>& sums) {
        const Share groups = share_of(weights_.slot_groups(), rank, plan_.threads());
        OuterArgs<T> args{};
        args.a = scratch_[static_cast<std::size_t>(rank)].in.data();
        args.k = schedule_.offset(chunk.end) - schedule_.offset(chunk.begin);
        args.i_end = to ? size : 0;
        args.b = chunk.dgates->data() + slots.first * weights_.gates.lanes;
        args.group_stride = group_stride();
        args.group_begin = groups.begin;
        args.group_end = groups.end;
        args.group_vectors = slots.count;
        args.vectors = layout.vectors();
        args.c = to.data();
        args.sums = sums.data();
        if (to || sums) kernels_.outer(args);
    }

    // out[n] = in[n] · B, where in[n] points to gate gradients, of which the given slots go with the k rows of B.
    void multiply_gradients(const Scratch& scratch, Share rows, const Slots& slots, Index k, const T* packed,
                            const Layout& columns) const {
        const Index run = slots.count * weights_.gates.lanes;
        kernels_.product({scratch.in.data() + rows.begin, rows.end - rows.begin, k, run, group_stride(), packed,
                          nullptr, 0, columns.groups(), scratch.out.data() + rows.begin, columns.size});
    }

    // First number of a row of gate gradients, the rows of a chunk counted through, from a slot on.
    const T* gradient_row(const Chunk& chunk, Index number, const Slots& slots) const {
        return chunk.dgates->data() + number * row_pitch() + slots.first * weights_.gates.lanes;
    }

    // dx = dgates W^T, the rows of the chunk shared out.
    void input_gradients(int rank, const Chunk& chunk) {
        const Index total = schedule_.offset(chunk.end) - schedule_.offset(chunk.begin);
        const Slots slots = input_slots(weights_.kind);
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
            scratch.in[number] = gradient_row(chunk, static_cast<Index>(number), slots);
            scratch.out[number] = arrays_.dx.row(schedule_.time(visit, row), schedule_.original(row));
        });
        multiply_gradients(scratch, share_of(total, rank, plan_.threads()), slots, weights_.gates.columns(),
                           packed_ih_transposed_, weights_.inputs);
    }

    // dh_0 = dgates R^T of visit 0, and what bypassed the gates; a row without a visit passes its gradient on.
    void initial_state_gradients(int rank, const Chunk& first) {
        const Index H = weights_.hidden_size;
        const Slots slots = recurrent_slots(weights_.kind);
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        const Share share = share_of(schedule_.rows(), rank, plan_.threads());
        const Index running = std::max(share.begin, std::min(share.end, schedule_.active(0)));
        for (Index row = share.begin; row < share.end; ++row) {
            T* out = arrays_.dh_0 + schedule_.original(row) * H;
            if (row >= running) {
                std::copy_n(dh_n_.data() + row * h_pitch(), H, out);
                continue;
            }
            scratch.in[static_cast<std::size_t>(row)] = gradient_row(first, row, slots);
            scratch.out[static_cast<std::size_t>(row)] = out;
        }
        multiply_gradients(scratch, {share.begin, running}, slots, weights_.recurrent.columns(), packed_hh_transposed_,
                           weights_.units);
        if (!bypasses_gates(weights_.kind)) return;
        for (Index row = share.begin; row < running; ++row) {
            T* out = arrays_.dh_0 + schedule_.original(row) * H;
            const T* carry = carry_.data() + row * h_pitch();
            for (Index unit = 0; unit < H; ++unit) out[unit] += carry[unit];
        }
    }

    const Tape<T>& tape_;
    const Weights<T>& weights_;
    const Schedule& schedule_;
    const Kernels<T>& kernels_;
    const BackwardArrays<T>& arrays_;
    Plan plan_;
    Interruption interruption_;
    const Index capacity_;
    const T* const packed_hh_transposed_;
    const T* const packed_candidate_transposed_;
    const T* const packed_ih_transposed_;
    Buffer<T> dgates_[2];  // used by turns: a chunk's first step needs the last gate gradients of the chunk after it
    Buffer<T> dh_n_;
    Buffer<T> carry_;  // LSTM: gradient of c; GRU: what of the gradient of h bypasses the gates
    Buffer<T> dweight_ih_, dweight_hh_, dbias_;
    Buffer<T> drecurrent_bias_;  // where it differs from dbias
    Buffer<T> dcandidate_;       // of R_n where it is apart
    std::vector<Scratch> scratch_;
};

}  // namespace

template <class T>
bool backward(const Tape<T>& tape, const BackwardArrays<T>& arrays, StopRequested stop_requested) {
    if (!Backward<T>(tape, arrays, stop_requested).run()) return false;
    if (arrays.dx) clear_skipped(arrays.dx, tape.schedule, tape.weights->input_size);
    return true;
}

template bool backward(const Tape<float>&, const BackwardArrays<float>&, StopRequested);
template bool backward(const Tape<double>&, const BackwardArrays<double>&, StopRequested);

}  // namespace fastlstm
