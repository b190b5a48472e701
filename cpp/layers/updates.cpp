#include "updates.hpp"

#include <algorithm>
#include <stdexcept>

#include "float_mode.hpp"
#include "thread_pool.hpp"

namespace fastlstm {

namespace {

constexpr Index kGrain = 4096;       // weights that one thread takes at least
constexpr double kMultiplyAdds = 4;  // a weight counts as so many: threads share the memory, too

// The part of a stretch, which begins at weight `first`, that lies between weights `begin` and `end`.
template <class T>
void update_some(const Update<T>& update, const OptimizerStep<T>& step, const Stretch<T>& stretch, Index first,
                 Index begin, Index end) {
    begin = std::max(begin, first);
    end = std::min(end, first + stretch.size);
    if (begin >= end) return;
    UpdateArgs<T> args{
        step.w + begin, stretch.g + (begin - first), step.next + begin, {}, end - begin, stretch.decay, stretch.scale,
        step.numbers};
    for (int k = 0; k < update.kept; ++k) args.kept[k] = step.kept[k] + begin;
    update.step(args);
}

}  // namespace

template <class T>
const Update<T>& update_by(const std::string& rule, const Updates<T>& updates) {
    for (const Update<T>& update : updates) {
        if (rule == update.name) return update;
    }
    std::string rules;
    for (const Update<T>& update : updates) rules += (rules.empty() ? "'" : ", '") + std::string(update.name) + "'";
    throw std::invalid_argument("rule must be one of " + rules + ", got '" + rule + "'");
}

template <class T>
void take_step(const Update<T>& update, const OptimizerStep<T>& step) {
    const Index grains = (step.size + kGrain - 1) / kGrain;
    parallel_for(grains, kMultiplyAdds * static_cast<double>(step.size), grains, [&](Index begin, Index end) {
        const FlushSubnormals mode;
        Index first = 0;
        for (const Stretch<T>& stretch : step.stretches) {
            update_some(update, step, stretch, first, begin * kGrain, end * kGrain);
            first += stretch.size;
        }
    });
}

template <class T>
double squares(const Kernels<T>& kernels, const T* x, Index size) {
    const FlushSubnormals mode;
    return kernels.squares(x, size);
}

template const Update<float>& update_by(const std::string&, const Updates<float>&);
template const Update<double>& update_by(const std::string&, const Updates<double>&);
template void take_step(const Update<float>&, const OptimizerStep<float>&);
template void take_step(const Update<double>&, const OptimizerStep<double>&);
template double squares(const Kernels<float>&, const float*, Index);
template double squares(const Kernels<double>&, const double*, Index);

}  // namespace fastlstm
