#include "thread_pool.hpp"

#include "spin.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fastlstm {

namespace {

int processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    const unsigned hardware = std::thread::hardware_concurrency();
    return hardware ? static_cast<int>(hardware) : 1;
}

// A team meets every few microseconds. If a thread does not come for so long, another process has its processor, and a
// team is far slower than one thread; so for a while calls run alone. That may have been a moment: the rest is short at
// first, and twice as long whenever the next team is late again.
using Clock = std::chrono::steady_clock;
constexpr Clock::duration kPatience = std::chrono::milliseconds(1);
constexpr Clock::rep kShortestRest = Clock::duration(std::chrono::milliseconds(4)).count();
constexpr Clock::rep kLongestRest = Clock::duration(std::chrono::milliseconds(256)).count();
std::atomic<Clock::rep> rest_until{0}, rest{kShortestRest};

bool resting() {
    const Clock::rep until = rest_until.load(std::memory_order_relaxed);
    return until != 0 && Clock::now().time_since_epoch().count() < until;
}

// After a team's work. More threads than processors do not come in time anyway, and somebody wanted them.
void rest_if_late(const Team& team) {
    if (!team.late()) return rest.store(kShortestRest, std::memory_order_relaxed);
    if (team.size() > processors()) return;
    const Clock::rep length = rest.load();
    rest_until.store(Clock::now().time_since_epoch().count() + length);
    rest.store(std::min(2 * length, kLongestRest));
}

class Pool {
public:
    // One caller at a time; others find it busy.
    std::mutex busy;

    void run(int size, const std::function<void(int, Team&)>& work) {
        while (static_cast<int>(workers_.size()) < size - 1) add_worker();
        Team team(size);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            work_ = &work;
            team_ = &team;
            size_ = size;
            running_.store(size - 1);
            epoch_.fetch_add(1);
        }
        wake_.notify_all();
        work(0, team);
        while (!spin([&] { return running_.load() == 0; })) std::this_thread::yield();
        rest_if_late(team);
    }

private:
    void add_worker() {
        const int rank = static_cast<int>(workers_.size()) + 1;
        workers_.emplace_back([this, rank, seen = epoch_.load()] { serve(rank, seen); });
        workers_.back().detach();  // never joined: they sleep when the process ends
    }

    void serve(int rank, unsigned seen) {
        for (;;) {
            const auto called = [&] { return epoch_.load() != seen; };
            if (!spin(called)) {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, called);
            }
            const std::function<void(int, Team&)>* work;
            Team* team;
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                seen = epoch_.load();
                if (rank >= size_) continue;  // not of this team, which may be gone by now
                work = work_;
                team = team_;
            }
            (*work)(rank, *team);
            running_.fetch_sub(1);
        }
    }

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<unsigned> epoch_{0};
    std::atomic<int> running_{0};
    const std::function<void(int, Team&)>* work_ = nullptr;
    Team* team_ = nullptr;
    int size_ = 0;
};

// Leaked on purpose: daemon threads may still compute when the process ends, and a forked child must not touch the
// threads it did not inherit.
std::atomic<Pool*> pool{nullptr};

Pool& the_pool() {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(new Pool); });
    (void)registered;
    Pool* current = pool.load();
    if (!current) {
        Pool* fresh = new Pool;
        if (pool.compare_exchange_strong(current, fresh)) return *fresh;
        delete fresh;
    }
    return *pool.load();
}

int default_num_threads() {
    const char* wanted = std::getenv("FASTLSTM_NUM_THREADS");
    if (wanted && *wanted) {
        char* end = nullptr;
        const long number = std::strtol(wanted, &end, 10);
        if (*end == '\0' && number >= 1 && number <= kMostThreads) return static_cast<int>(number);
        throw std::invalid_argument("FASTLSTM_NUM_THREADS must be a whole number from 1 to " +
                                    std::to_string(kMostThreads) + ", got '" + wanted + "'");
    }
    return processors();
}

std::atomic<int> threads{0};

}  // namespace

int num_threads() {
    int number = threads.load();
    if (number == 0) threads.store(number = default_num_threads());
    return number;
}

void set_num_threads(int n) {
    if (n < 1 || n > kMostThreads) {
        throw std::invalid_argument("n must be a number of threads from 1 to " + std::to_string(kMostThreads) +
                                    ", got " + std::to_string(n));
    }
    threads.store(n);
}

void Team::meet() {
    if (size_ == 1) return;
    const unsigned meeting = meetings_.load();
    if (waiting_.fetch_add(1) + 1 == size_) {
        waiting_.store(0);
        meetings_.fetch_add(1);
        return;
    }
    const auto met = [&] { return meetings_.load() != meeting; };
    if (spin(met)) return;
    const Clock::time_point start = Clock::now();
    while (!spin(met)) std::this_thread::yield();
    if (Clock::now() - start > kPatience) late_.store(true);
}

Share share_of(Index count, int rank, int size, Index grain) {
    const Index grains = (count + grain - 1) / grain;
    const Index begin = grains * rank / size * grain, end = grains * (rank + 1) / size * grain;
    return {begin < count ? begin : count, end < count ? end : count};
}

TeamLease::TeamLease(int wanted) {
    if (wanted < 2 || resting()) return;
    claim_ = std::unique_lock<std::mutex>(the_pool().busy, std::try_to_lock);
    if (claim_.owns_lock()) size_ = wanted;
}

void TeamLease::run(const std::function<void(int, Team&)>& work) {
    if (size_ > 1) return the_pool().run(size_, work);
    Team alone(1);
    work(0, alone);
}

void share_out(Index count, double multiply_adds, Index at_most, const std::function<void(Index, Index)>& work) {
    const Index wanted = multiply_adds < kWorthATeam ? 1 : std::min<Index>(num_threads(), at_most);
    TeamLease lease(static_cast<int>(std::max<Index>(1, wanted)));
    lease.run([&](int rank, Team& team) {
        const Share share = share_of(count, rank, team.size());
        work(share.begin, share.end);
    });
}

}  // namespace fastlstm
