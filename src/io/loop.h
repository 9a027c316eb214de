/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: the event loop of a front process, a thin layer over libevent.
 *
 * Watchers are plain structs embedded in the object they serve; all zero means
 * stopped. They are started and stopped, never allocated, so nothing can fail
 * and nothing can leak. One turn of the loop runs the callbacks of all that is
 * ready, then the deferred calls of the turn in the order they came in.
 *
 * The contract every asynchronous call of the program builds on:
 *  - starting a watcher never calls back before it returns;
 *  - after a stop its callback does not come, not even when it was ready in the
 *    same turn; stopping twice is fine, also from any callback;
 *  - the memory of an object is freed by loop_defer, at the end of the turn, so
 *    that cancel and free are safe inside every callback.
 */
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct loop;

/* Bytes kept for libevent's struct event; checked when loop.c is compiled. */
#define LOOP_EVENT_BYTES 160

struct loop_event {
	alignas(16) unsigned char bytes[LOOP_EVENT_BYTES];
};

/* What a loop_io waits for, and what its callback is told. */
enum loop_ready {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
};

typedef void loop_io_fn(void *ctx, unsigned ready);
typedef void loop_fn(void *ctx);

struct loop_io {
	struct loop_event event;
	struct loop *loop; /* NULL: stopped */
	loop_io_fn *fn;
	void *ctx;
	unsigned want;
};

struct loop_timer {
	struct loop_event event;
	struct loop *loop; /* NULL: stopped */
	loop_fn *fn;
	void *ctx;
};

/* A call at the end of the turn that can still be taken back. */
struct loop_task {
	struct loop *loop; /* NULL: stopped */
	struct loop_task *next, *prev;
	loop_fn *fn;
	void *ctx;
};

struct loop_signal {
	struct loop_io io;
	loop_fn *fn;
	void *ctx;
	int fd;
};

/* A new loop; aborts when the kernel gives none. */
struct loop *loop_new(void);

/*
 * Runs the deferred calls that are left and frees the loop; clears *l; NULL is
 * allowed. Every watcher must be stopped.
 */
void loop_free(struct loop **l);

/* Turns until loop_stop. */
void loop_run(struct loop *l);

/* One turn; without wait it returns at once when nothing is ready. */
void loop_turn(struct loop *l, bool wait);

/* Ends loop_run at the end of this turn. */
void loop_stop(struct loop *l);

/*
 * Watches fd (borrowed, non-blocking) level-triggered until stopped; want is a
 * set of enum loop_ready and may be 0. An error or hang-up of fd shows as ready
 * for what is wanted.
 */
void loop_io_start(struct loop_io *io, struct loop *l, int fd, unsigned want,
	loop_io_fn *fn, void *ctx);
/* Changes want of a running watcher; no cost when it is the same. */
void loop_io_change(struct loop_io *io, unsigned want);
/* Must come before fd is closed. */
void loop_io_stop(struct loop_io *io);

/* One call after ms; starting it again moves it. It is stopped when called. */
void loop_timer_start(struct loop_timer *t, struct loop *l, int64_t ms,
	loop_fn *fn, void *ctx);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_running(const struct loop_timer *t);

/*
 * One call at the end of this turn, or of the next one when it is started by a
 * task or deferred call; starting a running task does nothing.
 */
void loop_task_start(
	struct loop_task *t, struct loop *l, loop_fn *fn, void *ctx);
void loop_task_stop(struct loop_task *t);

/*
 * fn(ctx) at the end of this turn, after its tasks: where objects are freed.
 * It cannot be taken back. What it defers in turn still runs in this turn.
 */
void loop_defer(struct loop *l, loop_fn *fn, void *ctx);

/*
 * Blocks signo for the process and calls fn in the loop whenever it came
 * (signalfd). Start before the first thread; a child made by fork inherits the
 * blocked mask and has to clear it before exec.
 */
void loop_signal_start(struct loop_signal *s, struct loop *l, int signo,
	loop_fn *fn, void *ctx);
void loop_signal_stop(struct loop_signal *s);

/* The monotonic time at which this turn began (outside a turn: now). */
struct mono loop_now(const struct loop *l);
