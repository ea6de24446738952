/* SPDX-License-Identifier: Apache-2.0 */
/* What is on these pictures? Asks one member of a model, or for the best answer within a deadline. */
#define _POSIX_C_SOURCE 200809L
#include <limber/limber.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A binary PGM (grey) or PPM (RGB) of 8 bits without comments, of any size; NULL if it is none. */
static uint8_t* read_picture(const char* name, limber_session* session, int64_t channels, size_t* count) {
  FILE* file = fopen(name, "rb");
  char kind = 0;
  int width = 0, height = 0, largest = 0;
  uint8_t* pixels = NULL;
  if (file && fscanf(file, "P%c%d%d%d", &kind, &width, &height, &largest) == 4 && kind == (channels == 1 ? '5' : '6') &&
      largest == 255 && fgetc(file) != EOF && limber_session_set_image_size(session, height, width) == LIMBER_OK) {
    *count = (size_t)(height * (int64_t)width * channels);
    pixels = malloc(*count);
  }
  if (pixels && fread(pixels, 1, *count, file) != *count) {
    free(pixels);
    pixels = NULL;
  }
  if (file) fclose(file);
  if (!pixels) fprintf(stderr, "%s: not a readable binary %s of 8 bits\n", name, channels == 1 ? "PGM" : "PPM");
  return pixels;
}

/* Prints the answer; 0 if that went wrong. anytime_ms below 0: the active member's. */
static int show(const char* name, const limber_model* model, limber_session* session, double anytime_ms) {
  size_t count = 0, outputs = (size_t)limber_model_outputs(model, 0);
  uint8_t* picture = read_picture(name, session, limber_model_channels(model, 0), &count);
  float* answer = malloc(outputs * sizeof(float));
  int member = limber_session_member(session), exits = 0, ok = picture && answer;
  if (ok && anytime_ms >= 0) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    limber_session_set_deadline(session, now.tv_sec * INT64_C(1000000000) + now.tv_nsec + (int64_t)(anytime_ms * 1e6));
    ok = limber_infer_anytime(session, 1, picture, count, answer, outputs, NULL, NULL, &exits) == LIMBER_OK;
    member = exits - 1;
    if (!ok) fprintf(stderr, "%s\n", limber_last_error());
    if (ok && member < 0) fprintf(stderr, "%s: no answer in time\n", name);
    ok = ok && member >= 0;
  } else if (ok) {
    ok = limber_infer_pixels(session, 1, picture, count, answer, outputs) == LIMBER_OK;
    if (!ok) fprintf(stderr, "%s\n", limber_last_error());
  }
  if (ok) {
    float confidence;
    const char* label = limber_model_label(model, limber_model_best(model, answer, outputs, &confidence));
    printf("%s: %s, %g, by %s\n", name, label ? label : "", confidence, limber_model_member_name(model, member));
  }
  free(picture);
  free(answer);
  return ok;
}

int main(int argc, char** argv) {
  int anytime = argc > 4 && strcmp(argv[2], "--deadline-ms") == 0;
  if (argc < 5 || (!anytime && strcmp(argv[2], "--member") != 0)) {
    fprintf(stderr, "usage: %s MODEL --member NAME|--deadline-ms MS PICTURE...\n", argv[0]);
    return 2;
  }
  limber_model* model = limber_model_open(argv[1], NULL);
  limber_session* session = model ? limber_session_open(model) : NULL;
  int ok = session &&
           limber_session_set(session, anytime ? "anytime_images" : "member", anytime ? "1" : argv[3]) == LIMBER_OK;
  if (!ok) fprintf(stderr, "%s\n", limber_last_error());
  for (int i = 4; ok && i < argc; ++i) ok = show(argv[i], model, session, anytime ? atof(argv[3]) : -1);
  limber_session_free(session);
  limber_model_free(model);
  return ok ? 0 : 1;
}
