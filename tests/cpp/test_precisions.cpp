// Reduced precisions: what they round is inside the memory they are given, and that of every thread its own.
#include <doctest/doctest.h>

#include "calls.hpp"
#include "layers/dense.hpp"
#include "layers/stream.hpp"

namespace fastlstm {

namespace {

constexpr Precision kReduced[] = {Precision::int8, Precision::int8_int16, Precision::bfloat16};

std::vector<Case> cases_in(Precision precision) {
    std::vector<Case> cases;
    for (Case& given : all_cases_on_some_way()) {
        if (given.recurrent_masks && precision != Precision::bfloat16) continue;  // those are for training
        given.precision = precision;
        cases.push_back(given);
    }
    return cases;
}

Results<float> run(const Problem<float>& problem) {
    return problem.of.precision == Precision::bfloat16 ? train(problem) : infer(problem);
}

// On one thread and then on several.
void check(const Case& given, const Sizes& sizes, const std::vector<int>& team_sizes) {
    INFO(given.name << " N " << sizes.N << " I " << sizes.I << " H " << sizes.H << " precision "
                    << static_cast<int>(given.precision));
    const Problem<float> problem(given, sizes);
    const Results<float> wanted = [&] {
        const Threads one(1);
        return run(problem);
    }();
    CHECK(first_unwritten(wanted) == "");
    for (const int threads : team_sizes) {
        const Threads several(threads);
        CHECK(first_difference(run(problem), wanted) == "");
    }
}

void check_steps(const Case& given, const Sizes& sizes, int threads) {
    const Problem<float> problem(given, sizes);
    const Threads several(threads);
    Stream<float> stream({problem.weights}, sizes.N);
    Numbers<float> first = unwritten<float>(sizes.N * problem.S), y = first;
    for (Numbers<float>* out : {&first, &y}) {
        stream.write_state(0, problem.h_0.data(), problem.c_0.data());
        wait_for_the_pool();
        stream.step(problem.x.data(), sizes.I, out->data(), problem.S);
    }
    CHECK(first_unwritten<float>({{"y", y}}) == "");
    CHECK(first_difference<float>({{"y", y}}, {{"y", first}}) == "");
}

}  // namespace

TEST_CASE("precisions, small and of odd sizes") {
    Index number = 0;
    for (const Precision precision : kReduced) {
        for (const Case& given : cases_in(precision)) {
            check(given,
                  {1 + number % 7, 1 + number * 5 % 17, 1 + number * 7 % 23, 1 + number * 11 % 37, 1 + number * 3 % 19},
                  {});
            ++number;
        }
    }
}

TEST_CASE("precisions of teams that split rows or units") {
    for (const Precision precision : kReduced) {
        for (const Case& given : cases_in(precision)) {
            check(given, {20, 27, 13, 33, 22}, {3});
            check(given, {9, 5, 400, 131, 70}, {2});
        }
    }
}

TEST_CASE("precisions of steps and products") {
    for (const Precision precision : kReduced) {
        for (Case given : {standard(CellKind::lstm), standard(CellKind::gru), projected_lstm()}) {
            given.precision = precision;
            check_steps(given, {1, 3, 5, 9, 7}, 1);
            check_steps(given, {1, 40, 130, 131, 70}, 3);
        }
        Random random(5);
        const Numbers<float> kernel = random_numbers<float>(33 * 21, 1, random),
                             x = random_numbers<float>(200 * 33, 1, random);
        const Dense<float> dense(active_kernels<float>(precision), 33, 21, {kernel.data(), 33, 1}, nullptr);
        Numbers<float> y = unwritten<float>(200 * 21);
        dense.apply(x.data(), 33, 200, y.data());
        CHECK(first_unwritten<float>({{"y", y}}) == "");
    }
}

}  // namespace fastlstm
