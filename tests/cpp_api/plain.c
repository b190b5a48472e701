/* A program in C: prints the output of a model for one row of zeros, or the error. */
#include <fastlstm/fastlstm.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char** arguments) {
    fastlstm_model* model = NULL;
    if (count != 2 || fastlstm_load(arguments[1], &model) != FASTLSTM_OK) {
        fprintf(stderr, "%s\n", fastlstm_last_error());
        return 1;
    }
    const size_t outputs = fastlstm_output_size(model);
    float* x = calloc(fastlstm_input_size(model), sizeof(float));
    float* y = calloc(outputs, sizeof(float));
    const int failed = !x || !y || fastlstm_run(model, x, 1, 1, y) != FASTLSTM_OK;
    for (size_t i = 0; !failed && i < outputs; ++i) printf("%.9g\n", y[i]);
    free(x);
    free(y);
    fastlstm_free_model(model);
    return failed;
}
