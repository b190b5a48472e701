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
    Buffer<T> dstates;  // with a projection: gradients of h
};

// Visits [begin, end), and where they are gathered.
template <class T>
struct Chunk {
    Index begin, end;
    const Gathered<T>* gathered;
};

// Rows of a chunk at most: what the second-level cache holds beside other things, as every gathering costs a sweep over
// the sums; in a large layer so many that a group fits the first-level cache.
template <class T>
Index chunk_capacity(const Schedule& schedule, const Weights<T>& weights) {
    constexpr Index kBytes = 384 * 1024, kRowsAtLeast = 192;
    const Index row_bytes = weights.slot_groups() * kGroup * weights.gates.lanes * static_cast<Index>(sizeof(T));
    return std::min(std::max({schedule.active(0), kRowsAtLeast, kBytes / row_bytes}), schedule.total());
}

// The first visit of the chunk that ends before another visit.
inline Index chunk_begin(const Schedule& schedule, Index capacity, Index end) {
    Index begin = end - 1;
    while (begin > 0 && schedule.offset(end) - schedule.offset(begin - 1) <= capacity) --begin;
    return begin;
}

// Cuts the visits of a tape into chunks, from the last to the first, and tells where their rows lie.
template <class T>
class Gathering {
public:
    explicit Gathering(const Tape<T>& tape)
        : schedule_(tape.schedule),
          row_pitch_(kGroup * tape.weights->gates.lanes),
          state_pitch_(tape.state_pitch()),
          capacity_(chunk_capacity(tape.schedule, *tape.weights)) {
        for (Gathered<T>& half : halves_) {
            half.dgates = Buffer<T>(checked_product(tape.weights->slot_groups(), capacity_, row_pitch_));
            if (tape.weights->projected()) half.dstates = Buffer<T>(checked_product(capacity_, state_pitch_));
        }
    }

    Index capacity() const { return capacity_; }  // rows of a chunk
    Index row_pitch() const { return row_pitch_; }
    Index group_stride() const { return capacity_ * row_pitch_; }

    // The empty chunk after all visits, and the chunk before another, with its number counted from the last.
    Chunk<T> end() const { return {schedule_.visits(), schedule_.visits(), &halves_[0]}; }
    Chunk<T> before(const Chunk<T>& after, Index number) const {
        return {chunk_begin(schedule_, capacity_, after.begin), after.begin, &halves_[number % 2]};
    }

    Index rows(const Chunk<T>& chunk) const { return schedule_.offset(chunk.end) - schedule_.offset(chunk.begin); }

    T* dgates(const Chunk<T>& chunk, Index visit) const {
        return chunk.gathered->dgates.data() + (schedule_.offset(visit) - schedule_.offset(chunk.begin)) * row_pitch_;
    }
    T* dstates(const Chunk<T>& chunk, Index visit) const {
        return chunk.gathered->dstates.data() +
               (schedule_.offset(visit) - schedule_.offset(chunk.begin)) * state_pitch_;
    }
    // First number of a row, the rows of a chunk counted through, from a slot on.
    const T* row(const Chunk<T>& chunk, Index number, const Slots& slots) const {
        return chunk.gathered->dgates.data() + number * row_pitch_ + slots.first * row_pitch_ / kGroup;
    }

    // Calls f(visit, row, number of the row within the chunk).
    template <class F>
    void for_rows(const Chunk<T>& chunk, const F& f) const {
        std::size_t number = 0;
        for (Index visit = chunk.begin; visit < chunk.end; ++visit) {
            for (Index row = 0; row < schedule_.active(visit); ++row) f(visit, row, number++);
        }
    }

private:
    const Schedule& schedule_;
    const Index row_pitch_, state_pitch_, capacity_;
    // Two, used by turns: a chunk's first step needs the last gate gradients of the chunk after it, and a thread that
    // is done with its products may begin the next chunk while others still read this one.
    Gathered<T> halves_[2];
};

}  // namespace fastlstm
