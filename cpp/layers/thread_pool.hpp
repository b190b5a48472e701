// A team of threads for one call, from one pool for the process.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include "../kernels/kernel_table.hpp"
#include "interruption.hpp"

namespace fastlstm {

constexpr int kMostThreads = 1024;
constexpr double kWorthATeam = 1.0e6;  // multiply-adds of a call; waking a team takes some ten microseconds

// FASTLSTM_NUM_THREADS, else OMP_NUM_THREADS, else the processors this process may use, until set. Throws
// std::invalid_argument for a number of the first outside 1..kMostThreads.
int num_threads();
void set_num_threads(int n);

// The threads a team can have where the system refused to start more, as in a container with a limit; 0: it never did.
int granted_threads();

// Differs in a forked child from what it was in the parent. Only the forking thread lives on there.
unsigned fork_generation();

using Clock = std::chrono::steady_clock;

// What a thread knows of the team it runs in.
class Team {
public:
    explicit Team(int size) : size_(size) {}
    int size() const { return size_; }
    // Waits until every thread of the team is here. Spins: barriers are microseconds apart. Waits for nobody once the
    // team is left behind.
    void barrier() {
        if (size_ > 1) wait_for_others();
    }
    // Whether this is a child that was forked meanwhile and so does not have the team's other threads.
    bool left_behind() const { return fork_generation() != generation_; }
    // Whether one thread would have been faster in a call that took so long, as threads waited for others that had no
    // processor.
    bool slower_than_one(Clock::duration took) const;

private:
    void wait_for_others();

    const int size_;
    const unsigned generation_ = fork_generation();
    std::atomic<Clock::rep> waited_{0};  // by all threads, where a wait was far longer than a barrier takes
    std::atomic<int> waiting_{0};
    std::atomic<unsigned> passed_{0};  // barriers so far
};

// The range [begin, end) of `count` things that thread `rank` of `size` takes, cut at multiples of `grain`.
struct Range {
    Index begin, end;
};
Range thread_range(Index count, int rank, int size, Index grain = 1);

class Pool;

// A claim on the pool for the length of one call. Made for `wanted` threads it has that many or those the system
// grants, or one (the caller alone) if another call has the pool or a team has lately waited for a processor that
// another process had.
class TeamLease {
public:
    explicit TeamLease(int wanted);

    int size() const { return size_; }
    // Runs work(rank, team) on every thread of the team, the caller being rank 0; returns when all are done. `work`
    // must not throw.
    void run(const std::function<void(int, Team&)>& work);

private:
    int size_ = 1;
    Pool* pool_ = nullptr;
    std::unique_lock<std::mutex> claim_;
};

// Calls work(begin, end) for ranges of `count` things, on `at_most` threads, several if all of them take as long as a
// team's worth of multiply-adds. Not from within a team or under a lease.
void parallel_for(Index count, double multiply_adds, Index at_most, const std::function<void(Index, Index)>& work);

// The same in parts of `part` things, between which the calling thread asks whether to stop; false: it did, and some of
// the work is left.
template <class F>
bool parallel_for(Index count, double multiply_adds, Index at_most, Index part, StopRequested stop_requested,
                  const F& work) {
    Interruption interruption(std::move(stop_requested));
    parallel_for(count, multiply_adds, at_most, [&](Index begin, Index end) {
        const int rank = begin == 0 ? 0 : 1;  // the first range is that of the calling thread
        for (Index at = begin; at < end && !interruption.anywhere(rank); at += part) work(at, std::min(at + part, end));
    });
    return !interruption.stopped();
}

}  // namespace fastlstm
