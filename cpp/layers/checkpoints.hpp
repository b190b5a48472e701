// Where a training forward keeps states in place of a tape, so that training needs little memory.
#pragma once

#include "sequence.hpp"

namespace fastlstm {

// How much of a tape may be there at a time; 0: all of it.
struct TapeBounds {
    Index visits = 0;  // about so many: whole parts of the sums of backward, so that their bits are the same
    Index bytes = 0;   // with the states kept in its place
};

// The visits of checkpoints, with or without masks of recurrent inputs, as few as the bytes allow; none where the tape
// is to be whole. Throws std::invalid_argument if no choice of them stays within the bytes.
template <class T>
std::vector<Index> checkpoint_visits(const Schedule& schedule, const Weights<T>& weights, bool masked,
                                     const TapeBounds& bounds);

}  // namespace fastlstm
