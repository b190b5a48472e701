// Which rows run at which visit, and which time step each of them visits then.
#pragma once

#include <vector>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Every row visits its own valid time steps, first to last or, reversed, last to first; its length is their number.
// Rows are ordered by falling length, so the rows running at a visit are the first `active(visit)` ones.
class Schedule {
public:
    // All steps are valid in every row.
    Schedule(Index steps, Index rows, bool reverse);
    // The first lengths[n] steps of row n are valid; N numbers in 0..T.
    Schedule(Index steps, Index rows, const Index* lengths, bool reverse);
    // The steps t of row n with mask[t * N + n] are valid; T * N truth values.
    Schedule(Index steps, Index rows, const bool* mask, bool reverse);

    Index steps() const { return steps_; }
    Index rows() const { return rows_; }
    Index visits() const { return visits_; }  // the longest length
    bool uniform() const { return order_.empty(); }
    bool in_order() const { return !reverse_ && times_.empty(); }  // every row visits step t at visit t

    Index original(Index row) const { return uniform() ? row : at(order_, row); }
    Index length(Index row) const { return uniform() ? visits_ : at(lengths_, row); }
    Index time(Index visit, Index row) const {
        const Index valid = reverse_ ? length(row) - 1 - visit : visit;
        return times_.empty() ? valid : at(times_, at(first_time_, row) + valid);
    }

    Index active(Index visit) const {
        if (visit >= visits_) return 0;
        return uniform() ? rows_ : at(active_, visit);
    }
    // Valid steps in the visits before this one, over all rows.
    Index offset(Index visit) const { return uniform() ? visit * rows_ : at(offset_, visit); }
    Index total() const { return offset(visits_); }

    // Calls skipped(t) for every step of a row that is not valid.
    template <class F>
    void for_skipped(Index row, const F& skipped) const {
        Index t = 0;
        for (Index valid = 0; valid < length(row); ++valid, ++t) {
            for (const Index next = times_.empty() ? t : at(times_, at(first_time_, row) + valid); t < next; ++t)
                skipped(t);
        }
        for (; t < steps_; ++t) skipped(t);
    }

private:
    static Index at(const std::vector<Index>& numbers, Index place) { return numbers[static_cast<std::size_t>(place)]; }
    void arrange(const std::vector<Index>& lengths);

    Index steps_, rows_, visits_;
    bool reverse_;
    std::vector<Index> order_, lengths_;     // by falling length; empty when uniform
    std::vector<Index> active_, offset_;     // by visit; offset_ has one more
    std::vector<Index> times_, first_time_;  // with a mask: valid steps of all rows, and where those of a row begin
};

}  // namespace fastlstm
