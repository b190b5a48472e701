// Several threads of the caller's at once, with the same weights and tapes: one call has the pool, the others run
// alone.
#include <doctest/doctest.h>

#include "calls.hpp"

namespace fastlstm {

namespace {

constexpr int kCallers = 4;

// Calls at once give what one gave on one thread.
template <class T, class Call>
void check(int threads, const Results<T>& wanted, const Call& call) {
    CHECK(first_unwritten(wanted) == "");
    const Threads several(threads);
    std::vector<Results<T>> got(kCallers);
    at_once(kCallers, [&](int caller) { got[static_cast<std::size_t>(caller)] = call(); });
    for (const Results<T>& one : got) CHECK(first_difference(one, wanted) == "");
}

template <class Call>
auto on_one_thread(const Call& call) {
    const Threads one(1);
    return call();
}

// The weights are new, so that all callers find their transposes missing.
template <class T>
void check_shared_weights(const Case& given, const Sizes& sizes) {
    INFO(given.name);
    const Problem<T> problem(given, sizes);
    const Results<T> wanted = on_one_thread([&] { return train_with(problem, problem.weights, Callers::many); });
    check(3, wanted, [&, weights = problem.pack()] { return train_with(problem, weights, Callers::many); });
}

constexpr Sizes kManyRows{12, 35, 13, 33, 22}, kFewRows{9, 5, 300, 131, 70};

}  // namespace

TEST_CASE("callers with the same weights") {
    for (const Case& given : all_cases_on_some_way()) check_shared_weights<float>(given, kManyRows);
    check_shared_weights<float>(projected_lstm(), kFewRows);
    check_shared_weights<float>(standard(CellKind::gru_reset_before), kFewRows);
}

TEST_CASE("callers that pack weights") {
    const Problem<float> problem(standard(CellKind::lstm), kFewRows);
    const auto call = [&] { return train(problem, Callers::many); };
    check(3, on_one_thread(call), call);
}

TEST_CASE("callers that take the same tape backward") {
    const Problem<float> problem(projected_lstm(), kManyRows);
    ForwardOutputs<float> out(problem);
    Tape<float> tape = empty_tape(problem, problem.weights);
    forward<float>(*problem.weights, problem.schedule, forward_arrays(problem, out), &tape, {});
    const auto call = [&] {
        BackwardOutputs<float> gradients(problem);
        backward<float>(tape, backward_arrays(problem, gradients), {});
        return gradients.results();
    };
    check(3, on_one_thread(call), call);
}

}  // namespace fastlstm
