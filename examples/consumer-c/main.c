/* SPDX-License-Identifier: Apache-2.0 */
/* One grey picture through every member of a model. */
#include <limber/limber.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints what the member says; 0 if that went wrong. */
static int show(const limber_model* model, limber_session* session, int member) {
  size_t pixels = (size_t)(limber_model_height(model, member) * limber_model_width(model, member) *
                           limber_model_channels(model, member));
  size_t outputs = (size_t)limber_model_outputs(model, member);
  uint8_t* picture = malloc(pixels);
  float* answer = malloc(outputs * sizeof(float));
  int ok = picture && answer;
  if (ok) {
    memset(picture, 128, pixels);
    ok = limber_session_select(session, member) == LIMBER_OK &&
         limber_infer_pixels(session, 1, picture, pixels, answer, outputs) == LIMBER_OK;
  }
  if (ok) {
    float confidence;
    int64_t best = limber_model_best(model, answer, outputs, &confidence);
    const char* label = limber_model_label(model, best);
    printf("%s: %s (%g)\n", limber_model_member_name(model, member), label ? label : "?", confidence);
  }
  free(picture);
  free(answer);
  return ok;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL\n", argv[0]);
    return 2;
  }
  limber_model* model = limber_model_open(argv[1], NULL);
  limber_session* session = model ? limber_session_open(model) : NULL;
  int ok = session != NULL;
  for (int member = 0; ok && member < limber_model_members(model); ++member) ok = show(model, session, member);
  if (!ok) fprintf(stderr, "%s\n", limber_last_error());
  limber_session_free(session);
  limber_model_free(model);
  return ok ? 0 : 1;
}
