/* SPDX-License-Identifier: Apache-2.0 */
/* A C99 program on the installed library: one grey image through every member. */
#include <limber/limber.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL\n", argv[0]);
    return 2;
  }
  limber_model* model = limber_model_open(argv[1], NULL);
  limber_session* session = limber_session_open(model);
  if (!session) {
    fprintf(stderr, "%s\n", limber_last_error());
    limber_model_free(model);
    return 1;
  }
  int failed = 0;
  for (int member = 0; member < limber_model_members(model); ++member) {
    size_t pixels = (size_t)(limber_model_height(model, member) * limber_model_width(model, member) *
                             limber_model_channels(model, member));
    size_t outputs = (size_t)limber_model_outputs(model, member);
    uint8_t* image = malloc(pixels);
    float* answer = malloc(outputs * sizeof(float));
    if (!image || !answer) return 1;
    memset(image, 128, pixels);
    if (limber_session_set(session, "member", limber_model_member_name(model, member)) != LIMBER_OK ||
        limber_infer_pixels(session, 1, image, pixels, answer, outputs) != LIMBER_OK) {
      fprintf(stderr, "%s\n", limber_last_error());
      failed = 1;
    } else {
      printf("%s: first output %g\n", limber_model_member_name(model, member), answer[0]);
    }
    free(image);
    free(answer);
  }
  limber_session_free(session);
  limber_model_free(model);
  return failed;
}
