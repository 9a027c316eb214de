/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer_source: who is asked for replies that are not at hand. What serves
 * sockets knows no more of policies than this; tests have scripts of it.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/socketmap.h"

struct answer {
	struct str reply;  /* content, as socketmap_reply_write makes it */
	struct str domain; /* what it is about; empty: nothing that changes */
	int64_t valid_ms;  /* how long it may be given again; 0: not at all */
};

/* The answer is borrowed. */
typedef void answer_fn(void *ctx, const struct answer *answer);

struct answer_source {
	void *ctx;
	/*
	 * The answer, if nothing has to be looked up; it lives in a. ST_AGAIN:
	 * ask; anything else: no answer can be given now.
	 */
	enum status (*now)(void *ctx, struct arena *a,
		const struct socketmap_request *request, struct answer *out);
	/*
	 * Asks: fn is called once, never before this returns, unless it is
	 * cancelled. The request is copied. Gives a handle that is good until
	 * either happens.
	 */
	void *(*ask)(void *ctx, const struct socketmap_request *request,
		answer_fn *fn, void *arg);
	void (*cancel)(void *ctx, void *handle);
};
