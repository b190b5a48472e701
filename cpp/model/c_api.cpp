// The functions of fastlstm.h: those of fastlstm.hpp without exceptions.
#include "../include/fastlstm/fastlstm.h"

#include <cstring>
#include <new>

#include "../include/fastlstm/fastlstm.hpp"

struct fastlstm_model {
    const fastlstm::Model model;
};

struct fastlstm_stream {
    fastlstm::ModelStream stream;
};

namespace {

constexpr std::size_t kMostText = 1024;
thread_local char last_error[kMostText] = "";  // no text of the heap, which may be what is missing

fastlstm_status failed(fastlstm_status status, const char* text) {
    std::strncpy(last_error, text, kMostText - 1);
    return status;
}

// What a call of C++ ends with.
template <class F>
fastlstm_status guarded(const F& call) {
    try {
        call();
        return FASTLSTM_OK;
    } catch (const fastlstm::FileError& error) {
        return failed(FASTLSTM_BAD_FILE, error.what());
    } catch (const fastlstm::NotSupported& error) {
        return failed(FASTLSTM_NOT_SUPPORTED, error.what());
    } catch (const std::bad_alloc& error) {
        return failed(FASTLSTM_OUT_OF_MEMORY, error.what());
    } catch (const std::logic_error& error) {
        return failed(FASTLSTM_BAD_ARGUMENT, error.what());
    } catch (const std::exception& error) {
        return failed(FASTLSTM_FAILED, error.what());
    } catch (...) {
        return failed(FASTLSTM_FAILED, "an unknown error");
    }
}

void need(const void* pointer, const char* name) {
    if (!pointer) throw std::invalid_argument(std::string(name) + " must be there, got NULL");
}

}  // namespace

extern "C" {

const char* fastlstm_last_error(void) { return last_error; }

fastlstm_status fastlstm_load(const char* path, fastlstm_model** model) {
    return guarded([&] {
        need(path, "path");
        need(model, "model");
        *model = new fastlstm_model{fastlstm::Model::load(path)};
    });
}

fastlstm_status fastlstm_load_bytes(const void* bytes, size_t size, fastlstm_model** model) {
    return guarded([&] {
        need(model, "model");
        *model = new fastlstm_model{fastlstm::Model::load(bytes, size)};
    });
}

void fastlstm_free_model(fastlstm_model* model) { delete model; }

size_t fastlstm_input_size(const fastlstm_model* model) { return model ? model->model.input_size() : 0; }
size_t fastlstm_output_size(const fastlstm_model* model) { return model ? model->model.output_size() : 0; }
int fastlstm_gives_sequences(const fastlstm_model* model) { return model && model->model.gives_sequences(); }

fastlstm_status fastlstm_run(const fastlstm_model* model, const float* x, size_t rows, size_t steps, float* y) {
    return guarded([&] {
        need(model, "model");
        need(x, "x");
        need(y, "y");
        model->model.run(x, rows, steps, y);
    });
}

fastlstm_status fastlstm_open_stream(const fastlstm_model* model, size_t rows, fastlstm_stream** stream) {
    return guarded([&] {
        need(model, "model");
        need(stream, "stream");
        *stream = new fastlstm_stream{model->model.stream(rows)};
    });
}

fastlstm_status fastlstm_step(fastlstm_stream* stream, const float* x, float* y) {
    return guarded([&] {
        need(stream, "stream");
        need(x, "x");
        need(y, "y");
        stream->stream.step(x, y);
    });
}

fastlstm_status fastlstm_reset_stream(fastlstm_stream* stream) {
    return guarded([&] {
        need(stream, "stream");
        stream->stream.reset();
    });
}

void fastlstm_free_stream(fastlstm_stream* stream) { delete stream; }

fastlstm_status fastlstm_set_num_threads(int n) {
    return guarded([&] { fastlstm::set_num_threads(n); });
}

}  // extern "C"
