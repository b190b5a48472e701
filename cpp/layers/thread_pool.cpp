#include "thread_pool.hpp"

#include "processors.hpp"
#include "spin.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace fastlstm {

namespace {

// A team comes to a barrier every few microseconds. If a thread does not come for so long, another process has its
// processor. Where that made the team slower than one thread is, calls run alone for a while. That may have been a
// moment: the pause is short at first, and twice as long whenever the next team is late again.
constexpr Clock::duration kPatience = std::chrono::milliseconds(1);
constexpr Clock::rep kShortestBackoff = Clock::duration(std::chrono::milliseconds(4)).count();
constexpr Clock::rep kLongestBackoff = Clock::duration(std::chrono::milliseconds(256)).count();
std::atomic<Clock::rep> backoff_until{0}, backoff{kShortestBackoff};

bool backing_off() {
    const Clock::rep until = backoff_until.load(std::memory_order_relaxed);
    return until != 0 && Clock::now().time_since_epoch().count() < until;
}

// After a team's work. More threads than processors do not come in time anyway, and somebody wanted them.
void back_off_if_late(const Team& team, Clock::duration took) {
    if (!team.slower_than_one(took)) return backoff.store(kShortestBackoff, std::memory_order_relaxed);
    if (team.size() > processors()) return;
    const Clock::rep length = backoff.load();
    backoff_until.store(Clock::now().time_since_epoch().count() + length);
    backoff.store(std::min(2 * length, kLongestBackoff));
}

std::atomic<int> granted{0};
std::atomic<unsigned> forks{0};

}  // namespace

class Pool {
public:
    // One caller at a time; others find it busy.
    std::mutex busy;

    // Starts what is missing; returns how many threads a team of `wanted` has, the caller counted.
    int ready(int wanted) {
        while (workers_ < wanted - 1 && may_start()) {
            if (start_worker()) continue;
            refused_ = Clock::now();
            granted.store(workers_ + 1);
        }
        return std::min(wanted, workers_ + 1);
    }

    // `size` is no more than ready() said.
    void run(int size, const std::function<void(int, Team&)>& work) {
        Team team(size);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            work_ = &work;
            team_ = &team;
            size_ = size;
            running_.store(size - 1);
            epoch_.fetch_add(1);
        }
        const Clock::time_point start = Clock::now();
        wake_.notify_all();
        work(0, team);
        while (!spin([&] { return running_.load() == 0; }) && !team.left_behind()) std::this_thread::yield();
        back_off_if_late(team, Clock::now() - start);
    }

private:
    // Where the system has refused a thread it is asked again after a while, as limits change.
    bool may_start() const {
        constexpr Clock::duration kWhile = std::chrono::seconds(1);
        return refused_ == Clock::time_point{} || Clock::now() - refused_ > kWhile;
    }

    // Workers hold register tiles and short arrays of pointers, so a small stack will do.
    bool start_worker() {
        constexpr std::size_t kStack = std::size_t{1} << 20;
        pthread_attr_t attributes;
        if (pthread_attr_init(&attributes) != 0) return false;
        pthread_attr_setstacksize(&attributes, kStack);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);  // they sleep when the process ends
        auto start = std::make_unique<Start>(Start{this, workers_ + 1, epoch_.load()});
        pthread_t thread;
        const bool started = pthread_create(&thread, &attributes, &Pool::begin, start.get()) == 0;
        pthread_attr_destroy(&attributes);
        if (!started) return false;
        static_cast<void>(start.release());  // the thread has it
        ++workers_;
        return true;
    }

    struct Start {
        Pool* pool;
        int rank;
        unsigned seen;
    };
    static void* begin(void* given) {
        const std::unique_ptr<Start> start(static_cast<Start*>(given));
        start->pool->serve(start->rank, start->seen);
        return nullptr;
    }

    [[noreturn]] void serve(int rank, unsigned seen) {
        for (;;) {
            const auto called = [&] { return epoch_.load() != seen; };
            if (!spin(called)) {
                const std::lock_guard<std::mutex> lock(mutex_);
                while (!called()) sleep();
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

    // Under mutex_, until wake_ is notified. This is std::condition_variable::wait, which from GCC 12 on is a symbol
    // that the C++ library of older systems does not have: a wheel that calls it does not load there.
    void sleep() { pthread_cond_wait(wake_.native_handle(), mutex_.native_handle()); }

    int workers_ = 0;
    Clock::time_point refused_{};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<unsigned> epoch_{0};
    std::atomic<int> running_{0};
    const std::function<void(int, Team&)>* work_ = nullptr;
    Team* team_ = nullptr;
    int size_ = 0;
};

namespace {

// Leaked on purpose: daemon threads may still compute when the process ends, and a forked child must not touch the
// threads it did not inherit.
std::atomic<Pool*> pool{nullptr};

// A child makes a pool of its own when it first needs one.
void forget_pool() {
    forks.fetch_add(1);
    pool.store(nullptr);
}
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, &forget_pool);

Pool& the_pool() {
    Pool* current = pool.load();
    if (current) return *current;
    auto fresh = std::make_unique<Pool>();
    return pool.compare_exchange_strong(current, fresh.get()) ? *fresh.release() : *current;
}

// What OMP_NUM_THREADS says, by which programs that run many processes keep each to its share: a number, or one for
// each depth of nesting, of which the first counts. 0: nothing, or what OpenMP would not take either.
int openmp_threads() {
    const char* wanted = std::getenv("OMP_NUM_THREADS");
    if (!wanted) return 0;
    char* end = nullptr;
    const long number = std::strtol(wanted, &end, 10);
    while (*end == ' ') ++end;
    if (end == wanted || (*end != '\0' && *end != ',') || number < 1) return 0;
    return static_cast<int>(std::min<long>(number, kMostThreads));
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
    const int of_openmp = openmp_threads();
    return of_openmp ? of_openmp : processors();
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

int granted_threads() { return granted.load(); }

unsigned fork_generation() { return forks.load(); }

void Team::wait_for_others() {
    const unsigned before = passed_.load();
    if (waiting_.fetch_add(1) + 1 == size_) {
        waiting_.store(0);
        passed_.fetch_add(1);
        return;
    }
    const auto all_came = [&] { return passed_.load() != before; };
    if (spin(all_came)) return;
    const Clock::time_point start = Clock::now();
    while (!spin(all_came)) {
        if (left_behind()) return;
        std::this_thread::yield();
    }
    const Clock::duration waited = Clock::now() - start;
    if (waited > kPatience) waited_.fetch_add(waited.count());
}

// A thread that waited for w of a call's d worked d - w, and one alone would take the team's number of times as long:
// less than d if w > d (size - 1) / size. All but one wait at a time.
bool Team::slower_than_one(Clock::duration took) const {
    const double others = size_ - 1;
    return static_cast<double>(waited_.load()) * size_ > static_cast<double>(took.count()) * others * others;
}

Range thread_range(Index count, int rank, int size, Index grain) {
    const Index grains = (count + grain - 1) / grain;
    const Index begin = grains * rank / size * grain, end = grains * (rank + 1) / size * grain;
    return {begin < count ? begin : count, end < count ? end : count};
}

TeamLease::TeamLease(int wanted) {
    if (wanted < 2 || backing_off()) return;
    pool_ = &the_pool();
    claim_ = std::unique_lock<std::mutex>(pool_->busy, std::try_to_lock);
    if (claim_) size_ = pool_->ready(wanted);
}

void TeamLease::run(const std::function<void(int, Team&)>& work) {
    if (size_ > 1) return pool_->run(size_, work);
    Team alone(1);
    work(0, alone);
}

void parallel_for(Index count, double multiply_adds, Index at_most, const std::function<void(Index, Index)>& work) {
    const Index wanted = multiply_adds < kWorthATeam ? 1 : std::min<Index>(num_threads(), at_most);
    TeamLease lease(static_cast<int>(std::max<Index>(1, wanted)));
    lease.run([&](int rank, Team& team) {
        const Range range = thread_range(count, rank, team.size());
        work(range.begin, range.end);
    });
}

}  // namespace fastlstm
