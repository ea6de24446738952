/* SPDX-License-Identifier: Apache-2.0 */
/* The C ABI of Limber, for C99 and later. Handles are opaque; structs never cross the border. C++ programs use
 * limber.hpp, which is these functions with handles that free themselves and errors that are thrown.
 *
 * Errors: a function that can fail returns a limber_status (0 is success), or NULL for the functions that make a
 * handle. limber_last_error() then says what was found, what is legal and what to do next. Nothing is logged, nothing
 * exits. Threads: a model is immutable and may be used by any number of threads. A session belongs to one thread at a
 * time; two sessions of one model run at once without locks. A session keeps its model alive, so the order of freeing
 * is free. Strings returned are UTF-8, owned by the handle they came from. */
#ifndef LIMBER_LIMBER_H_
#define LIMBER_LIMBER_H_
#include <stddef.h>
#include <stdint.h>

#define LIMBER_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct limber_model limber_model;
typedef struct limber_session limber_session;
typedef struct limber_managed limber_managed;

typedef enum limber_status {
  LIMBER_OK = 0,
  LIMBER_INVALID_ARGUMENT = 1, /* not legal: an unknown member, a wrong size, NULL */
  LIMBER_BAD_FILE = 2,         /* truncated, corrupt, foreign or hostile */
  LIMBER_NOT_FOUND = 3,
  LIMBER_IO = 4,
  LIMBER_UNSUPPORTED = 5, /* legal, but this build or machine cannot do it */
  LIMBER_INTERNAL = 6     /* a bug in Limber, or no memory */
} limber_status;

LIMBER_EXPORT const char* limber_version(void);
/* Of this thread's last failed call; "" and LIMBER_OK before any. Valid until this thread's next failing call. */
LIMBER_EXPORT const char* limber_last_error(void);
LIMBER_EXPORT limber_status limber_last_status(void);

/* Reads, checks and compiles a model file: milliseconds to seconds. isa: NULL for the best this machine has, or
 * "avx512", "avx2", "sse4", "neon", "reference". NULL on failure. Packed weights are kept in a cache that processes
 * share: $LIMBER_CACHE, else $XDG_CACHE_HOME/limber, else ~/.cache/limber. */
LIMBER_EXPORT limber_model* limber_model_open(const char* path, const char* isa);
/* The same with a folder for the cache; "" keeps the packed weights in private memory and writes nothing. */
LIMBER_EXPORT limber_model* limber_model_open_cached(const char* path, const char* isa, const char* cache);
LIMBER_EXPORT void limber_model_free(limber_model* model); /* NULL is allowed */
LIMBER_EXPORT const char* limber_model_name(const limber_model* model);
LIMBER_EXPORT const char* limber_model_hash(const limber_model* model); /* SHA-256 of the weights, hexadecimal */
LIMBER_EXPORT const char* limber_model_isa(const limber_model* model);
/* Members in ascending cost, numbered from 0. */
LIMBER_EXPORT int limber_model_members(const limber_model* model);
LIMBER_EXPORT const char* limber_model_member_name(const limber_model* model, int member); /* NULL: no such member */
LIMBER_EXPORT const char* limber_model_choice(const limber_model* model, int member);    /* "groups=1"; NULL as above */
LIMBER_EXPORT int limber_model_find_member(const limber_model* model, const char* name); /* -1: no such member */
LIMBER_EXPORT int64_t limber_model_macs(const limber_model* model, int member);          /* -1: no such member */
LIMBER_EXPORT int limber_model_exits(const limber_model* model); /* of the anytime plan; 0 without one */
/* Top-1 accuracy, 0..1, that the file states for a split ("test", "validation"); -1 where it states none. */
LIMBER_EXPORT double limber_model_top1(const limber_model* model, int member, const char* split);
/* Bytes: "weights" (packed, the whole family once), "padding" (of these), "per_member" (all members together), "arena"
 * (one session), "exit_plan", "exit_arena" (per image of anytime_images), "largest_alone" (of a model with the largest
 * member only). "shared" is 1 where processes share the packed weights. -1: no such key. */
LIMBER_EXPORT int64_t limber_model_memory(const limber_model* model, const char* key);
/* Of the images that `member` reads, and the length of its answer; -1: no such member. */
LIMBER_EXPORT int64_t limber_model_height(const limber_model* model, int member);
LIMBER_EXPORT int64_t limber_model_width(const limber_model* model, int member);
LIMBER_EXPORT int64_t limber_model_channels(const limber_model* model, int member);
LIMBER_EXPORT int64_t limber_model_outputs(const limber_model* model, int member);
/* The model's normalisation of a channel, x = (pixel / 255 - mean) / deviation. LIMBER_INVALID_ARGUMENT: no such
 * channel. */
LIMBER_EXPORT limber_status limber_model_normalisation(const limber_model* model, int64_t channel, float* mean,
                                                       float* deviation);
/* Name of a class, or NULL where the model has none for it. */
LIMBER_EXPORT const char* limber_model_label(const limber_model* model, int64_t output);
/* The largest output of one image's answer and its softmax probability (answers may be probabilities or logits; the
 * model knows which). confidence may be NULL. -1 and 0 on misuse. */
LIMBER_EXPORT int64_t limber_model_best(const limber_model* model, const float* answer, size_t outputs,
                                        float* confidence);

/* The smallest member is active. NULL on failure. */
LIMBER_EXPORT limber_session* limber_session_open(const limber_model* model);
LIMBER_EXPORT void limber_session_free(limber_session* session); /* NULL is allowed */
/* Keys: "member" (a name), "cores" ("0", "0,2"; "" is the calling thread alone) and "anytime_images" (largest batch of
 * limber_infer_anytime; "0" frees its memory). The last two rebuild the session's memory, and forget the state of a
 * network that has any. */
LIMBER_EXPORT limber_status limber_session_set(limber_session* session, const char* key, const char* value);
/* The switch to another member: an index is stored, nothing is copied or allocated. */
LIMBER_EXPORT limber_status limber_session_select(limber_session* session, int member);
LIMBER_EXPORT int limber_session_member(const limber_session* session);
/* Of networks over sequences: a run-time symbol (a length) of the inferences that follow. Symbols start at their
 * maximum, those that count the rows of a state at 0; a state is forgotten by reset_state. */
LIMBER_EXPORT limber_status limber_session_set_symbol(limber_session* session, const char* name, int64_t value);
LIMBER_EXPORT limber_status limber_session_reset_state(limber_session* session);

/* Of the pixels of the calls that follow: the size of their images, 1 to 16384 a side, which the session resizes to
 * what the active member reads, as the model says (kernels/resize.h; ImageNet models crop too). 0, 0: the pixels have
 * been resized, to the active member's size (anytime: the largest member's); so it is at first. Allocates, so that the
 * calls that follow need not. */
LIMBER_EXPORT limber_status limber_session_set_image_size(limber_session* session, int64_t height, int64_t width);

/* pixels: [images][height][width][channels], 0..255, preprocessed as the model says. planes:
 * [images][channels][height][width], already normalised. answers: [images][outputs]. Counts are elements of the arrays
 * and must be exact. No allocation. */
LIMBER_EXPORT limber_status limber_infer_pixels(limber_session* session, int64_t images, const uint8_t* pixels,
                                                size_t pixel_count, float* answers, size_t answer_count);
LIMBER_EXPORT limber_status limber_infer_planes(limber_session* session, int64_t images, const float* planes,
                                                size_t plane_count, float* answers, size_t answer_count);
/* After exit n (from 0) `answers` holds what member n answers, and publish(exit, user) is called; 0 stops there.
 * publish may be NULL. Planes have the largest member's size. *exits, if not NULL, receives the number published. Needs
 * "anytime_images". */
typedef int (*limber_publish)(int exit, void* user);
LIMBER_EXPORT limber_status limber_infer_anytime(limber_session* session, int64_t images, const uint8_t* pixels,
                                                 size_t pixel_count, float* answers, size_t answer_count,
                                                 limber_publish publish, void* user, int* exits);
LIMBER_EXPORT limber_status limber_infer_anytime_planes(limber_session* session, int64_t images, const float* planes,
                                                        size_t plane_count, float* answers, size_t answer_count,
                                                        limber_publish publish, void* user, int* exits);
/* Of the anytime calls that follow: nanoseconds of CLOCK_MONOTONIC, 0 for none. A call looks at the clock between two
 * layers and before it publishes: once the deadline has passed it gives up the exit it is at, so it returns at most one
 * layer late, and `answers` holds the last exit published in time (*exits may be 0: none was, `answers` is as before).
 */
LIMBER_EXPORT limber_status limber_session_set_deadline(limber_session* session, int64_t nanoseconds);

/* A managed session: the application says what it must reach and reports its frames; limberd, the daemon that divides a
 * device among applications, says which cores and members it may use. Without a daemon the same calls work and the
 * application manages itself: everything is allowed, and limber_managed_reason() says why. Nothing here blocks but
 * limber_managed_wait(), and no thread is started. A session belongs to one thread at a time.
 *
 *   limber_managed* managed = limber_managed_open("camera", NULL);
 *   limber_managed_add_member(managed, "25%", 0.88);           in ascending cost
 *   limber_managed_add_member(managed, "100%", 0.91);
 *   limber_managed_add_option(managed, 0, NULL, 1, 4.0);       ms of a frame on one core
 *   limber_managed_add_option(managed, 1, NULL, 1, 11.0);
 *   limber_managed_set(managed, "deadline_ms", "33");
 *   limber_managed_set(managed, "prefer", "accuracy");
 *   limber_managed_start(managed);
 *   for each frame: limber_managed_update(managed); ... infer with a member up to limber_managed_ceiling(managed) ...
 *                   limber_managed_report(managed, elapsed_ms, met, member, -1); */
/* socket: NULL for $LIMBERD_SOCKET, else /run/limber/limberd.sock. Nothing is sent before limber_managed_start(). */
LIMBER_EXPORT limber_managed* limber_managed_open(const char* name, const char* socket);
LIMBER_EXPORT void limber_managed_free(limber_managed* managed); /* NULL is allowed; gives everything back */
/* Before the start: members in ascending cost, their accuracy 0..1; and how long a frame takes on so many cores of a
 * processor at its highest clock (processor NULL: any, on the fastest cores). */
LIMBER_EXPORT limber_status limber_managed_add_member(limber_managed* managed, const char* name, double accuracy);
LIMBER_EXPORT limber_status limber_managed_add_option(limber_managed* managed, int member, const char* processor,
                                                      int cores, double ms);
/* Keys, at any time: "deadline_ms" (needed), "rate_hz" (frames a second; default one a deadline), "accuracy" (floor,
 * 0..1), "confidence" (the same for how sure answers are on average, as reported, 0..1; 0: not asked), "weight" (1: as
 * others), "prefer" ("efficiency", "accuracy"). Before the start only: "threads" ("12,13", by number; default: all the
 * process has then), "place" ("1": limberd puts these on the cores; "0", the default: the application does) and
 * "announces" ("1": the application calls limber_managed_begin() for each frame; "0" is the default). */
LIMBER_EXPORT limber_status limber_managed_set(limber_managed* managed, const char* key, const char* value);
LIMBER_EXPORT limber_status limber_managed_start(limber_managed* managed);
/* Reads what limberd has said since; 1: something changed, 0: nothing did, -1: an error. Looks for a limberd five times
 * a second while there is none. */
LIMBER_EXPORT int limber_managed_update(limber_managed* managed);
/* The same, but waits up to so long for the first decision. 1: managed, 0: not. */
LIMBER_EXPORT int limber_managed_wait(limber_managed* managed, int milliseconds);
/* Readable when there is something for limber_managed_update(); -1 without a connection. May change at every call. */
LIMBER_EXPORT int limber_managed_fd(const limber_managed* managed);
LIMBER_EXPORT int limber_managed_is_managed(const limber_managed* managed); /* 0: it manages itself */
LIMBER_EXPORT int limber_managed_ceiling(const limber_managed* managed);    /* the largest member that may answer */
LIMBER_EXPORT int limber_managed_floor(const limber_managed* managed);      /* the smallest that should */
/* Writes up to `capacity` logical CPUs and returns how many there are; 0: any. */
LIMBER_EXPORT size_t limber_managed_cpus(const limber_managed* managed, int* cpus, size_t capacity);
LIMBER_EXPORT const char* limber_managed_processor(const limber_managed* managed); /* "": any */
LIMBER_EXPORT int64_t limber_managed_khz(const limber_managed* managed);           /* planned; 0: not limberd's */
LIMBER_EXPORT int limber_managed_met(const limber_managed* managed); /* 1: the plan meets the target; 0: best effort */
/* One line for people; valid until the next update, wait or set. */
LIMBER_EXPORT const char* limber_managed_reason(const limber_managed* managed);
/* Of a session that announces its frames: one begins, and its deadline is in so many milliseconds. 1: limberd has
 * ordered what is best for this frame, and set its clock; ceiling, processor, cpus and reason are this frame's until
 * its report. 0: it has not (its clocks are not to be set, it is not there, or it did not answer within 5 ms or a tenth
 * of left_ms), and they are as they were. -1: an error. Costs some tens of microseconds; a frame that needs more than
 * planned gets a higher clock in time, without another call. */
LIMBER_EXPORT int limber_managed_begin(limber_managed* managed, double left_ms);
/* After a frame: how long the work took, whether it was in time, which member answered (most of) it, and how sure its
 * answers were on average (the softmax's largest probability, 0..1; below 0: not known). */
LIMBER_EXPORT limber_status limber_managed_report(limber_managed* managed, double elapsed_ms, int met, int member,
                                                  double confidence);

#ifdef __cplusplus
}
#endif
#endif
