/* Models of fastlstm in C; what the calls do is told in fastlstm.hpp.
 *
 * Calls that can fail return a status and, if it is not FASTLSTM_OK, leave a text for fastlstm_last_error. Nothing is
 * thrown. A model may be used by many threads at once, a stream by one at a time. What was loaded or opened is freed
 * by its own function, which takes NULL too; a stream may outlive its model. */
#ifndef FASTLSTM_H
#define FASTLSTM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fastlstm_model fastlstm_model;
typedef struct fastlstm_stream fastlstm_stream;

typedef enum fastlstm_status {
    FASTLSTM_OK = 0,
    FASTLSTM_BAD_ARGUMENT = 1,
    FASTLSTM_BAD_FILE = 2,
    FASTLSTM_NOT_SUPPORTED = 3,
    FASTLSTM_OUT_OF_MEMORY = 4,
    FASTLSTM_FAILED = 5
} fastlstm_status;

/* Of the last call in this thread that failed; good until the next one. */
const char* fastlstm_last_error(void);

fastlstm_status fastlstm_load(const char* path, fastlstm_model** model);
fastlstm_status fastlstm_load_bytes(const void* bytes, size_t size, fastlstm_model** model);
void fastlstm_free_model(fastlstm_model* model);

/* 0 for NULL. */
size_t fastlstm_input_size(const fastlstm_model* model);
size_t fastlstm_output_size(const fastlstm_model* model);
int fastlstm_gives_sequences(const fastlstm_model* model);

/* x: rows x steps x input_size; y: rows x steps x output_size, or rows x output_size if it gives no sequences. */
fastlstm_status fastlstm_run(const fastlstm_model* model, const float* x, size_t rows, size_t steps, float* y);

fastlstm_status fastlstm_open_stream(const fastlstm_model* model, size_t rows, fastlstm_stream** stream);
/* x: rows x input_size; y: rows x output_size. */
fastlstm_status fastlstm_step(fastlstm_stream* stream, const float* x, float* y);
fastlstm_status fastlstm_reset_stream(fastlstm_stream* stream);
void fastlstm_free_stream(fastlstm_stream* stream);

fastlstm_status fastlstm_set_num_threads(int n);

#ifdef __cplusplus
}
#endif

#endif
