#include "pipeline.hpp"

#include <algorithm>
#include <thread>

#include "spin.hpp"

namespace fastlstm {

namespace {

// Multiply-adds of a chunk of visits: some ten microseconds, while handing it to another thread takes some tenths of
// one. The outputs of a few chunks stay in cache.
constexpr double kChunk = 1.0e6;
// A layer waits for the first chunk of the one below, and the threads wait with it; so a sequence has so many at least.
constexpr Index kChunksAtLeast = 16;
// W is read once for the inputs of a chunk, R at every visit. With so many rows in a chunk the share of W is small.
constexpr Index kRowsAtLeast = 8;
constexpr Index kRowsAtLeastAlone = 32;  // one thread waits for nothing
// Chunks that lie between two layers at most. Two would do; more let one thread be late without stopping the other.
constexpr Index kChunksBetween = 4;
// Each number that a thread reads of another one's outputs. They lie in a row, so fetching them overlaps.
constexpr double kHandedOver = 60;

// Layers, from the first one on, that have the same thread for all chunks.
Index kept_layers(Index layers, Index threads) { return layers - layers % threads; }

// Visits of a chunk, a power of two.
template <class T>
Index chunk_visits(const std::vector<Pass<T>>& passes, int threads) {
    const Schedule& schedule = *passes.front().schedule;
    double layer = 0;
    for (const Pass<T>& pass : passes) layer += pass.work().per_visit() / static_cast<double>(passes.size());
    const Index worth = static_cast<Index>(kChunk / std::max(1.0, layer));
    const Index most = threads > 1 ? schedule.visits() / kChunksAtLeast : schedule.visits();
    const Index least = (threads > 1 ? kRowsAtLeast : kRowsAtLeastAlone) / std::max<Index>(1, schedule.rows());
    const Index wanted = std::max(std::min(worth, most), std::min(least, schedule.visits()));
    Index chunk = 1;
    while (2 * chunk <= wanted) chunk *= 2;
    return chunk;
}

template <class T>
class Pipeline {
public:
    Pipeline(std::vector<Pass<T>> passes, int threads, const StopRequested& stop_requested)
        : passes_(std::move(passes)),
          layers_(static_cast<Index>(passes_.size())),
          lease_(threads),
          chunk_(chunk_visits(passes_, lease_.size())),
          visits_(passes_.front().schedule->visits()),
          chunks_(divide_up(visits_, chunk_)),
          interruption_(stop_requested),
          progress_(passes_.size()) {
        for (std::size_t above = 1; above < passes_.size(); ++above) connect(passes_[above - 1], passes_[above]);
        for (const Pass<T>& pass : passes_) walks_.push_back(pass.walk({}, {}));
    }

    bool run() {
        lease_.run([this](int rank, Team&) { work(rank); });
        if (interruption_.stopped()) return false;
        for (const auto& walk : walks_) walk->finish();
        passes_.back().clear_skipped();
        return true;
    }

private:
    struct alignas(64) Progress {      // a cache line each
        std::atomic<Index> chunks{0};  // done by a layer
    };

    void connect(Pass<T>& below, Pass<T>& above) {
        const Index rows = below.schedule->rows(), H = below.output_size(), steps = kChunksBetween * chunk_;
        rings_.push_back(Buffer<T>(checked_product(steps, rows, H)));
        T* ring = rings_.back().data();
        below.arrays.y = {ring, rows * H, H, steps - 1};
        above.arrays.x = {ring, rows * H, H, steps - 1};
    }

    // In wave w layer l has chunk w - l, which needs chunks of earlier waves only: no two threads wait for each other.
    void work(int rank) {
        for (Index wave = 0; wave < chunks_ + layers_ - 1; ++wave) {
            for (Index layer = 0; layer < layers_; ++layer) {
                const Index chunk = wave - layer;
                if (chunk < 0 || chunk >= chunks_ || rank_of(layer, chunk) != rank) continue;
                if (!wait_until(rank, [&] { return may_start(layer, chunk); })) return;
                Team alone(1);
                at(walks_, layer)->walk(0, alone, chunk * chunk_, std::min(visits_, (chunk + 1) * chunk_));
                at(progress_, layer).chunks.store(chunk + 1);
            }
        }
        // Somebody has to listen for Ctrl-C until the last layer is done.
        if (rank == 0) wait_until(rank, [&] { return done(layers_ - 1) == chunks_; });
    }

    // A thread keeps its layers; those left over when all have the same number take turns.
    int rank_of(Index layer, Index chunk) const {
        return static_cast<int>((layer < kept_layers(layers_, lease_.size()) ? layer : layer + chunk) % lease_.size());
    }

    // The chunk before and the one below are there, and the place in the ring above is free.
    bool may_start(Index layer, Index chunk) const {
        return done(layer) == chunk && (layer == 0 || done(layer - 1) > chunk) &&
               (layer == layers_ - 1 || done(layer + 1) > chunk - kChunksBetween);
    }
    Index done(Index layer) const { return at(progress_, layer).chunks.load(); }

    // False: told to stop.
    template <class Ready>
    bool wait_until(int rank, const Ready& ready) {
        while (!interruption_.anywhere(rank)) {
            if (spin(ready)) return true;
            std::this_thread::yield();
        }
        return false;
    }

    template <class Vector>
    static auto& at(Vector& vector, Index i) {
        return vector[static_cast<std::size_t>(i)];
    }

    std::vector<Pass<T>> passes_;
    const Index layers_;
    TeamLease lease_;
    const Index chunk_, visits_, chunks_;
    Interruption interruption_;
    std::vector<Progress> progress_;
    std::vector<Buffer<T>> rings_;
    std::vector<std::unique_ptr<Walk<T>>> walks_;
};

}  // namespace

template <class T>
bool can_be_pipelined(const std::vector<Pass<T>>& passes) {
    return std::all_of(passes.begin(), passes.end(), [](const Pass<T>& pass) { return pass.schedule->in_order(); });
}

template <class T>
double pipeline_duration(const std::vector<Pass<T>>& passes, int threads) {
    std::vector<double> loads(static_cast<std::size_t>(threads));
    const auto layers = static_cast<Index>(passes.size());
    for (Index layer = 0; layer < layers; ++layer) {
        const Pass<T>& pass = passes[static_cast<std::size_t>(layer)];
        double load = duration(pass.work(), {});
        if (threads > 1 && layer > 0) {
            load += kHandedOver * static_cast<double>(pass.schedule->total() * pass.weights->input_size);
        }
        if (layer < kept_layers(layers, threads)) {
            loads[static_cast<std::size_t>(layer % threads)] += load;
        } else {
            for (double& each : loads) each += load / threads;
        }
    }
    const auto visits = static_cast<double>(std::max<Index>(1, passes.front().schedule->visits()));
    const double filling = static_cast<double>(chunk_visits(passes, threads) * (threads - 1)) / visits;
    return *std::max_element(loads.begin(), loads.end()) * (1 + filling);
}

template <class T>
bool forward_pipelined(std::vector<Pass<T>> passes, int threads, const StopRequested& stop_requested) {
    return Pipeline<T>(std::move(passes), threads, stop_requested).run();
}

template bool can_be_pipelined(const std::vector<Pass<float>>&);
template bool can_be_pipelined(const std::vector<Pass<double>>&);
template double pipeline_duration(const std::vector<Pass<float>>&, int);
template double pipeline_duration(const std::vector<Pass<double>>&, int);
template bool forward_pipelined(std::vector<Pass<float>>, int, const StopRequested&);
template bool forward_pipelined(std::vector<Pass<double>>, int, const StopRequested&);

}  // namespace fastlstm
