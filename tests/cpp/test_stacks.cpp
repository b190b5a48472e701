// Layers on top of each other and side by side, in every way that a stack may choose.
#include <doctest/doctest.h>

#include "calls.hpp"
#include "layers/pipeline.hpp"
#include "layers/side_by_side.hpp"
#include "layers/stack.hpp"

namespace fastlstm {

namespace {

// L layers in D directions; a layer's input is all directions of the one below.
template <class T>
class Stack {
public:
    Stack(const Case& given, Sizes sizes, Index layers, Index directions)
        : directions_(directions), sizes_(sizes), S_(given.projected ? sizes.P : sizes.H) {
        for (Index layer = 0; layer < layers; ++layer) {
            for (Index direction = 0; direction < directions; ++direction) {
                Case one = given;
                one.reverse = direction == 1;
                problems_.push_back(std::make_unique<Problem<T>>(one, sizes));
            }
            sizes.I = directions * S_;
        }
    }

    // run(passes) on arrays of its own; what came out.
    template <class Run>
    Results<T> results(const Run& run) const {
        Numbers<T> y = unwritten<T>(sizes_.T * sizes_.N * directions_ * S_);
        std::vector<ForwardOutputs<T>> out;
        for (const auto& problem : problems_) out.emplace_back(*problem);
        wait_for_the_pool();
        CHECK(run(passes(y, out)));
        Results<T> results{{"y", y}};
        for (const ForwardOutputs<T>& states : out) {
            results.push_back({"h_n", states.h_n});
            results.push_back({"c_n", states.c_n});
        }
        return without_empty(results);
    }

private:
    std::vector<Pass<T>> passes(Numbers<T>& y, std::vector<ForwardOutputs<T>>& out) const {
        std::vector<Pass<T>> passes;
        for (std::size_t i = 0; i < problems_.size(); ++i) {
            const Problem<T>& problem = *problems_[i];
            ForwardArrays<T> arrays = forward_arrays(problem, out[i]);
            const auto direction = static_cast<Index>(i) % directions_;
            if (static_cast<Index>(i) >= directions_) arrays.x = {};
            arrays.y = {};
            if (i + static_cast<std::size_t>(directions_) >= problems_.size()) {
                const Index width = directions_ * S_;
                arrays.y = {y.data() + direction * S_, sizes_.N * width, width};
            }
            passes.push_back({problem.weights.get(), &problem.schedule, arrays});
        }
        return passes;
    }

    const Index directions_;
    const Sizes sizes_;
    const Index S_;
    std::vector<std::unique_ptr<Problem<T>>> problems_;
};

template <class T>
void check_stack(const Case& given, const Sizes& sizes, Index layers, Index directions) {
    INFO(given.name << " layers " << layers << " directions " << directions);
    const Stack<T> stack(given, sizes, layers, directions);
    const auto run = [&](std::vector<Pass<T>> passes) { return forward_stack<T>(std::move(passes), directions, {}); };
    const Results<T> wanted = [&] {
        const Threads one(1);
        return stack.results(run);
    }();
    CHECK(first_unwritten(wanted) == "");
    for (const int threads : {2, 3, 5}) {
        CAPTURE(threads);
        const Threads several(threads);
        CHECK(first_difference(stack.results(run), wanted) == "");
        if (layers == 1) {
            CHECK(first_difference(stack.results([](const std::vector<Pass<T>>& passes) {
                      return forward_side_by_side<T>(passes, {});
                  }),
                                   wanted) == "");
        } else if (directions == 1 && given.valid == Valid::all && !given.reverse) {
            CHECK(first_difference(stack.results([&](std::vector<Pass<T>> passes) {
                      return forward_pipelined<T>(std::move(passes), std::min(threads, static_cast<int>(layers)), {});
                  }),
                                   wanted) == "");
        }
    }
}

// Enough work for teams: rows or units to split, and chunks for a pipeline.
constexpr Sizes kFewRows{65, 2, 40, 60, 35}, kManyRows{9, 35, 13, 33, 22}, kLarge{6, 3, 70, 131, 67};

std::vector<Case> stacked_cases() {
    std::vector<Case> cases{projected_lstm(), with_other_activations(CellKind::gru)};
    for (const CellKind kind : kCells) cases.push_back(standard(kind));
    return cases;
}

}  // namespace

TEST_CASE("layers on top of each other") {
    for (const Case& given : stacked_cases()) check_stack<float>(given, kFewRows, 3, 1);
    check_stack<float>(standard(CellKind::lstm), kManyRows, 2, 1);
    check_stack<double>(standard(CellKind::gru), kFewRows, 5, 1);
}

TEST_CASE("two directions") {
    for (const Case& given : stacked_cases()) check_stack<float>(given, kFewRows, 1, 2);
    check_stack<float>(standard(CellKind::lstm), kLarge, 1, 2);
    check_stack<double>(projected_lstm(), kManyRows, 1, 2);
}

TEST_CASE("layers of two directions") {
    int way = 0;
    for (const Case& given : stacked_cases()) {
        Case made = on_way(given, way++ % kWays);
        made.reverse = made.other_order = false;
        check_stack<float>(made, kManyRows, 2, 2);
        check_stack<float>(made, kFewRows, 2, 2);
    }
}

TEST_CASE("stacks of several callers") {
    const Stack<float> pipelined(standard(CellKind::lstm), kFewRows, 3, 1), both(projected_lstm(), kFewRows, 1, 2);
    const Threads several(3);
    at_once(3, [&](int caller) {
        const Stack<float>& stack = caller % 2 ? pipelined : both;
        const Index directions = caller % 2 ? 1 : 2;
        stack.results(
            [&](std::vector<Pass<float>> passes) { return forward_stack<float>(std::move(passes), directions, {}); });
    });
}

}  // namespace fastlstm
