// Runs a model as programs in C++ and C do. Numbers come from standard input and go to standard output.
//
//   driver run MODEL ROWS STEPS      x (N, T, I) to y of a call in C++, and then that of one in C
//   driver step MODEL ROWS STEPS     x (N, T, I) to the outputs of T steps in C++, (T, N, O), and then those in C
//   driver sealed MODEL ROWS STEPS   the outputs of the steps in C++, where the system ends a process that calls it for
//                                    anything but to write; "no seal" where it has none
//   driver load MODEL ...            loads each in C: a line of the sizes, or of the status and the error
//
// Ends with an error if a step allocates.
#include <fastlstm/fastlstm.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fastlstm/fastlstm.hpp>
#include <vector>

#include "allocations.hpp"

namespace {

using Numbers = std::vector<float>;

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "%s: %s\n", what, fastlstm_last_error());
    std::exit(1);
}

// By the system's own call, which a sealed process has.
void write_out(const Numbers& numbers) {
    const char* at = reinterpret_cast<const char*>(numbers.data());
    const char* end = at + numbers.size() * sizeof(float);
    while (at < end) {
        const ssize_t written = write(STDOUT_FILENO, at, static_cast<std::size_t>(end - at));
        if (written < 0) std::abort();
        at += written;
    }
}

// A call of this program: the model in C++ and C, and its input.
struct Call {
    Call(const char* path, const char* row_count, const char* step_count)
        : model(fastlstm::Model::load(path)),
          rows(std::strtoul(row_count, nullptr, 10)),
          steps(std::strtoul(step_count, nullptr, 10)),
          x(rows * steps * model.input_size()),
          x_t(rows * model.input_size()),
          y_t(rows * model.output_size()) {
        check(fastlstm_load(path, &same) == FASTLSTM_OK, "fastlstm_load");
        check(std::fread(x.data(), sizeof(float), x.size(), stdin) == x.size(), "x");
    }
    ~Call() { fastlstm_free_model(same); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Calls step(x, y) for every time step, and writes y.
    template <class Step>
    void step_through(const Step& step) {
        const std::size_t size = model.input_size();
        for (std::size_t t = 0; t < steps; ++t) {
            for (std::size_t row = 0; row < rows; ++row) {
                std::memcpy(&x_t[row * size], &x[(row * steps + t) * size], size * sizeof(float));
            }
            const long before = allocations();
            step(x_t.data(), y_t.data());
            check(allocations() == before, "a step allocates");
            write_out(y_t);
        }
    }

    const fastlstm::Model model;
    fastlstm_model* same = nullptr;
    const std::size_t rows, steps;
    Numbers x, x_t, y_t;
};

void run(Call& call) {
    Numbers y(call.rows * (call.model.gives_sequences() ? call.steps : 1) * call.model.output_size());
    call.model.run(call.x.data(), call.rows, call.steps, y.data());
    write_out(y);
    check(fastlstm_run(call.same, call.x.data(), call.rows, call.steps, y.data()) == FASTLSTM_OK, "fastlstm_run");
    write_out(y);
}

void step(Call& call) {
    fastlstm::ModelStream stream = call.model.stream(call.rows);
    stream.step(call.x_t.data(), call.y_t.data());
    stream.reset();
    call.step_through([&](const float* x, float* y) { stream.step(x, y); });
    fastlstm_stream* same = nullptr;
    check(fastlstm_open_stream(call.same, call.rows, &same) == FASTLSTM_OK, "fastlstm_open_stream");
    call.step_through(
        [&](const float* x, float* y) { check(fastlstm_step(same, x, y) == FASTLSTM_OK, "fastlstm_step"); });
    fastlstm_free_stream(same);
}

// From now on the system ends this process when it calls it for anything but to write or to end.
bool seal() {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof rules / sizeof *rules, rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void step_sealed(Call& call) {
    fastlstm::ModelStream stream = call.model.stream(call.rows);
    if (!seal()) {
        std::fputs("no seal", stdout);
        return;
    }
    call.step_through([&](const float* x, float* y) { stream.step(x, y); });
    _exit(0);
}

void load(const char* path) {
    fastlstm_model* model = nullptr;
    const fastlstm_status status = fastlstm_load(path, &model);
    if (status != FASTLSTM_OK) {
        std::printf("%d %s\n", status, fastlstm_last_error());
    } else {
        std::printf("0 %zu %zu\n", fastlstm_input_size(model), fastlstm_output_size(model));
    }
    fastlstm_free_model(model);
}

}  // namespace

int main(int count, char** arguments) {
    const char* what = count > 1 ? arguments[1] : "";
    if (std::strcmp(what, "load") == 0) {
        for (int k = 2; k < count; ++k) load(arguments[k]);
        return 0;
    }
    check(count == 5, "driver run, step or sealed MODEL ROWS STEPS");
    Call call(arguments[2], arguments[3], arguments[4]);
    if (std::strcmp(what, "run") == 0) run(call);
    if (std::strcmp(what, "step") == 0) step(call);
    if (std::strcmp(what, "sealed") == 0) step_sealed(call);
}
