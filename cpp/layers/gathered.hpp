// Gate gradients of a few visits, gathered before they become gradients of x, the weights and the bias in large
// products.
#pragma once

#include <algorithm>

#include "sequence.hpp"

namespace fastlstm {

// What a chunk of visits leaves for the large products.
template <class T>
struct Gathered {
    Buffer<T> dgates;   // a group buffer
    Buffer<T> dstates;  // with a projection, or where the flow of gradients is wanted: gradients of h
    Buffer<T> dcells;   // where that is wanted, LSTM: gradients of c
};

// Visits [begin, end) of a chunk or of a part of one, and where they are gathered.
template <class T>
struct Chunk {
    Index begin, end;
    const Gathered<T>* gathered;
    Index origin;  // rows of all visits before those gathered
};

// Rows of a part at most, and with more bytes of a chunk.
template <class T>
Index gathered_rows(const Schedule& schedule, const Weights<T>& weights, Index bytes) {
    // In a reduced precision the products take less of the time, and the sweeps over the sums more.
    const Index rows_at_least = weights.kernels.reduction ? 256 : 192;
    const Index of_row = weights.slot_groups() * kGroup * weights.gates.lanes * static_cast<Index>(sizeof(T));
    return std::min(std::max({schedule.active(0), rows_at_least, bytes / of_row}), schedule.total());
}

// A part stays in the second-level cache, with the inputs and states of its rows, from product to product. In a large
// layer it has so many rows that a group fits the first-level cache: every part costs a sweep over the sums.
template <class T>
Index part_capacity(const Schedule& schedule, const Weights<T>& weights) {
    return gathered_rows(schedule, weights, 64 * 1024);
}

// The first visit of the part that ends before another visit.
inline Index part_begin(const Schedule& schedule, Index capacity, Index end) {
    Index begin = end - 1;
    while (begin > 0 && schedule.offset(end) - schedule.offset(begin - 1) <= capacity) --begin;
    return begin;
}

// Cuts the visits of a tape into parts, from the last to the first, and tells where their rows lie. A part is what the
// large products take at once: its size depends on shapes alone, as their sums do. A chunk is what the threads of a
// team gather between two barriers: some parts, and one where there is nobody to wait for.
template <class T>
class Gathering {
public:
    // flow: the gradients of states are gathered too.
    Gathering(const Tape<T>& tape, int threads, bool flow)
        : schedule_(tape.schedule),
          row_pitch_(kGroup * tape.weights->gates.lanes),
          state_pitch_(tape.state_pitch()),
          unit_pitch_(tape.unit_pitch()),
          part_capacity_(part_capacity(tape.schedule, *tape.weights)),
          chunk_capacity_(threads > 1 ? gathered_rows(tape.schedule, *tape.weights, kChunkBytes) : part_capacity_) {
        for (Gathered<T>& half : halves_) {
            half.dgates = Buffer<T>(checked_product(tape.weights->slot_groups(), chunk_capacity_, row_pitch_));
            if (flow || tape.weights->projected()) {
                half.dstates = Buffer<T>(checked_product(chunk_capacity_, state_pitch_));
            }
            if (flow && traits(tape.weights->kind).has_cell_state) {
                half.dcells = Buffer<T>(checked_product(chunk_capacity_, unit_pitch_));
            }
        }
    }

    Index capacity() const { return part_capacity_; }  // rows of a part
    Index row_pitch() const { return row_pitch_; }
    Index group_stride() const { return chunk_capacity_ * row_pitch_; }
    bool has_states() const { return static_cast<bool>(halves_[0].dstates); }
    bool has_cells() const { return static_cast<bool>(halves_[0].dcells); }

    // The empty chunk after all visits, and the chunk before another, with its number counted from the last.
    Chunk<T> end() const { return {schedule_.visits(), schedule_.visits(), &halves_[0], schedule_.total()}; }
    // It does not begin before the visit `least`, with which a part begins.
    Chunk<T> before(const Chunk<T>& after, Index number, Index least) const {
        const auto rows_from = [&](Index visit) { return schedule_.offset(after.begin) - schedule_.offset(visit); };
        Index begin = part_before(after.begin);
        while (begin > least && rows_from(part_before(begin)) <= chunk_capacity_) begin = part_before(begin);
        return {begin, after.begin, &halves_[number % 2], schedule_.offset(begin)};
    }

    // Calls f(part) for the parts of a chunk, from the last to the first.
    template <class F>
    void for_parts(const Chunk<T>& chunk, const F& f) const {
        for (Index end = chunk.end; end > chunk.begin;) {
            const Index begin = part_before(end);
            f(Chunk<T>{begin, end, chunk.gathered, chunk.origin});
            end = begin;
        }
    }

    Index rows(const Chunk<T>& chunk) const { return schedule_.offset(chunk.end) - schedule_.offset(chunk.begin); }

    T* dgates(const Chunk<T>& chunk, Index visit) const {
        return chunk.gathered->dgates.data() + (schedule_.offset(visit) - chunk.origin) * row_pitch_;
    }
    T* dstates(const Chunk<T>& chunk, Index visit) const {
        return chunk.gathered->dstates.data() + (schedule_.offset(visit) - chunk.origin) * state_pitch_;
    }
    T* dcells(const Chunk<T>& chunk, Index visit) const {
        return chunk.gathered->dcells.data() + (schedule_.offset(visit) - chunk.origin) * unit_pitch_;
    }
    // First number of a row, those of a chunk or a part counted through, from a slot on.
    const T* row(const Chunk<T>& chunk, Index number, const Slots& slots) const {
        return dgates(chunk, chunk.begin) + number * row_pitch_ + slots.first * row_pitch_ / kGroup;
    }

    // Calls f(visit, its rows, number of the first of them within the chunk).
    template <class F>
    void for_visits(const Chunk<T>& chunk, const F& f) const {
        Index number = 0;
        for (Index visit = chunk.begin; visit < chunk.end; ++visit) {
            f(visit, schedule_.active(visit), number);
            number += schedule_.active(visit);
        }
    }

    // Calls f(visit, row, number of the row within the chunk).
    template <class F>
    void for_rows(const Chunk<T>& chunk, const F& f) const {
        for_visits(chunk, [&](Index visit, Index rows, Index number) {
            for (Index row = 0; row < rows; ++row) f(visit, row, number + row);
        });
    }

private:
    // A barrier takes as long as the products of some rows.
    static constexpr Index kChunkBytes = Index{384} * 1024;

    Index part_before(Index end) const { return part_begin(schedule_, part_capacity_, end); }

    const Schedule& schedule_;
    const Index row_pitch_, state_pitch_, unit_pitch_, part_capacity_, chunk_capacity_;
    // Two, used by turns: a chunk's first step needs the last gate gradients of the chunk after it, and a thread that
    // is done with its products may begin the next chunk while others still read this one.
    Gathered<T> halves_[2];
};

}  // namespace fastlstm
