// Steps of optimizers: teams share the weights, whatever arrays the gradients come in.
#include <doctest/doctest.h>

#include "kernels/dispatch.hpp"
#include "layers/updates.hpp"
#include "results.hpp"
#include "threads.hpp"

namespace fastlstm {

namespace {

template <class T>
Results<T> take(const Update<T>& update, const std::vector<Index>& sizes, int threads) {
    const Threads several(threads);
    Random random(7);
    OptimizerStep<T> step{};
    std::vector<Numbers<T>> gradients;
    for (const Index size : sizes) {
        gradients.push_back(random_numbers<T>(size, 1, random));
        step.stretches.push_back({gradients.back().data(), size, T(0.5), T(2)});
        step.size += size;
    }
    const Numbers<T> w = random_numbers<T>(step.size, 1, random);
    Numbers<T> next = unwritten<T>(step.size);
    Results<T> found;
    for (int k = 0; k < update.kept; ++k) found.push_back({"kept", Numbers<T>(w.size(), T(0.5))});
    for (int k = 0; k < update.kept; ++k) step.kept[k] = found[static_cast<std::size_t>(k)].second.data();
    for (T& number : step.numbers) number = T(0.25);
    step.w = w.data();
    step.next = next.data();
    wait_for_the_pool();
    take_step(update, step);
    found.push_back({"next", next});
    return found;
}

template <class T>
void check(const KernelTable& table, const std::vector<Index>& sizes, const std::vector<int>& team_sizes) {
    for (const Update<T>& update : kernels_of<T>(table).updates) {
        INFO(table.name << " " << update.name);
        const Results<T> wanted = take(update, sizes, 1);
        CHECK(first_unwritten(wanted) == "");
        for (const int threads : team_sizes) CHECK(first_difference(take(update, sizes, threads), wanted) == "");
    }
}

}  // namespace

TEST_CASE("steps of optimizers on arrays of every size") {
    for (const KernelTable* table : available_tables()) {
        for (Index size = 0; size < 40; ++size) {
            check<float>(*table, {size, 40 - size}, {});
            check<double>(*table, {size, 40 - size}, {});
        }
    }
}

TEST_CASE("a step of an optimizer by a team") {
    check<float>(active_table(), {5, 300'003, 1, 20'000}, {2, 3, 8});
    check<double>(active_table(), {290'001}, {3});
}

}  // namespace fastlstm
