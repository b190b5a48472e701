// Lets a long call be stopped at the same point by every thread of its team.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <utility>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Asked between chunks of a long call, on the calling thread; true ends the call early. May be empty.
using StopRequested = std::function<bool()>;

class Interruption {
public:
    explicit Interruption(StopRequested stop_requested) : stop_requested_(std::move(stop_requested)) {}

    // Called by every thread at its chunk number `chunk`, 0, 1, ...; true: leave now. Rank 0 names the chunk at which
    // all leave, once: others may be there already, and nobody shall wait at a barrier for a thread that has gone.
    bool at_chunk(int rank, Index chunk) {
        if (rank == 0 && !stopped() && asked_to_stop()) stop_at_.store(chunk + 1);
        return chunk >= stop_at_.load();
    }
    // The same for threads without barriers: each leaves when it next calls this.
    bool anywhere(int rank) {
        if (rank == 0 && asked_to_stop()) stop_at_.store(0);
        return stopped();
    }
    bool stopped() const { return stop_at_.load() != kNever; }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr Index kNever = std::numeric_limits<Index>::max();

    // Only rank 0 asks, at most every tenth of a second.
    bool asked_to_stop() {
        if (!stop_requested_ || Clock::now() - asked_ <= std::chrono::milliseconds(100)) return false;
        const bool stop = stop_requested_();
        asked_ = Clock::now();
        return stop;
    }

    const StopRequested stop_requested_;
    Clock::time_point asked_ = stop_requested_ ? Clock::now() : Clock::time_point();  // tiny calls need no clock
    std::atomic<Index> stop_at_{kNever};
};

}  // namespace fastlstm
